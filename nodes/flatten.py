"""Groups written out: the graph that is checked, written as a script and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nodes.document import Document, Node, Wire
from nodes.groups import ENTRY, EXIT, GROUP, given
from nodes.modes import effective, through
from nodes.names import MAX_LENGTH, free_name
from nodes.parameter import Json

__all__ = ["Flat", "flatten", "meant"]

Path = tuple[str, ...]
Given = Mapping[str, Mapping[str, Json]]
End = tuple[str, str]


@dataclass(frozen=True)
class Flat:
    """A document without groups, and where each of its nodes comes from.

    A node inside a group is called by the uses that lead to it: ``use/node``. A node of the graph
    itself keeps its id.

    Attributes:
        document: the nodes that compute something, each use of a group written out.
        home: node id here → the uses of groups that lead to it, then its id in the document drawn.
        sources: (id of a use, its output) → the node and output here that feed it.
    """

    document: Document
    home: Mapping[str, Path] = field(default_factory=dict)
    sources: Mapping[End, End] = field(default_factory=dict)

    def path(self, node_id: str) -> Path:
        """The uses of groups that lead to a node of ``document``, then its own id."""
        return self.home.get(node_id, (node_id,))

    def copies(self, node_id: str) -> list[str]:
        """The nodes of ``document`` that a node as drawn stands for."""
        if not self.home:
            return [node_id]
        return [flat for flat, path in self.home.items() if path[-1] == node_id]

    def within(self, node_id: str) -> list[str]:
        """The nodes that stand at a place of the drawing: one node, or all those of a group."""
        if not self.home:
            return [node_id]
        under = node_id + "/"
        return [flat for flat in self.home if flat == node_id or flat.startswith(under)]


def flatten(document: Document) -> Flat:
    """The document with every use of a group replaced by what the group holds.

    The first copy of a node keeps its name, further ones get the next free name. Never raises,
    whatever the document holds. Without groups it is the same document.
    """
    if not document.groups:
        return Flat(document)
    found: Flat = document.derived("flat", lambda: _Expander(document).flat())
    return found


def meant(document: Document) -> Document:
    """The document that is checked, written as a script and run: flat, without what is off."""
    found: Document = document.derived("meant", lambda: effective(flatten(document).document))
    return found


class _Expander:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes: list[Node] = []
        self.home: dict[str, Path] = {}
        self.names = {node.name for node in document.nodes}
        self.seen: set[str] = set()
        self.uses: list[Path] = []

    def flat(self) -> Flat:
        self.expand((), "", frozenset(), {})
        wires: dict[Wire, None] = {}
        for node in self.nodes:
            path = self.home[node.id]
            for wire in self.document.wires_into(path[-1]):
                for source, output in self.origins(path[:-1], wire.source, wire.output, set()):
                    wires[replace(wire, source=source, output=output, target=node.id)] = None
        whole = Document(
            self.nodes,
            wires,
            self.document.title,
            self.document.note,
            self.document.extra,
            self.document.path,
        )
        sources: dict[End, End] = {}
        for path in self.uses:
            for exit in self.document.members(self.group(path[-1])):
                if exit.type == EXIT:
                    ends = list(self.origins(path[:-1], path[-1], exit.id, set()))
                    if ends:
                        sources["/".join(path), exit.id] = ends[-1]
        return Flat(whole, self.home, sources)

    def group(self, use: str) -> str:
        return str(self.document.node(use).parameters.get("of", ""))

    def is_use(self, node: Node) -> bool:
        return node.type == GROUP and node.spec is not None

    def expand(self, path: Path, group: str, around: frozenset[str], own: Given) -> None:
        for node in self.document.members(group):
            inside = str(node.parameters.get("of", ""))
            # What the use around sets here goes before what the definition says.
            values = {**node.parameters, **own.get(node.id, {})}
            if self.is_use(node):
                definition = self.document.group(inside)
                if inside not in around and definition is not None:
                    self.uses.append((*path, node.id))
                    if not node.mode:
                        deeper = given(definition, values)
                        self.expand((*path, node.id), inside, around | {inside}, deeper)
            elif node.spec is None or node.type not in (ENTRY, EXIT):
                self.emit(path, node, values)

    def emit(self, path: Path, node: Node, parameters: Mapping[str, Json]) -> None:
        name = node.name
        if node.id in self.seen:
            name = free_name(name[: MAX_LENGTH - 4], self.names)
            if isinstance(parameters.get("label"), str):
                # A picture's file is called by its label: each use writes its own.
                label = free_name(str(parameters["label"]), self.names)
                parameters = {**parameters, "label": label}
        self.names.add(name)
        self.seen.add(node.id)
        identifier = "/".join((*path, node.id))
        self.home[identifier] = (*path, node.id)
        self.nodes.append(replace(node, id=identifier, name=name, parameters=parameters, group=""))

    def origins(
        self, path: Path, source: str, output: str, seen: set[tuple[Path, str, str]]
    ) -> Iterator[End]:
        """Where what an output gives is computed: past the ports of groups."""
        if (path, source, output) in seen:
            return  # a loop of wires that computes nothing
        seen.add((path, source, output))
        document, node = self.document, self.document.get(source)
        if node is None or node.spec is None or node.type not in (GROUP, ENTRY, EXIT):
            yield "/".join((*path, source)), output
            return
        if node.type == ENTRY:
            before = [(path[:-1], w) for w in document.wires_into(path[-1], source)] if path else []
        elif node.mode == "bypass":
            port = through(node.spec)
            before = [(path, w) for w in document.wires_into(source, port)] if port else []
        elif node.mode or node.type == EXIT or len(path) > len(document.groups):
            before = []
        else:
            exit = document.get(output)
            known = exit is not None and exit.group == self.group(source)
            inside = document.wires_into(output) if known else []
            before = [((*path, source), wire) for wire in inside]
        for where, wire in before:
            yield from self.origins(where, wire.source, wire.output, seen)
