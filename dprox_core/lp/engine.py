"""Runs a fixed-point step on one minimization: scaling, checks, certificates, limits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.lp.admm import AdmmStep, alternate
from dprox_core.lp.certificate import Certificate, Limits, dual_feasible, measure
from dprox_core.lp.fold import without_costs
from dprox_core.lp.halpern import Check, Verdict, iterate
from dprox_core.lp.model import LinearProgram
from dprox_core.lp.pdhg import PdhgStep
from dprox_core.lp.polish import Polished, Polisher
from dprox_core.lp.rays import (
    RAY_TOLERANCE,
    RAYS_EVERY,
    proves_infeasible,
    proves_unbounded,
    recession,
)
from dprox_core.lp.scaling import equilibrate, follow, room, scale
from dprox_core.monitoring import cancel_requested
from dprox_core.result import Status

__all__ = ["Budget", "Engine", "Outcome", "Progress"]

Array = NDArray[np.float64]

# Checks after which a contradiction among rows and bounds is sought outright, and, where little was
# gained, a direction of endless descent.
_SEEK_AT = (100, 1000, 10_000)
_LITTLE = 1e-3
# Units follow the iterate after this many steps, and after twice as many each time, until sizes are
# known about this well; the weight is then moved this many times at most.
_FOLLOW_FROM, _KNOWN, _LEAN = 200, 3e-3, 4.0
# A pair that is this much better than asked needs no proof by polishing.
_SURE = 0.25
# Where another program decides, it is asked when this one's numbers are that close.
_CLOSE = 10
# Polishing makes residuals this small beside the tolerance, in at most this share of the steps, and
# is tried again after this many times the steps.
_FEASIBLE, _POLISH_FROM, _POLISH_SHARE, _POLISH_AGAIN = 0.01, 400, 0.25, 1.3


@dataclass
class Budget:
    """How much may still be spent, and who may stop.

    Attributes:
        iterations: steps left.
        deadline: on ``time.perf_counter``'s clock; infinite for none.
        spent: steps done.
    """

    iterations: int
    deadline: float
    spent: int = 0


@dataclass(frozen=True)
class Progress:
    """What a check tells who listens; ``read`` gives x and y of the program being iterated."""

    iteration: int
    certificate: Certificate
    weight: float
    read: Callable[[], tuple[Array, Array]]


@dataclass
class Outcome:
    """How iterating ended."""

    status: Status
    x: Array
    y: Array
    certificate: Certificate | None
    ray: Array | None = None
    setup: float = 0.0
    notes: list[str] = field(default_factory=list)


class Engine:
    """One minimization prepared for one method on one device.

    Args:
        program: with sense "min".
        method: "pdhg" or "admm".
        device: where to compute.
        listen: is told at every check and answers whether to stop.
        seek: whether to seek outright what proves that there is no solution.
        accept: tells of x and y whether they solve the program that this one stands for; asked
            where what is missing here may be small there.
        rho: the weight to begin with, in scaled units; None chooses.
    """

    def __init__(
        self,
        program: LinearProgram,
        method: str,
        device: torch.device,
        listen: Callable[[Progress], bool],
        seek: bool = True,
        accept: Callable[[Array, Array], bool] | None = None,
        rho: float | None = None,
    ) -> None:
        begun = time.perf_counter()
        self.program, self.device, self._method = program, device, method
        self._listen, self._seek, self._accept, self._rho = listen, seek, accept, rho
        self._limits = Limits(program, device)
        self._factors = equilibrate(program.A)
        self._prepare(self._factors)
        # In units that follow the iterate what is small would depend on the way there.
        self._plain_limits = Limits(self._scaled.without_matrix(), device)
        self._plain = (self._rows, self._columns, self._duals, self._costs)
        self.setup = time.perf_counter() - begun

    def _prepare(self, factors: tuple[Array, Array]) -> None:
        """The step in the units that these factors of rows and columns give."""
        device = self.device
        self._scaled = scaled = scale(self.program, factors=factors)
        admm = self._method == "admm"
        self.step: PdhgStep | AdmmStep
        self.step = AdmmStep(scaled, device, self._rho) if admm else PdhgStep(scaled, device)
        self._rows, self._columns, self._duals, self._costs = (
            torch.from_numpy(part).to(device)
            for part in (scaled.rows, scaled.columns, scaled.duals, scaled.costs)
        )
        self._polisher: Polisher | None = None

    def run(
        self,
        x: Array,
        y: Array,
        tol: float,
        budget: Budget,
        adapt: bool = True,
        polish: bool = True,
    ) -> Outcome:
        """Iterate from (x, y) until the certificate meets ``tol`` or the budget is spent.

        Args:
            x: variables to start from.
            y: duals to start from.
            tol: relative tolerance.
            budget: steps and time; counts on.
            adapt: whether weight and units follow the iterates.
            polish: whether feasible neighbours are sought.
        """
        # A few more steps of ADMM gain more than PDHG's polishing costs.
        self._polishes = polish and self._method == "pdhg"
        self._deadline = budget.deadline
        self._best: tuple[float, torch.Tensor, torch.Tensor, Certificate] | None = None
        self._status: Status | None = None
        self._ray: Array | None = None
        self._checks, self._worst = 0, math.inf
        self._last = (self._moved(x), self._moved(y))
        self._spent, self._tried, self._next_polish = 0, math.inf, _POLISH_FROM
        left = max(budget.iterations - budget.spent, 1)
        # Units follow the solution in rounds twice as long each; ADMM would have to factorize anew.
        follows = adapt and self._method == "pdhg"
        steps, weight = _FOLLOW_FROM, self._rho
        while self._status is None:
            follows = follows and self._worst > _KNOWN
            before, given = budget.spent, min(steps, left) if follows else left

            def judge(check: Check, before: int = before) -> Verdict:
                budget.spent = before + check.iteration
                return self._judge(check, tol, budget)

            start = self._last[0] / self._columns, self._last[1] / self._duals
            if isinstance(self.step, AdmmStep):
                done = alternate(self.step, *start, given, judge, adapt)
            else:
                done = iterate(self.step, *start, given, judge, adapt, weight)
            left -= done
            if self._status is None and left <= 0:
                self._status = Status.ITERATION_LIMIT
            elif self._status is None:
                weight = self._follow()
                steps *= 2
        budget.spent += self._spent
        if self._best is None:
            return Outcome(self._status, x, y, None, self._ray, self.setup)
        _, best_x, best_y, certificate = self._best
        return Outcome(
            self._status,
            best_x.cpu().numpy(),
            best_y.cpu().numpy(),
            certificate,
            self._ray,
            self.setup,
        )

    def _moved(self, values: Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def _follow(self) -> float:
        """Go on in units that follow the iterate; the primal weight to begin with there.

        It is the weight so far in the new units, moved towards what distances from the start say.
        """
        begun = time.perf_counter()
        weight, before = self.step.weight, self._ratio()
        x, y = (part.cpu().numpy() for part in self._last)
        factors = follow(self.program, self._factors, x, y)
        # Its copies of the matrix go before new ones are made.
        del self.step, self._polisher, self._scaled
        self._prepare(factors)
        self.setup += time.perf_counter() - begun
        after = self._ratio()
        carried = weight * after / before
        return carried * min(max(after / carried, 1 / _LEAN), _LEAN)

    def _ratio(self) -> float:
        """How large the duals are in scaled units, over the variables' distance from bounds."""
        x, y = (part.cpu().numpy() for part in self._last)
        primal = float(np.linalg.norm(room(self.program, x) / self._scaled.columns))
        dual = float(np.linalg.norm(y / self._scaled.duals))
        return dual / primal if min(primal, dual) > 0 else 1.0

    def _judge(self, check: Check, tol: float, budget: Budget) -> Verdict:
        operator = self.step.operator
        x, y = check.x * self._columns, check.y * self._duals
        activity = self._rows * operator.forward(check.x)
        adjoint = self._costs * operator.adjoint(check.y)
        certificate = measure(self._limits, x, y, activity, adjoint)
        worst = certificate.worst
        if not math.isfinite(worst) and not math.isfinite(check.length):
            self._status = Status.NOT_FINITE
            return Verdict(True, 1.0)
        if self._best is None or worst < self._best[0]:
            self._best = (worst, x, y, certificate)
        self._last, self._worst = (x, y), worst
        self._checks += 1
        imbalance = certificate.imbalance
        stop = self._listen(
            Progress(
                budget.spent,
                certificate,
                self.step.weight,
                lambda: (x.cpu().numpy(), y.cpu().numpy()),
            )
        )
        if self._solved(check, certificate, activity, adjoint, tol, budget):
            self._status = Status.OPTIMAL
        elif self._checks % RAYS_EVERY == 0 and self._hopeless(
            check, certificate.primal_relative > tol
        ):
            pass
        elif stop:
            self._status = Status.STOPPED
        elif time.perf_counter() > budget.deadline:
            self._status = Status.TIME_LIMIT
        else:
            return Verdict(False, imbalance)
        return Verdict(True, imbalance)

    def _solved(
        self,
        check: Check,
        certificate: Certificate,
        activity: torch.Tensor,
        adjoint: torch.Tensor,
        tol: float,
        budget: Budget,
    ) -> bool:
        """Whether this pair, or the feasible one beside it, is a solution to the tolerance.

        What an infeasibility is worth is known to first order only, with the sizes that the
        variables and duals have so far; a feasible pair leaves nothing to estimate. So a pair
        that seems good enough is polished, and that verdict counts.
        """
        worst = certificate.worst
        good = worst <= tol and self._holds_in_scaled_units(check, activity, adjoint, tol)
        # Both objectives agree, and only feasibility is missing.
        near = certificate.gap_relative <= tol and budget.spent >= self._next_polish
        if not self._polishes or (good and worst <= _SURE * tol):
            return good
        if not good and not near:
            return False
        if good and worst > 0.5 * self._tried:
            return False
        if good:
            self._tried = worst
        self._next_polish = int(_POLISH_AGAIN * budget.spent)
        polished = self._polish(check, tol, budget, not good)
        held = polished.certificate
        if not (polished.feasible and _holds(polished.scaled, tol)):
            return False
        if not (held.meets(tol) or self._accepted(polished, tol)):
            return False
        self._best = (held.worst, polished.x * self._columns, polished.y * self._duals, held)
        return True

    def _accepted(self, polished: Polished, tol: float) -> bool:
        if self._accept is None or polished.certificate.worst > _CLOSE * tol:
            return False
        x, y = polished.x * self._columns, polished.y * self._duals
        return self._accept(x.cpu().numpy(), y.cpu().numpy())

    def _polish(self, check: Check, tol: float, budget: Budget, both: bool) -> Polished:
        if self._polisher is None:
            step = self.step
            if not isinstance(step, PdhgStep):
                step = PdhgStep(self._scaled, self.device)
            self._polisher = Polisher(
                step,
                self._scaled,
                self._limits,
                self._plain_limits,
                (self._rows, self._columns, self._duals, self._costs),
                self._plain,
            )
        polished = self._polisher.polish(
            check.x,
            check.y,
            _FEASIBLE * tol,
            max(_POLISH_FROM, int(_POLISH_SHARE * budget.spent)),
            lambda: cancel_requested() or time.perf_counter() > budget.deadline,
            both,
        )
        self._spent += polished.steps
        return polished

    def _holds_in_scaled_units(
        self, check: Check, activity: torch.Tensor, adjoint: torch.Tensor, tol: float
    ) -> bool:
        """Whether the residuals are small where all rows and columns are of one size, too.

        Beside a cost of 10⁶ in other units, one of 10⁻⁶ that nothing supports is no residual.
        """
        rows, columns, duals, costs = self._plain
        x, y = check.x * (self._columns / columns), check.y * (self._duals / duals)
        return _holds(measure(self._plain_limits, x, y, activity / rows, adjoint / costs), tol)

    def _hopeless(self, check: Check, misses: bool) -> bool:
        """Whether the iterates move along a ray that proves there is no solution."""
        limits, operator = self._limits, self.step.operator
        direction, dual = check.rays()
        y = dual_feasible(limits, dual * self._duals)
        adjoint = self._costs * operator.adjoint(y / self._duals)
        if proves_infeasible(limits, y, adjoint, self._columns, RAY_TOLERANCE):
            self._status, self._ray = Status.INFEASIBLE, y.cpu().numpy()
            return True
        stuck = self._best is None or self._best[0] > _LITTLE
        if self._seek and self._checks in _SEEK_AT:
            steps = self._checks * self.step.check_every
            if misses and self._contradicts_itself(steps):
                return True
            if stuck:
                direction = self._descent(steps)
        x = recession(limits, direction * self._columns)
        activity = self._rows * operator.forward(x / self._columns)
        if proves_unbounded(limits, x, activity, self._duals, RAY_TOLERANCE):
            self._status, self._ray = Status.UNBOUNDED, x.cpu().numpy()
            return True
        return False

    def _contradicts_itself(self, steps: int) -> bool:
        """Whether rows and bounds alone, without the costs that pull at the iterates, say so."""
        rows = without_costs(self.program)
        engine = Engine(rows, self._method, self.device, lambda _: cancel_requested(), False)
        zeros, budget = (np.zeros(rows.n), np.zeros(rows.m)), Budget(steps, self._deadline)
        found = engine.run(*zeros, 1e-8, budget, polish=False)
        self._spent += budget.spent
        if found.status is Status.INFEASIBLE:
            self._status, self._ray = found.status, found.ray
        return found.status is Status.INFEASIBLE

    def _descent(self, steps: int) -> torch.Tensor:
        """The steepest direction in a box along which no row and no bound is met.

        Where there is one, the iterates approach it, but ADMM may take its time.
        """
        scaled = self._scaled
        cone = LinearProgram(
            scaled.c,
            scaled.A,
            np.where(np.isfinite(scaled.row_lower), 0.0, -np.inf),
            np.where(np.isfinite(scaled.row_upper), 0.0, np.inf),
            np.where(np.isfinite(scaled.lower), 0.0, -1.0),
            np.where(np.isfinite(scaled.upper), 0.0, 1.0),
        )
        engine = Engine(cone, self._method, self.device, lambda _: cancel_requested(), False)
        zeros = np.zeros(cone.n), np.zeros(cone.m)
        found = engine.run(*zeros, 1e-8, Budget(steps, self._deadline), polish=False)
        return torch.from_numpy(found.x).to(self.device)


def _holds(scaled: Certificate, tol: float) -> bool:
    """Whether residuals and gap of scaled units are within the tolerance."""
    return max(scaled.primal_relative, scaled.dual_relative, scaled.gap_relative) <= tol
