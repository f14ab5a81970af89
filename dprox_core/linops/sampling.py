"""Operators diagonal in space: masks, products element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ShapeError
from dprox_core.linops.base import LinOp, Transfer, apply, register
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Mask", "MulElementwise", "mask", "mul_elementwise"]


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
