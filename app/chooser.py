"""A popup in which one finds something by typing: a node type, a node, a command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
from app.search import begins_words
from nodes.late import late

if TYPE_CHECKING:
    from rapidfuzz import fuzz, utils
else:
    fuzz, utils = late("rapidfuzz.fuzz"), late("rapidfuzz.utils")

__all__ = ["Chooser", "Entry", "matching"]

_ENOUGH = 60.0


@dataclass(frozen=True)
class Entry:
    """One thing to choose.

    Attributes:
        key: what ``chosen`` gives.
        title: what is read and searched.
        detail: further words that are searched, shown as the tooltip.
        icon: a QtAwesome name.
        colour: of the icon; empty takes the theme's.
        hint: shown behind the title, such as a shortcut.
    """

    key: str
    title: str
    detail: str = ""
    icon: str = ""
    colour: str = ""
    hint: str = ""


def matching(query: str, entries: Iterable[Entry]) -> Sequence[Entry]:
    """The entries that match a query, the best first; all in their order for an empty query."""
    entries = list(entries)
    wanted = utils.default_process(query)
    if not wanted:
        return entries
    scored = []
    for place, entry in enumerate(entries):
        title, detail = utils.default_process(entry.title), utils.default_process(entry.detail)
        if title.startswith(wanted):
            score = 110.0
        elif any(word.startswith(wanted) for word in title.split()):
            score = 100.0
        elif begins_words(wanted, title.split()):
            score = 95.0
        elif wanted in title:
            score = 90.0
        elif wanted in detail:
            score = 80.0
        else:
            score = fuzz.WRatio(wanted, title) * 0.75 if len(wanted) > 2 < len(title) else 0.0
        if score >= _ENOUGH:
            scored.append((-score, place, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda row: row[:2])]


class Chooser(QFrame):
    """A search field above a list; Enter or a click chooses, Escape leaves.

    Signals:
        chosen(str): the key of what was picked.
    """

    chosen = Signal(str)

    def __init__(
        self, entries: Sequence[Entry], title: str, parent: QWidget, width: int = 264
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.entries = list(entries)
        #: Says whether a choice leads on to another list in the same popup.
        self.advance: Callable[[str], bool] = lambda key: False
        tokens = theme.current()
        self.setObjectName("chooser")
        self.setStyleSheet(
            f"#chooser {{ background: {tokens.panel}; border: 1px solid {tokens.border_strong}; }}"
        )
        self.search = QLineEdit()
        self.search.setPlaceholderText(title)
        self.search.setAccessibleName(title)
        self.search.setToolTip("Type a part of the name; Enter chooses, Escape leaves")
        self.list = QListWidget()
        self.list.setIconSize(QSize(18, 18))
        self.list.setAccessibleName(title)
        self._nothing = QLabel("Nothing matches.")
        self._nothing.setProperty("muted", True)
        self._nothing.setContentsMargins(4, 4, 4, 4)
        self._nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self._nothing)
        layout.addWidget(self.list, 1)
        self.setFixedSize(width, 320)
        self.search.textChanged.connect(self.fill)
        self.search.returnPressed.connect(self._pick)
        self.search.installEventFilter(self)
        self.list.itemClicked.connect(lambda _: self._pick())

    def lead_on(self, entries: Sequence[Entry], title: str) -> None:
        """Offer other things, in the same place."""
        self.entries = list(entries)
        self.search.setPlaceholderText(title)
        self.search.setAccessibleName(title)
        self.search.clear()
        self.fill("")

    def order(self, text: str) -> Sequence[Entry]:
        """What is listed for a text, the best first."""
        return matching(text, self.entries)

    def open_at(self, where: QPoint) -> None:
        """Show the list with a corner at a point of the screen, inside the screen."""
        self.fill("")
        screen = self.screen().availableGeometry()
        x = min(where.x(), screen.right() - self.width())
        y = min(where.y(), screen.bottom() - self.height())
        self.move(max(screen.left(), x), max(screen.top(), y))
        self.show()
        self.search.setFocus()

    def open_over(self, widget: QWidget) -> None:
        """Show the list in the upper middle of a widget."""
        middle = widget.mapToGlobal(QPoint(widget.width() // 2, widget.height() // 8))
        self.open_at(middle - QPoint(self.width() // 2, 0))

    def fill(self, text: str) -> None:
        """List what matches a text."""
        self.list.clear()
        for entry in self.order(text):
            shown = f"{entry.title}    {entry.hint}" if entry.hint else entry.title
            item = QListWidgetItem(shown)
            if entry.icon:
                item.setIcon(icons.icon(entry.icon, entry.colour or theme.current().muted))
            item.setData(Qt.ItemDataRole.UserRole, entry.key)
            item.setToolTip(entry.detail)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._nothing.setVisible(self.list.count() == 0)

    def _pick(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            key = item.data(Qt.ItemDataRole.UserRole)
            if self.advance(key):
                return
            self.close()
            self.chosen.emit(key)

    @guarded(False)
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Up and down move through the list while letters go to the search."""
        if event.type() == event.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                count = max(1, self.list.count())
                self.list.setCurrentRow((self.list.currentRow() + step) % count)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.close()
                return True
        return False
