"""FISTA: the accelerated proximal gradient method, with restart.

minimize f(x) + Σ_i g_i(x_i), f smooth, each g_i with a prox

    x⁺ ← prox of τ g at y − τ ∇f(y)
    t⁺ ← (1 + √(1 + 4 t²)) / 2
    y⁺ ← x⁺ + ((t − 1) / t⁺) (x⁺ − x)

with τ ≤ 1 / L, L the Lipschitz constant of ∇f. A. Beck, M. Teboulle, A Fast Iterative
Shrinkage-Thresholding Algorithm for Linear Inverse Problems, 2009. The momentum is dropped where it
points uphill: B. O'Donoghue, E. Candès, Adaptive Restart for Accelerated Gradient Schemes, 2015.

Residuals: primal ‖x⁺ − x‖, how far the iterate still moves; dual
‖(y − x⁺)/τ + ∇f(x⁺) − ∇f(y)‖, which is the length of a subgradient of the objective at x⁺ and
zero exactly at a minimizer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances
from dprox_core.algorithms.evidence import Evidence, of_parts
from dprox_core.algorithms.parts import Parts, spread_out
from dprox_core.algorithms.pgd import GROWTH, LONGEST
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["Fista", "FistaState"]

Vectors = tuple[torch.Tensor, ...]


@dataclass
class FistaState(State):
    """State of FISTA.

    Attributes:
        y: the point at which the next gradient is taken.
        t: the momentum's counter.
        step: the step size τ.
    """

    y: Vectors
    t: float
    step: Step


class Fista(Algorithm[FistaState]):
    """FISTA on a smooth part and, for each variable, one prox.

    Args:
        parts: the terms, sorted; no blocks.
        tolerances: when to stop.
        step: τ.
        restart: whether momentum that points uphill is dropped.
        spread: m_i, by which the step of each variable is a multiple of τ.
        growing: whether f is flat and τ was chosen, so that it may grow.
    """

    name = "fista"
    options: ClassVar[Mapping[str, Any]] = {"step": None, "restart": True}

    def __init__(
        self,
        parts: Parts,
        tolerances: Tolerances,
        step: Step,
        restart: bool,
        spread: tuple[float, ...],
        growing: bool = False,
    ) -> None:
        self.model = parts.model
        self.tolerances = tolerances
        self._gradient = parts.smooth
        self._parts = parts
        self._step = step
        self._restart = restart
        self._spread = spread
        self._growing = growing

    def init(self, x0: Vectors) -> FistaState:
        """x = y = x₀."""
        return FistaState(0, x0, None, x0, 1.0, self._step)

    def step(self, state: FistaState, measure: bool) -> FistaState:
        """One iteration; nothing of the state given is overwritten."""
        slope = self._gradient(state.y)
        x = self._parts.prox_step(state.y, slope, spread_out(state.step, self._spread))
        t = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * state.t * state.t))
        momentum = (state.t - 1.0) / t
        moves = tuple(new - old for new, old in zip(x, state.x, strict=True))
        if self._restart and self._uphill(state, x, moves):
            t, momentum = 1.0, 0.0
        y = tuple(torch.add(new, m, alpha=momentum) for new, m in zip(x, moves, strict=True))
        residuals = self._measure(state, x, slope) if measure else None
        return replace(state, iteration=state.iteration + 1, x=x, y=y, t=t, residuals=residuals)

    @torch.no_grad()
    def _uphill(self, state: FistaState, x: Vectors, moves: Vectors) -> bool:
        """Whether the last move and the prox-gradient step point apart."""
        agreement = sum(
            float(reductions.inner(y - new, move)) / share
            for y, new, move, share in zip(state.y, x, moves, self._spread, strict=True)
        )
        return agreement > 0.0

    @torch.no_grad()
    def _measure(self, state: FistaState, x: Vectors, slope: Vectors) -> Residuals:
        steps = spread_out(state.step, self._spread)
        return self._parts.residuals(self.tolerances, state.x, state.y, slope, x, steps)

    @torch.no_grad()
    def evidence(self, state: FistaState) -> Evidence:
        """A prox-gradient step from x."""
        return of_parts(self._parts, state.x, (), (), spread_out(state.step, self._spread))

    def adapt(self, state: FistaState) -> FistaState:
        """A longer step where f is flat: the proximal point algorithm is right with any."""
        if not self._growing or isinstance(state.step, torch.Tensor) or state.step >= LONGEST:
            return state
        return replace(state, step=GROWTH * state.step)

    def placed(self, state: FistaState, x: Vectors) -> FistaState:
        """At other variables, without momentum."""
        return replace(state, x=x, y=x, t=1.0)

    def at_rest(self, state: FistaState) -> FistaState:
        """As after a restart."""
        return replace(state, y=state.x, t=1.0)

    def with_parameter(self, state: FistaState, value: Step) -> FistaState:
        """The state with another step size."""
        return replace(state, step=value)

    def answer(self, state: FistaState) -> Vectors:
        """The variables, which meet simple constraints because a prox made them."""
        return state.x

    def parameter(self, state: FistaState) -> float:
        """The step size τ."""
        return reductions.number(state.step)
