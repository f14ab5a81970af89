"""The derivative of what an iteration leads to, from that point alone.

At a fixed point z = F(z, θ)

    ∂L/∂θ = gᵀ ∂F/∂θ  with  (1 − ∂F/∂z)ᵀ g = ∂L/∂z,

a linear system that GMRES solves. S. Bai, J. Z. Kolter, V. Koltun, Deep Equilibrium Models, 2019.

A penalty's kinks make ∂F/∂z jump, so that the derivative is right only once the iterate lies on
the side of every kink on which it stays: where a solve counts as converged, it may still be wrong
altogether. So the iteration goes on until its steps are tiny (J. Bolte, E. Pauwels, S. Vaiter,
Automatic Differentiation of Nonsmooth Iterative Algorithms, 2022). The system grows as hard as the
iteration is slow. Methods other than ADMM lend its map, whose minimizer is the same, and which is
solved on the face of the kinks where that is hard (``reduced``).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from dprox_core.algorithms.base import State, joint_norm
from dprox_core.algorithms.packing import tensors_of, with_tensors
from dprox_core.errors import ConvergenceWarning
from dprox_core.layers.settling import LEAST, Settled, refine, settle
from dprox_core.layers.way_back import DOUBTFUL, along_face, way_back
from dprox_core.numerics.once import once
from dprox_core.solver import Solver

__all__ = ["Prepare", "implicit"]

Vectors = tuple[torch.Tensor, ...]
Cotangents = tuple[torch.Tensor | None, ...]
Prepare = Callable[[State, int], State]
"""What to do to a state before its step of a number, such as setting ρ."""


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
    state, told = settle(solver, prepare(start, 0), steps)
    if note is not None:
        note(told)
    if not torch.is_grad_enabled():
        return solver.algorithm.answer(state)
    has_tolerances = any(_tolerances(solver))
    if has_tolerances and told.converged:
        other = lent()
        if other is not None:
            solver, state = other, _from(other, solver, state)
            state, _ = settle(solver, state, max(LEAST, steps))
        state = refine(solver, state, told)
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
        along = along_face(algorithm, settled, images)
        found = way_back(images, leaves, cotangents, told, has_tolerances, along)
        _warn(told, has_tolerances)
        return once(found, "a fixed point (method deq)", images, cotangents)

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


def _tolerances(solver: Solver) -> tuple[float, float]:
    tolerances = solver.algorithm.tolerances
    return tolerances.absolute, tolerances.relative


def _from(other: Solver, solver: Solver, state: State) -> State:
    """The other solver's start at the answer of a state."""
    names = solver.model.variables
    with torch.no_grad():
        answer = solver.algorithm.answer(state)
    return other.init(dict(zip(names, (v.detach() for v in answer), strict=True)))


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
    elif not told.uncertainty <= DOUBTFUL:
        warnings.warn(
            f"The implicit gradient is uncertain by about {100.0 * told.uncertainty:.2g} %: its "
            f"linear system is missed by {told.residual:.1g} of its right-hand side after "
            f"{told.products} products, and the last step still moved the iterate by "
            f"{told.movement:.1g} of its size. A larger rho or step, or a term that makes the "
            "problem strongly convex, makes it easier.",
            ConvergenceWarning,
            stacklevel=2,
        )
