"""A state's iterate as one list of tensors, or as one vector, and back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import torch

from dprox_core.algorithms.base import State
from dprox_core.proxfns.base import Step

__all__ = [
    "count_of",
    "flat",
    "joined",
    "numbers_of",
    "parted",
    "tensors_of",
    "unflat",
    "with_tensors",
]

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


def numbers_of(tensor: torch.Tensor) -> torch.Tensor:
    """The real numbers of a tensor along one axis, real and imaginary parts in turn."""
    real = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return real.reshape(-1)


def count_of(tensor: torch.Tensor) -> int:
    """How many real numbers those are."""
    return tensor.numel() * (2 if tensor.is_complex() else 1)


def joined(
    tensors: tuple[torch.Tensor, ...], weights: tuple[Step | None, ...], rows: int = 1
) -> torch.Tensor:
    """Tensors, each times its weight, in the rows of a real matrix: one for each sample, or one."""
    parts = []
    for tensor, weight in zip(tensors, weights, strict=True):
        weighed = tensor if weight is None else tensor * weight
        parts.append(numbers_of(weighed).reshape(rows, -1))
    return torch.cat(parts, dim=1)


def parted(
    matrix: torch.Tensor, tensors: tuple[torch.Tensor, ...], weights: tuple[Step | None, ...]
) -> tuple[torch.Tensor, ...]:
    """The tensors that such a matrix holds, of the shapes of those given."""
    found, start = [], 0
    for tensor, weight in zip(tensors, weights, strict=True):
        count = count_of(tensor) // len(matrix)
        part = matrix[:, start : start + count]
        if tensor.is_complex():
            # Behind an odd count of real numbers pairs lie where no complex number may.
            part = torch.view_as_complex(part.reshape(*tensor.shape, 2).clone())
        part = part.reshape(tensor.shape)
        found.append(part if weight is None else part / weight)
        start += count
    return tuple(found)


def flat(state: State) -> torch.Tensor:
    """All of them in one real vector."""
    tensors = tensors_of(state)
    return joined(tensors, (None,) * len(tensors))[0]


def unflat(state: S, vector: torch.Tensor) -> S:
    """The state whose tensors a vector holds."""
    tensors = tensors_of(state)
    return with_tensors(state, parted(vector[None], tensors, (None,) * len(tensors)))
