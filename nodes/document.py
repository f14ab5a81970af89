"""The graph: nodes, wires, title and note. Read it freely; change it through commands."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nodes.events import (
    DocumentChanged,
    Event,
    FramesChanged,
    GroupsChanged,
    NodeAdded,
    NodeChanged,
    NodeRemoved,
    WireAdded,
    WireRemoved,
)
from nodes.frames import Frame
from nodes.groups import DYNAMIC, GROUP, Group, spec_of
from nodes.node import Node, Wire
from nodes.spec import NodeSpec

__all__ = [
    "Document",
    "DocumentChanged",
    "Event",
    "FramesChanged",
    "GroupsChanged",
    "Node",
    "NodeAdded",
    "NodeChanged",
    "NodeRemoved",
    "Wire",
    "WireAdded",
    "WireRemoved",
]

_LOG = logging.getLogger(__name__)


Listener = Callable[[Event], None]

_STAMPS = itertools.count(1)


class Document:
    """A graph of nodes and wires.

    The order of nodes and of wires is kept and has meaning: terms are summed in the order of
    their wires, statements of a script that could swap follow the order of the nodes.

    Attributes:
        path: the file it was read from or saved to, if any; not part of the content.
        revision: grows with every change.
        structure: grows with every change but of parameters, places and notes; no two documents
            share one.
        kept: what was worked out for an earlier state, for whoever can use it again.
    """

    def __init__(
        self,
        nodes: Iterable[Node] = (),
        wires: Iterable[Wire] = (),
        title: str = "",
        note: str = "",
        extra: str = "",
        path: Path | None = None,
        frames: Iterable[Frame] = (),
        groups: Iterable[Group] = (),
    ) -> None:
        self._groups: dict[str, Group] = {group.id: group for group in groups}
        self._nodes: dict[str, Node] = {node.id: self._adopt(node) for node in nodes}
        self._wires: list[Wire] = list(wires)
        self._frames: tuple[Frame, ...] = tuple(frames)
        self.title = title
        self.note = note
        self.extra = extra
        self.path = path
        self.revision = 0
        self.structure = next(_STAMPS)
        self._listeners: list[Listener] = []
        self._indexed = self._derived_at = -1
        self._into: dict[str, list[Wire]] = {}
        self._out_of: dict[str, list[Wire]] = {}
        self._names: dict[str, list[str]] = {}
        self._members: dict[str, list[str]] = {}
        self._derived: dict[Hashable, Any] = {}
        self.kept: dict[Hashable, Any] = {}

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes in order."""
        return tuple(self._nodes.values())

    @property
    def wires(self) -> Sequence[Wire]:
        """The wires in order."""
        return tuple(self._wires)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Backdrops and notes, the lowest first."""
        return self._frames

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that are defined here, in order."""
        return tuple(self._groups.values())

    def group(self, group_id: str) -> Group | None:
        """The group of this id, or None."""
        return self._groups.get(group_id)

    def members(self, group_id: str) -> list[Node]:
        """The nodes of a group's definition in order; those of the graph itself for ""."""
        self._index()
        return [self._nodes[node_id] for node_id in self._members.get(group_id, ())]

    def uses(self, group_id: str) -> list[Node]:
        """The nodes that stand for a group, wherever they are."""
        return [n for n in self.nodes if n.type == GROUP and n.parameters.get("of") == group_id]

    def spec_of(self, node: Node) -> NodeSpec | None:
        """The declaration of a node that stands for a group, or for a port of one."""
        return self.derived(("spec", node.id), lambda: spec_of(self, node), meanwhile=None)

    def derived(self, key: Hashable, make: Callable[[], Any], meanwhile: Any = None) -> Any:
        """Something that follows from the document, made once for each state of it.

        Args:
            key: what it is called.
            make: works it out.
            meanwhile: what it counts as while it is being made.
        """
        self._index()
        if key not in self._derived:
            self._derived[key] = meanwhile
            self._derived[key] = make()
        return self._derived[key]

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def node(self, node_id: str) -> Node:
        """The node of this id.

        Raises:
            KeyError: there is none.
        """
        return self._nodes[node_id]

    def get(self, node_id: str) -> Node | None:
        """The node of this id, or None."""
        return self._nodes.get(node_id)

    def named(self, name: str) -> list[Node]:
        """The nodes of this name: at most one value and one view, the value first.

        A view names a file, every other node a value of the script: the view of x may be
        called x as well.
        """
        self._index()
        found = [self._nodes[node_id] for node_id in self._names.get(name, ())]
        return sorted(found, key=lambda node: node.is_view)

    def by_name(self, name: str) -> Node | None:
        """The node of this name, or None; of a value and a view the value."""
        found = self.named(name)
        return found[0] if found else None

    def wires_into(self, node_id: str, port: str | None = None) -> list[Wire]:
        """The wires that end at a node, or at one of its inputs, in order."""
        self._index()
        found = self._into.get(node_id, [])
        return list(found) if port is None else [wire for wire in found if wire.input == port]

    def wires_out_of(self, node_id: str, port: str | None = None) -> list[Wire]:
        """The wires that begin at a node, or at one of its outputs, in order."""
        self._index()
        found = self._out_of.get(node_id, [])
        return list(found) if port is None else [wire for wire in found if wire.output == port]

    def upstream(self, node_id: str) -> set[str]:
        """Every node from which this one can be reached, itself included."""
        return self._reach(node_id, lambda n: (w.source for w in self.wires_into(n)))

    def downstream(self, node_id: str) -> set[str]:
        """Every node that can be reached from this one, itself included."""
        return self._reach(node_id, lambda n: (w.target for w in self.wires_out_of(n)))

    def copy(self) -> Document:
        """The same content without listeners."""
        return Document(
            self._nodes.values(),
            self._wires,
            self.title,
            self.note,
            self.extra,
            self.path,
            self._frames,
            self._groups.values(),
        )

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with each event, after the whole command has been applied.

        Returns:
            A function that ends the subscription.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    # What follows is for commands only: it checks nothing.

    def insert_node(self, index: int, node: Node) -> None:
        """Put a node at a place in the order."""
        items = list(self._nodes.items())
        items.insert(index, (node.id, self._adopt(node)))
        self._nodes = dict(items)
        self.revision += 1
        self.structure = next(_STAMPS)

    def delete_node(self, node_id: str) -> int:
        """Take a node out; returns its place in the order."""
        index = list(self._nodes).index(node_id)
        del self._nodes[node_id]
        self.revision += 1
        self.structure = next(_STAMPS)
        return index

    def replace_node(self, node: Node) -> Node:
        """Exchange a node for one with the same id; returns the old one."""
        old = self._nodes[node.id]
        self._nodes[node.id] = self._adopt(node)
        self.revision += 1
        alike = (old.type, old.version, old.mode, old.name, old.group)
        if alike != (node.type, node.version, node.mode, node.name, node.group) or (
            node.type in DYNAMIC and old.parameters != node.parameters
        ):
            self.structure = next(_STAMPS)
        return old

    def insert_wire(self, index: int, wire: Wire) -> None:
        """Put a wire at a place in the order."""
        self._wires.insert(index, wire)
        self.revision += 1
        self.structure = next(_STAMPS)

    def delete_wire(self, wire: Wire) -> int:
        """Take a wire out; returns its place in the order."""
        index = self._wires.index(wire)
        del self._wires[index]
        self.revision += 1
        self.structure = next(_STAMPS)
        return index

    def set_header(self, title: str, note: str) -> None:
        """Set the document's own words."""
        self.title, self.note = title, note
        self.revision += 1

    def set_frames(self, frames: tuple[Frame, ...]) -> None:
        """Set backdrops and notes."""
        self._frames = frames
        self.revision += 1

    def set_groups(self, groups: tuple[Group, ...]) -> None:
        """Set which groups are defined."""
        self._groups = {group.id: group for group in groups}
        self.revision += 1
        self.structure = next(_STAMPS)

    def emit(self, events: Iterable[Event]) -> None:
        """Tell every listener; one that fails is logged and does not stop the others."""
        for event in events:
            for listener in tuple(self._listeners):
                try:
                    listener(event)
                except Exception:
                    _LOG.exception("A listener failed on %s", type(event).__name__)

    def _index(self) -> None:
        if self._derived_at != self.revision:
            self._derived, self._derived_at = {}, self.revision
        if self._indexed == self.structure:
            return
        self._into, self._out_of = {}, {}
        for wire in self._wires:
            self._into.setdefault(wire.target, []).append(wire)
            self._out_of.setdefault(wire.source, []).append(wire)
        self._names, self._members = {}, {}
        for node in self._nodes.values():
            self._names.setdefault(node.name, []).append(node.id)
            self._members.setdefault(node.group, []).append(node.id)
        self._indexed = self.structure

    def _adopt(self, node: Node) -> Node:
        """Nodes that stand for groups ask their document what these are."""
        if node.type in DYNAMIC and node.home is not self:
            known = node.parameters.get("of") if node.type == GROUP else node.group
            if known in self._groups:
                return replace(node, home=self)
        return node

    def _reach(self, start: str, step: Callable[[str], Iterable[str]]) -> set[str]:
        seen = {start}
        pending = [start]
        while pending:
            for other in step(pending.pop()):
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
        return seen


def changed(node: Node, **fields: object) -> Node:
    """The node with some fields exchanged."""
    return replace(node, **fields)  # type: ignore[arg-type]
