"""Primal-dual splitting: PDHG, Condat-Vũ and PD3O, one iteration with three faces.

minimize f(x) + Σ_i g_i(x_i) + Σ_j h_j(K_j x)

    x⁺ ← prox of τ g at x − τ ∇f(x) − τ Σ_j K_jᴴ y_j
    x̄  ← 2 x⁺ − x                                        (PDHG, Condat-Vũ)
         2 x⁺ − x + τ (∇f(x) − ∇f(x⁺))                   (PD3O)
    y_j⁺ ← prox of σ_j h_j* at y_j + σ_j K_j x̄

without f that is PDHG: A. Chambolle, T. Pock, A First-Order Primal-Dual Algorithm for Convex
Problems with Applications to Imaging, 2011; with f, L. Condat, A Primal-Dual Splitting Method,
2013, and B. C. Vũ, 2013, which need 1/τ − ‖Σ σ_j K_jᴴK_j‖ ≥ L/2; or M. Yan, A New Primal-Dual
Algorithm for Minimizing the Sum of Three Functions, 2018, which needs only τ < 2/L and
τ ‖Σ σ_j K_jᴴK_j‖ ≤ 1. Over-relaxation moves (x, y) by α of the way, 0 < α < 2 − τL-dependent
(Condat 2013, theorem 3.1). Preconditioning gives every block a σ_j ∝ 1/‖K_j‖ of its own (after
T. Pock, A. Chambolle, Diagonal Preconditioning for First Order Primal-Dual Algorithms, 2011), and
every variable a τ_i of its own, for which diag(I/τ_i) takes the place of I/τ in these conditions;
adaptive steps move the ratio σ/τ as in ``balance``.

Residuals are those of the optimality conditions: primal ‖K x⁺ − z‖ with z_j the point at which y_j⁺
is a subgradient of h_j; dual ‖∇f(x⁺) + Kᴴ y⁺ + ∂g(x⁺)‖ with the subgradient the prox found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import torch

from dprox_core.algorithms.balance import Mark, balanced, is_due, mark
from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances
from dprox_core.algorithms.evidence import Evidence, of_parts
from dprox_core.algorithms.measure import largest
from dprox_core.algorithms.parts import Parts, Steps, along, weights_of
from dprox_core.algorithms.per_sample import at_least, at_most, is_none, representative, shaped
from dprox_core.proxfns.base import Step

__all__ = ["PrimalDual", "PrimalDualState", "StepRule"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class StepRule:
    """Step sizes for a primal weight ω: σ_j = ω s_j, and the longest τ_i that converge.

    Each number may be one for each sample of a batch.

    Attributes:
        shares: s_j.
        couplings: c_i for each variable, Σ_j s_j K_jᴴ K_j ⪯ diag(c_i I).
        curvatures: L_i for each variable, no second derivative of f above diag(L_i I).
        three: whether PD3O's condition holds instead of Condat and Vũ's.
        given: τ where the user gave it, in units of nothing; None for the longest.
    """

    shares: Steps
    couplings: Steps
    curvatures: Steps
    three: bool
    given: Step | None = None

    def taus(self, weight: Step) -> Steps:
        """τ_i for ω."""
        pairs = zip(self.couplings, self.curvatures, strict=True)
        return tuple(self._tau(weight, coupling, bend) for coupling, bend in pairs)

    @property
    def least_weight(self) -> Step:
        """Up to this ω longer dual steps make no primal step shorter; 0 where there is none."""
        if self.given is not None or not self.three:
            return 0.0
        pairs = zip(self.couplings, self.curvatures, strict=True)
        found = [0.99 / 1.9 * bend / pull for pull, bend in pairs if not is_none(pull)]
        return reduce(at_most, found) if found else 0.0

    def _tau(self, weight: Step, coupling: Step, bend: Step) -> Step:
        if self.given is not None:
            return self.given
        if is_none(coupling):
            return (1.9 if self.three else 1.98) / bend
        pull = weight * coupling
        if not self.three:
            return 0.99 / (pull + 0.5 * bend)
        if is_none(bend):
            return 0.99 / pull
        return at_most(1.9 / bend, 0.99 / pull)


@dataclass
class PrimalDualState(State):
    """State of primal-dual splitting.

    Attributes:
        y: the duals.
        slope: ∇f(x), computed once and used twice.
        weight: ω, the ratio that σ and τ share out, or one for each sample of a batch.
        mark: variables and duals when ω was last looked at.
    """

    y: Vectors
    slope: Vectors
    weight: Step
    mark: Mark = field(default_factory=mark)


class PrimalDual(Algorithm[PrimalDualState]):
    """Primal-dual splitting over smooth terms, one prox a variable, and blocks.

    Args:
        name: "pdhg" or "pd3o", for messages.
        parts: the terms, sorted.
        tolerances: when to stop.
        rule: step sizes for a primal weight.
        weight: ω to start with, or one for each sample.
        relaxation: α.
        adaptive: whether ω is balanced.
    """

    name = "pdhg"

    def __init__(
        self,
        name: str,
        parts: Parts,
        tolerances: Tolerances,
        rule: StepRule,
        weight: Step,
        relaxation: float,
        adaptive: bool,
    ) -> None:
        self.name = name
        self.model = parts.model
        self.tolerances = tolerances
        self._parts = parts
        self._rule = rule
        self._weight = weight
        self._relaxation = relaxation
        self._adaptive = adaptive

    def init(self, x0: Vectors) -> PrimalDualState:
        """x = x₀, y = 0."""
        y = tuple(block.row.range.zeros() for block in self._parts.blocks)
        state = PrimalDualState(0, x0, None, y, self._slope(x0), self._weight)
        return replace(state, mark=self._mark(state)) if self._adaptive else state

    def _mark(self, state: PrimalDualState) -> Mark:
        """ω weighs variables and duals by what it shares out among them."""
        pairs = zip(state.x, self._rule.couplings, strict=True)
        x = tuple(v * shaped(c**0.5, v) for v, c in pairs)
        shares = zip(state.y, self._rule.shares, strict=True)
        y = tuple(v * shaped(s**-0.5, v) for v, s in shares)
        return mark(state.iteration, x, y)

    def _slope(self, x: Vectors) -> Vectors:
        return self._parts.smooth(x) if self._parts.smooth.terms else ()

    def step(self, state: PrimalDualState, measure: bool) -> PrimalDualState:
        """One iteration; nothing of the state given is overwritten."""
        taus = self._rule.taus(state.weight)
        sigmas = [state.weight * share for share in self._rule.shares]
        earlier = direction = self._parts.pull(state.y)
        if state.slope:
            direction = tuple(d + s for d, s in zip(earlier, state.slope, strict=True))
        new = self._parts.prox_step(state.x, direction, taus)
        slope = self._slope(new)
        ahead = tuple(torch.lerp(a, b, 2.0) for a, b in zip(state.x, new, strict=True))
        if self._rule.three and slope:
            ahead = tuple(
                along(v, early - late, tau)
                for v, early, late, tau in zip(ahead, state.slope, slope, taus, strict=True)
            )
        images = self._parts.push(ahead)
        y = tuple(
            _dual(block.penalty.dual_prox, along(image, held, 1.0 / s), s)
            for block, held, image, s in zip(
                self._parts.blocks, state.y, images, sigmas, strict=True
            )
        )
        residuals = None
        if measure:
            residuals = self._measure(state, new, y, slope, images, earlier, sigmas, taus)
        alpha = self._relaxation
        if alpha != 1.0:
            new = tuple(torch.lerp(a, b, alpha) for a, b in zip(state.x, new, strict=True))
            y = tuple(torch.lerp(a, b, alpha) for a, b in zip(state.y, y, strict=True))
            slope = self._slope(new)
        return replace(
            state, iteration=state.iteration + 1, x=new, y=y, slope=slope, residuals=residuals
        )

    @torch.no_grad()
    def _measure(
        self,
        state: PrimalDualState,
        new: Vectors,
        y: Vectors,
        slope: Vectors,
        pushed: Vectors,
        earlier: Vectors,
        sigmas: list[Step],
        taus: Steps,
    ) -> Residuals:
        # The blocks' pulls cancel at a solution, and are small while duals grow: the largest of
        # them says how near zero their sum is.
        back, size = self._parts.pull_measured(y)
        images = self._parts.push(new)
        copies = [
            (old - late) / shaped(s, late) + image
            for old, late, s, image in zip(state.y, y, sigmas, pushed, strict=True)
        ]
        stationary = [
            (a - b) / shaped(tau, a) + late - early
            for a, b, late, early, tau in zip(state.x, new, back, earlier, taus, strict=True)
        ]
        measure = self._parts.measure
        if slope:
            stationary = [
                s + late - early
                for s, late, early in zip(stationary, slope, state.slope, strict=True)
            ]
            size = largest(size, measure.norm(slope), self._parts.first_slope)
        return measure.of_gradients(
            self.tolerances,
            measure.norm([image - copy for image, copy in zip(images, copies, strict=True)]),
            measure.norm(stationary),
            largest(measure.norm(images), measure.norm(copies)),
            size,
            self._parts.split_size,
            self._parts.unknowns,
            unit=at_most(1.0, state.weight),
        )

    def adapt(self, state: PrimalDualState) -> PrimalDualState:
        """Move ω towards where variables and duals go as far."""
        if not self._adaptive or not is_due(state.mark, state.iteration):
            return state
        now = self._mark(state)
        measure = self._parts.measure
        weight = balanced(now, state.mark, measure, state.weight, self._weight)
        return replace(state, mark=now, weight=at_least(self._rule.least_weight, weight))

    def essence(self, state: PrimalDualState) -> tuple[Vectors, tuple[Step, ...]]:
        """x and y, weighted by 1/√τ and 1/√σ."""
        sigmas = tuple(state.weight * share for share in self._rule.shares)
        tensors = (*state.x, *state.y)
        return tensors, weights_of((*self._rule.taus(state.weight), *sigmas), tensors)

    def moved(self, state: PrimalDualState, essence: Vectors) -> PrimalDualState:
        """At other x and y."""
        x, y = essence[: len(state.x)], essence[len(state.x) :]
        return replace(state, x=x, y=y, slope=self._slope(x))

    def placed(self, state: PrimalDualState, x: Vectors) -> PrimalDualState:
        """At other variables, with the duals that it has."""
        return replace(state, x=x, slope=self._slope(x))

    @torch.no_grad()
    def evidence(self, state: PrimalDualState) -> Evidence:
        """Dual proxes at y + σ K x, and one in x after the gradient step that follows from them."""
        sigmas = tuple(state.weight * share for share in self._rule.shares)
        images = self._parts.push(state.x)
        points = tuple(
            image + held / shaped(s, held)
            for image, held, s in zip(images, state.y, sigmas, strict=True)
        )
        return of_parts(self._parts, state.x, points, sigmas, self._rule.taus(state.weight))

    def with_parameter(self, state: PrimalDualState, value: Step) -> PrimalDualState:
        """The state with another ω."""
        return replace(state, weight=value)

    def answer(self, state: PrimalDualState) -> Vectors:
        """The variables; over-relaxed ones go through their bounds once more."""
        if self._relaxation == 1.0:
            return state.x
        return tuple(self._bounded(index, x) for index, x in enumerate(state.x))

    def _bounded(self, index: int, x: torch.Tensor) -> torch.Tensor:
        for term in self._parts.proxes[index]:
            if term.function.is_indicator:
                x = term.penalty.prox(x, 1.0)
        return x

    def parameter(self, state: PrimalDualState) -> float:
        """The step size τ, the shortest of them; of samples' the geometric mean."""
        return min(map(representative, self._rule.taus(state.weight)))


def _dual(dual_prox: Any, point: torch.Tensor, sigma: Step) -> torch.Tensor:
    """The prox of σ h* at σ · point (Moreau); in the point's memory unless gradients are wanted."""
    sigma = shaped(sigma, point)
    if torch.is_grad_enabled():
        return dual_prox(point, 1.0 / sigma) * sigma
    return dual_prox(point, 1.0 / sigma, out=point).mul_(sigma)


PDHG_OPTIONS: Mapping[str, Any] = {
    "step": None,
    "weight": None,
    "relaxation": 1.0,
    "adaptive": True,
    "preconditioned": True,
}
PD3O_OPTIONS: Mapping[str, Any] = {
    "step": None,
    "weight": None,
    "variant": "pd3o",
    "adaptive": True,
    "preconditioned": True,
}
