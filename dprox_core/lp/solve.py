"""Solving a linear program: presolve, first-order iterations, the way back, the verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.arguments import whole_number
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.lp.certificate import certify
from dprox_core.lp.choose import choose
from dprox_core.lp.engine import Budget, Engine, Outcome
from dprox_core.lp.fold import Folded, fold, without_costs
from dprox_core.lp.model import LinearProgram, refuse_no_program
from dprox_core.lp.outcome import LPResult
from dprox_core.lp.presolve import crossover as cross
from dprox_core.lp.presolve import presolve as reduce
from dprox_core.lp.report import Reporter
from dprox_core.lp.view import View, plain_view
from dprox_core.monitoring import silence
from dprox_core.result import Status
from dprox_core.sessions import resolve_device

__all__ = ["solve_lp"]

Array = NDArray[np.float64]
# How much tighter a reduced program is solved again where its solution misses on the way back.
_TIGHTER = 0.1
_PARTS = ("presolve", "setup", "iterate", "postsolve", "crossover")


def solve_lp(
    program: LinearProgram,
    method: str = "auto",
    *,
    tol: float = 1e-6,
    max_iter: int = 1_000_000,
    time_limit: float | None = None,
    x0: object = None,
    y0: object = None,
    presolve: bool = True,
    crossover: bool = False,
    adapt_params: bool = True,
    polish: bool = True,
    rho: float | None = None,
    device: str | torch.device = "cpu",
    view: View | None = None,
) -> LPResult:
    """Solve a linear program by a first-order method.

    min cᵀx + c0 subject to row_lower ≤ A x ≤ row_upper and lower ≤ x ≤ upper.

    The solve ends when the certificate, in original units and with all limits as written, shows
    ‖violations‖ ≤ tol (1 + ‖limits‖), ‖dual violations‖ ≤ tol (1 + ‖c‖) and a gap of at most
    tol (1 + |primal| + |dual|), as PDLP does, and moreover an estimated error of the objective of
    at most tol times its size and residuals within tol where rows and columns are brought to one
    size, because the first three alone can lie on badly scaled models.

    Args:
        program: what to solve.
        method: "pdhg" (restarted reflected Halpern PDHG; sparse products only), "admm" (ADMM with
            a penalty for each limit that learns, and sparse factors), or "auto", which takes ADMM
            on the CPU where a factorization is cheap, and says why.
        tol: relative tolerance, above 0.
        max_iter: the most steps, from 1.
        time_limit: in seconds, None for none.
        x0: variables to start from, ``(n,)``; starting values switch presolve off.
        y0: duals to start from, ``(m,)``, with the sign of ``LPResult.y``.
        presolve: whether HiGHS reduces the program first; ADMM, which factorizes, never needs it.
        crossover: whether HiGHS moves the solution to an optimal vertex at the end.
        adapt_params: whether the primal weight (ADMM's penalties) is adapted while iterating, from
            distances travelled and residuals, and with PDHG the units too, from the sizes of the
            iterates; otherwise all stay as they were at the start.
        polish: whether PDHG seeks feasible duals near the iterate before a solution is believed,
            and a feasible pair where only feasibility is missing (feasibility polishing).
        rho: ADMM's penalty, or PDHG's primal weight, to begin with, in scaled units, above 0; None
            chooses. With ``adapt_params`` it changes from there.
        device: "cpu", "cuda" or "auto".
        view: how it is shown to listeners; None for one variable x.

    Returns:
        Variables, duals, reduced costs, status, certificate and timings.

    Raises:
        ParameterError: an option out of its range.
        ShapeError: a start of another size.
        DeviceError: the device is missing.

    Example:
        >>> from dprox_core.lp import LinearProgram, solve_lp
        >>> program = LinearProgram(c=[-1.0, -2.0], A=[[1.0, 1.0]], row_upper=4.0, upper=3.0)
        >>> result = solve_lp(program)
        >>> result.status.value, [round(v, 3) for v in result.x.tolist()]
        ('optimal', [1.0, 3.0])

    References:
        D. Applegate et al., Practical large-scale linear programming using primal-dual hybrid
        gradient, 2021.
        H. Lu, Z. Peng, J. Yang, cuPDLPx: A Further Enhanced GPU-Based First-Order Solver for
        Linear Programming, 2025.
    """
    refuse_no_program("solve_lp", program)
    _check(method, tol, max_iter, time_limit, rho)
    target = resolve_device(device)
    start = (_start(x0, program.n, "x0"), _start(y0, program.m, "y0"))
    options = (tol, max_iter, time_limit, presolve, crossover, adapt_params, polish, rho)
    return _Solve(program, method, target, view or plain_view(program), *options).run(*start)


class _Solve:
    def __init__(
        self,
        program: LinearProgram,
        method: str,
        device: torch.device,
        view: View,
        tol: float,
        max_iter: int,
        time_limit: float | None,
        presolve: bool,
        crossover: bool,
        adapt: bool,
        polish: bool,
        rho: float | None,
    ) -> None:
        self._begun = time.perf_counter()
        self._program, self._minimum = program, program.minimized()
        self._sign = 1.0 if program.sense == "min" else -1.0
        self._asked, self._device, self._tol = method, device, tol
        self._presolve, self._crossover = presolve, crossover
        self._adapt, self._polish, self._rho = adapt, polish, rho
        limit = math.inf if time_limit is None else time_limit
        self._budget = Budget(max_iter, self._begun + limit)
        self._timings = dict.fromkeys(
            ("presolve", "setup", "iterate", "postsolve", "crossover"), 0.0
        )
        self._method, self._reason = "presolve", "Presolve decided it."
        self._reporter = Reporter(program, tol, max_iter, view)

    def run(self, x0: Array | None, y0: Array | None) -> LPResult:
        self._choice = choose(self._program, self._asked, self._device)
        self._reporter.start(*self._choice, self._device)
        result = self._solve(x0, y0)
        self._reporter.finish(result)
        return result

    def _solve(self, x0: Array | None, y0: Array | None) -> LPResult:
        sentence = self._minimum.contradiction()
        if sentence is not None:
            return self._without_point(Status.INFEASIBLE, sentence)
        folded = self._timed("presolve", lambda: fold(self._minimum))
        if folded.contradiction is not None:
            return self._without_point(Status.INFEASIBLE, folded.contradiction)
        x = np.zeros(folded.program.n) if x0 is None else x0
        y = np.zeros(folded.program.m)
        if y0 is not None:
            y = folded.restrict(self._sign * y0)
        if folded.ray is not None:
            return self._either(folded.ray)
        if folded.program.m == 0:
            return self._without_rows(folded)
        warm = x0 is not None or y0 is not None
        # ADMM's factorization eliminates what presolve would, and the way back from there magnifies
        # what the duals of an approximate solution lack.
        if self._presolve and not warm and self._choice[0] == "pdhg":
            found = self._reduced(folded)
            if isinstance(found, LPResult):
                return found
            if found is not None:
                x, y = found
        return self._conclude(folded, self._iterate(folded.program, x, y))

    def _reduced(self, folded: Folded) -> LPResult | tuple[Array, Array] | None:
        """Solve by way of HiGHS' presolve: the result, or where to go on from without it."""
        left = self._budget.deadline - time.perf_counter()
        seconds = None if math.isinf(left) else left
        held = self._timed("presolve", lambda: reduce(folded.program, seconds))
        if held.verdict == "infeasible":
            return self._without_point(Status.INFEASIBLE, "Presolve found it infeasible.")
        if held.verdict == "infeasible or unbounded":
            return self._either(None)
        if held.verdict == "empty":
            x, y = self._timed("postsolve", lambda: held.restore(np.zeros(0), np.zeros(0)))
            return self._if_good(folded, x, y)
        if held.program is None:
            return None

        def accept(x: Array, y: Array) -> bool:
            x, y = held.restore(x, y)
            return certify(self._minimum, x, folded.expand(x, y)).meets(self._tol)

        self._reporter.expand = lambda x, y: held.restore(x, y)[0]
        zeros = np.zeros(held.program.n), np.zeros(held.program.m)
        outcome = self._iterate(held.program, *zeros, accept=accept)
        self._reporter.expand = None
        if outcome.status is Status.INFEASIBLE:
            return self._without_point(Status.INFEASIBLE, "")
        if outcome.status is Status.UNBOUNDED:
            return self._either(None)
        x, y = self._timed("postsolve", lambda: held.restore(outcome.x, outcome.y))
        found = self._if_good(folded, x, y)
        if outcome.status is not Status.OPTIMAL and not isinstance(found, LPResult):
            return self._result(outcome.status, x, folded.expand(x, y))
        if not isinstance(found, LPResult):
            # The way back made residuals larger: what is left of the program is solved better.
            self._reporter.expand = lambda x, y: held.restore(x, y)[0]
            outcome = self._iterate(held.program, outcome.x, outcome.y, _TIGHTER * self._tol)
            self._reporter.expand = None
            x, y = self._timed("postsolve", lambda: held.restore(outcome.x, outcome.y))
            found = self._if_good(folded, x, y)
        return found

    def _if_good(self, folded: Folded, x: Array, y: Array) -> LPResult | tuple[Array, Array]:
        """The result where it holds in original units, else the pair to go on from."""
        full = folded.expand(x, y)
        if certify(self._minimum, x, full).meets(self._tol):
            return self._result(Status.OPTIMAL, x, full)
        return x, y

    def _conclude(self, folded: Folded, outcome: Outcome) -> LPResult:
        if outcome.status is Status.INFEASIBLE:
            assert outcome.ray is not None
            ray = _unfold_ray(folded, outcome.ray)
            return self._without_point(Status.INFEASIBLE, "", ray)
        if outcome.status is Status.UNBOUNDED:
            return self._either(outcome.ray)
        return self._result(outcome.status, outcome.x, folded.expand(outcome.x, outcome.y))

    def _iterate(
        self,
        program: LinearProgram,
        x: Array,
        y: Array,
        tol: float | None = None,
        accept: Callable[[Array, Array], bool] | None = None,
    ) -> Outcome:
        self._method, self._reason = self._choice
        listen = self._reporter.check
        engine = Engine(program, self._method, self._device, listen, accept=accept, rho=self._rho)
        self._timings["setup"] += engine.setup
        return self._timed(
            "iterate",
            lambda: engine.run(x, y, tol or self._tol, self._budget, self._adapt, self._polish),
        )

    def _either(self, ray: Array | None) -> LPResult:
        """A direction of endless descent is known: is there a point to start from?"""
        left = self._budget.deadline - time.perf_counter()
        # Told to nobody: for who listens it is a part of this solve.
        with silence():
            feasible = solve_lp(
                without_costs(self._minimum),
                self._asked,
                tol=min(self._tol, 1e-6),
                max_iter=max(self._budget.iterations - self._budget.spent, 1),
                time_limit=None if math.isinf(left) else max(left, 1e-3),
                device=self._device,
            )
        self._budget.spent += feasible.iterations
        if feasible.status is Status.OPTIMAL:
            return self._without_point(Status.UNBOUNDED, "", ray, feasible.x)
        return self._without_point(feasible.status, feasible.message, feasible.ray)

    def _without_rows(self, folded: Folded) -> LPResult:
        """Bounds alone: each variable goes where its cost wants it."""
        x = np.clip(0.0, folded.program.lower, folded.program.upper)
        return self._result(Status.OPTIMAL, x, folded.expand(x, np.zeros(0)))

    def _timed(self, part: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        done = work()
        self._timings[part] += time.perf_counter() - begun
        return done

    def _result(self, status: Status, x: Array, y: Array) -> LPResult:
        if self._crossover and status is Status.OPTIMAL:
            basis = self._timed("crossover", lambda: cross(self._minimum, x, y))
            if basis is not None:
                x, y = basis.x, basis.y
        certificate = certify(self._minimum, x, y)
        z = self._minimum.c - self._minimum.A.T @ y
        objective = self._program.objective(x)
        return self._made(status, x, y, z, objective, certificate)

    def _without_point(
        self, status: Status, message: str, ray: Array | None = None, x: Array | None = None
    ) -> LPResult:
        """There is no solution; x is a feasible point where there is one."""
        n, m = self._program.n, self._program.m
        worst = {Status.INFEASIBLE: math.inf, Status.UNBOUNDED: -math.inf}.get(status, math.nan)
        x = np.full(n, np.nan) if x is None else x
        nothing = np.full(m, np.nan), np.full(n, np.nan)
        return self._made(status, x, *nothing, self._sign * worst, None, ray, message)

    def _made(
        self,
        status: Status,
        x: Array,
        y: Array,
        z: Array,
        objective: float,
        certificate: Any,
        ray: Array | None = None,
        message: str = "",
    ) -> LPResult:
        return LPResult(
            self._program,
            x,
            self._sign * y,
            self._sign * z,
            objective,
            status,
            certificate,
            self._budget.spent,
            time.perf_counter() - self._begun,
            self._timings,
            self._method,
            self._reason,
            ray,
            message or status.sentence,
            self._reporter.history,
            self._reporter.gaps,
        )


def _unfold_ray(folded: Folded, ray: Array) -> Array:
    """A Farkas ray of all rows: bounds that came from rows pass their share on."""
    program = without_costs(folded.program)
    held = Folded(program, None, None, folded._rows, folded._kept, folded._lower, folded._upper)
    return held.expand(np.zeros(program.n), ray)


def _start(value: object, size: int, name: str) -> Array | None:
    if value is None:
        return None
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    array = np.array(value, dtype=np.float64).ravel()
    if array.size != size:
        raise ShapeError(
            f"{name} has {array.size} values, but {size} are needed.",
            expected=size,
            got=array.size,
            where=name,
        )
    if not np.isfinite(array).all():
        raise ParameterError(
            f"{name} holds NaN or infinite values: start from finite ones.",
            expected="finite values",
            where=name,
        )
    return array


def _check(
    method: str, tol: float, max_iter: int, time_limit: float | None, rho: float | None
) -> None:
    if method not in ("auto", "pdhg", "admm"):
        raise ParameterError(
            f'A linear program is solved by method "auto", "pdhg" or "admm", not {method!r}.',
            expected=("auto", "pdhg", "admm"),
            got=method,
            where="method",
        )
    if not (isinstance(tol, int | float) and 0 < tol < 1):
        raise ParameterError(
            f"tol must be a number between 0 and 1, such as 1e-6, not {tol!r}.",
            expected="0 < tol < 1",
            got=tol,
            where="tol",
        )
    whole_number("max_iter", max_iter, "max_iter")
    if time_limit is not None and not time_limit > 0:
        raise ParameterError(
            f"time_limit must be seconds above 0, or None, not {time_limit!r}.",
            expected="above 0",
            got=time_limit,
            where="time_limit",
        )
    if rho is not None and not (isinstance(rho, int | float) and 0 < rho < math.inf):
        raise ParameterError(
            f"rho must be a number above 0, or None, not {rho!r}.",
            expected="above 0",
            got=rho,
            where="rho",
        )
