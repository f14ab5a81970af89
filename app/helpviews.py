"""Small windows that only tell: shortcuts, the plan of the last solve, version and licences."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.canvas.facts import LEGEND, LETTERS
from app.canvas.ports import port_pixmap

__all__ = ["show_about", "show_legend", "show_plan"]


def _dialog(parent: QWidget, title: str, body: QWidget) -> QDialog:
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(16, 16, 16, 12)
    layout.setSpacing(12)
    layout.addWidget(body, 1)
    layout.addWidget(buttons)
    return dialog


def _page(html: str) -> QTextBrowser:
    page = QTextBrowser()
    page.setObjectName("help")
    page.setHtml(html)
    page.setMinimumSize(460, 420)
    return page


def show_legend(parent: QWidget) -> QDialog:
    """What the colours, shapes and letters of ports and wires mean."""
    body = QWidget()
    grid = QGridLayout(body)
    grid.setHorizontalSpacing(16)
    for row, (kind, words) in enumerate(LEGEND):
        mark = QLabel()
        mark.setPixmap(port_pixmap(kind, 22))
        grid.addWidget(mark, row, 0)
        for column, text in ((1, LETTERS[kind]), (2, kind.capitalize()), (3, words)):
            label = QLabel(text)
            label.setProperty("muted", column == 3)
            grid.addWidget(label, row, column)
    dialog = _dialog(parent, "Ports and wires", body)
    dialog.show()
    return dialog


def show_plan(parent: QWidget, plan: str) -> QDialog:
    """How the compiler turned the problem into a solver."""
    if plan:
        body: QWidget = _page(f"<pre style='white-space: pre-wrap'>{escape(plan)}</pre>")
    else:
        body = QLabel("There is no plan yet: it is made when a run reaches its solver.")
    dialog = _dialog(parent, "Plan of the last solve", body)
    dialog.show()
    return dialog


def show_about(parent: QWidget, versions: Mapping[str, str]) -> QDialog:
    """Version and licences."""
    import importlib.metadata

    try:
        version = importlib.metadata.version("dprox-studio")
    except importlib.metadata.PackageNotFoundError:
        version = "(not installed)"
    rows = "".join(
        f"<tr><td style='padding-right: 24px'>{escape(name)}</td><td>{escape(number)}</td></tr>"
        for name, number in versions.items()
    )
    html = (
        f"<h2>∇-Prox Studio {escape(version)}</h2>"
        "<p>Draw an optimization problem as a graph, watch its proximal solver run, take it away "
        "as a script.</p><p>MIT licence. Type: Inter (SIL Open Font License 1.1) and JetBrains "
        "Mono (Apache 2.0). Icons: Material Design Icons through QtAwesome. Photographs: see "
        f"resources/ASSETS.md.</p><table>{rows}</table>"
    )
    dialog = _dialog(parent, "About", _page(html))
    dialog.show()
    return dialog
