"""Groups: made of nodes, opened, left, written out, used again."""

from __future__ import annotations

from PySide6.QtCore import QRectF

from app.commands.base import Handlers
from nodes.commands import AddNode, Detach, MakeGroup, Ungroup, new_port
from nodes.groups import ENTRY, EXIT, GROUP

__all__ = ["GroupingCommands"]


class GroupingCommands(Handlers):
    """What is done with groups."""

    def group_make(self) -> None:
        """The selected nodes as one node, which is selected from now on."""
        chosen = self.session.selection
        if not chosen:
            self.session.said.emit("hint", "Select the nodes that become a group.")
            return
        number = len(self.session.document.groups) + 1
        canvas, whole = self.window.canvas, QRectF()
        for node in chosen:
            item = canvas.mirror.items[node]
            whole = whole.united(item.mapRectToScene(item.body()))
        place = canvas.free_position(whole.center(), leaving=chosen)
        title = "Group" if number == 1 else f"Group {number}"
        command = MakeGroup(tuple(chosen), title, position=place)
        if self.session.do(command):
            self.session.select([command.use])

    def group_ungroup(self) -> None:
        """What the selected group holds, in its place."""
        chosen = self._one_use("Select one group to write it out.")
        if chosen is None:
            return
        before = {node.id for node in self.session.levels.nodes}
        if self.session.do(Ungroup(chosen)):
            self.session.select([n.id for n in self.session.levels.nodes if n.id not in before])

    def group_detach(self) -> None:
        """A definition of its own for the selected use."""
        chosen = self._one_use("Select one use of a group to make it independent.")
        if chosen is not None and self.session.do(Detach(chosen)):
            self.session.select([])  # the node went and came back
            self.session.select([chosen])

    def group_open(self) -> None:
        """Show the inside of the selected group."""
        chosen = self._one_use("Select one group to open it.")
        if chosen is not None:
            self.session.levels.enter(chosen)

    def group_leave(self) -> None:
        """Go back to where the group is used."""
        if self.session.levels.inside:
            self.session.levels.leave()
        else:
            self.session.said.emit("hint", "No group is open.")

    def group_input(self) -> None:
        """A new port into the open group."""
        self._add_port(ENTRY)

    def group_output(self) -> None:
        """A new port out of the open group."""
        self._add_port(EXIT)

    def _add_port(self, kind: str) -> None:
        group = self.session.levels.group
        if not group:
            self.session.said.emit("hint", "Open a group first: ports stand inside it.")
            return
        canvas = self.window.canvas
        place = canvas.free_position(canvas.centre())
        node = new_port(self.session.document, kind, group, place)
        if self.session.do(AddNode(node)):
            self.session.select([node.id])
            canvas.reveal(node.id)

    def _one_use(self, otherwise: str) -> str | None:
        chosen = [
            node
            for node in self.session.selection
            if self.session.document.node(node).type == GROUP
        ]
        if len(chosen) == 1:
            return chosen[0]
        self.session.said.emit("hint", otherwise)
        return None
