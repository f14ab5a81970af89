"""Which method suits a linear program, and why."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order

from dprox_core.lp.factors import Factors
from dprox_core.lp.model import LinearProgram

__all__ = ["choose", "predict"]

# Entries beyond which a factorization is not even considered.
_MANY = 5_000_000
# Parts of a program that are factorized to see how the work grows, larger ones only while they cost
# little. A node with many more neighbours than others is eliminated last and says nothing of the
# rest.
_PARTS, _LITTLE = (500, 2000, 8000), 1e9
_DENSE, _FEW = 5.0, 50
# ADMM pays while a factorization takes less than this many operations for each entry of the matrix
# (PDHG takes thousands of products more than ADMM takes factorizations), or less than this in all.
_WORTH, _CHEAP = 5e3, 1e8


def choose(program: LinearProgram, method: str, device: torch.device) -> tuple[str, str]:
    """The method to use and the sentence that says why.

    Args:
        program: a minimization, as it will be iterated.
        method: what was asked for: "pdhg", "admm" or "auto".
        device: where to compute.
    """
    if method != "auto":
        return method, f'Method "{method}" was asked for.'
    if device.type != "cpu":
        return "pdhg", "On a GPU products are fast and triangular solves are not."
    if program.nnz > _MANY:
        return "pdhg", f"With {program.nnz} entries PDHG, which needs products only, is surer."
    work = predict(program)
    what = f"A factorization takes about {work:.1g} operations for {program.nnz} entries"
    if work <= max(_CHEAP, _WORTH * program.nnz):
        return "admm", f"{what}: ADMM needs some twenty of them, PDHG thousands of products more."
    return "pdhg", f"{what}: thousands of products by PDHG cost less than some twenty of them."


def predict(program: LinearProgram) -> float:
    """About how many operations ADMM's factorization of a program takes.

    Neighbourhoods in the graph of rows and variables are factorized; the work grows with their
    size by some power, which is carried on to the whole. A small program is factorized whole.

    Args:
        program: a minimization.
    """
    size = program.n + program.m
    order = np.arange(size) if size <= _PARTS[-1] else _neighbours(program.A)
    held, work, power = 0, 1.0, 3.0
    for part in _PARTS:
        done = min(part, order.size)
        if held and (done == held or work * (done / held) ** power > _LITTLE):
            break
        now = max(_work(program.A, order[:done]), 1.0)
        if held:
            power = max(math.log(now / work) / math.log(done / held), 1.0)
        held, work = done, now
    return work * (size / held) ** power if held < size else work


def _neighbours(matrix: sp.csr_array) -> NDArray[np.intp]:
    """Variables and rows in the order in which a search from one of them meets them."""
    m, n = matrix.shape
    graph = sp.block_array([[None, matrix.T], [matrix, None]], format="csr")
    dense = np.diff(graph.indptr) > max(_DENSE * math.sqrt(n + m), _FEW)
    kept = np.flatnonzero(~dense)
    graph = graph[kept][:, kept]
    found: list[NDArray[np.intp]] = []
    seen = np.zeros(kept.size, bool)
    # From the middle of the variables; where parts hang apart, from part to part.
    start, count = min(n // 2, kept.size - 1), 0
    while count < min(_PARTS[-1], kept.size):
        part = breadth_first_order(graph, start, directed=False, return_predecessors=False)
        found.append(part)
        seen[part] = True
        count += part.size
        rest = np.flatnonzero(~seen)
        if not rest.size:
            break
        start = int(rest[rest.size // 2])
        if len(found) >= _FEW:
            found.append(rest)
            break
    return kept[np.concatenate(found)][: _PARTS[-1]]


def _work(matrix: sp.csr_array, nodes: NDArray[np.intp]) -> float:
    n = matrix.shape[1]
    columns, rows = np.sort(nodes[nodes < n]), np.sort(nodes[nodes >= n]) - n
    if not columns.size or not rows.size:
        return 0.0
    part = sp.csr_array(matrix[rows][:, columns])
    return Factors(part, np.ones(sum(part.shape))).work()[1]
