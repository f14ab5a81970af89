"""FISTA for a model: which terms are smooth, which have a prox in the variable, and the step."""

from __future__ import annotations

import torch

from dprox_core.algorithms.fista import Fista
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.shared import Request, plan_term, positive, rounded_below
from dprox_core.errors import CompileError, ParameterError
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.linsolve.gradient import QuadraticGradient
from dprox_core.numerics import reductions
from dprox_core.proxfns.indicators import Box

__all__ = ["build_fista"]


def build_fista(request: Request) -> tuple[Fista, Plan]:
    """FISTA for a model of smooth terms and, per variable, one penalty with a prox.

    Raises:
        CompileError: another kind of term; the sentence names it and says what to do.
    """
    model, options = request.model, request.options
    smooth = tuple(term for term in model.terms if term.function.is_sum_squares)
    rough = [term for term in model.terms if not term.function.is_sum_squares]
    proxes = tuple(_proxes(model, rough, index) for index in range(len(model.spaces)))
    part = QuadraticPart(model.spaces, smooth, ())
    gradient = QuadraticGradient(part)
    lipschitz = gradient.lipschitz()
    step = options.get("step")
    automatic = step is None
    if step is None:
        step = rounded_below(1.0 / lipschitz) if lipschitz > 0.0 else 1.0
    positive("step", step)
    if isinstance(step, torch.Tensor) and not step.requires_grad:
        step = float(step)
    restart = options.get("restart", True)
    if not isinstance(restart, bool):
        raise ParameterError(
            f"restart is True or False, not {restart!r}.",
            expected="True or False",
            got=restart,
            where="restart",
        )
    algorithm = Fista(model, gradient, proxes, request.tolerances, step, restart)
    terms = [plan_term(term, "gradient step") for term in smooth]
    terms += [plan_term(term, "prox") for chain in proxes for term in chain]
    plan = request.plan(
        method="fista",
        terms=tuple(terms),
        linear_solver=None,
        reason="",
        parameters={"step": reductions.number(step), "lipschitz": lipschitz},
        automatic=("step",) * automatic + ("lipschitz",),
        memory_bytes=_memory(model),
    )
    return algorithm, plan


def _proxes(model: Model, rough: list[BoundTerm], index: int) -> tuple[BoundTerm, ...]:
    """The chain of proxes for one variable, refused where none exists."""
    mine = []
    for term in rough:
        if not any(i == index for i, _ in term.row.entries):
            continue
        if not term.row.is_identity:
            raise CompileError(
                f"fista cannot take {term.text}: it needs the proximal operator in "
                f"{model.variables[index].name} itself, and {term.argument} stands in between. "
                'Use method "admm", which splits it off.',
                expected=f"a penalty on {model.variables[index].name}",
                got=term.text,
                where=term.argument,
            )
        mine.append(term)
    if len(mine) <= 1:
        return tuple(mine)
    bounds = [term for term in mine if isinstance(term.function, Box)]
    others = [term for term in mine if not isinstance(term.function, Box)]
    joinable = len(bounds) == 1 and len(others) == 1 and others[0].function.separable
    plain = all(term.penalty.scale is None and term.penalty.offset is None for term in bounds)
    if joinable and plain and others[0].function.convex:
        # In one dimension the minimizer over an interval is the free minimizer moved into it.
        return (others[0], bounds[0])
    texts = " and ".join(term.text for term in mine)
    raise CompileError(
        f"fista takes one penalty on {model.variables[index].name} besides smooth terms, and "
        f'there are {len(mine)}: {texts}. Use method "admm", which splits them off.',
        expected="one penalty",
        got=texts,
        where=mine[1].text,
    )


def _memory(model: Model) -> int:
    unknowns = sum(space.nbytes for space in model.spaces)
    held = sum(t.nbytes for term in model.terms for t in term.row.tensors())
    held += sum(t.penalty.offset.nbytes for t in model.terms if t.penalty.offset is not None)
    # x, y, their successors, the gradient, its constant part, a spectrum, the last good answer.
    return 9 * unknowns + held
