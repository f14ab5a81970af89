"""What uses of one group share and what each has for itself: values put on them, or all of it."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from nodes.commands.guards import existing
from nodes.document import Document, Node, Wire
from nodes.edits import (
    DeleteNode,
    DeleteWire,
    Edit,
    InsertNode,
    InsertWire,
    ReplaceNode,
    SetFrames,
    SetGroups,
)
from nodes.errors import DocumentError
from nodes.groups import ENTRY, EXIT, GROUP, Group, key_of, moved_key, moved_wire
from nodes.names import free_name

__all__ = ["Detach", "Expose"]


@dataclass(frozen=True)
class Expose:
    """Put a parameter of a node inside a group on every use of the group, or take it back.

    Each use then sets a value for itself, or follows the definition. Taken back, all follow it.

    Attributes:
        node: id of the inner node.
        parameter: its parameter.
        on: whether uses have it.
    """

    node: str
    parameter: str
    on: bool = True
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return "Put a value on the group" if self.on else "Take a value from the group"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        node = existing(document, self.node)
        group = document.group(node.group)
        if group is None:
            raise DocumentError(f"{node.name} stands in no group: there are no uses to put it on.")
        if node.spec is None or node.spec.parameter(self.parameter) is None:
            raise DocumentError(f'{node.name} has no parameter "{self.parameter}".')
        pair = (node.id, self.parameter)
        if (pair in group.exposed) == self.on:
            return ()
        kept = tuple(known for known in group.exposed if known != pair)
        new = replace(group, exposed=(*kept, pair) if self.on else kept)
        edits: list[Edit] = [
            SetGroups(tuple(new if g.id == group.id else g for g in document.groups))
        ]
        key = key_of(*pair)
        for use in document.uses(group.id):
            if key in use.parameters:
                values = {k: v for k, v in use.parameters.items() if k != key}
                edits.append(ReplaceNode(replace(use, parameters=values), "parameters"))
        return tuple(edits)


@dataclass(frozen=True)
class Detach:
    """Give one use of a group a definition of its own; the other uses keep the old one."""

    use: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Make a group independent", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        use = existing(document, self.use)
        old = document.group(str(use.parameters.get("of", "")))
        if use.type != GROUP or old is None:
            raise DocumentError(f"{use.name} is no group.")
        if len(document.uses(old.id)) == 1:
            raise DocumentError(f"{use.name} is the only use of its group: it is independent.")
        members = document.members(old.id)
        now = {thing: uuid.uuid4().hex for thing in (old.id, *(m.id for m in members))}
        group = Group(
            now[old.id],
            _free_title(document, old.title),
            tuple((now.get(m, m), moved_key(p, now)) for m, p in old.exposed),
            old.extra,
        )
        mine = {moved_key(k, now): v for k, v in use.parameters.items()}
        fresh = replace(use, parameters={**mine, "of": group.id})
        wires = [self._moved(wire, now) for wire in document.wires]
        inner = [
            moved_wire(wire, now)
            for wire in document.wires
            if wire.source in now and wire.target in now
        ]
        frames = [
            replace(frame, id=uuid.uuid4().hex, group=group.id)
            for frame in document.frames
            if frame.group == old.id
        ]
        edits: list[Edit] = [
            DeleteWire(wire) for wire in document.wires if use.id in (wire.source, wire.target)
        ]
        edits += [DeleteNode(use.id), SetGroups((*document.groups, group))]
        edits.append(InsertNode(document.nodes.index(use), fresh))
        copies = _copies(document, members, now, group.id)
        edits += [InsertNode(len(document) + i, node) for i, node in enumerate(copies)]
        edits += [
            InsertWire(place, wire)
            for place, wire in enumerate(wires)
            if use.id in (wire.source, wire.target)
        ]
        edits += [InsertWire(len(wires) + i, wire) for i, wire in enumerate(inner)]
        if frames:
            edits.append(SetFrames((*document.frames, *frames)))
        return tuple(edits)

    def _moved(self, wire: Wire, now: dict[str, str]) -> Wire:
        """A wire at the use, at the ports of the new definition."""
        if wire.source == self.use:
            wire = replace(wire, output=now.get(wire.output, wire.output))
        if wire.target == self.use:
            wire = replace(wire, input=now.get(wire.input, wire.input))
        return wire


def _copies(
    document: Document, members: Sequence[Node], now: dict[str, str], group: str
) -> list[Node]:
    """The nodes of a definition under the ids of another; ports keep their names."""
    names = {node.name for node in document.nodes}
    found: list[Node] = []
    for member in members:
        name = member.name
        if member.type not in (ENTRY, EXIT):
            name = free_name(name, names)
            names.add(name)
        found.append(replace(member, id=now[member.id], name=name, group=group))
    return found


def _free_title(document: Document, title: str) -> str:
    known = {group.title for group in document.groups}
    number = 2
    while f"{title} {number}" in known:
        number += 1
    return f"{title} {number}"
