"""Systems with no closed form, solved by iteration, with implicit gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np
import torch

from dprox_core.algorithms.per_sample import is_per_sample, shaped
from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.content import cut
from dprox_core.linsolve.base import LinearSolver, QuadraticPart, Vectors
from dprox_core.linsolve.direct import same
from dprox_core.linsolve.each import combined, inners, ratio
from dprox_core.linsolve.minres import minimal_residuals
from dprox_core.linsolve.precondition import Preconditioner
from dprox_core.linsolve.product import product as product_with
from dprox_core.monitoring import cancel_requested
from dprox_core.numerics import reductions
from dprox_core.numerics.once import once
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
        kind: "cg", or "minres" for minimal residuals instead.
        tolerance: a fixed relative tolerance instead of those above.
    """

    def __init__(
        self,
        part: QuadraticPart,
        differentiate: bool = False,
        exact: bool = False,
        max_iter: int | None = None,
        reduction: float = 0.05,
        kind: str = "cg",
        tolerance: float | None = None,
    ) -> None:
        self._part = part
        self.kind = kind
        self._preconditioner = Preconditioner(part) if kind == "cg" else None
        self._prepared: tuple[Step, Callable[[Vectors], Vectors] | None] | None = None
        self._differentiate = differentiate
        epsilon = torch.finfo(part.spaces[0].precision).eps
        self._floor = 10.0 * epsilon
        self._reduction = 0.0 if exact or differentiate else reduction
        if tolerance is not None:
            self._floor, self._reduction = max(self._floor, tolerance), 0.0
        default = 1000 if exact or differentiate else 100
        self._max_iter = default if max_iter is None else max_iter
        self._constants = part.constant()
        squares = tuple((t.row, 2.0 * t.penalty.weight, metric) for t, metric in part.curved)
        self._squares: tuple[tuple[Row, Step, LinOp | None], ...] = squares
        self._couplings = part.couplings
        self._leaves: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        if differentiate:
            # Derivatives of a product with the matrix end at the tensors of its operators.
            self._squares, self._couplings = cut((squares, part.couplings), self._leaves)

    def solve(
        self,
        pulled: list[torch.Tensor],
        rho: Step,
        previous: Vectors,
        out: Vectors | None = None,
    ) -> Vectors:
        """The minimizer, to the accuracy described above."""
        right = tuple(
            p * shaped(rho, p) if constant is None else p * shaped(rho, p) + constant
            for p, constant in zip(pulled, self._constants, strict=True)
        )
        if not self._differentiate:
            return self._run(rho, right, previous)
        return implicit_solve(self, rho, right, previous)

    def tensors(self, rho: Step) -> tuple[Vectors, Vectors]:
        """All tensors on which the matrix depends, and the leaves that stand for them in it."""
        rows = [row for row, _, _ in self._squares] + list(self._couplings)
        held: list[Any] = [t for row in rows for t in row.tensors()]
        for _, weight, metric in self._squares:
            held += [weight] if metric is None else [weight, *metric.tensors()]
        pairs = {id(leaf): (whole, leaf) for whole, leaf in self._leaves.values()}
        for t in (*held, rho):
            if isinstance(t, torch.Tensor) and t.requires_grad:
                pairs.setdefault(id(t), (t, t))
        found = tuple(pairs.values())
        return tuple(whole for whole, _ in found), tuple(leaf for _, leaf in found)

    def _product(self, x: Vectors, rho: Step) -> Vectors:
        """(Σ_q 2 w_q A_qᴴ W_q A_q + ρ Σ_j K_jᴴ K_j) x."""
        return product_with(x, self._squares, self._couplings, rho)

    @torch.no_grad()
    def _run(self, rho: Step, right: Vectors, start: Vectors) -> Vectors:
        def product(x: Vectors) -> Vectors:
            return self._product(x, rho)

        if self._preconditioner is None:
            return minimal_residuals(
                product,
                right,
                start,
                self._floor,
                self._reduction,
                self._max_iter,
                self._part.samples,
            )
        value = _held(rho)
        if self._prepared is None or not same(self._prepared[0], value):
            self._prepared = (value, self._preconditioner.at(value))
        return conjugate_gradients(
            product,
            right,
            start,
            self._floor,
            self._reduction,
            self._max_iter,
            self._prepared[1],
            self._part.samples,
        )

    def preconditioners(self, rho: Step) -> tuple[str | None, ...]:
        """Which one serves each variable, None for none."""
        held = self._preconditioner
        return (None,) * len(self._part.spaces) if held is None else held.kinds(rho)

    def forget(self) -> None:
        """Drop the preconditioner's factors."""
        self._prepared = None


def conjugate_gradients(
    product: Operator,
    right: Vectors,
    start: Vectors,
    tolerance: float,
    reduction: float = 0.0,
    max_iter: int = 100,
    precondition: Operator | None = None,
    samples: int = 1,
) -> Vectors:
    """Solve H x = r for a positive semi-definite H (Hestenes and Stiefel 1952).

    Args:
        product: x ↦ H x.
        right: r, in the range of H.
        start: where to start.
        tolerance: stop at ‖H x − r‖ ≤ tolerance ‖r‖.
        reduction: or at ‖H x − r‖ ≤ reduction times what it was at the start.
        max_iter: the most steps.
        precondition: an approximate inverse of H, symmetric and positive definite.
        samples: how many samples, along the first axes, H keeps apart: each takes steps of its own,
            as it would alone, and ends by itself.

    Returns:
        x; without a preconditioner its part in the null space of H is that of ``start``.
    """
    x = start
    residual = combined(right, product(x), -np.ones(samples))
    left = inners(residual, residual, samples)
    scale = inners(right, right, samples)
    goal = np.maximum(tolerance * tolerance * scale, reduction * reduction * left)
    direction = residual if precondition is None else precondition(residual)
    energy = left if precondition is None else inners(residual, direction, samples)
    going = np.ones(samples, dtype=bool)
    for _ in range(max_iter):
        going &= (left > goal) & (left != 0.0)
        if not going.any() or cancel_requested():
            break
        image = product(direction)
        curvature = inners(direction, image, samples)
        going &= curvature > 0.0
        if not going.any():
            break
        length = ratio(energy, curvature, going)
        x = combined(x, direction, length)
        residual = combined(residual, image, -length)
        left = inners(residual, residual, samples)
        steepest = residual if precondition is None else precondition(residual)
        previous = energy
        energy = left if precondition is None else inners(residual, steepest, samples)
        direction = combined(steepest, direction, ratio(energy, previous, going))
    return x


def implicit_solve(
    solver: ConjugateGradientSolver, rho: Step, right: Vectors, start: Vectors
) -> Vectors:
    """The solution with gradients to the right side and to every tensor of the matrix."""
    # ρ may have been computed from a tensor of the matrix.
    inner = rho.detach().requires_grad_() if _has_history(rho) else rho
    parameters, leaves = solver.tensors(inner)
    parameters = tuple(rho if t is inner else t for t in parameters)  # type: ignore[misc]
    count = len(right)
    solved = _ImplicitSolve.apply(solver, inner, start, leaves, count, *right, *parameters)
    return tuple(solved)


def _held(rho: Step) -> Step:
    """ρ without its history."""
    if isinstance(rho, torch.Tensor) and is_per_sample(rho):
        return rho.detach()
    return reductions.number(rho)


def _has_history(rho: Step) -> TypeGuard[torch.Tensor]:
    return isinstance(rho, torch.Tensor) and rho.requires_grad and not rho.is_leaf


class _ImplicitSolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        solver: ConjugateGradientSolver,
        rho: Step,
        start: Vectors,
        leaves: Vectors,
        count: int,
        *tensors: torch.Tensor,
    ) -> Vectors:
        right = tensors[:count]
        start = tuple(v.detach() for v in start)
        x = solver._run(rho, right, start)
        # The start itself comes back where it already solves; autograd wants a tensor of its own.
        x = tuple(v.clone() if v is s else v for v, s in zip(x, start, strict=True))
        ctx.solver, ctx.rho, ctx.leaves = solver, rho, leaves
        ctx.save_for_backward(*x)
        return x

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        # Recomputed tensors can be had only once.
        x = ctx.saved_tensors
        with torch.no_grad():
            found = _ImplicitSolve.found(ctx, x, cotangents)
        kind = "minimal residuals" if ctx.solver.kind == "minres" else "conjugate gradients"
        return (None, None, None, None, None, *once(found, kind, x, cotangents))

    @staticmethod
    def found(ctx: Any, x: Vectors, cotangents: Vectors) -> tuple[torch.Tensor | None, ...]:
        """The gradients to the right side and to the tensors of the matrix."""
        solver, rho = ctx.solver, ctx.rho
        zeros = tuple(torch.zeros_like(v) for v in x)
        dual = solver._run(rho, cotangents, zeros)
        gradients: tuple[torch.Tensor | None, ...] = ()
        if ctx.leaves:
            with torch.enable_grad():
                product = solver._product(tuple(v.detach() for v in x), rho)
                # The rows of one variable may know no leaf.
                held = [(p, -v) for p, v in zip(product, dual, strict=True) if p.requires_grad]
                gradients = torch.autograd.grad(
                    [p for p, _ in held], ctx.leaves, [v for _, v in held], allow_unused=True
                )
        return (*dual, *gradients)
