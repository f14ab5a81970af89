"""The x-update of splitting methods: quadratics and couplings in one linear solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import dprox_core
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.scope import Scope, infer_shapes, precision_of
from dprox_core.errors import ParameterError

__all__ = ["least_squares"]


class least_squares:
    """argmin over x of Σ_q f_q(x) + ρ Σ_j ‖K_j x − v_j‖², solved directly where that can be done.

    Weights of the quadratics count. The system (Σ_q w_q A_qᴴ A_q + ρ Σ_j K_jᴴ K_j) x = r is solved
    element by element, frequency by frequency, or by conjugate gradients, as the compiler chooses.

    Args:
        quad_fns: sums of squares f_q.
        other_fns: functions whose expressions are the K_j.
        try_diagonalize: kept for old scripts: the compiler looks at both.
        try_freq_diagonalize: kept for old scripts.
        fallback_solver: kept for old scripts.
        linear_solve_config: kept for old scripts.
    """

    def __init__(
        self,
        quad_fns: Sequence[ProxFn],
        other_fns: Sequence[ProxFn] = (),
        try_diagonalize: bool = True,
        try_freq_diagonalize: bool = True,
        fallback_solver: str = "cg",
        linear_solve_config: object = None,
    ) -> None:
        for function in quad_fns:
            if not getattr(function, "is_square", False):
                raise ParameterError(
                    f"least_squares takes sums of squares, not {type(function).__name__}.",
                    expected="sum_squares",
                    got=type(function).__name__,
                    where="quad_fns",
                )
        self.quad_fns = list(quad_fns)
        self.other_fns = list(other_fns)

    @property
    def diagonalizable(self) -> bool:
        """Whether every operator multiplies each element by a number."""
        return all(f.linop.is_gram_diag() for f in (*self.quad_fns, *self.other_fns))

    @property
    def freq_diagonalizable(self) -> bool:
        """Whether every operator multiplies each frequency by a number."""
        return all(f.linop.is_gram_diag(freq=True) for f in (*self.quad_fns, *self.other_fns))

    def solve(
        self,
        b: Sequence[torch.Tensor] = (),
        rho: Any = 1.0,
        v: torch.Tensor | None = None,
        eps: float = 1e-7,
    ) -> torch.Tensor:
        """The minimizer.

        Args:
            b: the v_j, one for each of ``other_fns``.
            rho: ρ, above 0: one number, or a tensor with one for each sample.
            v: one more target, of x itself: adds ρ ‖x − v‖².
            eps: kept for old scripts; no use is made of it.
        """
        return self._solve(b, rho, v)

    def solve_direct(
        self,
        b: Sequence[torch.Tensor] = (),
        rho: Any = 1.0,
        v: torch.Tensor | None = None,
        eps: float = 1e-7,
    ) -> torch.Tensor:
        """``solve``: without iterations wherever that can be done."""
        return self._solve(b, rho, v)

    def solve_cg(
        self,
        b: Sequence[torch.Tensor] = (),
        rho: Any = 1.0,
        v: torch.Tensor | None = None,
        linear_solve_config: Any = None,
    ) -> torch.Tensor:
        """``solve`` step by step, whatever the operators are.

        Args:
            b: the v_j.
            rho: ρ, above 0.
            v: one more target, of x itself.
            linear_solve_config: a ``LinearSolveConfig``.
        """
        from dprox_core.compat.algo.solver import linear_options
        from dprox_core.compat.linalg.custom import LinearSolveConfig

        config = LinearSolveConfig() if linear_solve_config is None else linear_solve_config
        return self._solve(b, rho, v, **linear_options(config, forced=True))

    def _solve(
        self, b: Sequence[torch.Tensor], rho: Any, v: torch.Tensor | None, **options: Any
    ) -> torch.Tensor:
        couplings = [function.linop for function in self.other_fns]
        targets = list(b)
        if v is not None:
            (variable,) = {x: None for f in self.quad_fns for x in f.variables}
            couplings, targets = [*couplings, variable], [*targets, v]
        if len(targets) != len(couplings):
            raise ParameterError(
                f"least_squares: there are {len(couplings)} couplings, but {len(targets)} targets.",
                expected=len(couplings),
                got=len(targets),
                where="b",
            )
        ends: list[Any] = [(function.linop, function.inside()) for function in self.quad_fns]
        ends += [(k, tuple(v.shape)) for k, v in zip(couplings, targets, strict=True)]
        shapes = infer_shapes(ends, {})
        dtype = precision_of(targets)
        if any(v.is_complex() for v in targets):
            dtype = dtype.to_complex()
        scope = Scope(shapes, dtype)
        terms = [function.written(scope) for function in self.quad_fns]
        for coupling, target in zip(couplings, targets, strict=True):
            terms.append(_weighted(scope.expression(coupling) - target, rho, target))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        result = dprox_core.Problem(total).solve(abs_tol=0.0, rel_tol=1e-9, **options)
        (variable,) = scope.variables.values()
        return result[variable]


def _weighted(misfit: Any, rho: Any, like: torch.Tensor) -> Any:
    """ρ ‖misfit‖², with a ρ for each sample where there are several."""
    if not isinstance(rho, torch.Tensor) or rho.numel() == 1:
        return rho * dprox_core.sum_squares(misfit)
    roots = rho.to(like.device, like.real.dtype).reshape(-1, *(1,) * (like.ndim - 1)).sqrt()
    return dprox_core.sum_squares(dprox_core.mul_elementwise(misfit, roots))
