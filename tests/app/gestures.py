"""What a person does again and again in tests of editing, and what they look at afterwards."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.chooser import Chooser
from nodes.commands import AddNode, new_node
from nodes.document import Node
from tests.app.support import Person

CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
KEY = Qt.Key


def add(person: Person, kind: str, name: str, x: float, y: float, **values: Any) -> Node:
    """A node at a place."""
    node = new_node(person.document, kind, name, (x, y), **values)
    assert person.window.session.do(AddNode(node))
    return node


def ends(person: Person) -> set[tuple[str, str, str, str]]:
    """The wires by the names of their nodes."""
    names = {node.id: node.name for node in person.document.nodes}
    return {(names[w.source], w.output, names[w.target], w.input) for w in person.document.wires}


def open_chooser() -> Chooser:
    """The one list to choose from that is open."""
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, Chooser) and w.isVisible()]
    assert len(found) == 1
    return found[0]


def choose(person: Person, text: str) -> None:
    """Type into the open list and take what comes first."""
    open_one = open_chooser()
    person.bot.keyClicks(open_one.search, text)
    person.bot.keyClick(open_one.search, KEY.Key_Return)
    person.bot.wait(80)
