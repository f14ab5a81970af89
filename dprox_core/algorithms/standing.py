"""A sum of smooth functions at a point: each operator is applied once for all that is asked."""

from __future__ import annotations

from functools import cached_property

import torch

from dprox_core.algorithms.base import joint_norm, sample_norms
from dprox_core.compiler.model import BoundTerm
from dprox_core.numerics import reductions

__all__ = ["Standing", "along", "inners", "lengths", "summed", "times"]

Vectors = tuple[torch.Tensor, ...]


class Standing:
    """f(x) = Σ_q w_q f_q(d_q ⊙ (A_q x) + c_q) at a point, each f_q with a gradient.

    What is asked of it is computed then, without recording it, and once.

    Args:
        terms: the summands.
        x: the point.
    """

    def __init__(self, terms: tuple[BoundTerm, ...], x: Vectors) -> None:
        self._terms = terms
        self._held: list[torch.Tensor] | None = None
        self.x = x

    def at(self, point: Vectors) -> Standing:
        """f elsewhere."""
        return Standing(self._terms, point)

    @property
    def is_quadratic(self) -> bool:
        """Whether ∇f changes evenly everywhere."""
        return all(term.function.quadratic() is not None for term in self._terms)

    @cached_property
    def value(self) -> float:
        """f(x)."""
        return self._value(self._insides())

    @cached_property
    def slope(self) -> Vectors:
        """∇f(x) = Σ_q w_q A_qᴴ (d̄_q ⊙ ∇f_q)."""
        insides, _ = self._insides(), self.value
        # What it is made from is let go of, one after the other.
        self._held, sums = None, [torch.zeros_like(v) for v in self.x]
        for term in reversed(self._terms):
            _add_slope(term, insides.pop(), sums)
        return tuple(sums)

    def value_along(self, index: int, other: Standing, samples: int) -> float:
        """f where one sample is as here and the others are as elsewhere.

        Args:
            index: which sample.
            other: f elsewhere.
            samples: how many lie along the first axis of the variables, 1 for one problem.
        """
        if samples == 1:
            return self.value
        here, there = self._insides(), other._insides()
        if all(v.ndim >= 3 and v.shape[0] == samples for v in here):
            pairs = zip(here, there, strict=True)
            return self._value([along(index, a, b, samples) for a, b in pairs])
        mixed = zip(self.x, other.x, strict=True)
        return self.at(tuple(along(index, a, b, samples) for a, b in mixed)).value

    def _insides(self) -> list[torch.Tensor]:
        """d_q ⊙ (A_q x) + c_q."""
        if self._held is None:
            self._held = [_inside(term, self.x) for term in self._terms]
        return self._held

    def _value(self, insides: list[torch.Tensor]) -> float:
        return sum(map(_value, self._terms, insides))


def _inside(term: BoundTerm, x: Vectors) -> torch.Tensor:
    """d ⊙ (A x) + c, in frequency where it is told there."""
    squares = term.in_frequency
    if squares is not None:
        return squares.inside(x[term.row.entries[0][0]])
    return term.penalty.inside(term.row.forward(x))


def _value(term: BoundTerm, inside: torch.Tensor) -> float:
    function = term.function if term.in_frequency is None else term.in_frequency
    return reductions.number(term.penalty.weight) * reductions.number(function.value(inside))


def _add_slope(term: BoundTerm, inside: torch.Tensor, sums: list[torch.Tensor]) -> None:
    weight, scale = reductions.number(term.penalty.weight), term.penalty.scale
    if term.in_frequency is not None:
        sums[term.row.entries[0][0]].add_(term.in_frequency.slope(inside), alpha=weight)
        return
    slope = term.function.grad(inside)
    slope = slope if weight == 1.0 else slope * weight
    slope = slope if scale is None else slope * scale.conj()
    term.row.adjoint_add(slope, sums, in_place=True)


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


def inners(a: torch.Tensor, b: torch.Tensor, samples: int) -> list[float]:
    """Re⟨a, b⟩ of each sample."""
    pairs = [(a, b)] if samples == 1 else zip(a, b, strict=True)
    return [float(reductions.inner(*pair)) for pair in pairs]


def times(shares: list[float], v: Vectors) -> Vectors:
    """Each sample of v, times its share."""
    return tuple(t * _beside(shares, t) for t in v)


def summed(v: Vectors, shares: list[float], d: Vectors) -> Vectors:
    """Each sample of v, and a share of that of d."""
    return tuple(t + w * _beside(shares, w) for t, w in zip(v, d, strict=True))


def _beside(shares: list[float], like: torch.Tensor) -> float | torch.Tensor:
    if len(shares) == 1:
        return shares[0]
    numbers = torch.tensor(shares, dtype=like.real.dtype, device=like.device)
    return numbers.reshape(-1, *(1,) * (like.ndim - 1))
