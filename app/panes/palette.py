"""Every node there is, by category, with a search that forgives."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QMimeData, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QDrag, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.guard import guarded
from app.search import rank
from nodes.catalogue import CATALOGUE, CATEGORIES

__all__ = ["MIME", "Palette"]

#: What a dragged node type is called on its way to the canvas.
MIME = "application/x-dprox-node-type"
_TYPE = Qt.ItemDataRole.UserRole


class _Tree(QTreeWidget):
    """The tree; its leaves can be dragged onto the canvas."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(10)
        self.setIconSize(QSize(18, 18))
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setUniformRowHeights(False)
        self.setAccessibleName("Node types")
        self.setExpandsOnDoubleClick(False)
        self.setMouseTracking(True)
        self.itemClicked.connect(self._on_clicked)
        self.itemEntered.connect(self._explain)

    @staticmethod
    def _explain(item: QTreeWidgetItem) -> None:
        """Look up an item's help only when the pointer comes: reading all of it takes a while."""
        spec = CATALOGUE.get(item.data(0, _TYPE) or "")
        if spec is not None and not item.toolTip(0):
            words = spec.help().summary or spec.formula
            item.setToolTip(0, f"<b>{spec.title}</b><br>{words}")

    def _on_clicked(self, item: QTreeWidgetItem) -> None:
        if not item.data(0, _TYPE):  # a category opens and closes
            item.setExpanded(not item.isExpanded())

    @guarded()
    def startDrag(self, actions: Qt.DropAction) -> None:
        item = self.currentItem()
        kind = item.data(0, _TYPE) if item is not None else None
        if not kind:
            return
        mime = QMimeData()
        mime.setData(MIME, kind.encode())
        drag = QDrag(self)
        drag.setMimeData(mime)
        drag.setPixmap(item.icon(0).pixmap(24, 24))
        drag.exec(Qt.DropAction.CopyAction)

    @guarded()
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.choose(self.currentItem())
            return
        super().keyPressEvent(event)

    @guarded()
    def mouseDoubleClickEvent(self, event: Any) -> None:
        item = self.itemAt(event.position().toPoint())
        if item is not None and item.data(0, _TYPE):  # a category has had its click already
            self.choose(item)

    def choose(self, item: QTreeWidgetItem | None) -> None:
        """Ask for a node of an item's type; a category opens or closes."""
        if item is None:
            return
        kind = item.data(0, _TYPE)
        if kind:
            self.chosen.emit(kind)
        else:
            item.setExpanded(not item.isExpanded())


class Palette(QWidget):
    """Drag a node onto the canvas, or double-click it, or press Enter.

    Signals:
        chosen(str): a node of this type is wanted.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search nodes")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search nodes")
        self.search.setToolTip("Type a name or what it is for, such as “blur” or “total variation”")
        self.tree = _Tree()
        self._nothing = QLabel()
        self._nothing.setWordWrap(True)
        self._nothing.setProperty("muted", True)
        self._nothing.setContentsMargins(8, 8, 8, 8)
        self._nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 4, 4)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self._nothing)
        layout.addWidget(self.tree, 1)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(lambda: self.tree.choose(self.tree.currentItem()))
        self.search.installEventFilter(self)
        self.tree.chosen.connect(self.chosen)
        theme.signals().changed.connect(self._on_theme)
        self._fill()

    def _fill(self) -> None:
        closed = {top.text(0).split("  ")[0] for top in self._tops() if not top.isExpanded()}
        self.tree.clear()
        ground = theme.current().panel
        for key, category in CATEGORIES.items():
            specs = [spec for spec in CATALOGUE.values() if spec.category == key]
            if not specs:
                continue
            top = QTreeWidgetItem([f"{category.title}  {len(specs)}"])
            top.setFont(0, theme.ui_font(bold=True))
            colour = theme.readable(category.colour, ground).name()
            top.setIcon(0, icons.icon(category.icon, colour))
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(top)
            for spec in specs:
                leaf = QTreeWidgetItem([spec.title])
                leaf.setData(0, _TYPE, spec.type)
                leaf.setIcon(0, icons.icon(spec.icon, colour))
                leaf.setFlags(
                    Qt.ItemFlag.ItemIsEnabled
                    | Qt.ItemFlag.ItemIsSelectable
                    | Qt.ItemFlag.ItemIsDragEnabled
                )
                top.addChild(leaf)
        for top in self._tops():
            top.setExpanded(top.text(0).split("  ")[0] not in closed)
        self._filter(self.search.text())

    def _on_theme(self, _theme: Any) -> None:
        self._fill()

    def leaves(self) -> list[QTreeWidgetItem]:
        """The items of node types, in the order of the tree, hidden ones included."""
        return [top.child(i) for top in self._tops() for i in range(top.childCount())]

    def _tops(self) -> list[QTreeWidgetItem]:
        found = (self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount()))
        return [top for top in found if top is not None]

    def _filter(self, text: str) -> None:
        ranked = [spec.type for spec in rank(text, CATALOGUE.values())]
        known = set(ranked)
        for i in range(self.tree.topLevelItemCount()):
            top = self.tree.topLevelItem(i)
            if top is None:
                continue
            seen = False
            for j in range(top.childCount()):
                leaf = top.child(j)
                hidden = leaf.data(0, _TYPE) not in known
                leaf.setHidden(hidden)
                seen = seen or not hidden
            top.setHidden(not seen)
            if text.strip() and seen:
                top.setExpanded(True)  # what was found is shown
        self._nothing.setVisible(not ranked)
        self._nothing.setText(f"No node matches “{text.strip()}”.")
        if text.strip() and ranked:
            best = next(leaf for leaf in self.leaves() if leaf.data(0, _TYPE) == ranked[0])
            self.tree.setCurrentItem(best)
            self.tree.scrollToItem(best)
        else:
            self.tree.setCurrentIndex(QModelIndex())

    @guarded(False)
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Up and down in the search field move through what was found."""
        if event.type() == event.Type.KeyPress and watched is self.search:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                seen = [leaf for leaf in self.leaves() if not leaf.isHidden()]
                current = self.tree.currentItem()
                if seen:
                    step = 1 if event.key() == Qt.Key.Key_Down else -1
                    index = seen.index(current) + step if current in seen else 0
                    self.tree.setCurrentItem(seen[index % len(seen)])
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return False
