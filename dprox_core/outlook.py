"""Signs that a solve leads nowhere: no point meets all constraints, or the objective has no bound.

Let y_j be normal to the set C_j at z_j, so that ⟨y_j, z⟩ ≤ ⟨y_j, z_j⟩ on C_j. Every x with
K_j x ∈ C_j then has

    Re⟨Σ_j K_jᴴ y_j, x⟩ ≤ σ = Σ_j Re⟨y_j, z_j⟩,   so if σ < 0   ‖x‖ ≥ −σ / ‖Σ_j K_jᴴ y_j‖:

no point that is nearer to zero meets all. The way that duals run away gives such y_j, the way that
iterates run away a direction in which the objective falls without end: G. Banjac, P. Goulart,
B. Stellato, S. Boyd, Infeasibility Detection in the Alternating Direction Method of Multipliers for
Convex Optimization, 2019; Y. Liu, E. Ryu, W. Yin, A New Use of Douglas-Rachford Splitting for
Identifying Infeasible, Unbounded, and Pathological Conic Programs, 2019.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from dprox_core.algorithms.base import State, joint_norm
from dprox_core.algorithms.evidence import Piece
from dprox_core.numerics import reductions
from dprox_core.result import Status

if TYPE_CHECKING:
    from dprox_core.solver import Solver

__all__ = ["Outlook"]

Vectors = tuple[torch.Tensor, ...]

# The first look; then whenever twice as many iterations were done, so that looks cost nothing.
_FIRST = 80
# How many times farther than the iterate no point may be, or the objective must still fall.
_REACH = 1e3
# So many sizes of the iterate along the way of the duals, sets are as good as their extreme points.
_FAR = 30.0
# A constraint that is missed by a smaller share of the iterate's size is about to be met.
_MISSED = 1e-4
# Differences count that are so many roundings large.
_ROUNDINGS = 1e3


class Outlook:
    """Looks at a solve from time to time.

    Args:
        solver: the compiled problem.
    """

    def __init__(self, solver: Solver) -> None:
        self._solver = solver
        self._convex = solver.model.convex
        self._next = _FIRST
        self._x: Vectors | None = None
        self._duals: Vectors | None = None

    @torch.no_grad()
    def look(self, state: State) -> Status | None:
        """A status where the rest of the solve is in vain, None where there is hope."""
        if not self._convex or state.iteration < self._next:
            return None
        self._next = 2 * state.iteration
        answer = tuple(v.detach() for v in self._solver.algorithm.answer(state))
        size = joint_norm(answer)
        found = None
        if self._solver.violation(answer) > _MISSED * (size + 1e-30):
            found = self._contradiction(state, size)
        if found is None and self._x is not None:
            found = self._descent(answer, size)
        self._x = tuple(v.clone() for v in answer) if found is None else None
        return found

    def _contradiction(self, state: State, size: float) -> Status | None:
        evidence = self._solver.algorithm.evidence(state)
        if evidence is None:
            return None
        pieces = [bare for piece in evidence.pieces if (bare := _sets_of(piece)) is not None]
        duals = tuple(piece.y for piece in pieces)
        before, self._duals = self._duals, duals
        if before is None or not pieces:
            return None
        # How duals grow points to where they go more clearly than where they are.
        growth = tuple(now - early for now, early in zip(duals, before, strict=True))
        size = max(size, joint_norm(evidence.x), joint_norm(tuple(piece.z for piece in pieces)))
        near = _nearest(pieces, growth, [torch.zeros_like(v) for v in evidence.x], size)
        return Status.INFEASIBLE if near > _REACH * size else None

    def _descent(self, answer: Vectors, size: float) -> Status | None:
        """Whether the objective falls along the way of the iterates as far as can be seen."""
        assert self._x is not None
        way = [now - early for now, early in zip(answer, self._x, strict=True)]
        if joint_norm(way) < 0.25 * size or size == 0.0:
            return None
        precision = torch.finfo(answer[0].dtype).eps
        # Far beyond the iterates, and beyond the data where kinks may lie.
        far = max(1e-2 / precision, _REACH * self._largest_offset() / joint_norm(way))
        ends = [
            tuple(v + share * far * w for v, w in zip(answer, way, strict=True))
            for share in (1.0, 2.0)
        ]
        if any(
            self._solver.violation(end) > _ROUNDINGS * precision * joint_norm(end) for end in ends
        ):
            return None
        start, middle, last = (self._solver.objective(end) for end in (answer, *ends))
        if not math.isfinite(start + middle + last):
            return None
        # As steep at the end as on the way there.
        rounding = _ROUNDINGS * precision * abs(last)
        falls = last - middle < -rounding and last - middle <= 0.99 * (middle - start)
        return Status.UNBOUNDED if falls else None

    def _largest_offset(self) -> float:
        offsets = (term.penalty.offset for term in self._solver.model.terms)
        return max((float(held.abs().max()) for held in offsets if held is not None), default=0.0)


def _sets_of(piece: Piece) -> Piece | None:
    """The sets among what a piece is the sum of."""
    terms = tuple(term for term in piece.terms if term.function.is_indicator)
    return replace(piece, terms=terms) if terms else None


def _nearest(
    pieces: list[Piece], growth: Vectors, pulled: list[torch.Tensor], size: float
) -> float:
    """No point nearer to zero than this meets all sets; 0 where nothing follows."""
    length = joint_norm(growth)
    if length == 0.0:
        return 0.0
    far = _FAR * size / length
    support, hidden = 0.0, 0.0
    for piece, direction in zip(pieces, growth, strict=True):
        point = piece.z + far * direction
        z = point
        for term in piece.terms:
            z = term.penalty.prox(z, 1.0)
        y = point - z
        support += float(reductions.inner(y, z))
        hidden += reductions.norm(y) * (reductions.norm(z) + reductions.norm(point))
        piece.row.adjoint_add(y, pulled, in_place=True)
    precision = torch.finfo(pulled[0].dtype).eps
    if not support < -_ROUNDINGS * precision * hidden:
        return 0.0
    return -support / max(joint_norm(pulled), 1e-300)
