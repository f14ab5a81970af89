"""Sums of squares behind what multiplies frequencies, which need not be left for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dprox_core.linops.base import LinOp
from dprox_core.numerics import fourier, reductions

if TYPE_CHECKING:
    from dprox_core.compiler.model import Penalty, Row

__all__ = ["SquaresInFrequency", "squares_in_frequency"]


class SquaresInFrequency:
    """g(x) = ‖A x + c‖², A x having the spectrum t ⊙ x̂: by Parseval's theorem that of t ⊙ x̂ + ĉ.

    In half the transforms that an image in between takes, and as exact: rounding is as large in
    frequency as in space. Gradients do not pass through it.

    Args:
        operator: A, with a ``transfer`` without a stack.
        offset: c, None for 0.
    """

    def __init__(self, operator: LinOp, offset: torch.Tensor | None) -> None:
        transfer, space = operator.transfer(), operator.domain
        assert transfer is not None, "asked only of what multiplies frequencies"
        self._factors = transfer.values.detach()
        self._full = transfer.full
        self._size = (space.shape[-2], space.shape[-1])
        self._offset = None
        if offset is not None:
            image = offset.detach().expand(operator.range.shape)
            self._offset = fourier.forward(image, self._full)

    def inside(self, x: torch.Tensor) -> torch.Tensor:
        """t ⊙ x̂ + ĉ, of real images the half of it that tells the other."""
        found = fourier.multiply(fourier.forward(x, self._full), self._factors)
        return found if self._offset is None else found.add_(self._offset)

    def value(self, inside: torch.Tensor) -> torch.Tensor:
        """g, in double precision."""
        total = reductions.squared_norm(inside)
        if not self._full:
            # All columns but the first, and the last of an even number, stand for two.
            half, odd = divmod(self._size[1], 2)
            ends = inside[..., :1] if odd else inside[..., ::half]
            total = 2.0 * total - reductions.squared_norm(ends)
        return total / (self._size[0] * self._size[1])

    def slope(self, inside: torch.Tensor) -> torch.Tensor:
        """∇g = 2 Aᴴ (A x + c), the inside given up for it."""
        found = fourier.multiply(inside, self._factors, conjugate_b=True).mul_(2.0)
        return fourier.inverse(found, self._size, self._full)


def squares_in_frequency(penalty: Penalty, row: Row) -> SquaresInFrequency | None:
    """The squares of a term, None where it is something else or better told in space."""
    single, offset = row.single, penalty.offset
    plain = penalty.function.is_sum_squares and penalty.scale is None and penalty.rotation is None
    if not plain or single is None or not single[1].by_frequencies:
        return None
    transfer = single[1].transfer()
    if transfer is None or (offset is not None and offset.is_complex() and not transfer.full):
        return None
    return SquaresInFrequency(single[1], offset)
