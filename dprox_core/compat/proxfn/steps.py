"""Proxes made of others, under the names of the published reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["prox_affine", "prox_scaled", "prox_translated"]

Prox = Callable[[torch.Tensor, Any], torch.Tensor]


def prox_scaled(prox: Prox, alpha: Any) -> Prox:
    """The prox of α f from that of f: (v, λ) ↦ prox(v, α λ)."""
    return lambda v, lam: prox(v, alpha * lam)


def prox_affine(prox: Prox, beta: Any) -> Prox:
    """The prox of x ↦ f(β x): (v, λ) ↦ prox(β v, β² λ) / β."""
    return lambda v, lam: prox(beta * v, beta**2 * lam) / beta


def prox_translated(prox: Prox, b: Any) -> Prox:
    """The prox of x ↦ f(x − b): (v, λ) ↦ b + prox(v − b, λ)."""
    return lambda v, lam: b + prox(v - b, lam)
