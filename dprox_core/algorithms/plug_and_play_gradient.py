"""Plug-and-play with a denoiser after each gradient step.

    x⁺ ← D(y − M⁻¹ ∇f(y), σ_k)
    y⁺ ← x⁺ (proximal gradient), or x⁺ + ((t − 1) / t⁺) (x⁺ − x) (FISTA)

Momentum belongs to one level and starts anew at the next: carried along a course it comes to more
denoisings at each level, which leaves less of the picture (as more steps do with HQS).

With a step τ ≤ 1 / L that was given, M = I/τ. Either σ_k falls along a course, or it is the level
of the prox with the step τ, σ = √(τ w) for a prior of weight w, and stays: then a fixed point is
one of plug-and-play ADMM with ρ = 1/τ too (E. Ryu et al., Plug-and-Play Methods Provably Converge
with Properly Trained Denoisers, 2019).

Else M = Q + max(ρ_k, L) I with the second derivative Q of the squares in f, L that of the other
terms' gradients and ρ_k of HQS's course: as σ_k is the level for a step 1/ρ_k, which can be
thousands of times as long as 1 / ‖Q‖, a plain gradient step would undo only a trace of what
a denoising at that level does. The step is the minimizer of the squares,
the others' linear models and (max(ρ_k, L)/2) ‖x − y‖²; with nothing but squares pgd is HQS.

U. Kamilov, H. Mansour, B. Wohlberg, A Plug-and-Play Priors Approach for Solving Nonlinear
Imaging Inverse Problems, 2017 (PnP-FISTA); M. Le Pendu, C. Guillemot, Preconditioned Plug-and-Play
ADMM with Locally Adjustable Denoiser for Image Restoration, 2023 (metrics); a denoising moves no
image by more than a few noise levels, as in S. Chan et al., 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances, joint_norm
from dprox_core.algorithms.parts import Parts, along
from dprox_core.algorithms.plug_and_play import Course, Start, bounded_denoising
from dprox_core.compiler.model import BoundTerm
from dprox_core.linsolve.base import LinearSolver
from dprox_core.linsolve.smooth import SmoothPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step
from dprox_core.proxfns.deep import DeepPrior

__all__ = ["Metric", "PlugAndPlayGradient", "PlugAndPlayGradientState"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Metric:
    """Q + max(ρ, L) I.

    Attributes:
        solver: minimizes the squares plus (ρ/2) ‖x − p‖².
        others: the smooth terms that are no squares.
        lipschitz: L, of their gradient.
    """

    solver: LinearSolver
    others: SmoothPart
    lipschitz: float

    def strength(self, rho: Step) -> Step:
        """max(ρ, L)."""
        if isinstance(rho, torch.Tensor):
            return rho.clamp(min=self.lipschitz)
        return max(rho, self.lipschitz)


@dataclass
class PlugAndPlayGradientState(State):
    """State of plug-and-play by gradient steps.

    Attributes:
        y: where the next gradient is taken.
        t: the momentum's counter.
        step: the step size τ, None where the course's own serves.
        steps: the length of the course, None where it has no end.
    """

    y: Vectors
    t: float
    step: Step | None
    steps: int | None


class PlugAndPlayGradient(Algorithm[PlugAndPlayGradientState]):
    """Proximal gradient or FISTA with denoisers for proxes.

    Args:
        name: "pgd" or "fista".
        parts: the terms, sorted; no blocks.
        start: gives the variables to begin with, from those that were given, if any.
        course: σ of each iteration.
        tolerances: when a course without end has converged.
        step: τ, None for steps in the metric of the squares.
        metric: what solves for such steps, and the terms of f that are no squares; None for plain
            gradient steps.
    """

    name = "plug_and_play_gradient"
    options: ClassVar[Mapping[str, Any]] = {"step": None, "sigmas": None, "steps": None}

    def __init__(
        self,
        name: str,
        parts: Parts,
        start: Start,
        course: Course,
        tolerances: Tolerances,
        step: Step | None,
        metric: Metric | None,
    ) -> None:
        self.name = name
        self.model = parts.model
        self.tolerances = tolerances
        self.course = course
        self._parts = parts
        self._start = start
        self._begun: Vectors | None = None
        self._step = step
        self._metric = metric
        self._accelerated = name == "fista"

    def start(self) -> Vectors:
        """A smooth image that fits the data."""
        self._begun = self._start(None)
        return self._begun

    def init(self, x0: Vectors) -> PlugAndPlayGradientState:
        """x = y = x₀; with levels of its own choice gaps in x₀ are filled first."""
        own = self._begun is not None and all(a is b for a, b in zip(x0, self._begun, strict=True))
        if self.course.automatic and not own:
            x0 = self._start(x0)
        return PlugAndPlayGradientState(0, x0, None, x0, 1.0, self._step, self.course.steps)

    def begin(self, state: PlugAndPlayGradientState, limit: int) -> PlugAndPlayGradientState:
        """Shortens the course to the iterations there are."""
        if state.iteration > 0 or state.steps is None or not self.course.elastic:
            return state
        return replace(state, steps=min(state.steps, limit))

    def step(self, state: PlugAndPlayGradientState, measure: bool) -> PlugAndPlayGradientState:
        """One iteration; nothing of the state given is overwritten."""
        points = self._descended(state)
        x = tuple(self._denoised(index, point, state) for index, point in enumerate(points))
        y, t = x, 1.0
        if self._accelerated and self._stays(state):
            t = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * state.t * state.t))
            share = (state.t - 1.0) / t
            y = tuple(
                torch.add(new, new - old, alpha=share) for new, old in zip(x, state.x, strict=True)
            )
        residuals = self._measure(state, x) if measure else None
        return replace(state, iteration=state.iteration + 1, x=x, y=y, t=t, residuals=residuals)

    def _stays(self, state: PlugAndPlayGradientState) -> bool:
        """Whether the next step has the same level."""
        now, then = (self.course.level(state.iteration + k, state.steps or 1) for k in range(2))
        return now is then or (
            now is not None
            and then is not None
            and reductions.number(now) == reductions.number(then)
        )

    def _descended(self, state: PlugAndPlayGradientState) -> Vectors:
        """y − M⁻¹ ∇f(y)."""
        if self._metric is None:
            slope, step = self._parts.smooth(state.y), self._length(state)
            return tuple(along(y, g, -step) for y, g in zip(state.y, slope, strict=True))
        rho = 1.0 / self._length(state)
        points = [y.clone() for y in state.y]
        if self._metric.others.terms:
            slope = self._metric.others(state.y)
            points = [along(y, g, -1.0 / rho) for y, g in zip(state.y, slope, strict=True)]
        return self._metric.solver.solve(points, rho, state.y)

    def _length(self, state: PlugAndPlayGradientState) -> Step:
        """τ, or the course's 1 / max(ρ_k, L)."""
        if state.step is not None:
            found = state.step
        else:
            level = self.course.level(state.iteration, state.steps or 1)
            found = 1.0 / self.course.rho(level, state.iteration)
        return found if self._metric is None else 1.0 / self._metric.strength(1.0 / found)

    def _denoised(
        self, index: int, point: torch.Tensor, state: PlugAndPlayGradientState
    ) -> torch.Tensor:
        level = self.course.level(state.iteration, state.steps or 1)
        for term in self._parts.proxes[index]:
            point = self._prox(term, point, level, state)
        return point

    def _prox(
        self,
        term: BoundTerm,
        point: torch.Tensor,
        level: Step | None,
        state: PlugAndPlayGradientState,
    ) -> torch.Tensor:
        function = term.function
        if not isinstance(function, DeepPrior):
            return term.penalty.prox(point, self._length(state))
        penalty = replace(term.penalty, function=function.at(state.iteration))
        if level is None:
            level = function.level_of(self._length(state) * term.penalty.weight)
        denoised = replace(penalty, weight=1.0).prox(point, function.step_of(level))
        return bounded_denoising(point, denoised, level)

    @torch.no_grad()
    def _measure(self, state: PlugAndPlayGradientState, x: Vectors) -> Residuals:
        """How far the iterate moved, and how far it is from where the gradient was taken."""
        moved = joint_norm([new - old for new, old in zip(x, state.x, strict=True)])
        ahead = joint_norm([new - old for new, old in zip(x, state.y, strict=True)])
        bound = self.tolerances.bound(self._parts.unknowns, joint_norm(x))
        return Residuals(moved, ahead, bound, bound)

    def last(self, state: PlugAndPlayGradientState) -> int | None:
        """The last step of the course."""
        return state.steps

    def done(self, state: PlugAndPlayGradientState) -> bool:
        """Whether nothing moves any more, once the course is over."""
        over = state.steps is None or state.iteration >= state.steps
        return over and super().done(state)

    def with_parameter(
        self, state: PlugAndPlayGradientState, value: Step
    ) -> PlugAndPlayGradientState:
        """The state with another step size."""
        return replace(state, step=value)

    def answer(self, state: PlugAndPlayGradientState) -> Vectors:
        """What was denoised last, within the bounds there are."""
        return state.x

    def parameter(self, state: PlugAndPlayGradientState) -> float:
        """The step size τ, or 1 / max(ρ_k, L)."""
        return reductions.number(self._length(state))
