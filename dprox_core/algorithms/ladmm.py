"""Linearized ADMM: ADMM without a linear system.

minimize f(x) + Σ_i g_i(x_i) + Σ_j h_j(K_j x)

    x   ← prox of μ g at x − μ (∇f(x) + Σ_j ρ_j K_jᴴ (K_j x − z_j + u_j))
    z_j ← prox of h_j / ρ_j at K_j x + u_j
    u_j ← u_j + K_j x − z_j

N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 4.4.2; with the gradient step on f, Y.
Ouyang, Y. Chen, G. Lan, E. Pasiliao, An Accelerated Linearized Alternating Direction Method of
Multipliers, 2015, (1.9), where 1/μ ≥ L + ρ ‖K‖². Half of L is enough: with y_j = ρ_j u_j the
direction is ∇f(x) + Σ_j K_jᴴ (2 y_j − y_j of the step before), and this is algorithm 3.2 of L.
Condat, A Primal-Dual Splitting Method, 2013, which converges for 1/μ − ‖Σ ρ_j K_jᴴ K_j‖ ≥ L/2. Of
several variables each has a step of its own: diag(I/μ_i) has to lie above half the second
derivative of f and Σ_j ρ_j K_jᴴ K_j together. ρ_j = ρ s_j, and where ρ is chosen automatically
s_j ∝ 1/‖K_j‖², so that all blocks pull alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from dprox_core.algorithms.balance import Mark, balanced, is_due, mark
from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances
from dprox_core.algorithms.evidence import Evidence, of_parts
from dprox_core.algorithms.measure import largest
from dprox_core.algorithms.parts import Parts, Steps, weights_of
from dprox_core.algorithms.per_sample import at_most, is_none, representative, shaped
from dprox_core.proxfns.base import Step

__all__ = ["Ladmm", "LadmmState"]

Vectors = tuple[torch.Tensor, ...]


@dataclass
class LadmmState(State):
    """State of linearized ADMM.

    Attributes:
        z: the split copies.
        u: the scaled duals.
        images: K_j x.
        rho: ρ, or one for each sample of a batch.
        mark: variables and ρ u_j when ρ was last looked at.
    """

    z: Vectors
    u: Vectors
    images: Vectors
    rho: Step
    mark: Mark = field(default_factory=mark)


class Ladmm(Algorithm[LadmmState]):
    """Linearized ADMM over smooth terms, one prox a variable, and blocks.

    Args:
        parts: the terms, sorted.
        tolerances: when to stop.
        rho: ρ to start with, or one for each sample.
        adaptive: whether ρ is balanced.
        curvatures: L_i for each variable, no second derivative of f above diag(L_i I).
        couplings: c_i for each variable, Σ_j s_j K_jᴴ K_j ⪯ diag(c_i I).
        shares: s_j; these and the numbers above may be one for each sample.
    """

    name = "ladmm"
    options: ClassVar[Mapping[str, Any]] = {"rho": None}

    def __init__(
        self,
        parts: Parts,
        tolerances: Tolerances,
        rho: Step,
        adaptive: bool,
        curvatures: Steps,
        couplings: Steps,
        shares: Steps,
    ) -> None:
        self.model = parts.model
        self.tolerances = tolerances
        self._parts = parts
        self._rho = rho
        self._adaptive = adaptive
        self._curvatures = curvatures
        self._couplings = couplings
        self._shares = shares

    def _lengths(self, rho: Step) -> Steps:
        """μ_i."""
        pairs = zip(self._curvatures, self._couplings, strict=True)
        return tuple(_length(bend, rho * coupling) for bend, coupling in pairs)

    def _rhos(self, rho: Step) -> Steps:
        """ρ_j."""
        return tuple(rho * share for share in self._shares)

    def init(self, x0: Vectors) -> LadmmState:
        """z_j = K_j x₀, u_j = 0."""
        images = self._parts.push(x0)
        u = tuple(torch.zeros_like(t) for t in images)
        state = LadmmState(0, x0, None, images, u, images, self._rho)
        return replace(state, mark=self._mark(state)) if self._adaptive else state

    def _mark(self, state: LadmmState) -> Mark:
        """ρ weighs the variables by how strongly all blocks together pull at them."""
        pairs = zip(state.x, self._couplings, strict=True)
        shares = zip(state.u, self._shares, strict=True)
        duals = tuple(u.detach() * shaped(state.rho * share**0.5, u) for u, share in shares)
        return mark(state.iteration, tuple(x * shaped(c**0.5, x) for x, c in pairs), duals)

    def step(self, state: LadmmState, measure: bool) -> LadmmState:
        """One iteration; nothing of the state given is overwritten."""
        parts, lengths = self._parts, self._lengths(state.rho)
        misfit = tuple(
            (a - z + u) * shaped(own, u)
            for a, z, u, own in zip(
                state.images, state.z, state.u, self._rhos(state.rho), strict=True
            )
        )
        direction = parts.pull(misfit)
        slope: Vectors = ()
        if parts.smooth.terms:
            slope = parts.smooth(state.x)
            direction = tuple(d + s for d, s in zip(direction, slope, strict=True))
        x = parts.prox_step(state.x, direction, lengths)
        images = parts.push(x)
        points = tuple(a + u for a, u in zip(images, state.u, strict=True))
        z = self._split(points, state.rho)
        u = tuple(v - c for v, c in zip(points, z, strict=True))
        new = replace(
            state, iteration=state.iteration + 1, x=x, z=z, u=u, images=images, residuals=None
        )
        if measure:
            new.residuals = self._measure(state, new, direction, slope)
        return new

    @torch.no_grad()
    def _measure(
        self, state: LadmmState, new: LadmmState, direction: Vectors, slope: Vectors
    ) -> Residuals:
        """‖K x⁺ − z⁺‖, and the length of ∇f(x⁺) + ρ Kᴴ u⁺ + the subgradient g's prox found."""
        parts, lengths = self._parts, self._lengths(state.rho)
        pairs = zip(new.u, self._rhos(state.rho), strict=True)
        back, size = parts.pull_measured(tuple(u * shaped(own, u) for u, own in pairs))
        stationary = [
            (a - b) / shaped(length, a) - d + late
            for a, b, d, late, length in zip(state.x, new.x, direction, back, lengths, strict=True)
        ]
        measure = parts.measure
        if slope:
            after = parts.smooth(new.x)
            stationary = [s + g for s, g in zip(stationary, after, strict=True)]
            size = largest(size, measure.norm(after), parts.first_slope)
        gap = [a - c for a, c in zip(new.images, new.z, strict=True)]
        return measure.of_gradients(
            self.tolerances,
            measure.norm(gap),
            measure.norm(stationary),
            largest(measure.norm(new.images), measure.norm(new.z)),
            size,
            parts.split_size,
            parts.unknowns,
            unit=at_most(1.0, state.rho),
        )

    def adapt(self, state: LadmmState) -> LadmmState:
        """Move ρ towards where variables and duals go as far, the scaled duals along with it."""
        if not self._adaptive or not is_due(state.mark, state.iteration):
            return state
        now = self._mark(state)
        rho = balanced(now, state.mark, self._parts.measure, state.rho, self._rho)
        state = replace(state, mark=now)
        return state if rho is state.rho else self.with_parameter(state, rho)

    def essence(self, state: LadmmState) -> tuple[Vectors, tuple[Step, ...]]:
        """x and z + u, which both follow from, weighted by 1/√μ and √ρ."""
        points = tuple(z + u for z, u in zip(state.z, state.u, strict=True))
        inverse = tuple(1.0 / own for own in self._rhos(state.rho))
        tensors = (*state.x, *points)
        return tensors, weights_of((*self._lengths(state.rho), *inverse), tensors)

    def moved(self, state: LadmmState, essence: Vectors) -> LadmmState:
        """At other x and z + u."""
        x, points = essence[: len(state.x)], essence[len(state.x) :]
        z = self._split(points, state.rho)
        u = tuple(v - c for v, c in zip(points, z, strict=True))
        return replace(state, x=x, z=z, u=u, images=self._parts.push(x))

    def placed(self, state: LadmmState, x: Vectors) -> LadmmState:
        """At other variables, with the duals and copies that it has."""
        return replace(state, x=x, images=self._parts.push(x))

    def _split(self, points: Vectors, rho: Step) -> Vectors:
        triples = zip(self._parts.blocks, points, self._rhos(rho), strict=True)
        return tuple(block.penalty.prox(v, shaped(1.0 / own, v)) for block, v, own in triples)

    @torch.no_grad()
    def evidence(self, state: LadmmState) -> Evidence:
        """Proxes at K x + u, and one in x after the gradient step that follows from them."""
        points = tuple(a + u for a, u in zip(state.images, state.u, strict=True))
        rhos, lengths = self._rhos(state.rho), self._lengths(state.rho)
        return of_parts(self._parts, state.x, points, rhos, lengths)

    def with_parameter(self, state: LadmmState, value: Step) -> LadmmState:
        """The state with another ρ, the scaled duals along with it."""
        factor = value / state.rho
        return replace(state, u=tuple(t / shaped(factor, t) for t in state.u), rho=value)

    def answer(self, state: LadmmState) -> Vectors:
        """The variables, which meet simple constraints because a prox made them."""
        return state.x

    def parameter(self, state: LadmmState) -> float:
        """ρ, the geometric mean where each sample has its own."""
        return representative(state.rho)


def _length(bend: Step, pull: Step) -> Step:
    """The longest step; below 1.9 / L, so that what is curved alike everywhere hardly swings."""
    longest = 0.99 / (0.5 * bend + pull)
    return longest if is_none(bend) else at_most(1.9 / bend, longest)
