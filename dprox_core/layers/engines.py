"""Three ways to differentiate through iterations.

autograd: every step is recorded; memory grows with the number of steps K.

recompute: only every √K-th state is kept, the steps in between are done again on the way back;
memory grows with √K, time by one more forward pass. A. Griewank, A. Walther, Evaluating
Derivatives, 2008, chapter 12; T. Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016.

implicit: at a fixed point z = F(z, θ) the derivative follows from z alone:
∂L/∂θ = gᵀ ∂F/∂θ with g = (∂F/∂z)ᵀ g + ∂L/∂z, solved as a fixed point of its own; memory does not
depend on K. S. Bai, J. Z. Kolter, V. Koltun, Deep Equilibrium Models, 2019.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from dprox_core.algorithms.base import State
from dprox_core.algorithms.packing import flat, tensors_of, unflat, with_tensors
from dprox_core.numerics.anderson import fixed_point
from dprox_core.solver import Solver

__all__ = ["ENGINES", "implicit", "recomputed", "recorded"]

Vectors = tuple[torch.Tensor, ...]
Prepare = Callable[[State, int], State]
"""What to do to a state before its step of a number, such as setting ρ."""


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


def implicit(
    solver: Solver,
    start: State,
    steps: int,
    prepare: Prepare,
    tolerance: float = 1e-6,
    backward_steps: int = 200,
) -> Vectors:
    """The derivative at the fixed point that the iteration reaches within ``steps`` steps."""
    algorithm = solver.algorithm
    with torch.no_grad():
        state = prepare(start, 0)
        for index in range(1, steps + 1):
            measure = index % 10 == 0
            state = algorithm.step(state, measure)
            if measure and algorithm.done(state):
                break
    # Factors made without gradients would cut the graph.
    algorithm.forget()
    settled = with_tensors(state, tuple(t.detach() for t in tensors_of(state)))
    settled = prepare(settled, 0)
    if not torch.is_grad_enabled():
        return algorithm.answer(settled)
    point = flat(settled)
    image = flat(algorithm.step(unflat(settled, point), False))
    if image.requires_grad:
        leaf = point.detach().requires_grad_()
        again = flat(algorithm.step(unflat(settled, leaf), False))

        def solve(cotangent: torch.Tensor) -> torch.Tensor:
            def pulled(g: torch.Tensor) -> torch.Tensor:
                with torch.enable_grad():
                    (back,) = torch.autograd.grad(again, leaf, g, retain_graph=True)
                return back + cotangent

            return fixed_point(pulled, cotangent, tolerance, backward_steps)

        image.register_hook(solve)
    return algorithm.answer(unflat(settled, image))


ENGINES: dict[str, Callable[..., Any]] = {
    "autograd": recorded,
    "recompute": recomputed,
    "implicit": implicit,
}
"""Engine name → what runs the iteration."""
