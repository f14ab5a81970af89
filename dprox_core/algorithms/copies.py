"""ADMM's update of one split term, and what a measured step tells of it: z = v − u."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from dprox_core.algorithms.measure import Tally
from dprox_core.algorithms.per_sample import shaped
from dprox_core.compiler.model import Penalty
from dprox_core.numerics.pieces import all_pieces, in_pieces, worth_a_call
from dprox_core.numerics.views import Views
from dprox_core.proxfns.base import Step

__all__ = ["Pieces", "Watch", "relaxed", "update"]

Arrays = tuple[torch.Tensor, ...]
Pieces = Views[list[Arrays]]


class Watch:
    """What a step tells of one term: norms of its vectors, while each piece is still in the cache.

    Under the names (index, "image") for ‖K x‖, "copy" for ‖z‖ and "missed" for ‖K x − z‖.

    Args:
        tally: where the norms are gathered.
        index: which term it is.
        apart: whether the first axis is one of samples.
    """

    def __init__(self, tally: Tally, index: int, apart: bool) -> None:
        self._tally = tally
        self._index = index
        self._apart = apart

    @torch.no_grad()
    def add(
        self,
        v: torch.Tensor,
        u: torch.Tensor,
        image: torch.Tensor,
        old: torch.Tensor,
        moved: torch.Tensor,
        sample: int | None = None,
    ) -> None:
        """Take in more of the term.

        Args:
            v: after the step.
            u: after the step.
            image: K x.
            old: z before the step.
            moved: memory for z_old − z, of its own or that of ``image``, which is lost then.
            sample: which sample it is a part of, None for all of them.
        """
        arrays = (v, u, image, old, moved)
        if self._apart and sample is None:
            if worth_a_call(v[0]):
                for i in range(len(v)):
                    self.add(v[i], u[i], image[i], old[i], moved[i], sample=i)
                return
            pieces: Iterable[Arrays] = [arrays]
        else:
            pieces = in_pieces(*arrays)
        add, term = self._tally.add, self._index
        for now_v, now_u, seen, before, target in pieces:
            add((term, "image"), seen, sample)
            copy = torch.sub(now_v, now_u)
            add((term, "copy"), copy, sample)
            add((term, "missed"), torch.sub(copy, seen, out=target), sample)
            torch.sub(before, copy, out=target)


def update(
    arrays: Arrays,
    alpha: float,
    penalty: Penalty,
    rho: Step,
    watch: Watch | None,
    apart: bool,
    views: Pieces,
) -> None:
    """The next v and u in the place of the old ones.

    Piece by piece where the prox does the same to every element; sample by sample where these are
    long, and each may have its ρ.

    Args:
        arrays: v, u, K x, and, where it is watched, memory for z_old − z, which may be that of K x.
        alpha: the over-relaxation.
        penalty: h.
        rho: ρ, or one for each sample.
        watch: what is told of the step, None for nothing.
        apart: whether the first axis is one of samples.
        views: of the arrays of this term.
    """
    for sample, weight, (v, u, image, *moved) in _portions(arrays, penalty, rho, apart, views):
        old = None if watch is None else torch.sub(v, u)
        relaxed(v, u, image, alpha, out=v)
        penalty.dual_prox(v, shaped(1.0 / weight, v), out=u)
        if watch is not None and old is not None:
            watch.add(v, u, image, old, moved[0], sample)


def relaxed(
    v: torch.Tensor, u: torch.Tensor, image: torch.Tensor, alpha: float, out: torch.Tensor | None
) -> torch.Tensor:
    """α K x + (1 − α) z + u."""
    if alpha == 1.0:
        return torch.add(image, u, out=out)
    v = torch.lerp(v, u, alpha, out=out)
    return torch.add(v, image, alpha=alpha, out=out)


def _portions(
    arrays: Arrays, penalty: Penalty, rho: Step, apart: bool, views: Pieces
) -> Iterator[tuple[int | None, Step, Arrays]]:
    """What is worked on at once: which sample, None for all, its ρ, and its part of the arrays."""
    if not penalty.elementwise or (apart and not worth_a_call(arrays[0][0])):
        yield None, rho, arrays
    elif not apart:
        for piece in views.of(all_pieces, *arrays):
            yield None, rho, piece
    else:
        each = torch.as_tensor(rho).expand(len(arrays[0])).tolist()
        for sample, own in enumerate(each):
            for piece in in_pieces(*(t[sample] for t in arrays)):
                yield sample, own, piece
