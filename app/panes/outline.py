"""The graph as a list that a keyboard and a screen reader can walk through."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app import icons, theme
from app.guard import guarded
from app.session import Session
from nodes.analysis import Analysis
from nodes.catalogue import CATEGORIES

__all__ = ["OutlinePane"]

_NODE = Qt.ItemDataRole.UserRole
_STATES = {"off": "switched off", "bypass": "passed by"}


class OutlinePane(QWidget):
    """Nodes in the order in which they are computed; below each, where its inputs come from.

    Signals:
        shown(str): a node is to be brought into view.
    """

    shown = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._filling = False
        self._state: Any = None
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setIndentation(12)
        self.tree.setRootIsDecorated(False)
        self.tree.setAccessibleName("Outline of the graph")
        self.tree.setToolTip("Nodes in the order in which they are computed")
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.tree)
        self.tree.itemSelectionChanged.connect(self._on_selected)
        self.tree.itemActivated.connect(lambda item, _: self.shown.emit(item.data(0, _NODE) or ""))
        self.tree.itemDoubleClicked.connect(
            lambda item, _: self.shown.emit(item.data(0, _NODE) or "")
        )
        session.derived.connect(self.refresh)
        session.selection_changed.connect(self._mark)
        theme.signals().changed.connect(self.refresh)
        self.refresh()

    @guarded()
    def showEvent(self, event: Any) -> None:
        """Catch up with what changed while another tab was in front."""
        super().showEvent(event)
        self.refresh()

    def refresh(self, _: Any = None) -> None:
        """Show the graph as it is now."""
        if not self.isVisible():
            return
        document, levels = self.session.levels.drawn, self.session.levels
        worst: dict[str, str] = {}
        for issue in reversed(self.session.issues):
            if issue.node is not None:
                worst[levels.shown(issue.node)] = issue.severity
        order = list(Analysis.of(document).order)
        order += [node.id for node in document.nodes if node.id not in set(order)]
        ground = theme.current().panel
        state = (
            [(n.name, n.mode, n.title, worst.get(n.id)) for n in map(document.node, order)],
            [wire.ends for wire in document.wires],
            order,
            ground,
        )
        if state == self._state:
            self._mark()
            return
        self._state = state
        self._filling = True
        self.tree.clear()
        for identifier in order:
            node = document.node(identifier)
            category = CATEGORIES.get(node.spec.category) if node.spec else None
            words = [f"{node.name} — {node.title}"]
            words += [_STATES[node.mode]] if node.mode else []
            words += [worst[identifier]] if worst.get(identifier) in ("error", "warning") else []
            top = QTreeWidgetItem([", ".join(words)])
            top.setData(0, _NODE, identifier)
            if node.spec is not None and category is not None:
                colour = theme.readable(category.colour, ground).name()
                top.setIcon(0, icons.icon(node.spec.icon, colour))
            for wire in document.wires_into(identifier):
                source = document.get(wire.source)
                port = node.spec.input(wire.input) if node.spec else None
                title = port.title if port is not None else wire.input
                leaf = QTreeWidgetItem([f"{title} ← {source.name if source else '?'}"])
                leaf.setData(0, _NODE, wire.source)
                top.addChild(leaf)
            self.tree.addTopLevelItem(top)
            top.setExpanded(True)
        self._filling = False
        self._mark()

    def tops(self) -> list[QTreeWidgetItem]:
        """The items of nodes, in order."""
        found = (self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount()))
        return [item for item in found if item is not None]

    def _mark(self) -> None:
        if self._filling:
            return
        self._filling = True
        chosen = set(self.session.selection)
        for item in self.tops():
            if item.isSelected() != (item.data(0, _NODE) in chosen):
                item.setSelected(item.data(0, _NODE) in chosen)
        self._filling = False

    def _on_selected(self) -> None:
        if not self._filling:
            self._filling = True
            self.session.select(item.data(0, _NODE) for item in self.tree.selectedItems())
            self._filling = False
