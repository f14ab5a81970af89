"""Conjugate gradients."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

__all__ = ["bdot", "cg", "cg2", "expand", "pcg", "ravel"]

_log = logging.getLogger(__name__)
Operator = Callable[[torch.Tensor], torch.Tensor]


def bdot(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Σ x y for each sample of two batches, (B,); of two vectors one number."""
    return (x * y).flatten(1).sum(dim=1) if x.ndim > 1 else (x * y).sum()


def expand(x: torch.Tensor, ref: torch.Tensor) -> torch.Tensor:
    """x with axes of one added, until it has as many as ``ref``."""
    return x.reshape(*x.shape, *(1,) * (ref.ndim - x.ndim))


def ravel(x: torch.Tensor) -> torch.Tensor:
    """A batch as (B, N); what has one axis stays as it is."""
    return x.flatten(1) if x.ndim > 1 else x


def inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.conj() * b).real.sum()


def tolerance_of(rtol: float | None, b: torch.Tensor) -> float:
    """A relative tolerance, or what the precision of the data allows."""
    if rtol is not None:
        return rtol
    return 1e-12 if b.dtype in (torch.float64, torch.complex128) else 1e-6


def pcg(
    A: Operator,
    b: torch.Tensor,
    x0: torch.Tensor | None = None,
    rtol: float | None = None,
    max_iters: int = 100,
    verbose: bool = False,
    Minv: Operator | None = None,
) -> torch.Tensor:
    """Preconditioned conjugate gradients for A x = b, A symmetric and positive semi-definite.

    Stops at ‖A x − b‖ ≤ rtol ‖b‖. A batch counts as one vector. Every step can be differentiated.

    Args:
        A: x ↦ A x.
        b: the right side, of any shape.
        x0: where to start, None for zero.
        rtol: relative tolerance; None for 1e-6 in single and 1e-12 in double precision.
        max_iters: the most steps.
        verbose: whether the end is logged.
        Minv: an approximation of A⁻¹, symmetric and positive definite.

    References:
        M. Hestenes, E. Stiefel, Methods of Conjugate Gradients for Solving Linear Systems, 1952.
    """
    x = torch.zeros_like(b) if x0 is None else x0
    residual = b if x0 is None else b - A(x)
    improved = residual if Minv is None else Minv(residual)
    direction = improved
    energy = inner(residual, improved)
    goal = (tolerance_of(rtol, b) * float(torch.linalg.vector_norm(b.detach()))) ** 2
    size, count = float(inner(residual, residual).detach()), 0
    while count < max_iters and size > goal:
        image = A(direction)
        curvature = inner(direction, image)
        if not float(curvature.detach()) > 0.0:
            break
        length = energy / curvature
        x = x + length * direction
        residual = residual - length * image
        improved = residual if Minv is None else Minv(residual)
        previous, energy = energy, inner(residual, improved)
        direction = improved + (energy / previous) * direction
        size = float(inner(residual, residual).detach())
        count += 1
    if verbose:
        _log.info("%d steps of conjugate gradients, |r|² = %.3g", count, size)
    return x


def cg(
    A: Operator,
    b: torch.Tensor,
    x0: torch.Tensor | None = None,
    rtol: float | None = None,
    max_iters: int = 100,
    verbose: bool = False,
) -> torch.Tensor:
    """Conjugate gradients: ``pcg`` without a preconditioner."""
    return pcg(A, b, x0, rtol, max_iters, verbose)


def cg2(
    A: Operator,
    b: torch.Tensor,
    x0: torch.Tensor | None = None,
    rtol: float | None = None,
    max_iters: int = 500,
    verbose: bool = False,
) -> torch.Tensor:
    """Conjugate gradients started at ones.

    Args:
        A: x ↦ A x.
        b: the right side.
        x0: where to start, None for ones.
        rtol: relative tolerance, as ``pcg`` has it.
        max_iters: the most steps.
        verbose: whether the end is logged.
    """
    return pcg(A, b, torch.ones_like(b) if x0 is None else x0, rtol, max_iters, verbose)
