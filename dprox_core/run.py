"""One solve from start to finish: history, listeners, stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.acceptance import kept, size_of, summands
from dprox_core.algorithms.base import Past, Residuals, State
from dprox_core.algorithms.evidence import Proof, prove
from dprox_core.doubt import Doubt
from dprox_core.expressions.leaves import Variable
from dprox_core.extrapolation import Extrapolation
from dprox_core.imaging.metrics import psnr
from dprox_core.monitoring import (
    Iteration,
    SolveFinished,
    SolveStarted,
    cancel_requested,
    listeners,
    notify,
)
from dprox_core.numerics.reductions import norm
from dprox_core.outlook import Outlook
from dprox_core.result import Certificate, History, HistoryRow, Result, Status
from dprox_core.samples import Ended

if TYPE_CHECKING:
    from dprox_core.solver import Solver

__all__ = ["CHECK_EVERY", "Run"]

Vectors = tuple[torch.Tensor, ...]

# Residuals cost about as much as a step, so stopping is decided at every tenth.
CHECK_EVERY = 10
# A prox-linear iteration that converges never lets its residual grow like this.
_DIVERGED = 1e4
# A constraint counts as met when missed by less than this, or this share of the largest value.
_MISSED = 1e-3


class Run:
    """One solve from start to finish: history, listeners, stopping."""

    def __init__(
        self,
        solver: Solver,
        state: State,
        max_iter: int,
        truths: Mapping[Variable, torch.Tensor],
    ) -> None:
        self._solver = solver
        self._algorithm = solver.algorithm
        self._state = state
        self._limit = max_iter
        self._history = History()
        self._seconds = 0.0
        # A step may write into the memory of the state it is given.
        self._good = tuple(v.detach().clone() for v in solver.algorithm.answer(state))
        self._doubt: Doubt | None = None
        self._outlook = Outlook(solver)
        past = state.past
        fits = past is not None and past.iteration == state.iteration
        self._earlier: Mapping[str, float] = past.numbers if past is not None and fits else {}
        self._extrapolation = Extrapolation(solver, past if fits else None)
        # Whether the state is one at which a trial may begin; it is made before the next step, so
        # that what a solve ends with has been iterated.
        self._ahead = self._earlier.get("ahead", 0.0) > 0.0
        self._bound = self._earlier.get("bound")
        self._least = self._earlier.get("least", math.inf)
        # What was measured in the last iteration, if anything was.
        self._seen: tuple[Vectors, list[float]] | None = None
        self._ended = Ended(solver.algorithm.tolerances.absolute)
        variables = solver.model.variables
        self._truths = {
            index: truths[variable].to(solver.model.spaces[index].device)
            for index, variable in enumerate(variables)
            if variable in truths
        }

    def run(self) -> Result:
        solver, variables = self._solver, self._solver.model.variables
        tolerances = self._algorithm.tolerances
        notify(
            "on_start",
            SolveStarted(
                solver.plan,
                self._limit,
                tuple(variable.name for variable in variables),
                {"absolute": tolerances.absolute, "relative": tolerances.relative},
            ),
        )
        status = Status.ITERATION_LIMIT
        hooks = listeners("on_iteration")
        for count in range(1, self._limit + 1):
            ended = self._advance(count, hooks)
            if ended is not None:
                status = ended
                break
        result = self._finish(status)
        notify("on_finish", SolveFinished(result))
        return result

    def _advance(self, count: int, hooks: list[Any]) -> Status | None:
        """One iteration with everything around it; a status where the solve is over."""
        begun = time.perf_counter()
        self._seen = None
        if self._ahead:
            with self._solver.mode():
                left = self._limit - count + 1
                self._state = self._extrapolation.ahead(self._state, left >= CHECK_EVERY)
            self._ahead = False
        check = self._is_check(count)
        with self._solver.mode():
            self._state = self._algorithm.step(self._state, check or bool(hooks))
        iteration, ended, measured = self._state.iteration, None, {}
        if check or hooks:
            live = self._algorithm.answer(self._state)
            measured = self._measured(self._ended.answer(live))
            ended = self._judge(live) if check else None
        self._seconds += time.perf_counter() - begun
        row = HistoryRow(iteration, self._seconds, **measured)
        self._history.rows.append(row)
        stop = self._tell(hooks, row) or cancel_requested()
        return Status.STOPPED if stop and ended is None else ended

    def _is_check(self, count: int) -> bool:
        ends = (self._limit, self._algorithm.exact_after)
        last = self._algorithm.last(self._state)
        due = self._state.iteration + 1
        return due % CHECK_EVERY == 0 or count in ends or due == last

    def _measured(self, answer: Vectors) -> dict[str, Any]:
        """What a row of the history says of an answer."""
        held = self._state.residuals
        assert held is not None, "the step was asked to measure"
        answer = tuple(v.detach() for v in answer)
        values = summands(self._solver.model, answer)
        self._seen = answer, values
        quality = [psnr(answer[index], truth) for index, truth in self._truths.items()]
        return {
            "objective": sum(values),
            "primal_residual": held.primal,
            "dual_residual": held.dual,
            "primal_tolerance": held.primal_tolerance,
            "dual_tolerance": held.dual_tolerance,
            "psnr": quality[0] if quality else None,
            "rho": self._algorithm.parameter(self._state),
        }

    def _judge(self, live: Vectors) -> Status | None:
        """Whether the solve is over; keeps the last good iterate and adapts step sizes."""
        held = self._state.residuals
        assert held is not None, "a check is always measured"
        due = self._state.iteration % CHECK_EVERY == 0
        back, failed = self._extrapolation.settled(self._state) if due else (None, [])
        # Where nothing is split off, residuals do not see what one linear solve has given.
        unknown = self._seen is not None and math.isnan(sum(self._seen[1]))
        if back is None and (unknown or not held.finite):
            return Status.NOT_FINITE
        if self._doubt is None:
            self._doubt = Doubt(self._solver, max(1, len(held.samples)))
            self._doubt.restore(self._earlier)
        self._doubt.note(self._good, live)
        if self._converged(held, live):
            return Status.CONVERGED
        if self._state.iteration == self._algorithm.last(self._state):
            return Status.FINISHED
        if back is not None:
            self._state, self._seen = back, None
            if not all(failed):
                # The other samples go on as each would alone.
                self._keep(live, failed)
                self._go_on()
            return None
        if self._goes_lower(live, max(1, len(held.samples))):
            self._keep(live)
            return None
        size = max(
            held.primal / max(held.primal_tolerance, 1e-300),
            held.dual / max(held.dual_tolerance, 1e-300),
        )
        if self._bound is None:
            # Tolerances grow along with iterates that run away, so the first ones are kept. A
            # first residual may vanish by chance, the iterate beside it hardly does.
            start = math.sqrt(sum(norm(v) ** 2 for v in self._state.x))
            self._bound = _DIVERGED * max(held.primal, held.primal_tolerance, start)
        # Below the tolerances residuals are rounding, which grows by any factor.
        if size > _DIVERGED * max(1.0, self._least) or held.primal > self._bound > 0.0:
            return Status.DIVERGED
        if size <= self._least:
            self._least = size
        hopeless = self._outlook.look(self._state)
        if hopeless is not None:
            return hopeless
        self._keep(live)
        if due:
            self._go_on()
        return None

    def _keep(self, live: Vectors, failed: list[bool] | None = None) -> None:
        """The answer as the last good one, without the samples whose trials failed."""
        found = tuple(v.detach().clone() for v in self._ended.answer(live))
        for index, out in enumerate(failed or ()):
            if out:
                for new, old in zip(found, self._good, strict=True):
                    new[index] = old[index]
        self._good = found

    def _go_on(self) -> None:
        """Adapt step sizes, and look ahead before the next step."""
        with self._solver.mode():
            self._state = self._adapted()
        self._ahead = True

    def _goes_lower(self, live: Vectors, samples: int) -> bool:
        """Go on from where the objective was found to be clearly lower, if it was."""
        assert self._doubt is not None, "it is made before anything is judged"
        lower = self._doubt.lower(self._state, live, self._ended.waiting(samples))
        placed = None if lower is None else self._algorithm.placed(self._state, lower)
        if placed is None:
            return False
        # What was measured before says nothing about residuals there.
        self._state, self._least, self._bound = placed, math.inf, None
        self._extrapolation.restart()
        return True

    def _adapted(self) -> State:
        """With another ρ where that is better: residuals may then be as many times as large."""
        before = self._algorithm.parameter(self._state)
        state = self._algorithm.adapt(self._state)
        after = self._algorithm.parameter(state)
        if before > 0.0 and after > 0.0 and after != before:
            times = max(after / before, before / after)
            self._least *= times
            # Where a solve goes on and its first trial fails, nothing is bounded yet.
            self._bound = None if self._bound is None else self._bound * times
        return state

    def _converged(self, held: Residuals, live: Vectors) -> bool:
        """Whether every sample is within its tolerances, constraints kept, and nothing in doubt."""
        count = len(held.samples)
        waiting = self._ended.waiting(count)
        met = [sample.met and w for sample, w in zip(held.samples, waiting, strict=True)]
        self._ended.note(self._state.iteration, held.samples, live, lambda: self._sure(live, met))
        everyone = self._ended.all
        if everyone is not None:
            return everyone
        return self._algorithm.done(self._state) and all(self._sure(live, [True] * max(1, count)))

    def _sure(self, answer: Vectors, met: list[bool]) -> tuple[bool, ...]:
        """Of which samples that have met their tolerances nothing else is missing.

        Residuals see constraints beside all other terms.
        """
        assert self._doubt is not None, "it is made before anything is judged"
        held = self._doubt.kept(answer, len(met))
        wanted = [a and b for a, b in zip(met, held, strict=True)]
        if not any(wanted):
            return held
        sizes = None
        if len(met) == 1 and self._seen is not None:
            sizes = [size_of(self._seen[1])]
        return tuple(self._doubt.clear(self._state, answer, wanted, sizes))

    def _answer(self) -> Vectors:
        return self._ended.answer(self._algorithm.answer(self._state))

    def _tell(self, hooks: list[Any], row: HistoryRow) -> bool:
        if not hooks:
            return False
        event = Iteration(
            row.iteration,
            row.seconds,
            row.objective,
            row.primal_residual,
            row.dual_residual,
            row.primal_tolerance,
            row.dual_tolerance,
            row.psnr,
            row.rho,
            _read=lambda: self._solver.values(self._state),
        )
        for hook in hooks:
            hook(event)
        event.close()
        return event.stop_requested

    def _finish(self, status: Status) -> Result:
        solver = self._solver
        good = status not in (Status.NOT_FINITE, Status.DIVERGED)
        answer = self._answer() if good else self._good
        plain = tuple(v.detach() for v in answer)
        if self._seen is not None and all(map(torch.equal, plain, self._seen[0])):
            plain, value = self._seen[0], sum(self._seen[1])
        else:
            value = solver.objective(plain)
        metrics = {"violation": solver.violation(plain)}
        if self._truths:
            index, truth = next(iter(self._truths.items()))
            metrics["psnr"] = psnr(plain[index], truth)
        return Result(
            values=dict(zip(solver.model.variables, answer, strict=True)),
            objective=self._final_objective(plain, value),
            status=status,
            history=self._history,
            iterations=len(self._history),
            seconds=self._seconds,
            plan=solver.plan,
            device=str(solver.model.spaces[0].device),
            metrics=metrics,
            state=replace(self._state, past=self._past(status)),
            certificate=self._certificate(plain, value if good else math.inf),
            samples=self._ended.samples(status, self._state.iteration),
        )

    def _past(self, status: Status) -> Past | None:
        """What a solve that may go on has gathered."""
        if status not in (Status.ITERATION_LIMIT, Status.STOPPED):
            return None
        iteration = self._state.iteration
        gathered = self._extrapolation.past(iteration, self._ahead)
        tensors, numbers = ({}, {}) if gathered is None else (gathered.tensors, gathered.numbers)
        known = self._earlier if self._doubt is None else self._doubt.numbers()
        own = {"least": self._least, "bound": self._bound}
        finite = {name: n for name, n in own.items() if n is not None and math.isfinite(n)}
        return Past(iteration, tensors, {**known, **finite, **numbers})

    def _certificate(self, answer: Vectors, objective: float) -> Certificate | None:
        held = self._state.residuals
        if held is None or not self._solver.model.convex:
            return None
        numbers = (held.primal, held.dual, held.primal_tolerance, held.dual_tolerance)
        proof = self._proof(answer) if math.isfinite(objective) else None
        if proof is None:
            return Certificate(*numbers)
        gap = None if proof.bound is None else max(0.0, objective - proof.bound)
        return Certificate(*numbers, gap, max(0.0, objective - proof.near), proof.residual)

    def _proof(self, answer: Vectors) -> Proof | None:
        held = self._doubt
        known = self._algorithm.evidence if held is None else held.evidence
        evidence = known(self._state)
        return None if evidence is None else prove(evidence, answer)

    def _final_objective(self, x: Vectors, value: float) -> float:
        """The objective, infinite where a constraint is clearly missed."""
        met = all(kept(self._solver.model, x, _MISSED, _MISSED, 1))
        return value if met else math.inf
