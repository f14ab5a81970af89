"""Fewer pixels: keeping one in several, with or without averaging before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.arguments import whole_number
from dprox_core.errors import ShapeError
from dprox_core.linops.arguments import image_shape
from dprox_core.linops.base import LinOp, Transfer, apply, register
from dprox_core.linops.conv import conv
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Subsample", "downsample", "subsample"]


@register
class Subsample(LinOp):
    """(A x)[..., i, j] = x[..., s i, s j]."""

    name = "subsample"

    def __init__(self, domain: Space, factor: int = 2) -> None:
        super().__init__(domain, domain.with_shape(_reduced(domain.shape, factor)))
        self._factor = factor

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape with both spatial axes divided by the factor, rounded up.

        Raises:
            ParameterError: the factor is no whole number from 1.
            ShapeError: the argument has fewer than two axes.
        """
        factor = options.get("factor", 2)
        _check_factor(cls.name, factor)
        shape = image_shape(cls.name, argument)
        if shape is None:
            return None
        return _reduced(shape, factor)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``subsample(x, 2)``."""
        return f"subsample({argument}, {options.get('factor', 2)})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Every s-th row and column."""
        return x[..., :: self._factor, :: self._factor].contiguous()

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The pixels back at their places, zeros between them."""
        size = self.domain.shape[-2:]
        spread = y.new_zeros((*y.shape[:-2], *size))
        spread[..., :: self._factor, :: self._factor] = y
        return self.to_domain(spread)

    def gram_diagonal(self) -> torch.Tensor:
        """One where a pixel is kept, zero elsewhere."""
        kept = torch.zeros(
            self.domain.shape[-2:], dtype=self.domain.precision, device=self.domain.device
        )
        kept[:: self._factor, :: self._factor] = 1.0
        return kept

    def decimated(self) -> tuple[int, Transfer]:
        """s, with nothing before it."""
        ones = torch.ones((), dtype=self.domain.precision, device=self.domain.device)
        return self._factor, Transfer(ones, 0, self.domain.is_complex)

    @property
    def is_selection(self) -> bool:
        """Always."""
        return True

    def norm_bound(self) -> float:
        """1."""
        return 1.0


def _check_factor(name: str, factor: object) -> None:
    whole_number(f"{name}: factor", factor, "factor")


def _reduced(shape: Sequence[int], factor: int) -> tuple[int, ...]:
    return (*shape[:-2], *(-(-extent // factor) for extent in shape[-2:]))


@overload
def subsample(x: torch.Tensor, factor: int = 2) -> torch.Tensor: ...
@overload
def subsample(x: Expression, factor: int = 2) -> Expression: ...
def subsample(x: Any, factor: int = 2) -> Any:
    """Keep every s-th pixel of every s-th row: (A x)[i, j] = x[s·i, s·j].

    With a blur before it, subsample(conv(x, k), s) is the usual model of a coarser camera;
    ``downsample`` writes it in one word.

    Args:
        x: an expression or a tensor (..., H, W).
        factor: s, a whole number from 1.

    Returns:
        An expression, or a tensor where x is one, (..., ⌈H/s⌉, ⌈W/s⌉).

    Raises:
        ParameterError: the factor is no whole number from 1.
        ShapeError: x has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.subsample(torch.arange(16.0).reshape(4, 4), factor=2)
        tensor([[ 0.,  2.],
                [ 8., 10.]])

    References:
        N. Zhao et al., Fast Single Image Super-Resolution Using a New Analytical Solution for
        l2-l2 Problems, 2016, equation 1.
    """
    return apply(Subsample, x, factor=factor)


@overload
def downsample(x: torch.Tensor, kernel: object = None, factor: int = 2) -> torch.Tensor: ...
@overload
def downsample(x: Expression, kernel: object = None, factor: int = 2) -> Expression: ...
def downsample(x: Any, kernel: Any = None, factor: int = 2) -> Any:
    """What a camera with fewer pixels sees: a blur against aliasing, then every s-th pixel.

    Args:
        x: an expression or a tensor (..., H, W).
        kernel: the blur, (k, k) or one per channel; None averages over s × s pixels, each new
            pixel over those that it stands for.
        factor: s, a whole number from 1.

    Returns:
        An expression, or a tensor where x is one, (..., ⌈H/s⌉, ⌈W/s⌉).

    Raises:
        ParameterError: the factor is no whole number from 1.
        ShapeError: x has fewer than two axes, or is too small for the kernel or the factor.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.downsample(torch.arange(16.0).reshape(4, 4), factor=2)
        tensor([[ 2.5000,  4.5000],
                [10.5000, 12.5000]])

    References:
        S. C. Park, M. K. Park, M. G. Kang, Super-resolution image reconstruction: a technical
        overview, 2003.
    """
    _check_factor("downsample", factor)
    if x.shape is not None and len(x.shape) < 2:
        name = "x" if isinstance(x, torch.Tensor) else x.describe()
        raise ShapeError(
            f"downsample takes an image (..., H, W): {name} has shape {tuple(x.shape)}.",
            expected="(..., H, W)",
            got=tuple(x.shape),
            where=name,
        )
    if kernel is not None:
        return subsample(conv(x, kernel), factor)
    shape = x.shape
    if shape is not None and min(shape[-2:]) < 2 * factor - 1:
        name = "x" if isinstance(x, torch.Tensor) else x.describe()
        raise ShapeError(
            f"downsample: {name} of shape {tuple(shape)} is too small for the factor {factor}: it "
            f"takes {2 * factor - 1} pixels along each side.",
            expected=f"at least {2 * factor - 1} pixels",
            got=tuple(shape[-2:]),
            where=name,
        )
    # The centre of a kernel is its element k // 2: an average over the pixels from there on fills
    # the first half of one that is twice as large. Ones are exact in any precision.
    ones = torch.zeros(2 * factor - 1, 2 * factor - 1)
    ones[:factor, :factor] = 1.0
    return subsample(conv(x, ones), factor) * (1.0 / factor**2)
