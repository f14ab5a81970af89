"""What commands refuse, checked before anything is touched."""

from __future__ import annotations

import json
import math

from nodes.document import Document, Node
from nodes.errors import DocumentError
from nodes.groups import ENTRY, EXIT, GROUP, holds
from nodes.names import name_problem
from nodes.parameter import Json

__all__ = ["check_json", "check_name", "check_place", "check_position", "existing", "same"]


def existing(document: Document, node_id: str) -> Node:
    """The node of this id, or the refusal."""
    node = document.get(node_id)
    if node is None:
        raise DocumentError("This node is no longer in the graph.")
    return node


def check_name(document: Document, name: str, namespace: str) -> None:
    """Refuse a name that is no name, or taken by another node of the namespace."""
    problem = name_problem(name)
    if problem:
        raise DocumentError(problem)
    if any(other.namespace == namespace for other in document.named(name)):
        raise DocumentError(f"There is already a node named {name}: choose another name.")


def check_place(document: Document, node: Node) -> None:
    """Refuse a node in a group that is not there, or a group inside itself."""
    if node.group and document.group(node.group) is None:
        raise DocumentError("The group of this node is no longer in the graph.")
    if node.type in (ENTRY, EXIT) and not node.group:
        raise DocumentError("A port of a group can only stand inside a group: open one first.")
    if node.type == GROUP:
        group = document.group(str(node.parameters.get("of", "")))
        if group is None:
            raise DocumentError("This group is no longer in the graph.")
        if node.group and holds(document, group.id, node.group):
            raise DocumentError(f"{group.title} cannot stand inside itself.")


def check_position(position: tuple[float, float]) -> None:
    """Refuse what is not a place on the canvas."""
    if len(position) != 2 or not all(
        isinstance(c, int | float) and not isinstance(c, bool) and math.isfinite(c)
        for c in position
    ):
        raise DocumentError("A position is two finite numbers.")


def check_json(name: str, value: Json) -> None:
    """Refuse a value that no file can hold."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise DocumentError(f"A parameter of {name} must be a finite number or text.") from None


def same(one: object, other: object) -> bool:
    """Whether two values are written alike in a file."""
    # 1, 1.0 and True are equal in Python and differ in the file.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
