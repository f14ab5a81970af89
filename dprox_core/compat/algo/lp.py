"""Linear programs, under the names of the published reference."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from dprox_core.compat.algo.lp_data import flat, sparse_rows, stacked
from dprox_core.compat.algo.solution import solution
from dprox_core.errors import ParameterError

if TYPE_CHECKING:
    from dprox_core.compat.algo.lp_unrolled import Residuals

__all__ = ["LPConvergenceLoss", "LPProblem", "LPSolverADMM"]

_log = logging.getLogger(__name__)
# The parameters of ADMM and where their range ends.
_RANGES = {"rho": math.inf, "sigma": math.inf, "alpha": 2.0}


class LPProblem:
    """min c @ x subject to A_ub @ x <= b_ub, A_eq @ x == b_eq and x_lb <= x <= x_ub.

    Args:
        c: costs.
        A_ub: rows of ≤.
        b_ub: their right sides.
        A_eq: rows of =.
        b_eq: their right sides.
        x_lb: lower bounds, None for 0.
        x_ub: upper bounds, None for infinity.
        norm_ord: kept for old scripts: scaling is chosen.
        dtype: of the answer.
        sparse: kept for old scripts: rows are always sparse.
        device: where to compute; None for the CPU.
    """

    def __init__(
        self,
        c: Any,
        A_ub: Any = None,
        b_ub: Any = None,
        A_eq: Any = None,
        b_eq: Any = None,
        x_lb: Any = None,
        x_ub: Any = None,
        norm_ord: float = float("inf"),
        dtype: torch.dtype = torch.float64,
        sparse: bool = False,
        device: Any = None,
    ) -> None:
        from dprox_core.lp import LinearProgram

        blocks, lower, upper = [], [], []
        for matrix, right, is_equal in ((A_ub, b_ub, False), (A_eq, b_eq, True)):
            if matrix is None:
                continue
            side = flat(right)
            blocks.append(sparse_rows(matrix))
            upper.append(side)
            lower.append(side if is_equal else np.full_like(side, -np.inf))
        self.dtype = dtype
        self.device = "cpu" if device is None else device
        self.program = LinearProgram(
            c=flat(c),
            A=stacked(blocks),
            row_lower=np.concatenate(lower) if lower else -np.inf,
            row_upper=np.concatenate(upper) if upper else np.inf,
            lower=0.0 if x_lb is None else flat(x_lb),
            upper=np.inf if x_ub is None else flat(x_ub),
        )
        bounds = (self.program.lower.reshape(-1, 1), self.program.upper.reshape(-1, 1))
        self.original_problem = (c, A_ub, b_ub, A_eq, b_eq, *bounds)

    def unpack(self) -> tuple[Any, ...]:
        """c, A_ub, b_ub, A_eq and b_eq as given, and both bounds of x, (n, 1)."""
        return self.original_problem

    @property
    def problem_scale(self) -> tuple[int, int]:
        """How many conditions, the bounds of an unknown for one, and how many unknowns."""
        n = len(self.program.c)
        return len(self.program.row_lower) + n, n


class LPSolverADMM(nn.Module):
    """A solver for linear programs: ADMM with one sparse factorization.

    ``rho``, ``sigma`` and ``alpha`` are parameters of a module. They change no solution, only the
    way there: ``residuals`` of so many steps have gradients in them, for ``LPConvergenceLoss`` and
    an optimizer of your own; ``adapt`` is that loop.

    Args:
        rho: the penalty to begin with, in scaled units; it changes from there.
        problem_scale: kept for old scripts: scaling is chosen.
        abstol: kept for old scripts: the relative tolerance decides.
        reltol: relative tolerance of residuals, gap and objective; at most 1e-6 is used.
        norm_ord: kept for old scripts.
        max_iters: the most iterations.
        dtype: kept for old scripts: everything is in double precision.
        verbose: whether the end is logged.
        sigma: how much x holds to where it was, in ``residuals``.
        alpha: over-relaxation, between 0 and 2, in ``residuals``.

    Raises:
        ParameterError: a parameter is out of its range.

    Example:
        >>> import dprox_core.compat as dp
        >>> program = dp.LPProblem([-1.0, -2.0], [[1.0, 1.0]], [4.0], x_ub=[3.0, 3.0])
        >>> solver = dp.LPSolverADMM(rho=0.1)
        >>> losses = solver.adapt(program, steps=5)
        >>> min(losses) < losses[0]
        True
        >>> solver.solve(program)[0].flatten().round(decimals=3)
        tensor([1., 3.], dtype=torch.float64)

    References:
        B. Stellato et al., OSQP: an operator splitting solver for quadratic programs, 2020.
    """

    rho: nn.Parameter
    sigma: nn.Parameter
    alpha: nn.Parameter

    def __init__(
        self,
        rho: float = 1.0,
        problem_scale: Any = None,
        abstol: float = 1e-4,
        reltol: float = 1e-3,
        norm_ord: float = float("inf"),
        max_iters: int = 5000,
        dtype: torch.dtype = torch.float64,
        verbose: bool = True,
        sigma: float = 1e-6,
        alpha: float = 1.6,
    ) -> None:
        super().__init__()
        given = {"rho": float(rho), "sigma": float(sigma), "alpha": float(alpha)}
        for name, value in given.items():
            setattr(self, name, nn.Parameter(torch.tensor(value, dtype=torch.float64)))
        self._in_range()
        self.tolerances = (abstol, reltol)
        self.reltol = min(reltol, 1e-6)
        self.max_iters = max_iters
        self.verbose = verbose

    def solve(
        self,
        lpproblem: LPProblem,
        rho: float | None = None,
        sigma: float | None = None,
        alpha: float | None = None,
        max_iters: int | None = None,
        eval_freq: int = 25,
        residual_balance: bool = False,
        direct: bool = False,
        polish: bool = False,
    ) -> tuple[Any, dict[str, list[float]], tuple[float, float, float, float, float]]:
        """The solution, its history and its last line.

        Args:
            lpproblem: the program.
            rho: the penalty to begin with, None for the solver's.
            sigma: kept for old scripts, as all that follow but ``max_iters``: they are chosen.
            alpha: kept for old scripts.
            max_iters: the most iterations, None for the solver's.
            eval_freq: kept for old scripts.
            residual_balance: kept for old scripts.
            direct: kept for old scripts.
            polish: kept for old scripts.

        Returns:
            x (n, 1), whose ``result`` says whether it is optimal, or why there is none; a mapping
            with lists "r_norm", "s_norm", "eps_primal", "eps_dual", "objval"; and the last
            objective, r_norm, s_norm, eps_primal, eps_dual.
        """
        from dprox_core.compat.algo.solver import available_device
        from dprox_core.lp import solve_lp

        result: Any = solve_lp(
            lpproblem.program,
            "admm",
            tol=self.reltol,
            rho=self._in_range()[0] if rho is None else float(rho),
            device=available_device(lpproblem.device),
            max_iter=self.max_iters if max_iters is None else max_iters,
        )
        rows = result.history.rows
        history = {
            "r_norm": [row.primal_residual for row in rows],
            "s_norm": [row.dual_residual for row in rows],
            "eps_primal": [row.primal_tolerance for row in rows],
            "eps_dual": [row.dual_tolerance for row in rows],
            "objval": [row.objective for row in rows],
        }
        last = [listed[-1] if listed else 0.0 for listed in history.values()]
        if self.verbose:
            _log.info("%s", result.message)
        x = solution(torch.as_tensor(result.x).to(lpproblem.dtype)[:, None], result, self)
        return x, history, (float(result.objective), last[0], last[1], last[2], last[3])

    def residuals(self, lpproblem: LPProblem, iterations: int = 20) -> Residuals:
        """What is missing after so many steps of the textbook's ADMM from zero, with gradients.

        Args:
            lpproblem: the program.
            iterations: how many steps.

        Returns:
            r_norm, s_norm, eps_primal and eps_dual, largest entries in scaled units.

        Raises:
            ParameterError: a parameter has left its range.
        """
        from dprox_core.compat.algo.lp_unrolled import residuals

        self._in_range()
        # The factors live on the CPU.
        rho, sigma, alpha = self.rho.cpu(), self.sigma.cpu(), self.alpha.cpu()
        return residuals(lpproblem.program, rho, sigma, alpha, iterations, *self.tolerances)

    def adapt(
        self, lpproblem: LPProblem, steps: int = 10, iterations: int = 20, lr: float = 0.3
    ) -> list[float]:
        """Learn ρ, σ and α from a program: Adam on ``LPConvergenceLoss`` of ``residuals``.

        It moves log ρ, log σ and the logit of α / 2, so that all stay in their ranges, and keeps
        those of the least loss. A residual within its tolerance counts as that: 0 is solved.

        Args:
            lpproblem: the program.
            steps: how many steps of Adam.
            iterations: how many steps of ADMM each of them looks at.
            lr: its step size.

        Returns:
            The loss before each step and after the last, of which the solver keeps the least.
        """
        from dprox_core.compat.algo.lp_unrolled import residuals

        rho, sigma, alpha = self._in_range()
        start = [math.log(rho), math.log(sigma), math.log(alpha / (2.0 - alpha))]
        free = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        adam, loss_of = torch.optim.Adam([free], lr), LPConvergenceLoss()
        losses: list[float] = []
        for step in range(steps + 1):
            with torch.enable_grad():
                held = free[0].exp(), free[1].exp(), 2.0 * free[2].sigmoid()
                r, s, primal, dual = residuals(
                    lpproblem.program, *held, iterations, *self.tolerances
                )
                loss = loss_of(torch.maximum(r, primal), torch.maximum(s, dual), primal, dual)
            losses.append(float(loss.detach()))
            if losses[-1] <= min(losses):
                for name, value in zip(("rho", "sigma", "alpha"), held, strict=True):
                    getattr(self, name).data.copy_(value.detach())
            if step < steps:
                adam.zero_grad()
                loss.backward()
                adam.step()
        return losses

    def _in_range(self) -> tuple[float, float, float]:
        """ρ, σ and α as numbers."""
        values = [float(p.detach()) for p in (self.rho, self.sigma, self.alpha)]
        for name, value, end in zip(_RANGES, values, _RANGES.values(), strict=True):
            if not 0 < value < end:
                raise ParameterError(
                    f"{name} must be above 0{'' if end == math.inf else f' and below {end:g}'}, "
                    f"not {value:g}.",
                    expected=(0, end),
                    got=value,
                    where=name,
                )
        return values[0], values[1], values[2]


class LPConvergenceLoss(nn.Module):
    """log(r / ε_primal) + log(s / ε_dual), of residuals and their tolerances; finite at zero."""

    def forward(self, r_norm: Any, s_norm: Any, eps_primal: Any, eps_dual: Any) -> torch.Tensor:
        """The loss of both residuals and their tolerances."""
        ratios = (torch.as_tensor(r_norm / eps_primal), torch.as_tensor(s_norm / eps_dual))
        primal, dual = (torch.log(r.clamp_min(torch.finfo(r.dtype).tiny)) for r in ratios)
        return primal + dual
