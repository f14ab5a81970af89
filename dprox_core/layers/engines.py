"""Three ways to differentiate through iterations.

autograd: every step is recorded; memory grows with the number of steps K.

recompute: only every √K-th state is kept, the steps in between are done again on the way back;
memory grows with √K, time by one more forward pass. A. Griewank, A. Walther, Evaluating
Derivatives, 2008, chapter 12; T. Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016.

implicit: at a fixed point z = F(z, θ) the derivative follows from z alone:
∂L/∂θ = gᵀ ∂F/∂θ with (1 − ∂F/∂z)ᵀ g = ∂L/∂z, a linear system that GMRES solves; memory does not
depend on K. S. Bai, J. Z. Kolter, V. Koltun, Deep Equilibrium Models, 2019. Where z is no fixed
point yet, or the system is not solved, the derivative is that of something else: a warning says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from dprox_core.algorithms.base import State
from dprox_core.algorithms.packing import flat, tensors_of, unflat, with_tensors
from dprox_core.errors import ConvergenceWarning
from dprox_core.numerics.gmres import gmres
from dprox_core.solver import Solver

__all__ = ["ENGINES", "Settled", "implicit", "recomputed", "recorded"]

Vectors = tuple[torch.Tensor, ...]
Prepare = Callable[[State, int], State]
"""What to do to a state before its step of a number, such as setting ρ."""

# The system of the way back is solved to this share of its right-hand side, with so many products
# at most; a share so many times larger is worth a warning.
_TOLERANCE, _PRODUCTS, _DOUBTFUL = 1e-6, 400, 100.0


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


@dataclass
class Settled:
    """How far an implicit derivative can be trusted.

    Attributes:
        iterations: how many steps the way to the fixed point took.
        converged: whether its residuals met their tolerances; without tolerances, whether the
            last step moved it by no more than rounding.
        movement: ‖F(z) − z‖ / ‖z‖ where the derivative is taken.
        products: how many derivatives of one step the way back took, 0 before it.
        residual: by how much its linear system is missed, as a share of its right-hand side.
    """

    iterations: int
    converged: bool
    movement: float = 0.0
    products: int = 0
    residual: float = 0.0


def implicit(
    solver: Solver,
    start: State,
    steps: int,
    prepare: Prepare,
    note: Callable[[Settled], None] | None = None,
) -> Vectors:
    """The derivative at the fixed point that the iteration reaches within ``steps`` steps.

    Args:
        solver: what iterates.
        start: where it starts.
        steps: the most steps.
        prepare: what to do to a state first.
        note: told how well the fixed point was reached; its argument changes on the way back.
    """
    algorithm = solver.algorithm
    state, told = _settle(solver, prepare(start, 0), steps)
    if note is not None:
        note(told)
    # Factors made without gradients would cut the graph.
    algorithm.forget()
    settled = with_tensors(state, tuple(t.detach() for t in tensors_of(state)))
    settled = prepare(settled, 0)
    if not torch.is_grad_enabled():
        return algorithm.answer(settled)
    point = flat(settled)
    image = flat(algorithm.step(unflat(settled, point), False))
    precision = torch.finfo(point.dtype).eps
    told.movement = float((image.detach() - point).norm() / point.norm().clamp_min(precision))
    if not any(_tolerances(solver)):
        told.converged = told.movement <= 100.0 * precision
    if image.requires_grad:
        leaf = point.detach().requires_grad_()
        again = flat(algorithm.step(unflat(settled, leaf), False))

        def product(g: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                (back,) = torch.autograd.grad(again, leaf, g, retain_graph=True)
            return g - back

        def solve(cotangent: torch.Tensor) -> torch.Tensor:
            tolerance = max(_TOLERANCE, 30.0 * precision)
            found = gmres(product, cotangent, tolerance, _PRODUCTS)
            told.products, told.residual = found.products, found.residual
            _warn(told, tolerance, any(_tolerances(solver)))
            return found.solution

        image.register_hook(solve)
    return algorithm.answer(unflat(settled, image))


def _tolerances(solver: Solver) -> tuple[float, float]:
    tolerances = solver.algorithm.tolerances
    return tolerances.absolute, tolerances.relative


@torch.no_grad()
def _settle(solver: Solver, state: State, steps: int) -> tuple[State, Settled]:
    """The state after so many steps, or once its residuals meet their tolerances."""
    algorithm = solver.algorithm
    for index in range(1, steps + 1):
        measure = index % 10 == 0 or index == steps
        state = algorithm.step(state, measure)
        if measure and algorithm.done(state):
            return state, Settled(index, True)
        if measure and index < steps:
            state = algorithm.adapt(state)
    return state, Settled(steps, False)


def _warn(told: Settled, tolerance: float, has_tolerances: bool) -> None:
    """Say what makes a derivative doubtful; a fixed number of steps is what was asked for."""
    if not told.converged and has_tolerances:
        warnings.warn(
            f"The implicit gradient is taken where the iteration stood after {told.iterations} "
            "steps, which is no fixed point within the tolerances: it may be far from the "
            "gradient of the result. Allow more iterations, or looser tolerances.",
            ConvergenceWarning,
            stacklevel=2,
        )
    if told.residual > _DOUBTFUL * tolerance:
        warnings.warn(
            f"The linear system of the implicit gradient is missed by {told.residual:.1g} of its "
            f"right-hand side after {told.products} products: the gradient is about as uncertain, "
            "or more. A larger rho or step, or a term that makes the problem strongly convex, "
            "makes it easier.",
            ConvergenceWarning,
            stacklevel=2,
        )


ENGINES: dict[str, Callable[..., Any]] = {
    "autograd": recorded,
    "recompute": recomputed,
    "implicit": implicit,
}
"""Engine name → what runs the iteration."""
