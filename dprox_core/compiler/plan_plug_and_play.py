"""What the plan of a plug-and-play solve says: noise levels, ρ, memory, expansive denoisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from dprox_core.algorithms.plug_and_play import REACH, Course
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.predicted import plug_and_play_memory
from dprox_core.compiler.shared import Request, plan_term
from dprox_core.compiler.split import Split
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.priors.lipschitz import lipschitz
from dprox_core.priors.prior import Prior
from dprox_core.proxfns.deep import DeepPrior

__all__ = ["feature_bytes", "plan_of", "rho_option"]

# The Jacobian is looked at on a crop of this side, with so many rounds of power iteration: a lower
# bound of the stretch at a price that does not show beside a solve.
_CROP, _ROUNDS = 32, 5
# Below this a factor above 1 may be rounding.
_EXPANSIVE = 1.01


# The option that is ρ, where it has another name.
_RHO = {"pdhg": "weight", "pd3o": "weight"}


def rho_option(method: str) -> str:
    """What the option is called that gives ρ."""
    return _RHO.get(method, "rho")


@dataclass(frozen=True)
class _Numbers:
    """What a course comes to, for a plan."""

    first: float
    last: float
    first_rho: float
    last_rho: float


def _numbers(course: Course, model: Model) -> _Numbers:
    term = next(t for t in model.terms if isinstance(t.function, DeepPrior))
    prior, prior_weight = term.function, term.penalty.weight
    assert isinstance(prior, DeepPrior)
    count = course.steps or 1
    ends = (0, count - 1)
    levels = [course.level(k, count) for k in ends]
    rhos = [course.rho(level, k) for level, k in zip(levels, ends, strict=True)]
    shown = [
        prior.level_of(prior_weight / rho) if level is None else level
        for level, rho in zip(levels, rhos, strict=True)
    ]
    return _Numbers(*(reductions.number(v) for v in (*shown, *rhos)))


def plan_of(
    request: Request,
    method: str,
    assignment: Split,
    course: Course,
    noise: float,
    measured: bool,
    smooth: tuple[BoundTerm, ...] = (),
) -> Plan:
    """The plan of a plug-and-play solve; ``smooth`` are the terms whose gradients are taken."""
    terms = [plan_term(term, "linear solve") for term in assignment.part.terms]
    terms += [plan_term(term, "gradient step", tight=True) for term in smooth]
    terms += [
        plan_term(term, "denoiser" if isinstance(term.function, DeepPrior) else "prox")
        for term in assignment.blocks
    ]
    numbers = _numbers(course, request.model)
    rho = rho_option(method)
    parameters = {
        "noise": noise,
        "first_sigma": numbers.first,
        "last_sigma": numbers.last,
        rho: numbers.first_rho,
        f"last_{rho}": numbers.last_rho,
    }
    if course.steps is not None:
        parameters["steps"] = float(course.steps)
    chosen = set(parameters) - {"noise"}
    for option, names in (
        ("sigmas", {"first_sigma", "last_sigma", "steps"}),
        (rho, {rho, f"last_{rho}"}),
        ("steps", {"steps"}),
    ):
        if request.options.get(option) is not None:
            chosen -= names
    if measured:
        chosen.add("noise")
    return request.plan(
        method=method,
        terms=tuple(terms),
        linear_solver=assignment.kind,
        reason=assignment.reason,
        parameters=parameters,
        automatic=tuple(name for name in parameters if name in chosen),
        memory_bytes=_memory(request.model, method, assignment),
        guarantees=_guarantees(course),
        noted=_weak_hold(method, request.model),
        look=_look(request, assignment, numbers.last),
    )


def _guarantees(course: Course) -> tuple[str, ...]:
    if course.steps is None:
        return (
            "With a noise level that stays, iterates converge where the denoiser stretches no "
            "distance.",
        )
    return (
        f"Ends after {course.steps} steps, or fewer if fewer are allowed: noise levels fall and "
        f"rho rises. No denoising changes an image by more than {REACH:g} noise levels, so that "
        "iterates move less and less whatever the denoiser (Chan et al. 2017).",
    )


def _memory(model: Model, method: str, assignment: Split) -> int:
    network = max((feature_bytes(block) for block in assignment.blocks), default=0)
    rows = [block.row for block in assignment.blocks]
    return plug_and_play_memory(model, method, rows, network)


def feature_bytes(term: BoundTerm) -> int:
    """What a term's network holds while it works: a few layers of features as wide as its first.

    Networks that go down and up again keep features of every size for the way up; those that fold
    2 × 2 pixels into channels have a quarter of the pixels (factors measured on those that come
    along, within a sixth).
    """
    function = term.function
    if not isinstance(function, DeepPrior) or function.prior.network is None:
        return 0
    network = function.prior.network
    kernels = [p for p in network.parameters() if p.ndim == 4]
    if not kernels:
        return 0
    width, seen = kernels[0].shape[:2]
    channels = getattr(network, "channels", 1)
    layers = 5.4 if any(tuple(k.shape[2:]) == (2, 2) for k in kernels) else 3.0
    if seen > channels + 1:
        layers = 0.6
    return round(layers * width * term.row.range.nbytes / channels)


def _weak_hold(method: str, model: Model) -> tuple[str, ...]:
    """Which data a method follows by one small step a denoising, where ADMM solves for them.

    In the few steps of a course that costs 0.6 to 4.6 dB on deblurring with a Huber data term.
    """
    if method in ("admm", "admm_vxu", "dr"):
        return ()
    loose = [
        term.text
        for term in model.terms
        if not isinstance(term.function, DeepPrior)
        and term.function.quadratic() is None
        and not term.function.is_indicator
        and (term.penalty.offset is not None or term.function.operand_names)
    ]
    if not loose:
        return ()
    return (
        f"{' and '.join(loose)} is no sum of squares, so that {method} follows it by one step "
        'between two denoisings; "admm", "admm_vxu" and "dr" solve for it, and come nearer to the '
        "data in a course of this length, often by decibels.",
    )


@dataclass(frozen=True)
class _Denoising:
    """A denoiser and a piece of the data as it sees it."""

    text: str
    prior: Prior
    piece: torch.Tensor


def _look(
    request: Request, assignment: Split, level: float
) -> Callable[[], tuple[str, ...]] | None:
    """What looks at denoisers once a plan is read: nothing of it is needed to solve."""
    if request.differentiate:
        return None
    seen = []
    for block in assignment.blocks:
        function = block.function
        if isinstance(function, DeepPrior) and function.prior.network is not None:
            piece = _piece(request.model, assignment, block)
            if piece is not None:
                seen.append(_Denoising(block.text, function.prior, piece))
    return partial(_stretches, tuple(seen), level) if seen else None


def _stretches(seen: tuple[_Denoising, ...], level: float) -> tuple[str, ...]:
    """Which denoisers stretch distances at the last noise level, seen on a piece of the data."""
    found = []
    for denoising in seen:
        try:
            stretch = lipschitz(denoising.prior, denoising.piece, level, _ROUNDS)
        except ParameterError:
            # No gradient passes through it, and none is needed.
            continue
        if stretch > _EXPANSIVE:
            found.append(
                f"At σ = {level:.3g} the denoiser of {denoising.text} stretches small changes by "
                f"up to {stretch:.2f}. A course with an end is safe; with rho given, many "
                "iterations may move apart: then make averaged smaller than 1."
            )
    return tuple(found)


def _piece(model: Model, assignment: Split, block: BoundTerm) -> torch.Tensor | None:
    """The middle of the data as the denoiser sees it, None where there is none to look at."""
    if not block.row.is_identity or block.penalty.scale is not None:
        return None
    index = block.row.entries[0][0]
    pulled = assignment.part.constant()[index]
    if pulled is None:
        return None
    size = float(pulled.abs().max())
    if size == 0.0:
        return None
    top, left = (max(0, (extent - _CROP) // 2) for extent in pulled.shape[-2:])
    piece = pulled[..., top : top + _CROP, left : left + _CROP] / size
    return piece[:1] if piece.ndim == 4 else piece
