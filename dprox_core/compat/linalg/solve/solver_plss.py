"""Projected linear systems solvers: step along projections of the residual, of any matrix."""

from __future__ import annotations

import logging
from typing import Any

import torch

from dprox_core.compat.linalg.solve.solver_cg import Operator, inner, tolerance_of
from dprox_core.errors import ParameterError

__all__ = ["plss", "plssw"]

_log = logging.getLogger(__name__)


def plss(
    A: Any,
    b: torch.Tensor,
    x0: torch.Tensor | None = None,
    rtol: float | None = None,
    max_iters: int = 100,
    verbose: bool = False,
) -> torch.Tensor:
    """A x = b for any A with an adjoint, by projections with the residuals as sketch.

    Each iterate is the point nearest to the one before at which every residual so far is
    orthogonal to the new residual: rₖᵀ (A x − b) = 0. The update needs Aᴴ r, A and the last
    update only. Stops at ‖A x − b‖ ≤ rtol ‖b‖.

    Args:
        A: an operator with ``adjoint`` or ``T``; one without is taken for its own adjoint.
        b: the right side, of any shape.
        x0: where to start, None for zero.
        rtol: relative tolerance; None for 1e-6 in single and 1e-12 in double precision.
        max_iters: the most steps.
        verbose: whether the end is logged.

    References:
        J. Brust, M. Saunders, PLSS: A Projected Linear Systems Solver, 2023.
    """
    return _project(A, b, rtol, max_iters, verbose, x0, None)


def plssw(
    A: Any,
    b: torch.Tensor,
    Wh: torch.Tensor | None = None,
    x0: torch.Tensor | None = None,
    rtol: float | None = None,
    max_iters: int = 100,
    verbose: bool = False,
) -> torch.Tensor:
    """``plss`` with updates measured in a weighted norm, Σ (pᵢ / Whᵢ)².

    Args:
        A: an operator with ``adjoint`` or ``T``.
        b: the right side.
        Wh: weights other than 0 in the shape of x; None for ones.
        x0: where to start, None for zero.
        rtol: relative tolerance; None for 1e-6 in single and 1e-12 in double precision.
        max_iters: the most steps.
        verbose: whether the end is logged.
    """
    if Wh is not None and not bool((Wh != 0).all()):
        raise ParameterError(
            "plssw: no weight may be 0.", expected="numbers other than 0", where="Wh"
        )
    return _project(A, b, rtol, max_iters, verbose, x0, None if Wh is None else Wh.square())


def transpose_of(A: Any) -> Operator:
    """y ↦ Aᴴ y of an operator; itself where nothing says otherwise."""
    back = getattr(A, "adjoint", None)
    if back is None:
        back = getattr(A, "T", A)
    if not callable(back):
        raise ParameterError("The adjoint of the operator cannot be called.", where="A")
    found: Operator = back
    return found


def _project(
    A: Any,
    b: torch.Tensor,
    rtol: float | None,
    max_iters: int,
    verbose: bool,
    x0: torch.Tensor | None,
    weights: torch.Tensor | None,
) -> torch.Tensor:
    back = transpose_of(A)
    pulled = back(b)
    x = torch.zeros_like(pulled) if x0 is None else x0
    residual = b if x0 is None else b - A(x)
    goal = tolerance_of(rtol, b) * float(torch.linalg.vector_norm(b.detach()))
    update: torch.Tensor | None = None
    count, phi = 0, inner(residual, residual)
    while count < max_iters and float(phi.detach()) > goal**2:
        y = back(residual)
        z = y if weights is None else weights * y
        if update is None:
            direction, turned = z, inner(y, z)
        else:
            # The update must not undo the one before: it is made orthogonal to that.
            w = update if weights is None else update / weights
            share = inner(update, y) / inner(update, w)
            direction = z - share * update
            turned = inner(y, direction)
        if not float(turned.detach()) > 0.0:
            break
        update = (phi / turned) * direction
        x = x + update
        residual = residual - A(update)
        phi = inner(residual, residual)
        count += 1
    if verbose:
        _log.info("%d projections", count)
    return x
