"""The pin beside a parameter of a node inside a group: it puts the value on every use."""

from __future__ import annotations

from PySide6.QtWidgets import QToolButton

from app import icons
from app.panes.editors import ParameterEditor
from app.session import Session
from nodes.commands import Expose
from nodes.document import Node

__all__ = ["pin"]


def pin(session: Session, node: Node, editor: ParameterEditor) -> QToolButton | None:
    """Put a pin on an editor of a node that stands inside a group; None elsewhere."""
    group = session.document.group(node.group)
    if group is None:
        return None
    name = editor.parameter.name
    there = (node.id, name) in group.exposed
    button = QToolButton()
    button.setCheckable(True)
    button.setChecked(there)
    button.setIcon(icons.icon("pin" if there else "pin-outline"))
    words = (
        f"On every use of {group.title}: each can have its own value. Press to take it back"
        if there
        else f"Put this on every use of {group.title}, so that each can have its own value"
    )
    button.setToolTip(words)
    button.setAccessibleName(f"{editor.parameter.title} on every use of the group")
    button.toggled.connect(lambda on: session.do(Expose(node.id, name, on)))
    editor.head.insertWidget(editor.head.count() - 1, button)
    return button
