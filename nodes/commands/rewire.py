"""Commands that keep wires while nodes come and go: splice, dissolve, replace, switch off."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from nodes.catalogue import CATALOGUE
from nodes.commands.guards import check_name, existing
from nodes.commands.removal import removal
from nodes.document import Document, Node, Wire
from nodes.edits import DeleteNode, DeleteWire, Edit, InsertNode, InsertWire, ReplaceNode
from nodes.errors import DocumentError
from nodes.groups import ENTRY, EXIT
from nodes.modes import MODES, through
from nodes.spec import NodeSpec, PortType
from nodes.types import output_type

__all__ = ["ChangeType", "Dissolve", "SetMode", "Splice", "splice"]


def splice(document: Document, wire: Wire, node: Node) -> Splice | None:
    """The command that puts a node of the document into a wire; None if it does not fit there.

    Only a free input is taken, and only an output that the wire's target accepts.
    """
    target, spec = document.get(wire.target), node.spec
    carried = output_type(document, wire.source, wire.output)
    port = target.spec.input(wire.input) if target is not None and target.spec else None
    if spec is None or port is None or carried is None or node.id in (wire.source, wire.target):
        return None
    if wire.target in document.upstream(node.id) or wire.source in document.downstream(node.id):
        return None
    free = [
        p
        for p in spec.inputs
        if p.accepts(carried) and p.attribute is None and not document.wires_into(node.id, p.name)
    ]
    free.sort(key=lambda p: p.type != carried)
    for begin in free:
        for output in spec.outputs:
            gives = carried if spec.polymorphic and begin.accepts(carried) else output.type
            if spec.polymorphic and carried is not PortType.EXPRESSION:
                gives = PortType.IMAGE
            if port.accepts(gives):
                return Splice(wire, node.id, begin.name, output.name)
    return None


@dataclass(frozen=True)
class Splice:
    """Put a node into a wire: what flowed through the wire flows through the node."""

    wire: Wire
    node: str
    input: str
    output: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Insert into a wire", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        existing(document, self.node)
        if self.wire not in document.wires:
            raise DocumentError("There is no such wire.")
        if document.wires_into(self.node, self.input):
            raise DocumentError("The node's input is wired already.")
        index = document.wires.index(self.wire)
        # The second half keeps the place of the wire: the order of terms has a meaning.
        return (
            DeleteWire(self.wire),
            InsertWire(index, Wire(self.node, self.output, self.wire.target, self.wire.input)),
            InsertWire(
                len(document.wires), Wire(self.wire.source, self.wire.output, self.node, self.input)
            ),
        )


@dataclass(frozen=True)
class Dissolve:
    """Remove a node and join what it stood between."""

    node: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Remove and rejoin", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        node = existing(document, self.node)
        port = through(node.spec)
        before = document.wires_into(node.id, port) if port else []
        if not before:
            raise DocumentError(
                f"{node.name} hands nothing through that could be joined: delete it instead."
            )
        edits: list[Edit] = []
        for wire in document.wires:
            if node.id not in (wire.source, wire.target):
                continue
            index = document.wires.index(wire) - sum(isinstance(e, DeleteWire) for e in edits)
            index += sum(isinstance(e, InsertWire) for e in edits)
            edits.append(DeleteWire(wire))
            joined = replace(wire, source=before[-1].source, output=before[-1].output)
            if wire.source == node.id and joined not in document.wires:
                edits.append(InsertWire(index, joined))
        return (*edits, DeleteNode(node.id), *_unused(document, node))


@dataclass(frozen=True)
class ChangeType:
    """Turn a node into one of another type; what both types know stays.

    A wire stays at the port of its name, else goes to the first free port of its kind. Listeners
    see the node go and come back, because its ports differ.
    """

    node: str
    type: str
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return f"Change to {CATALOGUE[self.type].title if self.type in CATALOGUE else self.type}"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        node = existing(document, self.node)
        spec = CATALOGUE.get(self.type)
        if spec is None:
            raise DocumentError(f'There is no node type "{self.type}".')
        if node.type == self.type:
            return ()
        if node.type in (ENTRY, EXIT):
            raise DocumentError(f"{node.name} is a port of the group: it has no other type.")
        kept = {k: v for k, v in node.parameters.items() if spec.parameter(k) is not None}
        new = replace(
            node, type=self.type, version=spec.version, parameters={**spec.defaults(), **kept}
        )
        if new.namespace != node.namespace:
            check_name(document, node.name, new.namespace)
        wires = _moved(document, node, spec)
        edits: list[Edit] = []
        restored: list[Edit] = []
        for index, wire in enumerate(document.wires):
            if node.id in (wire.source, wire.target):
                edits.append(DeleteWire(wire))
                moved = wires.get(wire)
                if moved is not None:
                    restored.append(InsertWire(index - (len(edits) - len(restored) - 1), moved))
        index = list(document.nodes).index(node)
        return (
            *edits,
            DeleteNode(node.id),
            InsertNode(index, new),
            *restored,
            *_unused(document, node),
        )


def _unused(document: Document, node: Node) -> list[Edit]:
    """What goes besides a node and its wires: definitions that nothing else uses."""
    return [
        edit
        for edit in removal(document, (node.id,))
        if not (isinstance(edit, DeleteWire) and node.id in (edit.wire.source, edit.wire.target))
        and edit != DeleteNode(node.id)
    ]


def _moved(document: Document, node: Node, spec: NodeSpec) -> dict[Wire, Wire]:
    """Where each wire of a node goes on a node of another type; those that fit nowhere go."""
    found: dict[Wire, Wire] = {}
    mine = [*document.wires_into(node.id), *document.wires_out_of(node.id)]
    for wire in mine:
        known = spec.output(wire.output) if wire.source == node.id else spec.input(wire.input)
        if known is not None:
            found[wire] = wire
    taken = {wire.input for wire in found.values() if wire.target == node.id}
    for wire in mine:
        if wire in found:
            continue
        if wire.source == node.id:
            target = document.get(wire.target)
            port = target.spec.input(wire.input) if target is not None and target.spec else None
            fits = [o.name for o in spec.outputs if port is not None and port.accepts(o.type)]
            if fits:
                found[wire] = replace(wire, output=fits[0])
        else:
            carried = output_type(document, wire.source, wire.output)
            free = [
                p.name
                for p in spec.inputs
                if carried is not None
                and p.accepts(carried)
                and p.attribute is None
                and (p.multiple or p.name not in taken)
            ]
            if free:
                taken.add(free[0])
                found[wire] = replace(wire, input=free[0])
    ends = [wire.ends for wire in found.values()]
    return {old: new for i, (old, new) in enumerate(found.items()) if new.ends not in ends[:i]}


@dataclass(frozen=True)
class SetMode:
    """Switch nodes off, pass them by, or let them take part again.

    Attributes:
        nodes: their ids.
        mode: "", "off" or "bypass", as ``nodes.modes`` explains.
    """

    nodes: Sequence[str]
    mode: str
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return {"off": "Switch off", "bypass": "Pass by"}.get(self.mode, "Switch on")

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        if self.mode not in MODES:
            raise DocumentError(f'"{self.mode}" is not one of on, off and bypass.')
        edits: list[Edit] = []
        for node in (existing(document, identifier) for identifier in self.nodes):
            if self.mode == "bypass" and through(node.spec) is None:
                raise DocumentError(
                    f"{node.name} cannot be passed by, since it hands nothing through: switch it "
                    "off instead."
                )
            if node.mode != self.mode:
                edits.append(ReplaceNode(replace(node, mode=self.mode), "mode"))
        return tuple(edits)
