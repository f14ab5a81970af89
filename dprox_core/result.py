"""What a solve gives back: the solution, how it ended, and everything seen on the way."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ParameterError

if TYPE_CHECKING:
    from dprox_core.compiler.plan import Plan
    from dprox_core.expressions.leaves import Variable

__all__ = ["Certificate", "History", "HistoryRow", "Result", "Sample", "Status"]


class Status(Enum):
    """How a solve ended; each member knows the sentence for people."""

    CONVERGED = "converged"
    ITERATION_LIMIT = "iteration_limit"
    DIVERGED = "diverged"
    NOT_FINITE = "not_finite"
    STOPPED = "stopped"
    FINISHED = "finished"
    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time_limit"

    @property
    def sentence(self) -> str:
        """What happened and, where something can be done, what."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.CONVERGED: (
        "Converged: both residuals are below their tolerances, every constraint is kept within "
        "them, and the objective of a convex problem is likely within rel_tol of its minimum."
    ),
    Status.ITERATION_LIMIT: (
        "The iteration limit was reached before residuals, constraints and objective were within "
        "their tolerances: allow more iterations, or accept looser tolerances."
    ),
    Status.DIVERGED: (
        "The iterates moved away from a solution and the last good one was kept: let step sizes "
        "and rho be chosen automatically, or make them smaller."
    ),
    Status.NOT_FINITE: (
        "NaN or infinite values appeared and the last good iterate was kept: check the data and "
        "the weights for extreme values."
    ),
    Status.STOPPED: "Stopped on request.",
    Status.FINISHED: "Finished: the planned sequence of noise levels was run to its end.",
    Status.OPTIMAL: "Optimal: residuals and gap are within their tolerance.",
    Status.INFEASIBLE: (
        "Infeasible: no point meets all constraints. Loosen or leave out those that contradict "
        "each other."
    ),
    Status.UNBOUNDED: (
        "Unbounded: the objective improves without end. A bound or a constraint is missing."
    ),
    Status.TIME_LIMIT: (
        "The time limit was reached before residuals and gap fell below their tolerance: allow "
        "more time, or accept a looser tolerance."
    ),
}


@dataclass(frozen=True)
class HistoryRow:
    """What was known after one iteration; NaN where it was not evaluated.

    Without a listener, objective and residuals are evaluated at every tenth iteration and the
    last, with one at every iteration.
    """

    iteration: int
    seconds: float
    objective: float = math.nan
    primal_residual: float = math.nan
    dual_residual: float = math.nan
    psnr: float | None = None
    primal_tolerance: float = math.nan
    dual_tolerance: float = math.nan
    rho: float = math.nan


class History:
    """The rows of a solve, one per iteration.

    Example:
        >>> import dprox_core as dp
        >>> x = dp.Variable("x", shape=(4,))
        >>> result = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x)).solve()
        >>> result.history[-1].iteration == result.iterations
        True
    """

    def __init__(self) -> None:
        self.rows: list[HistoryRow] = []

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> HistoryRow:
        return self.rows[index]

    def __iter__(self) -> Iterator[HistoryRow]:
        return iter(self.rows)

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the rows as comma-separated values; what was not evaluated stays empty.

        The columns are iteration, seconds, objective, primal_residual, dual_residual, and psnr
        where a truth was given.

        Args:
            path: the file to write.

        Returns:
            The path written.
        """
        columns = ["iteration", "seconds", "objective", "primal_residual", "dual_residual"]
        if any(row.psnr is not None for row in self.rows):
            columns.append("psnr")
        target = Path(path)
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            for row in self.rows:
                values = [getattr(row, column) for column in columns]
                writer.writerow(["" if v is None or v != v else v for v in values])
        return target


@dataclass(frozen=True)
class Certificate:
    """How far the optimality conditions of a convex problem are from being met.

    With split copies z_j of K_j x and duals y_j: primal ‖(K_j x − z_j)_j‖, dual the length of
    ∇f(x) + Σ_j K_jᴴ y_j + ∂g(x) for the subgradients found. Both are zero exactly at a minimizer
    (Boyd et al. 2011, section 3.3).

    Attributes:
        primal: the primal residual.
        dual: the dual residual.
        primal_tolerance: what counted as small enough.
        dual_tolerance: the same for the dual residual.
        gap: by how much the objective can be above its minimum at most, by Fenchel's duality; None
            where nothing bounds the minimizer, which takes a strongly convex quadratic, or finite
            bounds on every variable.
        estimate: the gap; where there is none, the same if some minimizer is no farther from the
            result than zero is and a step of steepest descent is long, which is no proof.
        residual: by how much the optimality conditions are missed at the values returned, as a
            share of what has to agree: 0 at a minimizer, around 1 far from it. It is measured
            alike for every method, so that methods can be compared.
    """

    primal: float
    dual: float
    primal_tolerance: float
    dual_tolerance: float
    gap: float | None = None
    estimate: float | None = None
    residual: float | None = None

    @property
    def optimal(self) -> bool:
        """Whether both are within their tolerances."""
        return self.primal <= self.primal_tolerance and self.dual <= self.dual_tolerance

    @property
    def sentence(self) -> str:
        """What they mean, in words."""
        verdict = "The optimality conditions are met" if self.optimal else "Not yet optimal"
        return (
            f"{verdict}: split copies agree to {self.primal:.3g} (tolerance "
            f"{self.primal_tolerance:.3g}), stationarity to {self.dual:.3g} (tolerance "
            f"{self.dual_tolerance:.3g})." + self._how_far()
        )

    def _how_far(self) -> str:
        if self.gap is not None:
            return f" The objective is at most {self.gap:.3g} too high."
        if self.estimate is None:
            return ""
        return f" The objective is about {self.estimate:.3g} too high at most, by an estimate."


@dataclass(frozen=True)
class Sample:
    """How the solve of one sample of a batch ended.

    Attributes:
        status: converged once its own residuals were within their tolerances; else how the solve
            of all ended.
        iterations: after how many iterations it converged, or how many were done.
    """

    status: Status
    iterations: int


@dataclass
class Result:
    """The outcome of a solve; ``result[x]`` is the value found for a variable.

    Attributes:
        objective: the written objective at the solution; a constraint counts as met that is
            missed by less than a thousandth of the largest value (``metrics["violation"]`` says
            by how much), otherwise the objective is infinite.
        status: how the solve ended.
        history: one row per iteration.
        iterations: how many were done.
        seconds: time spent computing, listeners not counted.
        plan: what the compiler chose.
        device: where it was computed, such as "cpu".
        metrics: further numbers by name: "psnr" where a truth was given, "violation", by how
            much a constraint is missed at most.
        state: the algorithm's state, to go on from with ``solver.solve(state=...)``.
        certificate: for convex problems, how far the optimality conditions are from being met.
        samples: how each sample of a batch (B, C, H, W) ended: one that has converged stays as it
            is while the others go on. Empty elsewhere.
    """

    values: Mapping[Variable, torch.Tensor]
    objective: float
    status: Status
    history: History
    iterations: int
    seconds: float
    plan: Plan
    device: str
    metrics: dict[str, float] = field(default_factory=dict)
    state: Any = None
    # A linear program's result has one of its own kind.
    certificate: Any = None
    samples: tuple[Sample, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether the residuals fell below their tolerances."""
        return self.status in (Status.CONVERGED, Status.OPTIMAL)

    def __getitem__(self, variable: Variable | str) -> torch.Tensor:
        for held, value in self.values.items():
            # A copy of a variable goes by its name, which is its own within a problem.
            copied = getattr(variable, "shape", None) == held.shape
            name = getattr(variable, "name", None) if copied else variable
            if held is variable or (isinstance(name, str) and held.name == name):
                return value
        name = getattr(variable, "name", variable)
        raise ParameterError(
            f"{name} is no variable of this problem: its variables are "
            f"{', '.join(v.name for v in self.values)}.",
            expected=[v.name for v in self.values],
            got=name,
            where="result",
        )

    def __repr__(self) -> str:
        return (
            f"<result {self.status.value} after {self.iterations} iterations, "
            f"objective {self.objective:.6g}>"
        )
