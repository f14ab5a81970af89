"""Nodes and wires made one after the other, as an import finds them in a script."""

from __future__ import annotations

import ast
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nodes.document import Document, Node, Wire
from nodes.errors import ImportScriptError
from nodes.literals import refusal
from nodes.names import free_name
from nodes.parameter import Json
from nodes.spec import NodeSpec, Port, PortType
from nodes.types import can_connect, output_types

__all__ = ["Maker", "Ref", "Terms", "Value", "flatten"]


@dataclass(frozen=True)
class Ref:
    """What an output of a node gives; no output for a view."""

    node: str
    output: str


@dataclass(frozen=True)
class Terms:
    """A sum of terms."""

    terms: tuple[Ref, ...]


Value = Ref | Terms


class Maker:
    """Puts nodes and wires into a document.

    Attributes:
        document: where they go.
        taken: names that automatic ones must avoid.
    """

    def __init__(self, document: Document, taken: set[str]) -> None:
        self.document = document
        self.taken = set(taken)
        self._types: dict[str, dict[str, PortType]] = {}

    def make(
        self,
        spec: NodeSpec,
        name: str | None,
        parameters: Mapping[str, Json],
    ) -> Ref:
        """A node of a type; without a name it takes an automatic one."""
        if name is None:
            name = free_name(spec.stem, self.taken)
        self.taken.add(name)
        node = Node(
            id=uuid.uuid4().hex,
            name=name,
            type=spec.type,
            version=spec.version,
            parameters={**spec.defaults(), **parameters},
        )
        self.document.insert_node(len(self.document), node)
        return Ref(node.id, spec.outputs[0].name if spec.outputs else "")

    def give(self, value: Value, parameter: str, setting: Json) -> Ref:
        """Set a parameter of a node that was just made."""
        assert isinstance(value, Ref)
        node = self.document.node(value.node)
        parameters = {**node.parameters, parameter: setting}
        self.document.replace_node(replace(node, parameters=parameters))
        return value

    def wire(self, value: Value, to: Ref, port: Port, place: ast.expr) -> None:
        """Wires of a value into a port of a node.

        Raises:
            ImportScriptError: the value does not fit there.
        """
        terms = flatten(value)
        if len(terms) > 1 and not port.multiple:
            raise refusal("a sum of terms belongs into a Problem.", place)
        for ref in terms:
            why_not = can_connect(self.document, ref.node, ref.output, to.node, port.name)
            if why_not:
                raise ImportScriptError(why_not, place.lineno)
            wire = Wire(ref.node, ref.output, to.node, port.name)
            self.document.insert_wire(len(self.document.wires), wire)

    def carried(self, value: Value) -> PortType | None:
        """What a value is; None where that is not known."""
        if isinstance(value, Terms):
            return PortType.TERM
        return output_types(self.document, self._types, value.node).get(value.output)

    def is_term(self, value: Value) -> bool:
        """Whether a value is a term, or a sum of terms."""
        return self.carried(value) is PortType.TERM

    def forbid_terms(self, value: Value, place: ast.expr, advice: str) -> None:
        """Refuse a term, with advice."""
        if self.is_term(value):
            raise refusal(advice, place)


def flatten(value: Value) -> Sequence[Ref]:
    """The references of a value, several where it is a sum of terms."""
    return value.terms if isinstance(value, Terms) else (value,)
