"""The graph: nodes, wires, title and note. Read it freely; change it through commands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from nodes.catalogue import CATALOGUE
from nodes.frames import Frame
from nodes.parameter import Json
from nodes.spec import Form, NodeSpec

__all__ = [
    "Document",
    "DocumentChanged",
    "Event",
    "FramesChanged",
    "Node",
    "NodeAdded",
    "NodeChanged",
    "NodeRemoved",
    "Wire",
    "WireAdded",
    "WireRemoved",
]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Node:
    """One node. It never changes: a document replaces it.

    Attributes:
        id: uuid hex, stable through save and load.
        name: a Python identifier, unique in the document; its target in the script.
        type: a key of the catalogue, or a name that this version does not know.
        version: of the type, as it was when the node was made.
        parameters: name → value; what is missing has its default.
        position: of the top left corner on the canvas, in pixels.
        note: the user's own words.
        mode: "" takes part, "off" is left out, "bypass" is passed by (``nodes.modes``).
        extra: canonical JSON of what this version does not understand, kept as it is.
    """

    id: str
    name: str
    type: str
    version: int = 1
    parameters: Mapping[str, Json] = field(default_factory=dict)
    position: tuple[float, float] = (0, 0)
    note: str = ""
    mode: str = ""
    extra: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @property
    def spec(self) -> NodeSpec | None:
        """What the catalogue declares about this type; None for a placeholder."""
        spec = CATALOGUE.get(self.type)
        return spec if spec is not None and self.version <= spec.version else None

    @property
    def is_placeholder(self) -> bool:
        """Whether this version of the studio does not know the node's type."""
        return self.spec is None

    @property
    def is_view(self) -> bool:
        """Whether its name is that of a file rather than of a value in the script."""
        return self.spec is not None and self.spec.form is Form.VIEW

    @property
    def title(self) -> str:
        """The type's name on the screen."""
        return self.spec.title if self.spec else self.type

    @property
    def values(self) -> dict[str, Json]:
        """Every parameter that the type declares, with its value or its default."""
        spec = self.spec
        if spec is None:
            return dict(self.parameters)
        return {p.name: self.parameters.get(p.name, p.default) for p in spec.parameters}

    def value(self, parameter: str) -> Json:
        """The value of one parameter, or its default."""
        return self.values.get(parameter, self.parameters.get(parameter))

    @property
    def summary(self) -> str:
        """The parameters that matter, as one short line."""
        return self.spec.summary(self.values) if self.spec else "unknown type"


@dataclass(frozen=True)
class Wire:
    """A connection from an output to an input."""

    source: str
    output: str
    target: str
    input: str
    extra: str = ""

    @property
    def ends(self) -> tuple[str, str, str, str]:
        """Where it begins and ends: what makes two wires the same."""
        return (self.source, self.output, self.target, self.input)


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


Event = (
    NodeAdded
    | NodeRemoved
    | NodeChanged
    | WireAdded
    | WireRemoved
    | DocumentChanged
    | FramesChanged
)
Listener = Callable[[Event], None]


class Document:
    """A graph of nodes and wires.

    The order of nodes and of wires is kept and has meaning: terms are summed in the order of
    their wires, statements of a script that could swap follow the order of the nodes.

    Attributes:
        path: the file it was read from or saved to, if any; not part of the content.
        revision: grows with every change.
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
    ) -> None:
        self._nodes: dict[str, Node] = {node.id: node for node in nodes}
        self._wires: list[Wire] = list(wires)
        self._frames: tuple[Frame, ...] = tuple(frames)
        self.title = title
        self.note = note
        self.extra = extra
        self.path = path
        self.revision = 0
        self._listeners: list[Listener] = []
        self._indexed = -1
        self._into: dict[str, list[Wire]] = {}
        self._out_of: dict[str, list[Wire]] = {}
        self._names: dict[str, list[str]] = {}

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
        return [wire for wire in found if port is None or wire.input == port]

    def wires_out_of(self, node_id: str, port: str | None = None) -> list[Wire]:
        """The wires that begin at a node, or at one of its outputs, in order."""
        self._index()
        found = self._out_of.get(node_id, [])
        return [wire for wire in found if port is None or wire.output == port]

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
        items.insert(index, (node.id, node))
        self._nodes = dict(items)
        self.revision += 1

    def delete_node(self, node_id: str) -> int:
        """Take a node out; returns its place in the order."""
        index = list(self._nodes).index(node_id)
        del self._nodes[node_id]
        self.revision += 1
        return index

    def replace_node(self, node: Node) -> Node:
        """Exchange a node for one with the same id; returns the old one."""
        old = self._nodes[node.id]
        self._nodes[node.id] = node
        self.revision += 1
        return old

    def insert_wire(self, index: int, wire: Wire) -> None:
        """Put a wire at a place in the order."""
        self._wires.insert(index, wire)
        self.revision += 1

    def delete_wire(self, wire: Wire) -> int:
        """Take a wire out; returns its place in the order."""
        index = self._wires.index(wire)
        del self._wires[index]
        self.revision += 1
        return index

    def set_header(self, title: str, note: str) -> None:
        """Set the document's own words."""
        self.title, self.note = title, note
        self.revision += 1

    def set_frames(self, frames: tuple[Frame, ...]) -> None:
        """Set backdrops and notes."""
        self._frames = frames
        self.revision += 1

    def emit(self, events: Iterable[Event]) -> None:
        """Tell every listener; one that fails is logged and does not stop the others."""
        for event in events:
            for listener in tuple(self._listeners):
                try:
                    listener(event)
                except Exception:
                    _LOG.exception("A listener failed on %s", type(event).__name__)

    def _index(self) -> None:
        if self._indexed == self.revision:
            return
        self._into, self._out_of = {}, {}
        for wire in self._wires:
            self._into.setdefault(wire.target, []).append(wire)
            self._out_of.setdefault(wire.source, []).append(wire)
        self._names = {}
        for node in self._nodes.values():
            self._names.setdefault(node.name, []).append(node.id)
        self._indexed = self.revision

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
