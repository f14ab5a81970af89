"""The minimum residual method."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from dprox_core.compat.linalg.solve.solver_cg import tolerance_of

__all__ = ["minres"]

_log = logging.getLogger(__name__)
Operator = Callable[[torch.Tensor], torch.Tensor]


def _inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.conj() * b).real.sum()


def minres(
    A: Operator,
    b: torch.Tensor,
    rtol: float | None = None,
    max_iters: int = 100,
    verbose: bool = False,
    x0: torch.Tensor | None = None,
) -> torch.Tensor:
    """MINRES for A x = b, A symmetric, definite or not; the whole tensor is one vector.

    The iterate of step k has the smallest ‖A x − b‖ of the Krylov space, found by conjugate
    residuals with the three-term recurrence of Lanczos vectors, which does not break down where
    ⟨r, A r⟩ is zero. Stops at ‖A x − b‖ ≤ rtol ‖b‖. Nothing is overwritten, so that every step can
    be differentiated.

    Args:
        A: x ↦ A x.
        b: the right side, of any shape.
        rtol: relative tolerance; None for 1e-6 in single and 1e-12 in double precision.
        max_iters: the most steps.
        verbose: whether the end is logged.
        x0: where to start, None for zero.

    References:
        C. Paige, M. Saunders, Solution of sparse indefinite systems of linear equations, 1975.
    """
    x = torch.zeros_like(b) if x0 is None else x0
    residual = b if x0 is None else b - A(x)
    goal = tolerance_of(rtol, b) * float(torch.linalg.vector_norm(b.detach()))
    # Directions p with images s = A p, made orthogonal to the two images before.
    directions = [residual]
    images = [A(residual)]
    count = 0
    while count < max_iters and float(torch.linalg.vector_norm(residual.detach())) > goal:
        direction, image = directions[-1], images[-1]
        size = _inner(image, image)
        if not float(size.detach()) > 0.0:
            break
        length = _inner(residual, image) / size
        x = x + length * direction
        residual = residual - length * image
        following, further = image, A(image)
        for other, its_image in zip(directions[-2:], images[-2:], strict=True):
            share = _inner(further, its_image) / _inner(its_image, its_image)
            following = following - share * other
            further = further - share * its_image
        directions = [direction, following]
        images = [image, further]
        count += 1
    if verbose:
        _log.info("%d steps of minres", count)
    return x
