"""What every rule of shapes reads and says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from nodes.analysis import Analysis
from nodes.document import Node

__all__ = ["Reader", "Rule", "Shape", "ShapeFault", "broadcasts", "differ", "shape_text"]

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class ShapeFault:
    """Something whose shapes cannot work.

    Attributes:
        node: where it goes wrong.
        sentence: what is wrong and what to do.
        code: a stable name of the kind of fault.
        port, parameter: where on the node.
        suggestion: a value of the parameter that would be right, if one can be named.
    """

    node: str
    sentence: str
    code: str
    port: str | None = None
    parameter: str | None = None
    suggestion: int | str | None = None


class Reader:
    """The shapes known so far, and the faults met on the way.

    Attributes:
        of: node id → shape of what it gives, where that is known.
        faults: in the order in which the nodes are reached.
    """

    def __init__(self, analysis: Analysis, base: Path | None = None) -> None:
        self.analysis = analysis
        self.document = analysis.document
        self.base = base
        self.of: dict[str, Shape] = {}
        self.faults: list[ShapeFault] = []

    def fault(
        self,
        node: Node,
        code: str,
        sentence: str,
        port: str | None = None,
        parameter: str | None = None,
        suggestion: int | str | None = None,
    ) -> None:
        """Something is wrong with a node."""
        self.faults.append(ShapeFault(node.id, sentence, code, port, parameter, suggestion))

    def number(self, node: Node, parameter: str) -> float:
        """A parameter that is a number; rules see only nodes whose parameters are right."""
        value = self.analysis.values[node.id][parameter]
        assert isinstance(value, int | float)
        return value

    def at(self, node: Node, port: str) -> Shape | None:
        """The shape at an input; None where it is not known."""
        source = self.analysis.source(node.id, port)
        return self.of.get(source.id) if source else None

    def name(self, node: Node, port: str) -> str:
        """The name of what is wired into an input."""
        source = self.analysis.source(node.id, port)
        return source.name if source else "nothing"


Rule: TypeAlias = Callable[[Reader, Node], "Shape | None"]


def shape_text(shape: Sequence[int]) -> str:
    """A shape as a person reads it: height × width, and channels where there are several."""
    if len(shape) == 2:
        return f"{shape[0]} × {shape[1]}"
    if len(shape) == 4 and shape[0] == 1:
        size = f"{shape[2]} × {shape[3]}"
        return size if shape[1] == 1 else f"{size} × {shape[1]}"
    if len(shape) < 2:
        return f"{shape[0]} values" if shape and shape[0] > 1 else "one number"
    return " × ".join(str(extent) for extent in shape)


def broadcasts(shape: Shape, target: Shape) -> bool:
    """Whether one shape broadcasts to another without enlarging it."""
    if len(shape) > len(target):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(target), strict=False))


def differ(shapes: Reader, node: Node, one: tuple[str, Shape], other: tuple[str, Shape]) -> None:
    """Say that two inputs differ in size."""
    shapes.fault(
        node,
        "shape-mismatch",
        f"{node.name}: {shapes.name(node, one[0])} ({shape_text(one[1])}) and "
        f"{shapes.name(node, other[0])} ({shape_text(other[1])}) differ in size: both must "
        "have the same.",
        port=other[0],
    )
