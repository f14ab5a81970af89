"""What can be said of a linear program without arithmetic: trivial rows leave, columns stay.

Rows without entries or limits are dropped, rows with one entry become bounds, and variables that
no row holds are put where their cost wants them. Everything has an exact way back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dprox_core.lp.model import LinearProgram

__all__ = ["Folded", "fold", "without_costs"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]
# How far limits of single rows may miss each other before that is a contradiction.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Owner:
    """Which row stands behind a bound: −1 for the variable itself, and its coefficient."""

    row: Index
    coefficient: Array


@dataclass(frozen=True)
class Folded:
    """A minimization without trivial rows, and the way back.

    Attributes:
        program: what is left to solve.
        contradiction: a sentence where the trivial rows exclude every solution.
        ray: a direction of endless descent where a variable that no row holds gives one.
    """

    program: LinearProgram
    contradiction: str | None
    ray: Array | None
    _rows: int
    _kept: Index
    _lower: _Owner
    _upper: _Owner

    def restrict(self, y: Array) -> Array:
        """Duals of the rows that are left."""
        return y[self._kept]

    def expand(self, x: Array, y: Array) -> Array:
        """Duals of all rows: what a folded bound carried goes back to the row it came from."""
        full = np.zeros(self._rows)
        full[self._kept] = y
        z = self.program.c - self.program.A.T @ y
        up = (z > 0) & (self._lower.row >= 0)
        down = (z < 0) & (self._upper.row >= 0)
        for owner, mine in ((self._lower, up), (self._upper, down)):
            full[owner.row[mine]] = z[mine] / owner.coefficient[mine]
        return full


def fold(program: LinearProgram) -> Folded:
    """Drop and fold the trivial rows of a minimization.

    Args:
        program: with sense "min" and limits that do not contradict each other.
    """
    A = program.A
    entries = np.diff(A.indptr)
    unlimited = np.isneginf(program.row_lower) & np.isposinf(program.row_upper)
    single = (entries == 1) & ~unlimited
    kept = np.flatnonzero((entries > 1) & ~unlimited)
    lower, upper = program.lower.copy(), program.upper.copy()
    owners = [_Owner(np.full(program.n, -1), np.ones(program.n)) for _ in range(2)]
    sentence = _impossible_empty(program, entries == 0)
    rows = np.flatnonzero(single)
    columns, values = A.indices[A.indptr[rows]], A.data[A.indptr[rows]]
    with np.errstate(over="ignore"):
        first, second = program.row_lower[rows] / values, program.row_upper[rows] / values
    low, high = np.where(values > 0, first, second), np.where(values > 0, second, first)
    _tighten(lower, low, columns, rows, values, owners[0], np.greater)
    _tighten(upper, high, columns, rows, values, owners[1], np.less)
    size = _ROUNDING * (1 + np.maximum(_size(lower), _size(upper)))
    wrong = lower > upper + size
    if wrong.any() and sentence is None:
        j = int(np.flatnonzero(wrong)[0])
        called = program.column_names[j] if program.column_names else str(j)
        sentence = (
            f"Rows and bounds of variable {called} exclude every value: at least {lower[j]:g}, at "
            f"most {upper[j]:g}."
        )
    crossed = lower > upper
    lower[crossed] = upper[crossed]
    idle = np.bincount(A[kept].indices, minlength=program.n) == 0
    ray = _settle(program.c, lower, upper, idle)
    left = LinearProgram(
        program.c,
        A[kept],
        program.row_lower[kept],
        program.row_upper[kept],
        lower,
        upper,
        c0=program.c0,
        name=program.name,
        column_names=program.column_names,
    )
    return Folded(left, sentence, ray, program.m, kept, owners[0], owners[1])


def _size(values: Array) -> Array:
    return np.where(np.isfinite(values), np.abs(values), 0.0)


def _impossible_empty(program: LinearProgram, empty: NDArray[np.bool_]) -> str | None:
    low, high = program.row_lower, program.row_upper
    wrong = empty & ((low > _ROUNDING) | (high < -_ROUNDING))
    if not wrong.any():
        return None
    i = int(np.flatnonzero(wrong)[0])
    called = program.row_names[i] if program.row_names else str(i)
    return f"Row {called} has no entries, but limits {low[i]:g} and {high[i]:g} that exclude 0."


def _tighten(
    bound: Array,
    offered: Array,
    columns: Index,
    rows: Index,
    values: Array,
    owner: _Owner,
    better: np.ufunc,
) -> None:
    """Move bounds to the tightest offer and note the row it came from."""
    # In the order from loose to tight, so that the last one written for a column is the tightest.
    order = np.argsort(offered if better is np.greater else -offered, kind="stable")
    order = order[better(offered[order], bound[columns[order]])]
    bound[columns[order]] = offered[order]
    owner.row[columns[order]] = rows[order]
    owner.coefficient[columns[order]] = values[order]


def _settle(c: Array, lower: Array, upper: Array, idle: NDArray[np.bool_]) -> Array | None:
    """Fix variables that no row holds at the bound their cost wants, where there is one.

    Returns:
        Where there is none, the direction in which they fall for ever.
    """
    wanted = np.where(c > 0, lower, np.where(c < 0, upper, np.clip(0.0, lower, upper)))
    fixed = idle & np.isfinite(wanted)
    lower[fixed] = upper[fixed] = wanted[fixed]
    falling = idle & ~fixed
    return np.where(falling, -np.sign(c), 0.0) if falling.any() else None


def without_costs(program: LinearProgram) -> LinearProgram:
    """The same rows and bounds with nothing to minimize."""
    return LinearProgram(
        np.zeros(program.n),
        program.A,
        program.row_lower,
        program.row_upper,
        program.lower,
        program.upper,
    )
