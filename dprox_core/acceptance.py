"""What is asked of an answer besides small residuals: constraints kept, and no doubt in it.

Where a function such as the entropy is infinite, its domain is a constraint like any other.
"""

from __future__ import annotations

import math

import torch

from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.numerics.reductions import number

__all__ = ["kept", "size_of_objective", "violation"]

Vectors = tuple[torch.Tensor, ...]


@torch.no_grad()
def violation(model: Model, x: Vectors) -> float:
    """By how much a constraint is missed at most."""
    return max(
        (
            number(term.function.violation(term.penalty.inside(term.row.forward(x))))
            for term in model.terms
            if _is_limited(term)
        ),
        default=0.0,
    )


@torch.no_grad()
def kept(
    model: Model, x: Vectors, absolute: float, relative: float, samples: int = 1
) -> tuple[bool, ...]:
    """Whether every constraint is missed by little, for each sample by itself.

    Args:
        model: the problem as written.
        x: the variables.
        absolute: what counts as little,
        relative: or else this share of the largest value in the constraint or its variables.
        samples: how many samples lie along the first axis of all.
    """
    rounding = 8.0 * torch.finfo(x[0].dtype).eps
    held = torch.ones(samples, dtype=torch.bool)
    for term in model.terms:
        if _is_limited(term):
            missed, size = _missed(term, x, samples)
            held &= missed <= torch.clamp(relative * size, min=absolute) + rounding * size
    return tuple(held.tolist())


def _missed(term: BoundTerm, x: Vectors, samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest |v − P(v)|, and the largest value, of each sample."""
    image = term.row.forward(x)
    inside = term.penalty.inside(image)
    values = [image, inside, *(x[index] for index, _ in term.row.entries)]
    sizes = torch.stack([_largest(v, samples) for v in values]).amax(dim=0)
    if samples == 1:
        return term.function.violation(inside).reshape(1).double().cpu(), sizes
    return _largest(term.function.outside(inside), samples), sizes


def _is_limited(term: BoundTerm) -> bool:
    return term.function.is_indicator or term.function.has_domain


def _largest(v: torch.Tensor, samples: int) -> torch.Tensor:
    """max |v| of each sample."""
    return v.detach().abs().reshape(samples, -1).amax(dim=1).double().cpu()


@torch.no_grad()
def size_of_objective(model: Model, x: Vectors) -> float:
    """Σ |w_j f_j| at some values, or at zero where that is more; infinite terms do not count.

    Where an objective vanishes at its minimum, its size at zero says what errors are a share of.
    """
    return max(_size_at(model, x), _size_at(model, tuple(torch.zeros_like(v) for v in x)))


def _size_at(model: Model, x: Vectors) -> float:
    values = (
        abs(number(term.penalty.near_value(term.row.forward(x))))
        for term in model.terms
        if not term.function.is_indicator and term.function.has_value
    )
    return abs(number(model.constant)) + sum(value for value in values if math.isfinite(value))
