"""Small pieces that panes with forms are made of."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit

from app import theme
from app.guard import guarded

__all__ = ["Note", "caption", "rule", "sentence", "words"]


class Note(QPlainTextEdit):
    """A person's own words; they are kept when the field is left."""

    finished = Signal(str)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._before = text
        self.setPlaceholderText("Your own words: what this is for, what to try.")
        self.setAccessibleName("Note")
        self.setToolTip("Kept with the document")
        self.setTabChangesFocus(True)

    @guarded()
    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        if self.toPlainText() != self._before:
            self._before = self.toPlainText()
            self.finished.emit(self._before)


def caption(text: str) -> QLabel:
    """What stands above a field."""
    label = QLabel(text)
    label.setProperty("muted", True)
    return label


def words(text: str) -> QLabel:
    """A sentence or two between fields."""
    label = caption(text)
    label.setWordWrap(True)
    return label


def sentence() -> QLabel:
    """Where a complaint appears."""
    label = QLabel()
    label.setWordWrap(True)
    label.setProperty("error", True)
    label.hide()
    return label


def rule() -> QFrame:
    """A line across."""
    line = QFrame()
    line.setFixedHeight(1)
    line.setStyleSheet(f"background: {theme.current().border}; border: none;")
    return line
