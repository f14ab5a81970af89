"""Minimal residuals, for symmetric systems that need not be positive definite."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from dprox_core.monitoring import cancel_requested
from dprox_core.numerics import reductions

__all__ = ["minimal_residuals"]

Vectors = tuple[torch.Tensor, ...]
Operator = Callable[[Vectors], Vectors]


def minimal_residuals(
    product: Operator,
    right: Vectors,
    start: Vectors,
    tolerance: float,
    reduction: float = 0.0,
    max_iter: int = 100,
) -> Vectors:
    """Solve H x = r for a symmetric H, definite or not, by the Lanczos process.

    C. C. Paige, M. A. Saunders, Solution of Sparse Indefinite Systems of Linear Equations, 1975,
    section 5. Each step makes ‖H x − r‖ as small as it can be on the subspace seen so far.

    Args:
        product: x ↦ H x.
        right: r.
        start: where to start.
        tolerance: stop at ‖H x − r‖ ≤ tolerance ‖r‖.
        reduction: or at ‖H x − r‖ ≤ reduction times what it was at the start.
        max_iter: the most steps.

    Returns:
        x; of a singular system with several solutions, the one nearest to ``start``.
    """
    x = start
    residual = _combined(right, product(x), -1.0)
    beta = _norm(residual)
    goal = max(tolerance * _norm(right), reduction * beta)
    if not beta > goal or beta == 0.0:
        return x
    v = _scaled(residual, 1.0 / beta)
    old_v = tuple(torch.zeros_like(t) for t in v)
    w, old_w = old_v, old_v
    eta, old_beta = beta, 0.0
    cosine, sine, old_cosine, old_sine = 1.0, 0.0, 1.0, 0.0
    left = beta
    for _ in range(max_iter):
        if left <= goal or cancel_requested():
            break
        image = product(v)
        alpha = _inner(v, image)
        following = _combined(_combined(image, v, -alpha), old_v, -old_beta)
        beta = _norm(following)
        # The rotations of the two steps before, then this one's.
        delta = cosine * alpha - old_cosine * sine * old_beta
        length = math.hypot(delta, beta)
        upper = sine * alpha + old_cosine * cosine * old_beta
        corner = old_sine * old_beta
        if length == 0.0:
            break
        old_cosine, old_sine, cosine, sine = cosine, sine, delta / length, beta / length
        direction = _scaled(_combined(_combined(v, old_w, -corner), w, -upper), 1.0 / length)
        x = _combined(x, direction, cosine * eta)
        left *= abs(sine)
        eta = -sine * eta
        if beta <= 1e-14 * max(abs(alpha), old_beta, 1e-300):
            break
        old_v, v = v, _scaled(following, 1.0 / beta)
        old_w, w = w, direction
        old_beta = beta
    return x


def _combined(a: Vectors, b: Vectors, factor: float) -> Vectors:
    return tuple(torch.add(p, q, alpha=factor) for p, q in zip(a, b, strict=True))


def _scaled(a: Vectors, factor: float) -> Vectors:
    return tuple(p * factor for p in a)


def _inner(a: Vectors, b: Vectors) -> float:
    return sum(float(reductions.inner(p, q)) for p, q in zip(a, b, strict=True))


def _norm(a: Vectors) -> float:
    return math.sqrt(_inner(a, a))
