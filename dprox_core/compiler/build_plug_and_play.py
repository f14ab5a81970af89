"""Plug-and-play for a model: noise levels, ρ, the start, and what the plan says about them."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from dprox_core.algorithms.plug_and_play import Course, PlugAndPlay, Start
from dprox_core.algorithms.plug_and_play_kin import (
    Length,
    PlugAndPlayLinearized,
    PlugAndPlayReflected,
    PlugAndPlayVxu,
)
from dprox_core.arguments import whole_number
from dprox_core.compiler.build_admm import checked_linear_solver
from dprox_core.compiler.model import BoundTerm, Model, Penalty, Row
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.plan_plug_and_play import plan_of, rho_option
from dprox_core.compiler.shared import (
    Request,
    between,
    choice,
    nearest_eighth,
    positives,
    rounded_above,
)
from dprox_core.compiler.split import ITERATIVE, Split, choose_kind, split
from dprox_core.errors import ParameterError
from dprox_core.linops.algebra import Composition
from dprox_core.linops.gradient import Grad
from dprox_core.linsolve.base import LinearSolve, LinearSolver, QuadraticPart
from dprox_core.linsolve.cg import ConjugateGradientSolver
from dprox_core.linsolve.norms import Weighed, joint_norm
from dprox_core.linsolve.separable import closed_solver
from dprox_core.linsolve.smooth import SmoothPart
from dprox_core.numerics import reductions
from dprox_core.priors.noise import FALLBACK, estimate_noise
from dprox_core.priors.schedule import BALANCE, FINISH, LEAST_NOISE, START, STEPS
from dprox_core.proxfns.base import Step
from dprox_core.proxfns.deep import DeepPrior, UnrolledPrior
from dprox_core.proxfns.losses import SumSquares

__all__ = [
    "beside",
    "build_plug_and_play",
    "course_of",
    "has_prior",
    "noise_of",
    "smooth_start",
    "solver_of",
]

Vectors = tuple[torch.Tensor, ...]

# How much smoothness counts in the start; small beside the data, enough to bridge gaps.
_SMOOTH = 0.02

# The dual steps of terms beside a denoiser, as a share of its own: the longer they are, the shorter
# is the step in the unknown (best of 1, 1/2, 1/4 and 1/10 on deconvolution with bounds and TV).
_BESIDE = 0.5

# Methods that take smooth terms through their gradients.
_GRADIENTS = ("pd3o", "ladmm")


def has_prior(model: Model) -> bool:
    """Whether a term is a denoiser in the place of a penalty."""
    return any(isinstance(term.function, DeepPrior) for term in model.terms)


def build_plug_and_play(request: Request, method: str) -> tuple[PlugAndPlay, Plan]:
    """The methods that split off a denoiser, with a course of noise levels.

    Args:
        request: what is asked for.
        method: "admm", "hqs", "admm_vxu", "dr", "pdhg", "pd3o" or "ladmm".

    Raises:
        ParameterError: an option that does not go with a denoiser.
    """
    model, options = request.model, request.options
    linearized = method in ("pdhg", "pd3o", "ladmm")
    if linearized:
        _refuse_steps(request, method)
    smooth = tuple(term for term in model.terms if method in _GRADIENTS and _by_gradient(term))
    how = checked_linear_solver(options.get("linear_solver"))
    forced = how.kind if how is not None and how.forced else None
    assignment = beside(model, smooth) if linearized else split(model, forced)
    if assignment.moved:
        # A system by iteration costs little beside a denoiser, and fits the data exactly.
        assignment = split(model, "cg")
    if how is not None and assignment.kind in ITERATIVE:
        assignment = replace(assignment, kind=how.kind)
    solver = solver_of(assignment.kind, assignment.part, request.differentiate, 50, how=how)
    noise, measured = noise_of(model)
    course = course_of(request, noise, method)
    start = smooth_start(model, assignment.part.terms, course, request.differentiate)
    blocks, tolerances = assignment.blocks, request.tolerances
    changes = (method != "hqs", not request.differentiate)
    given = (model, blocks, solver, start, course, tolerances, *changes)
    plan = plan_of(request, method, assignment, course, noise, measured, smooth)
    relaxation = between("relaxation", options.get("relaxation", 1.0), 0.0, 2.0)
    if linearized:
        part = SmoothPart(model.spaces, smooth)
        variant = choice("variant", options.get("variant", "pd3o"), ("pd3o", "condat_vu"))
        shares = _shares(blocks)
        length = Length(
            variant if method == "pd3o" else method,
            _coupling(blocks, shares),
            rounded_above(part.lipschitz()),
        )
        return PlugAndPlayLinearized(
            *given, smooth=part, shares=shares, length=length, relaxation=relaxation
        ), plan
    if method == "dr":
        return PlugAndPlayReflected(*given, relaxation=relaxation), plan
    return (PlugAndPlayVxu if method == "admm_vxu" else PlugAndPlay)(*given), plan


def _refuse_steps(request: Request, method: str) -> None:
    """With a denoiser there is one step to choose, which its noise level belongs to."""
    for name in ("step", "adaptive", "preconditioned"):
        value = request.options.get(name)
        if value is not None and value is not False:
            instead = "rho" if method == "ladmm" else "weight"
            raise ParameterError(
                f"With a deep prior the dual step and the noise level belong together, and {name} "
                f"would change the one without the other: leave {name} out, or give {instead}.",
                expected=None,
                got=value,
                where=name,
            )


def _by_gradient(term: BoundTerm) -> bool:
    """Whether a term is smooth, and no square for the linear system."""
    return term.function.lipschitz is not None and term.function.quadratic() is None


def beside(model: Model, smooth: tuple[BoundTerm, ...]) -> Split:
    """All quadratics in one prox in the variables; gradients and duals for the rest."""
    squares = tuple(term for term in model.terms if term.function.quadratic() is not None)
    taken = {id(term) for term in (*squares, *smooth)}
    blocks = tuple(term for term in model.terms if id(term) not in taken)
    rows = tuple(model.identity_row(index) for index in range(len(model.spaces)))
    part = QuadraticPart(model.spaces, squares, rows)
    kind, obstacle = choose_kind(part)
    reason = (
        "Beside a denoiser a linear system costs little, so all squares go through their common "
        "prox, not one by one through duals or gradients, which would take many denoisings."
    )
    if obstacle:
        reason += f" It is solved by iteration ({obstacle})."
    return Split(part, blocks, kind, reason, ())


def _shares(blocks: tuple[BoundTerm, ...]) -> tuple[float, ...]:
    """s_j: 1 for denoisers, whose level is that of ρ, and at most _BESIDE / ‖K_j‖² for others."""
    norms = [block.row.tight_norm() ** 2 for block in blocks]
    return tuple(
        1.0
        if isinstance(block.function, DeepPrior)
        else _BESIDE / (1.0 if norm <= 1.0 else rounded_above(norm))
        for block, norm in zip(blocks, norms, strict=True)
    )


def _coupling(blocks: tuple[BoundTerm, ...], shares: tuple[float, ...]) -> float:
    """‖Σ_j s_j K_jᴴ K_j‖, rounded up where operators have a say in it."""
    norm = joint_norm([Weighed(b.row, share) for b, share in zip(blocks, shares, strict=True)])
    plain = all(block.row.is_identity for block in blocks)
    return norm if plain else rounded_above(norm)


def solver_of(
    kind: str,
    part: QuadraticPart,
    differentiate: bool,
    max_iter: int,
    reduction: float = 1e-3,
    how: LinearSolve | None = None,
) -> LinearSolver:
    """What solves the squares' system: at once, or by so many iterations, or as it is asked."""
    if kind in ITERATIVE:
        limit = None if differentiate else max_iter
        return ConjugateGradientSolver(
            part,
            differentiate,
            max_iter=limit if how is None or how.max_iter is None else how.max_iter,
            reduction=reduction,
            kind=kind,
            tolerance=None if how is None else how.tolerance,
        )
    return closed_solver(part)


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
    name = rho_option(method)
    rho, sigmas, steps = (request.options.get(key) for key in (name, "sigmas", "steps"))
    if steps is not None:
        whole_number("steps", steps, "steps")
    rhos = None if rho is None else positives(name, rho)
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
        solver = solver_of(choose_kind(part)[0], part, differentiate, 60, 1e-2)
        return solver.solve([torch.zeros_like(v) for v in zeros], _SMOOTH, given or zeros)

    return start


def _near(model: Model, index: int, x0: torch.Tensor, rho: Step) -> BoundTerm:
    """(ρ/2) ‖x − x₀‖² for one variable."""
    function = SumSquares(model.spaces[index])
    penalty = Penalty(function, 0.5 * rho, None, -x0)
    return BoundTerm(penalty, model.identity_row(index), "", model.variables[index].name)
