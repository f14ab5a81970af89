"""Sums and norms that give the same bits on any number of threads.

torch splits a full reduction among its threads, so that the order of summation, and with it the
last bits, depend on how many there are. Here each fixed block of elements is reduced by one
thread, then the blocks' results, in double precision.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = [
    "block_norms",
    "inner",
    "is_short",
    "norm",
    "norm1",
    "number",
    "products",
    "sample_inners",
    "squared_norm",
    "sums_of_squares",
    "total",
]

# Long enough that the second stage is small, short enough that a block stays in the cache.
_BLOCK = 4096
# Matrix products of so many columns, in at least so many at once, are not split among threads.
_COLUMNS, _AT_ONCE = 1024, 8


def _double(value: torch.Tensor) -> torch.Tensor:
    return value.to(torch.complex128 if value.is_complex() else torch.float64)


def number(value: float | torch.Tensor) -> float:
    """A number, or the one element of a tensor, whatever its gradient."""
    return float(value.detach()) if isinstance(value, torch.Tensor) else float(value)


def _flat(values: torch.Tensor) -> torch.Tensor:
    """All values in one row, in the order in which they lie in memory: without a copy."""
    if values.is_contiguous():
        return values if values.ndim == 1 else values.view(-1)
    if values.ndim:
        order = sorted(range(values.ndim), key=values.stride, reverse=True)
        values = values.permute(order)
    return values.reshape(-1)


def total(values: torch.Tensor) -> torch.Tensor:
    """Σ v, a scalar in double precision."""
    flat = _flat(values)
    while flat.numel() > _BLOCK:
        whole = flat.numel() // _BLOCK * _BLOCK
        parts = [_double(flat[:whole].view(-1, _BLOCK).sum(dim=1))]
        if whole < flat.numel():
            parts.append(_double(flat[whole:].sum())[None])
        flat = torch.cat(parts)
    return _double(flat).sum()


def is_short(values: torch.Tensor) -> bool:
    """Whether torch reduces them by one thread: fewer than its grain, 32768."""
    return values.numel() < 32768


def block_norms(values: torch.Tensor) -> list[torch.Tensor]:
    """The norms of blocks of 4096 values, in the order of memory, and of what is left over."""
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj())
    flat = _flat(values)
    blocks, left = divmod(flat.numel(), _BLOCK)
    if not blocks:
        return [torch.linalg.vector_norm(flat, dim=0, keepdim=True)]
    if not left:
        return [torch.linalg.vector_norm(flat.view(-1, _BLOCK), dim=1)]
    whole = blocks * _BLOCK
    return [
        torch.linalg.vector_norm(flat[:whole].view(-1, _BLOCK), dim=1),
        torch.linalg.vector_norm(flat[whole:])[None],
    ]


def sums_of_squares(groups: Sequence[Sequence[torch.Tensor]]) -> NDArray[np.float64]:
    """Σ v² of each group of rows, none of them empty, in double precision: one transfer for all."""
    rows = [row for group in groups for row in group]
    squares = np.square(torch.cat(rows).cpu().numpy(), dtype=np.float64)
    lengths = [sum(row.numel() for row in group) for group in groups]
    return np.add.reduceat(squares, list(itertools.accumulate([0, *lengths[:-1]])))


def squared_norm(values: torch.Tensor) -> torch.Tensor:
    """Σ |v|², a scalar in double precision; differentiable everywhere."""
    if values.requires_grad:
        if values.is_complex():
            values = torch.view_as_real(values.resolve_conj())
        # The norm's gradient is undefined at zero, its square's is not.
        return total(values * values)
    return total(torch.cat(block_norms(values)).double().square())


def norm(values: torch.Tensor) -> float:
    """‖v‖₂ as a number."""
    return math.sqrt(float(sums_of_squares([block_norms(values.detach())])[0]))


def norm1(values: torch.Tensor) -> torch.Tensor:
    """Σ |v|, a scalar in double precision; complex magnitudes for complex values."""
    return total(values.abs())


def products(rows: torch.Tensor) -> torch.Tensor:
    """The inner products of a few real rows (m, n) with each other, (m, m), in double precision."""
    count, length = rows.shape
    found = torch.zeros(count, count, dtype=torch.float64, device=rows.device)
    blocks = length // _COLUMNS if length >= _AT_ONCE * _COLUMNS else 0
    if blocks:
        parts = rows[:, : blocks * _COLUMNS].view(count, blocks, _COLUMNS).transpose(0, 1)
        found += torch.bmm(parts, parts.transpose(1, 2)).double().sum(dim=0)
    rest = rows[:, blocks * _COLUMNS :]
    if rest.shape[1]:
        found += torch.stack([(rest * row).sum(dim=1) for row in rest]).double()
    return found


def inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Re⟨a, b⟩ = Re Σ conj(a) b, a scalar in double precision."""
    return total(_real_products(a, b))


def sample_inners(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Re⟨a, b⟩ of each sample along the first axis, in double precision."""
    rows = _real_products(a, b).flatten(1)
    while rows.shape[1] > _BLOCK:
        blocks = rows.shape[1] // _BLOCK
        whole = rows[:, : blocks * _BLOCK].unflatten(1, (blocks, _BLOCK))
        left = rows[:, blocks * _BLOCK :]
        rows = torch.cat([_double(whole.sum(dim=2)), _double(left.sum(dim=1, keepdim=True))], dim=1)
    return _double(rows).sum(dim=1)


def _real_products(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Numbers whose sum is Re⟨a, b⟩."""
    if a.is_complex() or b.is_complex():
        dtype = torch.promote_types(a.dtype, b.dtype)
        a = torch.view_as_real(a.to(dtype).resolve_conj())
        b = torch.view_as_real(b.to(dtype).resolve_conj())
    return a * b
