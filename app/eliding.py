"""A label that shortens what it shows to the room there is."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel

from app.guard import guarded

__all__ = ["ElidingLabel"]


class ElidingLabel(QLabel):
    """A line of plain text that ends in "…" where it does not fit.

    ``text()``, and what a screen reader says, is always the whole of it.
    """

    @property
    def shown(self) -> str:
        """The text as it fits."""
        room = self.contentsRect().width()
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)

    @guarded(QSize(20, 20))
    def minimumSizeHint(self) -> QSize:
        padding = self.width() - self.contentsRect().width()
        dots = self.fontMetrics().horizontalAdvance("…")
        return QSize(dots + padding, super().minimumSizeHint().height())

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.drawFrame(painter)
        # Asking for the style would load what Qt knows of styles, at every start.
        colours = self.palette()
        group = colours.ColorGroup.Normal if self.isEnabled() else colours.ColorGroup.Disabled
        painter.setPen(colours.color(group, self.foregroundRole()))
        painter.drawText(self.contentsRect(), self.alignment(), self.shown)
