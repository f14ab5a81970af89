"""A problem of the published reference, with shapes and data known, as one of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import dprox_core
from dprox_core.compat.algo.schedule import RHO, Schedule, read_schedules
from dprox_core.compat.arrays import as_data
from dprox_core.compat.constraints import Constraint
from dprox_core.compat.linop.leaves import Constant, Variable
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.compat.proxfn.deep import deep_prior
from dprox_core.compat.proxfn.functions import nonneg
from dprox_core.compat.scope import Scope, infer_shapes, precision_of
from dprox_core.errors import ParameterError

__all__ = ["Translated", "starts_of", "translate"]

Tensors = dict[Variable, torch.Tensor]
# The published reference does so many iterations, whatever happens.
ITERATIONS = 24


@dataclass(frozen=True)
class Translated:
    """One of our problems, and how it is to be solved.

    Attributes:
        problem: the problem.
        variables: which variable became which.
        options: for ``Problem.solve``.
        rho: ρ as given, for callbacks.
        lams: λ as given, by place.
    """

    problem: dprox_core.Problem
    variables: dict[Variable, dprox_core.Variable]
    options: dict[str, Any]
    rho: Schedule | None
    lams: dict[int, Schedule]


def starts_of(variables: Sequence[Variable], x0: Any) -> Tensors:
    """A start for each variable: a tensor for the only one, a list, or a mapping."""
    if x0 is None:
        return {}
    if isinstance(x0, Mapping):
        return {v: as_data(value, "x0") for v, value in x0.items()}
    if len(variables) == 1:
        if isinstance(x0, (list, tuple)) and len(x0) == 1:
            x0 = x0[0]
        return {variables[0]: as_data(x0, "x0")}
    if not isinstance(x0, (list, tuple)) or len(x0) != len(variables):
        raise ParameterError(
            f"This problem has {len(variables)} variables: give x0 as a list with a tensor for "
            "each.",
            expected=len(variables),
            got=type(x0).__name__,
            where="x0",
        )
    return {v: as_data(value, "x0") for v, value in zip(variables, x0, strict=True)}


def translate(
    functions: Sequence[ProxFn],
    constraints: Sequence[Constraint],
    method: str,
    x0: Any,
    rhos: Any,
    lams: Any,
    max_iter: int | None,
    settings: Mapping[str, Any],
    equilibrium: bool = False,
) -> Translated:
    """Put shapes, data and schedules in.

    Args:
        functions: the terms.
        constraints: the conditions.
        method: a method of ours.
        x0: the start.
        rhos: ρ as given.
        lams: λ as given.
        max_iter: as given.
        settings: further options.
        equilibrium: whether the iteration must be the same in every step, so that the level of a
            prior is written as its weight: σ = √(w/ρ).
    """
    ends = [function.linop for function in functions] + [c.expression for c in constraints]
    variables = list({v: None for end in ends for v in end.variables})
    given = starts_of(variables, x0)
    known = [function.inside() for function in functions] + [None] * len(constraints)
    shapes = infer_shapes(
        zip(ends, known, strict=True), {v: tuple(t.shape) for v, t in given.items()}
    )
    rho, steps = read_schedules(functions, rhos, lams)
    priors = [i for i, function in enumerate(functions) if function.is_prior]
    data = [
        node.required()
        for end in ends
        for node in end.walk()
        if isinstance(node, Constant) and node.value is not None
    ]
    data += [tensor for function in functions for tensor in function.measurements()]
    dtype = precision_of(list(given.values()) or data)
    if any(t.is_complex() for t in given.values()):
        if priors:
            # Denoisers take real pictures.
            given = {v: t.real if t.is_complex() else t for v, t in given.items()}
        else:
            dtype = dtype.to_complex()
    scope = Scope(shapes, dtype)
    weights = _weights(functions, method, rho, steps, equilibrium)
    terms = [f.written(scope, w) for f, w in zip(functions, weights, strict=True)]
    problem = dprox_core.Problem(
        sum(terms[1:], start=terms[0]), [c.written(scope) for c in constraints]
    )
    if equilibrium:
        course: dict[str, Any] = {} if rho is None and not steps else {"rho": 2.0 * _last(rho)}
    elif priors:
        course = _course(priors, functions, rho, steps, max_iter)
    else:
        course = _fixed(method, rho, steps, max_iter)
    course.update(settings)
    if given:
        course["x0"] = {scope.variables[v]: _cast(t, dtype) for v, t in given.items()}
    return Translated(problem, scope.variables, course, rho, steps)


def _cast(start: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    kept = start.is_complex() or start.dtype in (torch.float32, torch.float64)
    return start if kept else start.to(dtype)


def _weights(
    functions: Sequence[ProxFn],
    method: str,
    rho: Schedule | None,
    steps: Mapping[int, Schedule],
    equilibrium: bool,
) -> list[Any]:
    """The factor of each function: a prox of step λ beside ½‖·‖² and ρ weighs ρ λ.

    In proximal gradient descent ρ is the step, so that the prox weighs λ/ρ. The sums of squares
    count once as they are written, so that is twice as much here; conditions count whole. Where λ
    or ρ change from iteration to iteration, the last ones decide what is solved.
    """
    weights: list[Any] = []
    for place, function in enumerate(functions):
        whole = getattr(function, "is_square", False) or isinstance(function, nonneg)
        if whole or place not in steps or (function.is_prior and not equilibrium):
            weights.append(1.0)
            continue
        step = steps[place].at(10**9)
        if isinstance(function, deep_prior):
            step = function.level(step) ** 2
        penalty = _last(rho)
        weights.append(2.0 * (step / penalty if method == "pgd" else penalty * step))
    return weights


def _course(
    priors: Sequence[int],
    functions: Sequence[ProxFn],
    rho: Schedule | None,
    steps: Mapping[int, Schedule],
    max_iter: int | None,
) -> dict[str, Any]:
    """The options of a plug-and-play solve."""
    options: dict[str, Any] = {}
    listed = [place for place in priors if place in steps]
    if rho is not None:
        options["rho"] = rho.times(2.0)
    if listed:
        first = steps[listed[0]]
        for place in listed[1:]:
            if not np.array_equal(first.times(1.0), steps[place].times(1.0)):
                raise ParameterError(
                    "Two deep priors follow one course of noise levels: give both the same lams.",
                    expected="one course",
                    where="lams",
                )
        prior: Any = functions[listed[0]]
        options["sigmas"] = Schedule(prior.level(first.values), "lams").times(1.0)
        options["steps"] = max_iter or ITERATIONS
    if max_iter is not None:
        options["max_iter"] = max_iter
    return options


def _fixed(
    method: str, rho: Schedule | None, steps: Mapping[int, Schedule], max_iter: int | None
) -> dict[str, Any]:
    """The options of a convex solve: as many iterations as asked for, or until it has converged."""
    from dprox_core.compiler.methods import METHODS

    if rho is None and not steps:
        options: dict[str, Any] = {"abs_tol": 1e-6, "rel_tol": 1e-5}
        if max_iter is not None:
            options["max_iter"] = max_iter
        return options
    options = {"abs_tol": 0.0, "rel_tol": 0.0, "max_iter": max_iter or ITERATIONS}
    if "rho" in METHODS[method][0] and rho is not None:
        options["rho"] = 2.0 * _last(rho)
    return options


def _last(rho: Schedule | None) -> Any:
    return RHO if rho is None else rho.at(10**9)
