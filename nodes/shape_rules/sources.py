"""What data nodes give: images from their files, kernels and masks from parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from nodes.arrayfiles import ArrayHeader, read_array, read_matrix
from nodes.document import Node
from nodes.grammars import numbers
from nodes.imagefiles import MAX_PIXELS, MAX_PIXELS_SCALED, read_header, scaled
from nodes.shape_rules.base import Reader, Rule, Shape

__all__ = ["RULES"]


def _load_image(shapes: Reader, node: Node) -> Shape | None:
    values = shapes.analysis.values[node.id]
    size = values["size"]
    header = read_header(str(values["source"]), shapes.base)
    if header.problem:
        shapes.fault(node, "bad-image", f"{node.name}: {header.problem}.", parameter="source")
        return None
    limit = MAX_PIXELS if size is None else MAX_PIXELS_SCALED
    pixels = header.height * header.width
    if pixels > limit:
        advice = (
            "set its longest side (such as 1024), so that it is scaled down"
            if size is None and pixels <= MAX_PIXELS_SCALED
            else "scale the file down first"
        )
        shapes.fault(
            node,
            "huge-image",
            f"{node.name}: the image is {header.width} × {header.height} pixels, more than "
            f"the {limit // 10**6} megapixels that are read at once: {advice}.",
            parameter="size",
            suggestion=1024 if size is None and pixels <= MAX_PIXELS_SCALED else None,
        )
        return None
    assert size is None or isinstance(size, int | float)
    height, width = scaled(header.height, header.width, None if size is None else int(size))
    channels = header.channels
    if values["colour"] == "grey" and channels == 3:
        channels = 1
    elif values["colour"] == "colour" and channels == 1:
        channels = 3
    return (1, channels, height, width)


def _motion_psf(shapes: Reader, node: Node) -> Shape:
    return _square(2 * math.ceil((shapes.number(node, "length") - 1) / 2) + 1)


def _disk_psf(shapes: Reader, node: Node) -> Shape:
    return _square(2 * max(0, math.ceil(shapes.number(node, "radius") - 0.5)) + 1)


def _random_mask(shapes: Reader, node: Node) -> Shape | None:
    shape = shapes.at(node, "like")
    return None if shape is None else (*(1 for _ in shape[:-2]), *shape[-2:])


def _array(shapes: Reader, node: Node) -> Shape:
    found = numbers(str(shapes.analysis.values[node.id]["values"]))
    return (len(found), len(found[0])) if isinstance(found[0], list) else (len(found),)


def _file(
    read: Callable[[str, Path | None], ArrayHeader], shapes: Reader, node: Node
) -> Shape | None:
    header = read(str(shapes.analysis.values[node.id]["source"]), shapes.base)
    if header.problem:
        shapes.fault(node, "bad-file", f"{node.name}: {header.problem}.", parameter="source")
        return None
    return header.shape


def _coil_maps(shapes: Reader, node: Node) -> Shape | None:
    shape = shapes.at(node, "like")
    return None if shape is None else (int(shapes.number(node, "coils")), *shape[-2:])


def _square(side: float) -> Shape:
    return (int(side), int(side))


RULES: Mapping[str, Rule] = {
    "load_image": _load_image,
    "array": _array,
    "load_array": lambda shapes, node: _file(read_array, shapes, node),
    "load_matrix": lambda shapes, node: _file(read_matrix, shapes, node),
    "gaussian_psf": lambda shapes, node: _square(shapes.number(node, "size")),
    "motion_psf": _motion_psf,
    "disk_psf": _disk_psf,
    "random_mask": _random_mask,
    "fourier_mask": _random_mask,
    "coil_maps": _coil_maps,
    "modulus": lambda shapes, node: shapes.at(node, "image"),
    "add_noise": lambda shapes, node: shapes.at(node, "image"),
    "variable": lambda shapes, node: shapes.at(node, "like"),
}
