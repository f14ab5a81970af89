"""Which methods accept a problem, and exactly why the others do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from dprox_core.compiler.compile import ABS_TOL, REL_TOL, compile_problem
from dprox_core.compiler.plan import Plan
from dprox_core.errors import CompileError
from dprox_core.memory import bytes_text
from dprox_core.problem import Problem, as_problem
from dprox_core.proxfns.base import Objective

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True)
class Candidate:
    """One method and what it says to a problem.

    Attributes:
        method: its name.
        accepts: whether it can solve the problem.
        reason: "accepts", or the sentence that says why not.
        where: the lowest sub-expression at fault, in the user's words; None where it accepts.
        plan: what it would do; None where it does not accept.
    """

    method: str
    accepts: bool
    reason: str
    where: str | None
    plan: Plan | None

    @property
    def memory_bytes(self) -> int | None:
        """Predicted memory of a solve, None where it does not accept."""
        return None if self.plan is None else self.plan.memory_bytes

    def __str__(self) -> str:
        if self.plan is None:
            return f"{self.method}: {self.reason}"
        solver = self.plan.linear_solver
        means = "" if solver is None else f", linear systems: {solver}"
        accepts = f"{self.method}: accepts (about {bytes_text(self.plan.memory_bytes)}{means})"
        return " ".join([accepts, *self.plan.warnings])


def candidates(
    problem: Problem | Objective, device: str | torch.device | None = None
) -> tuple[Candidate, ...]:
    """Every method, with "accepts" or the reason why not.

    Args:
        problem: the problem, or its objective; its placeholders have values.
        device: where it would run, as for ``Problem.compile``.

    Returns:
        One candidate for each method, those that accept first.

    Raises:
        ParameterError: the problem itself is faulty, whatever the method.
        DataError: data holds NaN or infinity.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(1, 1, 8, 8))
        >>> problem = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(2 * dp.grad(x)))
        >>> {c.method: c.where for c in dp.candidates(problem)}["fista"]
        'grad(x)'

    References:
        S. Diamond, S. Boyd, CVXPY, 2016: chains of reductions that say what they accept.
    """
    from dprox_core.compiler.methods import METHODS

    problem = as_problem(problem)
    found = [_ask(problem, method, device) for method in METHODS]
    return tuple(sorted(found, key=lambda candidate: not candidate.accepts))


def _ask(problem: Problem, method: str, device: Any) -> Candidate:
    try:
        with torch.no_grad():
            solver = compile_problem(problem.whole, method, device, ABS_TOL, REL_TOL, (), {})
    except CompileError as error:
        return Candidate(method, False, str(error), error.where, None)
    return Candidate(method, True, "accepts", None, solver.plan)
