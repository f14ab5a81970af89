"""Relatives of ADMM that share its linear solve: the order z, x, u; half-quadratic splitting;
Douglas-Rachford.

minimize q(x) + Σ_j h_j(K_j x), q = Σ_q w_q ‖A_q x + b_q‖²

admm_vxu, ADMM with the proxes first (the same method with the two blocks exchanged):

    z_j ← prox of h_j / ρ at K_j x + u_j
    x   ← argmin q(x) + (ρ/2) Σ_j ‖K_j x − z_j + u_j‖²
    u_j ← u_j + K_j x − z_j

hqs, the two steps of half-quadratic splitting (D. Geman, C. Yang, Nonlinear Image Recovery with
Half-Quadratic Regularization, 1995). Alone, γ = 0, they minimize q(x) and envelopes of h_j, off by
about 1/ρ_k (that ρ_k → ∞ with Σ 1/ρ_k = ∞ reaches the optimum is G. Passty, Ergodic Convergence to
a Zero of the Sum of Monotone Operators, 1979). With short dual steps γ ≤ 1 they reach the optimum
at any ρ (R. Glowinski, Numerical Methods for Nonlinear Variational Problems, 1984, chapter VI):

    z_j ← prox of h_j / ρ_k at K_j x + u_j
    x   ← argmin q(x) + (ρ_k/2) Σ_j ‖K_j x − z_j + u_j‖²
    u_j ← u_j + γ (K_j x − z_j)

dr, Douglas-Rachford splitting on (x, K x) (P.-L. Lions, B. Mercier, 1979; in the form for a graph
N. Parikh, S. Boyd, Block Splitting for Distributed Optimization, 2014):

    x   ← argmin q(x) + (ρ/2) Σ_j ‖K_j x − w_j‖²
    z_j ← prox of h_j / ρ at 2 K_j x − w_j
    w_j ← w_j + α (z_j − K_j x)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch

from dprox_core.algorithms.balance import Mark, balanced, is_due, mark
from dprox_core.algorithms.base import Algorithm, State, Tolerances
from dprox_core.algorithms.blocks import Blocks
from dprox_core.algorithms.evidence import Evidence, of_blocks
from dprox_core.algorithms.per_sample import representative, shaped
from dprox_core.compiler.model import Model
from dprox_core.linsolve.base import LinearSolver, QuadraticPart
from dprox_core.proxfns.base import Step

__all__ = ["AdmmVxu", "DouglasRachford", "Hqs", "SplitState"]

Vectors = tuple[torch.Tensor, ...]


@dataclass
class SplitState(State):
    """State of these methods.

    Attributes:
        z: the split copies.
        u: the scaled duals; for Douglas-Rachford the points w_j; nothing for HQS without dual
            steps.
        rho: ρ, or one for each sample of a batch.
        mark: copies and duals when ρ was last looked at.
    """

    z: Vectors
    u: Vectors
    rho: Step
    mark: Mark = field(default_factory=mark)


class _Splitting(Algorithm[SplitState]):
    """What the three share.

    Args:
        model: the compiled problem.
        blocks: the terms that are split off.
        solver: the linear solver of the x-update.
        tolerances: when to stop.
        rho: the penalty parameter to start with, or one for each sample.
        adaptive: whether ρ is balanced.
        quadratic: what the linear solver solves, for certificates.
    """

    def __init__(
        self,
        model: Model,
        blocks: Blocks,
        solver: LinearSolver,
        tolerances: Tolerances,
        rho: Step,
        adaptive: bool = False,
        quadratic: QuadraticPart | None = None,
    ) -> None:
        self._quadratic = quadratic
        self.model = model
        self.tolerances = tolerances
        self._blocks = blocks
        self._solver = solver
        self._rho = rho
        self._adaptive = adaptive

    @property
    def exact_after(self) -> int | None:
        """One step where nothing is split."""
        return None if self._blocks.terms else 1

    def _solve(self, targets: Vectors, rho: Step, previous: Vectors) -> Vectors:
        """argmin q(x) + (ρ/2) Σ_j ‖K_j x − t_j‖²."""
        return self._solver.solve(self._blocks.pull(targets), rho, previous)

    def forget(self) -> None:
        """Drop the linear solver's factors."""
        self._solver.forget()

    @torch.no_grad()
    def evidence(self, state: SplitState) -> Evidence | None:
        """Proxes at the points that the next step would take them at."""
        if self._quadratic is None:
            return None
        points = self._points(state, self._blocks.push(state.x))
        terms = self._blocks.terms
        return of_blocks(self.model, self._quadratic, terms, state.x, points, state.rho)

    @abstractmethod
    def _points(self, state: SplitState, images: Vectors) -> Vectors:
        """Where the next proxes are taken, given K_j x."""

    def answer(self, state: SplitState) -> Vectors:
        """The variables; for one with bounds, its split copy, which meets them exactly."""
        return self._blocks.feasible(state.x, state.z)

    def parameter(self, state: SplitState) -> float:
        """ρ, the geometric mean where each sample has its own."""
        return representative(state.rho)

    def _begun(self, state: SplitState) -> SplitState:
        """A first state, marked where ρ is adapted."""
        return replace(state, mark=self._mark(state)) if self._adaptive else state

    def _mark(self, state: SplitState) -> Mark:
        duals = tuple(u.detach() * shaped(state.rho, u) for u in self._scaled_duals(state))
        return mark(state.iteration, state.z, duals)

    def _scaled_duals(self, state: SplitState) -> Vectors:
        """u_j."""
        return state.u

    def adapt(self, state: SplitState) -> SplitState:
        """Move ρ towards where copies and duals go as far."""
        if not self._adaptive or not is_due(state.mark, state.iteration):
            return state
        now = self._mark(state)
        measure = self._blocks.measure
        length = self._blocks.length
        rho = balanced(now, state.mark, measure, state.rho, self._rho, length, state.x)
        state = replace(state, mark=now)
        return state if rho is state.rho else self.with_parameter(state, rho)


class AdmmVxu(_Splitting):
    """ADMM with the proxes before the linear solve."""

    name = "admm_vxu"
    options: ClassVar[Mapping[str, Any]] = {"rho": None, "linear_solver": None, "split": None}

    def init(self, x0: Vectors) -> SplitState:
        """z_j = K_j x₀, u_j = 0."""
        z = self._blocks.push(x0)
        u = tuple(torch.zeros_like(t) for t in z)
        return self._begun(SplitState(0, x0, None, z, u, self._rho))

    def _points(self, state: SplitState, images: Vectors) -> Vectors:
        return tuple(a + u for a, u in zip(images, state.u, strict=True))

    def step(self, state: SplitState, measure: bool) -> SplitState:
        """One iteration; nothing of the state given is overwritten."""
        blocks, rho = self._blocks, state.rho
        before = blocks.push(state.x)
        points = tuple(a + b for a, b in zip(before, state.u, strict=True))
        z = blocks.prox(points, 1.0 / rho)
        targets = tuple(a - b for a, b in zip(z, state.u, strict=True))
        x = self._solve(targets, rho, state.x)
        images = blocks.push(x)
        u = tuple(b + a - c for a, b, c in zip(images, state.u, z, strict=True))
        residuals = None
        if measure:
            # z was optimal for the old K x, x for the new one.
            moved = tuple(a - b for a, b in zip(images, before, strict=True))
            residuals = blocks.residuals(self.tolerances, x, images, z, moved, u, rho)
        return replace(state, iteration=state.iteration + 1, x=x, z=z, u=u, residuals=residuals)

    def essence(self, state: SplitState) -> tuple[Vectors, tuple[Step, ...]]:
        """K x − u, the target of the last linear solve, weighted by √ρ."""
        targets = _sum(self._blocks.push(state.x), state.u, -1.0)
        return targets, _roots(state.rho, targets)

    def moved(self, state: SplitState, essence: Vectors) -> SplitState:
        """After a linear solve with another target."""
        x = self._solve(essence, state.rho, state.x)
        return replace(state, x=x, u=_sum(self._blocks.push(x), essence, -1.0))

    def with_parameter(self, state: SplitState, value: Step) -> SplitState:
        """The state with another ρ, the scaled duals along with it."""
        factor = value / state.rho
        return replace(state, u=tuple(t / shaped(factor, t) for t in state.u), rho=value)


class Hqs(_Splitting):
    """Half-quadratic splitting.

    Args:
        rhos: ρ for each iteration, the last one kept; None for one that stays, or without dual
            steps grows in proportion to k.
        dual_step: γ, from 0 to 1.
    """

    name = "hqs"
    options: ClassVar[Mapping[str, Any]] = {
        "rho": None,
        "dual_step": None,
        "linear_solver": None,
        "split": None,
    }

    def __init__(
        self, *given: Any, rhos: tuple[Step, ...] | None = None, dual_step: float = 0.0
    ) -> None:
        super().__init__(*given)
        self._rhos = rhos
        self._dual_step = dual_step

    def _rho_of(self, state: SplitState) -> Step:
        """ρ of the iteration to come."""
        if self._rhos is not None:
            return self._rhos[min(state.iteration, len(self._rhos) - 1)]
        if self._dual_step == 0.0:
            # Factors are computed anew whenever ρ changes, so it changes ever more rarely.
            return self._rho * _coarse(state.iteration + 1)
        return state.rho

    def init(self, x0: Vectors) -> SplitState:
        """z_j = K_j x₀, u_j = 0."""
        z = self._blocks.push(x0)
        u = tuple(torch.zeros_like(t) for t in z) if self._dual_step > 0.0 else ()
        rho = self._rho if self._rhos is None else self._rhos[0]
        return self._begun(SplitState(0, x0, None, z, u, rho))

    def _points(self, state: SplitState, images: Vectors) -> Vectors:
        return _sum(images, state.u)

    def step(self, state: SplitState, measure: bool) -> SplitState:
        """One iteration; nothing of the state given is overwritten."""
        blocks, rho = self._blocks, self._rho_of(state)
        if rho is not state.rho:
            state = self.with_parameter(state, rho)
        before = blocks.push(state.x)
        z = blocks.prox(_sum(before, state.u), 1.0 / rho)
        x = self._solve(_sum(z, state.u, -1.0), rho, state.x)
        u, residuals = state.u, None
        if measure or u:
            images = blocks.push(x)
            apart = _sum(images, z, -1.0)
            if measure:
                moved = _sum(images, before, -1.0)
                duals = _sum(apart, u)
                residuals = blocks.residuals(self.tolerances, x, images, z, moved, duals, rho)
            if u:
                u = _sum(u, apart, self._dual_step)
        return replace(state, iteration=state.iteration + 1, x=x, z=z, u=u, residuals=residuals)

    def adapt(self, state: SplitState) -> SplitState:
        """As the others, where there are duals."""
        return super().adapt(state) if state.u else state

    def with_parameter(self, state: SplitState, value: Step) -> SplitState:
        """The state with another ρ, the scaled duals along with it."""
        factor = value / state.rho
        return replace(state, u=tuple(t / shaped(factor, t) for t in state.u), rho=value)


def _sum(points: Vectors, shifts: Vectors, factor: float = 1.0) -> Vectors:
    """p_j + factor · s_j; the points where there are no shifts."""
    if not shifts:
        return points
    return tuple(torch.add(a, b, alpha=factor) for a, b in zip(points, shifts, strict=True))


def _roots(rho: Step, like: Vectors) -> tuple[Step, ...]:
    """√ρ beside each tensor."""
    root = rho**0.5
    return tuple(shaped(root, v) for v in like)


def _coarse(count: int) -> float:
    """A number near ``count`` with three significant binary digits."""
    if count < 8:
        return float(count)
    unit = 2.0 ** (count.bit_length() - 3)
    return unit * (count // unit)


class DouglasRachford(_Splitting):
    """Douglas-Rachford splitting between the quadratics with all operators, and the proxes.

    Args:
        relaxation: α, between 0 and 2.
    """

    name = "dr"
    options: ClassVar[Mapping[str, Any]] = {
        "rho": None,
        "relaxation": 1.6,
        "linear_solver": None,
        "split": None,
    }

    def __init__(self, *given: Any, relaxation: float = 1.0) -> None:
        super().__init__(*given)
        self._relaxation = relaxation

    def init(self, x0: Vectors) -> SplitState:
        """w_j = K_j x₀."""
        z = self._blocks.push(x0)
        return self._begun(SplitState(0, x0, None, z, z, self._rho))

    def _scaled_duals(self, state: SplitState) -> Vectors:
        """Of the last proxes; at rest w_j − z_j is what they took away."""
        return _sum(state.u, state.z, -1.0)

    def _points(self, state: SplitState, images: Vectors) -> Vectors:
        return tuple(torch.lerp(w, a, 2.0) for a, w in zip(images, state.u, strict=True))

    def step(self, state: SplitState, measure: bool) -> SplitState:
        """One iteration; nothing of the state given is overwritten."""
        blocks, rho = self._blocks, state.rho
        x = self._solve(state.u, rho, state.x)
        images = blocks.push(x)
        mirrored = self._points(state, images)
        z = blocks.prox(mirrored, 1.0 / rho)
        w = tuple(
            torch.add(point, c - a, alpha=self._relaxation)
            for point, c, a in zip(state.u, z, images, strict=True)
        )
        residuals = None
        if measure:
            # At z the subgradient is ρ (2 K x − w − z), and q pulls with ρ Kᴴ (w − K x).
            moved = tuple(a - c for a, c in zip(images, z, strict=True))
            duals = tuple(a - p for a, p in zip(images, state.u, strict=True))
            residuals = blocks.residuals(self.tolerances, x, images, z, moved, duals, rho)
        return replace(state, iteration=state.iteration + 1, x=x, z=z, u=w, residuals=residuals)

    def essence(self, state: SplitState) -> tuple[Vectors, tuple[Step, ...]]:
        """w, weighted by √ρ."""
        return state.u, _roots(state.rho, state.u)

    def moved(self, state: SplitState, essence: Vectors) -> SplitState:
        """At other w."""
        return replace(state, u=essence)

    def with_parameter(self, state: SplitState, value: Step) -> SplitState:
        """The state with another ρ: w_j mixes points and duals ρ (w_j − K_j x), which both stay."""
        factor = value / state.rho
        images = self._blocks.push(state.x)
        pairs = zip(images, state.u, strict=True)
        w = tuple(a + (b - a) / shaped(factor, a) for a, b in pairs)
        return replace(state, u=w, rho=value)
