"""Smooth data terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dprox_core.expressions.algebra import difference
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Objective, ProxFn, Quadratic, Step, make, register

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression

__all__ = ["SumSquares", "sum_squares"]


@register
class SumSquares(ProxFn):
    """f(v) = Σ |v_i|²."""

    name = "sum_squares"
    separable = True
    is_sum_squares = True
    lipschitz = modulus = 2.0

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ |v_i|²."""
        return reductions.squared_norm(v)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """v / (1 + 2 step)."""
        return v / (1.0 + 2.0 * step)

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v · 2 step / (1 + 2 step)."""
        return torch.mul(v, 2.0 * step / (1.0 + 2.0 * step), out=out)

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """2 v."""
        return 2.0 * v

    def quadratic(self) -> Quadratic:
        """W = I."""
        return Quadratic()


def sum_squares(e: Expression | torch.Tensor, b: object = None) -> Objective | Any:
    """Sum of squares, ‖e‖² = Σ |eᵢ|², or ‖e − b‖² where b is given.

    No factor ½: the gradient is 2 (e − b).

    Args:
        e: an expression (or a tensor, of which the value is returned).
        b: a tensor, a number or a placeholder to subtract, in the shape of e.

    Returns:
        An objective.

    Raises:
        ShapeError: b does not have the shape of e.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(2,))
        >>> problem = dp.Problem(dp.sum_squares(x, torch.tensor([1.0, 2.0])))
        >>> round(problem.value(torch.zeros(2)), 3)
        5.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.1.1.
    """
    return make(SumSquares, e if b is None else difference(e, b))
