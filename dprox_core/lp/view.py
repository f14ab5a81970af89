"""How the solve of a linear program is shown: variables, plan and result of whoever asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.compiler.plan import Plan, PlanTerm
from dprox_core.compiler.tex import name_tex
from dprox_core.expressions.leaves import Variable
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.outcome import LPResult
from dprox_core.memory import bytes_text
from dprox_core.result import Result

__all__ = ["View", "plain_view"]

Array = NDArray[np.float64]

_METHODS = {
    "pdhg": "PDHG (restarted reflected Halpern iteration of the primal-dual hybrid gradient step)",
    "admm": "ADMM (restarted reflected Halpern iteration, one sparse factorization)",
}


class LinearPlan(Plan):
    """The plan of a linear program."""

    def _formulae(self) -> str:
        """The problem that is solved; the numbers of its rows stand in the words."""
        x = ", ".join(name_tex(name) for name in self.variables)
        return "\n".join(
            [
                rf"\mathrm{{minimize}}_{{{x}}} \quad c^{{\top}} x",
                r"\mathrm{subject\ to} \quad b_{1} \leq A x \leq b_{2}, \quad l \leq x \leq u",
            ]
        )

    def _words(self) -> str:
        unknowns = ", ".join(f"{name} of shape {shape}" for name, shape in self.variables.items())
        return "\n".join(
            [
                self.objective,
                f"over      {unknowns}",
                f"method    {_METHODS[self.method]}, {self.dtype} on {self.device}",
                f"  Why: {self.reason}",
                f"This is a linear program with {self.terms[1].text}.",
                f"Stops when residuals, gap and estimated error of the objective, in original "
                f"units, are within {self.tolerances['relative']:g} of their sizes.",
                f"Memory: about {bytes_text(self.memory_bytes)}.",
                *self.guarantees,
            ]
        )


class View:
    """The way from vectors to what listeners and callers know.

    Args:
        finish: makes the result.
        split: cuts a vector into the variables.
        objective: the problem as written.

    Attributes:
        result: what ``finish`` made; None before the end.
        device: where it was computed.
    """

    def __init__(
        self,
        finish: Callable[[LPResult], Result],
        split: Callable[[Array], dict[Variable, torch.Tensor]],
        objective: str,
    ) -> None:
        self._finish, self.split, self.objective = finish, split, objective
        self.result: Result | None = None
        self.device = "cpu"
        self._plan: Plan | None = None

    def plan(self, program: LinearProgram, method: str, reason: str, tol: float) -> Plan:
        """The plan before the first step."""
        names = self.split(np.zeros(program.n))
        rows = f"{program.m} rows, {program.nnz} entries"
        self._plan = LinearPlan(
            method=method,
            objective=self.objective,
            variables={variable.name: variable.shape for variable in names},
            dtype="float64",
            device=self.device,
            passes=(),
            terms=(
                PlanTerm("c @ x", "cost", None, float(np.linalg.norm(program.c))),
                PlanTerm(rows, "constraint", "A", float(np.linalg.norm(program.A.data))),
            ),
            linear_solver="factorization" if method == "admm" else None,
            reason=reason,
            parameters={},
            automatic=("primal weight", "step size"),
            tolerances={"absolute": tol, "relative": tol},
            memory_bytes=2 * 12 * program.nnz + 8 * 20 * (program.n + program.m),
            guarantees=("Converges to an optimum, or to a proof that there is none.",),
        )
        return self._plan

    def finish(self, found: LPResult) -> Result:
        """Make and keep the result."""
        self.result = self._finish(found)
        return self.result

    def summary(self, found: LPResult) -> tuple[Plan, dict[str, float]]:
        """The plan and the numbers of a result."""
        assert self._plan is not None
        held = found.certificate
        metrics = {} if held is None else held.to_dict()
        metrics["violation"] = metrics.get("primal_max", float("nan"))
        return self._plan, metrics


def plain_view(program: LinearProgram) -> View:
    """The view of a program that was written as vectors: one variable x."""
    x = Variable("x", (max(program.n, 1),))

    def split(values: Array) -> dict[Variable, torch.Tensor]:
        return {x: torch.from_numpy(np.array(values))}

    def finish(found: LPResult) -> Result:
        plan, metrics = view.summary(found)
        return Result(
            values=split(found.x),
            objective=found.objective,
            status=found.status,
            history=found.history,
            iterations=found.iterations,
            seconds=found.seconds,
            plan=plan,
            device=view.device,
            metrics=metrics,
        )

    view = View(finish, split, f"{program.sense} c @ x")
    return view
