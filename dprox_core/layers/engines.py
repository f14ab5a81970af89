"""Three ways to differentiate through iterations.

autograd: every step is recorded; memory grows with the number of steps K.

recompute: only every √K-th state is kept, the steps in between are done again on the way back;
memory grows with √K, time by one more forward pass. A. Griewank, A. Walther, Evaluating
Derivatives, 2008, chapter 12; T. Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016.

implicit: the derivative follows from the fixed point alone; memory does not depend on K.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from dprox_core.algorithms.base import State
from dprox_core.algorithms.packing import tensors_of, with_tensors
from dprox_core.layers.fixed_point import Prepare, implicit
from dprox_core.layers.settling import Settled
from dprox_core.solver import Solver

__all__ = ["ENGINES", "Settled", "implicit", "recomputed", "recorded"]

Vectors = tuple[torch.Tensor, ...]


def recorded(solver: Solver, start: State, steps: int, prepare: Prepare) -> Vectors:
    """Plain autograd through every step."""
    state = start
    for index in range(steps):
        state = solver.algorithm.step(prepare(state, index), False)
    return solver.algorithm.answer(state)


def recomputed(solver: Solver, start: State, steps: int, prepare: Prepare) -> Vectors:
    """Autograd with only every √steps-th state kept."""
    length = max(1, math.ceil(math.sqrt(steps)))
    template = start
    tensors = tensors_of(start)
    for first in range(0, steps, length):
        count = min(length, steps - first)
        tensors, template = _segment(solver, template, tensors, first, count, prepare)
    return solver.algorithm.answer(with_tensors(template, tensors))


def _segment(
    solver: Solver, template: State, tensors: Vectors, first: int, count: int, prepare: Prepare
) -> tuple[Vectors, State]:
    ends: list[State] = []

    def run(*given: torch.Tensor) -> Vectors:
        # What is computed once and kept must be computed within, both times alike.
        solver.algorithm.forget()
        state = with_tensors(template, given)
        for index in range(first, first + count):
            state = solver.algorithm.step(prepare(state, index), False)
        ends.append(state)
        return tensors_of(state)

    found = checkpoint(run, *tensors, use_reentrant=False)
    # The numbers of the state, without a hold on its tensors.
    bare = with_tensors(ends[0], tuple(t.detach() for t in found))
    return tuple(found), bare


ENGINES: dict[str, Callable[..., Any]] = {
    "autograd": recorded,
    "recompute": recomputed,
    "implicit": implicit,
}
"""Engine name → what runs the iteration."""
