"""Everything that is wrong, in sentences, with a way to the place and buttons that mend it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayoutItem,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app import icons, theme
from app.guard import guarded
from app.session import Notice, Session
from nodes.issues import Issue

__all__ = ["ProblemsPane"]

_ICONS = {
    "error": "mdi6.alert-circle",
    "warning": "mdi6.alert",
    "hint": "mdi6.information",
}
_MOST = 100
_FINE = "Nothing is wrong: the problem is ready to run."
_EMPTY = "An empty graph has no issues. Add nodes from the palette, or open an example."


class _Row(QFrame):
    """One issue or notice."""

    chosen = Signal(object)
    fix_wanted = Signal(object)
    details_wanted = Signal(str)

    def __init__(self, entry: Issue | Notice, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        tokens = theme.current()
        colour = {"error": tokens.error, "warning": tokens.warning}.get(entry.severity, tokens.hint)
        mark = QLabel()
        mark.setPixmap(icons.pixmap(_ICONS.get(entry.severity, _ICONS["hint"]), 16, colour))
        mark.setToolTip(entry.severity.capitalize())
        mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        sentence = QLabel(entry.sentence)
        sentence.setWordWrap(True)
        sentence.setTextFormat(Qt.TextFormat.PlainText)
        sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 8, 5)
        row.setSpacing(8)
        row.addWidget(mark)
        row.addWidget(sentence, 1)
        for fix in getattr(entry, "fixes", ()):
            button = QPushButton(fix.title)
            button.setProperty("small", True)
            button.setToolTip(f"{fix.title} (can be undone)")
            button.setAccessibleName(fix.title)
            button.clicked.connect(lambda _=False, f=fix: self.fix_wanted.emit(f))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        details = getattr(entry, "details", "")
        if details:
            button = QPushButton("Copy details")
            button.setProperty("small", True)
            button.setToolTip("Copy the technical details, for a report")
            button.clicked.connect(lambda: self.details_wanted.emit(details))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.setToolTip(f"Show {name} on the canvas" if name else "")
        self.setAccessibleName(f"{entry.severity}: {entry.sentence}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if entry.node:
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    @guarded()
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.entry)

    @guarded()
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.entry)
        else:
            super().keyPressEvent(event)


def _widget(item: QLayoutItem | None) -> QWidget | None:
    return item.widget() if item is not None else None


class ProblemsPane(QScrollArea):
    """The issues of the graph and what happened besides.

    Signals:
        counted(int, int): errors and warnings, for the tab's title.
    """

    counted = Signal(int, int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._shown: list[Any] = []
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Issues")
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 4, 0, 4)
        self._column.setSpacing(0)
        self.setWidget(self._inside)
        session.derived.connect(self.refresh)
        session.notices_changed.connect(self.refresh)
        theme.signals().changed.connect(self._on_theme)
        self.refresh()

    @property
    def sentences(self) -> list[str]:
        """What is shown, from top to bottom."""
        return [row.entry.sentence for row in self.rows]

    @property
    def rows(self) -> list[_Row]:
        """The rows shown."""
        found = (_widget(self._column.itemAt(i)) for i in range(self._column.count()))
        return [row for row in found if isinstance(row, _Row)]

    def _on_theme(self, _theme: Any) -> None:
        self._shown = []
        self.refresh(force=True)

    def refresh(self, *, force: bool = False) -> None:
        """Show issues and notices as they are now."""
        entries: list[Issue | Notice] = [
            notice for notice in reversed(self.session.notices) if notice.severity != "hint"
        ]
        order = {"error": 0, "warning": 1, "hint": 2}
        entries += sorted(self.session.issues, key=lambda issue: order.get(issue.severity, 3))
        state = [(e, len(self.session.document)) for e in entries]
        if state == self._shown and self._column.count() and not force:
            return
        self._shown = state
        while self._column.count():
            widget = _widget(self._column.takeAt(0))
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for entry in entries[:_MOST]:
            computed = self.session.levels.flat_graph.document
            node = computed.get(entry.node) if entry.node else None
            row = _Row(entry, node.name if node else "")
            row.chosen.connect(self._on_chosen)
            row.fix_wanted.connect(lambda fix: self.session.do(fix.command))
            row.details_wanted.connect(lambda text: QApplication.clipboard().setText(text))
            self._column.addWidget(row)
        if not entries:
            fine = QLabel(_FINE if len(self.session.document) else _EMPTY)
            fine.setProperty("muted", True)
            fine.setWordWrap(True)
            fine.setAlignment(Qt.AlignmentFlag.AlignCenter)
            fine.setContentsMargins(16, 16, 16, 16)
            self._column.addWidget(fine, 1)
        if len(entries) > _MOST:
            self._column.addWidget(QLabel(f"… and {len(entries) - _MOST} more"))
        if entries:
            self._column.addStretch(1)
        errors = sum(entry.severity == "error" for entry in entries)
        warnings = sum(entry.severity == "warning" for entry in entries)
        self.counted.emit(errors, warnings)

    def _on_chosen(self, entry: Any) -> None:
        if entry.node:
            self.session.select([entry.node])
