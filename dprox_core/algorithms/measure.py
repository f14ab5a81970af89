"""Residuals of all samples together and of each alone."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.algorithms.base import Residuals, Tolerances
from dprox_core.algorithms.per_sample import is_per_sample, representative
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["Measure", "Norms", "Rounded", "Tally", "largest"]

Vectors = tuple[torch.Tensor, ...]
Norms = NDArray[np.float64]


# Differences are off by so many roundings of what is subtracted.
_ROUNDINGS = 16.0


@dataclass(frozen=True)
class Rounded:
    """What residuals are made of, to tell how much of them is rounding.

    Attributes:
        x: ‖x‖, joint and by sample.
        length: a bound of every ‖K_j‖.
        epsilon: of the precision in which they are computed.
    """

    x: Norms
    length: float
    epsilon: float

    def of(self, size: Norms) -> Norms:
        """By how much K x − z may be off, K x and z as long as that; K x may be what cancels."""
        return _ROUNDINGS * self.epsilon * largest(size, self.length * self.x)


class Measure:
    """Norms as vectors: the joint one first, then that of each sample where there are several.

    The few numbers are numpy's, whose calls take a third of torch's time.

    Args:
        batch: how many samples lie along the first axis of everything that is measured.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch

    @property
    def apart(self) -> bool:
        """Whether each sample is measured by itself, too."""
        return self._batch > 1

    def norm(self, vectors: Vectors | list[torch.Tensor]) -> Norms:
        """‖(v₁, v₂, …)‖₂, joint and by sample."""
        tally = self.tally()
        for v in vectors:
            tally.add("", v)
        return tally.norm("")

    def tally(self) -> Tally:
        """Of nothing yet."""
        return Tally(self._batch)

    def residuals(
        self,
        tolerances: Tolerances,
        primal: Norms,
        dual: Norms,
        size: Norms,
        pushed: Norms,
        rows: int,
        columns: int,
        weight: Step,
        rounded: Rounded | None = None,
    ) -> Residuals:
        """Residuals with tolerances as in Boyd et al. 2011, section 3.3.1.

        Args:
            tolerances: absolute and relative.
            primal: ‖K x − z‖.
            dual: the dual residual.
            size: what the primal residual is relative to.
            pushed: what the dual one is relative to, over ρ.
            rows: how many numbers the copies hold, all samples together.
            columns: how many are sought.
            weight: ρ, or one for each sample.
            rounded: what rounding alone may leave of the residuals, which counts as nothing.
        """
        least = 0.0 if rounded is None else _ROUNDINGS * rounded.epsilon
        if max(tolerances.absolute, tolerances.relative) < least:
            # Whoever allows nothing, or less than there are digits for, wants all iterations.
            rounded = None
        hidden = np.zeros(len(primal)) if rounded is None else rounded.of(size)
        length = 0.0 if rounded is None else rounded.length
        weights = self._weights(weight, len(primal))
        found = []
        for index in range(len(primal)):
            share = 1 if index == 0 else self._batch
            found.append(
                Residuals(
                    float(primal[index]),
                    float(dual[index]),
                    tolerances.bound(rows // share, float(size[index])) + float(hidden[index]),
                    weights[index]
                    * (
                        tolerances.bound(columns // share, float(pushed[index]))
                        + length * float(hidden[index])
                    ),
                )
            )
        return replace(found[0], samples=tuple(found[1:]))

    def of_gradients(
        self,
        tolerances: Tolerances,
        primal: Norms,
        dual: Norms,
        size: Norms,
        slope: Norms,
        rows: int,
        columns: int,
        unit: Step = 1.0,
    ) -> Residuals:
        """Residuals of methods that take gradients.

        Args:
            tolerances: absolute and relative.
            primal: how far the iterate is from what it should be.
            dual: the length of a subgradient of the objective.
            size: what the primal residual is relative to.
            slope: what the dual one is relative to.
            rows: how many numbers are compared, all samples together.
            columns: how many are sought.
            unit: of the absolute tolerance of subgradients, or that of each sample.
        """
        pushed = slope / np.array(self._weights(unit, len(slope)))
        return self.residuals(tolerances, primal, dual, size, pushed, rows, columns, unit)

    def weighted(self, weight: Step, norms: Norms) -> Norms:
        """ρ times norms, the joint one put together from the samples' where each has its ρ."""
        if not is_per_sample(weight):
            return reductions.number(weight) * norms
        samples = norms[1:] * torch.as_tensor(weight).cpu().numpy()
        return np.concatenate([[np.linalg.norm(samples)], samples])

    @staticmethod
    def _weights(weight: Step, count: int) -> list[float]:
        if not is_per_sample(weight):
            return [reductions.number(weight)] * count
        return [representative(weight), *torch.as_tensor(weight).tolist()]


class Tally:
    """Norms that are gathered piece by piece and told once, together: of all a step is measured by.

    Args:
        batch: how many samples lie along the first axis of everything that is measured.
    """

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._parts: dict[tuple[Hashable, int | None], list[torch.Tensor]] = {}
        self._squares: dict[Hashable, Norms] | None = None

    def add(self, name: Hashable, values: torch.Tensor, sample: int | None = None) -> None:
        """Take in values of that name: of all samples, or of one."""
        values = values.detach()
        parts = self._parts.setdefault((name, sample), [])
        if sample is None and self._batch > 1:
            parts.append(torch.linalg.vector_norm(values.reshape(self._batch, -1), dim=1))
        else:
            parts.extend(reductions.block_norms(values))

    def add_whole(self, name: Hashable, values: torch.Tensor) -> None:
        """Take in values that nobody takes in by pieces."""
        if self._batch == 1 and reductions.is_short(values):
            parts = self._parts.setdefault((name, None), [])
            parts.append(torch.linalg.vector_norm(values.detach()).reshape(1))
        else:
            self.add(name, values)

    def norm(self, *names: Hashable) -> Norms:
        """The norm of everything of these names, joint and by sample where there are several."""
        if self._squares is None:
            self._squares = self._found()
        squares = np.zeros(self._batch)
        for name in names:
            squares += self._squares.get(name, 0.0)
        return np.sqrt(np.append(squares.sum(), squares) if self._batch > 1 else squares)

    def _found(self) -> dict[Hashable, Norms]:
        groups = []
        for (_, sample), parts in self._parts.items():
            if sample is None and self._batch > 1:
                groups += [[row] for row in torch.stack(parts).T]
            else:
                groups.append(parts)
        numbers = iter(reductions.sums_of_squares(groups) if groups else ())
        found: dict[Hashable, Norms] = {}
        for name, sample in self._parts:
            held = found.setdefault(name, np.zeros(self._batch))
            for index in range(self._batch) if sample is None else (sample,):
                held[index] += next(numbers)
        return found


def largest(*norms: Norms) -> Norms:
    """The largest, joint and by sample."""
    return reduce(np.maximum, norms)
