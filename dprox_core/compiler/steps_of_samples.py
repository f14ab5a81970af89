"""What the steps of first-order methods depend on, for each sample of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from dprox_core.algorithms.parts import Parts, Steps
from dprox_core.compiler.shared import nearest_sixteenth, rounded_above
from dprox_core.linsolve.norms_of_samples import Shared, norms_of_samples, treats_alike

__all__ = ["SampleNorms", "norms_of_parts"]

# A sample on which nothing acts is taken for one on which so little does, beside the others.
_LEAST = 1e-6


@dataclass(frozen=True)
class SampleNorms:
    """Bounds for every sample of one variable.

    Attributes:
        shares: s_j of the blocks.
        couplings: c, Σ_j s_j K_jᴴ K_j ⪯ c I.
        curvatures: L, no second derivative of f above L I.
    """

    shares: Steps
    couplings: Steps
    curvatures: Steps


def norms_of_parts(parts: Parts, preconditioned: bool) -> SampleNorms | None:
    """Those of a batch whose samples never meet; None where one bound serves all of them.

    One does where every operator treats the samples alike, and has to where variables meet.

    Args:
        parts: the terms, sorted.
        preconditioned: whether every block gets a share of its own.
    """
    bounds = parts.smooth.bounds()
    rows = [*((b.row, b.metric) for b in bounds), *((b.row, None) for b in parts.blocks)]
    if len(parts.model.spaces) > 1:
        return None
    space = parts.model.spaces[0]
    if all(treats_alike(row, metric, space) for row, metric in rows):
        return None
    one = torch.ones(space.shape[0], dtype=torch.float64)
    squares = [norms_of_samples([Shared(block.row, one)], space) for block in parts.blocks]
    shares = [one] * len(squares)
    if preconditioned and squares:
        least = torch.stack([_positive(square) for square in squares]).amin(dim=0)
        shares = [_rounded(least / _positive(square), nearest_sixteenth) for square in squares]
    coupled = [Shared(b.row, s) for b, s in zip(parts.blocks, shares, strict=True)]
    curved = [Shared(b.row, b.weight * one, b.metric) for b in bounds]
    pull, bend = norms_of_samples(coupled, space), norms_of_samples(curved, space)
    # Where nothing acts on the variable at all, any step will do.
    pull = pull if bool((pull + bend).any()) else one
    return SampleNorms(tuple(shares), (_bound(pull),), (_bound(bend),))


def _positive(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.clamp_min(_LEAST * float(numbers.max()))


def _bound(numbers: torch.Tensor) -> float | torch.Tensor:
    """Above the numbers, 0 where all of them are."""
    return _rounded(_positive(numbers), rounded_above) if bool(numbers.any()) else 0.0


def _rounded(numbers: torch.Tensor, to: Callable[[float], float]) -> torch.Tensor:
    return torch.tensor([to(n) for n in numbers.tolist()], dtype=torch.float64)
