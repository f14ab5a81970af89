"""The textbook's ADMM for linear programs, step by step, so that its parameters can be learned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from dprox_core.lp import LinearProgram
from dprox_core.lp.factors import Factors
from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.scaling import scale

__all__ = ["Residuals", "residuals"]

# How the penalty of an equality stands to that of a limit (OSQP's).
_EQUAL = 1e3


class Residuals(NamedTuple):
    """What is missing after so many steps, and what may be, in scaled units and with gradients."""

    r_norm: torch.Tensor
    s_norm: torch.Tensor
    eps_primal: torch.Tensor
    eps_dual: torch.Tensor


class _Solve(torch.autograd.Function):
    """(p, q, b) ↦ w with [[diag(p), Aᵀ], [A, −diag(1/q)]] w = b, by the factors made of p and q.

    The matrix is symmetric: the slope of b is λ = K⁻¹ g, that of p is −λ w, of q −λ w / q².
    """

    @staticmethod
    def forward(
        ctx: Any, factors: Factors, n: int, penalties: torch.Tensor, right: torch.Tensor
    ) -> torch.Tensor:
        solution = torch.from_numpy(factors.solve(right.detach().numpy()))
        ctx.factors, ctx.n = factors, n
        ctx.save_for_backward(penalties, solution)
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        penalties, solution = ctx.saved_tensors
        adjoint = torch.from_numpy(ctx.factors.solve(slope.numpy()))
        of_penalties = -adjoint * solution
        of_penalties[ctx.n :] /= penalties[ctx.n :].square()
        return None, None, of_penalties, adjoint


class _Rows(torch.autograd.Function):
    """A x, or Aᵀ y, of a sparse matrix."""

    @staticmethod
    def forward(ctx: Any, operator: Any, is_adjoint: bool, values: torch.Tensor) -> torch.Tensor:
        ctx.operator, ctx.is_adjoint = operator, is_adjoint
        image: torch.Tensor = (operator.adjoint if is_adjoint else operator.forward)(values)
        return image

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[None, None, torch.Tensor]:
        operator = ctx.operator
        return None, None, (operator.forward if ctx.is_adjoint else operator.adjoint)(slope)


def residuals(
    program: LinearProgram,
    rho: torch.Tensor,
    sigma: torch.Tensor,
    alpha: torch.Tensor,
    iterations: int,
    abstol: float,
    reltol: float,
) -> Residuals:
    """Residuals of ADMM from zero, with gradients in ρ, σ and α.

    With rows A and limits on x as rows of the identity, Â = (I, A), in equilibrated units:
    (σ I + Âᵀ R Â) x̃ = σ x − c + Âᵀ (R z − y), x ← α x̃ + (1 − α) x,
    z⁺ = P(v + R⁻¹ y) with v = α Â x̃ + (1 − α) z, and y ← y + R (v − z⁺); R is ρ, and 1000 ρ for
    equalities.

    Args:
        program: what is solved.
        rho: the penalty, above 0.
        sigma: how much x holds to where it was, above 0.
        alpha: over-relaxation, between 0 and 2.
        iterations: how many steps.
        abstol: absolute tolerance.
        reltol: relative tolerance.

    References:
        B. Stellato et al., OSQP: an operator splitting solver for quadratic programs, 2020,
        algorithm 1.
    """
    scaled = scale(program.minimized())
    operator, n = SparseOperator(scaled.A, torch.device("cpu")), scaled.c.size
    lower = torch.from_numpy(np.concatenate([scaled.lower, scaled.row_lower]))
    upper = torch.from_numpy(np.concatenate([scaled.upper, scaled.row_upper]))
    c = torch.from_numpy(scaled.c)
    # In double precision from the start: a number beside a vector would not lift it there.
    penalties = rho * torch.where(lower == upper, _EQUAL, 1.0).to(c.dtype)
    system = torch.cat([penalties[:n] + sigma, penalties[n:]])
    factors = Factors(scaled.A, system.detach().numpy())

    def rows(values: torch.Tensor) -> torch.Tensor:
        return torch.cat([values, _Rows.apply(operator, False, values)])

    def columns(duals: torch.Tensor) -> torch.Tensor:
        pulled: torch.Tensor = _Rows.apply(operator, True, duals[n:])
        return duals[:n] + pulled

    x = torch.zeros_like(c)
    z = torch.zeros_like(lower).clamp(lower, upper)
    y = torch.zeros_like(lower)
    for _ in range(iterations):
        aim = z - y / penalties
        right = torch.cat([sigma * x - c + penalties[:n] * aim[:n], aim[n:]])
        ahead = _Solve.apply(factors, n, system, right)[:n]
        v = alpha * rows(ahead) + (1.0 - alpha) * z
        x = alpha * ahead + (1.0 - alpha) * x
        z = torch.minimum(torch.maximum(v + y / penalties, lower), upper)
        y = y + penalties * (v - z)
    image, pulled = rows(x), columns(y)
    return Residuals(
        _largest(image - z),
        _largest(c + pulled),
        abstol + reltol * torch.maximum(_largest(image), _largest(z)),
        abstol + reltol * torch.maximum(_largest(c), _largest(pulled)),
    )


def _largest(values: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(values, torch.inf)
