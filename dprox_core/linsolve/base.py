"""The quadratic part of an update, and what can solve it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch

from dprox_core.compiler.model import BoundTerm, Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.space import Space
from dprox_core.proxfns.base import Step

__all__ = ["LinearSolver", "QuadraticPart"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class QuadraticPart:
    """The function Σ_q w_q ‖A_q x + b_q‖² + (ρ/2) Σ_j ‖K_j x − w_j‖², to be minimized over x.

    Its minimizer solves
    (Σ_q 2 w_q A_qᴴ A_q + ρ Σ_j K_jᴴ K_j) x = ρ Σ_j K_jᴴ w_j − Σ_q 2 w_q A_qᴴ b_q.

    Attributes:
        spaces: the spaces of the variables.
        terms: the squares (w_q, A_q, b_q).
        couplings: the K_j.
    """

    spaces: tuple[Space, ...]
    terms: tuple[BoundTerm, ...]
    couplings: tuple[Row, ...]

    def operators_of(self, index: int) -> list[LinOp]:
        """All operators that act on one variable."""
        rows = [term.row for term in self.terms] + list(self.couplings)
        return [operator for row in rows for i, operator in row.entries if i == index]

    @property
    def is_separable(self) -> bool:
        """Whether no row mixes variables, so that each has a system of its own."""
        rows = [term.row for term in self.terms] + list(self.couplings)
        return all(len(row.entries) == 1 for row in rows)

    def constant(self) -> list[torch.Tensor | None]:
        """−Σ_q 2 w_q A_qᴴ b_q for each variable, None for zero."""
        parts: list[torch.Tensor | None] = [None] * len(self.spaces)
        for term in self.terms:
            offset = term.penalty.offset
            if offset is None:
                continue
            pulled = offset * (-2.0 * term.penalty.weight)
            for index, operator in term.row.entries:
                back = operator.adjoint(pulled)
                held = parts[index]
                parts[index] = back if held is None else held + back
        return parts


class LinearSolver(ABC):
    """Solves the system of a ``QuadraticPart`` again and again, for changing w_j and ρ."""

    kind: ClassVar[str]

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
            rho: ρ.
            previous: the last solution, kept where the system says nothing, and a start.
            out: memory that may be filled; None wherever a gradient is wanted.
        """
