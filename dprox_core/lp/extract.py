"""From linear operators to sparse matrices, entry by entry and never dense."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from dprox_core.errors import CompileError
from dprox_core.linops.algebra import Composition, Sum
from dprox_core.linops.base import LinOp
from dprox_core.linops.matrix import Matrix
from dprox_core.lp.model import from_torch

__all__ = ["entries"]

# An operator that gives its entries in no other way is applied to every unit vector, up to here.
_PROBED = 4096


def entries(operator: LinOp) -> sp.csr_array:
    """The matrix of a real operator, between flattened tensors.

    Matrices are taken as they are, along their axis; sums and compositions from their parts;
    diagonal operators and selections (masks, indices, reshapes, transpositions) from one product;
    everything else from a product with each unit vector, where there are few.

    Args:
        operator: in double precision, on the CPU.

    Raises:
        CompileError: the operator is too large to be probed.
    """
    shape = (operator.range.numel, operator.domain.numel)
    if operator.is_identity:
        return sp.eye_array(shape[0], format="csr")
    if isinstance(operator, Composition):
        return entries(operator.outer) @ entries(operator.inner)
    if isinstance(operator, Sum):
        parts = [entries(term) for term in operator.terms]
        return sum(parts[1:], start=parts[0])
    if isinstance(operator, Matrix):
        return _along_axis(operator)
    diagonal = operator.diagonal()
    if diagonal is not None:
        values = diagonal.detach().to(torch.float64).expand(operator.domain.shape)
        return sp.diags_array(values.reshape(-1).numpy().copy()).tocsr()
    selected = _selection(operator, shape)
    return _probed(operator, shape) if selected is None else selected


def _along_axis(operator: Matrix) -> sp.csr_array:
    """I ⊗ M ⊗ I for a matrix along one of several axes."""
    matrix = (
        sp.csr_array(np.atleast_2d(from_torch(operator.matrix)), dtype=np.float64)
        if (operator.matrix.layout is torch.strided)
        else sp.csr_array(from_torch(operator.matrix), dtype=np.float64)
    )
    extents = operator.domain.shape
    axis = operator.axis % len(extents)
    before, after = int(np.prod(extents[:axis])), int(np.prod(extents[axis + 1 :]))
    if before > 1:
        matrix = sp.kron(sp.eye_array(before), matrix, format="csr")
    if after > 1:
        matrix = sp.kron(matrix, sp.eye_array(after), format="csr")
    return sp.csr_array(matrix)


def _selection(operator: LinOp, shape: tuple[int, int]) -> sp.csr_array | None:
    """The matrix of an operator with at most one entry a row; None for another one."""
    n = shape[1]
    weights = _apply(operator, np.ones(n))
    places = _apply(operator, np.arange(1.0, n + 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = np.where(weights != 0, places / weights, 1.0) - 1.0
    index = np.rint(columns)
    if not np.allclose(columns, index, atol=1e-6) or index.min() < 0 or index.max() >= n:
        return None
    index = index.astype(np.int64)
    probe = np.random.default_rng(0).standard_normal(n)
    if not np.allclose(weights * probe[index], _apply(operator, probe), rtol=1e-12, atol=1e-12):
        return None
    rows = np.flatnonzero(weights)
    return sp.csr_array((weights[rows], (rows, index[rows])), shape=shape)


def _probed(operator: LinOp, shape: tuple[int, int]) -> sp.csr_array:
    if shape[1] > _PROBED:
        raise CompileError(
            f"{operator.name} on {shape[1]} values gives no matrix for a linear program: write it "
            "as a sparse matrix, or choose a method of general problems, such as "
            'method="primal_dual".',
            expected=f"at most {_PROBED} values, or a matrix",
            got=shape[1],
            where=operator.name,
        )
    columns = []
    for j in range(shape[1]):
        unit = np.zeros(shape[1])
        unit[j] = 1.0
        columns.append(sp.csc_array(_apply(operator, unit)[:, None]))
    return sp.hstack(columns).tocsr()


def _apply(operator: LinOp, x: NDArray[np.float64]) -> NDArray[np.float64]:
    with torch.no_grad():
        result = operator.forward(torch.from_numpy(x).reshape(operator.domain.shape))
    return result.reshape(-1).numpy().astype(np.float64)
