"""Systems of variables that meet in their terms, where every operator is diagonal in one basis.

At each pixel, or at each frequency, they are one small Hermitian system M x = r with a row for each
variable, taken apart once for all of them as M = L D Lᴴ (G. H. Golub, C. F. Van Loan, Matrix
Computations, 2013, section 4.1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp, Transfer
from dprox_core.linops.space import Space
from dprox_core.linsolve.base import LinearSolver, QuadraticPart, Vectors
from dprox_core.linsolve.direct import beside, same
from dprox_core.numerics import fourier
from dprox_core.proxfns.base import Step

__all__ = ["JointSolver", "joint_kind"]

# There is a factor for each pair of variables: of more it is better to solve by iteration.
_MOST = 8
# So many axes may lie behind the spatial ones of all variables.
_FURTHER = 2

Pairs = dict[tuple[int, int], torch.Tensor]
Weighed = tuple[Row, Step, LinOp | None]


def joint_kind(part: QuadraticPart) -> str | None:
    """In which basis all that is done to the variables is diagonal, where these are alike.

    In frequency some may have further axes after those of the others, as the vector fields of
    second-order total generalized variation have: each entry along them counts as a variable.

    Returns:
        "diagonal", "fourier", or None where there is none.
    """
    first, rows = part.spaces[0], _rows(part)
    if len(part.spaces) <= _MOST and all(space == first for space in part.spaces):
        whole = _Layout(first, tuple((i, ()) for i in range(len(part.spaces))))
        if all(_seen(row, metric, "diagonal", whole) is not None for row, _, metric in rows):
            return "diagonal"
    return None if _layout(part) is None else "fourier"


@dataclass(frozen=True)
class _Layout:
    """What counts as a variable.

    Attributes:
        space: that of each.
        entries: pairs (index of the variable, place along its further axes).
    """

    space: Space
    entries: tuple[tuple[int, tuple[int, ...]], ...]

    def parted(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """What counts as variables of all variables' tensors."""
        found = []
        for index, place in self.entries:
            where: tuple[Any, ...] = (..., *place)
            found.append(tensors[index][where])
        return found

    def joined(self, images: list[torch.Tensor], spaces: Sequence[Space]) -> Vectors:
        """The variables of which ``parted`` gives such images."""
        found = []
        for index, space in enumerate(spaces):
            own = [v for v, (i, _) in zip(images, self.entries, strict=True) if i == index]
            single = space == self.space
            found.append(own[0] if single else torch.stack(own, dim=-1).reshape(space.shape))
        return tuple(found)


def _layout(part: QuadraticPart) -> _Layout | None:
    """With it all that is done multiplies frequencies; None where there is no such one."""
    least = min((space.shape for space in part.spaces), key=len)
    for axes in range(len(least), max(1, len(least) - _FURTHER - 1), -1):
        space = part.spaces[0].with_shape(least[:axes])
        alike = all(s.with_shape(s.shape[:axes]) == space for s in part.spaces)
        count = sum(math.prod(s.shape[axes:]) for s in part.spaces)
        if not alike or not 1 < count <= _MOST:
            continue
        places = [itertools.product(*map(range, s.shape[axes:])) for s in part.spaces]
        entries = tuple((index, place) for index, own in enumerate(places) for place in own)
        layout = _Layout(space, entries)
        if all(_seen(row, m, "fourier", layout) is not None for row, _, m in _rows(part)):
            return layout
    return None


def _rows(part: QuadraticPart) -> list[Weighed]:
    """Rows with weights and metrics: what is squared, then the couplings."""
    squares: list[Weighed] = [(t.row, 2.0 * t.penalty.weight, metric) for t, metric in part.curved]
    return squares + [(row, 1.0, None) for row in part.couplings]


@dataclass(frozen=True)
class _Seen:
    """A row in a basis: by what it multiplies each variable, and what weighs its results.

    Attributes:
        factors: pairs (index of the variable, factors).
        stack: how many further axes the factors have, one entry per result.
        weights: those of results, None for 1.
    """

    factors: list[tuple[int, torch.Tensor]]
    stack: int
    weights: torch.Tensor | None


def _seen(row: Row, metric: LinOp | None, kind: str, layout: _Layout) -> _Seen | None:
    if kind == "diagonal":
        weights = None if metric is None else metric.diagonal()
        diagonals = [(index, operator.diagonal()) for index, operator in row.entries]
        known = [(index, d) for index, d in diagonals if d is not None]
        complete = len(known) == len(diagonals) and (metric is None or weights is not None)
        return _Seen(known, 0, weights) if complete else None
    if metric is not None:
        return None
    full, held = layout.space.is_complex, dict(row.entries)
    spectra: list[tuple[int, Transfer]] = []
    for number, (index, place) in enumerate(layout.entries):
        if index not in held:
            continue
        transfer = _transfer_of(held[index], place, len(layout.space.shape), full)
        if transfer is None or transfer.full != full:
            return None
        spectra.append((number, transfer))
    stack = spectra[0][1].stack
    if any(transfer.stack != stack for _, transfer in spectra):
        return None
    return _Seen([(number, transfer.values) for number, transfer in spectra], stack, None)


def _transfer_of(operator: LinOp, place: tuple[int, ...], axes: int, full: bool) -> Transfer | None:
    """What an operator does to one entry along the further axes of its argument."""
    if not place:
        return operator.transfer()
    alone = torch.zeros(operator.domain.shape[axes:], dtype=torch.float64)
    alone[place] = 1.0
    return operator.transfer_after(Transfer(alone.to(operator.domain.device), len(place), full))


@dataclass(frozen=True)
class _Factors:
    """M = L D Lᴴ for one ρ: what is below L's diagonal of ones, D⁻¹, and where D vanishes."""

    rho: Step
    lower: Pairs
    inverses: list[torch.Tensor]
    nulls: list[torch.Tensor | None]


class JointSolver(LinearSolver):
    """(Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j) x = ρ p + c for all variables, place by place.

    In frequency one FFT of each variable and its inverse; gradients pass. Where the system does
    not say what a variable is, that stays what it was.

    Args:
        part: the quadratic to minimize.
    """

    def __init__(self, part: QuadraticPart) -> None:
        kind = joint_kind(part)
        assert kind is not None, "chosen only where there is such a basis"
        self.kind = kind
        self._spaces = part.spaces
        same_places = tuple((index, ()) for index in range(len(part.spaces)))
        found = _layout(part) if kind == "fourier" else _Layout(part.spaces[0], same_places)
        assert found is not None, "every row was seen with it"
        self._layout = found
        self._space = found.space
        self._count = len(found.entries)
        constants = zip(part.spaces, part.constant(), strict=True)
        filled = [space.zeros() if c is None else c for space, c in constants]
        self._constants = [self._forward(c) for c in found.parted(filled)]
        rows, squares = _rows(part), len(part.curved)
        zero = torch.zeros((), dtype=torch.float64, device=self._space.device)
        self._quadratic: Pairs = {(index, index): zero for index in range(self._count)}
        self._coupling: Pairs = {}
        for index, row in enumerate(rows):
            self._enter(row, self._quadratic if index < squares else self._coupling)
        # A pivot is rounded as what it was taken from, in double precision at the best.
        own, double = (torch.finfo(p).eps for p in (self._space.precision, torch.float64))
        self._rounding = max(4.0 * own, 64.0 * double)
        self._factors: _Factors | None = None

    def forget(self) -> None:
        """Drop the factors."""
        self._factors = None

    def solve(
        self,
        pulled: list[torch.Tensor],
        rho: Step,
        previous: Vectors,
        out: Vectors | None = None,
    ) -> Vectors:
        """The minimizer."""
        factors = self._prepared(rho)
        weight = self._in_precision(beside(rho, len(self._space.shape), self._space.device))
        before = self._layout.parted(previous)
        found: list[torch.Tensor] = []
        images = self._layout.parted(pulled)
        for index, (image, constant) in enumerate(zip(images, self._constants, strict=True)):
            value = fourier.multiply(self._forward(image), weight) + constant
            for other in range(index):
                if (index, other) in factors.lower:
                    value = value - fourier.multiply(found[other], factors.lower[index, other])
            found.append(value)
        found = [fourier.multiply(v, d) for v, d in zip(found, factors.inverses, strict=True)]
        for index in reversed(range(self._count)):
            for other in range(index + 1, self._count):
                if (other, index) in factors.lower:
                    below = factors.lower[other, index]
                    product = fourier.multiply(found[other], below, conjugate_b=True)
                    found[index] = found[index] - product
            null = factors.nulls[index]
            if null is not None:
                found[index] = torch.where(null, self._forward(before[index]), found[index])
        if self.kind == "diagonal":
            return tuple(found)
        size, full = (self._space.shape[-2], self._space.shape[-1]), self._space.is_complex
        direct = all(space == self._space for space in self._spaces)
        targets: Sequence[torch.Tensor | None] = [None] * self._count
        targets = out if direct and out is not None else targets
        solved = [
            fourier.inverse(v, size, full, out=target)
            for v, target in zip(found, targets, strict=True)
        ]
        return self._layout.joined(solved, self._spaces)

    def _forward(self, image: torch.Tensor) -> torch.Tensor:
        """In the basis."""
        return image if self.kind == "diagonal" else fourier.forward(image, self._space.is_complex)

    def _enter(self, held: Weighed, into: Pairs) -> None:
        """Add w conj(t_i) W t_j, in double precision, for all pairs i ≥ j of one row."""
        row, weight, metric = held
        seen = _seen(row, metric, self.kind, self._layout)
        assert seen is not None, "every row has factors in this basis"
        # A real variable sees the real part alone.
        real = self.kind == "diagonal" and not self._space.is_complex
        values = [(index, _double(t)) for index, t in seen.factors]
        for i, left in values:
            for j, right in values:
                if j > i:
                    continue
                product = fourier.multiply(right, left, conjugate_b=True)
                product = product.real if real or i == j else product
                for _ in range(seen.stack):
                    product = product.sum(dim=-1)
                product = product if seen.weights is None else product * seen.weights
                product = product * weight
                into[i, j] = into[i, j] + product if (i, j) in into else product

    def _prepared(self, rho: Step) -> _Factors:
        held = self._factors
        if held is None or not same(held.rho, rho):
            held = self._factors = self._taken_apart(rho)
        return held

    def _taken_apart(self, given: Step) -> _Factors:
        rho = beside(given, len(self._space.shape), self._space.device)
        rho = torch.as_tensor(rho, dtype=torch.float64, device=self._space.device)
        whole = dict(self._quadratic)
        for place, values in self._coupling.items():
            scaled = fourier.multiply(values, rho)
            whole[place] = whole[place] + scaled if place in whole else scaled
        every = range(self._count)
        sizes = [float(whole[i, i].detach().max()) for i in every]
        lower: Pairs = {}
        inverses: list[torch.Tensor] = []
        nulls: list[torch.Tensor | None] = []
        for column, size in enumerate(sizes):
            # By now the columns before are taken off what is left.
            pivot = whole[column, column]
            null = pivot.detach() <= self._rounding * size
            nulls.append(null if bool(null.any()) else None)
            inverse = torch.where(null, 0.0, 1.0 / torch.where(null, 1.0, pivot))
            inverses.append(self._in_precision(inverse))
            below = [row for row in every[column + 1 :] if (row, column) in whole]
            for row in below:
                factor = fourier.multiply(whole[row, column], inverse)
                lower[row, column] = self._in_precision(factor)
                for other in (o for o in below if o <= row):
                    taken = fourier.multiply(factor, whole[other, column], conjugate_b=True)
                    taken = taken.real if other == row else taken
                    left = whole.get((row, other))
                    whole[row, other] = -taken if left is None else left - taken
        return _Factors(given, lower, inverses, nulls)

    def _in_precision(self, values: Step) -> torch.Tensor:
        if not isinstance(values, torch.Tensor):
            values = torch.tensor(values, dtype=torch.float64)
        precision = self._space.precision
        dtype = precision.to_complex() if values.is_complex() else precision
        return values.to(self._space.device, dtype)


def _double(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.complex128 if values.is_complex() else torch.float64)
