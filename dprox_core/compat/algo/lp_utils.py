"""Matrices of linear programs, under the names of the published reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from dprox_core.compat.algo.lp_data import flat, sparse_rows

__all__ = [
    "LPATA_Func",
    "LinearOp",
    "Ruiz_equilibration_sparse_np",
    "Ruiz_equilibration_th",
    "adjust_lr_cosine",
    "scipy_sparse_to_torchop",
]

# Where all norms are as near as this to what they shall be, they are left.
_EVEN = 1e-3


class LinearOp(nn.Module):
    """A matrix known by what it does.

    Args:
        A_fun: x ↦ A x.
        AT_fun: y ↦ Aᵀ y.
        shape: of the matrix.
    """

    def __init__(
        self,
        A_fun: Callable[[torch.Tensor], torch.Tensor],
        AT_fun: Callable[[torch.Tensor], torch.Tensor],
        shape: Sequence[int],
    ) -> None:
        super().__init__()
        self.A_fun, self.AT_fun, self.shape = A_fun, AT_fun, shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x."""
        return self.A_fun(x)

    def adjoint(self, x: torch.Tensor) -> torch.Tensor:
        """Aᵀ x."""
        return self.AT_fun(x)

    def transpose(self) -> LinearOp:
        """Aᵀ."""
        return LinearOp(self.AT_fun, self.A_fun, tuple(reversed(self.shape)))

    @property
    def T(self) -> LinearOp:
        """Aᵀ."""
        return self.transpose()

    def clone(self) -> LinearOp:
        """The same once more."""
        return LinearOp(self.A_fun, self.AT_fun, self.shape)

    def __matmul__(self, x: torch.Tensor) -> torch.Tensor:
        return self.A_fun(x)


class LPATA_Func(nn.Module):
    """x ↦ σ x + ρ Aᵀ A x, the matrix of an x-update.

    Args:
        A: a matrix, or what takes ``@``.
        AT: its transpose.
        rho: ρ.
        sigma: σ.
    """

    def __init__(self, A: Any, AT: Any, rho: Any, sigma: Any) -> None:
        super().__init__()
        self.A, self.AT, self.rho, self.sigma = A, AT, rho, sigma

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """σ x + ρ Aᵀ A x."""
        image: torch.Tensor = self.sigma * x + self.rho * (self.AT @ (self.A @ x))
        return image

    @property
    def T(self) -> LPATA_Func:
        """Itself: it is symmetric."""
        return self

    def clone(self) -> LPATA_Func:
        """The same once more."""
        return LPATA_Func(self.A, self.AT, self.rho, self.sigma)


def scipy_sparse_to_torchop(A: Any, device: Any = None, output_AT: bool = True) -> Any:
    """A sparse matrix of SciPy as tensors in rows, with its transpose unless that is not wanted."""
    pair = (_in_rows(A, device), _in_rows(A.T, device) if output_AT else None)
    return pair if output_AT else pair[0]


def Ruiz_equilibration_th(
    A: torch.Tensor,
    c: torch.Tensor,
    b: torch.Tensor,
    ord: float = math.inf,
    max_iters: int = 20,
    max_tolerance: float = 10.0,
    verbose: bool = True,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scale rows and columns of a matrix to one norm, and then costs and bounds.

    Each round divides rows and columns by the roots of their norms. D. Ruiz, A Scaling Algorithm
    to Equilibrate Both Rows and Columns Norms in Matrices, 2001.

    Args:
        A: (m, n).
        c: costs, n numbers.
        b: bounds, m numbers.
        ord: of the norm; where it is a finite p, columns get the norm (m/n)^(1/p).
        max_iters: the most rounds.
        max_tolerance: kept for old scripts; no use is made of it.
        verbose: kept for old scripts.

    Returns:
        The factors of the columns (1, n) and of the rows (m, 1), those that make the costs one more
        row and the bounds one more column of the same norms, and the scaled matrix.
    """
    columns, rows, matrix = _scaled(A.detach().cpu().double().numpy(), ord, max_iters)
    gamma_c, gamma_b = _of_vectors(columns * flat(c), rows * flat(b), ord)
    found = (columns[None, :], rows[:, None], np.array(gamma_c), np.array(gamma_b), matrix)
    return tuple(torch.from_numpy(part).to(A) for part in found)  # type: ignore[return-value]


def Ruiz_equilibration_sparse_np(
    A: Any,
    c: Any,
    b: Any,
    ord: float = math.inf,
    max_iters: int = 100,
    max_tolerance: float = 10.0,
    verbose: bool = True,
) -> tuple[np.ndarray, np.ndarray, float, float, Any]:
    """The same for a sparse matrix of SciPy: vectors, numbers, and a sparse matrix."""
    columns, rows, matrix = _scaled(sparse_rows(A).tocsr(), ord, max_iters)
    gamma_c, gamma_b = _of_vectors(columns * flat(c), rows * flat(b), ord)
    return columns, rows, gamma_c, gamma_b, type(A)(matrix)


def adjust_lr_cosine(
    optimizer: Any, iteration: int, num_iters: int, base_lr: float, min_lr: float
) -> None:
    """Set the step sizes to a cosine from ``base_lr`` at 0 to ``min_lr`` at ``num_iters``."""
    share = 0.5 * (1.0 + math.cos(math.pi * iteration / num_iters))
    for group in optimizer.param_groups:
        group["lr"] = min_lr + share * (base_lr - min_lr)


def _in_rows(matrix: Any, device: Any) -> torch.Tensor:
    rows = matrix.tocsr()
    starts, columns, values = map(torch.as_tensor, (rows.indptr, rows.indices, rows.data))
    return torch.sparse_csr_tensor(starts, columns, values, size=rows.shape, device=device)


def _scaled(matrix: Any, order: float, rounds: int) -> tuple[np.ndarray, np.ndarray, Any]:
    """Factors of columns and rows, and the matrix that they make, dense or sparse."""
    m, n = matrix.shape
    columns, rows = np.ones(n), np.ones(m)
    wanted = _of_columns(m, n, order)
    for _ in range(rounds):
        across, down = _norms(matrix, order, 1), _norms(matrix, order, 0) / wanted
        if max(abs(across - 1.0).max(), abs(down - 1.0).max()) <= _EVEN:
            break
        by_row, by_column = across**-0.5, down**-0.5
        columns, rows = columns * by_column, rows * by_row
        matrix = _times(matrix, by_row, by_column)
    return columns, rows, matrix


def _times(matrix: Any, rows: np.ndarray, columns: np.ndarray) -> Any:
    from scipy import sparse

    if sparse.issparse(matrix):
        return sparse.diags_array(rows) @ matrix @ sparse.diags_array(columns)
    return rows[:, None] * matrix * columns[None, :]


def _norms(matrix: Any, order: float, axis: int) -> np.ndarray:
    """Norms of rows (1) or columns (0); 1 where nothing is, so that it is left as it is."""
    from scipy import sparse

    if math.isinf(order):
        largest = abs(matrix).max(axis=axis)
        found = flat(largest) if sparse.issparse(matrix) else np.asarray(largest)
    else:
        found = np.asarray((abs(matrix) ** order).sum(axis=axis)).reshape(-1) ** (1.0 / order)
    return np.where(found > 0.0, found, 1.0)


def _of_vectors(c: np.ndarray, b: np.ndarray, order: float) -> tuple[float, float]:
    """The factors of costs and bounds, one more row and one more column, of the same norms."""
    lengths = [float(np.linalg.norm(v, order)) for v in (c, b)]
    in_row, in_column = (1.0 / length if length > 0.0 else 1.0 for length in lengths)
    return in_row, in_column * _of_columns(len(b), len(c), order)


def _of_columns(m: int, n: int, order: float) -> float:
    """The norm that columns shall have, so that all entries have one total."""
    return 1.0 if math.isinf(order) else (m / n) ** (1.0 / order)
