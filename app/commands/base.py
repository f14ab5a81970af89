"""What all handlers of commands share: the window they act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["Handlers"]


class Handlers:
    """The window and what stands behind it."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.session = window.session
        self.runner = window.runner
        self.settings = window.settings

    @staticmethod
    def finish_typing() -> None:
        """Let a field that is being typed in hand over what it has."""
        focused = QApplication.focusWidget()
        if focused is not None:
            focused.clearFocus()
