"""The menus and the toolbar, made from the table of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QVBoxLayout, QWidget

from app import menu_table as table
from app.templates import templates
from nodes.files import examples, headline

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["make_menus", "make_stage", "make_toolbar"]


def make_menus(window: MainWindow) -> dict[str, QMenu]:
    """Fill the menu bar; gives the submenus by their name in the table."""
    submenus = {
        "<templates>": QMenu("New from template", window),
        "<recent>": QMenu("Open recent", window),
        "<examples>": QMenu("Examples", window),
        "<panes>": QMenu("Panes", window),
    }
    for name, (title, entries) in table.SUBMENUS.items():
        submenus[name] = QMenu(title, window)
        for entry in entries:
            if entry == table.SEPARATOR:
                submenus[name].addSeparator()
            else:
                submenus[name].addAction(window.actions_by_id[entry])
    for title, entries in table.MENUS.items():
        menu = window.menuBar().addMenu(title)
        for entry in entries:
            if entry == table.SEPARATOR:
                menu.addSeparator()
            elif entry in submenus:
                menu.addMenu(submenus[entry])
            else:
                menu.addAction(window.actions_by_id[entry])
    recent = submenus["<recent>"]
    recent.aboutToShow.connect(lambda: _fill_recent(window, recent))
    kept = submenus["<templates>"]
    kept.aboutToShow.connect(lambda: _fill_templates(window, kept))
    for name in examples():
        title = headline(name)[0] or name.capitalize()
        action = submenus["<examples>"].addAction(title)
        action.setObjectName(f"example:{name}")
        action.triggered.connect(lambda _=False, n=name: window.commands.open_path(f"example:{n}"))
    for dock in window.docks.docks.values():
        submenus["<panes>"].addAction(dock.toggleViewAction())
    return submenus


def _fill_recent(window: MainWindow, menu: QMenu) -> None:
    menu.clear()
    for path in window.settings.recent:
        action = menu.addAction(f"{path.name}  —  {path.parent}")
        action.triggered.connect(lambda _=False, p=path: window.commands.open_path(p))
    if menu.isEmpty():
        menu.addAction("No recent files").setEnabled(False)
        return
    menu.addSeparator()
    menu.addAction("Clear the list").triggered.connect(window.settings.clear_recent)


def _fill_templates(window: MainWindow, menu: QMenu) -> None:
    menu.clear()
    for path in templates(window.settings):
        action = menu.addAction(path.stem)
        action.triggered.connect(lambda _=False, p=path: window.commands.open_path(p, copy=True))
    if menu.isEmpty():
        menu.addAction("None yet: File ▸ Save as a template keeps one").setEnabled(False)


def make_stage(window: MainWindow) -> QToolBar:
    """A bar across the window in which the objective stands while one presents."""
    window.addToolBarBreak()
    bar = QToolBar("Objective")
    bar.setObjectName("stage")
    bar.setMovable(False)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.toggleViewAction().setVisible(False)
    place = QWidget()
    place.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    QVBoxLayout(place).setContentsMargins(0, 0, 0, 0)
    bar.addWidget(place)
    window.addToolBar(bar)
    bar.hide()
    return bar


def make_toolbar(window: MainWindow) -> QToolBar:
    """Run, device and progress on the left; arrangements and theme on the right."""
    bar = QToolBar("Run")
    bar.setObjectName("toolbar")
    bar.setMovable(False)
    bar.setIconSize(QSize(18, 18))
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    for identifier in table.TOOLBAR:
        bar.addAction(window.actions_by_id[identifier])
        button = bar.widgetForAction(window.actions_by_id[identifier])
        button.setObjectName(identifier.split(".")[1])
        button.setAccessibleName(window.actions_by_id[identifier].text())
    bar.addSeparator()
    bar.addWidget(window.device)
    bar.addSeparator()
    bar.addWidget(window.progress)
    gap = QWidget()
    gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(gap)
    styles = Qt.ToolButtonStyle
    for identifier in ("view.build", "view.watch", "view.present", "view.dark"):
        button = QToolButton()
        button.setDefaultAction(window.actions_by_id[identifier])
        button.setAccessibleName(window.actions_by_id[identifier].text())
        icon_only = identifier == "view.dark"
        button.setToolButtonStyle(
            styles.ToolButtonIconOnly if icon_only else styles.ToolButtonTextOnly
        )
        bar.addWidget(button)
    window.addToolBar(bar)
    return bar
