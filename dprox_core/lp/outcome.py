"""What solving a linear program gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dprox_core.lp.certificate import Certificate
from dprox_core.lp.model import LinearProgram
from dprox_core.result import History, Status

if TYPE_CHECKING:
    from dprox_core.lp.energy import EnergySystem

__all__ = ["LPResult"]

Array = NDArray[np.float64]


@dataclass
class LPResult:
    """The outcome of ``solve_lp``.

    Duals are derivatives of the optimum: ``y[i]`` is how much the optimal objective, as written,
    changes per unit of row i's limit, and ``z = c − Aᵀ y`` the same for the bound of a variable.
    In a minimization y and z are positive at lower limits and negative at upper ones.

    Attributes:
        program: what was solved, as written.
        x: the variables, ``(n,)``; NaN where presolve proved that there are none.
        y: the duals of the rows, ``(m,)``.
        z: the reduced costs, ``(n,)``.
        objective: cᵀx + c0; of an infeasible program ∞ (−∞ for "max"), of an unbounded one −∞
            (∞ for "max").
        status: OPTIMAL, INFEASIBLE, UNBOUNDED, ITERATION_LIMIT, TIME_LIMIT, STOPPED, NOT_FINITE.
        certificate: residuals and gap in original units; None where there are no x and y.
        iterations: how many first-order steps were done.
        seconds: in all.
        timings: seconds by part: "presolve", "setup", "iterate", "postsolve", "crossover".
        method: "pdhg", "admm", or "presolve" where that was enough.
        reason: why that method.
        ray: what proves that there is no solution: duals ``(m,)`` for INFEASIBLE (Farkas), a
            direction ``(n,)`` for UNBOUNDED; None where presolve found it.
        message: the sentence for people.
        history: what was known at each check.
        gaps: the relative gap at each check.
        system: the energy system that the program came from, if any.
    """

    program: LinearProgram
    x: Array
    y: Array
    z: Array
    objective: float
    status: Status
    certificate: Certificate | None
    iterations: int
    seconds: float
    timings: dict[str, float]
    method: str
    reason: str
    ray: Array | None = None
    message: str = ""
    history: History = field(default_factory=History)
    gaps: list[float] = field(default_factory=list)
    system: EnergySystem | None = None

    @property
    def converged(self) -> bool:
        """Whether the solution meets the tolerance."""
        return self.status is Status.OPTIMAL

    def __repr__(self) -> str:
        return (
            f"<{self.status.value} after {self.iterations} iterations of {self.method}, objective "
            f"{self.objective:.8g}, {self.seconds:.2f} s>"
        )
