"""What a measured step of ADMM tells of one split term."""

from __future__ import annotations

from functools import cached_property

import torch

from dprox_core.algorithms.measure import Measure, Norms
from dprox_core.numerics import reductions
from dprox_core.numerics.pieces import in_pieces

__all__ = ["Watch"]


class Watch:
    """Norms of a term's vectors after a step; z = v − u.

    They may come piece by piece, each while it is still in the cache.

    Args:
        measure: what takes norms.
        balances: whether what ρ is balanced by is wanted as well.
    """

    def __init__(self, measure: Measure, balances: bool) -> None:
        self._measure = measure
        self._balances = balances
        self._sums: dict[str, reductions.SquaredNorm] = {}
        self._apart: dict[str, Norms] = {}

    @torch.no_grad()
    def add(self, v: torch.Tensor, u: torch.Tensor, image: torch.Tensor, old: torch.Tensor) -> None:
        """Take in more of the term.

        Args:
            v: after the step.
            u: after the step.
            image: K x.
            old: z before the step; becomes z_old − z.
        """
        arrays = (v, u, image, old)
        for now_v, now_u, seen, moved in [arrays] if self._measure.apart else in_pieces(*arrays):
            self._take("image", seen)
            copy = torch.sub(now_v, now_u)
            self._take("copy", copy)
            moved.sub_(copy)
            self._take("missed", copy.sub_(seen))
            if self._balances:
                self._take("moved", moved)
                self._take("dual", now_u)

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

    def _take(self, name: str, piece: torch.Tensor) -> None:
        if self._measure.apart:
            self._apart[name] = self._measure.norm([piece])
            return
        if name not in self._sums:
            self._sums[name] = reductions.SquaredNorm()
        self._sums[name].add(piece)

    def _norm(self, name: str) -> Norms:
        if self._measure.apart:
            return self._apart[name]
        return self._measure.root(self._sums[name].value())
