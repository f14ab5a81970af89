"""Directions along which equations stay met.

Where terms ask that A_j K_j x = b_j, a direction d keeps to them if N_j K_j d = 0, N_j the part
across the set that the prox of the term projects onto. Of any direction

    P d = d − Mᴴ (M Mᴴ)⁺ M d,   M = (N_j K_j)_j,

is the nearest that does; conjugate gradients on the normal equations find it in as many steps as
M has different singular values, in one for masks, sums and orthogonal rows (Å. Björck, Numerical
Methods for Least Squares Problems, 1996, section 7.4).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from dprox_core.algorithms.evidence import Evidence, Piece
from dprox_core.algorithms.standing import lengths, summed
from dprox_core.compiler.model import BoundTerm
from dprox_core.numerics import reductions
from dprox_core.proxfns.sets import AffineSet, Equal

__all__ = ["Level"]

Vectors = tuple[torch.Tensor, ...]

# So many steps at most; equations that take more stay missed by a little.
_STEPS = 20
# What is missed by fewer roundings than these is met.
_ROUNDINGS = 10.0
# What is missed grows by so much on the way to less, but for rounding.
_GROWTH = 10.0


class Level:
    """P, of a problem's equations.

    Args:
        evidence: what a method knows, with the pieces that are equations among others.
        free: where the elements of a direction may differ from zero, 1 or 0 for each.
        samples: how many lie along the first axis of everything, each by itself.
    """

    def __init__(self, evidence: Evidence, free: Vectors, samples: int = 1) -> None:
        self._samples = samples
        self._free, self._like = free, evidence.x
        self._equations = [
            (piece.row, across)
            for piece in evidence.pieces
            for term in piece.terms
            if (across := _across_of(term, piece)) is not None
        ]

    @property
    def is_needed(self) -> bool:
        """Whether there are equations at all."""
        return bool(self._equations)

    def along(self, direction: Vectors) -> Vectors:
        """P d."""
        samples, left = self._samples, tuple(direction)
        across = self._across(left)
        sizes = lengths(across, samples)
        epsilon = _ROUNDINGS * torch.finfo(direction[0].dtype).eps
        # Rounding of M d is as large as that of d, times the norm of M.
        hidden = [epsilon * length for length in lengths(direction, samples)]
        least, search = list(sizes), across
        for _ in range(_STEPS):
            pulled = self._pulled(search)
            bends = lengths(pulled, samples)
            going = [
                size > 0.0 and size**2 > small * bend > 0.0 and size <= _GROWTH * lowest
                for size, small, bend, lowest in zip(sizes, hidden, bends, least, strict=True)
            ]
            if not any(going):
                break
            # Samples that have arrived stay as they are.
            shares = [
                -((size / bend) ** 2) if on else 0.0
                for size, bend, on in zip(sizes, bends, going, strict=True)
            ]
            left = summed(left, shares, pulled)
            across, before = self._across(left), sizes
            sizes = lengths(across, samples)
            least = list(map(min, least, sizes))
            ratios = [
                (size / was) ** 2 if on else 0.0
                for size, was, on in zip(sizes, before, going, strict=True)
            ]
            search = summed(across, ratios, search)
        return left

    def _across(self, direction: Vectors) -> Vectors:
        """M d."""
        return tuple(across(row.forward(direction)) for row, across in self._equations)

    def _pulled(self, parts: Vectors) -> Vectors:
        """Mᴴ λ, for λ that lie across; nothing where directions must not go."""
        sums = [torch.zeros_like(v) for v in self._like]
        for (row, _), part in zip(self._equations, parts, strict=True):
            row.adjoint_add(part, sums, in_place=True)
        return tuple(v * free for v, free in zip(sums, self._free, strict=True))


def _across_of(term: BoundTerm, piece: Piece) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """N of a term, None where it asks for no equations."""
    function = term.function
    if isinstance(function, Equal):
        return lambda v: v
    if isinstance(function, AffineSet):
        return lambda v: _off(term, v)
    if not function.is_indicator or function.bounds is None or term.penalty.rotation is not None:
        return None
    lower, upper = (torch.as_tensor(end, device=piece.z.device) for end in function.bounds)
    held = (lower == upper).expand(piece.z.shape)
    return (lambda v: v * held) if bool(held.any()) else None


def _off(term: BoundTerm, v: torch.Tensor) -> torch.Tensor:
    """What is left of v when it is projected onto the directions within the set."""
    length = reductions.norm(v)
    if length == 0.0:
        return v
    start = term.penalty.prox(torch.zeros_like(v), 1.0)
    # As far away as the set is, so that least of the difference is rounding.
    far = max(reductions.norm(start), 1.0) / length
    return v - (term.penalty.prox(far * v, 1.0) - start) / far
