"""What is shown, and how."""

from __future__ import annotations

from PySide6.QtCore import QRectF

from app import theme
from app.commands.base import Handlers

__all__ = ["ViewCommands"]


class ViewCommands(Handlers):
    """What the View menu asks for."""

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
        self._dress("light" if theme.current().dark else "dark")

    def view_contrast(self) -> None:
        high = theme.current().name == "contrast"
        self._dress("dark" if high else "contrast")

    def _dress(self, name: str) -> None:
        theme.apply(name)
        self.settings.theme = name

    def view_snap(self) -> None:
        snap = not self.window.canvas.snap
        self.window.canvas.snap = snap
        self.settings.set_flag("snap", snap)

    # --- bookmarks ---

    def view_keep_place(self) -> None:
        """Remember what is in view; the place is kept with the file's name in the settings."""
        viewer, path = self.window.canvas.viewer, self.session.path
        box = viewer.mapToScene(viewer.viewport().rect()).boundingRect()
        number = str(len(self.settings.places(path)) % 9 + 1)
        values = [round(v, 1) for v in (box.x(), box.y(), box.width(), box.height())]
        self.settings.keep_place(path, number, values)
        self.session.said.emit("hint", f"Bookmark {number}: Ctrl+Shift+B comes back here.")

    def view_next_place(self) -> None:
        """Go to the bookmarks in turn."""
        places = self.settings.places(self.session.path)
        if not places:
            self.session.said.emit("hint", "There is no bookmark yet: Ctrl+B sets one.")
            return
        numbers = sorted(places)
        after = [number for number in numbers if number > self._bookmark]
        self._bookmark = after[0] if after else numbers[0]
        self.window.canvas.viewer.show_rect(QRectF(*places[self._bookmark]))

    _bookmark = ""
