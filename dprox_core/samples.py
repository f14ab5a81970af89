"""Which samples of a batch have converged, and what they were then."""

from __future__ import annotations

from collections.abc import Callable

import torch

from dprox_core.algorithms.base import Residuals
from dprox_core.result import Sample, Status

__all__ = ["Ended"]

Vectors = tuple[torch.Tensor, ...]


class Ended:
    """Samples that have converged stay as they would have been alone, while the others go on.

    Without an absolute tolerance a sample of zeros would never end, so that then they end together.

    Args:
        absolute: the absolute tolerance.
    """

    def __init__(self, absolute: float) -> None:
        self._alone = absolute > 0.0
        # For each sample the iteration at which it converged, None while it has not.
        self._since: list[int | None] = []
        self._kept: Vectors | None = None

    def note(
        self,
        iteration: int,
        samples: tuple[Residuals, ...],
        live: Vectors,
        kept: Callable[[], tuple[bool, ...]],
    ) -> None:
        """What was measured at an iteration, the variables there, and whose constraints are kept.

        The last is asked only where a sample's residuals are within their tolerances.
        """
        holds = kept() if any(sample.met for sample in samples) else (False,) * len(samples)
        before = self._since or [None] * len(samples)
        self._since = [
            (iteration if since is None else since)
            if (sample.met and held) or (self._alone and since is not None)
            else None
            for since, sample, held in zip(before, samples, holds, strict=True)
        ]
        fresh = [a is None and b is not None for a, b in zip(before, self._since, strict=True)]
        if self._alone and any(fresh):
            held = live if self._kept is None else self._kept
            self._kept = tuple(
                torch.where(_along(fresh, v), v, h) for v, h in zip(live, held, strict=True)
            )

    def waiting(self, count: int) -> list[bool]:
        """Which of so many samples have not converged."""
        return [since is None for since in self._since] or [True] * count

    @property
    def all(self) -> bool | None:
        """Whether every sample has; None where they do not end each by itself."""
        return None not in self._since if self._since and self._alone else None

    def answer(self, live: Vectors) -> Vectors:
        """The variables; of samples that have converged, what they were then."""
        if self._kept is None:
            return live
        ended = [since is not None for since in self._since]
        return tuple(
            torch.where(_along(ended, v), h, v) for v, h in zip(live, self._kept, strict=True)
        )

    def samples(self, status: Status, iteration: int) -> tuple[Sample, ...]:
        """How each ended, in a solve that ended so."""
        return tuple(
            Sample(status, iteration) if since is None else Sample(Status.CONVERGED, since)
            for since in self._since
        )


def _along(flags: list[bool], like: torch.Tensor) -> torch.Tensor:
    """Flags along the first axis of a tensor."""
    return torch.tensor(flags, device=like.device).reshape(-1, *(1,) * (like.ndim - 1))
