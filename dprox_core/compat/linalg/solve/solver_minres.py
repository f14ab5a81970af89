"""The minimum residual method."""

from __future__ import annotations

import logging
from typing import Any

import torch

from dprox_core.compat.linalg.solve.solver_cg import Operator, inner, tolerance_of

__all__ = ["minres"]

_log = logging.getLogger(__name__)


def minres(
    A: Operator,
    b: torch.Tensor,
    x0: torch.Tensor | None = None,
    rtol: float | None = None,
    max_iters: int = 100,
    verbose: bool = False,
    Minv: Operator | None = None,
    eps: float = 1e-25,
    shifts: torch.Tensor | None = None,
    value: float | None = None,
) -> torch.Tensor:
    """MINRES for A x = b, A symmetric, definite or not; the whole tensor is one vector.

    The iterate of step k has the smallest residual of the Krylov space, found by conjugate
    residuals with the three-term recurrence of Lanczos vectors, which does not break down where
    ⟨r, A r⟩ is zero. Stops at ‖A x − b‖ ≤ rtol ‖b‖. Nothing is overwritten, so that every step can
    be differentiated.

    Args:
        A: x ↦ A x.
        b: the right side, of any shape.
        x0: where to start, None for zero.
        rtol: relative tolerance; None for 1e-6 in single and 1e-12 in double precision.
        max_iters: the most steps.
        verbose: whether the end is logged.
        Minv: an approximation of A⁻¹, symmetric and positive definite; residuals are then smallest
            in its norm.
        eps: squared images below this end the search.
        shifts: (value A + s) x = b is solved for each s; the solutions are stacked in front.
        value: a factor of A.

    References:
        C. Paige, M. Saunders, Solution of sparse indefinite systems of linear equations, 1975.
    """
    scale = 1.0 if value is None else value

    def solved(shift: Any) -> torch.Tensor:
        def shifted(v: torch.Tensor) -> torch.Tensor:
            return scale * A(v) + shift * v

        return _minres(shifted, b, x0, rtol, max_iters, verbose, Minv, eps)

    if shifts is None:
        return solved(0.0)
    found = [solved(shift) for shift in shifts.reshape(-1)]
    return torch.stack(found).reshape(*shifts.shape, *b.shape)


def _minres(
    A: Operator,
    b: torch.Tensor,
    x0: torch.Tensor | None,
    rtol: float | None,
    max_iters: int,
    verbose: bool,
    Minv: Operator | None,
    eps: float,
) -> torch.Tensor:
    improve: Operator = (lambda v: v) if Minv is None else Minv
    x = torch.zeros_like(b) if x0 is None else x0
    residual = b if x0 is None else b - A(x)
    goal = tolerance_of(rtol, b) * float(torch.linalg.vector_norm(b.detach()))
    # Directions p with images s = A p, made orthogonal to the two images before.
    directions = [improve(residual)]
    images = [A(directions[0])]
    improved = [improve(images[0])]
    count = 0
    while count < max_iters and float(torch.linalg.vector_norm(residual.detach())) > goal:
        size = inner(images[-1], improved[-1])
        if not float(size.detach()) > eps * goal**2:
            break
        length = inner(residual, improved[-1]) / size
        x = x + length * directions[-1]
        residual = residual - length * images[-1]
        following = improved[-1]
        further = A(following)
        for other, its_image, dual in zip(directions[-2:], images[-2:], improved[-2:], strict=True):
            share = inner(further, dual) / inner(its_image, dual)
            following = following - share * other
            further = further - share * its_image
        directions = [directions[-1], following]
        images = [images[-1], further]
        improved = [improved[-1], improve(further)]
        count += 1
    if verbose:
        _log.info("%d steps of minres", count)
    return x
