"""Larger images: what lies beyond the edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.arguments import image_shape
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Pad", "pad"]

_MODES = ("zero", "circular", "replicate", "reflect")


@register
class Pad(LinOp):
    """A x has rows and columns around x, zero or copied from x."""

    name = "pad"

    def __init__(
        self, domain: Space, widths: tuple[int, int, int, int], mode: str = "zero"
    ) -> None:
        super().__init__(domain, domain.with_shape(_padded(domain.shape, widths)))
        top, bottom, left, right = widths
        height, width = domain.shape[-2:]
        self._rows = _sources(height, top, bottom, mode).to(domain.device)
        self._columns = _sources(width, left, right, mode).to(domain.device)
        self._inside = (slice(top, top + height), slice(left, left + width))
        self._zero = mode == "zero"

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape, larger by the widths.

        Raises:
            ParameterError: a width is no whole number from 0, or the mode has no such name.
            ShapeError: the argument is smaller than what is to be copied from it.
        """
        widths, mode = options["widths"], options.get("mode", "zero")
        if mode not in _MODES:
            raise ParameterError(
                f"pad: mode must be one of {', '.join(_MODES)}, not {mode!r}.",
                expected=_MODES,
                got=mode,
                where="mode",
            )
        if any(isinstance(w, bool) or not isinstance(w, int) or w < 0 for w in widths):
            raise ParameterError(
                f"pad: widths are whole numbers from 0, not {widths}.",
                expected="whole numbers from 0",
                got=widths,
                where="widths",
            )
        shape = image_shape(cls.name, argument)
        if shape is None:
            return None
        reach = 1 if mode == "reflect" else 0
        if mode in ("reflect", "circular") and (
            max(widths[:2]) > shape[-2] - reach or max(widths[2:]) > shape[-1] - reach
        ):
            raise ShapeError(
                f"pad: {argument.describe()} of shape {shape} is too small to be continued by "
                f"{widths} with mode {mode}.",
                expected=f"widths of at most {(shape[-2] - reach, shape[-1] - reach)}",
                got=widths,
                where=argument.describe(),
            )
        return _padded(shape, widths)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``pad(x, 1, 1, 2, 2, mode="zero")``."""
        widths = ", ".join(str(w) for w in options["widths"])
        mode = options.get("mode", "zero")
        return f"pad({argument}, {widths}" + (")" if mode == "zero" else f', mode="{mode}")')

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """x with its margins."""
        if self._zero:
            result = x.new_zeros(self.range.shape)
            result[(..., *self._inside)] = x
            return result
        return x.index_select(-2, self._rows).index_select(-1, self._columns)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Every value added to where it came from."""
        if self._zero:
            return self.to_domain(y[(..., *self._inside)])
        *leading, height, width = self.domain.shape
        rows = y.new_zeros((*leading, height, y.shape[-1])).index_add(-2, self._rows, y)
        return self.to_domain(
            y.new_zeros((*leading, height, width)).index_add(-1, self._columns, rows)
        )

    @property
    def is_selection(self) -> bool:
        """Always."""
        return True

    def gram_diagonal(self) -> torch.Tensor:
        """How often each value is used."""
        height, width = self.domain.shape[-2:]
        if self._zero:
            return torch.ones((), dtype=torch.float64)
        rows = torch.bincount(self._rows, minlength=height)
        columns = torch.bincount(self._columns, minlength=width)
        return (rows[:, None] * columns[None, :]).to(self.domain.precision)


def _padded(shape: Sequence[int], widths: Sequence[int]) -> tuple[int, ...]:
    top, bottom, left, right = widths
    return (*shape[:-2], shape[-2] + top + bottom, shape[-1] + left + right)


def _sources(length: int, before: int, after: int, mode: str) -> torch.Tensor:
    """Which element each one of the longer axis is a copy of."""
    places = torch.arange(-before, length + after)
    if mode == "circular":
        return places % length
    if mode == "reflect" and length > 1:
        period = 2 * (length - 1)
        folded = places % period
        return torch.minimum(folded, period - folded)
    return places.clamp(0, length - 1)


@overload
def pad(
    x: torch.Tensor,
    top: int = 0,
    bottom: int = 0,
    left: int = 0,
    right: int = 0,
    mode: str = "zero",
) -> torch.Tensor: ...
@overload
def pad(
    x: Expression,
    top: int = 0,
    bottom: int = 0,
    left: int = 0,
    right: int = 0,
    mode: str = "zero",
) -> Expression: ...
def pad(
    x: Any, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0, mode: str = "zero"
) -> Any:
    """An image with rows and columns around it.

    Args:
        x: an expression or a tensor (..., H, W).
        top: how many rows are put above, from 0.
        bottom: how many rows are put below.
        left: how many columns are put at the left.
        right: how many columns are put at the right.
        mode: what is in them: "zero", "circular" the other side, "replicate" the nearest pixel,
            "reflect" the mirror image around the outermost pixel.

    Returns:
        An expression, or a tensor where x is one, (..., H + top + bottom, W + left + right).

    Raises:
        ParameterError: a width is below 0, or there is no mode of that name.
        ShapeError: the image is smaller than what is to be copied from it.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.pad(torch.tensor([[1.0, 2.0, 3.0]]), left=2, right=1, mode="reflect")
        tensor([[3., 2., 1., 2., 3., 2.]])

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing, section 3.4.
    """
    return apply(Pad, x, widths=(top, bottom, left, right), mode=mode)
