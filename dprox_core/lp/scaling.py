"""Rescaling of rows, columns, limits and costs, so that one step size fits all.

x = β C x̂, y = γ R ŷ, Â = R A C: the solver works on hatted quantities and everything it reports is
turned back first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from dprox_core.lp.model import LinearProgram

__all__ = ["Scaled", "equilibrate", "scale"]

Array = NDArray[np.float64]
_RUIZ_ITERATIONS = 10


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


def equilibrate(matrix: sp.csr_array) -> tuple[Array, Array]:
    """Row factors R and column factors C after which R A C has entries and norms near 1.

    Ten rounds of Ruiz (square roots of the largest entries), then one of Pock and Chambolle
    (square roots of the sums), which bounds ‖R A C‖ by 1. Empty rows and columns keep the
    factor 1.

    References:
        D. Ruiz, A scaling algorithm to equilibrate both rows and columns norms in matrices, 2001.
        T. Pock, A. Chambolle, Diagonal preconditioning for first order primal-dual algorithms,
        2011, with α = 1.
    """
    m, n = matrix.shape
    rows, columns = np.ones(m), np.ones(n)
    if matrix.nnz == 0:
        return rows, columns
    work = abs(matrix)
    index = np.repeat(np.arange(m), np.diff(work.indptr))
    original = work.data.copy()
    for _ in range(_RUIZ_ITERATIONS):
        row = np.zeros(m)
        np.maximum.at(row, index, work.data)
        column = np.zeros(n)
        np.maximum.at(column, work.indices, work.data)
        rows /= _root(row)
        columns /= _root(column)
        work.data = original * rows[index] * columns[work.indices]
    row = np.bincount(index, work.data, minlength=m).astype(np.float64)
    column = np.bincount(work.indices, work.data, minlength=n).astype(np.float64)
    return rows / _root(row), columns / _root(column)


def _root(values: Array) -> Array:
    return np.sqrt(np.where(values > 0, values, 1.0))


def scale(program: LinearProgram) -> Scaled:
    """Bring a minimization into units in which costs, limits and the matrix are all near 1.

    Args:
        program: with sense "min".

    Returns:
        The program in scaled units and the factors back.
    """
    rows, columns = equilibrate(program.A)
    index = np.repeat(np.arange(program.m), np.diff(program.A.indptr))
    matrix = program.A.copy()
    matrix.data = program.A.data * rows[index] * columns[program.A.indices]
    cost = program.c * columns
    beta = 1.0 + _finite_norm(program.row_lower * rows, program.row_upper * rows)
    if beta == 1.0:
        # With every row at zero only the bounds say how large a solution is.
        beta += _finite_norm(program.lower / columns, program.upper / columns)
    gamma = 1.0 + float(np.linalg.norm(cost))
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


def _finite_norm(lower: Array, upper: Array) -> float:
    size = np.maximum(
        np.where(np.isfinite(lower), abs(lower), 0), np.where(np.isfinite(upper), abs(upper), 0)
    )
    return float(np.linalg.norm(size))
