"""Vectors and matrices of linear programs, from arrays and tensors of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = ["flat", "sparse_rows", "stacked"]


def flat(values: Any) -> np.ndarray:
    """A vector in double precision."""
    if hasattr(values, "todense"):
        values = values.todense()
    if isinstance(values, torch.Tensor):
        values = values.detach().to_dense() if values.layout != torch.strided else values.detach()
        values = values.cpu().numpy()
    return np.asarray(values, dtype=float).reshape(-1)


def sparse_rows(matrix: Any) -> Any:
    """A sparse matrix."""
    from scipy import sparse

    if isinstance(matrix, torch.Tensor):
        if matrix.layout != torch.strided:
            entries = matrix.detach().cpu().to_sparse_coo().coalesce()
            rows, columns = entries.indices().numpy()
            return sparse.coo_array((entries.values().numpy(), (rows, columns)), matrix.shape)
        matrix = matrix.detach().cpu().numpy()
    return sparse.coo_array(np.atleast_2d(matrix) if isinstance(matrix, np.ndarray) else matrix)


def stacked(blocks: list[Any]) -> Any:
    """Sparse matrices one below the other; None where there are none."""
    from scipy import sparse

    return sparse.vstack(blocks, format="csr") if blocks else None
