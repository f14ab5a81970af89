"""A penalty parameter for each sample of a batch: what that takes, and how it meets tensors."""

from __future__ import annotations

import torch

from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = [
    "at_least",
    "at_most",
    "is_none",
    "is_per_sample",
    "representative",
    "shaped",
]


def is_per_sample(value: Step) -> bool:
    """Whether there is one for each sample."""
    return isinstance(value, torch.Tensor) and value.ndim == 1 and value.numel() > 1


def shaped(value: Step, like: torch.Tensor) -> Step:
    """The value, one for each sample lying along the first axis of a tensor."""
    if not isinstance(value, torch.Tensor) or not is_per_sample(value):
        return value
    return value.to(like.device, like.real.dtype).reshape(-1, *(1,) * (like.ndim - 1))


def at_most(bound: Step, value: Step) -> Step:
    """The lesser of the two, for each sample."""
    if isinstance(bound, torch.Tensor):
        return torch.minimum(bound, torch.as_tensor(value, dtype=bound.dtype))
    if isinstance(value, torch.Tensor):
        return torch.clamp(value, max=bound)
    return min(bound, value)


def at_least(bound: Step, value: Step) -> Step:
    """The greater of the two, for each sample."""
    if isinstance(bound, torch.Tensor):
        return torch.maximum(bound, torch.as_tensor(value, dtype=bound.dtype))
    if isinstance(value, torch.Tensor):
        return torch.clamp(value, min=bound)
    return max(bound, value)


def is_none(value: Step) -> bool:
    """Whether it is the number 0, and not one for each sample."""
    return not isinstance(value, torch.Tensor) and value == 0.0


def representative(value: Step) -> float:
    """The number, or the geometric mean of those of the samples."""
    if not isinstance(value, torch.Tensor) or not is_per_sample(value):
        return reductions.number(value)
    return float(value.detach().log().mean().exp())
