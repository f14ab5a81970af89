"""Commands on groups: make one of some nodes, write one out, define one, rename one."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from nodes.commands.guards import check_name, existing
from nodes.document import Document, Node, Wire
from nodes.edits import (
    DeleteNode,
    DeleteWire,
    Edit,
    InsertNode,
    InsertWire,
    SetFrames,
    SetGroups,
)
from nodes.errors import DocumentError
from nodes.frames import Frame
from nodes.groups import ENTRY, EXIT, GROUP, VALUE, Group, given
from nodes.names import free_name

__all__ = ["DefineGroup", "MakeGroup", "RenameGroup", "Ungroup", "new_port", "new_use"]

# How far ports stand from what they lead to, when a group is made.
_ASIDE, _ROW = 300.0, 100.0


def new_use(
    document: Document, of: str, position: tuple[float, float] = (0, 0), group: str = ""
) -> Node:
    """One more node that stands for a group, ready to be added.

    Args:
        document: where the name must be free.
        of: id of the group.
        position: of its top left corner.
        group: id of the group in whose definition it will stand.
    """
    name = free_name("group", {node.name for node in document.nodes})
    return Node(
        uuid.uuid4().hex, name, GROUP, parameters={"of": of}, position=position, group=group
    )


def new_port(
    document: Document, kind: str, group: str, position: tuple[float, float] = (0, 0)
) -> Node:
    """A port of a group, ready to be added: ``kind`` is its node type."""
    taken = {member.name for member in document.members(group) if member.type == kind}
    stem = "input_port" if kind == ENTRY else "output_port"
    return Node(uuid.uuid4().hex, free_name(stem, taken), kind, position=position, group=group)


@dataclass(frozen=True)
class MakeGroup:
    """Turn nodes into a group and put one use of it in their place.

    What crosses their border becomes a port: one for each value that comes in, one for each that
    goes out, and one for each that nothing takes yet.

    Attributes:
        nodes: ids of nodes that stand in one place.
        title: of the group.
        group, use: ids of the definition and of the node that stands for it.
        name: of that node, if it is free.
        position: of that node; None puts it in the middle of the others.
    """

    nodes: Sequence[str]
    title: str = "Group"
    group: str = field(default_factory=lambda: uuid.uuid4().hex)
    use: str = field(default_factory=lambda: uuid.uuid4().hex)
    name: str = "group"
    position: tuple[float, float] | None = None
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return f"Group {len(self.nodes)} nodes" if len(self.nodes) > 1 else "Group a node"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        chosen = {n: existing(document, n) for n in dict.fromkeys(self.nodes)}
        if not chosen:
            raise DocumentError("Select the nodes that become a group.")
        places = {node.group for node in chosen.values()}
        if len(places) > 1:
            raise DocumentError("The nodes stand in different groups.")
        for node in chosen.values():
            if node.type in (ENTRY, EXIT):
                raise DocumentError(f"{node.name} is a port of the group it stands in: leave it.")
        self._refuse_gaps(document, chosen)
        name = free_name(self.name, {node.name for node in document.nodes})
        xs = [node.position[0] for node in chosen.values()]
        ys = [node.position[1] for node in chosen.values()]
        middle = self.position or (round(sum(xs) / len(xs)), round(sum(ys) / len(ys)))
        use = Node(
            self.use, name, GROUP, parameters={"of": self.group}, position=middle,
            group=places.pop(),
        )  # fmt: skip
        border = _Border(self.group, self.use, min(xs) - _ASIDE, max(xs) + _ASIDE, min(ys))
        wires = border.wires(document, chosen)
        order = [node for node in document.nodes if node.id in chosen]
        first = document.nodes.index(order[0])
        return (
            SetGroups((*document.groups, Group(self.group, self.title))),
            *(DeleteWire(w) for w in document.wires if {w.source, w.target} & chosen.keys()),
            *(DeleteNode(node.id) for node in order),
            InsertNode(first, use),
            *(
                InsertNode(first + 1 + index, node)
                for index, node in enumerate(
                    (*(replace(n, group=self.group) for n in order), *border.ports)
                )
            ),
            *_inserted(
                wires, (w for w in document.wires if not {w.source, w.target} & chosen.keys())
            ),
        )

    @staticmethod
    def _refuse_gaps(document: Document, chosen: dict[str, Node]) -> None:
        """A node between nodes of the group would make the group depend on itself."""
        after, before = set[str](), set[str]()
        for node in chosen:
            after |= document.downstream(node)
            before |= document.upstream(node)
        for between in document.nodes:
            if between.id in after & before and between.id not in chosen:
                raise DocumentError(
                    f"{between.name} lies between nodes of the group: select it as well."
                )


class _Border:
    """The ports of a new group, made as its wires are met."""

    def __init__(self, group: str, use: str, left: float, right: float, top: float) -> None:
        self.group, self.use = group, use
        self.left, self.right, self.top = left, right, top
        self.ports: list[Node] = []
        self.known: dict[tuple[str, str, str], Node] = {}

    def port(self, kind: str, document: Document, source: str, output: str) -> tuple[Node, bool]:
        """The port for what an output gives, and whether it is new."""
        key = (kind, source, output)
        if key in self.known:
            return self.known[key], False
        mine = [port for port in self.ports if port.type == kind]
        name = free_name(document.node(source).name, {port.name for port in mine})
        place = (self.left if kind == ENTRY else self.right, self.top + _ROW * len(mine))
        port = Node(uuid.uuid4().hex, name, kind, position=place, group=self.group)
        self.ports.append(port)
        self.known[key] = port
        return port, True

    def wires(self, document: Document, chosen: dict[str, Node]) -> list[Wire]:
        """Every wire of the document, in order, as it is once the group is made."""
        found: list[Wire] = []
        taken = {wire.source for wire in document.wires}
        for wire in document.wires:
            inward, outward = wire.target in chosen, wire.source in chosen
            if inward == outward:
                found.append(wire)
                continue
            kind = ENTRY if inward else EXIT
            port, fresh = self.port(kind, document, wire.source, wire.output)
            if inward:
                if fresh:
                    found.append(Wire(wire.source, wire.output, self.use, port.id))
                found.append(replace(wire, source=port.id, output=VALUE))
            else:
                if fresh:
                    found.append(Wire(wire.source, wire.output, port.id, VALUE))
                found.append(replace(wire, source=self.use, output=port.id))
        for node in chosen.values():
            outputs = node.spec.outputs if node.spec and node.id not in taken else ()
            for output in outputs:
                port, _ = self.port(EXIT, document, node.id, output.name)
                found.append(Wire(node.id, output.name, port.id, VALUE))
        return found


@dataclass(frozen=True)
class Ungroup:
    """Put what a group holds in the place of one use of it; other uses keep the group."""

    use: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Ungroup", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        use = existing(document, self.use)
        group = str(use.parameters.get("of", ""))
        if use.type != GROUP or use.spec is None:
            raise DocumentError(f"{use.name} is no group.")
        if use.mode:
            raise DocumentError(f"{use.name} does not take part now: switch it on first.")
        members = document.members(group)
        inner = [m for m in members if m.type not in (ENTRY, EXIT)]
        definition = document.group(group)
        own = given(definition, use.parameters) if definition is not None else {}
        only = len(document.uses(group)) == 1
        ids = {m.id: m.id if only else uuid.uuid4().hex for m in inner}
        names = {node.name for node in document.nodes}
        xs, ys = [m.position[0] for m in inner] or [0.0], [m.position[1] for m in inner] or [0.0]
        dx = round(use.position[0] - sum(xs) / len(xs))
        dy = round(use.position[1] - sum(ys) / len(ys))
        fresh: list[Node] = []
        for member in inner:
            name = member.name if only else free_name(member.name, names)
            names.add(name)
            place = (member.position[0] + dx, member.position[1] + dy)
            values = {**member.parameters, **own.get(member.id, {})}
            fresh.append(
                replace(
                    member, id=ids[member.id], name=name, position=place, group=use.group,
                    parameters=values,
                )
            )  # fmt: skip
        wires = self._wires(document, use, ids, only)
        kept = [wire for wire in document.wires if wire in wires]
        index = document.nodes.index(use)
        leaving = {use.id, *(m.id for m in members)} if only else {use.id}
        index -= sum(node.id in leaving for node in document.nodes[:index])
        edits: list[Edit] = [
            DeleteWire(wire)
            for wire in document.wires
            if wire.source in leaving or wire.target in leaving
        ]
        edits += map(DeleteNode, leaving)
        if only:
            frames = tuple(_moved(f, group, use.group, dx, dy) for f in document.frames)
            edits += [SetFrames(frames)] if frames != document.frames else []
            edits.append(SetGroups(tuple(g for g in document.groups if g.id != group)))
        edits += [InsertNode(index + place, node) for place, node in enumerate(fresh)]
        kept = [w for w in kept if w.source not in leaving and w.target not in leaving]
        return (*edits, *_inserted(wires, kept))

    @staticmethod
    def _wires(document: Document, use: Node, ids: dict[str, str], only: bool) -> list[Wire]:
        group = str(use.parameters.get("of", ""))
        kinds = {member.id: member.type for member in document.members(group)}

        def ends(source: str, output: str) -> list[tuple[str, str]]:
            """Where what an inner output gives comes from, once the group is written out."""
            if kinds.get(source) == ENTRY:
                return [(w.source, w.output) for w in document.wires_into(use.id, source)]
            return [(ids[source], output)] if source in ids else []

        found: dict[Wire, None] = {}
        for wire in document.wires:
            inside = wire.source in kinds or wire.target in kinds
            if inside and not only:
                found[wire] = None
            if use.id in (wire.source, wire.target):
                if wire.source == use.id:
                    for inner in document.wires_into(wire.output):
                        for source, output in ends(inner.source, inner.output):
                            found[replace(wire, source=source, output=output)] = None
            elif wire.target in ids:
                for source, output in ends(wire.source, wire.output):
                    found[replace(wire, source=source, output=output, target=ids[wire.target])] = (
                        None
                    )
            elif not inside:
                found[wire] = None
        return list(found)


def _moved(frame: Frame, group: str, outer: str, dx: float, dy: float) -> Frame:
    """A backdrop or note of a group that is written out goes along."""
    if frame.group != group:
        return frame
    left, top, *size = frame.rect
    return replace(frame, group=outer, rect=(left + dx, top + dy, size[0], size[1]))


def _inserted(wires: Sequence[Wire], there: Iterable[Wire]) -> list[Edit]:
    """The insertions that make the wires that are there into all of them, in order."""
    known = set(there)
    return [InsertWire(i, wire) for i, wire in enumerate(wires) if wire not in known]


@dataclass(frozen=True)
class RenameGroup:
    """Give a group another title."""

    group: str
    title: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Rename a group", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        title = " ".join(self.title.split())[:80]
        old = document.group(self.group)
        if old is None:
            raise DocumentError("This group is no longer in the graph.")
        if not title:
            raise DocumentError("A group needs a title.")
        if title == old.title:
            return ()
        new = replace(old, title=title)
        return (SetGroups(tuple(new if g.id == self.group else g for g in document.groups)),)


@dataclass(frozen=True)
class DefineGroup:
    """Bring a definition into the document, as it was copied elsewhere.

    Attributes:
        group: the definition.
        nodes, wires: what it holds, under ids and names that are free.
        frames: its backdrops and notes.
    """

    group: Group
    nodes: Sequence[Node]
    wires: Sequence[Wire]
    frames: Sequence[Frame] = ()
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Define a group", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        if document.group(self.group.id) is not None:
            raise DocumentError(f"There is already a group {self.group.title} of this id.")
        for node in self.nodes:
            check_name(document, node.name, node.namespace)
        edits: list[Edit] = [SetGroups((*document.groups, self.group))]
        edits += [InsertNode(len(document) + i, node) for i, node in enumerate(self.nodes)]
        edits += [InsertWire(len(document.wires) + i, wire) for i, wire in enumerate(self.wires)]
        if self.frames:
            edits.append(SetFrames((*document.frames, *self.frames)))
        return tuple(edits)
