"""A wire by keyboard: a port of the selected node, then its other end, in one popup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import theme
from app.chooser import Chooser, Entry
from nodes.catalogue import CATALOGUE, CATEGORIES
from nodes.commands import Connect
from nodes.document import Node
from nodes.types import can_connect

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["Wiring"]


class Wiring:
    """Three lists after each other: ports, ends that fit, node types that fit."""

    def __init__(self, window: MainWindow, node: Node) -> None:
        self.window, self.node = window, node
        self.side, self.port = "", ""
        self.ends: dict[str, Connect] = {}

    def open(self) -> None:
        """Ask; a node with one port is asked only for the other end."""
        spec = self.node.spec
        assert spec is not None
        entries = [Entry(f"out:{p.name}", f"{p.title} →", "output") for p in spec.outputs]
        entries += [Entry(f"in:{p.name}", f"→ {p.title}", "input") for p in spec.inputs]
        title = f"Wire from which port of {self.node.name}?"
        popup = Chooser(entries, title, self.window, width=300)
        popup.advance = lambda key: self._advance(popup, key)
        popup.chosen.connect(self._finish)
        popup.open_over(self.window.canvas)
        if len(entries) == 1:
            self._advance(popup, entries[0].key)

    def _advance(self, popup: Chooser, key: str) -> bool:
        kind, _, name = key.partition(":")
        if kind in ("out", "in"):
            self.side, self.port = kind, name
            popup.lead_on(self._ends(), "Wire to")
            return True
        if kind == "new":
            popup.lead_on(self._types(), "Add a node that fits")
            return True
        return False

    def _ends(self) -> list[Entry]:
        document, entries = self.window.session.document, []
        for other in self.window.session.levels.nodes:
            if other.spec is None:
                continue
            for theirs in other.spec.inputs if self.side == "out" else other.spec.outputs:
                ends = (
                    (self.node.id, self.port, other.id, theirs.name)
                    if self.side == "out"
                    else (other.id, theirs.name, self.node.id, self.port)
                )
                if can_connect(document, *ends) is None:
                    key = f"wire:{other.id}:{theirs.name}"
                    self.ends[key] = Connect(*ends)
                    title = f"{other.name} · {theirs.title}"
                    entries.append(Entry(key, title, other.title, other.spec.icon))
        return [*entries, Entry("new", "A new node…", "add", "plus-box-outline")]

    @property
    def _hanging(self) -> tuple[str, str, bool]:
        return (self.node.id, self.port, self.side == "in")

    def _types(self) -> list[Entry]:
        ground = theme.current().panel
        return [
            Entry(
                f"type:{spec.type}",
                spec.title,
                CATEGORIES[spec.category].title,
                spec.icon,
                theme.readable(CATEGORIES[spec.category].colour, ground).name(),
            )
            for spec in CATALOGUE.values()
            if self.window.canvas.fitting_port(spec, self._hanging) is not None
        ]

    def _finish(self, key: str) -> None:
        if key in self.ends:
            self.window.session.do(self.ends[key])
            return
        x, y = self.window.session.document.node(self.node.id).position
        where = self.window.canvas.beside(x, y, right=self.side == "out")
        self.window.commands.add_node(key.partition(":")[2], where, self._hanging)
