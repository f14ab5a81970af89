"""Opening, saving, exporting."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app import dialogs, export
from app.banner import Banner
from app.commands.base import Handlers
from app.journal import Orphan, orphans
from app.restore import FLAG
from app.templates import keep
from nodes.bundle import BUNDLE, beside
from nodes.document import Document
from nodes.errors import NodesError
from nodes.files import EXTENSION, write_atomically
from nodes.importer import import_script
from nodes.script import generate

__all__ = ["FileCommands"]


class FileCommands(Handlers):
    """What the File menu asks for."""

    def may_leave(self) -> bool:
        """Whether the open document may go; asks when there is unsaved work."""
        self.finish_typing()
        if self.session.is_clean:
            return True
        answer = dialogs.ask_unsaved(self.window, self.session.title)
        if answer is dialogs.Answer.SAVE:
            return self.file_save()
        return answer is dialogs.Answer.DISCARD

    def offer_recovery(self) -> list[Banner]:
        """Offer what a window that was killed has left behind."""
        banners = []
        for orphan in orphans(self.settings.recovery)[:3]:
            banner = Banner(
                orphan.sentence,
                (
                    ("Recover it", partial(self._recover, orphan)),
                    ("Discard it", orphan.discard),
                ),
            )
            self.window.column.insertWidget(0, banner)
            banner.show()
            banners.append(banner)
        return banners

    def offer_crash_report(self, trace: str) -> Banner | None:
        """Offer the trace of a crash for a report."""
        if not trace.strip():
            return None
        banner = Banner(
            "The studio crashed the last time it was open. Your work is kept in the journal.",
            (
                ("Copy the report", lambda: QApplication.clipboard().setText(trace)),
                ("Dismiss", lambda: None),
            ),
        )
        self.window.column.insertWidget(0, banner)
        banner.show()
        return banner

    def _recover(self, orphan: Orphan) -> None:
        if not self.may_leave():
            return  # it is offered again at the next start
        self.session.recover(orphan.document, orphan.path)
        self.window.journal.write()  # before the old journal goes, the new one is on the disk
        orphan.discard()

    def file_new(self) -> None:
        if self.may_leave():
            self.session.replace(Document())

    def file_open(self) -> None:
        path = dialogs.ask_document(self.window, self.settings.folder)
        if path is not None:
            self.open_path(path)

    def file_template(self) -> None:
        """Keep a copy of the document to begin from."""
        self.finish_typing()
        title = self.session.title
        try:
            path = keep(self.session.document, self.session.base, title, self.settings)
        except (NodesError, OSError) as error:
            self.window.show_problem(f"The template was not kept: {export.why(error)}.")
            return
        self.session.said.emit(
            "hint", f"Kept the template {path.stem}: File ▸ New from template begins with it."
        )

    def open_path(self, path: str | Path, copy: bool = False) -> bool:
        """Open a document, or a copy to begin from, after asking about unsaved work."""
        if not self.may_leave() or not self.session.open(path, copy):
            return False
        if self.session.path is not None:
            self.remember(self.session.path)
        return True

    def file_import(self) -> None:
        path = dialogs.ask_script(self.window, self.settings.folder)
        if path is not None:
            self.import_path(path)

    def import_path(self, path: Path) -> bool:
        """Open the graph that a script means; the script is read, never run."""
        if not self.may_leave():
            return False
        try:
            document = import_script(path.read_text(encoding="utf-8"))
        except NodesError as error:
            self.window.show_problem(f"“{path.name}” cannot become a graph: {error}")
            return False
        except (OSError, UnicodeDecodeError) as error:
            self.window.show_problem(f"“{path.name}” cannot be read: {error}")
            return False
        self.session.recover(document, None)
        self.session.said.emit("hint", f"Made a graph from {path.name}.")
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

    def file_bundle(self) -> bool:
        """Save the document with every file it names, as one file."""
        self.finish_typing()
        start = (self.session.path or self.settings.folder / self._stem()).with_suffix(BUNDLE)
        path = dialogs.ask_bundle_target(self.window, start)
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
            document = beside(self.session.document, path)
            script = generate(document, path.absolute().parent, strict=True)
            write_atomically(path, script.text.encode("utf-8"))
        except (NodesError, OSError) as error:
            self.window.show_problem(f"The script was not written: {export.why(error)}.")
            return
        self.session.said.emit("hint", f"Wrote {path.name}.")

    def file_restore(self) -> None:
        """Begin the next time where this window stops, or not."""
        self.settings.set_flag(FLAG, not self.settings.flag(FLAG))

    def file_quit(self) -> None:
        self.window.close()

    def save_values(self, data: Any) -> None:
        """Write the values of a picture: npy, TIFF or CSV, by the suffix."""
        path = dialogs.ask_values_target(self.window, self.settings.folder / "values.npy")
        if path is None:
            return
        try:
            export.write_values(path, data)
        except (OSError, ValueError) as error:
            self.window.show_problem(f"The values were not written: {export.why(error)}.")
            return
        self.session.said.emit("hint", f"Saved {path.name}.")

    def save_curves(self, columns: Any) -> None:
        """Write the history of a solve as a table."""
        path = dialogs.ask_table_target(self.window, self.settings.folder / "history.csv")
        if path is None:
            return
        try:
            export.write_table(path, columns)
        except OSError as error:
            self.window.show_problem(f"The table was not written: {export.why(error)}.")
            return
        self.session.said.emit("hint", f"Saved {path.name}.")

    def save_plot(self, plot: Any) -> None:
        """Write a plot as it is shown: PNG, or SVG for print."""
        path = dialogs.ask_plot_target(self.window, self.settings.folder / "curves.svg")
        if path is None:
            return
        try:
            if path.suffix.lower() == ".svg":
                export.write_svg(path, plot)
            else:
                export.write_picture(path, plot.grab().toImage())
        except (OSError, ValueError) as error:
            self.window.show_problem(f"The plot was not written: {export.why(error)}.")
            return
        self.session.said.emit("hint", f"Saved {path.name}.")

    def save_picture(self, image: Any) -> None:
        """Write a picture as it is shown."""
        if not isinstance(image, QImage):
            return
        path = dialogs.ask_image_target(self.window, self.settings.folder / "picture.png")
        if path is None:
            return
        try:
            export.write_picture(path, image)
        except (OSError, ValueError) as error:
            self.window.show_problem(f"The picture was not written: {export.why(error)}.")
            return
        self.session.said.emit("hint", f"Saved {path.name}.")
