"""Restarted reflected Halpern iteration of a firmly nonexpansive operator, as an LP solver.

The operator (a PDHG or an ADMM step) says what one step is; everything else is here: the anchor,
restarts, the primal weight, stopping, and what the displacement of the iterates proves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch

__all__ = ["Check", "FixedPointStep", "Verdict", "iterate"]

# When to restart: the residual fell enough, fell somewhat and rose again, or the round is long.
_SUFFICIENT = 0.4
_NECESSARY = 0.8
_LONG = 0.36
_STUCK = 0.95
# The primal weight follows, in logarithms, the ratio of the distances travelled; where one residual
# is a hundred times the other it leans towards that one. It changes fourfold at most.
_PROPORTIONAL, _RESIDUAL = 0.5, 0.3
_FAR, _SOON = 1e3, 0.05
_BALANCED, _LARGEST = math.log(100), math.log(4)


class FixedPointStep(Protocol):
    """A firmly nonexpansive operator T whose fixed points solve the linear program.

    Attributes:
        weight: the primal weight ω, by which primal and dual distances are compared.
        check_every: after how many steps the iterates are looked at.
    """

    weight: float
    check_every: int

    def start(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The state that belongs to a pair of scaled vectors."""
        ...

    def reflect(self, z: torch.Tensor, out: torch.Tensor) -> None:
        """Keep T(z) and write 2 T(z) − z into ``out``."""
        ...

    def length(self, z: torch.Tensor) -> float:
        """‖T(z) − z‖ in the norm in which T is nonexpansive, after ``reflect(z)``."""
        ...

    def image(self) -> torch.Tensor:
        """T(z) of the last ``reflect``."""
        ...

    def candidate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The scaled x and y that T(z) stands for."""
        ...

    def movement(self, start: torch.Tensor, end: torch.Tensor) -> tuple[float, float]:
        """How far the primal and the dual part moved between two states."""
        ...

    def reweigh(self, z: torch.Tensor, weight: float) -> None:
        """Change the primal weight, and the state so that it means the same."""
        ...

    def rays(self, moved: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The primal and the dual direction in a difference of states."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    Attributes:
        done: whether to end here.
        imbalance: relative dual residual over relative primal residual; it guards the weight.
    """

    done: bool
    imbalance: float


@dataclass(frozen=True)
class Check:
    """What a check may look at, during the call only.

    Attributes:
        iteration: how many steps were done.
        x: the candidate's scaled variables.
        y: its scaled duals.
        length: ‖T(z) − z‖.
        rays: gives the primal and dual direction in which the iterates move: where no solution
            exists, T(z) − z tends to a certificate of that.
    """

    iteration: int
    x: torch.Tensor
    y: torch.Tensor
    length: float
    rays: Callable[[], tuple[torch.Tensor, torch.Tensor]]


def iterate(
    step: FixedPointStep,
    x: torch.Tensor,
    y: torch.Tensor,
    max_iter: int,
    judge: Callable[[Check], Verdict],
    adapt: bool = True,
    weight: float | None = None,
) -> int:
    """Iterate z ← k/(k+1) (2 T(z) − z) + 1/(k+1) z₀ with restarts until a check says done.

    Args:
        step: the operator T.
        x: the scaled variables to start from.
        y: the scaled duals to start from.
        max_iter: the most steps.
        judge: looks at the iterate after the first step (a warm start may be good enough), after
            every ``step.check_every`` and after the last.
        adapt: whether the primal weight follows the iterates at restarts.
        weight: the primal weight to begin with; None for that of the step, or, where x and y are
            not zero, their ratio.

    Returns:
        How many steps were done.

    References:
        H. Lu, Z. Peng, J. Yang, cuPDLPx: A Further Enhanced GPU-Based First-Order Solver for
        Linear Programming, 2025, algorithms 1 and 2.
        H. Lu, J. Yang, Restarted Halpern PDHG for Linear Programming, 2024.
    """
    size_x, size_y = (float(torch.linalg.vector_norm(v)) for v in (x, y))
    if weight is not None:
        step.weight = weight
    elif size_x > 0 and size_y > 0:
        # A warm start knows how large both parts are, and so how to weigh them.
        step.weight = size_y / size_x
    z = step.start(x, y)
    anchor, reflected = z.clone(), torch.empty_like(z)
    weights = _Weight(step)
    first = previous = math.inf
    inner, plain = 0, False
    for count in range(1, max_iter + 1):
        step.reflect(z, reflected)
        looked = count % step.check_every == 0 or count in (1, max_iter)
        if looked or inner == 0:
            length = step.length(z)
            if inner == 0:
                first = previous = length
        if looked:
            verdict = judge(Check(count, *step.candidate(), length, partial(_rays, step, z)))
            if verdict.done:
                return count
            ran_away = adapt and not 1 / _FAR <= verdict.imbalance <= _FAR
            if _restarts(length, first, previous, inner, count) or (
                ran_away and inner >= max(_SOON * count, 5 * step.check_every)
            ):
                # A round that gained nothing hints at a displacement that stays: there is no
                # solution. Without an anchor it is seen sooner, with an error that falls
                # geometrically instead of as 1/k.
                plain = not plain and length > _STUCK * first
                image = step.image()
                z.copy_(image)
                if adapt:
                    weights.update(anchor, z, verdict.imbalance)
                anchor.copy_(z)
                inner = 0
                continue
            previous = length
        inner += 1
        if plain:
            z.copy_(step.image())
            continue
        torch.lerp(anchor, reflected, inner / (inner + 1), out=z)
    return max_iter


def _rays(step: FixedPointStep, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return step.rays(step.image() - z)


def _restarts(length: float, first: float, previous: float, inner: int, total: int) -> bool:
    if inner == 0:
        return False
    if length <= _SUFFICIENT * first:
        return True
    if length <= _NECESSARY * first and length > previous:
        return True
    return inner >= _LONG * total


class _Weight:
    """Chooses the primal weight at restarts so that primal and dual travel equally far.

    A weight that ran away shows as one residual far below the other, and distances then say
    nothing because one side stands still; the residuals themselves lead back.
    """

    def __init__(self, step: FixedPointStep) -> None:
        self._step = step

    def update(self, start: torch.Tensor, end: torch.Tensor, imbalance: float) -> None:
        primal, dual = self._step.movement(start, end)
        change = 0.0
        if min(primal, dual) > 1e-16 and math.isfinite(primal + dual):
            error = math.log(dual) - math.log(primal) - math.log(self._step.weight)
            change += _PROPORTIONAL * _clip(error, _LARGEST)
        if imbalance > 0:
            lean = -math.log(imbalance) if imbalance < math.inf else -_LARGEST
            beyond = lean - _clip(lean, _BALANCED)
            # Distances lead astray where they lead away from the balance of the residuals.
            change = change if change * beyond >= 0 else 0.0
            change += _RESIDUAL * beyond
        self._step.reweigh(end, self._step.weight * math.exp(_clip(change, _LARGEST)))


def _clip(value: float, size: float) -> float:
    return min(max(value, -size), size)
