"""The way from the graph into the group that is open: each step leads back."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from app import icons, theme
from app.session import Session

__all__ = ["Crumbs"]


class Crumbs(QFrame):
    """Buttons in the corner of the canvas, shown while a group is open."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("crumbs")
        self.setAccessibleName("Way to the open group")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 3, 6, 3)
        self._row.setSpacing(2)
        self.steps: list[QToolButton] = []
        session.levels.changed.connect(self.refresh)
        session.replaced.connect(self.refresh)
        session.changed.connect(self._on_event)
        theme.signals().changed.connect(self._on_theme)
        self.refresh()

    def _on_event(self, _event: Any) -> None:
        if self.session.levels.inside:
            self.refresh()

    def _on_theme(self, _theme: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Show the way as it is now."""
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        tokens, levels = theme.current(), self.session.levels
        self.steps = []
        self.setVisible(bool(levels.inside))
        if not levels.inside:
            return
        self.setStyleSheet(
            f"#crumbs {{ background: {tokens.panel}; border: 1px solid {tokens.border};"
            " border-radius: 6px; }"
        )
        titles = ["Graph"]
        for use in levels.inside:
            node = self.session.document.get(use)
            titles.append(f"{node.title} ({node.name})" if node is not None else "?")
        for depth, title in enumerate(titles):
            if depth:
                mark = QLabel()
                mark.setPixmap(icons.pixmap("mdi6.chevron-right", 14, tokens.muted))
                self._row.addWidget(mark)
                mark.show()
            last = depth == len(titles) - 1
            step = QToolButton()
            step.setText(title)
            step.setAutoRaise(True)
            step.setEnabled(not last)
            words = "This group is open" if last else f"Go back to {title} (Shift+Enter)"
            step.setToolTip(words)
            step.setAccessibleName(words)
            step.clicked.connect(partial(levels.go, levels.inside[:depth]))
            self._row.addWidget(step)
            step.show()  # what is not shown yet has no size
            self.steps.append(step)
        self.adjustSize()
        self.move(10, 10)
        self.raise_()
