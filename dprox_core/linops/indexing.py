"""Parts of a tensor: index, crop."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.arguments import whole_number
from dprox_core.linops.base import LinOp, Transfer, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Index", "crop", "index"]

Slices = tuple[int | slice, ...]


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
            if not _understood(item):
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
        if self.is_orthogonal:
            return torch.ones((), dtype=torch.float64)
        picked = torch.zeros(
            self.domain.shape, dtype=self.domain.precision, device=self.domain.device
        )
        picked[self._where] = 1.0
        return picked

    def transfer_after(self, inner: Transfer) -> Transfer | None:
        """What is picked of what is stacked, where images are left whole."""
        shape, whole = self.domain.shape, len(self.domain.shape) - inner.stack
        where = (*self._where, *[slice(None)] * (len(shape) - len(self._where)))
        if inner.stack == 0 or any(
            not isinstance(item, slice) or item.indices(extent) != (0, extent, 1)
            for item, extent in zip(where[:whole], shape, strict=False)
        ):
            return None
        values, picks = inner.values, where[whole:]
        values = values.expand(*values.shape[: -inner.stack], *shape[whole:])
        left = sum(isinstance(item, slice) for item in picks)
        return Transfer(values[(..., *picks)], left, inner.full)

    @property
    def is_orthogonal(self) -> bool:
        """Where everything is picked, as by [..., 0] on an axis of one element."""
        return self.range.numel == self.domain.numel

    @property
    def is_selection(self) -> bool:
        """Always."""
        return True

    def norm_bound(self) -> float:
        """1."""
        return 1.0


def _understood(item: object) -> bool:
    """Whether something is a slice that goes forward, or a whole number."""
    given = (item.start, item.stop, item.step) if isinstance(item, slice) else (item,)
    try:
        for number in given:
            if number is not None or item is None:
                whole_number("index", "an index", number)
    except ParameterError:
        return False
    return not isinstance(item, slice) or item.step is None or item.step >= 1


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


def _called(x: Any) -> str:
    """What a sentence calls the argument."""
    return "x" if isinstance(x, torch.Tensor) else str(x.describe())


def _ndim(x: Any) -> int | None:
    return None if x.shape is None else len(x.shape)


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
        ShapeError: nothing is left, or x has fewer than two axes.
        ParameterError: a number is no whole number, or below 0.

    Example:
        >>> import dprox_core as dp
        >>> dp.crop(dp.Variable("x", (1, 1, 8, 8)), top=1, left=2).shape
        (1, 1, 7, 6)

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing.
    """
    shape = None if x.shape is None else tuple(x.shape)
    if shape is not None and len(shape) < 2:
        raise ShapeError(
            f"crop takes an image (..., H, W): {_called(x)} has shape {shape}.",
            expected="(..., H, W)",
            got=shape,
            where=_called(x),
        )
    ends = []
    sides = (("rows", top, bottom, -2), ("columns", left, right, -1))
    for name, before, after, axis in sides:
        first, last = (whole_number("crop", name, n) for n in (before, after))
        if min(first, last) < 0:
            raise ParameterError(
                f"crop: the number of {name} to leave out must be 0 or more, not "
                f"{min(first, last)}.",
                expected="a number from 0",
                got=min(first, last),
                where=name,
            )
        if shape is not None and first + last >= shape[axis]:
            raise ShapeError(
                f"crop: {_called(x)} of shape {shape} has nothing left without {first} + {last} "
                f"of its {shape[axis]} {name}.",
                expected=f"fewer than {shape[axis]} {name}",
                got=first + last,
                where=name,
            )
        ends.append(slice(first, -last if last else None))
    return index(x, (..., *ends))
