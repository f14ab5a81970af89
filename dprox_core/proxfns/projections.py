"""Projections onto simple sets, which several functions share."""

from __future__ import annotations

import torch

__all__ = ["onto_l1_ball", "onto_simplex"]

Number = float | torch.Tensor


def onto_simplex(v: torch.Tensor, total: Number) -> torch.Tensor:
    """The nearest point with elements from 0 that sum to ``total``, along the last axis.

    By sorting: J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, Efficient projections onto the
    l1-ball for learning in high dimensions, 2008.
    """
    ordered = v.sort(dim=-1, descending=True).values
    excess = ordered.cumsum(dim=-1) - total
    count = torch.arange(1, v.shape[-1] + 1, device=v.device, dtype=v.dtype)
    kept = (ordered * count > excess).sum(dim=-1, keepdim=True).clamp_min(1)
    threshold = excess.gather(-1, kept - 1) / kept.to(v.dtype)
    found = (v - threshold).clamp_min(0.0)
    # Once more from there: what rounding of large values left over is as large as they were.
    above = found > 0
    count = above.sum(dim=-1, keepdim=True).clamp_min(1)
    over = (found.sum(dim=-1, keepdim=True) - total) / count
    return torch.where(above, found - over, found).clamp_min(0.0)


def onto_l1_ball(v: torch.Tensor, radius: Number) -> torch.Tensor:
    """The nearest point with Σ |v_i| ≤ radius, over all elements; phases and signs stay."""
    sizes = v.abs().reshape(-1)
    if bool(sizes.detach().sum() <= radius):
        return v
    kept = onto_simplex(sizes, radius).reshape(v.shape)
    return v * (kept / v.abs().clamp_min(torch.finfo(sizes.dtype).tiny))
