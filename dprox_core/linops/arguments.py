"""Settings and arguments of operators as they must be, or a sentence that says why not."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dprox_core.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["image_shape", "refuse_axes", "whole_number", "whole_numbers"]


def whole_number(name: str, where: str, value: Any) -> int:
    """A whole number, also one of numpy's.

    Args:
        name: the operator's name.
        where: the setting's name.
        value: what was given.

    Raises:
        ParameterError: it is none.
    """
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except (TypeError, ValueError, RuntimeError):
            # A tensor of several elements raises errors of its own.
            pass
    raise ParameterError(
        f"{name}: {where} must be a whole number, such as 1, not {value!r:.60}.",
        expected="a whole number",
        got=value,
        where=where,
    )


def whole_numbers(name: str, where: str, values: Any) -> tuple[int, ...]:
    """Several whole numbers; one alone counts as a list of one.

    Raises:
        ParameterError: something else is among them.
    """
    several = isinstance(values, Iterable) and not isinstance(values, str)
    return tuple(whole_number(name, where, value) for value in (values if several else (values,)))


def refuse_axes(name: str, described: str, shape: Shape, axes: Iterable[int], where: str) -> None:
    """Refuse axes that a shape has not, or that are named twice.

    Args:
        name: the operator's or function's name.
        described: what has the shape, in the user's words.
        shape: the shape.
        axes: whole numbers; negative ones count from the end.
        where: the setting's name.

    Raises:
        ShapeError: with the first axis that is not there.
    """
    axes, count = tuple(axes), len(shape)
    outside = [axis for axis in axes if not -count <= axis < count]
    if outside or len({axis % count for axis in axes}) < len(axes):
        fault = f"no axis {outside[0]}" if outside else "each axis only once"
        raise ShapeError(
            f"{name}: {described} of shape {shape} has {fault}.",
            expected=f"axes from {-count} to {count - 1}, each once",
            got=axes if len(axes) > 1 else axes[0],
            where=where,
        )


def image_shape(name: str, argument: Expression) -> Shape | None:
    """The shape of an argument that must be an image.

    Raises:
        ShapeError: it has fewer than two axes.
    """
    shape = argument.shape
    if shape is not None and len(shape) < 2:
        raise ShapeError(
            f"{name} takes an image (..., H, W): {argument.describe()} has shape {shape}.",
            expected="(..., H, W)",
            got=shape,
            where=argument.describe(),
        )
    return shape
