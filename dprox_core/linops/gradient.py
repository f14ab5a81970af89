"""Finite differences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ShapeError
from dprox_core.linops.base import LinOp, Transfer, apply, register
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Grad", "grad"]


@register
class Grad(LinOp):
    """(A x)[..., i, j, :] = (x[i+1, j] − x[i, j], x[i, j+1] − x[i, j]), circular.

    The two differences form a new last axis for the user; in memory each lies in one piece, so
    that both are computed at full speed.
    """

    name = "grad"

    def __init__(self, domain: Space) -> None:
        super().__init__(domain, domain.with_shape((*domain.shape, 2)))

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape with a new last axis of two.

        Raises:
            ShapeError: the argument has fewer than two axes.
        """
        shape = argument.shape
        if shape is None:
            return None
        if len(shape) < 2:
            raise ShapeError(
                f"grad takes an image (..., H, W): {argument.describe()} has shape {shape}.",
                expected="(..., H, W)",
                got=shape,
                where=argument.describe(),
            )
        return (*shape, 2)

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Both forward differences."""
        if out is None and x.requires_grad:
            return torch.stack([x.roll(-1, -2) - x, x.roll(-1, -1) - x]).movedim(0, -1)
        if out is None or out.dtype != x.dtype:
            out = x.new_empty((2, *x.shape)).movedim(0, -1)
        down, right = out[..., 0], out[..., 1]
        torch.sub(x[..., 1:, :], x[..., :-1, :], out=down[..., :-1, :])
        torch.sub(x[..., :1, :], x[..., -1:, :], out=down[..., -1:, :])
        torch.sub(x[..., :, 1:], x[..., :, :-1], out=right[..., :, :-1])
        torch.sub(x[..., :, :1], x[..., :, -1:], out=right[..., :, -1:])
        return out

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Backward differences of both parts, summed: minus the divergence."""
        if y.requires_grad:
            down, right = y[..., 0], y[..., 1]
            return self.to_domain(down.roll(1, -2) - down + right.roll(1, -1) - right)
        return self.adjoint_add(y, y.new_zeros(y.shape[:-1]), in_place=True)

    def adjoint_add(self, y: torch.Tensor, into: torch.Tensor, in_place: bool) -> torch.Tensor:
        """into + Aᴴ y without an image in between."""
        if not in_place:
            return into + self.adjoint(y)
        y = self.to_domain(y)
        down, right = y[..., 0], y[..., 1]
        into -= down
        into[..., 1:, :] += down[..., :-1, :]
        into[..., :1, :] += down[..., -1:, :]
        into -= right
        into[..., :, 1:] += right[..., :, :-1]
        into[..., :, :1] += right[..., :, -1:]
        return into

    def transfer(self) -> Transfer:
        """(exp(2πi f) − 1) along each axis, a stack of two."""
        full = self.domain.is_complex
        height, width = self.domain.shape[-2:]
        device = self.domain.device
        columns = fourier.spectrum_shape((height, width), full)[1]
        down = _difference_factors(height, height, device)[:, None].expand(height, columns)
        right = _difference_factors(width, columns, device)[None, :].expand(height, columns)
        return Transfer(torch.stack([down, right], dim=-1), 1, full)

    def gram_spectrum(self) -> torch.Tensor:
        """4 sin²(π f₁) + 4 sin²(π f₂): minus the Laplacian's spectrum."""
        height, width = self.domain.shape[-2:]
        device = self.domain.device
        columns = fourier.spectrum_shape((height, width), self.domain.is_complex)[1]
        down = 4.0 * _half_angles(height, height, device).sin().square()
        right = 4.0 * _half_angles(width, columns, device).sin().square()
        return down[:, None] + right[None, :]

    def norm_bound(self) -> float:
        """√8 on even sizes, a little less on odd ones."""
        return math.sqrt(float(self.gram_spectrum().max()))


def _half_angles(size: int, count: int, device: torch.device) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float64, device=device) * (math.pi / size)


def _difference_factors(size: int, count: int, device: torch.device) -> torch.Tensor:
    angles = 2.0 * _half_angles(size, count, device)
    return torch.complex(angles.cos() - 1.0, angles.sin())


@overload
def grad(x: torch.Tensor) -> torch.Tensor: ...
@overload
def grad(x: Expression) -> Expression: ...
def grad(x: Any) -> Any:
    """Forward differences down and right, circular: the discrete gradient of an image.

    grad(x)[..., i, j, 0] = x[..., i+1, j] − x[..., i, j] and
    grad(x)[..., i, j, 1] = x[..., i, j+1] − x[..., i, j], the last row and column wrapping around.
    Then norm1(grad(x)) is anisotropic total variation, group_norm1(grad(x)) isotropic.

    Args:
        x: an expression or a tensor (..., H, W).

    Returns:
        An expression, or a tensor where x is one, of shape (..., H, W, 2).

    Raises:
        ShapeError: x has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> ramp = torch.arange(4.0).repeat(3, 1)
        >>> dp.grad(ramp)[0, :, 1]
        tensor([ 1.,  1.,  1., -3.])

    References:
        L. Rudin, S. Osher, E. Fatemi, Nonlinear total variation based noise removal algorithms,
        Physica D 60, 1992.
    """
    return apply(Grad, x)
