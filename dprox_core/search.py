"""When methods that take gradients are helped along: not so soon, and more and more rarely."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from dprox_core.algorithms.descent import lower_point
from dprox_core.algorithms.evidence import Evidence

if TYPE_CHECKING:
    from dprox_core.solver import Solver

__all__ = ["Search"]

Vectors = tuple[torch.Tensor, ...]

# So many products are spent on one, or a tenth of the iterations; where nothing is found, the next
# is after this many times as many iterations.
_STEPS = 20
_PATIENCE = 1.5
# Where residuals are not small yet it is looked for from this iteration on.
_FROM = 100


class Search:
    """Looks for points where the objective is lower by more than is allowed, and remembers one.

    Args:
        solver: the compiled problem.
        kept: whether variables meet the constraints.

    Attributes:
        next: the iteration before which it is not looked for unasked.
    """

    def __init__(self, solver: Solver, kept: Callable[[Vectors], bool]) -> None:
        self._solver = solver
        self._kept = kept
        self.next = 0
        self._lower: Vectors | None = None

    def is_due(self, iteration: int) -> bool:
        """Whether it is time to look even where it is not asked for."""
        return iteration >= max(_FROM, self.next)

    @torch.no_grad()
    def finds(self, evidence: Evidence, iteration: int, allowed: list[float]) -> bool:
        """Whether the objective is clearly lower elsewhere.

        Args:
            evidence: what the method knows.
            iteration: of its state.
            allowed: by how much each sample may be off; infinite for those that shall stay.
        """
        self._lower = None
        if not evidence.gradients or min(allowed) <= 0.0:
            return False

        def objective(x: Vectors) -> float:
            return self._solver.objective(x) if self._kept(x) else math.inf

        self._lower = lower_point(evidence, objective, allowed, max(_STEPS, iteration // 10))
        if self._lower is None:
            self.next = int(_PATIENCE * iteration)
        return self._lower is not None

    def take(self) -> Vectors | None:
        """What was found, once."""
        found, self._lower = self._lower, None
        return found
