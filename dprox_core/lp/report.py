"""Tells listeners and the history how a linear program goes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.compiler.plan import Plan, PlanTerm
from dprox_core.lp.engine import Progress
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.monitor import Iteration, SolveStarted, cancel_requested, listeners, notify
from dprox_core.result import History, HistoryRow

__all__ = ["Reporter", "plan_of"]

Array = NDArray[np.float64]


class Reporter:
    """One solve's history and events.

    Args:
        program: as written.
        tol: the tolerance.
        max_iter: the most steps.
        method: as asked for.
    """

    def __init__(self, program: LinearProgram, tol: float, max_iter: int, method: str) -> None:
        self.history = History()
        # From x and y of a reduced program to x of the program as written.
        self.expand: Callable[[Array, Array], Array] | None = None
        self._program, self._tol, self._limit, self._method = program, tol, max_iter, method
        self._begun = time.perf_counter()
        self._sign = 1.0 if program.sense == "min" else -1.0

    def start(self, device: torch.device) -> None:
        """A solve begins."""
        self._begun = time.perf_counter()
        if listeners("on_start"):
            plan = plan_of(self._program, self._method, self._tol, device)
            tolerances = {"relative": self._tol}
            notify("on_start", SolveStarted(plan, self._limit, ("x",), tolerances))

    def check(self, progress: Progress) -> bool:
        """A check was done; whether someone wants to stop."""
        held = progress.certificate
        row = HistoryRow(
            progress.iteration,
            time.perf_counter() - self._begun,
            objective=self._sign * held.objective,
            primal_residual=held.primal_relative,
            dual_residual=held.dual_relative,
            primal_tolerance=self._tol,
            dual_tolerance=self._tol,
            rho=progress.weight,
        )
        self.history.rows.append(row)
        hooks = listeners("on_iteration")
        if not hooks:
            return cancel_requested()
        event = Iteration(
            row.iteration,
            row.seconds,
            row.objective,
            row.primal_residual,
            row.dual_residual,
            self._tol,
            self._tol,
            None,
            row.rho,
            _read=lambda: {"x": self._x(progress)},
        )
        for hook in hooks:
            hook(event)
        event.close()
        return event.stop_requested or cancel_requested()

    def _x(self, progress: Progress) -> torch.Tensor:
        x, y = progress.read()
        return torch.from_numpy(np.array(x if self.expand is None else self.expand(x, y)))

    def finish(self, result: LPResult) -> None:
        """A solve is over."""


def plan_of(program: LinearProgram, method: str, tol: float, device: torch.device) -> Plan:
    """A linear program and its solver in words and numbers."""
    rows = f"{program.m} rows of A x, {program.nnz} entries"
    return Plan(
        method=method,
        objective=f"{program.sense} c @ x",
        variables={"x": (program.n,)},
        dtype="float64",
        device=str(device),
        passes=(),
        terms=(
            PlanTerm("c @ x", "cost", None, float(np.linalg.norm(program.c))),
            PlanTerm(rows, "constraint", "A", float(np.linalg.norm(program.A.data))),
        ),
        linear_solver=None,
        reason="",
        parameters={},
        automatic=("primal weight", "step size"),
        tolerances={"relative": tol},
        memory_bytes=24 * 2 * program.nnz + 8 * 12 * (program.n + program.m),
        guarantees=("Converges to an optimum, or to a proof that there is none.",),
    )
