"""Feasibility polishing: the nearest feasible point and the nearest feasible duals, apart.

A point that meets the limits is a fixed point of the iteration without costs, feasible duals are
one of the iteration with all limits at zero. Started from an approximate solution, either is found
far sooner than the optimum is to the same accuracy, and moves it little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.lp.certificate import Certificate, Limits, measure
from dprox_core.lp.halpern import Check, Verdict, iterate
from dprox_core.lp.pdhg import PdhgStep
from dprox_core.lp.scaling import Scaled

__all__ = ["Polished", "Polisher"]

Array = NDArray[np.float64]
Factors = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Polished:
    """A polished pair in scaled units and what it is in original ones.

    Attributes:
        x: scaled variables.
        y: scaled duals.
        certificate: in original units.
        scaled: in plain scaled units.
        feasible: whether both residuals came down to what was asked.
        steps: how many were done.
    """

    x: torch.Tensor
    y: torch.Tensor
    certificate: Certificate
    scaled: Certificate
    feasible: bool
    steps: int


class Polisher:
    """Polishes pairs of one scaled program.

    Args:
        step: with the scaled program's matrix.
        scaled: the program.
        limits: of the program as written.
        plain_limits: of the program in units that do not follow the iterate.
        factors: rows, columns, duals and costs of ``scaled`` on the step's device.
        plain: those of the units that do not follow.

    References:
        D. Applegate et al., PDLP: A Practical First-Order Method for Large-Scale Linear
        Programming, 2025, section 4 ("feasibility polishing").
    """

    def __init__(
        self,
        step: PdhgStep,
        scaled: Scaled,
        limits: Limits,
        plain_limits: Limits,
        factors: Factors,
        plain: Factors,
    ) -> None:
        self._step, self._limits, self._plain_limits = step, limits, plain_limits
        self._factors, self._plain = factors, plain
        self._without_costs = replace(scaled, c=np.zeros_like(scaled.c))
        self._without_limits = replace(
            scaled,
            row_lower=_zeroed(scaled.row_lower),
            row_upper=_zeroed(scaled.row_upper),
            lower=_zeroed(scaled.lower),
            upper=_zeroed(scaled.upper),
        )

    def polish(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        tol: float,
        steps: int,
        stop: Callable[[], bool],
        both: bool = True,
    ) -> Polished:
        """The pair with its duals made feasible, and its variables too where that helps.

        Args:
            x: scaled variables.
            y: scaled duals.
            tol: what relative residuals come down to, in original and in scaled units.
            steps: the most for each side.
            stop: is asked at every check.
            both: whether to polish the variables.
        """
        (_, y), feasible, done = self._run(self._without_limits, 0 * x, y, tol, steps, stop)
        found = Polished(x, y, *self._measured(x, y), feasible, done)
        if not (both and feasible):
            return found
        (x, _), feasible, more = self._run(self._without_costs, x, 0 * y, tol, steps, stop)
        tried = Polished(x, y, *self._measured(x, y), feasible, done + more)
        better = tried.certificate.worst < found.certificate.worst
        return tried if better else replace(found, steps=done + more)

    def _run(
        self,
        program: Scaled,
        x: torch.Tensor,
        y: torch.Tensor,
        tol: float,
        steps: int,
        stop: Callable[[], bool],
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], bool, int]:
        step = PdhgStep(program, x.device, like=self._step)
        step.weight = self._step.weight
        primal = program is self._without_costs
        found, held = (x, y), False

        def judge(check: Check) -> Verdict:
            nonlocal found, held
            found = (check.x, check.y)
            measured = self._measured(check.x, check.y)
            held = (
                max(part.primal_relative if primal else part.dual_relative for part in measured)
                <= tol
            )
            return Verdict(held or stop(), 1.0)

        done = iterate(step, x, y, steps, judge)
        return found, held, done

    def _measured(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Certificate, Certificate]:
        rows, columns, duals, costs = self._factors
        operator = self._step.operator
        activity, adjoint = rows * operator.forward(x), costs * operator.adjoint(y)
        x, y = x * columns, y * duals
        rows, columns, duals, costs = self._plain
        parts = x / columns, y / duals, activity / rows, adjoint / costs
        return (
            measure(self._limits, x, y, activity, adjoint),
            measure(self._plain_limits, *parts),
        )


def _zeroed(limits: Array) -> Array:
    return np.where(np.isfinite(limits), 0.0, limits)
