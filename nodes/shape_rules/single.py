"""What operators with one input do to a shape, and why some shapes do not serve."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from nodes.grammars import indices, whole_numbers
from nodes.parameter import Json
from nodes.shape_rules.base import Shape, broadcasts

__all__ = ["SINGLE", "Refusal"]

Values = Mapping[str, Json]


class Refusal(str):
    """The end of a sentence: "NODE: INPUT (48 × 64) " and this."""

    __slots__ = ()


_Rule = Callable[[Shape, Values], "Shape | Refusal"]


def _same(shape: Shape, values: Values) -> Shape | Refusal:
    return shape


def _number(values: Values, name: str) -> int:
    value = values[name]
    assert isinstance(value, int | float), "values are checked before shapes are inferred"
    return int(value)


def _gradient(shape: Shape, values: Values) -> Shape | Refusal:
    axes = [int(axis) for axis in str(values["axes"]).split(",")]
    if -min(axes) > len(shape):
        return Refusal(f"has {len(shape)} axes, so there is no axis {min(axes)}: choose others.")
    return (*shape, len(axes))


def _subsample(shape: Shape, values: Values) -> Shape | Refusal:
    factor = _number(values, "factor")
    return (*shape[:-2], *(-(-n // factor) for n in shape[-2:]))


def _crop(shape: Shape, values: Values) -> Shape | Refusal:
    rows = shape[-2] - _number(values, "top") - _number(values, "bottom")
    columns = shape[-1] - _number(values, "left") - _number(values, "right")
    if rows < 1 or columns < 1:
        return Refusal("has nothing left after the crop: leave out fewer rows or columns.")
    return (*shape[:-2], rows, columns)


def _pad(shape: Shape, values: Values) -> Shape | Refusal:
    widths = [_number(values, side) for side in ("top", "bottom", "left", "right")]
    reach = {"reflect": 1, "circular": 0}.get(str(values["mode"]))
    if reach is not None and (
        max(widths[:2]) > shape[-2] - reach or max(widths[2:]) > shape[-1] - reach
    ):
        return Refusal("is smaller than what is to be copied from it: pad less, or with zeros.")
    return (*shape[:-2], shape[-2] + widths[0] + widths[1], shape[-1] + widths[2] + widths[3])


def _wavelet(shape: Shape, values: Values) -> Shape | Refusal:
    levels = _number(values, "levels")
    if any(n % 2**levels for n in shape[-2:]):
        return Refusal(
            f"cannot be halved {levels} times: its height and width must be multiples of "
            f"{2**levels}. Crop or pad it, or take fewer levels."
        )
    return shape


def _patches(shape: Shape, values: Values) -> Shape | Refusal:
    size, stride = _number(values, "size"), _number(values, "stride")
    if size > min(shape[-2:]):
        return Refusal(f"is smaller than a window of {size} × {size}: take smaller windows.")
    rows, columns = ((n - size) // stride + 1 for n in shape[-2:])
    return (*shape[:-2], size * size, rows * columns)


def _radon(shape: Shape, values: Values) -> Shape | Refusal:
    return (*shape[:-2], _number(values, "angles"), math.ceil(math.hypot(*shape[-2:])) + 2)


def _reshape(shape: Shape, values: Values) -> Shape | Refusal:
    wanted, count = whole_numbers(str(values["shape"])), math.prod(shape)
    rest = math.prod(n for n in wanted if n != -1)
    found = tuple(count // rest if n == -1 else n for n in wanted)
    if math.prod(found) != count:
        return Refusal(f"has {count} values, which do not fill the shape {values['shape']}.")
    return found


def _permute(shape: Shape, values: Values) -> Shape | Refusal:
    axes, count = whole_numbers(str(values["axes"])), len(shape)
    if sorted(a % count if -count <= a < count else -1 for a in axes) != list(range(count)):
        return Refusal(
            f"has {count} axes: the order must name each from 0 to {count - 1} once, not "
            f"{values['axes']}."
        )
    return tuple(shape[axis] for axis in axes)


def _sum_over(shape: Shape, values: Values) -> Shape | Refusal:
    axes, count = whole_numbers(str(values["axes"])), len(shape)
    named = {axis % count for axis in axes if -count <= axis < count}
    if len(named) < len(axes):
        return Refusal(
            f"has {count} axes: what is summed over must be some of {-count} to {count - 1}, each "
            f"once, not {values['axes']}."
        )
    if values["keepdim"]:
        return tuple(1 if axis in named else n for axis, n in enumerate(shape))
    return tuple(n for axis, n in enumerate(shape) if axis not in named)


def _broadcast_to(shape: Shape, values: Values) -> Shape | Refusal:
    wanted = whole_numbers(str(values["shape"]))
    if -1 in wanted or not broadcasts(shape, wanted):
        return Refusal(
            f"cannot be repeated to the shape {values['shape']}: from the last axis on its extents "
            "must be the same or 1."
        )
    return wanted


def _index(shape: Shape, values: Values) -> Shape | Refusal:
    where = list(indices(str(values["where"])))
    if ... in where:
        place = where.index(...)
        where[place : place + 1] = [slice(None)] * (len(shape) - len(where) + 1)
    nothing = Refusal(f"has nothing at [{values['where']}].")
    if len(where) > len(shape):
        return nothing
    found: list[int] = []
    for extent, item in zip(shape, [*where, *[slice(None)] * len(shape)], strict=False):
        if isinstance(item, slice):
            found.append(len(range(*item.indices(extent))))
        elif not isinstance(item, int) or not -extent <= item < extent:
            return nothing
    return nothing if 0 in found else tuple(found)


def _split(shape: Shape, values: Values) -> Shape | Refusal:
    sizes, axis = list(whole_numbers(str(values["sizes"]))), _number(values, "axis")
    if not -len(shape) <= axis < len(shape):
        return Refusal(f"has {len(shape)} axes, so there is no axis {axis}.")
    axis %= len(shape)
    length = shape[axis]
    if len(sizes) == 1:
        sizes = [length // sizes[0]] * sizes[0] if length % sizes[0] == 0 else []
    if sum(sizes) != length:
        return Refusal(
            f"cannot be cut into {values['sizes']} along axis {axis}, which is {length} long."
        )
    piece = _number(values, "piece")
    if piece >= len(sizes):
        return Refusal(f"has {len(sizes)} pieces, 0 to {len(sizes) - 1}, and no piece {piece}.")
    return (*shape[:axis], sizes[piece], *shape[axis + 1 :])


SINGLE: Mapping[str, _Rule] = {
    "grad": _gradient,
    "laplacian": _same,
    "subsample": _subsample,
    "downsample": _subsample,
    "crop": _crop,
    "pad": _pad,
    "dct": _same,
    "fft": _same,
    "ifft": _same,
    "real": _same,
    "imag": _same,
    "wavelet": _wavelet,
    "patches": _patches,
    "radon": _radon,
    "reshape": _reshape,
    "permute": _permute,
    "index": _index,
    "broadcast_to": _broadcast_to,
    "sum_over": _sum_over,
    "split": _split,
}
"""Node type → its rule."""
