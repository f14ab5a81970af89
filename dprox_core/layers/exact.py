"""Solvers in which a fixed point can be found, and differentiated, with digits to spare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from dprox_core.compiler.compile import ABS_TOL, REL_TOL, compile_problem
from dprox_core.errors import CompileError
from dprox_core.expressions.algebra import Apply
from dprox_core.linops.custom import BlackBox
from dprox_core.linsolve.separable import KINDS
from dprox_core.problem import Problem
from dprox_core.solver import Solver

__all__ = ["compiled", "lent", "may_be_double"]

# Methods that turn slowly around the solution, or for which no system on a face is known.
_SLOW = ("admm_vxu", "dr", "fista", "ladmm", "pd3o", "pdhg", "pgd")


def may_be_double(problem: Problem, solver: Solver) -> bool:
    """Whether a solver in single precision has a twin in double.

    Networks and operators of the user's own compute in the precision they were made for.
    """
    space = solver.model.spaces[0]
    return (
        space.precision is torch.float32
        and space.device.type != "mps"
        and all(term.function.has_value for term in problem.whole.terms)
        and not any(
            isinstance(node, Apply) and node.operator is BlackBox
            for term in problem.whole.terms
            for expression in term.expressions()
            for node in expression.walk()
        )
    )


def compiled(
    problem: Problem,
    method: str,
    options: Mapping[str, Any],
    start: tuple[torch.Tensor, ...] = (),
    precision: torch.dtype | None = None,
) -> Solver:
    """The problem compiled, in a precision; data in another one stays attached to it.

    Args:
        problem: the problem.
        method: the algorithm.
        options: its options, tolerances and device.
        start: tensors to start from, which may want gradients too.
        precision: float32 or float64; None as the data has it.
    """
    rest = {"abs_tol": ABS_TOL, "rel_tol": REL_TOL, "device": None, **options}
    limits = rest.pop("abs_tol"), rest.pop("rel_tol")
    device = rest.pop("device")
    return compile_problem(problem.whole, method, device, *limits, start, rest, precision)


def lent(problem: Problem, solver: Solver, options: Mapping[str, Any]) -> Solver | None:
    """ADMM with closed-form solves in place of a method without; None where that cannot be.

    A convex problem's minimizer is the same, and so is its derivative.
    """
    # Short dual steps of half-quadratic splitting, too.
    slow = solver.plan.method in _SLOW or solver.plan.parameters.get("dual_step", 0.0) > 0.0
    if not slow or not all(
        term.function.convex and term.function.has_value for term in solver.model.terms
    ):
        return None
    kept = {name: options[name] for name in ("abs_tol", "rel_tol", "device") if name in options}
    try:
        found = compiled(problem, "admm", kept, precision=solver.model.spaces[0].precision)
    except CompileError:
        return None
    return found if found.plan.linear_solver in KINDS else None
