"""A matrix times a vector of unknowns, for linear programs and least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from dprox_core.compat.arrays import as_tensor
from dprox_core.compat.linop.base import LinOp, Shape
from dprox_core.compat.scope import Scope

__all__ = ["MatrixProduct"]


class MatrixProduct(LinOp):
    """A @ x for a matrix, or c @ x for a vector of costs.

    Args:
        matrix: dense or sparse, of NumPy, SciPy or torch.
        arg: the unknowns, a vector.
    """

    def __init__(self, matrix: Any, arg: Any) -> None:
        super().__init__([arg])
        self.matrix = matrix if hasattr(matrix, "tocoo") else _plain(matrix)

    @property
    def is_costs(self) -> bool:
        """Whether it is the product of two vectors, and so one number."""
        return self.matrix.ndim == 1 or 1 == self.matrix.shape[0] != self.matrix.shape[-1]

    def dense(self) -> torch.Tensor:
        """The matrix as a tensor."""
        matrix: Any = self.matrix
        if hasattr(matrix, "todense"):
            return torch.from_numpy(np.asarray(matrix.todense()))
        return matrix.to_dense() if matrix.layout != torch.strided else matrix

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x."""
        dense = self.dense()
        return dense.to(torch.result_type(dense, x)) @ x.to(torch.result_type(dense, x))

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᴴ y."""
        dense = self.dense()
        both = torch.result_type(dense, y)
        if dense.ndim == 1:
            return dense.to(both).conj() * y.to(both)
        return dense.to(both).mH @ y.to(both)

    def _domain(self, shape: Shape) -> Shape | None:
        return (int(self.matrix.shape[-1]), *shape[self.matrix.ndim - 1 :])

    def _push(self, shape: Shape | None, found: dict[Any, Shape]) -> None:
        below = (int(self.matrix.shape[-1]),) if shape is None else self._domain(shape)
        for node in self.arguments:
            node._push(below, found)

    def _expression(self, scope: Scope) -> Any:
        matrix = self.matrix
        if isinstance(matrix, torch.Tensor) and matrix.layout == torch.strided:
            matrix = scope.data(matrix)
        return matrix @ scope.expression(self.arguments[0])


def _plain(matrix: Any) -> torch.Tensor:
    # A matrix (m, n, c) is no image: nothing is moved.
    if isinstance(matrix, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(matrix))
    return as_tensor(matrix, "matrix")
