"""Problems, and the primitives that take them apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dprox_core.compat.algo.absorb import absorb_all_linops
from dprox_core.compat.algo.lp_written import solve_linear
from dprox_core.compat.algo.published import solver_class
from dprox_core.compat.algo.solver import Algorithm, linear_options
from dprox_core.compat.constraints import Constraint
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.graph import CompGraph
from dprox_core.compat.linop.matrix import MatrixProduct
from dprox_core.compat.proxfn.base import ProxFnSum, as_functions
from dprox_core.errors import ParameterError

__all__ = ["Problem", "compile", "optimize", "visualize"]


class Problem:
    """Minimize penalties, or costs c @ x, under conditions.

    Args:
        prox_fns: a sum of penalties, or ``c @ x`` for a linear program.
        constraints: conditions such as ``A @ x <= b``, ``A @ x == b``, ``x >= 0``.
        absorb: whether the compiler moves scales into proxes.
        merge: whether it joins sums of squares, bounds and penalties.
        try_diagonalize: whether to solve linear systems directly, element by element.
        try_freq_diagonalize: whether to solve them directly, frequency by frequency.
        linear_solve_config: how systems without a closed form are solved, a ``LinearSolveConfig``;
            "minres" by minimal residuals, every other type by conjugate gradients.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> x = dp.Variable()
        >>> b = torch.tensor([3.0, -2.0, 0.1])
        >>> dp.Problem(dp.sum_squares(x - b) + dp.norm1(x), [x >= 0]).solve(x0=b).round(decimals=3)
        tensor([2.5000, 0.0000, 0.0000])
    """

    def __init__(
        self,
        prox_fns: Any,
        constraints: Sequence[Constraint] | Constraint = (),
        absorb: bool = True,
        merge: bool = True,
        try_diagonalize: bool = True,
        try_freq_diagonalize: bool = True,
        linear_solve_config: Any = None,
    ) -> None:
        listed = [constraints] if isinstance(constraints, Constraint) else list(constraints)
        for constraint in listed:
            if not isinstance(constraint, Constraint):
                raise ParameterError(
                    f"A constraint is a condition such as A @ x <= b, not {constraint!r:.60}.",
                    expected="a condition",
                    got=type(constraint).__name__,
                    where="constraints",
                )
        self.constraints = listed
        self.is_linear = isinstance(prox_fns, LinOp)
        if self.is_linear:
            _refuse_other_costs(prox_fns)
        else:
            prox_fns = ProxFnSum(as_functions(prox_fns))
        self.objective = prox_fns
        self.absorb, self.merge = absorb, merge
        self.linear_solve_config = linear_solve_config
        self.settings = _passes(absorb, merge)
        forced = not (try_diagonalize or try_freq_diagonalize)
        self.settings |= linear_options(linear_solve_config, forced)

    @property
    def prox_fns(self) -> Any:
        """The sum of penalties, or c @ x."""
        return self.objective

    def solve(self, method: str = "admm", device: Any = None, **options: Any) -> Any:
        """The solution as a tensor; a list where there are several variables.

        Args:
            method: "admm", "admm_vxu", "ladmm", "hqs", "pc" or "pgd".
            device: where to compute; None where the data is.
            options: x0, rhos, lams, max_iter, … of ``Algorithm.solve``; ``adapt_params`` for
                linear programs.
        """
        if self.is_linear:
            return solve_linear(self.objective, self.constraints, method, device, **options)
        return compile(self, method, device).solve(**options)

    def visualize(self, savepath: str | Path | None = None) -> str:
        """The graph of all terms in the DOT language, also written where a path is given."""
        return visualize(self, savepath)

    # As it is spelled in the published reference.
    visuliaze = visualize


def _passes(absorb: bool, merge: bool) -> dict[str, Any]:
    """The passes of the compiler that are switched off."""
    names = [] if absorb else ["absorb"]
    if not merge:
        names += ["merge_bounds", "merge_quadratics", "merge_penalties", "share_operators"]
    return {"passes": dict.fromkeys(names, False)} if names else {}


def _refuse_other_costs(costs: Any) -> None:
    if not isinstance(costs, MatrixProduct) or not costs.is_costs:
        raise ParameterError(
            "The objective is an expression: minimize a penalty of it, such as "
            "sum_squares(x - b), or costs c @ x with a vector c.",
            expected="a penalty, or c @ x",
            got=type(costs).__name__,
            where="objective",
        )


def compile(prox_fns: Any, method: str = "admm", device: Any = None, **settings: Any) -> Algorithm:
    """A solver for a sum of penalties.

    Args:
        prox_fns: the sum, or a ``Problem``.
        method: "admm", "admm_vxu", "ladmm", "hqs", "pc" or "pgd".
        device: where to compute; None where the data is.
        settings: options of the method.

    Example:
        >>> import torch, dprox_core.compat as dp
        >>> x = dp.Variable()
        >>> dp.compile(dp.sum_squares(x - torch.ones(2)), method="admm").solve()
        tensor([1., 1.])
    """
    settings |= linear_options(settings.pop("linear_solve_config", None))
    if isinstance(prox_fns, ProxFnSum):
        settings = {**prox_fns.settings, **settings}
    if isinstance(prox_fns, Problem):
        settings = {"constraints": prox_fns.constraints, **prox_fns.settings, **settings}
        prox_fns = prox_fns.objective
    kind = solver_class(method)
    if kind is None:
        return Algorithm(prox_fns, method, device, **settings)
    found: Algorithm = kind.create(prox_fns, device=device, **settings)
    return found


def optimize(prox_fns: Any, merge: bool = False, absorb: bool = False) -> ProxFnSum:
    """The terms, with the word whether a solver made of them joins terms and absorbs scales.

    Args:
        prox_fns: a sum of penalties.
        merge: whether sums of squares, bounds and penalties are joined, by the compiler.
        absorb: whether scales move into proxes: f(s x) becomes f of x with ``beta`` s.
    """
    terms = ProxFnSum(as_functions(prox_fns))
    if absorb:
        terms = ProxFnSum(absorb_all_linops(terms.functions))
    terms.settings = _passes(absorb, merge)
    return terms


def visualize(problem: Any = None, save_path: str | Path | None = None) -> str:
    """The graph of a problem, objective or expression in the DOT language.

    Args:
        problem: what to draw.
        save_path: a file to write it to; its ending becomes ``.dot``.

    Raises:
        ParameterError: there is nothing to draw.
    """
    if problem is None:
        raise ParameterError(
            "visualize draws a problem, an objective or an expression: give it one.",
            expected="a problem",
            where="problem",
        )
    if isinstance(problem, Problem):
        problem = problem.objective
    if isinstance(problem, LinOp):
        return CompGraph(problem).visualize(save_path)
    from dprox_core.compat.linop.algebra import vstack

    return CompGraph(vstack([f.linop for f in as_functions(problem)])).visualize(save_path)
