"""The smallest changes of a document, each with its exact inverse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nodes.document import (
    Document,
    DocumentChanged,
    Event,
    FramesChanged,
    GroupsChanged,
    Node,
    NodeAdded,
    NodeChanged,
    NodeRemoved,
    Wire,
    WireAdded,
    WireRemoved,
)
from nodes.frames import Frame
from nodes.groups import Group

__all__ = [
    "DeleteNode",
    "DeleteWire",
    "Edit",
    "InsertNode",
    "InsertWire",
    "ReplaceNode",
    "SetFrames",
    "SetGroups",
    "SetHeader",
    "apply",
]


@dataclass(frozen=True)
class InsertNode:
    """Put a node at a place in the order."""

    index: int
    node: Node


@dataclass(frozen=True)
class DeleteNode:
    """Take out a node that has no wires."""

    node_id: str


@dataclass(frozen=True)
class ReplaceNode:
    """Exchange a node; ``what`` is the field that differs."""

    node: Node
    what: str


@dataclass(frozen=True)
class InsertWire:
    """Put a wire at a place in the order."""

    index: int
    wire: Wire


@dataclass(frozen=True)
class DeleteWire:
    """Take out a wire."""

    wire: Wire


@dataclass(frozen=True)
class SetHeader:
    """Set title and note."""

    title: str
    note: str


@dataclass(frozen=True)
class SetFrames:
    """Set backdrops and notes, all of them."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class SetGroups:
    """Set which groups are defined, all of them; before their nodes come, after they went."""

    groups: tuple[Group, ...]


Edit = (
    InsertNode
    | DeleteNode
    | ReplaceNode
    | InsertWire
    | DeleteWire
    | SetHeader
    | SetFrames
    | SetGroups
)


def apply(document: Document, edits: Iterable[Edit]) -> tuple[Sequence[Edit], Sequence[Event]]:
    """Carry out edits that are known to be valid.

    Returns:
        The edits that undo them, in the order to apply them, and the events to emit.
    """
    inverse: list[Edit] = []
    events: list[Event] = []
    for edit in edits:
        back, event = _apply_one(document, edit)
        inverse.append(back)
        events.append(event)
    return tuple(reversed(inverse)), tuple(events)


def _apply_one(document: Document, edit: Edit) -> tuple[Edit, Event]:
    match edit:
        case InsertNode(index, node):
            document.insert_node(index, node)
            return DeleteNode(node.id), NodeAdded(document.node(node.id))
        case DeleteNode(node_id):
            node = document.node(node_id)
            return InsertNode(document.delete_node(node_id), node), NodeRemoved(node)
        case ReplaceNode(node, what):
            old_node = ReplaceNode(document.replace_node(node), what)
            return old_node, NodeChanged(document.node(node.id), what)
        case InsertWire(index, wire):
            document.insert_wire(index, wire)
            return DeleteWire(wire), WireAdded(wire)
        case DeleteWire(wire):
            return InsertWire(document.delete_wire(wire), wire), WireRemoved(wire)
        case SetHeader(title, note):
            back = SetHeader(document.title, document.note)
            document.set_header(title, note)
            return back, DocumentChanged(title, note)
        case SetFrames(frames):
            old = SetFrames(document.frames)
            document.set_frames(frames)
            return old, FramesChanged(frames)
        case SetGroups(groups):
            before = SetGroups(document.groups)
            document.set_groups(groups)
            return before, GroupsChanged(groups)
