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


def _quad_form(shapes: Reader, node: Node) -> None:
    shape, matrix = shapes.at(node, "input"), shapes.at(node, "P")
    if shape is None or matrix is None or matrix == (shape[-1:] * 2):
        return
    wanted = shape_text(shape[-1:] * 2) if shape else "of no size"
    shapes.fault(
        node,
        "shape-mismatch",
        f"{node.name}: the matrix {shapes.name(node, 'P')} ({shape_text(matrix)}) must be {wanted} "
        f"for {shapes.name(node, 'input')} ({shape_text(shape)}), as large as its last axis.",
        port="P",
    )


def _affine_set(shapes: Reader, node: Node) -> None:
    shape, matrix, right = (shapes.at(node, port) for port in ("input", "A", "b"))
    columns = shape[-1:] if shape is not None else None
    if matrix is not None and columns is not None and (len(matrix) != 2 or matrix[1:] != columns):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: the matrix {shapes.name(node, 'A')} ({shape_text(matrix)}) must have "
            f"one column for each of the {columns[0] if columns else 0} values of the last axis of "
            f"{shapes.name(node, 'input')} ({shape_text(shape or ())}).",
            port="A",
        )
        return
    if matrix is not None and right is not None and right not in ((), (1,), matrix[:1]):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'b')} ({shape_text(right)}) must hold one value for "
            f"each of the {matrix[0]} rows of {shapes.name(node, 'A')}.",
            port="b",
        )


def _psd_cone(shapes: Reader, node: Node) -> None:
    shape = shapes.at(node, "input")
    if shape is not None and (len(shape) < 2 or shape[-1] != shape[-2]):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name} needs square matrices, but {shapes.name(node, 'input')} is "
            f"{shape_text(shape)}: its last two axes must be equal.",
            port="input",
        )


def _weighted_sum_squares(shapes: Reader, node: Node) -> None:
    _compared(shapes, node, "weights")
    _compared(shapes, node, "target")


def _limits(shapes: Reader, node: Node) -> None:
    _compared(shapes, node, "lower")
    _compared(shapes, node, "upper")


RULES: Mapping[str, Rule] = {
    "sum_squares": lambda shapes, node: _compared(shapes, node, "target"),
    "poisson": lambda shapes, node: _compared(shapes, node, "y"),
    "sisr": _sisr,
    "noise_ball": lambda shapes, node: _compared(shapes, node, "b"),
    "hinge": lambda shapes, node: _compared(shapes, node, "y"),
    "logistic": lambda shapes, node: _compared(shapes, node, "y"),
    "linear": lambda shapes, node: _compared(shapes, node, "c"),
    "quad_form": _quad_form,
    "weighted_sum_squares": _weighted_sum_squares,
    "weighted_norm1": lambda shapes, node: _compared(shapes, node, "weights"),
    "affine_set": _affine_set,
    "limits": _limits,
    "equal": lambda shapes, node: _compared(shapes, node, "b"),
    "halfspace": lambda shapes, node: _compared(shapes, node, "a"),
    "psd_cone": _psd_cone,
    "group_norm1": _group_norm1,
}
