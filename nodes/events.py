"""What a document tells its listeners."""

from __future__ import annotations

from dataclasses import dataclass

from nodes.frames import Frame
from nodes.groups import Group
from nodes.node import Node, Wire

__all__ = [
    "DocumentChanged",
    "Event",
    "FramesChanged",
    "GroupsChanged",
    "NodeAdded",
    "NodeChanged",
    "NodeRemoved",
    "WireAdded",
    "WireRemoved",
]


@dataclass(frozen=True)
class NodeAdded:
    """A node is in the document now."""

    node: Node


@dataclass(frozen=True)
class NodeRemoved:
    """A node, already without wires, is gone."""

    node: Node


@dataclass(frozen=True)
class NodeChanged:
    """A node was replaced; ``what`` is "parameters", "name", "position", "note" or "mode"."""

    node: Node
    what: str


@dataclass(frozen=True)
class WireAdded:
    """A wire is in the document now."""

    wire: Wire


@dataclass(frozen=True)
class WireRemoved:
    """A wire is gone."""

    wire: Wire


@dataclass(frozen=True)
class DocumentChanged:
    """The document's own words changed."""

    title: str
    note: str


@dataclass(frozen=True)
class FramesChanged:
    """Backdrops or notes changed."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class GroupsChanged:
    """A group was defined, renamed or forgotten."""

    groups: tuple[Group, ...]


Event = (
    NodeAdded
    | NodeRemoved
    | NodeChanged
    | WireAdded
    | WireRemoved
    | DocumentChanged
    | FramesChanged
    | GroupsChanged
)
