"""The alternating direction method of multipliers, scaled form.

minimize Σ_q w_q ‖A_q x + b_q‖² + Σ_j h_j(z_j)  subject to  K_j x = z_j

    x ← argmin Σ_q w_q ‖A_q x + b_q‖² + (ρ/2) Σ_j ‖K_j x − z_j + u_j‖²
    v_j ← α K_j x + (1 − α) z_j + u_j
    z_j ← prox of h_j / ρ at v_j
    u_j ← v_j − z_j

S. Boyd, N. Parikh, E. Chu, B. Peleato, J. Eckstein, Distributed Optimization and Statistical
Learning via the Alternating Direction Method of Multipliers, 2011; residuals and stopping as in
section 3.3.1, the dual one in units of ρ; over-relaxation α as in section 3.4.3; ρ as in
``balance``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import torch

from dprox_core.algorithms.balance import Mark, balanced, few, is_due, mark
from dprox_core.algorithms.base import Algorithm, Residuals, State, Tolerances
from dprox_core.algorithms.blocks import feasible_blocks, first_of
from dprox_core.algorithms.copies import Pieces, Watch, relaxed, update
from dprox_core.algorithms.evidence import Evidence, of_blocks
from dprox_core.algorithms.measure import Measure, Norms, Rounded, Tally, largest
from dprox_core.algorithms.per_sample import is_per_sample, representative, shaped
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.linsolve.base import LinearSolver, QuadraticPart
from dprox_core.numerics import reductions
from dprox_core.numerics.views import Views
from dprox_core.proxfns.base import Step

__all__ = ["Admm", "AdmmState"]

Vectors = tuple[torch.Tensor, ...]


@dataclass
class AdmmState(State):
    """State of ADMM.

    Attributes:
        v: the points v_j at which the last proxes were taken.
        u: the scaled duals u_j; the split copies are z_j = v_j − u_j.
        rho: ρ, or one for each sample of a batch.
        mark: z_j and ρ u_j when ρ was last looked at.
    """

    v: Vectors
    u: Vectors
    rho: Step
    mark: Mark = field(default_factory=mark)

    @property
    def z(self) -> Vectors:
        """The split copies."""
        return tuple(v - u for v, u in zip(self.v, self.u, strict=True))


class Admm(Algorithm[AdmmState]):
    """ADMM over the quadratics in ``solver`` and the split terms in ``blocks``.

    Args:
        model: the compiled problem.
        blocks: the terms that are split off: h_j and K_j.
        solver: the linear solver of the x-update.
        tolerances: when to stop.
        rho: the penalty parameter to start with, or one for each sample.
        adaptive: whether ρ is balanced.
        relaxation: α, between 0 and 2.
        differentiate: whether gradients are wanted, so that nothing may be overwritten.
        quadratic: what the linear solver solves, for certificates.
    """

    name = "admm"
    options: ClassVar[Mapping[str, Any]] = {
        "rho": None,
        "relaxation": 1.6,
        "linear_solver": None,
        "split": None,
    }

    def __init__(
        self,
        model: Model,
        blocks: tuple[BoundTerm, ...],
        solver: LinearSolver,
        tolerances: Tolerances,
        rho: Step,
        adaptive: bool,
        relaxation: float,
        differentiate: bool,
        quadratic: QuadraticPart,
    ) -> None:
        self.model = model
        self.quadratic = quadratic
        self._batch = model.samples
        self._measure = Measure(self._batch)
        self.blocks = blocks
        self.solver = solver
        self.tolerances = tolerances
        self._rho = rho
        self._adaptive = adaptive
        self.relaxation = relaxation
        self._in_place = not differentiate
        self._drop_memory()
        self._feasible = feasible_blocks(blocks)
        self._length = max((block.row.norm_bound() for block in blocks), default=0.0)
        # Several terms on one operator: it is applied for the first of them.
        self._first = [first_of(blocks, index) for index in range(len(blocks))]
        # Identities first: they start a sum by writing instead of adding.
        self._order = sorted(range(len(blocks)), key=lambda i: not blocks[i].row.is_identity)

    @property
    def exact_after(self) -> int | None:
        """One step where nothing is split."""
        return None if self.blocks else 1

    def init(self, x0: Vectors) -> AdmmState:
        """z_j = K_j x₀, u_j = 0."""
        x = tuple(v.clone() for v in x0) if self._in_place else x0
        v = tuple(_own(block.row.forward(x), x) for block in self.blocks)
        u = tuple(torch.zeros_like(t) for t in v)
        state = AdmmState(0, x, None, v, u, self._rho)
        return replace(state, mark=self._mark(state)) if self._adaptive else state

    def _mark(self, state: AdmmState) -> Mark:
        pairs = [(few(v.detach()), few(u.detach())) for v, u in zip(state.v, state.u, strict=True)]
        duals = tuple(u * shaped(state.rho, u) for _, u in pairs)
        return Mark(state.iteration, tuple(v - u for v, u in pairs), None, duals)

    def step(self, state: AdmmState, measure: bool) -> AdmmState:
        """One iteration."""
        x = self._update_x(state)
        tally = self._measure.tally() if measure else None
        v, u = self._update_split(state, x, tally)
        residuals = None if tally is None else self._residuals(tally, x, u, state)
        return replace(state, iteration=state.iteration + 1, x=x, v=v, u=u, residuals=residuals)

    def _update_x(self, state: AdmmState) -> Vectors:
        pulled: list[torch.Tensor | None] = [None] * len(self.model.spaces)
        for index in self._order:
            row, v, u = self.blocks[index].row, state.v[index], state.u[index]
            if self._first[index] != index:
                continue
            first = row.entries[0][0]
            # z − u with z = v − u; where nothing stands in between, straight into the sum.
            if row.is_identity and pulled[first] is None:
                pulled[first] = torch.sub(v, u, alpha=2.0, out=self._sum_buffer(first))
                continue
            for variable, _ in row.entries:
                if pulled[variable] is None:
                    pulled[variable] = self._zeros(variable)
            target = torch.sub(v, u, alpha=2.0, out=self._buffer(index, state))
            for other in range(index + 1, len(self.blocks)):
                if self._first[other] == index:
                    extra = torch.sub(state.v[other], state.u[other], alpha=2.0)
                    target = target.add_(extra) if self._in_place else target + extra
            row.adjoint_add(target, cast(list[torch.Tensor], pulled), self._in_place)
        sums = [self._zeros(i) if held is None else held for i, held in enumerate(pulled)]
        out = state.x if self._in_place else None
        return self.solver.solve(sums, state.rho, state.x, out)

    def _update_split(
        self, state: AdmmState, x: Vectors, tally: Tally | None
    ) -> tuple[Vectors, Vectors]:
        new_v, new_u = [], []
        images: list[torch.Tensor] = []
        for index, block in enumerate(self.blocks):
            first = self._first[index]
            if first == index:
                images.append(block.row.forward(x, out=self._buffer(index, state)))
            else:
                images.append(images[first])
            watch = None if tally is None else self._watch(tally, index)
            v, u = self._update_block(index, images[index], state, watch)
            new_v.append(v)
            new_u.append(u)
        return tuple(new_v), tuple(new_u)

    def _update_block(
        self, index: int, image: torch.Tensor, state: AdmmState, watch: Watch | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        v, u, penalty = state.v[index], state.u[index], self.blocks[index].penalty
        moved = None if watch is None else self._moves_memory(index, image, v)
        if self._in_place:
            arrays = (v, u, image) if moved is None else (v, u, image, moved)
            apart, views = self._batch > 1, self._views[index]
            update(arrays, self.relaxation, penalty, state.rho, watch, apart, views)
            return v, u
        new_v = relaxed(v, u, image, self.relaxation, out=None)
        new_u = penalty.dual_prox(new_v, shaped(1.0 / state.rho, new_v))
        if watch is not None and moved is not None:
            with torch.no_grad():
                watch.add(new_v, new_u, image, torch.sub(v, u), moved)
        return new_v, new_u

    def _watch(self, tally: Tally, index: int) -> Watch:
        return Watch(tally, index, self._measure.apart)

    @torch.no_grad()
    def _residuals(self, tally: Tally, x: Vectors, u: Vectors, old: AdmmState) -> Residuals:
        """Boyd et al. 2011, section 3.3.1: r = K x − z and s = ρ Kᴴ (z − z_old).

        The absolute tolerance of s is in units of ρ, so that an objective multiplied by a number
        stops at the same iterate.
        """
        if not self.blocks:
            return Residuals(0.0, 0.0, 0.0, 0.0)
        for total in self._pulled_together(cast(list[torch.Tensor], self._moves)):
            tally.add("dual", total)
        for v in x:
            tally.add("x", v)
        # Block by block, for where nothing is left in the x-update the whole sum vanishes.
        for index, dual in enumerate(u):
            for pull in self._pull_of(index, dual):
                tally.add("pushed", pull)
        every = range(len(self.blocks))

        def norm(name: str, terms: Iterable[int]) -> Norms:
            return tally.norm(*((term, name) for term in terms))

        return self._measure.residuals(
            self.tolerances,
            norm("missed", every),
            self._measure.weighted(old.rho, tally.norm("dual")),
            largest(norm("image", every), norm("copy", every)),
            tally.norm("pushed"),
            sum(dual.numel() for dual in u),
            sum(space.numel for space in self.model.spaces),
            old.rho,
            Rounded(tally.norm("x"), self._length, torch.finfo(x[0].dtype).eps),
        )

    def _pulled_together(self, moves: list[torch.Tensor]) -> list[torch.Tensor]:
        """Kᴴ (z_old − z), in the place of what moved where nothing stands in between."""
        sums: list[torch.Tensor | None] = [None] * len(self.model.spaces)
        for index in self._order:
            row, move = self.blocks[index].row, moves[index]
            first = row.entries[0][0]
            if row.is_identity and sums[first] is None:
                sums[first] = move
                continue
            for variable, _ in row.entries:
                if sums[variable] is None:
                    sums[variable] = self._zeros(variable)
            row.adjoint_add(move, cast(list[torch.Tensor], sums), in_place=True)
        return [held for held in sums if held is not None]

    def _pull_of(self, index: int, dual: torch.Tensor) -> list[torch.Tensor]:
        """K_jᴴ u_j."""
        row = self.blocks[index].row
        if row.is_identity:
            return [dual]
        sums: list[torch.Tensor | None] = [None] * len(self.model.spaces)
        for variable, _ in row.entries:
            sums[variable] = self._zeros(variable)
        row.adjoint_add(dual, cast(list[torch.Tensor], sums), in_place=True)
        return [held for held in sums if held is not None]

    def essence(self, state: AdmmState) -> tuple[Vectors, tuple[Step, ...]]:
        """v, from which u follows, weighted by √ρ."""
        root = state.rho**0.5
        return state.v, tuple(shaped(root, v) for v in state.v)

    def moved(self, state: AdmmState, essence: Vectors) -> AdmmState:
        """At other v, in the memory of the state's own, whose layout the operators chose."""
        for block, v, u, new in zip(self.blocks, state.v, state.u, essence, strict=True):
            v.copy_(new)
            block.penalty.dual_prox(v, shaped(1.0 / state.rho, v), out=u)
        return state

    @torch.no_grad()
    def evidence(self, state: AdmmState) -> Evidence:
        """The proxes were taken at v."""
        return of_blocks(self.model, self.quadratic, self.blocks, state.x, state.v, state.rho)

    def adapt(self, state: AdmmState) -> AdmmState:
        """Move ρ towards where copies and duals go as far, the scaled duals along with it."""
        if not self._adaptive or not is_due(state.mark, state.iteration):
            return state
        now = self._mark(state)
        measure, rhos = self._measure, (state.rho, self._rho)
        rho = balanced(now, state.mark, measure, *rhos, self._length, state.x)
        state = replace(state, mark=now)
        return state if rho is state.rho else self._rescaled(state, rho)

    def with_parameter(self, state: AdmmState, value: Step) -> AdmmState:
        """The state with another ρ, the scaled duals along with it."""
        factor = value / state.rho
        u = tuple(t / shaped(factor, t) for t in state.u)
        # The copies z = v − u stay what they are.
        v = tuple(a + (c - b) for a, b, c in zip(state.v, state.u, u, strict=True))
        return replace(state, u=u, v=v, rho=value)

    def _rescaled(self, state: AdmmState, value: Step) -> AdmmState:
        """The same with another ρ, in the memory of the state where that may be."""
        if not self._in_place or is_per_sample(value):
            return self.with_parameter(state, value)
        factor = reductions.number(state.rho) / reductions.number(value)
        for v, u in zip(state.v, state.u, strict=True):
            v.add_(u, alpha=factor - 1.0)
            u.mul_(factor)
        return replace(state, rho=value)

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """Within it, and without gradients, steps write into their states."""
        held, self._in_place = self._in_place, True
        try:
            yield
        finally:
            self._in_place = held
            if not held:
                self._drop_memory()

    def forget(self) -> None:
        """Drop the linear solver's factors."""
        self.solver.forget()

    def answer(self, state: AdmmState) -> Vectors:
        """The variables; for one with bounds, its split copy, which meets them exactly."""
        found = list(state.x)
        for variable, index in self._feasible.items():
            copy = state.v[index] - state.u[index]
            found[variable] = self.blocks[index].function.bounded(copy)
        return tuple(found)

    def parameter(self, state: AdmmState) -> float:
        """ρ, the geometric mean where each sample has its own."""
        return representative(state.rho)

    def _drop_memory(self) -> None:
        self._scratch: list[torch.Tensor | None] = [None] * len(self.blocks)
        self._moves: list[torch.Tensor | None] = [None] * len(self.blocks)
        self._pulled: list[torch.Tensor | None] = [None] * len(self.model.spaces)
        self._views: list[Pieces] = [Views() for _ in self.blocks]

    def _zeros(self, index: int) -> torch.Tensor:
        held = self._sum_buffer(index)
        return self.model.spaces[index].zeros() if held is None else held.zero_()

    def _sum_buffer(self, index: int) -> torch.Tensor | None:
        """Memory for the sum of what the blocks pull a variable to, None for gradients."""
        if not self._in_place:
            return None
        held = self._pulled[index]
        if held is None:
            held = self._pulled[index] = self.model.spaces[index].empty()
        return held

    def _moves_memory(self, index: int, image: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Memory for z_old − z: where possible such as nobody needs before the next step."""
        held = self._moves[index]
        if held is None and self._in_place:
            row = self.blocks[index].row
            if self._first.count(self._first[index]) == 1 and image is self._scratch[index]:
                held = image
            elif row.is_identity and self._first[index] == index:
                held = self._sum_buffer(row.entries[0][0])
        if held is None or not self._in_place:
            held = torch.empty_like(like, requires_grad=False)
        self._moves[index] = held
        return held

    def _buffer(self, index: int, state: AdmmState) -> torch.Tensor | None:
        if not self._in_place:
            return None
        held = self._scratch[index]
        if held is None:
            # The same layout in memory as v, which the operator chose.
            held = self._scratch[index] = torch.empty_like(state.v[index])
        return held


def _own(image: torch.Tensor, x: Vectors) -> torch.Tensor:
    """The image in memory of its own, for an identity hands back the variable itself."""
    return image.clone() if any(image is v for v in x) else image
