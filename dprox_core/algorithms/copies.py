"""ADMM's update of one split term, and what a measured step tells of it: z = v − u."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch

from dprox_core.algorithms.measure import Measure, Norms
from dprox_core.algorithms.per_sample import shaped
from dprox_core.compiler.model import Penalty
from dprox_core.numerics import reductions
from dprox_core.numerics.pieces import in_pieces, worth_a_call
from dprox_core.proxfns.base import Step

__all__ = ["Watch", "relaxed", "update"]

Arrays = tuple[torch.Tensor, ...]


class Watch:
    """Norms of a term's vectors after a step.

    They may come piece by piece, each while it is still in the cache.

    Args:
        measure: what takes norms.
        balances: whether what ρ is balanced by is wanted as well.
    """

    def __init__(self, measure: Measure, balances: bool) -> None:
        self._measure = measure
        self._balances = balances
        self._sums: dict[tuple[str, int], reductions.SquaredNorm] = {}
        self._whole: dict[str, Norms] = {}

    @torch.no_grad()
    def add(
        self,
        v: torch.Tensor,
        u: torch.Tensor,
        image: torch.Tensor,
        old: torch.Tensor,
        sample: int | None = None,
    ) -> None:
        """Take in more of the term.

        Args:
            v: after the step.
            u: after the step.
            image: K x.
            old: z before the step; becomes z_old − z.
            sample: which sample it is a part of, None for all of them.
        """
        arrays = (v, u, image, old)
        if not self._measure.apart:
            sample = 0
        elif sample is None and worth_a_call(v[0]):
            for index in range(len(v)):
                self.add(v[index], u[index], image[index], old[index], index)
            return
        for now_v, now_u, seen, moved in [arrays] if sample is None else in_pieces(*arrays):
            self._take("image", seen, sample)
            copy = torch.sub(now_v, now_u)
            self._take("copy", copy, sample)
            moved.sub_(copy)
            self._take("missed", copy.sub_(seen), sample)
            if self._balances:
                self._take("moved", moved, sample)
                self._take("dual", now_u, sample)

    @cached_property
    def copy(self) -> Norms:
        """‖z‖."""
        return self._norm("copy")

    @cached_property
    def image(self) -> Norms:
        """‖K x‖."""
        return self._norm("image")

    @cached_property
    def missed(self) -> Norms:
        """‖K x − z‖."""
        return self._norm("missed")

    @cached_property
    def moved(self) -> Norms:
        """‖z_old − z‖."""
        return self._norm("moved")

    @cached_property
    def dual(self) -> Norms:
        """‖u‖."""
        return self._norm("dual")

    def _take(self, name: str, piece: torch.Tensor, sample: int | None) -> None:
        if sample is None:
            self._whole[name] = self._measure.norm([piece])
        else:
            self._sums.setdefault((name, sample), reductions.SquaredNorm()).add(piece)

    def _norm(self, name: str) -> Norms:
        if name in self._whole:
            return self._whole[name]
        squares = [float(held.value()) for (kind, _), held in self._sums.items() if kind == name]
        return np.sqrt([sum(squares), *squares] if self._measure.apart else squares)


def update(
    arrays: Arrays, alpha: float, penalty: Penalty, rho: Step, watch: Watch | None, apart: bool
) -> None:
    """The next v and u in the place of the old ones.

    Piece by piece where the prox does the same to every element; sample by sample where these are
    long, and each may have its ρ.

    Args:
        arrays: v, u, K x, and, where it is watched, memory for z_old − z.
        alpha: the over-relaxation.
        penalty: h.
        rho: ρ, or one for each sample.
        watch: what is told of the step, None for nothing.
        apart: whether the first axis is one of samples.
    """
    for sample, weight, (v, u, image, *old) in _portions(arrays, penalty, rho, apart):
        if watch is not None:
            torch.sub(v, u, out=old[0])
        relaxed(v, u, image, alpha, out=v)
        penalty.dual_prox(v, shaped(1.0 / weight, v), out=u)
        if watch is not None:
            watch.add(v, u, image, old[0], sample)


def relaxed(
    v: torch.Tensor, u: torch.Tensor, image: torch.Tensor, alpha: float, out: torch.Tensor | None
) -> torch.Tensor:
    """α K x + (1 − α) z + u."""
    if alpha == 1.0:
        return torch.add(image, u, out=out)
    v = torch.lerp(v, u, alpha, out=out)
    return torch.add(v, image, alpha=alpha, out=out)


def _portions(
    arrays: Arrays, penalty: Penalty, rho: Step, apart: bool
) -> Iterator[tuple[int | None, Step, Arrays]]:
    """What is worked on at once: which sample, None for all, its ρ, and its part of the arrays."""
    if not penalty.elementwise or (apart and not worth_a_call(arrays[0][0])):
        yield None, rho, arrays
    elif not apart:
        for piece in in_pieces(*arrays):
            yield None, rho, piece
    else:
        each = torch.as_tensor(rho).expand(len(arrays[0])).tolist()
        for sample, own in enumerate(each):
            for piece in in_pieces(*(t[sample] for t in arrays)):
                yield sample, own, piece
