"""A node and a wire: values that never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from nodes.catalogue import CATALOGUE
from nodes.groups import DYNAMIC, ENTRY, EXIT
from nodes.parameter import Json
from nodes.spec import Form, NodeSpec

if TYPE_CHECKING:
    from nodes.document import Document

__all__ = ["Node", "Wire"]


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
        group: id of the group in whose definition it stands; "" stands in the graph itself.
        extra: canonical JSON of what this version does not understand, kept as it is.
        home: the document that knows the groups; set by it, no part of the content.
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
    group: str = ""
    home: Document | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @property
    def spec(self) -> NodeSpec | None:
        """What is declared about this type, for a group by the group; None for a placeholder."""
        if self.type in DYNAMIC:
            return self.home.spec_of(self) if self.home is not None else None
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
    def namespace(self) -> str:
        """Where its name must be its own: among values, among views, or among a group's ports."""
        if self.type in (ENTRY, EXIT):
            return f"{self.type} {self.group}"
        return "view" if self.is_view else "value"

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
