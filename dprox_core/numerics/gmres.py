"""Minimal residuals over Krylov spaces, for linear systems without symmetry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["Solved", "gmres"]


@dataclass(frozen=True)
class Solved:
    """What ``gmres`` found.

    Attributes:
        solution: x.
        residual: ‖A x − b‖ / ‖b‖.
        products: how many times A was applied.
    """

    solution: torch.Tensor
    residual: float
    products: int


@torch.no_grad()
def gmres(
    product: Callable[[torch.Tensor], torch.Tensor],
    right: torch.Tensor,
    tolerance: float,
    max_products: int,
    memory: int = 10,
) -> Solved:
    """x with A x = b, restarted: Y. Saad, M. H. Schultz, GMRES, 1986.

    Args:
        product: x ↦ A x, real.
        right: b, one axis.
        tolerance: stop at ‖A x − b‖ ≤ tolerance ‖b‖.
        max_products: the most products with A.
        memory: after so many the space is built anew.
    """
    x, rest = torch.zeros_like(right), right
    whole = float(right.norm())
    count = 0
    while count < max_products and float(rest.norm()) > tolerance * whole:
        room = min(memory, max_products - count)
        step, used = _cycle(product, rest, tolerance * whole, room)
        x = x + step
        rest = right - product(x)
        count += used + 1
    return Solved(x, float(rest.norm()) / whole if whole > 0.0 else 0.0, count)


def _cycle(
    product: Callable[[torch.Tensor], torch.Tensor], rest: torch.Tensor, small: float, room: int
) -> tuple[torch.Tensor, int]:
    """The x in the Krylov space of the residual with the least ‖A x − r‖, and its dimension."""
    length = rest.norm()
    basis = [rest / length]
    matrix = torch.zeros(room + 1, room, dtype=torch.float64)
    weights = torch.zeros(1, dtype=torch.float64)
    for column in range(room):
        new = product(basis[column])
        # Twice, for once leaves what single precision cannot tell from zero.
        for _ in range(2):
            for row, held in enumerate(basis):
                share = torch.dot(held, new)
                matrix[row, column] += share.double().cpu()
                new = new - share * held
        size = new.norm()
        matrix[column + 1, column] = size.double().cpu()
        target = torch.zeros(column + 2, dtype=torch.float64)
        target[0] = length.double().cpu()
        part = matrix[: column + 2, : column + 1]
        weights = torch.linalg.lstsq(part, target[:, None]).solution[:, 0]
        missed = float((part @ weights - target).norm())
        if missed <= small or float(size) == 0.0:
            break
        basis.append(new / size)
    found = torch.zeros_like(rest)
    for weight, held in zip(weights.tolist(), basis, strict=False):
        found.add_(held, alpha=weight)
    return found, len(weights)
