"""One QAction for each command of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app import icons
from app.command_table import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["colour_actions", "make_actions"]


def make_actions(
    window: QWidget, canvas: QWidget, handler: Callable[[str], Callable[[], object]]
) -> dict[str, QAction]:
    """One QAction for each command.

    Args:
        window: the parent; keys of ordinary commands work anywhere in it.
        canvas: the widget in which keys of canvas commands work.
        handler: gives, for a command's id, what to call.
    """
    actions: dict[str, QAction] = {}
    for command in COMMANDS:
        action = QAction(command.text, window)
        action.setObjectName(command.id)
        action.setCheckable(command.checkable)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        keys = f" ({command.keys[0]})" if command.keys else ""
        action.setToolTip(f"{command.tip}{keys}")
        action.setStatusTip(command.tip)
        if command.canvas:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            canvas.addAction(action)
        else:
            window.addAction(action)
        call = handler(command.id)
        action.triggered.connect(lambda _=False, c=call: c())
        actions[command.id] = action
    colour_actions(actions)
    return actions


def colour_actions(actions: dict[str, QAction]) -> None:
    """Give actions the icons of the theme on screen."""
    for command in COMMANDS:
        if command.icon and command.id in actions:
            actions[command.id].setIcon(icons.icon(command.icon))
