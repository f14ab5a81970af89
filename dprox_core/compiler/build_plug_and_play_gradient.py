"""Plug-and-play by gradient steps for a model: the step, noise levels, and what the plan says."""

from __future__ import annotations

from dataclasses import replace

from dprox_core.algorithms.plug_and_play import REACH, Course
from dprox_core.algorithms.plug_and_play_gradient import PlugAndPlayGradient
from dprox_core.compiler.assign import assign, plan_terms
from dprox_core.compiler.build_gradient import chosen_step
from dprox_core.compiler.build_plug_and_play import course_of, noise_of, smooth_start
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.plan_plug_and_play import feature_bytes
from dprox_core.compiler.shared import Request, held_bytes
from dprox_core.errors import ParameterError
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
    step, chosen = chosen_step(request, parts)
    noise, measured = noise_of(request.model)
    course = _course(request, noise, method)
    squares = tuple(t for t in parts.smooth.terms if t.function.quadratic() is not None)
    algorithm = PlugAndPlayGradient(
        method,
        parts,
        smooth_start(request.model, squares, course, request.differentiate),
        course,
        request.tolerances,
        step,
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
    unknowns = sum(space.nbytes for space in request.model.spaces)
    terms = tuple(
        replace(term, role="denoiser") if term.text in _prior_texts(request) else term
        for term in plan_terms(parts)
    )
    plan = request.plan(
        method=method,
        terms=terms,
        linear_solver=None,
        reason="",
        parameters=parameters,
        automatic=automatic,
        memory_bytes=9 * unknowns
        + held_bytes(request.model)
        + max((feature_bytes(t) for t in request.model.terms), default=0),
        guarantees=(_guarantee(course),),
    )
    return algorithm, plan


def _prior_texts(request: Request) -> set[str]:
    return {t.text for t in request.model.terms if isinstance(t.function, DeepPrior)}


def _course(request: Request, noise: float, method: str) -> Course:
    """A course as for ADMM; with a step that was given, the level that belongs to it."""
    options = request.options
    course = course_of(request, noise, method)
    if options.get("step") is None or not course.automatic or options.get("steps") is not None:
        return course
    return replace(course, level=lambda _, __: None, steps=None, elastic=False, automatic=False)


def _ends(request: Request, course: Course, step: Step) -> tuple[float, float]:
    """The first level and the last."""
    prior = next(t for t in request.model.terms if isinstance(t.function, DeepPrior))
    assert isinstance(prior.function, DeepPrior)
    own = prior.function.level_of(step * prior.penalty.weight)
    count = course.steps or 1
    levels = (course.level(0, count), course.level(count - 1, count))
    first, last = (reductions.number(own if level is None else level) for level in levels)
    return first, last


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
