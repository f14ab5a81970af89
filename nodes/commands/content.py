"""Commands that change what nodes hold: parameters, names, places, notes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nodes.commands.guards import check_json, check_name, check_position, existing, same
from nodes.document import Document
from nodes.edits import Edit, ReplaceNode, SetHeader
from nodes.errors import DocumentError
from nodes.groups import GROUP
from nodes.parameter import Json

__all__ = [
    "DropParameter",
    "MoveNodes",
    "Rename",
    "SetNote",
    "SetOnAll",
    "SetParameter",
    "SetTitle",
]


@dataclass(frozen=True)
class SetParameter:
    """Set one parameter. Values out of range are taken, and reported by the checks.

    Attributes:
        node, name, value: the node's id, the parameter and its new value.
        merge: a token of the gesture; ticks of one slider drag share it and undo as one.
    """

    node: str
    name: str
    value: Json
    merge: Hashable | None = None

    @property
    def text(self) -> str:
        """What it does."""
        return f"Set {self.name}"

    @property
    def merge_key(self) -> Hashable | None:
        """See ``Command``."""
        return None if self.merge is None else ("set", self.node, self.name, self.merge)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        node = existing(document, self.node)
        spec = node.spec
        if spec is None:
            raise DocumentError(
                f'{node.name} is of a type that this version does not know ("{node.type}"); '
                "its parameters are kept as they are."
            )
        if spec.parameter(self.name) is None and self.name not in node.parameters:
            known = ", ".join(p.name for p in spec.parameters) or "none"
            raise DocumentError(
                f'{node.name} has no parameter "{self.name}". Its parameters: {known}.'
            )
        check_json(node.name, self.value)
        if self.name in node.parameters and same(node.parameters[self.name], self.value):
            return ()
        parameters = {**node.parameters, self.name: self.value}
        own = spec.parameter(self.name)
        if node.type == GROUP and own is not None and same(own.default, self.value):
            del parameters[self.name]  # a use that says the same as the definition follows it
        return (ReplaceNode(replace(node, parameters=parameters), "parameters"),)


@dataclass(frozen=True)
class SetOnAll:
    """Set one parameter of several nodes, as one step."""

    nodes: Sequence[str]
    name: str
    value: Json
    merge: Hashable | None = None

    @property
    def text(self) -> str:
        """What it does."""
        return f"Set {self.name} of {len(self.nodes)} nodes"

    @property
    def merge_key(self) -> Hashable | None:
        """See ``Command``."""
        return None if self.merge is None else ("set", tuple(self.nodes), self.name, self.merge)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        found: list[Edit] = []
        for node in dict.fromkeys(self.nodes):
            found.extend(SetParameter(node, self.name, self.value).edits(document))
        return tuple(found)


@dataclass(frozen=True)
class DropParameter:
    """Forget a parameter that the node's type does not know."""

    node: str
    name: str
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return f"Remove {self.name}"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        node = existing(document, self.node)
        if self.name not in node.parameters:
            return ()
        if node.spec is None or node.spec.parameter(self.name) is not None:
            raise DocumentError(f'{node.name} keeps its parameter "{self.name}".')
        kept = {key: value for key, value in node.parameters.items() if key != self.name}
        return (ReplaceNode(replace(node, parameters=kept), "parameters"),)


@dataclass(frozen=True)
class Rename:
    """Give a node another name."""

    node: str
    name: str
    merge_key: Hashable | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """What it does."""
        return f"Rename to {self.name}"

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        node = existing(document, self.node)
        if node.name == self.name:
            return ()
        check_name(document, self.name, node.namespace)
        return (ReplaceNode(replace(node, name=self.name), "name"),)


@dataclass(frozen=True)
class MoveNodes:
    """Put nodes elsewhere on the canvas.

    Attributes:
        positions: node id → new position of its top left corner.
        merge: a token of the gesture; moves of one drag share it and undo as one.
    """

    positions: Mapping[str, tuple[float, float]]
    merge: Hashable | None = None

    @property
    def text(self) -> str:
        """What it does."""
        return "Move a node" if len(self.positions) == 1 else f"Move {len(self.positions)} nodes"

    @property
    def merge_key(self) -> Hashable | None:
        """See ``Command``."""
        return None if self.merge is None else ("move", frozenset(self.positions), self.merge)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        edits: list[Edit] = []
        for node_id, position in self.positions.items():
            node = existing(document, node_id)
            check_position(position)
            if not same(list(node.position), list(position)):
                edits.append(
                    ReplaceNode(replace(node, position=(position[0], position[1])), "position")
                )
        return tuple(edits)


@dataclass(frozen=True)
class SetNote:
    """Write a node's note, or the document's where ``node`` is None."""

    node: str | None
    note: str
    merge: Hashable | None = None
    text: str = field(default="Edit note", init=False)

    @property
    def merge_key(self) -> Hashable | None:
        """See ``Command``."""
        mergeable = self.merge is not None and self.node is not None
        return ("note", self.node, self.merge) if mergeable else None

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        if self.node is None:
            return () if document.note == self.note else (SetHeader(document.title, self.note),)
        node = existing(document, self.node)
        return (
            () if node.note == self.note else (ReplaceNode(replace(node, note=self.note), "note"),)
        )


@dataclass(frozen=True)
class SetTitle:
    """Write the document's title."""

    title: str
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Edit title", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        return () if document.title == self.title else (SetHeader(self.title, document.note),)
