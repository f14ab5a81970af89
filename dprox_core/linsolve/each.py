"""Sums of vectors with a number for each sample of a batch, which lie along the first axes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.numerics import reductions

__all__ = ["Numbers", "combined", "inners", "ratio", "scaled"]

Vectors = tuple[torch.Tensor, ...]
Numbers = NDArray[np.float64]
"""One for each sample; one alone is for everything."""


def inners(a: Vectors, b: Vectors, samples: int) -> Numbers:
    """Re⟨a, b⟩ of each sample, all variables together."""
    if samples == 1:
        return np.array([sum(float(reductions.inner(*pair)) for pair in zip(a, b, strict=True))])
    found = [reductions.sample_inners(p, q).cpu().numpy() for p, q in zip(a, b, strict=True)]
    total: Numbers = np.sum(found, axis=0)
    return total


def combined(a: Vectors, b: Vectors, factors: Numbers) -> Vectors:
    """a + factor b."""
    if len(factors) == 1:
        factor = float(factors[0])
        return tuple(torch.add(p, q, alpha=factor) for p, q in zip(a, b, strict=True))
    return tuple(torch.addcmul(p, q, _beside(factors, q)) for p, q in zip(a, b, strict=True))


def scaled(a: Vectors, factors: Numbers) -> Vectors:
    """factor a."""
    if len(factors) == 1:
        return tuple(p * float(factors[0]) for p in a)
    return tuple(p * _beside(factors, p) for p in a)


def ratio(above: Numbers, below: Numbers, going: NDArray[np.bool_]) -> Numbers:
    """above / below where a sample goes on, 0 where it has ended."""
    return np.divide(above, below, out=np.zeros_like(above), where=going)


def _beside(factors: Numbers, like: torch.Tensor) -> torch.Tensor:
    laid = torch.from_numpy(factors).to(like.device, like.real.dtype)
    return laid.reshape(-1, *(1,) * (like.ndim - 1))
