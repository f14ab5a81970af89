"""The way to a fixed point, and on to where it is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from dprox_core.algorithms.admm import Admm, AdmmState
from dprox_core.algorithms.base import Algorithm, State
from dprox_core.algorithms.packing import flat, tensors_of
from dprox_core.layers.reduced import newton
from dprox_core.solver import Solver

__all__ = ["LEAST", "Settled", "refine", "settle"]

# The way there: the movement ‖F(z) − z‖ / ‖z‖ to come down to, and the most steps for it, as a
# multiple of those until convergence and at least.
_MOVEMENT, _MULTIPLE, LEAST = 1e-9, 50, 2000
# The first of Newton's steps on that way, and their linear systems' tolerance.
_FIRST, _NEWTON = 700, 1e-4
# Plain steps after one of Newton's that are so much longer than before show that it was too early.
_HOPELESS = 3.0


@dataclass
class Settled:
    """How far an implicit derivative can be trusted.

    Attributes:
        iterations: how many steps the way to the tolerances took.
        converged: whether residuals met their tolerances; without tolerances, whether the last
            step moved the iterate by no more than rounding.
        movement: ‖F(z) − z‖ / ‖z‖ where the derivative is taken.
        products: how many derivatives of one step the way back took, 0 before it.
        residual: by how much its linear system is missed, as a share of its right-hand side.
        refinements: how many further steps made the fixed point exact.
        uncertainty: about how far the derivative may be off, as a share of its size: the distance
            to the fixed point and the error of the linear system, both by its condition; 0 before
            the way back.
    """

    iterations: int
    converged: bool
    movement: float = 0.0
    products: int = 0
    residual: float = 0.0
    refinements: int = 0
    uncertainty: float = 0.0


@torch.no_grad()
def settle(solver: Solver, state: State, steps: int) -> tuple[State, Settled]:
    """The state after so many steps, or once its residuals meet their tolerances."""
    algorithm = solver.algorithm
    with algorithm.overwriting():
        state = state.clone()
        for index in range(1, steps + 1):
            measure = index % 10 == 0 or index == steps
            state = algorithm.step(state, measure)
            if measure and algorithm.done(state):
                return state, Settled(index, True)
            if measure and index < steps:
                state = algorithm.adapt(state)
    return state, Settled(steps, False)


@torch.no_grad()
def refine(solver: Solver, state: State, told: Settled) -> State:
    """The state once steps have become tiny, or no longer shrink.

    Where plain steps take long, Newton's go ahead, and count where plain ones that follow are
    shorter than before: near the end a few of them do what thousands of plain ones would.
    """
    algorithm = solver.algorithm
    rounding = torch.finfo(tensors_of(state)[0].real.dtype).eps
    goal = max(_MOVEMENT, 4.0 * rounding)
    limit = max(LEAST, _MULTIPLE * told.iterations)
    least, since, due = math.inf, 0, float(_FIRST)
    with algorithm.overwriting():
        state = state.clone()
        while told.refinements < limit:
            state, movement = _ten(algorithm, state, told)
            # Where it has stopped to shrink near rounding, further steps bring nothing.
            if movement < 0.9 * least:
                least, since = movement, told.refinements
            stuck = told.refinements - since >= 100
            if movement <= goal or (movement < 1e3 * rounding and stuck):
                break
            if told.refinements >= due:
                found, wait = _ahead(algorithm, state, movement, told)
                due = told.refinements + wait
                state = state if found is None else found
            state = algorithm.adapt(state)
    return state


def _ten(algorithm: Algorithm[Any], state: State, told: Settled) -> tuple[State, float]:
    """The state after ten plain steps, and by what share of its size the last has moved it."""
    for _ in range(9):
        state = algorithm.step(state, False)
    before = flat(state)
    state = algorithm.step(state, False)
    told.refinements += 10
    return state, float((flat(state) - before).norm() / before.norm().clamp_min(1e-300))


def _ahead(
    algorithm: Algorithm[Any], state: State, movement: float, told: Settled
) -> tuple[State | None, float]:
    """The state after Newton's step and some plain ones, once these are shorter than before.

    Returns:
        None where they are not, and how many plain steps to take before the next: none where it
        went well, as many as it cost where it hardly did, never where there is none.
    """
    if not isinstance(algorithm, Admm) or not isinstance(state, AdmmState):
        return None, math.inf
    made = newton(algorithm, state, _NEWTON, told.refinements)
    if made is None:
        return None, math.inf
    found: State = made[0]
    again = max(told.refinements // 2, made[1])
    for count in range(1, max(3, told.refinements // 100)):
        found, moved = _ten(algorithm, found, told)
        if moved < movement:
            return found, 0.0 if moved < 0.5 * movement else again
        if count >= 5 and not moved < _HOPELESS * movement:
            break
    return None, again
