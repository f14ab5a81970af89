"""Terms whose data must fit their expression."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.document import Node
from nodes.shape_rules.base import Reader, Rule, broadcasts, differ, shape_text
from nodes.shape_rules.operators import convolved

__all__ = ["RULES"]


def _sisr(shapes: Reader, node: Node) -> None:
    faults = len(shapes.faults)
    shape, coarse = convolved(shapes, node, "input"), shapes.at(node, "y")
    if shape is None or len(shapes.faults) > faults:
        return
    factor = int(shapes.number(node, "factor"))
    if any(n % factor for n in shape[-2:]):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'input')} ({shape_text(shape)}) is no multiple of "
            f"the factor {factor} in height and width: crop or pad it, or take another factor.",
            port="input",
        )
        return
    wanted = (*shape[:-2], shape[-2] // factor, shape[-1] // factor)
    if coarse is not None and coarse != wanted:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'y')} ({shape_text(coarse)}) must be {factor} "
            f"times smaller than {shapes.name(node, 'input')} ({shape_text(shape)}), so "
            f"{shape_text(wanted)}.",
            port="y",
        )


def _compared(shapes: Reader, node: Node, port: str) -> None:
    expression, target = shapes.at(node, "input"), shapes.at(node, port)
    if expression is None or target is None or broadcasts(target, expression):
        return
    differ(shapes, node, ("input", expression), (port, target))


def _group_norm1(shapes: Reader, node: Node) -> None:
    shape = shapes.at(node, "input")
    axes = [int(axis) for axis in str(shapes.analysis.values[node.id]["axis"]).split(",")]
    if shape is not None and -min(axes) > len(shape):
        shapes.fault(
            node,
            "bad-axis",
            f"{node.name}: {shapes.name(node, 'input')} has {len(shape)} axes, so there is no "
            f"axis {min(axes)}: choose −1, the last one.",
            parameter="axis",
            suggestion="-1",
        )


RULES: Mapping[str, Rule] = {
    "sum_squares": lambda shapes, node: _compared(shapes, node, "target"),
    "poisson": lambda shapes, node: _compared(shapes, node, "y"),
    "sisr": _sisr,
    "noise_ball": lambda shapes, node: _compared(shapes, node, "b"),
    "group_norm1": _group_norm1,
}
