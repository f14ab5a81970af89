"""What a node type declares: ports, parameters, title, colour, formula.

A declaration says only what the signature of the library function cannot: which arguments are
ports and of what type, ranges, units and words for the screen. Help comes from the docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from nodes.helptext import Help, read_help
from nodes.parameter import Json, Parameter

__all__ = ["Category", "Form", "Json", "NodeSpec", "Notation", "Parameter", "Port", "PortType"]


class PortType(StrEnum):
    """What flows through a wire."""

    IMAGE = "image"
    KERNEL = "kernel"
    MASK = "mask"
    ARRAY = "array"
    MATRIX = "matrix"
    EXPRESSION = "expression"
    TERM = "term"
    PROBLEM = "problem"
    SOLUTION = "solution"
    PROGRAM = "linear program"
    OPTIMUM = "optimum"

    @property
    def phrase(self) -> str:
        """The type with its article, as used inside a sentence."""
        article = "an" if self.value[0] in "aeiou" else "a"
        return f"{article} {self.value}"


# What a port of a type takes besides its own type. A solution stands for its recovered image.
_ALSO: Mapping[PortType, frozenset[PortType]] = {
    PortType.IMAGE: frozenset({PortType.KERNEL, PortType.MASK, PortType.ARRAY, PortType.SOLUTION}),
    PortType.KERNEL: frozenset({PortType.IMAGE, PortType.ARRAY}),
    PortType.MASK: frozenset({PortType.IMAGE, PortType.ARRAY}),
    PortType.ARRAY: frozenset({PortType.IMAGE, PortType.KERNEL, PortType.MASK, PortType.SOLUTION}),
    PortType.MATRIX: frozenset({PortType.ARRAY, PortType.IMAGE, PortType.KERNEL, PortType.MASK}),
}


class Form(StrEnum):
    """How a node is written in a script."""

    CALL = "call"  # dp.conv(x, kernel)
    VARIABLE = "variable"  # dp.Variable("x", shape=photo.shape)
    INFIX = "infix"  # a + b
    SCALE = "scale"  # 2.0 * x
    INDEX = "index"  # x[0, 2:5]
    PIECE = "piece"  # dp.split(x, 2)[0]
    PENALTY = "penalty"  # 0.01 * dp.norm1(x - b)
    RECOVERED = "recovered"  # result[x]
    PROBLEM = "problem"  # dp.Problem(fidelity + smoothness)
    SOLVE = "solve"  # problem.solve(method="admm", …)
    VIEW = "view"  # dp.save_image("x.png", image)


@dataclass(frozen=True)
class Category:
    """A group of node types in the palette.

    Attributes:
        key: the name used in specs.
        title: the name on the screen.
        colour: from the Okabe-Ito set, "#rrggbb".
        icon: a qtawesome name.
    """

    key: str
    title: str
    colour: str
    icon: str


@dataclass(frozen=True)
class Port:
    """A place where wires end or begin.

    Attributes:
        name: unique among the node's inputs, or among its outputs.
        title: the name on the screen.
        type: what flows through it.
        optional: an input that may stay unwired.
        multiple: an input that takes any number of wires, in order.
        also: further types that an input takes.
        keyword: the argument's name in the script; None writes it by position.
        holds: what its values must be, a key of ``nodes.checks.contents.HOLDS``.
        unwired: what stands for it in a formula while nothing is wired.
        attribute: what of the wired value is passed on, such as "shape".
        help: one line for the tooltip.
    """

    name: str
    title: str
    type: PortType
    optional: bool = False
    multiple: bool = False
    also: tuple[PortType, ...] = ()
    keyword: str | None = None
    attribute: str | None = None
    holds: str = ""
    unwired: str = ""
    help: str = ""

    def accepts(self, type: PortType) -> bool:
        """Whether a value of this type may flow into the port."""
        return type == self.type or type in self.also or type in _ALSO.get(self.type, ())

    @property
    def accepted(self) -> tuple[PortType, ...]:
        """Every type the port takes, its own first."""
        others = (t for t in PortType if t != self.type and self.accepts(t))
        return (self.type, *others)


@dataclass(frozen=True)
class Notation:
    """How a node is written in mathematics; ``{port}`` and ``{parameter}`` are filled in.

    Attributes:
        tex: the TeX form.
        html: the form for a line of rich text.
        level: how tightly it binds: 0 a sum, 1 a product, 2 an atom.
        operand: the level below which an operand is put in parentheses.
    """

    tex: str
    html: str
    level: int = 2
    operand: int = 0


def _no_summary(parameters: Mapping[str, Json]) -> str:
    return ""


@dataclass(frozen=True, eq=False)
class NodeSpec:
    """The declaration of one node type.

    Attributes:
        type: the name in files.
        version: raised when the meaning of a parameter changes.
        title: the name on the screen.
        category: a key of ``CATEGORIES``.
        function: the name in dprox_core whose docstring is the help; empty for arithmetic.
        stem: where automatic node names start: "photo", "photo2", …
        inputs, outputs: the ports.
        parameters: the parameters, in the order of the script.
        form: how it is written in a script.
        inline: written inside its only consumer while its name is automatic.
        polymorphic: an image in gives an image out, an expression an expression.
        formula: one line of mathematics for the screen, rich text.
        notation: how it reads inside the objective.
        icon: a qtawesome name.
        summary: the parameters that matter, as one short line.
        constants: arguments that every call of this type holds, such as method="admm".
        keywords: other words under which the palette's search finds it.
        about: what it does, where the docstring of the function is about more than this node;
            the first paragraph is one sentence.
    """

    type: str
    title: str
    category: str
    function: str
    stem: str
    icon: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    form: Form = Form.CALL
    inline: bool = False
    polymorphic: bool = False
    formula: str = ""
    notation: Notation | None = None
    summary: Callable[[Mapping[str, Json]], str] = _no_summary
    constants: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    about: str = ""
    version: int = 1

    def input(self, name: str) -> Port | None:
        """The input port of this name."""
        return self._inputs.get(name)

    def output(self, name: str) -> Port | None:
        """The output port of this name."""
        return self._outputs.get(name)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of this name."""
        return self._parameters.get(name)

    def defaults(self) -> dict[str, Json]:
        """Every parameter with its default."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def help(self) -> Help:
        """The help page, read from the library's docstring without importing the library."""
        page = read_help(self.function) if self.function else Help()
        if not self.about:
            return page
        summary, _, rest = self.about.partition("\n\n")
        return replace(page, summary=summary, description=rest or page.description)

    @cached_property
    def paths(self) -> tuple[Parameter, ...]:
        """The parameters that name files."""
        return tuple(p for p in self.parameters if p.kind == "path")

    @cached_property
    def _inputs(self) -> dict[str, Port]:
        return {port.name: port for port in self.inputs}

    @cached_property
    def _outputs(self) -> dict[str, Port]:
        return {port.name: port for port in self.outputs}

    @cached_property
    def _parameters(self) -> dict[str, Parameter]:
        return {parameter.name: parameter for parameter in self.parameters}
