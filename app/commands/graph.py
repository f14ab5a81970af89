"""Commands on the graph as a whole: what takes part, where it stands, how one gets about."""

from __future__ import annotations

import uuid
from dataclasses import replace

from app.canvas.places import GRID, Box, aligned, neighbour, spread
from app.canvas.quick_add import QuickAdd
from app.chooser import Chooser, Entry
from app.commands.base import Handlers
from app.commands.wiring import Wiring
from nodes.catalogue import CATALOGUE
from nodes.commands import (
    ChangeType,
    Dissolve,
    Macro,
    MoveNodes,
    PutFrame,
    SetMode,
)
from nodes.frames import Frame
from nodes.modes import through

__all__ = ["GraphCommands"]

_MARGIN, _TITLE = 20.0, 28.0


class GraphCommands(Handlers):
    """What is done to several nodes, or to the places of nodes."""

    # --- other types, other modes ---

    def edit_replace(self) -> None:
        """Offer the types that the selected node could become, its own category first."""
        if len(self.session.selection) != 1:
            self.session.said.emit("hint", "Select one node to replace it by another.")
            return
        node = self.session.document.node(self.session.selection[0])
        own = node.spec.category if node.spec else ""
        specs = sorted(
            (spec for spec in CATALOGUE.values() if spec.type != node.type),
            key=lambda spec: spec.category != own,
        )
        popup = QuickAdd(specs, f"Replace {node.name} by", self.window)
        popup.chosen.connect(lambda kind: self._replace(node.id, kind))
        popup.open_over(self.window.canvas)

    def _replace(self, node: str, kind: str) -> None:
        if self.session.do(ChangeType(node, kind)):
            self.session.select([node])
            self.window.inspector.rebuild()

    def edit_dissolve(self) -> None:
        chosen = list(self.session.selection)
        if len(chosen) == 1:
            self.session.do(Dissolve(chosen[0]))
        elif chosen:
            self.session.do(Macro("Remove and rejoin", tuple(map(Dissolve, chosen))))

    def edit_off(self) -> None:
        self._switch("off")

    def edit_bypass(self) -> None:
        document = self.session.document
        able = [n for n in self.session.selection if through(document.node(n).spec) is not None]
        if able:
            self._switch("bypass", able)
        elif self.session.selection:
            self._switch("bypass")  # the refusal says why

    def _switch(self, mode: str, chosen: list[str] | None = None) -> None:
        chosen = list(self.session.selection) if chosen is None else chosen
        if not chosen:
            self.session.said.emit("hint", "Select the nodes first.")
            return
        everything = all(self.session.document.node(n).mode == mode for n in chosen)
        self.session.do(SetMode(tuple(chosen), "" if everything else mode))

    # --- places ---

    def _boxes(self) -> dict[str, Box]:
        sizes = self.window.canvas.sizes()
        document = self.session.document
        return {
            node: (*document.node(node).position, *sizes.get(node, (160.0, 80.0)))
            for node in self.session.selection
        }

    def _align(self, edge: str) -> None:
        if len(self.session.selection) > 1:
            self._place(aligned(self._boxes(), edge), f"Align {edge} edges")

    def _place(self, places: dict[str, tuple[float, float]], text: str) -> None:
        if places:
            self.session.do(Macro(text, (MoveNodes(places),)))

    def edit_align_left(self) -> None:
        self._align("left")

    def edit_align_right(self) -> None:
        self._align("right")

    def edit_align_top(self) -> None:
        self._align("top")

    def edit_align_bottom(self) -> None:
        self._align("bottom")

    def edit_spread_across(self) -> None:
        self._place(spread(self._boxes(), True), "Spread across")

    def edit_spread_down(self) -> None:
        self._place(spread(self._boxes(), False), "Spread down")

    def _move(self, dx: int, dy: int) -> None:
        document = self.session.document
        places = {
            node: (document.node(node).position[0] + dx, document.node(node).position[1] + dy)
            for node in self.session.selection
        }
        if places:
            self.session.do(MoveNodes(places))

    def edit_move_left(self) -> None:
        self._move(-GRID, 0)

    def edit_move_right(self) -> None:
        self._move(GRID, 0)

    def edit_move_up(self) -> None:
        self._move(0, -GRID)

    def edit_move_down(self) -> None:
        self._move(0, GRID)

    # --- getting about ---

    def _walk(self, direction: str) -> None:
        selection = self.session.selection
        found = neighbour(
            self.session.levels.drawn, selection[-1] if selection else None, direction
        )
        if found is not None:
            self.session.select([found])
            self.window.canvas.reveal(found)

    def edit_walk_left(self) -> None:
        self._walk("left")

    def edit_walk_right(self) -> None:
        self._walk("right")

    def edit_walk_up(self) -> None:
        self._walk("up")

    def edit_walk_down(self) -> None:
        self._walk("down")

    def edit_find(self) -> None:
        """Find a node by its name, its title, its parameters or its note."""
        entries = [
            Entry(
                node.id,
                f"{node.name} — {node.title}",
                " ".join((node.type, node.summary, node.note)),
                node.spec.icon if node.spec else "help-circle-outline",
            )
            for node in self.session.document.nodes
        ]
        popup = Chooser(entries, "Find a node", self.window, width=320)
        popup.chosen.connect(self.show_node)
        popup.open_over(self.window.canvas)

    def show_node(self, node: str) -> None:
        """Select a node and bring it into view."""
        if self.session.levels.flat_graph.path(node)[-1] in self.session.document:
            self.session.select([node])
            for chosen in self.session.selection:
                self.window.canvas.reveal(chosen)
            self.window.canvas.viewer.setFocus()

    # --- wires by keyboard ---

    def edit_connect(self) -> None:
        """Choose a port of the selected node, then the other end of the wire."""
        if len(self.session.selection) != 1:
            self.session.said.emit("hint", "Select one node to start a wire from it.")
            return
        node = self.session.document.node(self.session.selection[0])
        if node.spec is not None:
            Wiring(self.window, node).open()

    # --- backdrops and notes ---

    def edit_backdrop(self) -> None:
        """A backdrop behind the selected nodes, or an empty one in the middle."""
        boxes = list(self._boxes().values())
        if boxes:
            left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
            right = max(b[0] + b[2] for b in boxes)
            bottom = max(b[1] + b[3] for b in boxes)
            rect = (
                left - _MARGIN,
                top - _MARGIN - _TITLE,
                right - left + 2 * _MARGIN,
                bottom - top + 2 * _MARGIN + _TITLE,
            )
        else:
            centre = self.window.canvas.centre()
            rect = (round(centre.x()) - 160, round(centre.y()) - 100, 320, 200)
        self._put(Frame(uuid.uuid4().hex, "backdrop", "Backdrop", rect, "blue"), "Add a backdrop")

    def edit_note(self) -> None:
        """A note in the middle of what is shown."""
        centre = self.window.canvas.centre()
        x, y = self.window.canvas.free_position(centre)
        frame = Frame(uuid.uuid4().hex, "note", "", (x, y, 200, 90), "orange")
        self._put(frame, "Add a note")

    def _put(self, frame: Frame, text: str) -> None:
        frame = replace(frame, group=self.session.levels.group)
        if self.session.do(PutFrame(frame, text)):
            self.window.canvas.frames.edit(frame.id)
