"""Every step that was done, and those taken back; a click goes there."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app import theme
from app.guard import guarded
from app.session import Session

__all__ = ["HistoryPane"]

_START = "The graph as it was opened"


def _worded(text: str, subject: str) -> str:
    """A step with what it was about, unless its name says so."""
    return f"{text}  ·  {subject}" if subject and subject not in text else text


class HistoryPane(QWidget):
    """The undo stack as a list."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.list = QListWidget()
        self.list.setAccessibleName("History")
        self.list.setToolTip("Click a step to go back, or forward, to it")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.list)
        self.list.itemClicked.connect(self._go)
        self.list.itemActivated.connect(self._go)
        session.history_changed.connect(self.refresh)
        session.replaced.connect(self.refresh)
        theme.signals().changed.connect(self.refresh)
        self.refresh()

    @guarded()
    def showEvent(self, event: Any) -> None:
        """Catch up with what changed while another tab was in front."""
        super().showEvent(event)
        self.refresh()

    def refresh(self, _: Any = None) -> None:
        """Show the steps as they are now."""
        if not self.isVisible():
            return
        history = self.session.history
        texts = [_START, *map(_worded, history.texts, history.subjects)]
        done = history.count
        while self.list.count() > len(texts):
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < len(texts):
            self.list.addItem(QListWidgetItem())
        tokens = theme.current()
        for row, text in enumerate(texts):
            item = self.list.item(row)
            item.setText(text if row <= done else f"{text} (taken back)")
            item.setForeground(QColor(tokens.text if row <= done else tokens.muted))
        self.list.setCurrentRow(done)
        current = self.list.item(done)
        if current is not None:
            self.list.scrollToItem(current)

    def _go(self, item: QListWidgetItem) -> None:
        self.session.go_to(self.list.row(item))
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)
