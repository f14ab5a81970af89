"""The objective as mathematics, above the canvas; each term leads to its node."""

from __future__ import annotations

from html import escape
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from app import icons, theme
from app.guard import guarded
from app.session import Session

__all__ = ["FormulaBar"]

_SMALLEST = 11
_BIG = 1.7
_LONG = 3_000
_EMPTY = "The objective appears here once penalties are wired into a problem node."


class FormulaBar(QFrame):
    """One line of mathematics; a click on a term selects the node it comes from."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setObjectName("formula")
        self._size = theme.FORMULA
        self.setFixedHeight(44)
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setAccessibleName("Objective")
        self._copy = QToolButton()
        self._copy.setToolTip("Copy the objective as TeX")
        self._copy.setAccessibleName("Copy the objective as TeX")
        self._copy.clicked.connect(self.copy_tex)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.addWidget(self._text, 1)
        row.addWidget(self._copy)
        self._text.linkActivated.connect(lambda node: session.select([node]))
        self._text.linkHovered.connect(self._on_hover)
        self._lit = ""
        session.hovered.connect(self._on_lit)
        session.derived.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        theme.signals().changed.connect(self._on_theme)
        self._on_theme(None)

    def set_big(self, big: bool) -> None:
        """Type for a room of people, or for one in front of the screen."""
        self._size = round(theme.FORMULA * (_BIG if big else 1.0))
        self.setFixedHeight(round(44 * (_BIG if big else 1.0)))
        self.refresh()

    @property
    def html(self) -> str:
        """The rich text shown."""
        return self._text.text()

    def copy_tex(self) -> None:
        """Put the TeX form on the clipboard."""
        from PySide6.QtWidgets import QApplication

        formula = self.session.formula
        if formula is not None and formula.tex:
            QApplication.clipboard().setText(formula.tex)
            self.session.said.emit("hint", "The objective is on the clipboard, as TeX.")

    def _on_theme(self, _theme: Any) -> None:
        self._copy.setIcon(icons.icon("content-copy", theme.current().muted))
        self.refresh()

    def _on_lit(self, node: str) -> None:
        self._lit = node
        self.refresh()

    def _on_hover(self, node: str) -> None:
        self.session.hover(node)
        found = self.session.levels.flat_graph.document.get(node) if node else None
        self._text.setToolTip(f"{escape(found.title)} · {escape(found.name)}" if found else "")

    def refresh(self) -> None:
        """Show the objective as it is now."""
        formula = self.session.formula
        self._copy.setVisible(bool(formula and formula.tex))
        if formula is None or not formula.html:
            self._text.setText(f"<span style='color:{theme.current().muted}'>{_EMPTY}</span>")
            return
        self._text.setText(self._rich(formula.parts or ((None, formula.html),)))

    def _rich(self, parts: Any) -> str:
        tokens = theme.current()
        levels = self.session.levels
        chosen = [levels.flat(node) for node in self.session.selection]
        pieces: list[str] = []
        room = _LONG
        for node, html in parts:
            room -= len(html)
            if room < 0:  # laying it all out would take longer than reading it
                return f"<span style='font-size: {_SMALLEST}px'>{''.join(pieces)} …</span>"
            if node is None:
                pieces.append(html)
                continue
            lit = tokens.hover if levels.covers([self._lit], node) else ""
            ground = tokens.selection if levels.covers(chosen, node) else lit
            back = f"; background-color: {ground}" if ground else ""
            pieces.append(
                f"<a href='{escape(node)}' style='color: {tokens.text}; "
                f"text-decoration: none{back}'>{html}</a>"
            )
        return self._fitting("".join(pieces))

    def _fitting(self, html: str) -> str:
        """The largest type in which the line fits; a long one is cut by the bar's edge."""
        page = QTextDocument()
        page.setDocumentMargin(0)
        page.setDefaultFont(self.font())
        size, rich = self._size, html
        while True:
            rich = f"<span style='font-size: {size}px'>{html}</span>"
            page.setHtml(rich)
            wide = page.idealWidth()
            if wide <= self._text.width() or size <= _SMALLEST:
                return rich
            # Width goes with size: one step comes close, the next ones settle it.
            size = max(_SMALLEST, min(size - 1, int(size * self._text.width() / wide)))

    @guarded()
    def resizeEvent(self, event: Any) -> None:
        """A narrow bar gets smaller type."""
        super().resizeEvent(event)
        self.refresh()
