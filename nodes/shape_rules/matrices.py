"""What operators give that are made of numbers: matrices, sets of kernels, displacements."""

from __future__ import annotations

from collections.abc import Mapping

from nodes.document import Node
from nodes.shape_rules.base import Reader, Rule, Shape, broadcasts, shape_text

__all__ = ["RULES"]


def _matrix(shapes: Reader, node: Node) -> Shape | None:
    shape, matrix = shapes.at(node, "x"), shapes.at(node, "M")
    if shape is None or matrix is None:
        return None
    axis = int(shapes.number(node, "axis"))
    if not -len(shape) <= axis < len(shape):
        shapes.fault(
            node,
            "bad-axis",
            f"{node.name}: {shapes.name(node, 'x')} ({shape_text(shape)}) has {len(shape)} axes, "
            f"so there is no axis {axis}: choose -1, the last one.",
            parameter="axis",
            suggestion=-1,
        )
        return None
    return _mixed(shapes, node, "M", axis % len(shape))


def _colours(shapes: Reader, node: Node) -> Shape | None:
    shape = shapes.at(node, "x")
    if shape is None or shapes.at(node, "response") is None:
        return None
    if len(shape) < 3:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'x')} ({shape_text(shape)}) has no axis of channels.",
            port="x",
        )
        return None
    return _mixed(shapes, node, "response", len(shape) - 3)


def _mixed(shapes: Reader, node: Node, port: str, axis: int) -> Shape | None:
    """The operand's shape with as many elements along an axis as the matrix has rows."""
    shape, matrix = shapes.at(node, "x"), shapes.at(node, port)
    assert shape is not None
    assert matrix is not None
    name = shapes.name(node, port)
    if len(matrix) not in (1, 2):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {name} ({shape_text(matrix)}) is no matrix: it needs rows and columns. "
            "Of an image, a Pick node takes one channel: 0, 0.",
            port=port,
        )
        return None
    if matrix[-1] != shape[axis]:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {name} ({shape_text(matrix)}) must have {shape[axis]} columns, one for "
            f"each element of {shapes.name(node, 'x')} ({shape_text(shape)}) along axis {axis}.",
            port=port,
        )
        return None
    return (*shape[:axis], *matrix[:-1], *shape[axis + 1 :])


def _varying(shapes: Reader, node: Node, axes: int) -> Shape | None:
    image, kernels = shapes.at(node, "x"), shapes.at(node, "kernels")
    if image is None or kernels is None:
        return image
    form = "number × height × width" if axes == 3 else "rows × columns × height × width"
    name = f"{shapes.name(node, 'kernels')} ({' × '.join(map(str, kernels))})"
    if len(kernels) != axes:
        wrong = f"{name} must hold kernels, {form}"
    elif kernels[-2] > image[-2] or kernels[-1] > image[-1]:
        wrong = (
            f"the kernels {name} are larger than {shapes.name(node, 'x')} "
            f"({image[-2]} × {image[-1]}): take smaller ones"
        )
    else:
        return image
    shapes.fault(node, "shape-mismatch", f"{node.name}: {wrong}.", port="kernels")
    return None


def _sum_of_blurs(shapes: Reader, node: Node) -> Shape | None:
    image, kernels = _varying(shapes, node, 3), shapes.at(node, "kernels")
    weights = shapes.at(node, "weights")
    if image is None or kernels is None or weights is None:
        return image
    wanted = (kernels[0], *image[-2:])
    if weights != wanted:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'weights')} ({' × '.join(map(str, weights))}) must "
            f"be {' × '.join(map(str, wanted))}: one weight for each kernel and pixel.",
            port="weights",
        )
        return None
    return image


def _warp(shapes: Reader, node: Node) -> Shape | None:
    shape, flow = shapes.at(node, "x"), shapes.at(node, "flow")
    if shape is None or flow is None:
        return shape
    if not flow or flow[-1] != 2 or not broadcasts(flow[:-1], shape):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: the flow {shapes.name(node, 'flow')} ({' × '.join(map(str, flow))}) "
            f"must be {shape[-2]} × {shape[-1]} × 2, down and right for each pixel of "
            f"{shapes.name(node, 'x')}.",
            port="flow",
        )
        return None
    return shape


def _homography(shapes: Reader, node: Node) -> Shape | None:
    matrix = shapes.at(node, "H")
    if matrix is not None and matrix != (3, 3):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'H')} ({shape_text(matrix)}) must be 3 × 3.",
            port="H",
        )
        return None
    return shapes.at(node, "x")


RULES: Mapping[str, Rule] = {
    "matrix": _matrix,
    "mul_color": _colours,
    "conv_grid": lambda shapes, node: _varying(shapes, node, 4),
    "conv_lowrank": _sum_of_blurs,
    "warp": _warp,
    "homography": _homography,
}
