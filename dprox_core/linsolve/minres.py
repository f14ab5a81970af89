"""Minimal residuals, for symmetric systems that need not be positive definite."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from dprox_core.linsolve.each import Numbers, combined, inners, ratio, scaled
from dprox_core.monitoring import cancel_requested

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
    samples: int = 1,
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
        samples: how many samples, along the first axes, H keeps apart; each ends by itself.

    Returns:
        x; of a singular system with several solutions, the one nearest to ``start``.
    """
    x = start
    one = np.ones(samples)
    residual = combined(right, product(x), -one)
    beta = _norms(residual, samples)
    goal = np.maximum(tolerance * _norms(right, samples), reduction * beta)
    going = (beta > goal) & (beta != 0.0)
    if not going.any():
        return x
    v = scaled(residual, ratio(one, beta, going))
    old_v = tuple(torch.zeros_like(t) for t in v)
    w, old_w = old_v, old_v
    eta, old_beta, left = beta, 0.0 * one, beta
    cosine, sine, old_cosine, old_sine = one, 0.0 * one, one, 0.0 * one
    for _ in range(max_iter):
        going &= left > goal
        if not going.any() or cancel_requested():
            break
        image = product(v)
        alpha = inners(v, image, samples)
        following = combined(combined(image, v, -alpha), old_v, -old_beta)
        beta = _norms(following, samples)
        # The rotations of the two steps before, then this one's.
        delta = cosine * alpha - old_cosine * sine * old_beta
        length = np.hypot(delta, beta)
        upper = sine * alpha + old_cosine * cosine * old_beta
        corner = old_sine * old_beta
        going &= length != 0.0
        old_cosine, old_sine = cosine, sine
        cosine, sine = ratio(delta, length, going), ratio(beta, length, going)
        direction = combined(combined(v, old_w, -corner), w, -upper)
        direction = scaled(direction, ratio(one, length, going))
        x = combined(x, direction, cosine * eta)
        left = np.where(going, left * np.abs(sine), left)
        eta = -sine * eta
        largest = np.maximum(np.maximum(np.abs(alpha), old_beta), 1e-300)
        going &= beta > 1e-14 * largest
        old_v, v = v, scaled(following, ratio(one, beta, going))
        old_w, w = w, direction
        old_beta = beta
    return x


def _norms(a: Vectors, samples: int) -> Numbers:
    found: Numbers = np.sqrt(inners(a, a, samples))
    return found
