"""Plug-and-play by gradient steps for a model: the step, noise levels, and what the plan says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dprox_core.algorithms.parts import Parts
from dprox_core.algorithms.plug_and_play import REACH, Course
from dprox_core.algorithms.plug_and_play_gradient import Metric, PlugAndPlayGradient
from dprox_core.compiler.assign import assign, plan_terms
from dprox_core.compiler.build_gradient import chosen_step
from dprox_core.compiler.build_plug_and_play import (
    beside,
    course_of,
    noise_of,
    smooth_start,
    solver_of,
)
from dprox_core.compiler.plan import Plan, PlanTerm
from dprox_core.compiler.plan_plug_and_play import feature_bytes
from dprox_core.compiler.predicted import plug_and_play_memory
from dprox_core.compiler.shared import Request, rounded_above
from dprox_core.compiler.split import Split
from dprox_core.errors import ParameterError
from dprox_core.linsolve.smooth import SmoothPart
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step
from dprox_core.proxfns.deep import DeepPrior

__all__ = ["build_plug_and_play_gradient"]


def build_plug_and_play_gradient(request: Request, method: str) -> tuple[PlugAndPlayGradient, Plan]:
    """Proximal gradient or FISTA with a denoiser for the prox.

    Raises:
        CompileError: a term that is neither smooth nor alone on its variable.
        ParameterError: an option that does not go with a denoiser.
    """
    if request.options.get("backtracking"):
        raise ParameterError(
            "With a deep prior the step and the noise level belong together, and backtracking "
            "would change the one at every step: leave it out.",
            expected=False,
            got=True,
            where="backtracking",
        )
    parts = assign(request.model, method, gradients=True, blocks=False)
    noise, measured = noise_of(request.model)
    course = _course(request, noise, method)
    squares = tuple(t for t in parts.smooth.terms if t.function.quadratic() is not None)
    step: Step | None = None
    chosen: dict[str, Any] = {"parameters": {}, "automatic": ()}
    metric, assignment = None, None
    if squares and request.options.get("step") is None:
        metric, assignment = _metric(request, parts)
        chosen = _steps(metric, course)
    else:
        step, chosen = chosen_step(request, parts)
    algorithm = PlugAndPlayGradient(
        method,
        parts,
        smooth_start(request.model, squares, course, request.differentiate),
        course,
        request.tolerances,
        step,
        metric,
    )
    levels = _ends(request, course, step)
    parameters = {
        "noise": noise,
        "first_sigma": levels[0],
        "last_sigma": levels[1],
        **chosen["parameters"],
    }
    automatic = tuple(chosen["automatic"]) + ("noise",) * measured
    if course.automatic:
        automatic += ("first_sigma", "last_sigma")
    if course.steps is not None:
        parameters["steps"] = float(course.steps)
        automatic += ("steps",) * (request.options.get("steps") is None)
    plan = request.plan(
        method=method,
        terms=_roles(parts, set() if metric is None else {t.text for t in squares}),
        linear_solver=None if assignment is None else assignment.kind,
        reason="" if assignment is None else assignment.reason,
        parameters=parameters,
        automatic=automatic,
        memory_bytes=plug_and_play_memory(
            request.model, method, (), max(feature_bytes(t) for t in request.model.terms)
        ),
        guarantees=(_guarantee(course),),
        noted=_warnings(parts, step, metric, course),
    )
    return algorithm, plan


def _metric(request: Request, parts: Parts) -> tuple[Metric, Split]:
    """The metric of the squares, and how they are solved for."""
    others = tuple(t for t in parts.smooth.terms if t.function.quadratic() is None)
    assignment = beside(request.model, others)
    solver = solver_of(assignment.kind, assignment.part, request.differentiate, 50)
    rest = SmoothPart(request.model.spaces, others)
    lipschitz = rounded_above(rest.lipschitz()) if others else 0.0
    return Metric(solver, rest, lipschitz), assignment


def _steps(metric: Metric, course: Course) -> dict[str, Any]:
    """The first and last strength of a course in the metric of the squares, for the plan."""
    count = course.steps or 1
    first, last = (
        reductions.number(metric.strength(course.rho(course.level(k, count), k)))
        for k in (0, count - 1)
    )
    parameters = {"step": 1.0 / first, "last_step": 1.0 / last}
    if metric.others.terms:
        parameters["lipschitz"] = metric.lipschitz
    return {"parameters": parameters, "automatic": tuple(parameters)}


def _roles(parts: Parts, solved: set[str]) -> tuple[PlanTerm, ...]:
    """Where every term went."""
    priors = {
        term.text
        for chain in parts.proxes
        for term in chain
        if isinstance(term.function, DeepPrior)
    }
    return tuple(
        replace(term, role="denoiser")
        if term.text in priors
        else replace(term, role="linear solve")
        if term.text in solved
        else term
        for term in plan_terms(parts)
    )


def _course(request: Request, noise: float, method: str) -> Course:
    """A course as for ADMM; with a step that was given, the level that belongs to it."""
    options = request.options
    course = course_of(request, noise, method)
    if options.get("step") is None or not course.automatic or options.get("steps") is not None:
        return course
    return replace(course, level=lambda _, __: None, steps=None, elastic=False, automatic=False)


def _ends(request: Request, course: Course, step: Step | None) -> tuple[float, float]:
    """The first level and the last."""
    prior = next(t for t in request.model.terms if isinstance(t.function, DeepPrior))
    assert isinstance(prior.function, DeepPrior)
    count = course.steps or 1
    levels = [course.level(k, count) for k in (0, count - 1)]
    if step is not None:
        own = prior.function.level_of(step * prior.penalty.weight)
        levels = [own if level is None else level for level in levels]
    first, last = (reductions.number(level) for level in levels if level is not None)
    return first, last


def _warnings(
    parts: Parts, step: Step | None, metric: Metric | None, course: Course
) -> tuple[str, ...]:
    """That steps are shorter than the first levels stand for, where terms that are no squares are
    taken by their gradients."""
    others = [t for t in parts.smooth.terms if t.function.quadratic() is None]
    if not others or not course.automatic:
        return ()
    longest = step if metric is None else 1.0 / metric.lipschitz
    wanted = 1.0 / reductions.number(course.rho(course.level(0, course.steps or 1), 0))
    if longest is None or wanted <= 2.0 * reductions.number(longest):
        return ()
    return (
        f"Gradient steps for {' and '.join(t.text for t in others)} are at most "
        f"{reductions.number(longest):.3g} long, where the first noise level stands for one of "
        f'{wanted:.3g}: after strong blur much is left of it. Method "admm" takes a prox instead.',
    )


def _guarantee(course: Course) -> str:
    if course.steps is None:
        return (
            "With a noise level that stays, iterates converge where the denoiser stretches no "
            "distance and the smooth terms are strongly convex (Ryu et al. 2019)."
        )
    return (
        f"Ends after {course.steps} steps, or fewer if fewer are allowed: noise levels fall. No "
        f"denoising changes an image by more than {REACH:g} noise levels."
    )
