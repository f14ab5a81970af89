"""From an objective to a solver: bind numbers, run the passes, hand over to the method."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from dprox_core.algorithms.accelerated import Accelerated
from dprox_core.algorithms.base import Tolerances
from dprox_core.algorithms.scheduled import SCHEDULED, Scheduled
from dprox_core.arguments import is_traced
from dprox_core.compiler.canonicalize import canonicalize
from dprox_core.compiler.model import Model
from dprox_core.compiler.named import marked
from dprox_core.compiler.passes import PASSES
from dprox_core.compiler.passes.base import Pass
from dprox_core.compiler.plan import PassRecord
from dprox_core.compiler.shared import Request, schedule
from dprox_core.errors import CompileError, DataError, ParameterError, nearest
from dprox_core.expressions.binding import Binding
from dprox_core.numerics.reductions import number
from dprox_core.proxfns.base import Objective, Step
from dprox_core.solver import Solver

__all__ = ["ABS_TOL", "REL_TOL", "builder_of", "compile_problem"]

# A tenth of a grey level of an 8-bit image is 4e-4.
ABS_TOL = 3e-4
REL_TOL = 1e-3


def compile_problem(
    objective: Objective,
    method: str,
    device: str | torch.device | None,
    abs_tol: float,
    rel_tol: float,
    extra: tuple[torch.Tensor, ...],
    options: Mapping[str, Any],
    precision: torch.dtype | None = None,
) -> Solver:
    """The solver of an objective.

    Args:
        objective: constraints included as indicators.
        method: the name of the algorithm.
        device: where to run; None follows the data.
        abs_tol: absolute tolerance of the residuals, per element.
        rel_tol: relative tolerance.
        extra: tensors with a say in device and precision.
        options: the method's own options.
        precision: the real working precision; None takes that of the variables, or of the data.

    Raises:
        ParameterError: unknown method or option, or a tolerance below 0.
        CompileError: the method does not accept the problem.
    """
    options = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in options.items()}
    switched = _switched_off(options.pop("passes", None))
    memory = _anderson(options.pop("anderson", None))
    builder = builder_of(method, options)
    _refuse_other_methods(objective, method)
    for name, tolerance in (("abs_tol", abs_tol), ("rel_tol", rel_tol)):
        is_number = isinstance(tolerance, (int, float, np.number))
        if not (is_number and math.isfinite(tolerance) and tolerance >= 0):
            raise ParameterError(
                f"{name} must be a number from 0, not {tolerance!r}.",
                expected="a number from 0",
                got=tolerance,
                where=name,
            )
    expressions = [e for term in objective.terms for e in term.expressions()]
    binding = Binding(expressions, device, extra, precision)
    given = [value for value in options.values() if isinstance(value, torch.Tensor)]
    if binding.is_traced or any(map(is_traced, given)):
        raise DataError(
            "A solve looks at its numbers, which torch.func (grad, vmap, jvp) and forward-mode "
            "differentiation do not allow: take gradients with torch.autograd, as in "
            "loss.backward(), and several samples as one batch.",
            expected="plain tensors",
            got="traced tensors",
            where=method,
        )
    # Beside an unknown without axes a number in double precision would make all of it double.
    options |= {k: binding.cast(v) for k, v in options.items() if isinstance(v, torch.Tensor)}
    differentiate = torch.is_grad_enabled() and (
        binding.requires_grad
        or any(t.requires_grad for t in extra)
        or any(term.function.parameters(term.options) for term in objective.terms)
        or any(_wants_gradient(value) for value in options.values())
    )
    with torch.set_grad_enabled(differentiate):
        written = canonicalize(objective, binding)
        _refuse_never_met(objective, written)
        model, records = _run_passes(marked(written, options.get("split")), switched)
        if not model.terms:
            raise CompileError(
                f"Every term of {objective.describe()} has weight 0: there is nothing to minimize.",
                expected="a weight above 0",
                got=objective.describe(),
                where=objective.describe(),
            )
        name, course = _course(objective, method, options)
        if course is not None:
            options[name] = max(course, key=number)  # steps that are too long are refused
        tolerances = Tolerances(abs_tol, rel_tol)
        algorithm, plan = builder(
            Request(model, records, objective.describe(), tolerances, differentiate, dict(options))
        )
        if course is not None:
            algorithm = Scheduled(algorithm, course)
            ends = {name: number(course[0]), f"last {name}": number(course[-1])}
            plan = replace(plan, parameters={**plan.parameters, **ends})
    if memory:
        _refuse_course(objective, memory)
        if differentiate:
            raise ParameterError(
                "Anderson acceleration takes no gradients: leave anderson out, or specialize.",
                expected=None,
                got=memory,
                where="anderson",
            )
        algorithm = Accelerated(algorithm, memory)
        plan = replace(
            plan,
            parameters={**plan.parameters, "anderson": float(memory)},
            # Points and images, each the iterate and what is split off.
            memory_bytes=plan.memory_bytes * (2 + memory) // 2,
        )
    fixed = abs_tol == 0.0 and rel_tol == 0.0
    if memory or differentiate or fixed or course is not None or not written.convex:
        plan = replace(plan, extrapolation_bytes=0)
    return Solver(written, algorithm, plan, differentiate)


def _wants_gradient(value: object) -> bool:
    """Whether an option is a tensor that wants a gradient, or a list with one."""
    if isinstance(value, (list, tuple)):
        return any(_wants_gradient(held) for held in value)
    return isinstance(value, torch.Tensor) and value.requires_grad


def _course(
    objective: Objective, method: str, options: Mapping[str, Any]
) -> tuple[str, tuple[Step, ...] | None]:
    """The parameter that was given for each iteration, and its values; None where none was.

    hqs and plug-and-play follow a list by themselves.
    """
    name = SCHEDULED.get(method, "")
    if not name or any(term.function.methods is not None for term in objective.terms):
        return name, None
    return name, schedule(name, options.get(name))


def _refuse_never_met(objective: Objective, written: Model) -> None:
    """Refuse what is infinite and depends on no variable."""
    if math.isfinite(number(written.constant)):
        return
    fixed = [term.describe() for term in objective.terms if not term.expression.variables]
    raise CompileError(
        f"{' + '.join(fixed)} is infinite and depends on no variable, so that no value of any "
        "meets it: look at the data in it.",
        expected="a finite value",
        got="infinity",
        where=" + ".join(fixed),
    )


def _refuse_course(objective: Objective, memory: int) -> None:
    for term in objective.terms:
        if term.function.methods is not None:
            raise ParameterError(
                f"Anderson acceleration needs the same step every time, and {term.describe()} "
                "changes from step to step: leave anderson out.",
                expected=None,
                got=memory,
                where="anderson",
            )


def _switched_off(passes: object) -> frozenset[str]:
    """The passes that ``passes={"absorb": False}`` leaves out."""
    if passes is None:
        return frozenset()
    known = [rewriting.name for rewriting in PASSES]
    if not isinstance(passes, Mapping) or any(
        name not in known or not isinstance(on, bool) for name, on in passes.items()
    ):
        raise ParameterError(
            f"passes is a mapping from the names {', '.join(known)} to True or False, not "
            f"{passes!r}.",
            expected=known,
            got=passes,
            where="passes",
        )
    return frozenset(name for name, on in passes.items() if not on)


def _anderson(memory: object) -> int:
    if memory is None:
        return 0
    if isinstance(memory, bool) or not isinstance(memory, int) or memory < 0:
        raise ParameterError(
            f"anderson is the number of points to extrapolate from, such as 5, not {memory!r}.",
            expected="a whole number from 0",
            got=memory,
            where="anderson",
        )
    return memory


def _refuse_other_methods(objective: Objective, method: str) -> None:
    from dprox_core.compiler.methods import ALIASES

    for term in objective.terms:
        methods = term.function.methods
        if methods is not None and ALIASES.get(method, method) not in methods:
            known = " or ".join(f'"{name}"' for name in methods)
            raise CompileError(
                f"{method} cannot take {term.describe()}: use method {known}.",
                expected=known,
                got=method,
                where=term.describe(),
            )


def _run_passes(model: Model, switched_off: frozenset[str]) -> tuple[Model, tuple[PassRecord, ...]]:
    records = []
    for rewriting in PASSES:
        if rewriting.name in switched_off or not rewriting.accepts(model):
            continue
        before = tuple(term.text for term in model.terms)
        model = _rewritten(model, rewriting)
        records.append(PassRecord(rewriting.name, rewriting.title, before, rewriting.shown(model)))
    return model, tuple(records)


def _rewritten(model: Model, rewriting: Pass) -> Model:
    """The model after a pass, which joins nothing that is to be split off with what is not."""
    groups = [tuple(t for t in model.terms if t.apart is apart) for apart in (False, True)]
    if not all(groups):
        whole, _ = rewriting.apply(model)
        apart = bool(groups[1])
        return whole.with_terms(tuple(replace(term, apart=apart) for term in whole.terms))
    parts = []
    for terms, apart in zip(groups, (False, True), strict=True):
        part = model.with_terms(terms)
        if rewriting.accepts(part):
            part, _ = rewriting.apply(part)
        parts.append(tuple(replace(term, apart=apart) for term in part.terms))
        model = replace(model, constant=part.constant, notes=part.notes)
    return model.with_terms(parts[0] + parts[1])


# What compile takes for every method, and what solve does.
_COMPILED = ("abs_tol", "rel_tol", "device", "passes", "anderson")
_EVERYWHERE = ("x0", "max_iter", "truth", *_COMPILED)


def builder_of(method: str, options: Collection[str]) -> Any:
    """What builds a method's solver, if it has all these options.

    Raises:
        ParameterError: there is no such method, or it has no such option; names what is nearest.
    """
    from dprox_core.compiler.methods import ALIASES, METHODS

    method = ALIASES.get(method, method)
    if method not in METHODS:
        raise ParameterError(
            f'There is no method "{method}": '
            + nearest(str(method), METHODS, f"choose one of {', '.join(METHODS)}."),
            expected=list(METHODS),
            got=method,
            where="method",
        )
    known, builder = METHODS[method]
    for name in options:
        if name not in (*known, *_COMPILED):
            hint = nearest(name, (*known, *_EVERYWHERE), f"it has {', '.join(known)}.")
            raise ParameterError(
                f'{method} has no option "{name}": {hint}',
                expected=list(known),
                got=name,
                where=name,
            )
    return builder
