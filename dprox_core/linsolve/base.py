"""The quadratic part of an update, and what can solve it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import torch

from dprox_core.compiler.model import BoundTerm, Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.space import Space
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Quadratic, Step

__all__ = ["Gram", "LinearSolve", "LinearSolver", "QuadraticPart", "quadratic_of"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class LinearSolve:
    """How an iterative solve of the linear system is to be done.

    Attributes:
        kind: "cg" or "minres".
        tolerance: where to stop, relative to the right side; None lets it follow the iteration.
        max_iter: the most steps; None for the default.
        forced: whether to iterate even where there is a closed form.
    """

    kind: str = "cg"
    tolerance: float | None = None
    max_iter: int | None = None
    forced: bool = True


@dataclass(frozen=True)
class Gram:
    """x ↦ Aᴴ W A x for one variable, and the bases in which it is diagonal.

    Attributes:
        operator: A.
        metric: W; None for the identity.
    """

    operator: LinOp
    metric: LinOp | None = None

    def diagonal(self) -> torch.Tensor | None:
        """g with Aᴴ W A x = g ⊙ x, None where that is not diagonal in space."""
        if self.metric is None:
            return self.operator.gram_diagonal()
        weights = self.metric.diagonal()
        return None if weights is None else self.operator.weighted_gram_diagonal(weights)

    def spectrum(self) -> torch.Tensor | None:
        """The factors of frequencies, None where it is not diagonal there."""
        if self.metric is None:
            return self.operator.gram_spectrum()
        weights = self.metric.diagonal()
        return None if weights is None else self.operator.weighted_gram_spectrum(weights)


@dataclass(frozen=True)
class QuadraticPart:
    """Σ_q w_q (Re⟨v_q, W_q v_q⟩ + Re⟨g_q, v_q⟩) + (ρ/2) Σ_j ‖K_j x − w_j‖², v_q = A_q x + b_q.

    Its minimizer over x solves
    (Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j) x
    = ρ Σ_j K_jᴴ w_j − Σ_q w_q A_qᴴ (2 W_q b_q + g_q).

    Attributes:
        spaces: the spaces of the variables.
        terms: the quadratic terms (w_q, W_q, g_q, A_q, b_q).
        couplings: the K_j.
        samples: how many samples of a batch, along the first axes of everything, never meet; 1
            for one system.
    """

    spaces: tuple[Space, ...]
    terms: tuple[BoundTerm, ...]
    couplings: tuple[Row, ...]
    samples: int = 1

    @cached_property
    def curved(self) -> tuple[tuple[BoundTerm, LinOp | None], ...]:
        """The terms with W_q ≠ 0, each with its W_q, None for the identity."""
        known = [(term, quadratic_of(term)) for term in self.terms]
        return tuple((term, found.metric) for term, found in known if found.curved)

    @cached_property
    def modulus(self) -> float:
        """A lower bound of the least eigenvalue of the Hessian, couplings left out; 0 where none
        is known."""
        return min((self._modulus_of(index) for index in range(len(self.spaces))), default=0.0)

    def _modulus_of(self, index: int) -> float:
        grams = [
            (Gram(term.row.entries[0][1], metric), 2.0 * reductions.number(term.penalty.weight))
            for term, metric in self.curved
            if len(term.row.entries) == 1 and term.row.entries[0][0] == index
        ]
        rounding = 100.0 * torch.finfo(self.spaces[0].precision).eps
        bounds = [0.0]
        for forms in (
            [(gram.diagonal(), weight) for gram, weight in grams],
            [(gram.spectrum(), weight) for gram, weight in grams],
        ):
            known = [form.detach() * weight for form, weight in forms if form is not None]
            if known:
                total = sum(known[1:], known[0])
                least, largest = float(total.min()), float(total.max())
                # What rounding may have made of zero curves nothing.
                bounds.append(least if least > rounding * largest else 0.0)
        return max(bounds)

    def grams_of(self, index: int) -> list[Gram]:
        """All that the system matrix is a sum of, where it concerns one variable alone."""
        found = [
            Gram(operator, metric)
            for term, metric in self.curved
            for i, operator in term.row.entries
            if i == index
        ]
        return found + [
            Gram(operator) for row in self.couplings for i, operator in row.entries if i == index
        ]

    @property
    def is_separable(self) -> bool:
        """Whether no row mixes variables, so that each has a system of its own."""
        rows = [term.row for term, _ in self.curved] + list(self.couplings)
        return all(len(row.entries) == 1 for row in rows)

    def constant(self) -> list[torch.Tensor | None]:
        """−Σ_q w_q A_qᴴ (2 W_q b_q + g_q) for each variable, None for zero."""
        parts: list[torch.Tensor | None] = [None] * len(self.spaces)
        for term in self.terms:
            slope = _slope_at_zero(term)
            if slope is None:
                continue
            pulled = slope * -term.penalty.weight
            for index, operator in term.row.entries:
                back = operator.adjoint(pulled)
                held = parts[index]
                parts[index] = back if held is None else held + back
        return parts


def quadratic_of(term: BoundTerm) -> Quadratic:
    """W and g of a term that was sorted among the quadratic ones."""
    found = term.function.quadratic()
    assert found is not None, "only quadratic terms get here"
    return found


def _slope_at_zero(term: BoundTerm) -> torch.Tensor | None:
    """2 W b + g, None for zero."""
    found, offset = quadratic_of(term), term.penalty.offset
    slope = found.slope
    if offset is None or not found.curved:
        return slope
    bent = 2.0 * (offset if found.metric is None else found.metric.forward(offset))
    return bent if slope is None else bent + slope


class LinearSolver(ABC):
    """Solves the system of a ``QuadraticPart`` again and again, for changing w_j and ρ."""

    kind: str

    def forget(self) -> None:  # noqa: B027 - iterative solvers keep nothing
        """Drop what was computed from ρ and kept."""

    @abstractmethod
    def solve(
        self,
        pulled: list[torch.Tensor],
        rho: Step,
        previous: Vectors,
        out: Vectors | None = None,
    ) -> Vectors:
        """The minimizer.

        Args:
            pulled: Σ_j K_jᴴ w_j for each variable; may be overwritten.
            rho: ρ, one number or one for each sample.
            previous: the last solution, kept where the system says nothing, and a start.
            out: memory that may be filled; None wherever a gradient is wanted.
        """
