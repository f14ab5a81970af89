"""The face of a solution: what kinks of penalties still let move.

Where the prox of a term has slope zero, its argument's image K x stays. Rows of K with one number,
or with the difference of two, are the nodes and edges of a graph: on the face an image is constant
on each connected component, and stays what it is on those with a fixed value.
"""

from __future__ import annotations

from itertools import product as every
from typing import Any

import numpy as np
import torch

from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.space import Space
from dprox_core.linsolve.product import pack, size_of, unpack

__all__ = ["Entries", "Face", "entries_of", "face_of"]

Vectors = tuple[torch.Tensor, ...]
Entries = tuple[np.ndarray, np.ndarray, np.ndarray]

# Along an axis numbers so far apart are looked at together: they may not meet in a row.
_APART = 3


class Face:
    """The subspace of images that are constant on components, zero on fixed ones.

    Its points have coordinates: one number for each component that is not fixed, times its number
    of elements to the power of ½, so that lengths are the same.

    Args:
        labels: the component of each real number of the variables.
        fixed: whether each component is.
        spaces: those of the variables.
    """

    def __init__(
        self, labels: torch.Tensor, fixed: torch.Tensor, spaces: tuple[Space, ...]
    ) -> None:
        self._spaces = spaces
        sizes = torch.bincount(labels, minlength=len(fixed))
        # The fixed ones share a last place.
        free = ~fixed
        count = int(free.sum())
        places = torch.where(free, free.long().cumsum(0) - 1, count)
        self._labels = places[labels]
        self.sizes = sizes[free]
        root = self.sizes.to(spaces[0].precision).rsqrt()
        self._roots = torch.cat([root, root.new_zeros(1)])

    def coordinates(self, x: Vectors) -> torch.Tensor:
        """Those of the nearest point of the subspace."""
        row = pack(x)
        sums = torch.zeros_like(self._roots).index_add_(0, self._labels, row)
        return (sums * self._roots)[:-1]

    def point(self, coordinates: torch.Tensor) -> Vectors:
        """The point with these coordinates."""
        values = torch.cat([coordinates, coordinates.new_zeros(1)]) * self._roots
        return unpack(values[self._labels], self._spaces)

    def columns(self, entries: Entries, size: int) -> Any:
        """The sparse matrix from coordinates to so many images, given that from points."""
        from scipy.sparse import coo_array

        rows, columns, values = entries
        places = self._labels.cpu().numpy()[columns]
        roots = self._roots.double().cpu().numpy()
        made = coo_array((values * roots[places], (rows, places)), (size, len(roots)))
        return made.tocsc()[:, :-1]


def face_of(rows: list[Row], hard: list[torch.Tensor], spaces: tuple[Space, ...]) -> Face | None:
    """The face that rows of linear maps keep; None where these are more than differences.

    Args:
        rows: K_j.
        hard: which real numbers of K_j x stay.
        spaces: those of the variables.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = size_of(spaces)
    edges: list[np.ndarray] = []
    fixed = np.zeros(size, dtype=bool)
    for row, mask in zip(rows, hard, strict=True):
        stays = np.flatnonzero(mask.reshape(-1).cpu().numpy())
        if not len(stays):
            continue
        entries = entries_of(row, spaces)
        found = None if entries is None else _pairs(entries, stays)
        if found is None:
            return None
        fixed[found[0]] = True
        edges.append(found[1])
    ends = np.concatenate(edges, axis=1) if edges else np.zeros((2, 0), dtype=np.int64)
    graph = coo_array((np.ones(ends.shape[1], dtype=np.int8), (ends[0], ends[1])), (size, size))
    count, labels = connected_components(graph, directed=False)
    dead = np.zeros(count, dtype=bool)
    dead[labels[fixed]] = True
    device = spaces[0].device
    where = torch.from_numpy(labels.astype(np.int64)).to(device)
    return Face(where, torch.from_numpy(dead).to(device), spaces)


def _pairs(entries: Entries, stays: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The columns alone in their rows, and those that rows take the difference of, (2, n)."""
    rows, columns, values = entries
    inside = np.zeros(max(int(rows.max(initial=-1)), int(stays.max())) + 1, dtype=bool)
    inside[stays] = True
    kept = inside[rows] & (values != 0.0)
    rows, columns, values = rows[kept], columns[kept], values[kept]
    order = np.argsort(rows, kind="stable")
    rows, columns, values = rows[order], columns[order], values[order]
    counts = np.bincount(rows, minlength=1)
    if counts.max(initial=0) > 2:
        return None
    single = counts[rows] == 1
    first = np.flatnonzero(~single)[::2]
    a, b = values[first], values[first + 1] if len(first) else values[:0]
    if not np.allclose(a, -b, rtol=1e-6, atol=0.0):
        return None
    return columns[single], np.stack([columns[first], columns[first + 1]])


def entries_of(row: Row, spaces: tuple[Space, ...]) -> Entries | None:
    """Rows, columns and values of a map between real numbers, where each row has few."""
    starts = np.cumsum([0, *(size_of((space,)) for space in spaces)])
    parts = []
    for index, operator in row.entries:
        found = _of_operator(operator)
        if found is None:
            return None
        rows, columns, values = found
        pairs = row.range.is_complex
        if operator.domain.is_complex:
            # Both parts alike: coefficients are real.
            rows, columns = (np.concatenate([2 * t, 2 * t + 1]) for t in (rows, columns))
            values = np.concatenate([values, values])
        elif pairs:
            rows = 2 * rows
        parts.append((rows, columns + starts[index], values))
    rows, columns, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    return rows, columns, values


def _of_operator(operator: LinOp) -> Entries | None:
    """From products with combs whose teeth are too far apart to meet in one row.

    The product with the teeth's numbers tells which of them each row sees. Checked on random
    numbers; None where it is not so.
    """
    shape = operator.domain.shape
    count = operator.domain.numel
    if operator.is_identity:
        every_one = np.arange(count, dtype=np.int32)
        return every_one, every_one, np.ones(count)
    device, dtype = operator.domain.device, operator.domain.dtype

    def image(values: torch.Tensor) -> torch.Tensor:
        found = operator.forward(values.reshape(shape).to(device, dtype)).reshape(-1)
        return found.to("cpu", torch.complex128 if found.is_complex() else torch.float64)

    rounding = torch.finfo(operator.domain.precision).eps
    numbers = torch.arange(1.0, count + 1.0, dtype=torch.float64)
    found: list[Entries] = []
    for comb in _combs(shape):
        seen, named = image(comb), image(comb * numbers)
        at = torch.nonzero(seen.abs() > 1e3 * rounding)[:, 0]
        factors = seen[at]
        if factors.is_complex() and bool((factors.imag != 0).any()):
            return None
        teeth = (named[at].real / factors.real).round().clamp(1, count) - 1
        places = [t.to(torch.int32).numpy() for t in (at, teeth)]
        found.append((places[0], places[1], factors.real.numpy()))
    rows, columns, values = (np.concatenate(each) for each in zip(*found, strict=True))
    del found, numbers
    probe = np.random.default_rng(0).standard_normal(count)
    expected = image(torch.from_numpy(probe)).real.numpy()
    made = np.bincount(rows, weights=values * probe[columns], minlength=len(expected))
    missed = float(np.linalg.norm(made - expected))
    if not missed <= 1e3 * rounding * float(np.linalg.norm(expected)):
        return None
    return rows, columns, values


def _combs(shape: tuple[int, ...]) -> list[torch.Tensor]:
    """Zeros and ones: together each number is one once. All but the last two axes stay whole."""
    colours = [_colours(extent) for extent in shape[-2:]]
    picks = [[colour == c for c in colour.unique()] for colour in colours]
    whole = torch.zeros(shape, dtype=torch.float64)
    found = []
    for pick in every(*picks):
        inside = pick[0] if len(pick) == 1 else pick[0][:, None] & pick[1]
        found.append((whole + inside).reshape(-1))
    return found or [whole.reshape(-1) + 1.0]


def _colours(extent: int) -> torch.Tensor:
    """Numbers that differ between neighbours and next neighbours, around the border too."""
    places = torch.arange(extent)
    apart = next((n for n in range(_APART, 8) if extent % n == 0), None)
    if apart is not None or extent <= _APART:
        return places % (apart or _APART)
    left = extent % _APART
    return torch.where(places < extent - left, places % _APART, _APART + places - extent + left)
