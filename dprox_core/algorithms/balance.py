"""How ρ, and the ratio of dual to primal steps, follow the way that the iterates go.

A method that splits converges in ρ ‖z − z*‖² + ‖y − y*‖² / ρ, y the duals (S. Boyd et al., 2011,
appendix A), and with one ρ its iterates draw near fastest where both summands are alike: for
ρ = ‖y − y*‖ / ‖z − z*‖. How far each has still to go is not known; how far each has gone of late
is. So ρ becomes the ratio of the ways since it was last looked at, and the time between two looks
grows with the number of iterations, which is the rule for the primal weight of D. Applegate et al.,
Practical Large-Scale Linear Programming using Primal-Dual Hybrid Gradient, 2021, section 3.3. What
was found soon, such as the coarsest coefficients of a wavelet transform, which are far larger than
all that are left to find, plays no part from then on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.algorithms.base import State
from dprox_core.algorithms.measure import Measure
from dprox_core.algorithms.per_sample import is_per_sample
from dprox_core.proxfns.base import Step

__all__ = ["MAX_SPAN", "Mark", "balanced", "factors", "few", "is_due", "mark", "thinned"]

Vectors = tuple[torch.Tensor, ...]

MAX_SPAN = 1e6
"""ρ moves away from its start at most by this factor."""

# The next look is at so many times as many iterations.
_GROWTH = 1.5
# And changes ρ at most so much.
_MOST = 16.0
# So much where one of the ways is none, which tells the direction only.
_LITTLE = 4.0
# Of tensors with so many elements every so many-th slice is looked at. Primes, because patterns
# repeat after two, three or four.
_THINNED = ((262144, 17), (65536, 7))
# At least so many slices.
_SLICES = 16
# Ways of so many roundings' length are none.
_ROUNDINGS = 64.0


@dataclass
class Mark(State):
    """Where the iterates were when ρ was last looked at; nothing where it is not adapted.

    Attributes:
        x: what ρ weighs: the split copies.
        duals: what 1 / ρ weighs.
    """

    duals: Vectors


def thinned(shape: Sequence[int]) -> tuple[int, int] | None:
    """The axis along which only every so many-th slice is looked at, and how many; None for all."""
    if not shape:
        return None
    # Samples, along the first of three axes or more, are not left out.
    axis = max(range(1 if len(shape) > 2 else 0, len(shape)), key=lambda i: shape[i])
    for length, step in _THINNED:
        if math.prod(shape) >= length and shape[axis] >= _SLICES * step:
            return axis, step
    return None


def few(values: torch.Tensor) -> torch.Tensor:
    """A few slices of a long tensor along its longest axis, all of a short one.

    How far an iterate goes is told by so many, in a seventh or less of the memory and of the time.
    """
    found = thinned(values.shape)
    if found is None:
        return values
    axis, step = found
    return values[(slice(None),) * axis + (slice(None, None, step),)]


def mark(iteration: int = 0, primal: Vectors = (), duals: Vectors = ()) -> Mark:
    """One at tensors that nobody writes into any more, or at a part of each."""
    plain = (tuple(few(v.detach()).contiguous() for v in vectors) for vectors in (primal, duals))
    return Mark(iteration, next(plain), None, next(plain))


def is_due(last: Mark, iteration: int) -> bool:
    """Whether it is time to look at ρ again.

    Between changes a method converges as it does with a fixed step size, and the longer the more,
    so that in the end it converges; yet what was chosen too soon is still mended.
    """
    return iteration >= _GROWTH * last.iteration


@torch.no_grad()
def factors(
    now: Mark,
    last: Mark,
    measure: Measure,
    rho: Step,
    first: Step,
    length: float = 0.0,
    sources: Vectors = (),
) -> NDArray[np.float64]:
    """By which power of √2 to change ρ, or each sample's.

    Rounded, because then small changes of the data leave the sequence of ρ, and with it gradients
    and finite differences, alone.

    Args:
        now: where the iterates are.
        last: where they were.
        measure: what takes norms.
        rho: ρ now.
        first: ρ at the start.
        length: ‖K‖, where the primal ones are K x and may cancel.
        sources: x then.
    """
    rhos = _numbers(rho)
    each = slice(1, None) if is_per_sample(rho) else slice(1)
    tally = measure.tally()
    for name, after, before in (("primal", now.x, last.x), ("dual", now.duals, last.duals)):
        for a, b in zip(after, before, strict=True):
            tally.add_whole((name, "size"), a)
            tally.add_whole((name, "way"), a - b)
    for x in sources:
        tally.add_whole("source", few(x))
    size, dual_size, way, dual_way = (
        tally.norm((name, what))[each] for what in ("size", "way") for name in ("primal", "dual")
    )
    # Scaled duals are what a prox takes away, so that each rounds as the larger of the two.
    rounding = _ROUNDINGS * max((torch.finfo(v.dtype).eps for v in now.x), default=0.0)
    far = np.maximum(size, length * tally.norm("source")[each])
    hidden = rounding * np.maximum(rhos * far, dual_size)
    found = [
        _factor(float(dual), float(primal))
        for dual, primal in zip(
            np.where(dual_way <= hidden, 0.0, dual_way),
            np.where(rhos * way <= hidden, 0.0, rhos * way),
            strict=True,
        )
    ]
    changed = np.array(found)
    span = changed * rhos / _numbers(first)
    held = (span > MAX_SPAN) | (span < 1.0 / MAX_SPAN)
    return np.where(held, 1.0, changed)


def balanced(
    now: Mark,
    last: Mark,
    measure: Measure,
    rho: Step,
    first: Step,
    length: float = 0.0,
    sources: Vectors = (),
) -> Step:
    """ρ, or each sample's, times what ``factors`` finds; the very same where nothing changes."""
    changes = factors(now, last, measure, rho, first, length, sources)
    if (changes == 1.0).all():
        return rho
    return rho * torch.from_numpy(changes) if is_per_sample(rho) else rho * float(changes[0])


def _numbers(value: Step) -> NDArray[np.float64]:
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", torch.float64).reshape(-1).numpy()
    return np.array([value])


def _factor(dual: float, primal: float) -> float:
    """dual / primal rounded to a power of √2 between 1/16 and 16; 1 up to a factor √2."""
    if not (math.isfinite(dual) and math.isfinite(primal)) or dual == primal == 0.0:
        return 1.0
    if min(dual, primal) == 0.0:
        return _LITTLE if dual > 0.0 else 1.0 / _LITTLE
    wanted = math.log2(dual / primal)
    if abs(wanted) <= 0.5:
        return 1.0
    most = math.log2(_MOST)
    return 2.0 ** (round(2.0 * max(-most, min(most, wanted))) / 2.0)
