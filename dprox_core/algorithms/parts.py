"""The three kinds of parts that first-order methods see, and what they do with them.

minimize f(x) + Σ_i g_i(x_i) + Σ_j h_j(K_j x): f smooth, g_i with a prox in one variable, h_j with
a prox behind a linear operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from dprox_core.algorithms.base import Residuals, Tolerances
from dprox_core.algorithms.measure import Measure, Norms, largest
from dprox_core.algorithms.per_sample import is_per_sample, shaped
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.linsolve.norms import Weighed, curvatures, joint_norm
from dprox_core.linsolve.smooth import SmoothPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["Parts", "Steps", "along", "spread_out", "weights_of"]

Vectors = tuple[torch.Tensor, ...]
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Parts:
    """A model sorted by what a method can do with its terms.

    Attributes:
        model: the compiled problem.
        smooth: f.
        proxes: for each variable, the terms whose proxes are taken one after the other: none, one
            penalty, or a separable one and then bounds.
        blocks: the terms h_j with their K_j.
    """

    model: Model
    smooth: SmoothPart
    proxes: tuple[tuple[BoundTerm, ...], ...]
    blocks: tuple[BoundTerm, ...]

    def prox_step(self, x: Vectors, direction: Vectors, steps: Steps) -> Vectors:
        """The prox of τ_i g_i at x_i − τ_i d_i."""
        triples = zip(x, direction, steps, strict=True)
        return tuple(
            self.prox_of(index, along(v, d, -step), step)
            for index, (v, d, step) in enumerate(triples)
        )

    def prox_of(self, index: int, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The prox of step · g_i at one variable."""
        step = shaped(step, v)
        for term in self.proxes[index]:
            v = term.penalty.prox(v, step)
        return v

    def push(self, x: Vectors) -> Vectors:
        """K_j x for every block."""
        return tuple(block.row.forward(x) for block in self.blocks)

    def pull(self, ys: Vectors) -> Vectors:
        """Σ_j K_jᴴ y_j for every variable."""
        sums = [space.zeros() for space in self.model.spaces]
        in_place = not torch.is_grad_enabled()
        for block, y in zip(self.blocks, ys, strict=True):
            block.row.adjoint_add(y, sums, in_place)
        return tuple(sums)

    def pull_measured(self, ys: Vectors) -> tuple[Vectors, Norms]:
        """Σ_j K_jᴴ y_j, and the largest ‖K_jᴴ y_j‖: a yardstick that stays when they cancel."""
        if len(self.blocks) < 2:
            pulled = self.pull(ys)
            return pulled, self.measure.norm(pulled)
        sums, sizes = [space.zeros() for space in self.model.spaces], []
        for block, y in zip(self.blocks, ys, strict=True):
            own = [space.zeros() for space in self.model.spaces]
            block.row.adjoint_add(y, own, in_place=True)
            sizes.append(self.measure.norm(own))
            sums = [a + b for a, b in zip(sums, own, strict=True)]
        return tuple(sums), largest(*sizes)

    def block_norms(self) -> list[float]:
        """‖K_j‖ for every block."""
        return [block.row.tight_norm() for block in self.blocks]

    @cached_property
    def measure(self) -> Measure:
        """What measures residuals, of all samples together and of each."""
        return Measure(self.model.samples)

    @cached_property
    def first_slope(self) -> Norms:
        """‖∇f(0)‖, joint and by sample."""
        return self.measure.norm(self.smooth.at_zero())

    def coupling(self, shares: Sequence[float]) -> float:
        """‖Σ_j s_j K_jᴴ K_j‖."""
        return joint_norm(self._weighed(shares))

    def couplings(self, shares: Sequence[float]) -> tuple[float, ...]:
        """Numbers c_i with Σ_j s_j K_jᴴ K_j ⪯ diag(c_i I)."""
        return curvatures(self._weighed(shares), len(self.model.spaces))

    def _weighed(self, shares: Sequence[float]) -> list[Weighed]:
        return [Weighed(block.row, share) for block, share in zip(self.blocks, shares, strict=True)]

    def residuals(
        self,
        tolerances: Tolerances,
        old: Vectors,
        point: Vectors,
        slope: Vectors,
        new: Vectors,
        steps: Steps,
    ) -> Residuals:
        """Those of a prox-gradient step from a point: how far the iterate moved, and the length of
        the subgradient (y − x⁺)/τ + ∇f(x⁺) − ∇f(y), τ of each variable.

        Args:
            tolerances: absolute and relative.
            old: x, the iterate before.
            point: y, where the gradient was taken.
            slope: ∇f(y).
            new: x⁺.
            steps: τ_i.
        """
        after, measure = self.smooth(new), self.measure
        subgradient = [
            (y - x) / reductions.number(step) + late - early
            for y, x, late, early, step in zip(point, new, after, slope, steps, strict=True)
        ]
        return measure.of_gradients(
            tolerances,
            measure.norm([x - early for x, early in zip(new, old, strict=True)]),
            measure.norm(subgradient),
            measure.norm(new),
            largest(self.first_slope, measure.norm(after)),
            self.unknowns,
            self.unknowns,
        )

    @property
    def unknowns(self) -> int:
        """How many numbers are sought."""
        return sum(space.numel for space in self.model.spaces)

    @property
    def split_size(self) -> int:
        """How many numbers the blocks' arguments hold."""
        return sum(block.row.range.numel for block in self.blocks)


def along(
    x: torch.Tensor, direction: torch.Tensor, step: Step, out: torch.Tensor | None = None
) -> torch.Tensor:
    """x + step · direction; where the step is a number in one pass over memory, that of ``out``.

    The step may be one for each sample.
    """
    if is_per_sample(step):
        return torch.addcmul(x, direction, torch.as_tensor(shaped(step, x)))
    if isinstance(step, torch.Tensor):
        return x + direction * step
    return torch.add(x, direction, alpha=step, out=out)


def spread_out(step: Step, spread: Sequence[float]) -> Steps:
    """τ m_i, the step of each variable."""
    return tuple(step if share == 1.0 else step * share for share in spread)


def weights_of(steps: Steps, like: Vectors) -> Steps:
    """1 / √τ_i beside each tensor, the weights of the norm in which such steps come nearer."""
    return tuple(
        shaped(step, v) ** -0.5 if is_per_sample(step) else reductions.number(step) ** -0.5
        for step, v in zip(steps, like, strict=True)
    )
