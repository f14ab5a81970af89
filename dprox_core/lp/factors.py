"""The one sparse factorization that ADMM needs, renewed cheaply when penalties change."""

from __future__ import annotations

import numpy as np
import qdldl
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["Factors"]

Array = NDArray[np.float64]


class Factors:
    """Triangular factors of [[diag(p), Aᵀ], [A, −diag(1/q)]], which is quasi-definite.

    Eliminating either block by hand would fill up where a column or a row is long; the minimum
    degree order of the whole system finds which to eliminate first, entry by entry. The order is
    sought once: new penalties cost a numerical factorization only.

    Args:
        matrix: A, ``(m, n)``.
        penalties: p and q, ``(n + m,)``, above 0.

    References:
        R. Vanderbei, Symmetric quasidefinite matrices, 1995.
        B. Stellato et al., OSQP: an operator splitting solver for quadratic programs, 2020,
        section 3.1.
    """

    def __init__(self, matrix: sp.csr_array, penalties: Array) -> None:
        m, self._n = matrix.shape
        corner = sp.eye_array(self._n, format="csc")
        rest = sp.eye_array(m, format="csc")
        upper = sp.block_array([[corner, matrix.T], [None, rest]], format="csc")
        upper.sort_indices()
        # In the upper triangle the diagonal ends each column.
        self._diagonal = upper.indptr[1:] - 1
        self._upper = sp.csc_matrix(upper)
        self._write(penalties)
        self._factors = qdldl.Solver(self._upper, upper=True)

    def renew(self, penalties: Array) -> None:
        """Factorize again for other penalties."""
        self._write(penalties)
        self._factors.update(self._upper, upper=True)

    def solve(self, right: Array) -> Array:
        """The solution for a right-hand side, ``(n + m,)``."""
        solution: Array = self._factors.solve(right)
        return solution

    def work(self) -> tuple[int, float]:
        """How many entries the factors have, and how many operations a factorization takes."""
        counts = np.diff(self._factors.factors()[0].indptr).astype(np.float64)
        return int(counts.sum()), float(np.square(counts).sum())

    def _write(self, penalties: Array) -> None:
        self._upper.data[self._diagonal] = penalties
        self._upper.data[self._diagonal[self._n :]] = -1.0 / penalties[self._n :]
