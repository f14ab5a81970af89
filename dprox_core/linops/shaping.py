"""Operators that move values about: reshape, permute, index, crop, pad."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Index", "Permute", "Reshape", "crop", "index", "permute", "reshape", "transpose"]

Slices = tuple[int | slice, ...]


@register
class Reshape(LinOp):
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

    @property
    def is_orthogonal(self) -> bool:
        """Always."""
        return True

    def gram_diagonal(self) -> torch.Tensor:
        """One: A is orthogonal."""
        return torch.ones((), dtype=torch.float64)


@register
class Permute(LinOp):
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

    @property
    def is_orthogonal(self) -> bool:
        """Always."""
        return True

    def gram_diagonal(self) -> torch.Tensor:
        """One: A is orthogonal."""
        return torch.ones((), dtype=torch.float64)


@register
class Index(LinOp):
    """A x = x[where], with whole numbers and slices."""

    name = "index"

    def __init__(self, domain: Space, where: Slices) -> None:
        super().__init__(domain, domain.with_shape(_indexed(domain.shape, where)))
        self._where = where

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The shape of what is picked.

        Raises:
            ParameterError: something else than whole numbers and slices was given.
            ShapeError: there are too many indices, one is outside, or nothing is picked.
        """
        where, shape = options["where"], argument.shape
        for item in where:
            fine = isinstance(item, slice) or hasattr(item, "__index__")
            if not fine or isinstance(item, bool) or (isinstance(item, slice) and _backward(item)):
                raise ParameterError(
                    f"index: {argument.describe()} is indexed by whole numbers and slices that go "
                    f"forward, not by {item!r}.",
                    expected="whole numbers and slices",
                    got=item,
                    where=argument.describe(),
                )
        if shape is None:
            return None
        picked = _indexed(shape, where) if len(where) <= len(shape) else None
        outside = picked is not None and any(
            not isinstance(i, slice) and not -n <= operator.index(i) < n
            for i, n in zip(where, shape, strict=False)
        )
        if picked is None or outside or 0 in picked:
            raise ShapeError(
                f"index: {argument.describe()} of shape {shape} has nothing at "
                f"[{_index_text(where)}].",
                expected="indices inside the shape",
                got=_index_text(where),
                where=argument.describe(),
            )
        return picked

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``x[0, 2:5]``."""
        inner = f"({argument})" if " " in argument and not argument.endswith(")") else argument
        return f"{inner}[{_index_text(options['where'])}]"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """What is picked, in memory of its own."""
        return x[self._where].clone()

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The values back at their places, zeros elsewhere."""
        spread = y.new_zeros(self.domain.shape)
        spread[self._where] = y
        return self.to_domain(spread)

    def gram_diagonal(self) -> torch.Tensor:
        """One where a value is picked, zero elsewhere."""
        picked = torch.zeros(
            self.domain.shape, dtype=self.domain.precision, device=self.domain.device
        )
        picked[self._where] = 1.0
        return picked

    def norm_bound(self) -> float:
        """1."""
        return 1.0


def _resolved(shape: Sequence[int], count: int) -> tuple[int, ...]:
    """The shape with a −1 replaced by what is left."""
    extents = [operator.index(n) for n in shape]
    if extents.count(-1) == 1:
        rest = math.prod(n for n in extents if n != -1)
        extents[extents.index(-1)] = count // rest if rest else 0
    return tuple(extents)


def _backward(item: slice) -> bool:
    return item.step is not None and item.step < 1


def _indexed(shape: Sequence[int], where: Slices) -> tuple[int, ...]:
    extents = []
    for position, extent in enumerate(shape):
        item = where[position] if position < len(where) else slice(None)
        if isinstance(item, slice):
            extents.append(len(range(*item.indices(extent))))
    return tuple(extents)


def _index_text(where: Slices) -> str:
    parts = []
    for item in where:
        if not isinstance(item, slice):
            parts.append(str(item))
            continue
        ends = [("" if n is None else str(n)) for n in (item.start, item.stop)]
        parts.append(":".join(ends) + ("" if item.step is None else f":{item.step}"))
    return ", ".join(parts)


def expanded(where: object, ndim: int | None) -> Slices:
    """An index as a tuple without an ellipsis."""
    items = where if isinstance(where, tuple) else (where,)
    if not any(item is Ellipsis for item in items):
        return items
    if ndim is None:
        raise ShapeError(
            "index: ... stands for axes that are not known yet: give the placeholder a shape.",
            expected="a known shape",
            where="...",
        )
    place = next(i for i, item in enumerate(items) if item is Ellipsis)
    filling = (slice(None),) * (ndim - len(items) + 1)
    return items[:place] + filling + items[place + 1 :]


def _ndim(x: Any) -> int | None:
    return None if x.shape is None else len(x.shape)


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

    Example:
        >>> import dprox_core as dp
        >>> dp.reshape(dp.Variable("x", (2, 6)), (3, -1)).shape
        (3, 4)

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    return apply(Reshape, x, shape=tuple(shape))


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

    Example:
        >>> import dprox_core as dp
        >>> dp.permute(dp.Variable("x", (2, 3, 4)), (2, 0, 1)).shape
        (4, 2, 3)

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    return apply(Permute, x, axes=tuple(axes))


def transpose(x: Any) -> Any:
    """The last two axes swapped; what ``x.T`` gives."""
    ndim = _ndim(x)
    if ndim is None or ndim < 2:
        return x
    return permute(x, (*range(ndim - 2), ndim - 1, ndim - 2))


@overload
def index(x: torch.Tensor, where: Any) -> torch.Tensor: ...
@overload
def index(x: Expression, where: Any) -> Expression: ...
def index(x: Any, where: Any) -> Any:
    """A part of x, picked by whole numbers and slices; ``x[0, 2:5]`` writes the same.

    Args:
        x: an expression or a tensor.
        where: a whole number, a slice, or several of them and ``...``.

    Returns:
        An expression, or a tensor where x is one.

    Raises:
        ShapeError: an index is outside, or nothing is picked.
        ParameterError: something else than whole numbers and forward slices was given.

    Example:
        >>> import dprox_core as dp
        >>> dp.index(dp.Variable("x", (3, 8)), (0, slice(2, 5))).shape
        (3,)

    References:
        C. R. Harris et al., Array programming with NumPy, 2020.
    """
    return apply(Index, x, where=expanded(where, _ndim(x)))


@overload
def crop(
    x: torch.Tensor, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0
) -> torch.Tensor: ...
@overload
def crop(
    x: Expression, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0
) -> Expression: ...
def crop(x: Any, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> Any:
    """An image without some rows and columns at its edges.

    Args:
        x: an expression or a tensor (..., H, W).
        top: how many rows are left out above, from 0.
        bottom: how many rows are left out below.
        left: how many columns are left out at the left.
        right: how many columns are left out at the right.

    Returns:
        An expression, or a tensor where x is one, (..., H − top − bottom, W − left − right).

    Raises:
        ShapeError: nothing is left.

    Example:
        >>> import dprox_core as dp
        >>> dp.crop(dp.Variable("x", (1, 1, 8, 8)), top=1, left=2).shape
        (1, 1, 7, 6)

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing.
    """
    ends = []
    for name, first, last in (("rows", top, bottom), ("columns", left, right)):
        if min(first, last) < 0:
            raise ParameterError(
                f"crop: the number of {name} to leave out must be 0 or more, not "
                f"{min(first, last)}.",
                expected="a number from 0",
                got=min(first, last),
                where=name,
            )
        ends.append(slice(first, -last if last else None))
    return index(x, (..., *ends))
