"""What a step of the history was about: which nodes, which values, which wires."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nodes.document import Document, Wire
from nodes.edits import DeleteNode, DeleteWire, Edit, InsertNode, InsertWire, ReplaceNode
from nodes.node import Node

__all__ = ["about"]

_MOST = 3


def about(forward: Sequence[Edit], backward: Sequence[Edit], document: Document) -> str:
    """The subject of a step, such as "smoothness: 0.02" or "photo → blurred"; empty if unknown.

    Args:
        forward: what the step did.
        backward: what takes it back, which knows how things were before.
        document: for the names of the nodes that wires join.
    """
    before = {edit.node.id: edit.node for edit in backward if isinstance(edit, ReplaceNode)}
    gone = {edit.node.id: edit.node.name for edit in backward if isinstance(edit, InsertNode)}
    new = {edit.node.id: edit.node.name for edit in forward if isinstance(edit, InsertNode)}

    def name(node: str) -> str:
        there = document.get(node)
        return there.name if there is not None else new.get(node) or gone.get(node, "")

    nodes, wires = [], []
    for edit in forward:
        match edit:
            case ReplaceNode(node, what):
                nodes.append(_changed(before.get(node.id), node, what))
            case InsertNode(_, node):
                nodes.append(node.name)
            case DeleteNode(node_id):
                nodes.append(gone.get(node_id, ""))
            case InsertWire(_, wire) | DeleteWire(wire):
                wires.append(_wire(wire, name(wire.source), name(wire.target)))
    return _few(nodes or wires)


def _wire(wire: Wire, source: str, target: str) -> str:
    return f"{source} → {target}" if source and target else ""


def _changed(old: Node | None, new: Node, what: str) -> str:
    if old is None:
        return new.name
    if what == "name":
        return f"before: {old.name}"
    if what != "parameters":
        return new.name
    values = [
        _value(new, key)
        for key in dict.fromkeys((*old.parameters, *new.parameters))
        if old.parameters.get(key) != new.parameters.get(key)
    ]
    return f"{new.name}: {_few(values)}" if values else new.name


def _value(node: Node, key: str) -> str:
    parameter = node.spec.parameter(key) if node.spec is not None else None
    if parameter is None:
        return key
    text = parameter.show(node.value(key)).replace("\n", " ")
    return text if len(text) <= 40 else f"{text[:39]}…"


def _few(words: Iterable[str]) -> str:
    known = list(dict.fromkeys(word for word in words if word))
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return ", ".join(known[:_MOST]) + more
