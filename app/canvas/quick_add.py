"""A list of nodes under the pointer: type a few letters, press Enter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.guard import guarded
from app.search import rank
from nodes.catalogue import CATEGORIES
from nodes.spec import NodeSpec

__all__ = ["QuickAdd"]


class QuickAdd(QFrame):
    """A popup that offers node types.

    Signals:
        chosen(str): the type that was picked.
    """

    chosen = Signal(str)

    def __init__(self, specs: Sequence[NodeSpec], title: str, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._specs = list(specs)
        tokens = theme.current()
        self.setStyleSheet(
            f"QuickAdd {{ background: {tokens.panel}; border: 1px solid {tokens.border_strong}; }}"
        )
        self.search = QLineEdit()
        self.search.setPlaceholderText(title)
        self.search.setAccessibleName(title)
        self.list = QListWidget()
        self.list.setIconSize(QSize(18, 18))
        self.list.setAccessibleName("Nodes that fit")
        self._nothing = QLabel("No node matches.")
        self._nothing.setProperty("muted", True)
        self._nothing.setContentsMargins(4, 4, 4, 4)
        self._nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        self.setFixedSize(264, 320)
        self.search.textChanged.connect(self._fill)
        self.search.returnPressed.connect(self._pick)
        self.search.installEventFilter(self)
        self.list.itemClicked.connect(lambda _: self._pick())
        self._fill("")

    def open_at(self, where: QPoint) -> None:
        """Show the list with a corner at a point of the screen, inside the screen."""
        screen = self.screen().availableGeometry()
        x = min(where.x(), screen.right() - self.width())
        y = min(where.y(), screen.bottom() - self.height())
        self.move(max(screen.left(), x), max(screen.top(), y))
        self.show()
        self.search.setFocus()

    def _fill(self, text: str) -> None:
        self.list.clear()
        ground = theme.current().panel
        for spec in rank(text, self._specs):
            category = CATEGORIES[spec.category]
            colour = theme.readable(category.colour, ground).name()
            item = QListWidgetItem(icons.icon(spec.icon, colour), spec.title)
            item.setData(Qt.ItemDataRole.UserRole, spec.type)
            item.setToolTip(category.title)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._nothing.setVisible(self.list.count() == 0)

    def _pick(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            kind = item.data(Qt.ItemDataRole.UserRole)
            self.close()
            self.chosen.emit(kind)

    @guarded(False)
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Up and down move through the list while letters go to the search."""
        if event.type() == event.Type.KeyPress and event.key() in (
            Qt.Key.Key_Down,
            Qt.Key.Key_Up,
        ):
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            count = max(1, self.list.count())
            self.list.setCurrentRow((self.list.currentRow() + step) % count)
            return True
        return False
