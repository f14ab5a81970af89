"""What is asked of an answer besides small residuals: constraints kept, and no doubt in it.

Where a function such as the entropy is infinite, its domain is a constraint like any other.
"""

from __future__ import annotations

import math

import torch

from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.numerics.reductions import number

__all__ = ["kept", "size_of", "sizes_of_objective", "summands", "units_of", "violation"]

Vectors = tuple[torch.Tensor, ...]

# Data whose largest value is less than 1 in so many are small.
_SMALL = 10.0
# Farther than any data.
_FAR = 1e6


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
def units_of(model: Model) -> tuple[float, ...]:
    """What each constraint's absolute tolerance is in units of: 1, and less where data are small.

    A constraint's data are what is added in it, how far zero is from it, and how far its points are
    from zero where that is bounded; where it has none, those of all terms count. Beside numbers of
    1e-4 a tolerance of 3e-4 would hold any constraint for kept.
    """
    own, most = [], 0.0
    for term in model.terms:
        offset, size = term.penalty.offset, 0.0
        if offset is not None:
            size = number(offset.abs().max())
        if _is_limited(term):
            nothing = term.penalty.inside(term.row.range.zeros())
            size = max(size, number(term.function.outside(nothing).abs().max()), _extent(term))
            own.append(size)
        most = max(most, size)
    return tuple(min(1.0, _SMALL * (size or most)) or 1.0 for size in own)


@torch.no_grad()
def kept(
    model: Model,
    x: Vectors,
    absolute: float,
    relative: float,
    samples: int = 1,
    units: tuple[float, ...] = (),
) -> tuple[bool, ...]:
    """Whether every constraint is missed by little, for each sample by itself.

    Args:
        model: the problem as written.
        x: the variables.
        absolute: what counts as little,
        relative: or else this share of the largest value in the constraint or its variables.
        samples: how many samples lie along the first axis of all.
        units: what the first is in units of, for each constraint; 1 where they are left out.
    """
    rounding = 8.0 * torch.finfo(x[0].dtype).eps
    held = torch.ones(samples, dtype=torch.bool)
    limited = [term for term in model.terms if _is_limited(term)]
    for term, unit in zip(limited, units or (1.0,) * len(limited), strict=True):
        missed, size = _missed(term, x, samples)
        held &= missed <= torch.clamp(relative * size, min=absolute * unit) + rounding * size
    return tuple(held.tolist())


def _extent(term: BoundTerm) -> float:
    """How far from zero the nearest points to points far away are, 0 where they are far, too."""
    found = 0.0
    if term.function.is_indicator:
        ones = torch.ones_like(term.penalty.inside(term.row.range.zeros()))
        for far in (_FAR, -_FAR):
            reach = number(term.function.prox(far * ones, 1.0).abs().max())
            found = max(found, reach if reach < 0.5 * _FAR else 0.0)
    return found


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
def summands(model: Model, x: Vectors) -> list[float]:
    """The constant and each term's value, constraints left out; where that is infinite, its value
    nearby."""
    values = [term.near_value(x) for term in model.terms if _adds(term)]
    return [number(model.constant), *values]


@torch.no_grad()
def sizes_of_objective(model: Model, x: Vectors, samples: int = 1) -> list[float]:
    """Σ |w_j f_j| for each sample; infinite terms do not count.

    A function that is not zero at zero does not say what one sample adds: there each counts alike.
    """
    if samples == 1:
        return [size_of(summands(model, x))]
    sizes = [abs(number(model.constant)) / samples] * samples
    for term in filter(_adds, model.terms):
        found = _term_sizes(term, term.row.forward(x), samples)
        sizes = [a + b if math.isfinite(b) else a for a, b in zip(sizes, found, strict=True)]
    return sizes


def size_of(values: list[float]) -> float:
    """The sum of their sizes; infinite ones do not count."""
    return sum(abs(value) for value in values if math.isfinite(value))


def _adds(term: BoundTerm) -> bool:
    """Whether it has values to add to the objective."""
    return not term.function.is_indicator and term.function.has_value


def _term_sizes(term: BoundTerm, image: torch.Tensor, samples: int) -> list[float]:
    whole = abs(number(term.penalty.near_value(image)))
    inside = term.penalty.inside(image)
    empty = torch.zeros_like(inside)
    if number(term.function.value(term.function.finite(empty))) != 0.0:
        return [whole / samples] * samples
    found = []
    for index in range(samples):
        alone = empty.clone()
        alone[index] = inside[index]
        own = number(term.function.value(term.function.finite(alone)))
        found.append(abs(own * number(term.penalty.weight)))
    return found
