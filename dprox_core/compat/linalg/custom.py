"""A linear solve as a differentiable function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from dprox_core.compat.linalg.solve import SOLVERS, pcg
from dprox_core.compat.linalg.solve.solver_plss import transpose_of
from dprox_core.errors import ParameterError

__all__ = ["LinearSolve", "LinearSolveConfig", "linear_solve", "pcg"]


@dataclass
class LinearSolveConfig:
    """How to solve a linear system.

    Attributes:
        rtol: relative tolerance.
        max_iters: the most steps.
        verbose: whether the end is logged.
        solver_type: "cg", "cg2", "pcg", "minres", "plss" or "plssw".
        solver_kwargs: further options of the solver, such as ``Minv``.
        use_analytic_grad: whether gradients come from the solution; otherwise from the steps.
    """

    rtol: float = 1e-6
    max_iters: int = 100
    verbose: bool = False
    solver_type: str = "cg"
    solver_kwargs: dict[str, Any] = field(default_factory=dict)
    use_analytic_grad: bool = True


def linear_solve(A: Any, b: torch.Tensor, config: LinearSolveConfig | None = None) -> torch.Tensor:
    """x with A x = b, differentiable with respect to b and to the parameters of A.

    With a cost L and ḡ = ∂L/∂x, Aᴴ λ = ḡ is solved, and ∂L/∂b = λ, ∂L/∂θ = −⟨λ, (∂A/∂θ) x⟩:
    memory does not grow with the number of steps.

    Args:
        A: a module (or a function) x ↦ A x, with ``adjoint`` or ``T`` where it is not symmetric.
        b: the right side, of any shape.
        config: how to solve.

    Raises:
        ParameterError: there is no such solver.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> class Double(dp.LinOp):
        ...     def forward(self, x):
        ...         return 2 * x
        ...     adjoint = forward
        >>> dp.linalg.linear_solve(Double(), torch.tensor([2.0, 4.0]))
        tensor([1., 2.])
    """
    config = LinearSolveConfig() if config is None else config
    if config.solver_type not in SOLVERS:
        raise ParameterError(
            f'There is no linear solver "{config.solver_type}": choose one of '
            f"{', '.join(SOLVERS)}.",
            expected=list(SOLVERS),
            got=config.solver_type,
            where="solver_type",
        )
    if not config.use_analytic_grad:
        return _run(A, b, config)
    parameters = tuple(A.parameters()) if isinstance(A, nn.Module) else ()
    found: torch.Tensor = LinearSolve.apply(A, b, config, *parameters)
    return found


def _run(A: Any, b: torch.Tensor, config: LinearSolveConfig) -> torch.Tensor:
    solver: Any = SOLVERS[config.solver_type]
    found: torch.Tensor = solver(
        A,
        b,
        rtol=config.rtol,
        max_iters=config.max_iters,
        verbose=config.verbose,
        **config.solver_kwargs,
    )
    return found


class _Adjoint:
    """Aᴴ with its own adjoint, for solvers that ask for it."""

    def __init__(self, A: Any) -> None:
        self._forward = transpose_of(A)
        self.adjoint = A

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        return self._forward(y)


class LinearSolve(torch.autograd.Function):
    """``linear_solve`` as torch sees it: ``LinearSolve.apply(A, b, config, *parameters)``."""

    @staticmethod
    def forward(
        ctx: Any, A: Any, b: torch.Tensor, config: LinearSolveConfig, *parameters: torch.Tensor
    ) -> torch.Tensor:
        """x with A x = b."""
        with torch.no_grad():
            x = _run(A, b, config).clone()
        ctx.A, ctx.config, ctx.parameters = A, config, parameters
        ctx.save_for_backward(x)
        return x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangent: torch.Tensor) -> Any:
        """Aᴴ λ = ∂L/∂x, and from λ the gradients of b and the parameters."""
        (x,) = ctx.saved_tensors
        dual = _run(_Adjoint(ctx.A), cotangent, ctx.config)
        wanted = [p for p in ctx.parameters if p.requires_grad]
        gradients: dict[int, torch.Tensor | None] = {}
        if wanted:
            with torch.enable_grad():
                image = ctx.A(x.detach())
                found = torch.autograd.grad(image, wanted, -dual, allow_unused=True)
            gradients = {id(p): g for p, g in zip(wanted, found, strict=True)}
        return (None, dual, None, *(gradients.get(id(p)) for p in ctx.parameters))
