"""Groups written out: the graph that is checked, written as a script and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, TypeVar

from nodes.document import Document, Node, Wire
from nodes.groups import DYNAMIC, ENTRY, EXIT, GROUP, given
from nodes.modes import effective, through
from nodes.names import MAX_LENGTH, free_name
from nodes.parameter import Json

__all__ = ["Flat", "flatten", "meant"]

Path = tuple[str, ...]
Given = Mapping[str, Mapping[str, Json]]
End = tuple[str, str]
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Flat:
    """A document without groups, and where each of its nodes comes from.

    A node inside a group is called by the uses that lead to it: ``use/node``. A node of the graph
    itself keeps its id.

    Attributes:
        document: the nodes that compute something, each use of a group written out.
        home: node id here → the uses of groups that lead to it, then its id in the document drawn.
        sources: (id of a use, its output) → the node and output here that feed it.
        own: node id here → what the uses around set for it, besides what its definition says.
    """

    document: Document
    home: Mapping[str, Path] = field(default_factory=dict)
    sources: Mapping[End, End] = field(default_factory=dict)
    own: Given = field(default_factory=dict)

    def path(self, node_id: str) -> Path:
        """The uses of groups that lead to a node of ``document``, then its own id."""
        return self.home.get(node_id, (node_id,))

    def copies(self, node_id: str) -> list[str]:
        """The nodes of ``document`` that a node as drawn stands for."""
        return list(self._copies.get(node_id, ())) if self.home else [node_id]

    @cached_property
    def _copies(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for flat, path in self.home.items():
            found.setdefault(path[-1], []).append(flat)
        return found

    def within(self, node_id: str) -> list[str]:
        """The nodes that stand at a place of the drawing: one node, or all those of a group."""
        if not self.home:
            return [node_id]
        under = node_id + "/"
        return [flat for flat in self.home if flat == node_id or flat.startswith(under)]


def flatten(document: Document) -> Flat:
    """The document with every use of a group replaced by what the group holds.

    The first copy of a node keeps its name, further ones get the next free name. Never raises,
    whatever the document holds. Without groups it is the same document. What was written out
    stays until nodes or wires come or go: a changed parameter is changed in the copies.
    """
    if not document.groups:
        return Flat(document)
    found: Flat = document.derived("flat", lambda: _kept_flat(document))
    return found


def meant(document: Document) -> Document:
    """The document that is checked, written as a script and run: flat, without what is off."""
    found: Document = document.derived("meant", lambda: _kept_meant(flatten(document).document))
    return found


def _kept_flat(document: Document) -> Flat:
    before: _Kept[Flat] | None = document.kept.get("flat")
    flat = before.made if before is not None else None
    if before is None or flat is None or not _follows(before, document, _in_copies):
        flat = _Expander(document).flat()
        if before is not None:
            flat.document.kept = before.made.document.kept
    _same_words(document, flat.document)
    document.kept["flat"] = _Kept(document.structure, _by_id(document), flat)
    return flat


def _kept_meant(document: Document) -> Document:
    before: _Kept[Document] | None = document.kept.get("meant")
    made = before.made if before is not None else None
    if before is None or made is None or not _follows(before, document, _in_place):
        made = effective(document)
        if made is document:
            document.kept.pop("meant", None)
            return document
        if before is not None:
            made.kept = before.made.kept
    _same_words(document, made)
    document.kept["meant"] = _Kept(document.structure, _by_id(document), made)
    return made


@dataclass
class _Kept(Generic[_Made]):
    """What was made of a document, and of which state of it."""

    structure: int
    nodes: Mapping[str, Node]
    made: _Made


def _follows(
    before: _Kept[_Made], document: Document, renew: Callable[[_Made, Node, Node], bool]
) -> bool:
    """Bring what was made up to date, where nothing but single nodes changed; else False."""
    if before.structure != document.structure:
        return False
    changed = [(old, n) for n in document.nodes if (old := before.nodes[n.id]) is not n]
    return all(renew(before.made, old, node) for old, node in changed)


def _in_copies(flat: Flat, old: Node, node: Node) -> bool:
    if node.type in DYNAMIC:
        return True  # what a use stands for is part of the structure
    labels = (old.parameters.get("label"), node.parameters.get("label"))
    if labels[0] != labels[1]:
        return False  # each copy has a label of its own
    for copy in flat.copies(node.id):
        known = flat.document.node(copy)
        parameters = {**node.parameters, **flat.own.get(copy, {})}
        if isinstance(known.parameters.get("label"), str):
            parameters["label"] = known.parameters["label"]
        flat.document.replace_node(
            replace(node, id=copy, name=known.name, parameters=parameters, group="")
        )
    return True


def _in_place(document: Document, old: Node, node: Node) -> bool:
    if node.id in document:
        document.replace_node(node)
    return True


def _by_id(document: Document) -> Mapping[str, Node]:
    return {node.id: node for node in document.nodes}


def _same_words(document: Document, made: Document) -> None:
    if (made.title, made.note) != (document.title, document.note):
        made.set_header(document.title, document.note)
    made.extra, made.path = document.extra, document.path


class _Expander:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes: list[Node] = []
        self.home: dict[str, Path] = {}
        self.names = {node.name for node in document.nodes}
        self.seen: set[str] = set()
        self.uses: list[Path] = []
        self.own: dict[str, Mapping[str, Json]] = {}

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
        return Flat(whole, self.home, sources, self.own)

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
                self.own["/".join((*path, node.id))] = own.get(node.id, {})
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
