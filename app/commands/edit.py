"""Undo, clipboard, selection, places."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.canvas import clipboard
from app.canvas.arrange import arrange
from app.commands.base import Handlers
from nodes.commands import Command, Connect, Disconnect, Macro, MoveNodes, RemoveFrames, RemoveNodes
from nodes.document import Document

__all__ = ["EditCommands"]


class EditCommands(Handlers):
    """What the Edit menu asks for."""

    def edit_undo(self) -> None:
        self.session.undo()

    def edit_redo(self) -> None:
        self.session.redo()

    def edit_cut(self) -> None:
        self.edit_copy()
        self.edit_delete()

    def edit_copy(self) -> None:
        mime = clipboard.copied(self.session.document, self.session.selection)
        if mime is not None:
            QApplication.clipboard().setMimeData(mime)

    def edit_paste(self) -> None:
        mime = QApplication.clipboard().mimeData()
        pasted = clipboard.read(mime)
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if pasted is None and files:  # copied in a file manager
            self.window.commands.drop_files(files, self.window.canvas.paste_point())
            return
        if pasted is None:
            self.session.said.emit("hint", "There are no nodes on the clipboard.")
            return
        left = min((n.position[0] for n in pasted.members("")), default=0)
        top = min((n.position[1] for n in pasted.members("")), default=0)
        x, y = self.window.canvas.free_position(self.window.canvas.paste_point())
        self._paste(pasted, (x - left, y - top), "Paste")

    def edit_duplicate(self) -> None:
        mime = clipboard.copied(self.session.document, self.session.selection)
        pasted = clipboard.read(mime)
        if pasted is not None:
            self._paste(pasted, (36, 36), "Duplicate")

    def edit_duplicate_wired(self) -> None:
        """Copies that are fed by what feeds the originals."""
        document, chosen = self.session.document, list(self.session.selection)
        mime = clipboard.copied(document, chosen)
        pasted = clipboard.read(mime)
        if pasted is None:
            return
        made = clipboard.paste(
            document, pasted, (36, 36), "Duplicate with inputs", self.session.levels.group
        )
        if made is None:
            return
        inside = set(chosen)
        copies = made[1]
        wires = [
            Connect(wire.source, wire.output, copies[wire.target], wire.input)
            for wire in document.wires
            if wire.target in inside and wire.source not in inside and wire.target in copies
        ]
        if self.session.do(Macro(made[0].text, (*made[0].commands, *wires))):
            self.session.select(list(made[1].values()))

    def _paste(self, pasted: Document, offset: tuple[float, float], text: str) -> None:
        made = clipboard.paste(
            self.session.document, pasted, offset, text, self.session.levels.group
        )
        if made is not None and self.session.do(made[0]):
            self.session.select(list(made[1].values()))

    def edit_delete(self) -> None:
        frames = self.window.canvas.frames.selected
        chosen = list(self.session.selection)
        gone = set(chosen)
        wires = [w for w in self.window.canvas.selected_wires if not {w.source, w.target} & gone]
        commands: list[Command] = [Disconnect(*wire.ends) for wire in wires]
        if chosen:
            commands.append(RemoveNodes(tuple(chosen)))
        if frames:
            commands.append(RemoveFrames(tuple(frames)))
        if len(commands) == 1:
            self.session.do(commands[0])
        elif commands:
            self.session.do(Macro("Delete", tuple(commands)))

    def edit_select_all(self) -> None:
        self.session.select([node.id for node in self.session.levels.nodes])

    def edit_rename(self) -> None:
        if len(self.session.selection) == 1:
            self.window.show_dock("inspector")
            self.window.inspector.focus_name()

    def edit_add(self) -> None:
        self.window.canvas.ask_for_node()

    def edit_arrange(self) -> None:
        document = self.session.levels.drawn
        places = arrange(document, self.window.canvas.sizes())
        if places and self.session.do(MoveNodes(places)):
            self.window.canvas.fit()
