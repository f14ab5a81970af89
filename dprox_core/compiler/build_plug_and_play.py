"""Plug-and-play for a model: noise levels, ρ, the start, and what the plan says about them."""

from __future__ import annotations

import math

import torch

from dprox_core.algorithms.plug_and_play import Course, PlugAndPlay, Start
from dprox_core.compiler.model import BoundTerm, Model, Penalty, Row
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.plan_plug_and_play import plan_of
from dprox_core.compiler.shared import Request, nearest_eighth, positives
from dprox_core.compiler.split import choose_kind, split
from dprox_core.errors import ParameterError
from dprox_core.linops.algebra import Composition
from dprox_core.linops.gradient import Grad
from dprox_core.linsolve.base import LinearSolver, QuadraticPart
from dprox_core.linsolve.cg import ConjugateGradientSolver
from dprox_core.linsolve.separable import SeparableSolver
from dprox_core.numerics import reductions
from dprox_core.priors.noise import FALLBACK, estimate_noise
from dprox_core.priors.schedule import BALANCE, FINISH, LEAST_NOISE, START, STEPS
from dprox_core.proxfns.base import Step
from dprox_core.proxfns.deep import DeepPrior, UnrolledPrior
from dprox_core.proxfns.losses import SumSquares

__all__ = ["build_plug_and_play", "course_of", "has_prior", "noise_of", "smooth_start"]

Vectors = tuple[torch.Tensor, ...]

# How much smoothness counts in the start; small beside the data, enough to bridge gaps.
_SMOOTH = 0.02


def has_prior(model: Model) -> bool:
    """Whether a term is a denoiser in the place of a penalty."""
    return any(isinstance(term.function, DeepPrior) for term in model.terms)


def build_plug_and_play(request: Request, method: str) -> tuple[PlugAndPlay, Plan]:
    """HQS or ADMM with a course of noise levels."""
    model = request.model
    assignment = split(model)
    if assignment.moved:
        # A system by iteration costs little beside a denoiser, and fits the data exactly.
        assignment = split(model, "cg")
    solver = _solver(assignment.kind, assignment.part, request.differentiate, 50)
    noise, measured = noise_of(model)
    course = course_of(request, noise, method)
    algorithm = PlugAndPlay(
        model,
        assignment.blocks,
        solver,
        smooth_start(model, assignment.part.terms, course, request.differentiate),
        course,
        request.tolerances,
        duals=method == "admm",
    )
    return algorithm, plan_of(request, method, assignment, course, noise, measured)


def _solver(
    kind: str, part: QuadraticPart, differentiate: bool, max_iter: int, reduction: float = 1e-3
) -> LinearSolver:
    if kind == "cg":
        limit = None if differentiate else max_iter
        return ConjugateGradientSolver(part, differentiate, max_iter=limit, reduction=reduction)
    return SeparableSolver(part)


def noise_of(model: Model) -> tuple[float, bool]:
    """The noise level of the data, and whether it was measured rather than given.

    Several data terms weigh in with the number of their values and their weight.
    """
    given = [
        term.function.sigma
        for term in model.terms
        if isinstance(term.function, DeepPrior) and term.function.sigma is not None
    ]
    if given:
        return max(LEAST_NOISE, min(given)), False
    total, weight = 0.0, 0.0
    for term in model.terms:
        offset = term.penalty.offset
        if not term.function.is_sum_squares or offset is None:
            continue
        level = estimate_noise(offset.detach(), _seen(term))
        if level is not None and math.isfinite(level):
            share = offset.numel() * reductions.number(term.penalty.weight)
            total, weight = total + share * level**2, weight + share
    if weight == 0.0:
        return FALLBACK, True
    return max(LEAST_NOISE, nearest_eighth(math.sqrt(total / weight))), True


def _seen(term: BoundTerm) -> torch.Tensor | None:
    """Nonzero where the data of a term was measured, None for everywhere."""
    if term.row.single is None:
        return None
    operator = term.row.single[1]
    outer = operator.outer if isinstance(operator, Composition) else operator
    diagonal = outer.diagonal()
    return None if diagonal is None or diagonal.ndim < 2 else diagonal.detach()


def course_of(request: Request, noise: float, method: str) -> Course:
    """σ and ρ of each iteration."""
    priors = [term for term in request.model.terms if isinstance(term.function, DeepPrior)]
    weight = priors[0].penalty.weight
    for term in priors[1:]:
        weight = weight + term.penalty.weight
    rho, sigmas, steps = (request.options.get(name) for name in ("rho", "sigmas", "steps"))
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise ParameterError(
            f"steps must be a whole number from 1, not {steps!r}.",
            expected="a whole number from 1",
            got=steps,
            where="steps",
        )
    rhos = None if rho is None else positives("rho", rho)
    levels = None if sigmas is None else positives("sigmas", sigmas)
    unit = 2.0 * BALANCE[method] * noise**2 * weight

    def balanced(level: Step | None, iteration: int) -> Step:
        assert level is not None
        return unit / (level * level)

    def given(level: Step | None, iteration: int) -> Step:
        assert rhos is not None
        return rhos[min(iteration, len(rhos) - 1)]

    def listed(iteration: int, count: int) -> Step:
        assert levels is not None
        return levels[min(iteration, len(levels) - 1)]

    def implied(iteration: int, count: int) -> None:
        return None

    if levels is not None:
        length = steps if steps is not None else len(levels)
        return Course(listed, balanced if rhos is None else given, length)
    if rhos is not None:
        endless = len(rhos) == 1 and steps is None
        return Course(implied, given, None if endless else steps or len(rhos))
    last = FINISH[method] * _last_level(request.model, noise)
    first = max(START, last)

    def descending(iteration: int, count: int) -> Step:
        if count == 1 or iteration >= count:
            return last
        return first * (last / first) ** (iteration / (count - 1))

    unrolled = max(
        (len(t.function.prior.steps) for t in priors if isinstance(t.function, UnrolledPrior)),
        default=STEPS,
    )
    return Course(descending, balanced, steps or unrolled, elastic=steps is None, automatic=True)


def _last_level(model: Model, noise: float) -> float:
    """The data's noise level as it shows in the unknown."""
    gains = [term.row.norm_bound() for term in model.terms if term.function.is_sum_squares]
    gain = nearest_eighth(max(gains, default=1.0))
    return noise / gain if gain > 0.0 else noise


def smooth_start(
    model: Model, squares: tuple[BoundTerm, ...], course: Course, differentiate: bool
) -> Start:
    """argmin of the squares plus a little ‖∇x‖²: the data with its gaps smoothly filled.

    A start that was given joins in with the ρ of the first step.
    """
    rows = tuple(
        Row(((index, Grad(space)),))
        for index, space in enumerate(model.spaces)
        if len(space.shape) >= 2
    )

    def start(given: Vectors | None) -> Vectors:
        zeros = tuple(space.zeros() for space in model.spaces)
        if not squares or not rows:
            return zeros if given is None else given
        terms = squares
        if given is not None:
            rho = course.rho(course.level(0, course.steps or 1), 0)
            terms += tuple(_near(model, index, x0, rho) for index, x0 in enumerate(given))
        part = QuadraticPart(model.spaces, terms, rows)
        solver = _solver(choose_kind(part)[0], part, differentiate, 60, 1e-2)
        return solver.solve([torch.zeros_like(v) for v in zeros], _SMOOTH, given or zeros)

    return start


def _near(model: Model, index: int, x0: torch.Tensor, rho: Step) -> BoundTerm:
    """(ρ/2) ‖x − x₀‖² for one variable."""
    function = SumSquares(model.spaces[index])
    penalty = Penalty(function, 0.5 * rho, None, -x0)
    return BoundTerm(penalty, model.identity_row(index), "", model.variables[index].name)
