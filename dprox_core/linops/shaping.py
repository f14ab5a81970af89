"""The same values in another shape or order: reshape, permute."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ShapeError
from dprox_core.linops.arguments import whole_numbers
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Permute", "Reshape", "permute", "reshape", "transpose"]


class _Rearranged(LinOp):
    """The same values in other places."""

    @property
    def is_orthogonal(self) -> bool:
        """Always."""
        return True

    @property
    def is_selection(self) -> bool:
        """Always."""
        return True

    def gram_diagonal(self) -> torch.Tensor:
        """One: A is orthogonal."""
        return torch.ones((), dtype=torch.float64)


@register
class Reshape(_Rearranged):
    """The same values in another shape."""

    name = "reshape"

    def __init__(self, domain: Space, shape: tuple[int, ...]) -> None:
        super().__init__(domain, domain.with_shape(_resolved(shape, domain.numel)))

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The new shape.

        Raises:
            ShapeError: it holds another number of elements.
        """
        shape = argument.shape
        if shape is None:
            return None
        wanted = options["shape"]
        resolved = _resolved(wanted, math.prod(shape))
        if math.prod(resolved) != math.prod(shape) or any(n < 0 for n in resolved):
            raise ShapeError(
                f"reshape: {argument.describe()} of shape {shape} has {math.prod(shape)} elements, "
                f"which do not fill the shape {tuple(wanted)}.",
                expected=f"a shape of {math.prod(shape)} elements",
                got=tuple(wanted),
                where=argument.describe(),
            )
        return resolved

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``reshape(x, (6, 4))``."""
        return f"reshape({argument}, {tuple(options['shape'])})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The values in row-major order, in memory of their own."""
        return x.clone().reshape(self.range.shape)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Back to the argument's shape."""
        return self.to_domain(y.reshape(self.domain.shape))


@register
class Permute(_Rearranged):
    """The axes in another order."""

    name = "permute"

    def __init__(self, domain: Space, axes: tuple[int, ...]) -> None:
        self._axes = tuple(axis % len(domain.shape) for axis in axes)
        super().__init__(domain, domain.with_shape(tuple(domain.shape[a] for a in self._axes)))
        self._back = tuple(sorted(range(len(self._axes)), key=lambda i: self._axes[i]))

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's extents in the new order.

        Raises:
            ShapeError: the axes are not all of the argument's, each once.
        """
        shape, axes = argument.shape, tuple(options["axes"])
        if shape is None:
            return None
        if sorted(a % len(shape) if -len(shape) <= a < len(shape) else -1 for a in axes) != list(
            range(len(shape))
        ):
            raise ShapeError(
                f"permute: {axes} does not name each axis of {argument.describe()} of shape "
                f"{shape} once.",
                expected=f"an order of {tuple(range(len(shape)))}",
                got=axes,
                where=argument.describe(),
            )
        return tuple(shape[a] for a in axes)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``permute(x, (0, 2, 1))``."""
        return f"permute({argument}, {tuple(options['axes'])})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The values with the axes in the new order, in memory of their own."""
        return x.permute(self._axes).clone(memory_format=torch.contiguous_format)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Back to the argument's order."""
        return self.to_domain(y.permute(self._back))


def _resolved(shape: Sequence[int], count: int) -> tuple[int, ...]:
    """The shape with a −1 replaced by what is left."""
    extents = [operator.index(n) for n in shape]
    if extents.count(-1) == 1:
        rest = math.prod(n for n in extents if n != -1)
        extents[extents.index(-1)] = count // rest if rest else 0
    return tuple(extents)


@overload
def reshape(x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor: ...
@overload
def reshape(x: Expression, shape: Sequence[int]) -> Expression: ...
def reshape(x: Any, shape: Sequence[int]) -> Any:
    """The same values in another shape, in row-major order.

    Args:
        x: an expression or a tensor.
        shape: the new shape; one extent may be −1, for what is left.

    Returns:
        An expression, or a tensor where x is one.

    Raises:
        ShapeError: the new shape holds another number of elements.
        ParameterError: the shape is not made of whole numbers.

    Example:
        >>> import dprox_core as dp
        >>> dp.reshape(dp.Variable("x", (2, 6)), (3, -1)).shape
        (3, 4)

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    return apply(Reshape, x, shape=whole_numbers("reshape", "shape", shape))


@overload
def permute(x: torch.Tensor, axes: Sequence[int]) -> torch.Tensor: ...
@overload
def permute(x: Expression, axes: Sequence[int]) -> Expression: ...
def permute(x: Any, axes: Sequence[int]) -> Any:
    """The axes in another order: axis i of the result is axis axes[i] of x.

    Args:
        x: an expression or a tensor.
        axes: each axis once.

    Returns:
        An expression, or a tensor where x is one.

    Raises:
        ShapeError: the axes are not all of those of x, each once.
        ParameterError: an axis is no whole number.

    Example:
        >>> import dprox_core as dp
        >>> dp.permute(dp.Variable("x", (2, 3, 4)), (2, 0, 1)).shape
        (4, 2, 3)

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    return apply(Permute, x, axes=whole_numbers("permute", "axes", axes))


def transpose(x: Any) -> Any:
    """The last two axes swapped; what ``x.T`` gives."""
    ndim = None if x.shape is None else len(x.shape)
    if ndim is None or ndim < 2:
        return x
    return permute(x, (*range(ndim - 2), ndim - 1, ndim - 2))
