"""The only place where a matrix meets a vector: on the CPU through scipy, on a GPU through torch.

Measured on one thread, 74 401 × 59 580 with 211 025 nonzeros: scipy 0.12 ms a product, torch's
CSR 0.26 ms.
"""

from __future__ import annotations

import warnings

import scipy.sparse as sp
import torch

__all__ = ["SparseOperator"]


class SparseOperator:
    """A matrix and its transpose, both by rows, on a device.

    Memory: 24 bytes an entry on the CPU (two copies of a double and an int32), 32 on a GPU.

    Args:
        matrix: ``(m, n)``.
        device: where the vectors live.
    """

    def __init__(self, matrix: sp.csr_array, device: torch.device) -> None:
        transposed = matrix.T.tocsr()
        self.on_cpu = device.type == "cpu"
        self._host = (matrix, transposed)
        if not self.on_cpu:
            self._device = (_to_torch(matrix, device), _to_torch(transposed, device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """A x."""
        return self._apply(0, x)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᵀ y."""
        return self._apply(1, y)

    def _apply(self, which: int, vector: torch.Tensor) -> torch.Tensor:
        if self.on_cpu:
            return torch.from_numpy(self._host[which] @ vector.numpy())
        return torch.mv(self._device[which], vector)


def _to_torch(matrix: sp.csr_array, device: torch.device) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Ss]parse CSR.*")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr),
            torch.from_numpy(matrix.indices),
            torch.from_numpy(matrix.data),
            matrix.shape,
            device=device,
        )
