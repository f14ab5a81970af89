"""A state's iterate as one list of tensors, or as one vector, and back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import torch

from dprox_core.algorithms.base import State

__all__ = ["flat", "tensors_of", "unflat", "with_tensors"]

S = TypeVar("S", bound=State)


def _groups(state: State) -> list[tuple[str, int]]:
    """The fields that hold what is iterated, and how many tensors each has.

    Step sizes and ρ, which are numbers or single tensors, are not iterated.
    """
    held = ((f.name, getattr(state, f.name)) for f in fields(state))
    return [(name, len(value)) for name, value in held if isinstance(value, tuple)]


def tensors_of(state: State) -> tuple[torch.Tensor, ...]:
    """The tensors that change from step to step."""
    return tuple(t for name, _ in _groups(state) for t in getattr(state, name))


def with_tensors(state: S, tensors: tuple[torch.Tensor, ...]) -> S:
    """The state with these tensors in place of its own."""
    changed: dict[str, Any] = {}
    start = 0
    for name, count in _groups(state):
        changed[name] = tensors[start : start + count]
        start += count
    return replace(state, residuals=None, **changed)


def flat(state: State) -> torch.Tensor:
    """All of them in one real vector."""
    parts = []
    for tensor in tensors_of(state):
        real = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
        parts.append(real.reshape(-1))
    return torch.cat(parts)


def unflat(state: S, vector: torch.Tensor) -> S:
    """The state whose tensors a vector holds."""
    found, start = [], 0
    for tensor in tensors_of(state):
        count = tensor.numel() * (2 if tensor.is_complex() else 1)
        part = vector[start : start + count]
        start += count
        if tensor.is_complex():
            pairs = part.reshape(*tensor.shape, 2)
            # Behind an odd count of real numbers pairs lie where no complex number may.
            found.append(torch.view_as_complex(pairs if start % 2 == 0 else pairs.clone()))
        else:
            found.append(part.reshape(tensor.shape))
    return with_tensors(state, tuple(found))
