"""Convolution whose kernel changes over the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

import torch

from dprox_core.errors import ShapeError
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.conv import Conv
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["ConvGrid", "ConvLowRank", "conv_grid", "conv_lowrank"]


@register
class ConvLowRank(LinOp):
    """A x = Σ_r w_r ⊙ (k_r ∗ x), circular, over the last two axes."""

    name = "conv_lowrank"
    operand_names: ClassVar[tuple[str, ...]] = ("kernels", "weights")

    def __init__(self, domain: Space, kernels: torch.Tensor, weights: torch.Tensor) -> None:
        is_complex = domain.is_complex or kernels.is_complex() or weights.is_complex()
        super().__init__(domain, domain.as_complex(is_complex))
        # All products at once: a new first axis that the image is widened along.
        count = kernels.shape[0]
        self._wide = domain.with_shape((count, *domain.shape))
        ones = [1] * (len(domain.shape) - 2)
        self._conv = Conv(self._wide, kernels.reshape(count, *ones, *kernels.shape[-2:]))
        self._weights = weights.reshape(count, *ones, *weights.shape[-2:])

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: kernels are not (R, k, k) with k at most the image's size, or weights are
                not (R, H, W).
        """
        image, kernels, weights = argument.shape, operands[0].shape, operands[1].shape
        if image is None or kernels is None or weights is None:
            return image
        _check_kernels(cls.name, argument, operands[0], kernels, 3)
        wanted = (kernels[0], *image[-2:])
        if tuple(weights) != wanted:
            raise ShapeError(
                f"{cls.name}: the weights {operands[1].describe()} have shape {weights}; with "
                f"{kernels[0]} kernels on {argument.describe()} of shape {image} they must have "
                f"shape {wanted}.",
                expected=wanted,
                got=weights,
                where=operands[1].describe(),
            )
        return image

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Each product with its weight, summed."""
        return (self._conv.forward(x.expand(self._wide.shape)) * self._weights).sum(dim=0)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Each weight's part, correlated with its kernel, summed."""
        return self._conv.adjoint(y * self._weights.conj()).sum(dim=0)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Spectra and weights."""
        return (*self._conv.tensors(), self._weights)


@register
class ConvGrid(ConvLowRank):
    """Kernels on a grid over the image, those between them by interpolation."""

    name = "conv_grid"
    operand_names = ("kernels",)

    def __init__(self, domain: Space, kernels: torch.Tensor) -> None:
        rows, columns = kernels.shape[:2]
        weights = grid_weights((rows, columns), (domain.shape[-2], domain.shape[-1]))
        super().__init__(
            domain, kernels.flatten(0, 1), weights.to(device=domain.device, dtype=domain.precision)
        )

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: kernels are not (rows, columns, k, k) with k at most the image's size.
        """
        image, kernels = argument.shape, operands[0].shape
        if image is not None and kernels is not None:
            _check_kernels(cls.name, argument, operands[0], kernels, 4)
        return image


def _check_kernels(
    name: str, argument: Expression, operand: Expression, kernels: Sequence[int], axes: int
) -> None:
    image = argument.shape
    assert image is not None, "asked only where it is known"
    form = "(R, k, k)" if axes == 3 else "(rows, columns, k, k)"
    if len(kernels) != axes or len(image) < 2:
        raise ShapeError(
            f"{name} takes an image (..., H, W) and kernels {form}: {argument.describe()} has "
            f"shape {image} and {operand.describe()} has shape {tuple(kernels)}.",
            expected=form,
            got=tuple(kernels),
            where=operand.describe(),
        )
    if kernels[-2] > image[-2] or kernels[-1] > image[-1]:
        raise ShapeError(
            f"{name}: {operand.describe()} ({kernels[-2]} × {kernels[-1]}) are larger "
            f"than {argument.describe()} ({image[-2]} × {image[-1]}): take smaller kernels.",
            expected=f"at most {image[-2:]}",
            got=tuple(kernels[-2:]),
            where=operand.describe(),
        )


def grid_weights(grid: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """Hat functions around the centres of a grid's cells, (rows · columns, H, W), of sum one."""
    down, across = (_hats(n, length) for n, length in zip(grid, size, strict=True))
    return (down[:, None, :, None] * across[None, :, None, :]).flatten(0, 1)


def _hats(count: int, length: int) -> torch.Tensor:
    # Pixel centres in units of cells; beyond the outermost centres the weight stays one.
    place = (torch.arange(length, dtype=torch.float64) + 0.5) * count / length - 0.5
    place = place.clamp(0, count - 1)
    return (1.0 - (place[None, :] - torch.arange(count)[:, None]).abs()).clamp_min(0.0)


@overload
def conv_lowrank(x: torch.Tensor, kernels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor: ...
@overload
def conv_lowrank(x: Expression, kernels: object, weights: object) -> Expression: ...
def conv_lowrank(x: Any, kernels: Any, weights: Any) -> Any:
    """A blur that varies over the image, as a short sum of weighted convolutions: Σ wᵣ ⊙ (kᵣ ∗ x).

    Any varying blur can be brought close to this form by a singular value decomposition of its
    point spread functions; R from 3 to 10 serves for most lenses.

    Args:
        x: an expression or a tensor (..., H, W).
        kernels: (R, k, k), a tensor or a placeholder; k at most the image's size.
        weights: (R, H, W), how much of each kernel there is at each pixel.

    Returns:
        An expression, or a tensor where x is one, in the shape of x; circular at the edges.

    Raises:
        ShapeError: kernels or weights have another shape.

    Example:
        >>> import torch, dprox_core as dp
        >>> left = torch.cat([torch.ones(1, 4, 2), torch.zeros(1, 4, 2)], dim=-1)
        >>> kernels = torch.stack([torch.ones(1, 1), 2 * torch.ones(1, 1)])
        >>> dp.conv_lowrank(torch.ones(4, 4), kernels, torch.cat([left, 1 - left]))[0]
        tensor([1., 1., 2., 2.])

    References:
        L. Denis, E. Thiébaut, F. Soulez, J.-M. Becker, R. Mourya, Fast approximations of
        shift-variant blur, 2015.
    """
    return apply(ConvLowRank, x, kernels, weights)


@overload
def conv_grid(x: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor: ...
@overload
def conv_grid(x: Expression, kernels: object) -> Expression: ...
def conv_grid(x: Any, kernels: Any) -> Any:
    """A blur that varies over the image, known at the centres of a grid of cells.

    The image is convolved with each kernel, and the results are mixed with bilinear weights that
    are one at a cell's centre and zero at its neighbours'.

    Args:
        x: an expression or a tensor (..., H, W).
        kernels: (rows, columns, k, k), one point spread function per cell; k at most the image's
            size; a tensor or a placeholder.

    Returns:
        An expression, or a tensor where x is one, in the shape of x; circular at the edges.

    Raises:
        ShapeError: kernels have another shape.

    Example:
        >>> import torch, dprox_core as dp
        >>> same = torch.full((2, 3, 3, 3), 1 / 9)
        >>> bool(torch.allclose(dp.conv_grid(torch.ones(8, 9), same), torch.ones(8, 9)))
        True

    References:
        J. G. Nagy, D. P. O'Leary, Restoring images degraded by spatially variant blur, 1998.
    """
    return apply(ConvGrid, x, kernels)
