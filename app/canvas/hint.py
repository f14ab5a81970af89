"""A sentence beside the pointer, for as long as it matters."""

from __future__ import annotations

import re

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from app import theme

__all__ = ["Hint"]

_LINGER_MS = 4500
_WIDTH = 320


class Hint(QLabel):
    """A small bubble over the canvas that never takes the mouse."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self.setWordWrap(True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setContentsMargins(8, 4, 8, 4)
        self.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LINGER_MS)
        self._timer.timeout.connect(self.hide)

    def _wanted(self, sentence: str) -> int:
        """The width of the longest line, without the tags of rich text."""
        lines = re.sub(r"<(?!br)[^>]*>", "", sentence).split("<br>")
        return max(self.fontMetrics().horizontalAdvance(line) for line in lines)

    def say(
        self, sentence: str, position: QPoint, severity: str = "hint", linger: bool = False
    ) -> None:
        """Show a sentence near a point of the parent; ``linger`` lets it go by itself."""
        tokens = theme.current()
        edge = {"error": tokens.error, "warning": tokens.warning}.get(severity, tokens.accent)
        self.setStyleSheet(
            f"background: {tokens.raised}; color: {tokens.text}; border: 1px solid {edge};"
            "border-radius: 5px; padding: 4px 6px;"
        )
        self.setText(sentence)
        width = min(_WIDTH, self._wanted(sentence) + 32)
        self.setFixedWidth(width)
        self.setFixedHeight(self.heightForWidth(width))
        x = min(position.x() + 16, self._room.width() - width - 8)
        y = position.y() + 20
        if y + self.height() > self._room.height() - 8:
            y = position.y() - self.height() - 12
        self.move(max(8, x), max(8, y))
        self.show()
        self.raise_()
        if linger:
            self._timer.start()
        else:
            self._timer.stop()
