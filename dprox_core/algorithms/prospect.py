"""How much lower an objective may still go, by what an iterate proves: each sample by itself.

With the words of ``evidence``, every x* has F(x*) ≥ F(answer) − a − ‖s‖ ‖x* − x‖, where

    a = F(answer) − f(x) − Σ_j (h_j(z_j) + Re⟨y_j, K_j x − z_j⟩)

is what split copies that are apart still hide. Of a batch whose samples do not meet, F is a sum,
and a sample's share in a is what changes when the others stay at x and z.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch

from dprox_core.algorithms.evidence import Evidence, Piece
from dprox_core.algorithms.standing import along, lengths
from dprox_core.numerics import reductions

__all__ = ["Prospect", "look_ahead"]

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
        size: how far x is from zero.
        descent: tells how long a step of steepest descent is, which takes two more products.
    """

    apart: float
    slope: float
    modulus: float
    size: float
    descent: Callable[[], float]

    @cached_property
    def reach(self) -> float:
        """How far x is from zero, and how long a step of steepest descent is."""
        descent = self.descent()
        # Beyond that f is flat along s but for what is hardly in it.
        return self.size + (descent if self.size == 0.0 or descent < _FAR * self.size else 0.0)

    def error(self, distance: float) -> float:
        """|a| + ‖s‖ · distance, or where f is curved no more than |a| + ‖s‖² / (2 m).

        Where a constraint is missed the objective may be too low, by about −a: what it would take
        to meet the constraint, by its dual.
        """
        lost = self.slope * distance
        if self.modulus > 0.0:
            lost = min(lost, self.slope**2 / (2.0 * self.modulus))
        return abs(self.apart) + lost

    def is_above(self, allowed: float, distance: float, most: float) -> bool:
        """Whether the error is more than allowed at a distance, or than ``most`` wherever.

        No distance beyond the reach counts; and where the answer is plain before that is known, it
        is not looked for.
        """
        for reach in (lambda: self.size, lambda: self.reach):
            if self.error(min(distance, reach())) > allowed or self.error(reach()) > most:
                return True
        return False


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
    apart = _apart(evidence, answer, samples, wanted)
    rest, scales = evidence.rest(evidence.here, samples)
    ways, sizes = lengths(rest, samples), lengths(evidence.x, samples)
    modulus, hidden = evidence.squares.modulus, 16.0 * torch.finfo(rest[0].dtype).eps
    found: list[Prospect | None] = []
    for index, (way, size) in enumerate(zip(ways, sizes, strict=True)):
        sure = max(0.0, way - hidden * scales[index])

        def descent(index: int = index, way: float = way) -> float:
            bend = evidence.bends(samples)[index]
            return way**3 / bend if bend > 0.0 else 0.0

        good = wanted[index] and math.isfinite(apart[index]) and math.isfinite(sure)
        found.append(Prospect(apart[index], sure, modulus, size, descent) if good else None)
    return found


def _apart(
    evidence: Evidence, answer: Vectors, samples: int, wanted: list[bool]
) -> dict[int, float]:
    """a of each sample that is wanted."""
    here, there, missed = evidence.here, evidence.at(answer), evidence.missed(samples)
    found = {
        index: there.value_along(index, here, samples) - here.value - missed[index]
        for index, want in enumerate(wanted)
        if want
    }
    for piece in evidence.pieces:
        seen, near = piece.row.forward(answer), _value(piece, piece.z)
        for index in found:
            found[index] += _value(piece, along(index, seen, piece.z, samples)) - near
    return found


def _value(piece: Piece, z: torch.Tensor) -> float:
    """h_j at z, sets left out; where that is infinite, its value nearby."""
    return sum(
        reductions.number(term.penalty.near_value(z))
        for term in piece.terms
        if not term.function.is_indicator
    )
