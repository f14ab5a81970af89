"""Sums and norms that give the same bits on any number of threads.

torch splits a full reduction among its threads, so that the order of summation, and with it the
last bits, depend on how many there are. Here each fixed block of elements is reduced by one
thread, then the blocks' results, in double precision.
"""

from __future__ import annotations

import math

import torch

__all__ = ["inner", "norm", "norm1", "number", "squared_norm", "total"]

# Long enough that the second stage is small, short enough that a block stays in the cache.
_BLOCK = 4096


def _double(value: torch.Tensor) -> torch.Tensor:
    return value.to(torch.complex128 if value.is_complex() else torch.float64)


def number(value: float | torch.Tensor) -> float:
    """A number, or the one element of a tensor, whatever its gradient."""
    return float(value.detach()) if isinstance(value, torch.Tensor) else float(value)


def _flat(values: torch.Tensor) -> torch.Tensor:
    """All values in one row, in the order in which they lie in memory: without a copy."""
    if not values.is_contiguous():
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


def squared_norm(values: torch.Tensor) -> torch.Tensor:
    """Σ |v|², a scalar in double precision; differentiable everywhere."""
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj())
    if values.requires_grad:
        # The norm's gradient is undefined at zero, its square's is not.
        return total(values * values)
    flat = _flat(values)
    whole = flat.numel() // _BLOCK * _BLOCK
    if whole == 0:
        return torch.linalg.vector_norm(flat).double().square()
    blocks = torch.linalg.vector_norm(flat[:whole].view(-1, _BLOCK), dim=1)
    result = total(blocks.double().square())
    if whole < flat.numel():
        result += torch.linalg.vector_norm(flat[whole:]).double().square()
    return result


def norm(values: torch.Tensor) -> float:
    """‖v‖₂ as a number."""
    return math.sqrt(number(squared_norm(values.detach())))


def norm1(values: torch.Tensor) -> torch.Tensor:
    """Σ |v|, a scalar in double precision; complex magnitudes for complex values."""
    return total(values.abs())


def inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Re⟨a, b⟩ = Re Σ conj(a) b, a scalar in double precision."""
    if a.is_complex() or b.is_complex():
        dtype = torch.promote_types(a.dtype, b.dtype)
        a = torch.view_as_real(a.to(dtype).resolve_conj())
        b = torch.view_as_real(b.to(dtype).resolve_conj())
    return total(a * b)
