"""Norms of operators that have no closed form: found once, kept by content."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

import torch

from dprox_core.linops.content import fingerprint
from dprox_core.numerics import reductions

if TYPE_CHECKING:
    from dprox_core.linops.base import LinOp

__all__ = ["cached_norm", "estimate_norm", "forget_norms"]

_KEPT = 256
_NORMS: OrderedDict[bytes, float] = OrderedDict()


def cached_norm(operator: LinOp) -> float:
    """‖A‖ with a margin, looked for once for the same kind, spaces and numbers.

    An operator that holds something opaque, such as a user's own function, is looked at anew in
    every model, but once only.
    """
    held: float | None = operator.__dict__.get("_estimated_norm")
    if held is not None:
        return held
    key = fingerprint(operator)
    found = None if key is None else _NORMS.get(key)
    if found is None:
        found = estimate_norm(operator)
    if key is not None:
        _NORMS[key] = found
        _NORMS.move_to_end(key)
        if len(_NORMS) > _KEPT:
            _NORMS.popitem(last=False)
    operator.__dict__["_estimated_norm"] = found
    return found


def forget_norms() -> None:
    """Empty the cache."""
    _NORMS.clear()


@torch.no_grad()
def estimate_norm(operator: LinOp, steps: int = 60, margin: float = 1.01) -> float:
    """‖A‖ by the Lanczos process on AᴴA from a fixed start, enlarged a little to serve as a bound.

    After the same number of products it is nearer than power iteration: J. Kuczyński,
    H. Woźniakowski, Estimating the Largest Eigenvalue by the Power and Lanczos Algorithms with a
    Random Start, 1992.

    Args:
        operator: any linear operator.
        steps: at most this many products with AᴴA.
        margin: the factor by which the estimate, which approaches from below, is enlarged.
    """
    v = operator.domain.random()
    v = v / max(reductions.norm(v), 1e-300)
    previous = torch.zeros_like(v)
    diagonal: list[float] = []
    beside: list[float] = []
    estimate, settled = 0.0, 0
    for _ in range(steps):
        w = operator.adjoint(operator.forward(v))
        alpha = float(reductions.inner(v, w))
        w = w - alpha * v - (beside[-1] if beside else 0.0) * previous
        diagonal.append(alpha)
        last, estimate = estimate, _largest(diagonal, beside)
        beta = reductions.norm(w)
        settled = settled + 1 if abs(estimate - last) <= 1e-5 * estimate else 0
        if settled == 2 or beta <= 1e-7 * max(estimate, 1e-300):
            break
        beside.append(beta)
        previous, v = v, w / beta
    return margin * math.sqrt(max(estimate, 0.0))


def _largest(diagonal: list[float], beside: list[float]) -> float:
    """The largest eigenvalue of a symmetric tridiagonal matrix."""
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if len(diagonal) > 1:
        off = torch.tensor(beside[: len(diagonal) - 1], dtype=torch.float64)
        matrix = matrix + torch.diag(off, 1) + torch.diag(off, -1)
    return float(torch.linalg.eigvalsh(matrix)[-1])
