"""Forward differences along one axis with any boundary: what gradients are made of."""

from __future__ import annotations

import math

import torch

from dprox_core.errors import ParameterError

__all__ = ["BOUNDARIES", "backward", "check_boundary", "forward", "squared_norm"]

BOUNDARIES = ("circular", "neumann", "dirichlet")
"""What lies beyond the last element: the first one, the last one again, zero."""


def check_boundary(operator: str, boundary: object) -> None:
    """Refuse a boundary that is none.

    Raises:
        ParameterError: with the names that are understood.
    """
    if boundary not in BOUNDARIES:
        raise ParameterError(
            f'{operator}: boundary must be "circular", "neumann" or "dirichlet", not {boundary!r}.',
            expected=BOUNDARIES,
            got=boundary,
            where="boundary",
        )


def forward(x: torch.Tensor, axis: int, boundary: str) -> torch.Tensor:
    """x[i + 1] − x[i] along an axis."""
    if boundary == "circular":
        return x.roll(-1, axis) - x
    length = x.shape[axis]
    inner = x.narrow(axis, 1, length - 1) - x.narrow(axis, 0, length - 1)
    last = x.narrow(axis, length - 1, 1)
    return torch.cat([inner, torch.zeros_like(last) if boundary == "neumann" else -last], axis)


def backward(y: torch.Tensor, axis: int, boundary: str) -> torch.Tensor:
    """The adjoint of ``forward``: y[i − 1] − y[i], with what the boundary leaves."""
    if boundary == "circular":
        return y.roll(1, axis) - y
    length = y.shape[axis]
    shifted = torch.cat(
        [torch.zeros_like(y.narrow(axis, 0, 1)), y.narrow(axis, 0, length - 1)], axis
    )
    if boundary == "dirichlet":
        return shifted - y
    kept = torch.cat([y.narrow(axis, 0, length - 1), torch.zeros_like(y.narrow(axis, 0, 1))], axis)
    return shifted - kept


def squared_norm(length: int, boundary: str) -> float:
    """The largest eigenvalue of DᵀD on so many elements.

    The eigenvalues are 4 sin²(π k / n), 4 sin²(π k / 2n) with k < n, and 4 cos²(π k / (2n + 1))
    with k ≥ 1 for circular, Neumann and Dirichlet boundaries (G. Strang, The discrete cosine
    transform, 1999).
    """
    if boundary == "circular":
        return 4.0 * math.sin(math.pi * (length // 2) / length) ** 2
    if boundary == "neumann":
        return 4.0 * math.sin(math.pi * (length - 1) / (2 * length)) ** 2
    return 4.0 * math.cos(math.pi / (2 * length + 1)) ** 2
