"""Linear programs that are written: costs c @ x under conditions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from dprox_core.compat.algo.lp_data import flat, sparse_rows, stacked
from dprox_core.compat.algo.solution import solution
from dprox_core.compat.algo.solver import available_device
from dprox_core.compat.constraints import Constraint
from dprox_core.compat.linop.leaves import Constant, Variable
from dprox_core.compat.linop.matrix import MatrixProduct
from dprox_core.errors import ParameterError

__all__ = ["solve_linear"]


def solve_linear(
    costs: MatrixProduct,
    constraints: Sequence[Constraint],
    method: str = "admm",
    device: Any = None,
    adapt_params: bool = True,
    max_iter: int | None = None,
    **ignored: Any,
) -> Any:
    """min c @ x under any number of conditions on A @ x or x, each ≤, ≥ or =.

    x is free but for what is written: where it must not be negative, x >= 0 is one condition more.
    The published reference takes it for written; so is it here, with a warning, where there is no
    solution otherwise and no bound of x from below is given.
    """
    from dprox_core.lp import LinearProgram, solve_lp

    (variable,) = costs.variables
    n = int(costs.matrix.shape[-1])
    bounds: dict[str, Any] = {"lower": np.full(n, -np.inf), "upper": np.full(n, np.inf)}
    rows: list[Any] = []
    limits: list[tuple[np.ndarray, np.ndarray]] = []
    for constraint in constraints:
        side = _side(constraint)
        if constraint.expression is variable:
            if constraint.sense != "<=":
                bounds["lower"] = np.maximum(bounds["lower"], side)
            if constraint.sense != ">=":
                bounds["upper"] = np.minimum(bounds["upper"], side)
            continue
        expression = constraint.expression
        if not isinstance(expression, MatrixProduct) or not isinstance(
            expression.input_nodes[0], Variable
        ):
            raise ParameterError(
                "A linear program has conditions on A @ x and on x.",
                expected="A @ x <= b",
                got=type(expression).__name__,
                where="constraints",
            )
        matrix = sparse_rows(expression.matrix)
        side = np.broadcast_to(side, (matrix.shape[0],)).astype(float)
        none = np.full_like(side, np.inf)
        rows.append(matrix)
        limits.append(
            (
                -none if constraint.sense == "<=" else side,
                none if constraint.sense == ">=" else side,
            )
        )
    program = LinearProgram(
        c=flat(costs.matrix),
        A=stacked(rows),
        row_lower=np.concatenate([low for low, _ in limits]) if limits else -np.inf,
        row_upper=np.concatenate([high for _, high in limits]) if limits else np.inf,
        **bounds,
    )
    chosen = "pdhg" if method == "pc" else method
    limit: dict[str, Any] = {} if max_iter is None else {"max_iter": max_iter}
    limit["device"] = "cpu" if device is None else available_device(device)
    result: Any = solve_lp(program, chosen, **limit)
    if result.status.name == "UNBOUNDED" and not np.isfinite(program.lower).any():
        bounded: Any = solve_lp(
            replace(program, lower=np.zeros_like(program.lower)), chosen, **limit
        )
        if bounded.status.name == "OPTIMAL":
            result = bounded
            warnings.warn(
                "This linear program falls without end where x may be negative, so x >= 0 is taken "
                "for one of its conditions: write it among the constraints, or others that hold x.",
                stacklevel=3,
            )
    tensor = torch.as_tensor(result.x)
    variable.value = tensor
    return solution(tensor, result, _Again(costs, constraints, chosen, device))


class _Again:
    """The same linear program once more."""

    def __init__(self, *given: Any) -> None:
        self._given = given

    def solve(self, x0: Any = None, **options: Any) -> Any:
        """Solved anew."""
        return solve_linear(*self._given, **options)


def _side(constraint: Constraint) -> np.ndarray:
    bound: Any = constraint.bound
    if hasattr(bound, "todense"):
        bound = np.asarray(bound.todense())
    if isinstance(bound, Constant):
        bound = bound.required()
    return flat(bound)
