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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from dprox_core.algorithms.base import State, joint_norm
from dprox_core.algorithms.packing import (
    count_of,
    flat,
    numbers_of,
    parted,
    tensors_of,
    with_tensors,
)
from dprox_core.errors import ConvergenceWarning
from dprox_core.numerics.gmres import gmres
from dprox_core.numerics.once import once
from dprox_core.solver import Solver

__all__ = ["Prepare", "Settled", "implicit"]

Vectors = tuple[torch.Tensor, ...]
Cotangents = tuple[torch.Tensor | None, ...]
Prepare = Callable[[State, int], State]
"""What to do to a state before its step of a number, such as setting ρ."""

# The way back: the share of its right-hand side to which the system is solved, and the most
# products; its Krylov spaces take so many vectors, and so many bytes.
_TOLERANCE, _PRODUCTS = 1e-9, 1000
_SHORTEST, _LONGEST, _BYTES = 10, 200, 2**22
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
    # A lent solver may be one of a problem without anything to differentiate.
    wanted = solver.differentiate
    leaves = tuple(t.detach().requires_grad_(wanted) for t in tensors_of(state))
    settled = prepare(with_tensors(state, leaves), 0)
    images = tensors_of(algorithm.step(settled, False))
    precision = torch.finfo(leaves[0].dtype).eps
    apart = joint_norm([a.detach() - b.detach() for a, b in zip(images, leaves, strict=True)])
    told.movement = apart / max(joint_norm(leaves), precision)
    if not has_tolerances:
        told.converged = told.movement <= 100.0 * precision
    if not wanted:
        return algorithm.answer(with_tensors(settled, images))

    def solve(cotangents: Cotangents) -> Cotangents:
        found = _way_back(images, leaves, cotangents, told, has_tolerances)
        return once(found, "a fixed point (method deq)", images)

    linked: Vectors = _Link.apply(solve, *images)
    return algorithm.answer(with_tensors(settled, linked))


class _Link(torch.autograd.Function):
    """The identity, whose cotangents are those of the fixed point."""

    @staticmethod
    def forward(
        ctx: Any, solve: Callable[[Cotangents], Cotangents], *images: torch.Tensor
    ) -> Vectors:
        ctx.solve = solve
        ctx.set_materialize_grads(False)
        return tuple(image.view_as(image) for image in images)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor | None) -> Any:
        return None, *ctx.solve(cotangents)


def _way_back(
    images: Vectors,
    leaves: Vectors,
    cotangents: Cotangents,
    told: Settled,
    has_tolerances: bool,
) -> Cotangents:
    """(1 − ∂F/∂z)⁻ᵀ of cotangents; notes what it took and warns where it is doubtful.

    What the step does not look at, such as ADMM's x, has rows of zeros in (∂F/∂z)ᵀ: its cotangent
    stays, adds its share to the others' once, and is left out of the system.
    """
    given = [
        torch.zeros_like(t) if c is None else c.detach()
        for t, c in zip(leaves, cotangents, strict=True)
    ]
    known = [index for index, image in enumerate(images) if image.requires_grad]

    def pulled(
        outputs: Sequence[int], values: Sequence[torch.Tensor], inputs: Sequence[int]
    ) -> list[torch.Tensor | None]:
        pairs = [(images[k], v) for k, v in zip(outputs, values, strict=True) if k in known]
        if not pairs:
            return [None] * len(inputs)
        with torch.enable_grad():
            return list(
                torch.autograd.grad(
                    [image for image, _ in pairs],
                    [leaves[k] for k in inputs],
                    [value for _, value in pairs],
                    retain_graph=True,
                    allow_unused=True,
                )
            )

    every = range(len(leaves))
    seen = pulled(every, given, every)
    used = [k for k in every if seen[k] is not None]
    del seen
    unseen = [k for k in every if k not in used]
    if not used:
        return tuple(given)
    shapes = [leaves[k] for k in used]
    shares = pulled(unseen, [given[k] for k in unseen], used)
    right = torch.cat(
        [
            numbers_of(given[k] if share is None else given[k] + share)
            for k, share in zip(used, shares, strict=True)
        ]
    )
    kept = {k: given[k] for k in unseen}
    del shares, given

    def product(vector: torch.Tensor) -> torch.Tensor:
        back = pulled(used, _parted(vector, shapes), used)
        found = vector.clone()
        for held, part in zip(found.split([count_of(t) for t in shapes]), back, strict=True):
            if part is not None:
                held.sub_(numbers_of(part))
        return found

    tolerance = max(_TOLERANCE, 30.0 * torch.finfo(right.dtype).eps)
    room = _BYTES // (right.element_size() * right.numel())
    compact = right.dtype is torch.float64 and room < _LONGEST
    memory = min(_LONGEST, max(_SHORTEST, room * (1 + compact)))
    found = gmres(product, right, tolerance, _PRODUCTS, memory, compact)
    told.products, told.residual = found.products, found.residual
    size = float(found.solution.norm() / right.norm().clamp_min(1e-300))
    missed = found.residual / size if size > 0.0 else 0.0
    moved = _KINKS * told.movement if has_tolerances else 0.0
    told.uncertainty = (missed + moved) / max(found.smallest, 1e-300)
    _warn(told, has_tolerances)
    solved = dict(zip(used, _parted(found.solution, shapes), strict=True))
    return tuple(solved[k] if k in solved else kept[k] for k in every)


def _parted(vector: torch.Tensor, like: Sequence[torch.Tensor]) -> Vectors:
    """The tensors that a vector holds, shaped as others are."""
    return parted(vector[None], tuple(like), (None,) * len(like))


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
