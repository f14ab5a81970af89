"""Operators diagonal in space: masks, mosaics, products element by element."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.base import LinOp, Transfer, apply, register
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Mask", "Mosaic", "MulElementwise", "mask", "mosaic", "mul_elementwise"]


@register
class MulElementwise(LinOp):
    """A x = w ⊙ x."""

    name = "mul_elementwise"
    operand_names = ("w",)

    def __init__(self, domain: Space, weights: torch.Tensor) -> None:
        super().__init__(domain, domain.as_complex() if weights.is_complex() else domain)
        self.weights = weights

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: the weights do not broadcast to the argument.
        """
        weights = operands[0]
        shape, given = argument.shape, weights.shape
        if shape is None or given is None:
            return shape
        fits = len(given) <= len(shape) and all(
            a in (1, b) for a, b in zip(reversed(given), reversed(shape), strict=False)
        )
        if not fits:
            raise ShapeError(
                f"{cls.name}: {weights.describe()} of shape {given} does not match "
                f"{argument.describe()} of shape {shape}: give one value per element, or 1 along "
                "axes that share it.",
                expected=shape,
                got=given,
                where=weights.describe(),
            )
        return shape

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """w ⊙ x."""
        if x.is_complex() and self.weights.is_complex():
            return fourier.multiply(x, self.weights)
        return x * self.weights

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """conj(w) ⊙ y."""
        if y.is_complex() and self.weights.is_complex():
            return self.to_domain(fourier.multiply(y, self.weights, conjugate_b=True))
        return self.to_domain(y * self.weights)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The weights."""
        return (self.weights,)

    def diagonal(self) -> torch.Tensor:
        """w."""
        return self.weights

    def transfer(self) -> Transfer | None:
        """The weights as factors of frequencies, where they do not change over the image."""
        weights = self.weights
        if len(self.domain.shape) < 2 or (weights.is_complex() and not self.domain.is_complex):
            return None
        if any(extent != 1 for extent in weights.shape[-2:]):
            return None
        return Transfer(weights, 0, self.domain.is_complex)


@register
class Mask(MulElementwise):
    """A x = m ⊙ x, with m the share of each element that is measured."""

    name = "mask"
    operand_names = ("m",)


@register
class Mosaic(LinOp):
    """A x keeps one colour per pixel, as a sensor under a colour filter array does."""

    name = "mosaic"

    def __init__(self, domain: Space, pattern: str = "RGGB") -> None:
        super().__init__(domain)
        mask = bayer_mask(pattern, domain.shape[-2:])
        self._mask = mask.to(device=domain.device, dtype=domain.precision)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ParameterError: the pattern is not four of the letters R, G, B.
            ShapeError: the argument has no three channels on axis −3.
        """
        pattern = options.get("pattern", "RGGB")
        if not isinstance(pattern, str) or len(pattern) != 4 or set(pattern) - set("RGB"):
            raise ParameterError(
                f"mosaic: a pattern is four of the letters R, G, B, row by row, such as "
                f'"RGGB"; {pattern!r} is not.',
                expected='four of "R", "G", "B"',
                got=pattern,
                where="pattern",
            )
        shape = argument.shape
        if shape is not None and (len(shape) < 3 or shape[-3] != 3):
            raise ShapeError(
                f"mosaic takes a colour image (..., 3, H, W): {argument.describe()} has shape "
                f"{shape}.",
                expected="(..., 3, H, W)",
                got=shape,
                where=argument.describe(),
            )
        return shape

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``mosaic(x, "RGGB")``."""
        return f'mosaic({argument}, "{options.get("pattern", "RGGB")}")'

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The measured colour of each pixel, zero in the other channels."""
        return x * self._mask

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The same: the mask is real."""
        return self.to_domain(y * self._mask)

    def diagonal(self) -> torch.Tensor:
        """The mask, (3, H, W)."""
        return self._mask

    def norm_bound(self) -> float:
        """1."""
        return 1.0


def bayer_mask(pattern: str, size: Sequence[int]) -> torch.Tensor:
    """Ones where a channel is measured, (3, H, W), in the order red, green, blue."""
    height, width = size
    masks = torch.zeros(3, height, width)
    for index, letter in enumerate(pattern):
        masks["RGB".index(letter), index // 2 :: 2, index % 2 :: 2] = 1.0
    return masks


@overload
def mul_elementwise(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor: ...
@overload
def mul_elementwise(x: Expression, w: object) -> Expression: ...
def mul_elementwise(x: Any, w: Any) -> Any:
    """Product element by element, w ⊙ x.

    Args:
        x: an expression or a tensor.
        w: weights that broadcast to x; a tensor or a placeholder; real or complex.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: w does not broadcast to x.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.mul_elementwise(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 0.5]))
        tensor([3., 1.])
    """
    return apply(MulElementwise, x, w)


@overload
def mask(x: torch.Tensor, m: torch.Tensor) -> torch.Tensor: ...
@overload
def mask(x: Expression, m: object) -> Expression: ...
def mask(x: Any, m: Any) -> Any:
    """Keep what is measured, m ⊙ x, with m one where a pixel is measured and zero where not.

    Args:
        x: an expression or a tensor (..., H, W).
        m: the mask, broadcastable to x, such as (1, 1, H, W) for all channels; booleans, or
            numbers, where fractions weight a pixel.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: m does not broadcast to x.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.mask(torch.ones(1, 1, 2, 2), torch.tensor([[True, False], [False, True]]))[0, 0]
        tensor([[1., 0.],
                [0., 1.]])
    """
    return apply(Mask, x, m)


@overload
def mosaic(x: torch.Tensor, pattern: str = "RGGB") -> torch.Tensor: ...
@overload
def mosaic(x: Expression, pattern: str = "RGGB") -> Expression: ...
def mosaic(x: Any, pattern: str = "RGGB") -> Any:
    """What a sensor sees through a colour filter array: one colour per pixel, zero elsewhere.

    Args:
        x: an expression or a tensor (..., 3, H, W), channels red, green, blue.
        pattern: the colours of the repeating 2 × 2 cell, row by row.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: x has no three channels.
        ParameterError: the pattern is not four of the letters R, G, B.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.mosaic(torch.ones(1, 3, 2, 2)).sum(dim=(2, 3))
        tensor([[1., 2., 1.]])

    References:
        B. E. Bayer, Color imaging array, US patent 3971065, 1976.
    """
    return apply(Mosaic, x, pattern=pattern)
