"""Products with the matrix of a quadratic part, and all variables in one vector."""

from __future__ import annotations

import torch

from dprox_core.algorithms.per_sample import shaped
from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.space import Space
from dprox_core.proxfns.base import Step

__all__ = ["from_rows", "pack", "product", "rows_of", "size_of", "unpack"]

Vectors = tuple[torch.Tensor, ...]
Squares = tuple[tuple[Row, Step, LinOp | None], ...]


def product(x: Vectors, squares: Squares, couplings: tuple[Row, ...], rho: Step) -> Vectors:
    """(Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j) x.

    Args:
        x: a value for each variable.
        squares: A_q, 2 w_q and W_q, None for the identity.
        couplings: the K_j.
        rho: ρ, one number or one for each sample.
    """
    sums = [torch.zeros_like(v) for v in x]
    in_place = not torch.is_grad_enabled()
    for row, weight, metric in squares:
        image = row.forward(x) * weight
        if metric is not None:
            image = metric.forward(image)
        row.adjoint_add(image, sums, in_place)
    for row in couplings:
        image = row.forward(x)
        row.adjoint_add(image * shaped(rho, image), sums, in_place)
    return tuple(sums)


def size_of(spaces: tuple[Space, ...]) -> int:
    """How many real numbers the variables hold together."""
    return sum(space.numel * (2 if space.is_complex else 1) for space in spaces)


def pack(x: Vectors) -> torch.Tensor:
    """All values in one row, complex ones as pairs."""
    return rows_of(x, 1)[0]


def rows_of(x: Vectors, samples: int) -> torch.Tensor:
    """A row (samples, n) of all values of each sample, complex ones as pairs."""
    flat = [torch.view_as_real(v.resolve_conj()) if v.is_complex() else v for v in x]
    return torch.cat([v.reshape(samples, -1) for v in flat], dim=1)


def unpack(row: torch.Tensor, spaces: tuple[Space, ...]) -> Vectors:
    """A tensor for each variable, in memory of its own."""
    return from_rows(row[None], spaces)


def from_rows(rows: torch.Tensor, spaces: tuple[Space, ...]) -> Vectors:
    """A tensor for each variable, from the rows of its samples, in memory of its own."""
    found, start, samples = [], 0, len(rows)
    for space in spaces:
        count = size_of((space,)) // samples
        piece = rows[:, start : start + count].clone()
        start += count
        if space.is_complex:
            found.append(torch.view_as_complex(piece.reshape(*space.shape, 2)))
        else:
            found.append(piece.reshape(space.shape))
    return tuple(found)
