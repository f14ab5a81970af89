"""Rescaling of rows, columns, limits and costs, so that one step size fits all.

x = β C x̂, y = γ R ŷ, Â = R A C: the solver works on hatted quantities and everything it reports is
turned back first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from dprox_core.lp.across import ALONE, Across
from dprox_core.lp.model import LinearProgram

__all__ = ["Scaled", "Units", "choose_units", "equilibrate", "follow", "room", "scale"]

Array = NDArray[np.float64]
_RUIZ_ITERATIONS = 10
_UNIT_ITERATIONS = 30
# Standard deviation of the entries' logarithm to base 2 from which units count as bad: a decade.
_BAD_UNITS = 3.3
# The least size that is expected of a variable or dual, as a share of all's root mean square.
_LEAST = 0.3
# Logarithm to base 2 from which limits or costs count as far from 1.
_BAD_SIZE = 12


@dataclass(frozen=True)
class Scaled:
    """A minimization in scaled units.

    Attributes:
        A: R A C.
        c: C c / γ.
        row_lower: R row_lower / β; likewise row_upper.
        lower: lower / (β C); likewise upper.
        rows: β / R, so that ``A x = rows * (Â x̂)``.
        columns: β C, so that ``x = columns * x̂``.
        duals: γ R, so that ``y = duals * ŷ``.
        costs: γ / C, so that ``Aᵀ y = costs * (Âᵀ ŷ)``.
    """

    A: sp.csr_array
    c: Array
    row_lower: Array
    row_upper: Array
    lower: Array
    upper: Array
    rows: Array
    columns: Array
    duals: Array
    costs: Array

    def without_matrix(self) -> LinearProgram:
        """The vectors of the minimization in scaled units, with rows of nothing."""
        return LinearProgram(
            self.c,
            sp.csr_array(self.A.shape),
            self.row_lower,
            self.row_upper,
            self.lower,
            self.upper,
        )


@dataclass(frozen=True)
class Units:
    """Other units for rows, variables and costs, in powers of two: no digit is lost on the way.

    Attributes:
        program: in those units.
        rows: y = rows * y'.
        columns: x = columns * x'.
    """

    program: LinearProgram
    rows: Array
    columns: Array

    def to(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Variables and duals in these units."""
        return x / self.columns, y / self.rows

    def back(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Variables and duals in the units as written."""
        return x * self.columns, y * self.rows


def choose_units(program: LinearProgram) -> Units:
    """Units in which a program's entries are near 1; those as written where they are near already.

    Solvers with absolute tolerances, and those that drop entries below 1e-9, need this first.
    """
    m, n = program.A.shape
    index = np.repeat(np.arange(m), np.diff(program.A.indptr))
    rows, columns = np.ones(m), np.ones(n)
    if program.nnz:
        rows, columns = _units(abs(program.A.data), index, program.A.indices, m, n)
    cost = program.c * columns
    limits = (program.row_lower * rows, program.row_upper * rows)
    bounds = (program.lower / columns, program.upper / columns)
    size, price = _size(np.concatenate([*limits, *bounds])), _size(cost)
    if (rows == 1).all() and (columns == 1).all() and size == 1 and price == 1:
        return Units(program, rows, columns)
    matrix = program.A.copy()
    matrix.data = matrix.data * rows[index] * columns[matrix.indices]
    scaled = LinearProgram(
        cost / price,
        matrix,
        *(values / size for values in (*limits, *bounds)),
        c0=program.c0 / (size * price),
    )
    return Units(scaled, rows * price, columns * size)


def _size(values: Array) -> float:
    """The power of two in the middle of what is not zero; 1 where that is near 1 already."""
    sizes = np.log2(np.abs(values[np.isfinite(values) & (values != 0)]))
    middle = float(np.round(np.median(sizes))) if sizes.size else 0.0
    return 2.0**middle if abs(middle) > _BAD_SIZE else 1.0


def equilibrate(matrix: sp.csr_array, across: Across = ALONE) -> tuple[Array, Array]:
    """Row factors R and column factors C after which R A C has entries and norms near 1.

    Units first, then ten rounds of Ruiz (square roots of the largest entries), then one of Pock
    and Chambolle (square roots of the sums), which bounds ‖R A C‖ by 1. Empty rows and columns
    keep the factor 1.

    Args:
        matrix: ``(m, n)``, or this process's rows of it.
        across: completes what is summed over rows.

    References:
        D. Ruiz, A scaling algorithm to equilibrate both rows and columns norms in matrices, 2001.
        T. Pock, A. Chambolle, Diagonal preconditioning for first order primal-dual algorithms,
        2011, with α = 1.
    """
    m, n = matrix.shape
    if across.total(np.array([float(matrix.nnz)]))[0] == 0:
        return np.ones(m), np.ones(n)
    work = abs(matrix)
    index = np.repeat(np.arange(m), np.diff(work.indptr))
    original = work.data.copy()
    rows, columns = _units(original, index, work.indices, m, n, across)
    work.data = original * rows[index] * columns[work.indices]
    for _ in range(_RUIZ_ITERATIONS):
        row = np.zeros(m)
        np.maximum.at(row, index, work.data)
        column = np.zeros(n)
        np.maximum.at(column, work.indices, work.data)
        rows /= _root(row)
        columns /= _root(across.largest(column))
        work.data = original * rows[index] * columns[work.indices]
    row = np.bincount(index, work.data, minlength=m).astype(np.float64)
    column = np.bincount(work.indices, work.data, minlength=n).astype(np.float64)
    return rows / _root(row), columns / _root(across.total(column))


def _units(
    values: Array,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    m: int,
    n: int,
    across: Across = ALONE,
) -> tuple[Array, Array]:
    """Powers of two that undo badly chosen units: least squares of log|a_ij| by r_i and c_j.

    Rows and columns in units far from each other (kW beside GW) give entries over many decades.
    Ruiz' largest entries would then say little about the others. Where the entries span little,
    units are left alone.

    References:
        A. Curtis, J. Reid, On the automatic scaling of matrices for Gaussian elimination, 1972.
    """
    logs = np.log2(values)
    row_fit, column_fit = np.zeros(m), np.zeros(n)
    spread = _deviation(logs, across)
    if spread <= _BAD_UNITS:
        return np.ones(m), np.ones(n)
    row_count = np.maximum(np.bincount(rows, minlength=m), 1)
    column_count = np.maximum(across.total(np.bincount(columns, minlength=n).astype(np.float64)), 1)
    for _ in range(_UNIT_ITERATIONS):
        row_fit = np.bincount(rows, logs - column_fit[columns], minlength=m) / row_count
        column_sum = np.bincount(columns, logs - row_fit[rows], minlength=n).astype(np.float64)
        column_fit = across.total(column_sum) / column_count
    if _deviation(logs - row_fit[rows] - column_fit[columns], across) > 0.5 * spread:
        return np.ones(m), np.ones(n)
    return np.exp2(-np.round(row_fit)), np.exp2(-np.round(column_fit))


def _deviation(values: Array, across: Across) -> float:
    """The standard deviation of all processes' values."""
    count, total = across.total(np.array([float(values.size), values.sum()]))
    return float(
        np.sqrt(across.total(np.square(values - total / count).sum(keepdims=True)) / count)[0]
    )


def _root(values: Array) -> Array:
    return np.sqrt(np.where(values > 0, values, 1.0))


def scale(
    program: LinearProgram, across: Across = ALONE, factors: tuple[Array, Array] | None = None
) -> Scaled:
    """Bring a minimization into units in which costs, limits and the matrix are all near 1.

    Args:
        program: with sense "min"; all of it, or this process's rows with all variables.
        across: completes what is summed over rows.
        factors: of the rows and columns; None for those of ``equilibrate``.

    Returns:
        The program in scaled units and the factors back.
    """
    rows, columns = equilibrate(program.A, across) if factors is None else factors
    index = np.repeat(np.arange(program.m), np.diff(program.A.indptr))
    matrix = program.A.copy()
    matrix.data = program.A.data * rows[index] * columns[program.A.indices]
    cost = program.c * columns
    # Equilibration leaves a common factor open (t R, C / t): both norms settle it, so no "1 +".
    # With every row at zero only the bounds say how large a solution is.
    beta = (
        _finite_norm(program.row_lower * rows, program.row_upper * rows, across)
        or _finite_norm(program.lower / columns, program.upper / columns)
        or 1.0
    )
    gamma = float(np.linalg.norm(cost)) or 1.0
    return Scaled(
        A=matrix,
        c=cost / gamma,
        row_lower=program.row_lower * rows / beta,
        row_upper=program.row_upper * rows / beta,
        lower=program.lower / (columns * beta),
        upper=program.upper / (columns * beta),
        rows=beta / rows,
        columns=beta * columns,
        duals=gamma * rows,
        costs=gamma / columns,
    )


def follow(
    program: LinearProgram, factors: tuple[Array, Array], x: Array, y: Array
) -> tuple[Array, Array]:
    """Row and column factors after which steps are as long as an approximate solution needs them.

    With expected sizes ξ of the variables and υ of the duals the steps τ_j = ξ_j / (|A|ᵀυ)_j and
    σ_i = υ_i / (|A|ξ)_i keep ‖√σ A √τ‖ ≤ 1 (Schur's test with the vectors √(ξ |A|ᵀυ) and
    √(υ |A|ξ)), and both distances from zero, ‖ξ‖ in 1/τ and ‖υ‖ in 1/σ, become υᵀ|A|ξ. Equal sizes
    give Pock and Chambolle's steps, which let a store that holds a thousand times what flows
    through it in an hour fill up a thousand times too slowly.

    Args:
        program: with sense "min".
        factors: of rows and columns, from ``equilibrate``.
        x: approximate variables, ``(n,)``; what counts is the distance from the nearest bound.
        y: approximate duals, ``(m,)``.

    Returns:
        The factors of rows and columns.

    References:
        T. Pock, A. Chambolle, Diagonal preconditioning for first order primal-dual algorithms,
        2011, lemma 2, of which this is the weighted form.
    """
    rows, columns = factors
    size = abs(program.A)
    size.data *= np.repeat(rows, np.diff(size.indptr))
    size.data *= columns[size.indices]
    primal = _expected(room(program, x) / columns)
    dual = _expected(np.abs(y) / rows)
    return (
        rows * np.sqrt(dual / _positive(size @ primal)),
        columns * np.sqrt(primal / _positive(size.T @ dual)),
    )


def room(program: LinearProgram, x: Array) -> Array:
    """How far each variable is from its nearest bound; from zero where it has none."""
    distance = np.minimum(np.abs(x - program.lower), np.abs(program.upper - x))
    return np.where(np.isfinite(distance), distance, np.abs(x))


def _expected(sizes: Array) -> Array:
    """Sizes in their root mean square, none below a share of it; all 1 where nothing is known."""
    mean = float(np.sqrt(np.mean(np.square(sizes)))) if sizes.size else 0.0
    if mean == 0 or not np.isfinite(mean):
        return np.ones_like(sizes)
    return np.maximum(sizes / mean, _LEAST)


def _positive(values: Array) -> Array:
    return np.where(values > 0, values, 1.0)


def _finite_norm(lower: Array, upper: Array, across: Across = ALONE) -> float:
    size = np.maximum(
        np.where(np.isfinite(lower), abs(lower), 0), np.where(np.isfinite(upper), abs(upper), 0)
    )
    return float(np.sqrt(across.total((size @ size).reshape(1)))[0])
