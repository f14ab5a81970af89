"""The proximal gradient method (forward-backward splitting), with backtracking.

minimize f(x) + Σ_i g_i(x_i), f smooth, each g_i with a prox

    x⁺ ← prox of τ g at x − τ ∇f(x)

With backtracking τ is halved until f(x⁺) ≤ f(x) + ⟨∇f(x), x⁺ − x⟩ + ‖x⁺ − x‖² / (2τ), and grows a
little before every step, so that it follows the curvature where the iterate is; without, τ < 2 / L,
or at most 1 / L where something is not convex.
P. L. Combettes, V. R. Wajs, Signal Recovery by Proximal Forward-Backward Splitting, 2005; the test
is (1.4) of A. Beck, M. Teboulle, 2009.

Residuals: primal ‖x⁺ − x‖; dual ‖(x − x⁺)/τ + ∇f(x⁺) − ∇f(x)‖, the length of a subgradient of the
objective at x⁺, zero exactly at a minimizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances, joint_norm
from dprox_core.algorithms.evidence import Evidence, of_parts
from dprox_core.algorithms.parts import Parts, spread_out, weights_of
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["GROWTH", "LONGEST", "Pgd", "PgdState"]

Vectors = tuple[torch.Tensor, ...]

GROWTH, LONGEST = 4.0, 1e6
"""By how much a step grows after ten iterations where nothing is curved, and how long it gets."""


@dataclass
class PgdState(State):
    """State of the proximal gradient method.

    Attributes:
        step: the step size τ.
    """

    step: Step


class Pgd(Algorithm[PgdState]):
    """The proximal gradient method on a smooth part and, for each variable, one prox.

    Args:
        parts: the terms, sorted; no blocks.
        tolerances: when to stop.
        step: τ to start with.
        backtracking: whether τ is found by trial.
        longest: τ never exceeds this.
        spread: m_i, by which the step of each variable is a multiple of τ.
        growing: whether f is flat and τ was chosen, so that it may grow.
    """

    name = "pgd"
    options: ClassVar[Mapping[str, Any]] = {"step": None, "backtracking": False}

    # A step that was shortened too much recovers by this factor an iteration.
    growth: ClassVar[float] = 1.2

    def __init__(
        self,
        parts: Parts,
        tolerances: Tolerances,
        step: Step,
        backtracking: bool,
        longest: float,
        spread: tuple[float, ...],
        growing: bool = False,
    ) -> None:
        self.model = parts.model
        self.tolerances = tolerances
        self._parts = parts
        self._step = step
        self._backtracking = backtracking
        self._longest = longest
        self._spread = spread
        self._growing = growing

    def init(self, x0: Vectors) -> PgdState:
        """x = x₀."""
        return PgdState(0, x0, None, self._step)

    def step(self, state: PgdState, measure: bool) -> PgdState:
        """One iteration; nothing of the state given is overwritten."""
        slope = self._parts.smooth(state.x)
        step = state.step
        if self._backtracking:
            assert isinstance(step, float)
            step = self._accepted(state.x, slope, min(step * self.growth, self._longest))
        x = self._forward_backward(state.x, slope, step)
        residuals = self._measure(state.x, x, slope, step) if measure else None
        return replace(state, iteration=state.iteration + 1, x=x, step=step, residuals=residuals)

    def _forward_backward(self, x: Vectors, slope: Vectors, step: Step) -> Vectors:
        return self._parts.prox_step(x, slope, spread_out(step, self._spread))

    @torch.no_grad()
    def _accepted(self, x: Vectors, slope: Vectors, step: float) -> float:
        """The longest of τ, τ/2, τ/4, … whose parabola lies above f at the next point."""
        before = self._parts.smooth.value(x)
        hidden = torch.finfo(x[0].dtype).eps * abs(before)
        for _ in range(60):
            new = self._forward_backward(x, slope, step)
            moves = [b - a for a, b in zip(x, new, strict=True)]
            lengths = [m * s**-0.5 for m, s in zip(moves, self._spread, strict=True)]
            rise = sum(float(reductions.inner(g, m)) for g, m in zip(slope, moves, strict=True))
            bound = before + rise + joint_norm(lengths) ** 2 / (2.0 * step)
            # What rounding may hide must not shorten the step.
            if self._parts.smooth.value(new) <= bound + hidden:
                return step
            step /= 2.0
        return step

    @torch.no_grad()
    def _measure(self, x: Vectors, new: Vectors, slope: Vectors, step: Step) -> Residuals:
        return self._parts.residuals(
            self.tolerances, x, x, slope, new, spread_out(step, self._spread)
        )

    def essence(self, state: PgdState) -> tuple[Vectors, tuple[Step, ...]]:
        """x, weighted by 1/√τ; nothing while τ is found by trial."""
        if self._backtracking:
            return (), ()
        return state.x, weights_of(spread_out(state.step, self._spread), state.x)

    def moved(self, state: PgdState, essence: Vectors) -> PgdState:
        """At another x."""
        return replace(state, x=essence)

    def adapt(self, state: PgdState) -> PgdState:
        """A longer step where f is flat: the proximal point algorithm is right with any."""
        if not self._growing or isinstance(state.step, torch.Tensor) or state.step >= LONGEST:
            return state
        return replace(state, step=GROWTH * state.step)

    def placed(self, state: PgdState, x: Vectors) -> PgdState:
        """At other variables."""
        return replace(state, x=x)

    @torch.no_grad()
    def evidence(self, state: PgdState) -> Evidence:
        """A prox-gradient step from x."""
        return of_parts(self._parts, state.x, (), (), spread_out(state.step, self._spread))

    def with_parameter(self, state: PgdState, value: Step) -> PgdState:
        """The state with another step size."""
        return replace(state, step=value)

    def answer(self, state: PgdState) -> Vectors:
        """The variables, which meet simple constraints because a prox made them."""
        return state.x

    def parameter(self, state: PgdState) -> float:
        """The step size τ."""
        return reductions.number(state.step)
