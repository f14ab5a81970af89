"""What each command does. ``app.actions`` says what there is; here is a method for each id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app import dialogs, helpviews, theme
from app.canvas import clipboard
from app.canvas.arrange import arrange
from app.panes.editors import portable
from nodes.catalogue import CATALOGUE
from nodes.commands import (
    AddNode,
    Command,
    Connect,
    Disconnect,
    Macro,
    MoveNodes,
    RemoveNodes,
    new_node,
)
from nodes.document import Document
from nodes.errors import NodesError
from nodes.files import EXTENSION, write_atomically
from nodes.script import generate

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["Commands"]

_IMAGES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".npy"}


class Commands:
    """The handlers, with the window they act on."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.session = window.session
        self.runner = window.runner
        self.settings = window.settings

    def handler(self, identifier: str) -> Callable[[], object]:
        """The method of a command."""
        method: Callable[[], object] = getattr(self, identifier.replace(".", "_"))
        return method

    # --- file ---

    @staticmethod
    def finish_typing() -> None:
        """Let a field that is being typed in hand over what it has."""
        focused = QApplication.focusWidget()
        if focused is not None:
            focused.clearFocus()

    def may_leave(self) -> bool:
        """Whether the open document may go; asks when there is unsaved work."""
        self.finish_typing()
        if self.session.is_clean:
            return True
        answer = dialogs.ask_unsaved(self.window, self.session.title)
        if answer is dialogs.Answer.SAVE:
            return self.file_save()
        return answer is dialogs.Answer.DISCARD

    def file_new(self) -> None:
        if self.may_leave():
            self.session.replace(Document())

    def file_open(self) -> None:
        path = dialogs.ask_document(self.window, self.settings.folder)
        if path is not None:
            self.open_path(path)

    def open_path(self, path: str | Path) -> bool:
        """Open a document, after asking about unsaved work."""
        if not self.may_leave() or not self.session.open(path):
            return False
        if self.session.path is not None:
            self.remember(self.session.path)
        return True

    def remember(self, path: Path) -> None:
        """Put a file among the recent ones."""
        self.settings.folder = path.absolute().parent
        self.settings.add_recent(path)

    def file_save(self) -> bool:
        self.finish_typing()
        if self.session.path is None:
            return self.file_save_as()
        return self.session.save(self.session.path)

    def file_save_as(self) -> bool:
        self.finish_typing()
        start = self.session.path or self.settings.folder / f"{self._stem()}{EXTENSION}"
        path = dialogs.ask_target(self.window, start)
        if path is None or not self.session.save(path):
            return False
        self.remember(path)
        return True

    def _stem(self) -> str:
        where = self.session.path or self.session.document.path
        return where.stem if where else "untitled"

    def file_export(self) -> None:
        self.finish_typing()
        self.session.derive()
        path = dialogs.ask_script_target(
            self.window, self.session.base_or(self.settings.folder) / f"{self._stem()}.py"
        )
        if path is None:
            return
        try:
            script = generate(self.session.document, path.absolute().parent, strict=True)
            write_atomically(path, script.text.encode("utf-8"))
        except (NodesError, OSError) as error:
            self.window.show_problem(f"The script was not written: {error}")
            return
        self.session.said.emit("hint", f"Wrote {path.name}.")

    def file_quit(self) -> None:
        self.window.close()

    def save_picture(self, image: Any) -> None:
        """Write a picture as it is shown."""
        if not isinstance(image, QImage):
            return
        path = dialogs.ask_image_target(self.window, self.settings.folder / "picture.png")
        if path is None:
            return
        if image.save(str(path)):
            self.session.said.emit("hint", f"Saved {path.name}.")
        else:
            self.window.show_problem(f"The picture could not be written to “{path}”.")

    # --- edit ---

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
        pasted = clipboard.read(QApplication.clipboard().mimeData())
        if pasted is None:
            self.session.said.emit("hint", "There are no nodes on the clipboard.")
            return
        left = min((n.position[0] for n in pasted.nodes), default=0)
        top = min((n.position[1] for n in pasted.nodes), default=0)
        x, y = self.window.canvas.free_position(self.window.canvas.paste_point())
        self._paste(pasted, (x - left, y - top), "Paste")

    def edit_duplicate(self) -> None:
        mime = clipboard.copied(self.session.document, self.session.selection)
        pasted = clipboard.read(mime)
        if pasted is not None:
            self._paste(pasted, (36, 36), "Duplicate")

    def _paste(self, pasted: Document, offset: tuple[float, float], text: str) -> None:
        made = clipboard.paste(self.session.document, pasted, offset, text)
        if made is not None and self.session.do(made[0]):
            self.session.select(made[1])

    def edit_delete(self) -> None:
        chosen = list(self.session.selection)
        gone = set(chosen)
        wires = [w for w in self.window.canvas.selected_wires if not {w.source, w.target} & gone]
        commands: list[Command] = [Disconnect(*wire.ends) for wire in wires]
        if chosen:
            commands.append(RemoveNodes(tuple(chosen)))
        if len(commands) == 1:
            self.session.do(commands[0])
        elif commands:
            self.session.do(Macro("Delete", tuple(commands)))

    def edit_select_all(self) -> None:
        self.session.select(node.id for node in self.session.document.nodes)

    def edit_rename(self) -> None:
        if len(self.session.selection) == 1:
            self.window.show_dock("inspector")
            self.window.inspector.focus_name()

    def edit_add(self) -> None:
        self.window.canvas.ask_for_node()

    def edit_arrange(self) -> None:
        document = self.session.document
        places = arrange(document, self.window.canvas.sizes())
        if places and self.session.do(MoveNodes(places)):
            self.window.canvas.fit()

    def add_node(
        self, kind: str, where: QPointF | None = None, wire: tuple[str, str, bool] | None = None
    ) -> None:
        """Add a node, wired to a port (node id, port name, is it an input) if one is given."""
        canvas, document = self.window.canvas, self.session.document
        position = canvas.free_position(where if where is not None else canvas.centre())
        try:
            node = new_node(document, kind, position=position)
        except NodesError as error:
            self.session.said.emit("error", str(error))
            return
        commands: list[Command] = [AddNode(node)]
        if wire is not None and (connect := self._wire(node.id, kind, wire)) is not None:
            commands.append(connect)
        text = f"Add {CATALOGUE[kind].title.lower()}"
        done = self.session.do(commands[0] if len(commands) == 1 else Macro(text, tuple(commands)))
        if done:
            self.session.select([node.id])
            canvas.reveal(node.id)

    def _wire(self, new: str, kind: str, wire: tuple[str, str, bool]) -> Connect | None:
        node, port, is_input = wire
        fitting = self.window.canvas.fitting_port(CATALOGUE[kind], wire)
        if fitting is None:
            return None
        return Connect(new, fitting, node, port) if is_input else Connect(node, port, new, fitting)

    def drop_files(self, paths: list[Path], where: QPointF) -> None:
        """Documents are opened, images become nodes."""
        for path in paths:
            if path.suffix.lower() == EXTENSION:
                self.open_path(path)
                return
        images = [path for path in paths if path.suffix.lower() in _IMAGES]
        for index, path in enumerate(images):
            base = self.session.base if self.session.path else None
            node = new_node(
                self.session.document,
                "load_image",
                position=self.window.canvas.free_position(where + QPointF(30, 30) * index),
                source=portable(path, base),
            )
            self.session.do(AddNode(node))
            self.session.select([node.id])
        if not images:
            self.session.said.emit(
                "warning", "Only documents of the studio and images can be dropped here."
            )

    # --- view ---

    def view_fit(self) -> None:
        self.window.canvas.fit()

    def view_zoom_in(self) -> None:
        self.window.canvas.viewer.zoom_by(1.2)

    def view_zoom_out(self) -> None:
        self.window.canvas.viewer.zoom_by(1 / 1.2)

    def view_build(self) -> None:
        self.window.arrange("build")

    def view_watch(self) -> None:
        self.window.arrange("watch")

    def view_present(self) -> None:
        self.window.arrange("present")

    def view_dark(self) -> None:
        name = "light" if theme.current().dark else "dark"
        theme.apply(name)
        self.settings.theme = name

    # --- run ---

    def run_run(self) -> None:
        self.finish_typing()
        if not self.runner.run_or_resume():
            self.window.show_dock("issues")

    def run_pause(self) -> None:
        self.runner.pause()

    def run_step(self) -> None:
        self.finish_typing()
        self.runner.step()

    def run_stop(self) -> None:
        self.runner.stop()

    def run_plan(self) -> None:
        helpviews.show_plan(self.window, self.runner.plan_text)

    # --- help ---

    def help_node(self) -> None:
        self.window.show_dock("inspector")
        self.window.inspector.show_help()

    def help_keys(self) -> None:
        helpviews.show_keys(self.window)

    def help_about(self) -> None:
        helpviews.show_about(self.window, self.runner.engine.versions)
