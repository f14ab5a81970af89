"""What every method does with split terms: push a point through their operators, pull back."""

from __future__ import annotations

import torch

from dprox_core.algorithms.base import Residuals, Tolerances
from dprox_core.algorithms.measure import Measure, Rounded, largest
from dprox_core.algorithms.per_sample import shaped
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.proxfns.base import Step

__all__ = ["Blocks", "feasible_blocks", "first_of"]

Vectors = tuple[torch.Tensor, ...]


class Blocks:
    """The split terms h_j(K_j x).

    Args:
        terms: the terms.
        model: the problem that they belong to.
    """

    def __init__(self, terms: tuple[BoundTerm, ...], model: Model) -> None:
        self.terms = terms
        self.spaces = model.spaces
        self.measure = Measure(model.samples)
        self._feasible = feasible_blocks(terms)
        self.length = max((term.row.norm_bound() for term in terms), default=0.0)

    def push(self, x: Vectors) -> Vectors:
        """K_j x for every block, one for all that share K_j."""
        images: dict[int, torch.Tensor] = {}
        for block in self.terms:
            if id(block.row) not in images:
                images[id(block.row)] = block.row.forward(x)
        return tuple(images[id(block.row)] for block in self.terms)

    def pull(self, ys: Vectors) -> list[torch.Tensor]:
        """Σ_j K_jᴴ y_j for every variable."""
        sums = [space.zeros() for space in self.spaces]
        in_place = not torch.is_grad_enabled()
        for block, y in zip(self.terms, ys, strict=True):
            block.row.adjoint_add(y, sums, in_place)
        return sums

    def prox(self, points: Vectors, step: Step) -> Vectors:
        """The prox of step · h_j at each point, the step one for all or one for each sample."""
        pairs = zip(self.terms, points, strict=True)
        return tuple(block.penalty.prox(v, shaped(step, v)) for block, v in pairs)

    def feasible(self, x: Vectors, copies: Vectors) -> Vectors:
        """The variables; for one with bounds, its split copy, which meets them exactly."""
        held = (self._feasible.get(index) for index in range(len(x)))
        return tuple(v if i is None else copies[i] for v, i in zip(x, held, strict=True))

    @torch.no_grad()
    def residuals(
        self,
        tolerances: Tolerances,
        x: Vectors,
        images: Vectors,
        copies: Vectors,
        moved: Vectors,
        duals: Vectors,
        rho: Step,
    ) -> Residuals:
        """‖K x − z‖ and ρ ‖Σ_j K_jᴴ moved_j‖, tolerances as in Boyd et al. 2011, section 3.3.1.

        Args:
            tolerances: absolute and relative.
            x: the variables.
            images: K_j x.
            copies: z_j.
            moved: what ρ K_jᴴ (·) must vanish for the iterate to be stationary.
            duals: the scaled duals u_j.
            rho: ρ, or one for each sample; absolute tolerances of the dual residual are in units
                of it.
        """
        if not self.terms:
            return Residuals(0.0, 0.0, 0.0, 0.0)
        measure = self.measure
        primal = measure.norm([a - b for a, b in zip(images, copies, strict=True)])
        size = largest(measure.norm(images), measure.norm(copies))
        pushed: list[torch.Tensor] = []
        for block, dual in zip(self.terms, duals, strict=True):
            sums = [space.zeros() for space in self.spaces]
            block.row.adjoint_add(dual.detach(), sums, in_place=True)
            pushed += sums
        rows = sum(copy.numel() for copy in copies)
        columns = sum(space.numel for space in self.spaces)
        pull = measure.norm(self.pull(tuple(m.detach() for m in moved)))
        stationary = measure.weighted(rho, pull)
        rounded = Rounded(measure.norm(x), self.length, torch.finfo(x[0].dtype).eps)
        return measure.residuals(
            tolerances, primal, stationary, size, measure.norm(pushed), rows, columns, rho, rounded
        )


def feasible_blocks(terms: tuple[BoundTerm, ...]) -> dict[int, int]:
    """For each variable with bounds on it, the term that holds them."""
    found: dict[int, int] = {}
    for index, term in enumerate(terms):
        if term.function.meets_bounds and term.penalty.is_plain and term.row.is_identity:
            found.setdefault(term.row.entries[0][0], index)
    return found


def first_of(blocks: tuple[BoundTerm, ...], index: int) -> int:
    """The first block with the very same row; identities cost nothing and stay on their own."""
    row = blocks[index].row
    if row.is_identity:
        return index
    return next(i for i, block in enumerate(blocks) if block.row is row)
