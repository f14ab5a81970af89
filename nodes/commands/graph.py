"""Commands that change which nodes and wires there are."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from nodes.catalogue import CATALOGUE
from nodes.commands.guards import check_json, check_name, check_place, check_position, existing
from nodes.commands.removal import removal
from nodes.document import Document, Node, Wire
from nodes.edits import DeleteWire, Edit, InsertNode, InsertWire
from nodes.errors import DocumentError
from nodes.names import free_name
from nodes.parameter import Json
from nodes.types import can_connect

__all__ = ["AddNode", "Connect", "Disconnect", "RemoveNodes", "new_node"]


def new_node(
    document: Document,
    type: str,
    name: str | None = None,
    position: tuple[float, float] = (0, 0),
    group: str = "",
    **parameters: Json,
) -> Node:
    """A node ready to be added, with every parameter set.

    Args:
        document: where the name must be free.
        type: a key of the catalogue.
        name: a Python identifier; without it the next free "photo", "photo2", …
        position: of its top left corner.
        group: id of the group in whose definition it will stand.
        **parameters: those that differ from their defaults.

    Raises:
        DocumentError: the type or a parameter is not known.
    """
    spec = CATALOGUE.get(type)
    if spec is None:
        raise DocumentError(f'There is no node type "{type}".')
    unknown = [key for key in parameters if spec.parameter(key) is None]
    if unknown:
        raise DocumentError(f'{spec.title} has no parameter "{unknown[0]}".')
    return Node(
        id=uuid.uuid4().hex,
        name=name or free_name(spec.stem, {node.name for node in document.nodes}),
        type=type,
        version=spec.version,
        parameters={**spec.defaults(), **parameters},
        position=position,
        group=group,
    )


@dataclass(frozen=True)
class AddNode:
    """Add a node at the end of the order, or at a place in it."""

    node: Node
    index: int | None = None
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return f"Add {self.node.name}"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        if self.node.id in document:
            raise DocumentError(f"{self.node.name} is already in the graph.")
        check_name(document, self.node.name, self.node.namespace)
        check_place(document, self.node)
        check_position(self.node.position)
        for value in self.node.parameters.values():
            check_json(self.node.name, value)
        index = len(document) if self.index is None else self.index
        return (InsertNode(min(max(index, 0), len(document)), self.node),)


@dataclass(frozen=True)
class RemoveNodes:
    """Remove nodes with their wires."""

    nodes: Sequence[str]
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return "Remove a node" if len(self.nodes) == 1 else f"Remove {len(self.nodes)} nodes"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        for node_id in self.nodes:
            existing(document, node_id)
        return removal(document, self.nodes)


@dataclass(frozen=True)
class Connect:
    """Wire an output to an input; an occupied single input changes its wire."""

    source: str
    output: str
    target: str
    input: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Connect", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        why_not = can_connect(document, self.source, self.output, self.target, self.input)
        if why_not:
            raise DocumentError(why_not)
        wire = Wire(self.source, self.output, self.target, self.input)
        spec = document.node(self.target).spec
        port = spec.input(self.input) if spec else None
        old = document.wires_into(self.target, self.input)
        if (port is not None and port.multiple) or not old:
            return (InsertWire(len(document.wires), wire),)
        index = document.wires.index(old[0])
        return (*map(DeleteWire, old), InsertWire(index, wire))


@dataclass(frozen=True)
class Disconnect:
    """Take out a wire."""

    source: str
    output: str
    target: str
    input: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Disconnect", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        ends = (self.source, self.output, self.target, self.input)
        for wire in document.wires:
            if wire.ends == ends:
                return (DeleteWire(wire),)
        raise DocumentError("There is no such wire.")
