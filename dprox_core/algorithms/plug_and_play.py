"""Plug-and-play: HQS and ADMM with denoisers for proxes, from coarse noise levels to fine ones.

    x ← argmin Σ_q w_q ‖A_q x + b_q‖² + (ρ_k/2) Σ_j ‖K_j x − z_j + u_j‖²
    z_j ← D(K_j x + u_j, σ_k) for a prior, else the prox of h_j / ρ_k
    u_j ← u_j + K_j x − z_j (ADMM; zero for HQS)

σ_k falls and ρ_k = 2 λ w σ_data² / σ_k² rises along with it. K. Zhang et al., Plug-and-Play Image
Restoration with Deep Denoiser Prior, 2021, equations 6 and 7 (HQS); S. Chan et al., Plug-and-Play
ADMM for Image Restoration: Fixed-Point Convergence and Applications, 2017 (ADMM with growing ρ).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import torch

from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances, joint_norm
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.linsolve.base import LinearSolver
from dprox_core.numerics import reductions
from dprox_core.numerics.pieces import in_pieces
from dprox_core.proxfns.base import Step
from dprox_core.proxfns.deep import DeepPrior

__all__ = [
    "REACH",
    "Course",
    "PlugAndPlay",
    "PlugAndPlayState",
    "Start",
    "bounded_denoising",
    "sums",
]

Vectors = tuple[torch.Tensor, ...]
Start = Callable[[Vectors | None], Vectors]

REACH = 2.0
"""A denoising may change an image by so many times the noise level, root mean square."""


@dataclass(frozen=True)
class Course:
    """The noise levels of the iterations, and the penalty parameters that belong to them.

    Attributes:
        level: (iteration from 0, number of steps) → σ, the last level from the last step on; None
            where each prior's level follows from its weight and ρ.
        rho: (σ, iteration) → ρ.
        steps: how many; None for levels that never change, which end by tolerance.
        elastic: whether the course is shortened to the iterations that are allowed.
        automatic: whether the levels were chosen, so that what starts them may be improved.
    """

    level: Callable[[int, int], Step | None]
    rho: Callable[[Step | None, int], Step]
    steps: int | None
    elastic: bool = False
    automatic: bool = False


@dataclass
class PlugAndPlayState(State):
    """State of plug-and-play.

    Attributes:
        z: the split copies.
        u: the scaled duals, zero for HQS.
        rho: ρ of the last step.
        steps: the length of the course, None where it has no end.
    """

    z: Vectors
    u: Vectors
    rho: Step | None
    steps: int | None

    def clone(self) -> PlugAndPlayState:
        """A copy with memory of its own."""
        x, z, u = (tuple(t.clone() for t in group) for group in (self.x, self.z, self.u))
        return replace(self, x=x, z=z, u=u)


class PlugAndPlay(Algorithm[PlugAndPlayState]):
    """HQS or ADMM along a course of noise levels.

    Args:
        model: the compiled problem.
        blocks: all terms outside the linear solve.
        solver: the linear solver of the x-update.
        start: gives the variables to begin with, from those that were given, if any.
        course: σ and ρ of each iteration.
        tolerances: when a course without end has converged.
        duals: ADMM's duals (True), or HQS (False).
        in_place: whether a step may write into the duals of the state it is given.
    """

    name = "plug_and_play"
    options: ClassVar[Mapping[str, Any]] = {"rho": None, "sigmas": None, "steps": None}

    def __init__(
        self,
        model: Model,
        blocks: tuple[BoundTerm, ...],
        solver: LinearSolver,
        start: Start,
        course: Course,
        tolerances: Tolerances,
        duals: bool,
        in_place: bool,
    ) -> None:
        self.model = model
        self.blocks = blocks
        self.solver = solver
        self.tolerances = tolerances
        self.course = course
        self._start = start
        self._begun: Vectors | None = None
        self._duals = duals
        self._in_place = in_place
        # Identities first: they start a sum by being it.
        self._order = sorted(range(len(blocks)), key=lambda i: not blocks[i].row.is_identity)

    def start(self) -> Vectors:
        """A smooth image that fits the data."""
        self._begun = self._start(None)
        return self._begun

    def forget(self) -> None:
        """Drop the linear solver's factors."""
        self.solver.forget()

    def init(self, x0: Vectors) -> PlugAndPlayState:
        """z_j = K_j x₀, u_j = 0; with levels of its own choice gaps in x₀ are filled first.

        The first denoising is coarse and leaves little of a good start, but holes of black pixels
        would stay holes for many iterations.
        """
        own = self._begun is not None and all(a is b for a, b in zip(x0, self._begun, strict=True))
        if self.course.automatic and not own:
            x0 = self._start(x0)
        z = tuple(block.row.forward(x0) for block in self.blocks)
        u = tuple(torch.zeros_like(t) for t in z) if self._duals else ()
        return PlugAndPlayState(0, x0, None, z, u, None, self.course.steps)

    def begin(self, state: PlugAndPlayState, limit: int) -> PlugAndPlayState:
        """Shortens the course to the iterations there are."""
        if state.iteration > 0 or state.steps is None or not self.course.elastic:
            return state
        return replace(state, steps=min(state.steps, limit))

    def step(self, state: PlugAndPlayState, measure: bool) -> PlugAndPlayState:
        """One iteration."""
        level = self.course.level(state.iteration, state.steps or 1)
        rho = self.course.rho(level, state.iteration)
        u = state.u
        if self._duals and state.rho is not None and rho is not state.rho:
            # The duals themselves are ρ u and stay what they are.
            share = state.rho / rho
            u = tuple(held.mul_(share) if self._in_place else held * share for held in u)
        x, images, z, u = self._advance(state, u, level, rho)
        residuals = self._measure(images, z, state.z) if measure else None
        return replace(
            state,
            iteration=state.iteration + 1,
            x=x,
            z=z,
            u=u,
            rho=rho,
            residuals=residuals,
        )

    def _advance(
        self, state: PlugAndPlayState, u: Vectors, level: Step | None, rho: Step
    ) -> tuple[Vectors, Vectors, Vectors, Vectors]:
        """x, K_j x, z_j and u_j after one iteration, with the duals before it scaled for its ρ."""
        targets = sums(state.z, u, -1.0) if self._duals else tuple(z.clone() for z in state.z)
        x = self.solver.solve(self._pull(targets), rho, state.x)
        images = self._push(x)
        points = sums(images, u) if self._duals else images
        z = self._proxes(points, level, rho, state.iteration)
        return x, images, z, self._duals_after(points, z, u) if self._duals else u

    def _duals_after(self, points: Vectors, z: Vectors, u: Vectors) -> Vectors:
        """What the proxes took away, in the memory of the duals u where these may be overwritten.

        The points are left as they are: a denoiser of the user's may have kept them.
        """
        return sums(points, z, -1.0, out=u if self._in_place else None)

    def _push(self, x: Vectors) -> Vectors:
        return tuple(block.row.forward(x) for block in self.blocks)

    def _pull(self, ys: Vectors) -> list[torch.Tensor]:
        """Σ_j K_jᴴ y_j for every variable; the y_j are used up."""
        pulled: list[torch.Tensor | None] = [None] * len(self.model.spaces)
        for index in self._order:
            row, y = self.blocks[index].row, ys[index]
            first = row.entries[0][0]
            if row.is_identity and pulled[first] is None:
                pulled[first] = y
                continue
            for variable, _ in row.entries:
                if pulled[variable] is None:
                    pulled[variable] = self.model.spaces[variable].zeros()
            row.adjoint_add(y, cast(list[torch.Tensor], pulled), self._in_place)
        pairs = zip(self.model.spaces, pulled, strict=True)
        return [space.zeros() if held is None else held for space, held in pairs]

    def _proxes(self, points: Vectors, level: Step | None, rho: Step, iteration: int) -> Vectors:
        """Each block's denoiser or prox."""
        return tuple(
            self._prox(block, point, level, rho, iteration)
            for block, point in zip(self.blocks, points, strict=True)
        )

    def _prox(
        self, block: BoundTerm, point: torch.Tensor, level: Step | None, rho: Step, iteration: int
    ) -> torch.Tensor:
        function = block.function
        if not isinstance(function, DeepPrior):
            return block.penalty.prox(point, 1.0 / rho)
        penalty = replace(block.penalty, function=function.at(iteration))
        if level is None:
            return penalty.prox(point, 1.0 / rho)
        denoised = replace(penalty, weight=1.0).prox(point, function.step_of(level))
        return bounded_denoising(point, denoised, level)

    @torch.no_grad()
    def _measure(self, images: Vectors, z: Vectors, old_z: Vectors) -> Residuals:
        """How far copies are from what they copy, and how far they moved."""
        primal = joint_norm([image - copy for image, copy in zip(images, z, strict=True)])
        moved = joint_norm([new - old for new, old in zip(z, old_z, strict=True)])
        bound = self.tolerances.bound(
            sum(copy.numel() for copy in z), max(joint_norm(images), joint_norm(z))
        )
        return Residuals(primal, moved, bound, bound)

    def at_rest(self, state: PlugAndPlayState) -> PlugAndPlayState:
        """Without a ρ to come from: the last one and the next are the same where nothing moves."""
        return replace(state, rho=None)

    def last(self, state: PlugAndPlayState) -> int | None:
        """The last step of the course."""
        return state.steps

    def done(self, state: PlugAndPlayState) -> bool:
        """Whether nothing moves any more, once the course is over."""
        over = state.steps is None or state.iteration >= state.steps
        return over and super().done(state)

    def answer(self, state: PlugAndPlayState) -> Vectors:
        """The denoised copies, moved into the bounds there are."""
        return tuple(self._answer(state, index) for index in range(len(self.model.spaces)))

    def _answer(self, state: PlugAndPlayState, index: int) -> torch.Tensor:
        value = state.x[index]
        mine = [
            (block, copy)
            for block, copy in zip(self.blocks, state.z, strict=True)
            if block.row.is_identity and block.row.entries[0][0] == index
        ]
        denoised = [copy for block, copy in mine if isinstance(block.function, DeepPrior)]
        if denoised and state.iteration > 0:
            value = denoised[0] if len(denoised) == 1 else torch.stack(denoised).mean(0)
        for block, _ in mine:
            plain = block.penalty.is_plain
            if block.function.meets_bounds and plain:
                value = block.function.prox(value, 1.0)
        return value

    def parameter(self, state: PlugAndPlayState) -> float:
        """ρ."""
        return float("nan") if state.rho is None else reductions.number(state.rho)


def sums(
    points: Vectors, shifts: Vectors, factor: float = 1.0, out: Vectors | None = None
) -> Vectors:
    """p_j + factor · s_j, in the memory given."""
    targets = out if out is not None else (None,) * len(points)
    triples = zip(points, shifts, targets, strict=True)
    return tuple(torch.add(a, b, alpha=factor, out=target) for a, b, target in triples)


def bounded_denoising(point: torch.Tensor, denoised: torch.Tensor, level: Step) -> torch.Tensor:
    """The denoised point, its root mean square distance from the point at most ``REACH`` · σ.

    With levels that fall in equal ratios every course then converges, whatever the denoiser: it is
    the bounded denoiser of Chan et al. 2017, section III.
    """
    axes = tuple(range(1 if point.ndim > 3 else 0, point.ndim))
    count = math.prod(point.shape[axis] for axis in axes)
    moved = _movements(point, denoised, len(axes)) / math.sqrt(count)
    allowed = REACH * level
    if bool((moved.detach() <= reductions.number(allowed)).all()):
        return denoised
    return point + (denoised - point) * (allowed / moved).clamp(max=1.0)


def _movements(point: torch.Tensor, denoised: torch.Tensor, kept: int) -> torch.Tensor:
    """The length of denoised − point over the last axes, which stay with length one."""
    if torch.is_grad_enabled():
        axes = tuple(range(point.ndim - kept, point.ndim))
        return torch.linalg.vector_norm(denoised - point, dim=axes, keepdim=True)
    images = [(point, denoised)] if kept == point.ndim else zip(point, denoised, strict=True)
    norms = [
        [
            part
            for before, after in in_pieces(image, other)
            for part in reductions.block_norms(torch.sub(after, before))
        ]
        for image, other in images
    ]
    lengths = torch.as_tensor(reductions.sums_of_squares(norms)).sqrt()
    shape = (*point.shape[: point.ndim - kept], *(1,) * kept)
    return lengths.to(point.device, point.dtype).reshape(shape)
