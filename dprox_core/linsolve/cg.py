"""Conjugate gradients for systems with no diagonal form, with implicit gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from dprox_core.linsolve.base import LinearSolver, QuadraticPart, Vectors
from dprox_core.monitor import cancel_requested
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = ["ConjugateGradientSolver", "conjugate_gradients"]

Operator = Callable[[Vectors], Vectors]


class ConjugateGradientSolver(LinearSolver):
    """Solves all variables' system together by conjugate gradients, started at the last solution.

    Without gradients each solve brings the residual down by ``reduction``, which shrinks along
    with the outer iteration (inexact updates in the sense of Eckstein and Yao 2017); ``exact``
    solves, and all solves with gradients, go down to rounding. Gradients come from the solution,
    not from the iteration: with x = H⁻¹ r, a cost's derivative ḡ = ∂L/∂x gives λ = H⁻¹ ḡ,
    ∂L/∂r = λ and ∂L/∂θ = −λᴴ (∂H/∂θ) x.

    Args:
        part: the quadratic to minimize.
        differentiate: whether gradients will be asked for.
        exact: whether to solve to rounding although no gradient is asked for.
        max_iter: the most steps one solve may take.
    """

    kind = "cg"

    def __init__(
        self,
        part: QuadraticPart,
        differentiate: bool = False,
        exact: bool = False,
        max_iter: int | None = None,
        reduction: float = 0.05,
    ) -> None:
        self._part = part
        self._differentiate = differentiate
        epsilon = torch.finfo(part.spaces[0].precision).eps
        self._floor = 10.0 * epsilon
        self._reduction = 0.0 if exact or differentiate else reduction
        default = 1000 if exact or differentiate else 100
        self._max_iter = default if max_iter is None else max_iter
        self._constants = part.constant()

    def solve(
        self,
        pulled: list[torch.Tensor],
        rho: Step,
        previous: Vectors,
        out: Vectors | None = None,
    ) -> Vectors:
        """The minimizer, to the accuracy described above."""
        right = tuple(
            p * rho if constant is None else p * rho + constant
            for p, constant in zip(pulled, self._constants, strict=True)
        )
        if not self._differentiate:
            return self._run(lambda x: self._product(x, rho), right, previous)
        return implicit_solve(self, rho, right, previous)

    def tensors(self, rho: Step) -> Vectors:
        """All tensors on which the matrix depends."""
        part = self._part
        held = [t for row in part.couplings for t in row.tensors()]
        held += [t for term, _ in part.curved for t in term.row.tensors()]
        held += [t for _, metric in part.curved if metric is not None for t in metric.tensors()]
        numbers = [term.penalty.weight for term, _ in part.curved] + [rho]
        held += [number for number in numbers if isinstance(number, torch.Tensor)]
        unique = {id(t): t for t in held if t.requires_grad}
        return tuple(unique.values())

    def _product(self, x: Vectors, rho: Step) -> Vectors:
        """(Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j) x."""
        sums = [torch.zeros_like(v) for v in x]
        in_place = not torch.is_grad_enabled()
        for term, metric in self._part.curved:
            image = term.row.forward(x) * (2.0 * term.penalty.weight)
            if metric is not None:
                image = metric.forward(image)
            term.row.adjoint_add(image, sums, in_place)
        for row in self._part.couplings:
            row.adjoint_add(row.forward(x) * rho, sums, in_place)
        return tuple(sums)

    @torch.no_grad()
    def _run(self, product: Operator, right: Vectors, start: Vectors) -> Vectors:
        return conjugate_gradients(
            product, right, start, self._floor, self._reduction, self._max_iter
        )


def conjugate_gradients(
    product: Operator,
    right: Vectors,
    start: Vectors,
    tolerance: float,
    reduction: float = 0.0,
    max_iter: int = 100,
) -> Vectors:
    """Solve H x = r for a positive semi-definite H (Hestenes and Stiefel 1952).

    Args:
        product: x ↦ H x.
        right: r, in the range of H.
        start: where to start.
        tolerance: stop at ‖H x − r‖ ≤ tolerance ‖r‖.
        reduction: or at ‖H x − r‖ ≤ reduction times what it was at the start.
        max_iter: the most steps.

    Returns:
        x; its part in the null space of H is that of ``start``.
    """
    x = start
    residual = _minus(right, product(x))
    energy = _inner(residual, residual)
    scale = _inner(right, right)
    goal = max(tolerance * tolerance * scale, reduction * reduction * energy)
    direction = residual
    for _ in range(max_iter):
        if not energy > goal or energy == 0.0 or cancel_requested():
            break
        image = product(direction)
        curvature = _inner(direction, image)
        if not curvature > 0.0:
            break
        length = energy / curvature
        x = tuple(torch.add(a, b, alpha=length) for a, b in zip(x, direction, strict=True))
        residual = tuple(
            torch.sub(a, b, alpha=length) for a, b in zip(residual, image, strict=True)
        )
        previous, energy = energy, _inner(residual, residual)
        ratio = energy / previous
        direction = tuple(
            torch.add(a, b, alpha=ratio) for a, b in zip(residual, direction, strict=True)
        )
    return x


def implicit_solve(
    solver: ConjugateGradientSolver, rho: Step, right: Vectors, start: Vectors
) -> Vectors:
    """The solution with gradients to the right side and to every tensor of the matrix."""
    parameters = solver.tensors(rho)
    count = len(right)
    solved = _ImplicitSolve.apply(solver, rho, start, count, *right, *parameters)
    return tuple(solved)


class _ImplicitSolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        solver: ConjugateGradientSolver,
        rho: Step,
        start: Vectors,
        count: int,
        *tensors: torch.Tensor,
    ) -> Vectors:
        right, parameters = tensors[:count], tensors[count:]
        start = tuple(v.detach() for v in start)
        x = solver._run(lambda v: solver._product(v, rho), right, start)
        # The start itself comes back where it already solves; autograd wants a tensor of its own.
        x = tuple(v.clone() if v is s else v for v, s in zip(x, start, strict=True))
        ctx.solver, ctx.rho, ctx.count = solver, rho, count
        ctx.save_for_backward(*x, *parameters)
        return x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        solver, rho, count = ctx.solver, ctx.rho, ctx.count
        x, parameters = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        zeros = tuple(torch.zeros_like(v) for v in x)
        dual = solver._run(lambda v: solver._product(v, rho), cotangents, zeros)
        gradients: tuple[torch.Tensor | None, ...] = ()
        if parameters:
            with torch.enable_grad():
                product = solver._product(tuple(v.detach() for v in x), rho)
                gradients = torch.autograd.grad(
                    product,
                    parameters,
                    grad_outputs=tuple(-v for v in dual),
                    allow_unused=True,
                )
        return (None, None, None, None, *dual, *gradients)


def _minus(a: Vectors, b: Vectors) -> Vectors:
    return tuple(p - q for p, q in zip(a, b, strict=True))


def _inner(a: Vectors, b: Vectors) -> float:
    return sum(float(reductions.inner(p, q)) for p, q in zip(a, b, strict=True))
