"""Minimal residuals over Krylov spaces, for linear systems without symmetry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["Product", "Solved", "gmres"]

Product = Callable[[torch.Tensor], torch.Tensor]

# The basis is kept in blocks of so many vectors, so that short spaces take little memory.
_BLOCK = 10


@dataclass(frozen=True)
class Solved:
    """What ``gmres`` found.

    Attributes:
        solution: x.
        residual: ‖A x − b‖ / ‖b‖.
        products: how many times A was applied.
        smallest: the least ‖A v‖ / ‖v‖ met on the way, an estimate from above of A's least
            singular value; ‖x − A⁻¹ b‖ is about ‖A x − b‖ / smallest.
    """

    solution: torch.Tensor
    residual: float
    products: int
    smallest: float = math.inf


@torch.no_grad()
def gmres(
    product: Product,
    right: torch.Tensor,
    tolerance: float,
    max_products: int,
    memory: int = 10,
    compact: bool = False,
) -> Solved:
    """x with A x = b, restarted: Y. Saad, M. H. Schultz, GMRES, 1986.

    Args:
        product: x ↦ A x, real, in new memory.
        right: b, one axis.
        tolerance: stop at ‖A x − b‖ ≤ tolerance ‖b‖.
        max_products: the most products with A.
        memory: after so many the space is built anew.
        compact: keep the space in single precision. Residuals have b's precision, so that the next
            space mends what rounding has cost: J. I. Aliaga et al., Compressed Basis GMRES on
            High-Performance Graphics Processing Units, 2022.
    """
    kept = torch.float32 if compact else right.dtype
    whole = length = float(right.norm())
    x, rest = None, right
    count, smallest = 0, math.inf
    while count < max_products and length > tolerance * whole:
        room = min(memory, max_products - count)
        blocks = [right.new_empty(min(_BLOCK, room + 1), right.numel(), dtype=kept)]
        torch.div(rest, length, out=blocks[0][0])
        del rest  # Large, and made anew.
        step, used, least = _cycle(product, blocks, length, tolerance * whole, room, right.dtype)
        del blocks
        x = step if x is None else x.add_(step)
        del step
        rest = right - product(x)
        length = float(rest.norm())
        count += used + 1
        smallest = min(smallest, least)
    if x is None:
        return Solved(torch.zeros_like(right), 1.0 if whole > 0.0 else 0.0, 0)
    smallest = min(smallest, whole / max(float(x.norm()), 1e-300))
    return Solved(x, length / whole, count, smallest)


def _cycle(
    product: Product,
    blocks: list[torch.Tensor],
    length: float,
    small: float,
    room: int,
    dtype: torch.dtype,
) -> tuple[torch.Tensor, int, float]:
    """The x in the Krylov space of a residual with the least ‖A x − r‖, and what it took.

    Args:
        product: x ↦ A x.
        blocks: the space, its first vector r / ‖r‖; grows.
        length: ‖r‖.
        small: the residual that is enough.
        room: the longest space.
        dtype: the precision of r.
    """
    matrix = torch.zeros(room + 1, room, dtype=torch.float64)
    column = 0
    # The last row of the matrix's triangular form, from which the residual follows.
    triangle = _Triangle(length)
    while True:
        new = product(_row(blocks, column).to(dtype))
        # Twice, for once leaves what single precision cannot tell from zero.
        for _ in range(2):
            new = _apart(blocks, column + 1, new, matrix[: column + 1, column])
        size = float(new.norm())
        matrix[column + 1, column] = size
        missed = triangle.extended(matrix[: column + 2, column].tolist())
        column += 1
        if missed <= small or size == 0.0 or column == room or not math.isfinite(size):
            break
        if column % _BLOCK == 0:
            blocks.append(blocks[0].new_empty(min(_BLOCK, room + 1 - column), new.numel()))
        torch.div(new, size, out=_row(blocks, column))
        del new
    part = matrix[: column + 1, :column]
    target = torch.zeros(column + 1, dtype=torch.float64)
    target[0] = length
    if bool(torch.isfinite(part).all()):
        weights = torch.linalg.lstsq(part, target[:, None]).solution[:, 0]
        least = float(torch.linalg.svdvals(part)[-1])
    else:
        weights, least = torch.full_like(target[1:], math.nan), 0.0
    found = torch.zeros_like(new)
    for index, block in enumerate(blocks):
        shares = weights[index * _BLOCK : (index + 1) * _BLOCK]
        if block.dtype is dtype:
            found.addmv_(block[: len(shares)].T, shares.to(found))
        else:
            for row, share in zip(block, shares.tolist(), strict=False):
                found.add_(row, alpha=share)
    return found, column, least


def _row(blocks: list[torch.Tensor], index: int) -> torch.Tensor:
    return blocks[index // _BLOCK][index % _BLOCK]


def _apart(
    blocks: list[torch.Tensor], count: int, vector: torch.Tensor, shares: torch.Tensor
) -> torch.Tensor:
    """The vector without its part in the span of the first vectors; adds that part to shares."""
    if blocks[0].dtype is not vector.dtype:
        for index in range(count):
            row = _row(blocks, index).to(vector.dtype)
            part = float(row @ vector)
            vector.sub_(row, alpha=part)
            shares[index] += part
            del row  # Before the next is made.
        return vector
    for index, block in enumerate(blocks):
        held = block[: count - index * _BLOCK]
        share = held @ vector
        vector = torch.addmv(vector, held.T, share, alpha=-1.0)
        shares[index * _BLOCK : index * _BLOCK + len(share)] += share.double().cpu()
    return vector


class _Triangle:
    """The residual of a least-squares problem whose matrix grows by columns (Givens rotations)."""

    def __init__(self, length: float) -> None:
        self._turns: list[tuple[float, float]] = []
        self._missed = length

    def extended(self, column: list[float]) -> float:
        """The residual after one more column, which is one entry longer than the last."""
        for index, (c, s) in enumerate(self._turns):
            a, b = column[index], column[index + 1]
            column[index], column[index + 1] = c * a + s * b, c * b - s * a
        a, b = column[-2:]
        radius = math.hypot(a, b)
        c, s = (a / radius, b / radius) if radius > 0.0 else (1.0, 0.0)
        self._turns.append((c, s))
        self._missed *= abs(s)
        return self._missed
