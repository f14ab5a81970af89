"""What operators with data beside their operand give, and sums."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nodes.document import Node
from nodes.shape_rules.base import Reader, Rule, Shape, broadcasts, differ, shape_text
from nodes.shape_rules.single import SINGLE, Refusal

__all__ = ["RULES"]


def convolved(shapes: Reader, node: Node, port: str, by: str = "kernel") -> Shape | None:
    image, kernel = shapes.at(node, port), shapes.at(node, by)
    if image is None or kernel is None:
        return image
    name = shapes.name(node, by)
    if kernel[-2] > image[-2] or kernel[-1] > image[-1]:
        shapes.fault(
            node,
            "kernel-too-large",
            f"{node.name}: the kernel {name} ({kernel[-2]} × {kernel[-1]}) is larger than "
            f"{shapes.name(node, port)} ({image[-2]} × {image[-1]}): take a smaller kernel or "
            "a larger image.",
            port=by,
        )
    elif not broadcasts(kernel[:-2], image[:-2]):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: the kernel {name} has other channels ({shape_text(kernel)}) than "
            f"{shapes.name(node, port)} ({shape_text(image)}): load the kernel in grey.",
            port=by,
        )
    elif node.values.get("boundary") == "valid":
        rows, columns = (a - b + 1 for a, b in zip(image[-2:], kernel[-2:], strict=True))
        return (*image[:-2], rows, columns)
    return image


def _operator(shapes: Reader, node: Node) -> Shape | None:
    shape = shapes.at(node, "x")
    if shape is None:
        return None
    result = SINGLE[node.type](shape, shapes.analysis.values[node.id])
    if isinstance(result, Refusal):
        sentence = f"{node.name}: {shapes.name(node, 'x')} ({shape_text(shape)}) {result}"
        shapes.fault(node, "shape-mismatch", sentence, port="x")
        return None
    return result


def _downsample(shapes: Reader, node: Node) -> Shape | None:
    faults = len(shapes.faults)
    shape = convolved(shapes, node, "x")
    if shape is None or len(shapes.faults) > faults:
        return None
    factor = int(shapes.number(node, "factor"))
    if shapes.analysis.wire(node.id, "kernel") is None and min(shape[-2:]) < 2 * factor - 1:
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, 'x')} ({shape_text(shape)}) is too small to be "
            f"made {factor} times smaller: take a smaller factor.",
            parameter="factor",
        )
        return None
    return _operator(shapes, node)


def _denoised(shapes: Reader, node: Node, port: str, parameter: str) -> Shape | None:
    shape = shapes.at(node, port)
    name = str(shapes.analysis.values[node.id][parameter])
    channels = shape[-3] if shape is not None and len(shape) > 2 else 1
    if shape is not None and name.endswith("_color") and channels != 3:
        grey = name.removesuffix("_color")
        shapes.fault(
            node,
            "other-channels",
            f"{node.name}: {name} denoises colour images, and {shapes.name(node, port)} has "
            f"{channels} channel{'' if channels == 1 else 's'}: choose {grey}.",
            port,
            parameter,
            grey,
        )
    return shape


def _weighted(shapes: Reader, node: Node, port: str) -> Shape | None:
    image, weight = shapes.at(node, "x"), shapes.at(node, port)
    if image is not None and weight is not None and not broadcasts(weight, image):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name}: {shapes.name(node, port)} ({shape_text(weight)}) does not match "
            f"{shapes.name(node, 'x')} ({shape_text(image)}): use one of the same height and "
            "width.",
            port=port,
        )
    return image


def _mosaic(shapes: Reader, node: Node) -> Shape | None:
    shape = shapes.at(node, "x")
    if shape is not None and (len(shape) < 3 or shape[-3] != 3):
        shapes.fault(
            node,
            "shape-mismatch",
            f"{node.name} needs a colour image, but {shapes.name(node, 'x')} is "
            f"{shape_text(shape)}: load the image in colour.",
            port="x",
        )
    return shape


def _fills(shapes: Reader, node: Node, port: str, shape: Shape, target: Shape) -> bool:
    """Whether a summand is repeated to fill the other's shape: an unknown only where it is one
    number, or one sample beside a batch."""
    wire = shapes.analysis.wire(node.id, port)
    unknown = wire is not None and bool(shapes.analysis.variables.get(wire.source))
    one_sample = len(shape) == len(target) >= 3 and shape[1:] == target[1:]
    fine = not unknown or math.prod(shape) == 1 or one_sample or shape == target
    return fine and broadcasts(shape, target)


def _sum(shapes: Reader, node: Node) -> Shape | None:
    a, b = shapes.at(node, "a"), shapes.at(node, "b")
    if a is None or b is None:
        return a or b
    if _fills(shapes, node, "b", b, a):
        return a
    if _fills(shapes, node, "a", a, b):
        return b
    differ(shapes, node, ("a", a), ("b", b))
    return None


def _stacked(shapes: Reader, node: Node) -> Shape | None:
    sources = [wire.source for wire in shapes.document.wires_into(node.id, "parts")]
    known = [shapes.of[source] for source in sources if source in shapes.of]
    if not sources or len(known) < len(sources):
        return None
    first, axis = known[0], int(shapes.number(node, "axis"))
    one = shapes.document.node(sources[0]).name
    if not -len(first) <= axis < len(first):
        shapes.fault(
            node,
            "bad-axis",
            f"{node.name}: {one} ({shape_text(first)}) has {len(first)} axes, so there is no axis "
            f"{axis}: choose one from 0 to {len(first) - 1}.",
            parameter="axis",
            suggestion=0,
        )
        return None
    axis %= len(first)
    for source, shape in zip(sources, known, strict=True):
        alike = (*first[:axis], *first[axis + 1 :]) == (*shape[:axis], *shape[axis + 1 :])
        if len(shape) != len(first) or not alike:
            shapes.fault(
                node,
                "shape-mismatch",
                f"{node.name}: {one} ({shape_text(first)}) and {shapes.document.node(source).name} "
                f"({shape_text(shape)}) must have the same size but along axis {axis}.",
                port="parts",
            )
            return None
    return (*first[:axis], sum(shape[axis] for shape in known), *first[axis + 1 :])


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(SINGLE, _operator),
    "blur": lambda shapes, node: convolved(shapes, node, "image"),
    "conv": lambda shapes, node: convolved(shapes, node, "x"),
    "conv_doe": lambda shapes, node: convolved(shapes, node, "x", "psf"),
    "denoise": lambda shapes, node: _denoised(shapes, node, "image", "denoiser"),
    "deep_prior": lambda shapes, node: _denoised(shapes, node, "input", "denoiser"),
    "unrolled_prior": lambda shapes, node: _denoised(shapes, node, "input", "network"),
    "downsample": _downsample,
    "mask": lambda shapes, node: _weighted(shapes, node, "m"),
    "mul_elementwise": lambda shapes, node: _weighted(shapes, node, "w"),
    "mosaic": _mosaic,
    "add": _sum,
    "subtract": _sum,
    "scale": lambda shapes, node: shapes.at(node, "x"),
    "vstack": _stacked,
}
