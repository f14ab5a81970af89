"""Tells listeners and the history how a linear program goes."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.lp.engine import Progress
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.view import View
from dprox_core.monitoring import (
    Iteration,
    SolveFinished,
    SolveStarted,
    cancel_requested,
    listeners,
    notify,
)
from dprox_core.result import History, HistoryRow

__all__ = ["Reporter"]

Array = NDArray[np.float64]


class Reporter:
    """One solve's history and events.

    Args:
        program: as written.
        tol: the tolerance.
        max_iter: the most steps.
        view: how it is shown.
    """

    def __init__(self, program: LinearProgram, tol: float, max_iter: int, view: View) -> None:
        self.history = History()
        self.gaps: list[float] = []
        # From x and y of a reduced program to x of the program as written.
        self.expand: Callable[[Array, Array], Array] | None = None
        self._program, self._tol, self._limit, self._view = program, tol, max_iter, view
        self._begun = time.perf_counter()
        self._sign = 1.0 if program.sense == "min" else -1.0

    def start(self, method: str, reason: str, device: torch.device) -> None:
        """A solve begins."""
        self._begun = time.perf_counter()
        self._view.device = str(device)
        plan = self._view.plan(self._program, method, reason, self._tol)
        names, tolerances = tuple(plan.variables), dict(plan.tolerances)
        notify("on_start", SolveStarted(plan, self._limit, names, tolerances))

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
        self.gaps.append(held.gap_relative)
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
            _read=lambda: self._values(progress),
        )
        for hook in hooks:
            hook(event)
        event.close()
        return event.stop_requested or cancel_requested()

    def _values(self, progress: Progress) -> dict[str, torch.Tensor]:
        x, y = progress.read()
        full = x if self.expand is None else self.expand(x, y)
        return {variable.name: value for variable, value in self._view.split(full).items()}

    def finish(self, result: LPResult) -> None:
        """A solve is over."""
        notify("on_finish", SolveFinished(self._view.finish(result)))
