"""Expressions behind each other, and an expression in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.affine import Affine
from dprox_core.expressions.base import Expression, Shape, as_expression, shape_text
from dprox_core.linops.arguments import refuse_axes, whole_number, whole_numbers
from dprox_core.linops.indexing import index
from dprox_core.linops.stacking import Stack

if TYPE_CHECKING:
    from dprox_core.expressions.binding import Binding

__all__ = ["Concat", "split", "vstack"]


class Concat(Expression):
    """Expressions behind each other along an axis."""

    def __init__(self, parts: Sequence[Expression], axis: int) -> None:
        self.parts = tuple(parts)
        self.axis = axis
        self._checked()

    @property
    def shape(self) -> Shape | None:  # type: ignore[override]
        """The parts' shape, longer along the axis."""
        return self._checked()

    def _checked(self) -> Shape | None:
        shapes = [part.shape for part in self.parts]
        known = [shape for shape in shapes if shape is not None]
        if len(known) < len(shapes):
            return None
        first = known[0]
        refuse_axes("vstack", self.parts[0].describe(), first, (self.axis,), "axis")
        axis = self.axis % len(first)
        for part, shape in zip(self.parts, known, strict=True):
            alike = len(shape) == len(first) and all(
                a == b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis
            )
            if not alike:
                raise ShapeError(
                    f"vstack: {self.parts[0].describe()} has shape {shape_text(first)} and "
                    f"{part.describe()} has shape {shape_text(shape)}: they must be the same but "
                    f"along axis {self.axis}.",
                    expected=first,
                    got=shape,
                    where=part.describe(),
                )
        length = sum(shape[axis] for shape in known)
        return (*first[:axis], length, *first[axis + 1 :])

    @property
    def is_complex(self) -> bool:  # type: ignore[override]
        """Whether any part is complex."""
        return any(part.is_complex for part in self.parts)

    @property
    def children(self) -> tuple[Expression, ...]:
        """The parts."""
        return self.parts

    def describe(self) -> str:
        """``vstack([x, y])``."""
        inner = ", ".join(part.describe() for part in self.parts)
        return f"vstack([{inner}]" + (")" if self.axis == 0 else f", axis={self.axis})")

    def affine(self, binding: Binding) -> Affine:
        """For each variable the operators of all parts behind each other."""
        maps = [binding.affine(part) for part in self.parts]
        spaces = [binding.space(part) for part in self.parts]
        axis = self.axis % len(spaces[0].shape)
        variables = {v: None for one in maps for v in one.operators}
        operators = {
            v: Stack([one.operators.get(v) for one in maps], spaces, axis) for v in variables
        }
        offset: torch.Tensor | None = None
        if any(one.offset is not None for one in maps):
            pieces = [
                space.zeros() if one.offset is None else one.offset.expand(space.shape)
                for one, space in zip(maps, spaces, strict=True)
            ]
            offset = torch.cat(pieces, dim=axis)
        return Affine(dict(operators), offset)


def vstack(parts: Sequence[Expression | torch.Tensor], axis: int = 0) -> Any:
    """Several expressions behind each other along an axis.

    norm1(vstack([dx, dy])) is the sum of both norms; group_norm1 of parts stacked along an axis
    groups them.

    Args:
        parts: expressions or tensors, alike in shape but for the axis; at least one.
        axis: along which axis.

    Returns:
        An expression, or a tensor where all parts are tensors.

    Raises:
        ShapeError: two parts differ in another axis.
        ParameterError: there are no parts, or the axis is no whole number.

    Example:
        >>> import dprox_core as dp
        >>> x, y = dp.Variable("x", (2, 3)), dp.Variable("y", (4, 3))
        >>> dp.vstack([x, 2 * y]).shape
        (6, 3)

    References:
        F. Heide et al., ProxImaL: Efficient Image Optimization using Proximal Algorithms, 2016.
    """
    alone = isinstance(parts, (Expression, torch.Tensor))
    given = [parts] if alone else list(parts) if isinstance(parts, Iterable) else []
    if not given:
        raise ParameterError(
            f"vstack takes a list of at least one expression, not {parts!r:.60}.",
            expected="expressions",
            got=parts,
            where="vstack",
        )
    expression = Concat(
        [as_expression(part, "part") for part in given], whole_number("vstack", "axis", axis)
    )
    if any(isinstance(part, Expression) for part in given):
        return expression
    from dprox_core.expressions.binding import evaluate

    return evaluate(expression)


def split(x: Any, sizes: int | Sequence[int], axis: int = 0) -> list[Any]:
    """An expression in pieces along an axis; the opposite of vstack.

    Args:
        x: an expression or a tensor.
        sizes: how long each piece is, or into how many equal ones.
        axis: along which axis.

    Returns:
        A list of expressions, or of tensors where x is one.

    Raises:
        ShapeError: the sizes do not add up to the length of the axis, or there is no such axis.
        ParameterError: a size or the axis is no whole number.

    Example:
        >>> import dprox_core as dp
        >>> low, high = dp.split(dp.Variable("x", (2, 6)), [2, 4], axis=1)
        >>> low.shape, high.shape
        ((2, 2), (2, 4))

    References:
        F. Heide et al., ProxImaL: Efficient Image Optimization using Proximal Algorithms, 2016.
    """
    expression = as_expression(x, "x")
    ndim = expression.ndim
    shape = expression.shape
    assert shape is not None, "ndim refuses an open shape"
    axis = whole_number("split", "axis", axis)
    refuse_axes("split", expression.describe(), shape, (axis,), "axis")
    axis %= ndim
    length = shape[axis]
    if isinstance(sizes, Sequence):
        pieces = list(whole_numbers("split", "sizes", sizes))
    else:
        count = whole_number("split", "sizes", sizes)
        even = count > 0 and length % count == 0
        pieces = [length // count] * count if even else []
    if sum(pieces) != length or any(piece < 1 for piece in pieces):
        raise ShapeError(
            f"split: pieces of {sizes} do not make up the {length} elements of "
            f"{expression.describe()} along axis {axis}.",
            expected=f"sizes that add up to {length}",
            got=sizes,
            where="sizes",
        )
    start, parts = 0, []
    for piece in pieces:
        where = (*([slice(None)] * axis), slice(start, start + piece))
        parts.append(index(x, where))
        start += piece
    return parts
