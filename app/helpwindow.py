"""F1: the help page of the selected node in a window of its own, which follows the selection."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QUrl, Signal
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from app import theme
from app.nodehelp import help_page
from app.session import Session

__all__ = ["HelpWindow"]


class HelpWindow(QDialog):
    """Stays open beside the work until it is closed; Escape closes it.

    Signals:
        example_wanted(str): a link to an example was followed.
    """

    example_wanted = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.page = QTextBrowser()
        self.page.setObjectName("help")
        self.page.setAccessibleName("Help on the selected node")
        self.page.setOpenLinks(False)
        self.page.document().setDocumentMargin(14)
        self.page.anchorClicked.connect(self._on_link)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        self.resize(540, 620)
        session.selection_changed.connect(self.refresh)
        theme.signals().changed.connect(self._on_theme)
        self.refresh()

    def _on_link(self, url: QUrl) -> None:
        self.example_wanted.emit(url.toString())

    def _on_theme(self, _theme: Any) -> None:
        self._shown = ("", "")
        self.refresh()

    def refresh(self) -> None:
        """Show the page of the selected node; while none is selected, the last one stays."""
        chosen = self.session.selection
        node = self.session.document.get(chosen[-1]) if chosen else None
        spec = node.spec if node is not None else None
        if spec is None or (spec.type, spec.title) == self._shown:
            return
        self._shown = (spec.type, spec.title)
        tokens = theme.current()
        self.page.document().setDefaultStyleSheet(
            f"code, pre {{ font-family: '{theme.MONOSPACE}'; font-size: 12px; }}"
            f"a {{ color: {tokens.accent}; }}"
        )
        formula = f"<p style='font-size:20px'>{spec.formula}</p>" if spec.formula else ""
        self.page.setHtml(f"<h2>{spec.title}</h2>{formula}{help_page(spec)}")
        self.setWindowTitle(f"Help on {spec.title}")

    _shown = ("", "")
