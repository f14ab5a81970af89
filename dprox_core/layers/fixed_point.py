"""The derivative of what an iteration leads to, from that point alone.

At a fixed point z = F(z, θ)

    ∂L/∂θ = gᵀ ∂F/∂θ  with  (1 − ∂F/∂z)ᵀ g = ∂L/∂z,

a linear system that GMRES solves. S. Bai, J. Z. Kolter, V. Koltun, Deep Equilibrium Models, 2019.

A penalty's kinks make ∂F/∂z jump, so that the derivative is right only once the iterate lies on
the side of every kink on which it stays: where a solve counts as converged, it may still be wrong
altogether. So the iteration goes on until its steps are tiny (J. Bolte, E. Pauwels, S. Vaiter,
Automatic Differentiation of Nonsmooth Iterative Algorithms, 2022). The system grows as hard as the
iteration is slow: methods without a linear solve lend the map of ADMM, whose minimizer is the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch

from dprox_core.algorithms.base import State
from dprox_core.algorithms.packing import flat, tensors_of, unflat, with_tensors
from dprox_core.errors import ConvergenceWarning
from dprox_core.numerics.gmres import gmres
from dprox_core.numerics.once import once
from dprox_core.solver import Solver

__all__ = ["Prepare", "Settled", "implicit"]

Vectors = tuple[torch.Tensor, ...]
Prepare = Callable[[State, int], State]
"""What to do to a state before its step of a number, such as setting ρ."""

# The way back: the share of its right-hand side to which the system is solved, and the most
# products; its Krylov spaces take so many vectors, and so many bytes.
_TOLERANCE, _PRODUCTS = 1e-9, 1000
_SHORTEST, _LONGEST, _BYTES = 10, 200, 2**25
# The way there: the movement ‖F(z) − z‖ / ‖z‖ to come down to, and the most steps for it, as a
# multiple of those until convergence and at least.
_MOVEMENT, _MULTIPLE, _LEAST = 1e-9, 50, 2000
# A derivative that is about so uncertain is worth a warning. A distance to the fixed point counts
# so many times over, for kinks that lie between: seen on deconvolutions by total variation.
_DOUBTFUL, _KINKS = 1e-3, 30.0


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


def implicit(
    solver: Solver,
    start: State,
    steps: int,
    prepare: Prepare,
    note: Callable[[Settled], None] | None = None,
    lent: Callable[[], Solver | None] = lambda: None,
) -> Vectors:
    """The derivative at the fixed point that the iteration reaches within ``steps`` steps.

    Args:
        solver: what iterates.
        start: where it starts.
        steps: the most steps until its tolerances are met; with gradients, more make the fixed
            point exact.
        prepare: what to do to a state first.
        note: told how well the fixed point was reached; its argument changes on the way back.
        lent: another solver of the same problem, at whose fixed point the derivative is taken;
            None for the solver itself.
    """
    state, told = _settle(solver, prepare(start, 0), steps)
    if note is not None:
        note(told)
    if not torch.is_grad_enabled():
        return solver.algorithm.answer(state)
    has_tolerances = any(_tolerances(solver))
    if has_tolerances and told.converged:
        other = lent()
        if other is not None:
            solver, state = other, _from(other, solver, state)
            state, _ = _settle(solver, state, max(_LEAST, steps))
        state = _refine(solver, state, told)
    algorithm = solver.algorithm
    # Factors made without gradients would cut the graph.
    algorithm.forget()
    state = algorithm.at_rest(state)
    settled = with_tensors(state, tuple(t.detach() for t in tensors_of(state)))
    settled = prepare(settled, 0)
    point = flat(settled)
    image = flat(algorithm.step(unflat(settled, point), False))
    precision = torch.finfo(point.dtype).eps
    told.movement = float((image.detach() - point).norm() / point.norm().clamp_min(precision))
    if not has_tolerances:
        told.converged = told.movement <= 100.0 * precision
    if image.requires_grad:
        leaf = point.detach().requires_grad_()
        again = flat(algorithm.step(unflat(settled, leaf), False))

        def product(g: torch.Tensor) -> torch.Tensor:
            if not again.requires_grad:
                return g
            with torch.enable_grad():
                (back,) = torch.autograd.grad(
                    again, leaf, g, retain_graph=True, materialize_grads=True, allow_unused=True
                )
            return g - back

        def solve(cotangent: torch.Tensor) -> torch.Tensor | None:
            found = _way_back(product, cotangent, told, has_tolerances)
            return once([found], "a fixed point (method deq)", [again])[0]

        image.register_hook(solve)
    return algorithm.answer(unflat(settled, image))


def _way_back(
    product: Callable[[torch.Tensor], torch.Tensor],
    cotangent: torch.Tensor,
    told: Settled,
    has_tolerances: bool,
) -> torch.Tensor:
    """(1 − ∂F/∂z)⁻ᵀ of a cotangent; notes what it took and warns where it is doubtful."""
    tolerance = max(_TOLERANCE, 30.0 * torch.finfo(cotangent.dtype).eps)
    room = _BYTES // (cotangent.element_size() * max(1, cotangent.numel()))
    memory = min(_LONGEST, max(_SHORTEST, room))
    cotangent = cotangent.detach()
    found = gmres(product, cotangent, tolerance, _PRODUCTS, memory)
    told.products, told.residual = found.products, found.residual
    size = float(found.solution.norm() / cotangent.norm().clamp_min(1e-300))
    missed = found.residual / size if size > 0.0 else 0.0
    moved = _KINKS * told.movement if has_tolerances else 0.0
    told.uncertainty = (missed + moved) / max(found.smallest, 1e-300)
    _warn(told, has_tolerances)
    return found.solution


def _tolerances(solver: Solver) -> tuple[float, float]:
    tolerances = solver.algorithm.tolerances
    return tolerances.absolute, tolerances.relative


def _from(other: Solver, solver: Solver, state: State) -> State:
    """The other solver's start at the answer of a state."""
    names = solver.model.variables
    with torch.no_grad():
        answer = solver.algorithm.answer(state)
    return other.init(dict(zip(names, (v.detach() for v in answer), strict=True)))


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


@torch.no_grad()
def _refine(solver: Solver, state: State, told: Settled) -> State:
    """The state once steps have become tiny, or no longer shrink."""
    algorithm = solver.algorithm
    rounding = torch.finfo(tensors_of(state)[0].real.dtype).eps
    goal = max(_MOVEMENT, 4.0 * rounding)
    limit = max(_LEAST, _MULTIPLE * told.iterations)
    least, since = math.inf, 0
    for index in range(1, limit + 1):
        told.refinements = index
        before = flat(state).clone() if index % 10 == 0 else None
        state = algorithm.step(state, False)
        if before is None:
            continue
        movement = float((flat(state) - before).norm() / before.norm().clamp_min(rounding))
        # Where it has stopped to shrink near rounding, further steps bring nothing.
        if movement < 0.9 * least:
            least, since = movement, index
        if movement <= goal or (movement < 1e3 * rounding and index - since >= 100):
            break
    return state


def _warn(told: Settled, has_tolerances: bool) -> None:
    """Say what makes a derivative doubtful; a fixed number of steps is what was asked for."""
    if not told.converged and has_tolerances:
        warnings.warn(
            f"The implicit gradient is taken where the iteration stood after {told.iterations} "
            "steps, which is no fixed point within the tolerances: it may be far from the "
            "gradient of the result. Allow more iterations, or looser tolerances.",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif not told.uncertainty <= _DOUBTFUL:
        warnings.warn(
            f"The implicit gradient is uncertain by about {100.0 * told.uncertainty:.2g} %: its "
            f"linear system is missed by {told.residual:.1g} of its right-hand side after "
            f"{told.products} products, and the last step still moved the iterate by "
            f"{told.movement:.1g} of its size. A larger rho or step, or a term that makes the "
            "problem strongly convex, makes it easier.",
            ConvergenceWarning,
            stacklevel=2,
        )
