"""The gradient of everything that is smooth: sums of squares, and what has a gradient."""

from __future__ import annotations

import torch

from dprox_core.compiler.model import BoundTerm
from dprox_core.linops.sampling import MulElementwise
from dprox_core.linops.space import Space
from dprox_core.linsolve.base import QuadraticPart, Vectors, quadratic_of
from dprox_core.linsolve.gradient import QuadraticGradient
from dprox_core.linsolve.norms import Weighed, curvatures, joint_norm
from dprox_core.numerics import reductions

__all__ = ["SmoothPart"]


class SmoothPart:
    """x ↦ ∇ Σ_i w_i f_i(d_i ⊙ (K_i x) + c_i), each f_i with a Lipschitz gradient.

    Quadratic terms are taken together, in as few transforms as their operators allow; another
    function adds w d̄ Kᴴ ∇f.

    Args:
        spaces: the spaces of the variables.
        terms: the smooth terms.
    """

    def __init__(self, spaces: tuple[Space, ...], terms: tuple[BoundTerm, ...]) -> None:
        self.terms = terms
        self._spaces = spaces
        squares = tuple(term for term in terms if _is_quadratic(term))
        self._others = tuple(term for term in terms if not _is_quadratic(term))
        self._squares = QuadraticGradient(QuadraticPart(spaces, squares, ())) if squares else None

    def __call__(self, x: Vectors) -> Vectors:
        """The gradient at x, in new memory."""
        held = self._squares
        sums = [torch.zeros_like(v) for v in x] if held is None else list(held(x))
        for term in self._others:
            penalty = term.penalty
            slope = term.function.grad(penalty.inside(term.row.forward(x))) * penalty.weight
            if penalty.scale is not None:
                slope = slope * penalty.scale.conj()
            term.row.adjoint_add(slope, sums, in_place=False)
        return tuple(sums)

    @torch.no_grad()
    def at_zero(self) -> Vectors:
        """The gradient at zero, whose length is a yardstick for residuals."""
        return self(tuple(space.zeros() for space in self._spaces))

    def value(self, x: Vectors) -> float:
        """The smooth terms' sum."""
        with torch.no_grad():
            return sum(reductions.number(term.value(x)) for term in self.terms)

    def lipschitz(self) -> float:
        """A bound of the gradient's Lipschitz constant."""
        return joint_norm(self.bounds())

    def curvatures(self) -> tuple[float, ...]:
        """Numbers L_i such that the second derivative is nowhere above diag(L_i I)."""
        return curvatures(self.bounds(), len(self._spaces))

    def bounds(self) -> list[Weighed]:
        """What lies above the second derivative, wherever that is taken, as a sum."""
        return [weighed for term in self.terms for weighed in _curvature(term)]


def _is_quadratic(term: BoundTerm) -> bool:
    penalty = term.penalty
    whole = penalty.scale is None and penalty.rotation is None
    return whole and term.function.quadratic() is not None


def _curvature(term: BoundTerm) -> tuple[Weighed, ...]:
    """A bound of one term's second derivative: 2 w Kᴴ W K, or w L Kᴴ |d|² K; none where linear."""
    penalty = term.penalty
    weight = reductions.number(penalty.weight)
    if _is_quadratic(term):
        found = quadratic_of(term)
        return (Weighed(term.row, 2.0 * weight, found.metric),) if found.curved else ()
    constant = term.function.lipschitz
    assert constant is not None, "asked only of smooth terms"
    weight *= float(constant)
    if penalty.scale is None:
        return (Weighed(term.row, weight),)
    squared = penalty.scale.detach().abs().square()
    if squared.numel() == 1 or penalty.rotation is not None:
        return (Weighed(term.row, weight * float(squared.max())),)
    return (Weighed(term.row, weight, MulElementwise(term.row.range, squared)),)
