"""Sums over axes, and their adjoint: values repeated along axes."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.arguments import refuse_axes
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["BroadcastTo", "SumOver", "broadcast_to", "mean_over", "sum_over"]

Axes = int | Sequence[int] | None


@register
class SumOver(LinOp):
    """The sum over some axes."""

    name = "sum_over"

    def __init__(self, domain: Space, axes: tuple[int, ...] | None, keepdim: bool) -> None:
        self._axes = _resolved(axes, len(domain.shape))
        self._keepdim = keepdim
        super().__init__(domain, domain.with_shape(_reduced(domain.shape, self._axes, keepdim)))

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape without the axes, or with one in their places.

        Raises:
            ShapeError: an axis is not one of the argument's, or is named twice.
        """
        shape, axes = argument.shape, options["axes"]
        if shape is None:
            return None
        refuse_axes("sum_over", argument.describe(), shape, axes or (), "axes")
        return _reduced(shape, _resolved(axes, len(shape)), options["keepdim"])

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``sum_over(x, axes=(-1,))``."""
        given = [argument]
        if options["axes"] is not None:
            given.append(f"axes={options['axes']!r}")
        if options["keepdim"]:
            given.append("keepdim=True")
        return f"sum_over({', '.join(given)})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The sums."""
        if not self._axes:
            return x.clone()
        return x.sum(dim=self._axes, keepdim=self._keepdim)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Each sum in the place of everything that was summed."""
        kept = y.reshape(_reduced(self.domain.shape, self._axes, keepdim=True))
        return self.to_domain(kept.expand(self.domain.shape).contiguous())

    @property
    def _count(self) -> int:
        """How many values a sum has."""
        return math.prod(self.domain.shape[axis] for axis in self._axes)

    def gram_diagonal(self) -> torch.Tensor | None:
        """One, where each sum has one value."""
        return torch.ones((), dtype=torch.float64) if self._count == 1 else None

    def gram_spectrum(self) -> torch.Tensor | None:
        """The number of values in a sum at the frequencies that are zero along its axes, else zero;
        for sums over height and width."""
        count = len(self.domain.shape)
        if count < 2 or any(axis < count - 2 for axis in self._axes):
            return None
        height, width = self.domain.shape[-2:]
        frequencies = width if self.domain.is_complex else width // 2 + 1
        spectrum = torch.full((height, frequencies), float(self._count), dtype=torch.float64)
        if count - 2 in self._axes:
            spectrum[1:] = 0.0
        if count - 1 in self._axes:
            spectrum[:, 1:] = 0.0
        return spectrum.to(device=self.domain.device, dtype=self.domain.precision)

    def exact_norm(self) -> float:
        """√(the number of values in a sum)."""
        return math.sqrt(self._count)

    def mean_gram_diagonal(self) -> torch.Tensor:
        """One: each value is in one sum."""
        return torch.ones((), dtype=torch.float64)


@register
class BroadcastTo(LinOp):
    """The same values again and again along new axes, and along those of one element."""

    name = "broadcast_to"

    def __init__(self, domain: Space, shape: tuple[int, ...]) -> None:
        super().__init__(domain, domain.with_shape(shape))
        full = (1,) * (len(shape) - len(domain.shape)) + domain.shape
        self._repeated = tuple(a for a, n in enumerate(shape) if full[a] != n)
        self._count = math.prod(shape[a] for a in self._repeated)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The new shape.

        Raises:
            ShapeError: the argument does not broadcast to it.
        """
        from dprox_core.expressions.base import broadcasts_into

        shape, wanted = argument.shape, options["shape"]
        if shape is not None and not broadcasts_into(shape, wanted):
            raise ShapeError(
                f"broadcast_to: {argument.describe()} of shape {shape} does not broadcast to "
                f"{wanted}: from the last axis on, its extents must be the same or 1.",
                expected="a shape that it broadcasts to",
                got=wanted,
                where=argument.describe(),
            )
        return None if shape is None else wanted

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``broadcast_to(x, (5, 3))``."""
        return f"broadcast_to({argument}, {options['shape']!r})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The values, repeated."""
        return x.expand(self.range.shape).clone(memory_format=torch.contiguous_format)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The sum over what was repeated."""
        summed = y.sum(dim=self._repeated) if self._repeated else y
        return self.to_domain(summed.reshape(self.domain.shape))

    def gram_diagonal(self) -> torch.Tensor:
        """How often each value is there."""
        return torch.tensor(float(self._count), dtype=torch.float64)

    @property
    def is_selection(self) -> bool:
        """Always."""
        return True


def _resolved(axes: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """Axes from 0; all where none are named."""
    return tuple(range(count)) if axes is None else tuple(axis % count for axis in axes)


def _reduced(shape: Shape, axes: tuple[int, ...], keepdim: bool) -> Shape:
    if keepdim:
        return tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)


def _checked(axes: Axes) -> tuple[int, ...] | None:
    """Axes as a tuple.

    Raises:
        ParameterError: they are no whole numbers.
    """
    try:
        if axes is None:
            return None
        given = tuple(axes) if isinstance(axes, Iterable) else (axes,)
        return tuple(operator.index(axis) for axis in given)
    except TypeError:
        raise ParameterError(
            f"sum_over: axes must be whole numbers, or None for all, not {axes!r}.",
            expected="whole numbers, or None",
            got=axes,
            where="axes",
        ) from None


@overload
def sum_over(x: torch.Tensor, axes: Axes = ..., keepdim: bool = ...) -> torch.Tensor: ...
@overload
def sum_over(x: Expression, axes: Axes = ..., keepdim: bool = ...) -> Expression: ...
def sum_over(x: Any, axes: Axes = None, keepdim: bool = False) -> Any:
    """The sum of values over some axes: Σ_i x_i; also ``x.sum(axes)``, and ``x.mean(axes)``.

    Args:
        x: an expression or a tensor.
        axes: which axes to sum over, one or several; None for all.
        keepdim: whether they stay, of one element each.

    Returns:
        An expression, or a tensor where x is one; without axes left its shape is ().

    Raises:
        ShapeError: x does not have such axes, or one is named twice.
        ParameterError: axes are no whole numbers.

    Example:
        >>> import dprox_core as dp
        >>> x = dp.Variable("x", (3, 4))
        >>> dp.sum_over(x, 0).shape, x.sum().shape, x.mean(-1, keepdim=True).shape
        ((4,), (), (3, 1))

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    return apply(SumOver, x, axes=_checked(axes), keepdim=bool(keepdim))


@overload
def broadcast_to(x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor: ...
@overload
def broadcast_to(x: Expression, shape: Sequence[int]) -> Expression: ...
def broadcast_to(x: Any, shape: Sequence[int]) -> Any:
    """The same values again along new axes and along axes of one element, the adjoint of a sum.

    Sums do so by themselves where one side is a single number, or lacks only samples of a batch:
    ``A @ x + offset``, ``x - frames``.

    Args:
        x: an expression or a tensor.
        shape: the new shape, whole numbers from 1.

    Returns:
        An expression, or a tensor where x is one.

    Raises:
        ShapeError: x does not broadcast to this shape: its extents, from the last axis on, must be
            those of the shape, or 1.
        ParameterError: the shape is not made of whole numbers from 1.

    Example:
        >>> import dprox_core as dp
        >>> dp.broadcast_to(dp.Variable("x", (1, 4)), (2, 3, 4)).shape
        (2, 3, 4)

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    try:
        wanted = tuple(operator.index(n) for n in shape)
    except TypeError:
        wanted = (0,)
    if any(n < 1 for n in wanted):
        raise ParameterError(
            f"broadcast_to: a shape is whole numbers from 1, not {shape!r}.",
            expected="whole numbers from 1",
            got=shape,
            where="shape",
        )
    return apply(BroadcastTo, x, shape=wanted)


def mean_over(x: Expression, axes: Axes, keepdim: bool) -> Expression:
    """The mean over some axes; what ``x.mean(axes)`` gives.

    Raises:
        ShapeError: x does not have such axes, or its shape is not known yet.
    """
    summed = sum_over(x, axes, keepdim)
    if x.shape is None or summed.shape is None:
        raise ShapeError(
            f"mean: the shape of {x.describe()} is not known yet: give it one.",
            where=x.describe(),
        )
    return summed * (math.prod(summed.shape) / math.prod(x.shape))
