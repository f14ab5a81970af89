"""How much lower an objective may still go, by what an iterate proves: each sample by itself.

With the words of ``evidence``, every x* has F(x*) ≥ F(answer) − a − ‖s‖ ‖x* − x‖, where

    a = F(answer) − f(x) − Σ_j (h_j(z_j) + Re⟨y_j, K_j x − z_j⟩)

is what split copies that are apart still hide. Of a batch whose samples do not meet, F is a sum,
and a sample's share in a is what changes when the others stay at x and z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from dprox_core.algorithms.base import joint_norm, sample_norms
from dprox_core.algorithms.evidence import Evidence, Piece, modulus_of
from dprox_core.numerics import reductions

__all__ = ["Prospect", "along", "lengths", "look_ahead"]

Vectors = tuple[torch.Tensor, ...]

# No minimizer is expected at so many times the iterate's size.
_FAR = 1e6


@dataclass(frozen=True)
class Prospect:
    """By how much a sample's objective may be off if its minimizer is so far away.

    Attributes:
        apart: a.
        slope: ‖s‖, without what rounding may have made of it.
        modulus: of strong convexity.
        reach: how far x is from zero, and how long a step of steepest descent is.
    """

    apart: float
    slope: float
    modulus: float
    reach: float

    def error(self, distance: float) -> float:
        """|a| + ‖s‖ · distance, or where f is curved no more than |a| + ‖s‖² / (2 m).

        Where a constraint is missed the objective may be too low, by about −a: what it would take
        to meet the constraint, by its dual.
        """
        lost = self.slope * distance
        if self.modulus > 0.0:
            lost = min(lost, self.slope**2 / (2.0 * self.modulus))
        return abs(self.apart) + lost


@torch.no_grad()
def look_ahead(
    evidence: Evidence, answer: Vectors, samples: int, wanted: list[bool]
) -> list[Prospect | None]:
    """The prospect of each sample that is wanted; None where that is not finite.

    Args:
        evidence: what a method knows.
        answer: the values that it would return.
        samples: how many lie along the first axis of everything, 1 for one problem.
        wanted: of which samples.
    """
    x, pieces = evidence.x, evidence.pieces
    value, slope = evidence.smooth(x)
    images = [piece.row.forward(x) for piece in pieces]
    shown = [piece.row.forward(answer) for piece in pieces]
    rest, scales = [g.clone() for g in slope], [lengths(slope, samples)]
    for piece in pieces:
        pulled = [torch.zeros_like(v) for v in x]
        piece.row.adjoint_add(piece.y, pulled, in_place=True)
        scales.append(lengths(pulled, samples))
        rest = [a + b for a, b in zip(rest, pulled, strict=True)]
    bends = _bends(evidence, slope, rest, samples)
    modulus = modulus_of(evidence.squares)
    hidden = 16.0 * torch.finfo(rest[0].dtype).eps
    found: list[Prospect | None] = []
    for index, (length, size, bend) in enumerate(
        zip(lengths(rest, samples), lengths(x, samples), bends, strict=True)
    ):
        if not wanted[index]:
            found.append(None)
            continue
        mixed = tuple(along(index, a, b, samples) for a, b in zip(answer, x, strict=True))
        apart = evidence.smooth(mixed)[0] - value
        for piece, image, seen in zip(pieces, images, shown, strict=True):
            apart += _value(piece, along(index, seen, piece.z, samples)) - _value(piece, piece.z)
            miss = along(index, image - piece.z, torch.zeros_like(image), samples)
            apart -= float(reductions.inner(piece.y, miss))
        sure = max(0.0, length - hidden * max(held[index] for held in scales))
        descent = length**3 / bend if bend > 0.0 else 0.0
        # Beyond that f is flat along s but for what is hardly in it.
        reach = size + (descent if size == 0.0 or descent < _FAR * size else 0.0)
        good = math.isfinite(apart) and math.isfinite(sure)
        found.append(Prospect(apart, sure, modulus, reach) if good else None)
    return found


def along(index: int, a: torch.Tensor, b: torch.Tensor, samples: int) -> torch.Tensor:
    """One sample of a among the others of b."""
    if samples == 1:
        return a
    mixed = b.clone()
    mixed[index] = a[index]
    return mixed


def lengths(vectors: Vectors | list[torch.Tensor], samples: int) -> list[float]:
    """‖(v₁, v₂, …)‖ of each sample."""
    return [joint_norm(vectors)] if samples == 1 else sample_norms(vectors).tolist()


def _bends(
    evidence: Evidence, slope: Vectors, rest: list[torch.Tensor], samples: int
) -> list[float]:
    """Re⟨∇f(x + s) − ∇f(x), s⟩ of each sample, 0 where f is flat but for rounding."""
    ahead = tuple(x + s for x, s in zip(evidence.x, rest, strict=True))
    there = evidence.smooth(ahead)[1]
    sums = torch.zeros(samples, dtype=torch.float64, device=rest[0].device)
    for late, early, s in zip(there, slope, rest, strict=True):
        products = ((late - early).conj() * s).real
        sums = sums + products.reshape(samples, -1).double().sum(dim=1)
    epsilon = 64.0 * torch.finfo(rest[0].dtype).eps
    sizes = zip(
        lengths(slope, samples), lengths(there, samples), lengths(rest, samples), strict=True
    )
    hidden = [epsilon * max(first, second) * length for first, second, length in sizes]
    return [bend if bend > h else 0.0 for bend, h in zip(sums.tolist(), hidden, strict=True)]


def _value(piece: Piece, z: torch.Tensor) -> float:
    """h_j at z, sets left out; where that is infinite, its value nearby."""
    return sum(
        reductions.number(term.penalty.near_value(z))
        for term in piece.terms
        if not term.function.is_indicator
    )
