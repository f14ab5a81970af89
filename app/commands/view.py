"""What is shown, and how."""

from __future__ import annotations

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
        name = "light" if theme.current().dark else "dark"
        theme.apply(name)
        self.settings.theme = name
