"""New nodes: from a list, by wire, from a file dropped on the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPointF

from app.commands.file import FileCommands
from nodes.assets import portable
from nodes.bundle import BUNDLE
from nodes.catalogue import CATALOGUE
from nodes.commands import AddNode, Command, Connect, Macro, new_node, new_use, splice
from nodes.document import Node
from nodes.errors import NodesError
from nodes.files import EXTENSION
from nodes.groups import spec_of

__all__ = ["USE", "AddCommands"]

#: What the key of a group among node types begins with.
USE = "group:"

_IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".npy"}


class AddCommands(FileCommands):
    """Everything that brings a node into the graph."""

    def add_node(
        self, kind: str, where: QPointF | None = None, wire: tuple[str, str, bool] | None = None
    ) -> None:
        """Add a node, wired to a port (node id, port name, is it an input) if one is given."""
        canvas, document = self.window.canvas, self.session.document
        position = canvas.free_position(where if where is not None else canvas.centre())
        group = self.session.levels.group
        try:
            if kind.startswith(USE):
                node = new_use(document, kind.removeprefix(USE), position, group)
            else:
                node = new_node(document, kind, position=position, group=group)
        except NodesError as error:
            self.session.said.emit("error", str(error))
            return
        commands: list[Command] = [AddNode(node)]
        into = canvas.wire_at(where) if where is not None and wire is None else None
        if into is not None:
            trial = document.copy()
            trial.insert_node(len(trial), node)
            node = trial.node(node.id)
            between = splice(trial, into, node)
            if between is not None:
                commands.append(between)
        if wire is not None and (connect := self._wire(node, wire)) is not None:
            commands.append(connect)
        text = f"Add {node.title.lower()}"
        done = self.session.do(commands[0] if len(commands) == 1 else Macro(text, tuple(commands)))
        if done:
            if kind in CATALOGUE:
                self.settings.count_use(kind)
            self.session.select([node.id])
            canvas.reveal(node.id)

    def _wire(self, made: Node, wire: tuple[str, str, bool]) -> Connect | None:
        node, port, is_input = wire
        spec = made.spec or spec_of(self.session.document, made)
        fitting = self.window.canvas.fitting_port(spec, wire) if spec is not None else None
        if fitting is None:
            return None
        new = made.id
        return Connect(new, fitting, node, port) if is_input else Connect(node, port, new, fitting)

    def drop_files(self, paths: list[Path], where: QPointF) -> None:
        """Documents are opened, images become nodes."""
        for path in paths:
            if path.suffix.lower() in (EXTENSION, BUNDLE):
                self.open_path(path)
                return
            if path.suffix.lower() == ".py":
                self.import_path(path)
                return
        images = [path for path in paths if path.suffix.lower() in _IMAGES]
        for index, path in enumerate(images):
            base = self.session.base if self.session.path else None
            node = new_node(
                self.session.document,
                "load_image",
                position=self.window.canvas.free_position(where + QPointF(30, 30) * index),
                group=self.session.levels.group,
                source=portable(path, base),
            )
            self.session.do(AddNode(node))
            self.session.select([node.id])
        if not images:
            self.session.said.emit(
                "warning", "Only documents of the studio, scripts and images can be dropped here."
            )
