"""Which terms the linear solve takes and which are split off for their prox."""

from __future__ import annotations

from dataclasses import dataclass

from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.passes.absorb import absorbed
from dprox_core.linsolve.base import Gram, QuadraticPart, quadratic_of
from dprox_core.linsolve.joint import joint_kind
from dprox_core.linsolve.precondition import Preconditioner
from dprox_core.linsolve.separable import KINDS, closed_form, is_closed

__all__ = ["ITERATIVE", "Split", "choose_kind", "split"]

ITERATIVE = ("cg", "minres")
"""The solvers that work by iteration."""


@dataclass(frozen=True)
class Split:
    """An assignment of terms for ADMM.

    Attributes:
        part: what the x-update minimizes.
        blocks: the terms split off.
        kind: "diagonal", "fourier", "woodbury", "matrix", "dense", "cg" or "minres".
        reason: why that solver, in a sentence.
        moved: the squares that were split off although the linear solve could have taken them.
    """

    part: QuadraticPart
    blocks: tuple[BoundTerm, ...]
    kind: str
    reason: str
    moved: tuple[BoundTerm, ...]


def split(model: Model, wanted: str | None = None) -> Split:
    """Choose between the linear solve and proxes.

    Every quadratic term joins the linear solve, unless that would take iterations inside each
    iteration (CG) and splitting some of them off, each with a prox in closed form, makes the
    system diagonal in space or in frequency. A linear term joins where the others determine the
    variable; elsewhere, split off, it shows by running away that there is no minimum. Where the
    user has named what is split off, all other quadratics join.

    Args:
        model: the model after the passes.
        wanted: "cg" or "minres" keeps all quadratics in the linear solve and uses conjugate
            gradients or minimal residuals; None chooses.
    """
    squares, others = _sorted(model)
    others = tuple(absorbed(term) if term.apart else term for term in others)
    whole = _part(model, squares, others)
    kind, obstacle = choose_kind(whole)
    why = "What is split off was named. " if model.named else ""
    if wanted in ITERATIVE:
        return Split(whole, others, wanted, "It was asked for.", ())
    if kind not in ITERATIVE:
        return Split(whole, others, kind, why + _why(whole), ())
    for moved in () if model.named else _movable_sets(squares):
        kept = tuple(term for term in squares if term not in moved)
        blocks = tuple(absorbed(term) for term in moved) + others
        part = _part(model, kept, blocks)
        kind, _ = choose_kind(part)
        if kind not in ITERATIVE:
            names = " and ".join(term.text for term in moved)
            reason = (
                f"{_why(part)} For that, {names} is split off and handled by its prox: together "
                f"with the rest it would have needed conjugate gradients ({obstacle})."
            )
            return Split(part, blocks, kind, reason, moved)
    reason = why + f"No basis makes the system diagonal ({obstacle}), so it is solved by iteration"
    reason += f"{_preconditioned(whole)}, each time from the last solution."
    return Split(whole, others, "cg", reason, ())


def choose_kind(part: QuadraticPart) -> tuple[str, str]:
    """The solver that serves a quadratic, and what stands in the way of a faster one."""
    obstacle, kinds = "" if part.is_separable else "an operator mixes variables", []
    for index in range(len(part.spaces)) if part.is_separable else ():
        kind = closed_form(part, index)
        if kind is None:
            obstacle = _obstacle(part, index)
            break
        kinds.append(kind)
    if not obstacle:
        return next(kind for kind in KINDS if kind in kinds), ""
    joint = joint_kind(part)
    return ("cg", obstacle) if joint is None else (joint, "")


def _obstacle(part: QuadraticPart, index: int) -> str:
    named = [
        (term.argument if metric is None else term.text, Gram(operator, metric))
        for term, metric in part.curved
        for i, operator in term.row.entries
        if i == index
    ]
    for name, gram in named:
        if gram.diagonal() is None and gram.spectrum() is None:
            return f"{name} is diagonal neither in space nor in frequency"
    space = [name for name, gram in named if gram.spectrum() is None]
    frequency = [name for name, gram in named if gram.diagonal() is None]
    if space and frequency:
        return f"{space[0]} is diagonal in space only and {frequency[0]} in frequency only"
    if space:
        return f"{space[0]} is diagonal in space only, a split operator in frequency only"
    if frequency:
        return f"{frequency[0]} is diagonal in frequency only, a split operator in space only"
    return "a split operator is diagonal neither in space nor in frequency"


def _sorted(model: Model) -> tuple[tuple[BoundTerm, ...], tuple[BoundTerm, ...]]:
    """The terms that join the linear solve, and the others."""
    joining = [t for t in model.terms if t.function.quadratic() is not None and not t.apart]
    linear = [term for term in joining if not quadratic_of(term).curved]
    if linear:
        rest = tuple(term for term in model.terms if not any(term is held for held in linear))
        curved = tuple(term for term in joining if any(term is held for held in rest))
        whole = _part(model, curved, tuple(term for term in rest if term not in curved))
        loose = {i for i in range(len(model.spaces)) if not _determined(whole, i)}
        for term in linear:
            if any(index in loose for index, _ in term.row.entries):
                joining = [held for held in joining if held is not term]
    kept = {id(term) for term in joining}
    return tuple(joining), tuple(term for term in model.terms if id(term) not in kept)


def _determined(part: QuadraticPart, index: int) -> bool:
    """Whether the grams of one variable that have a diagonal form add up to a regular matrix."""
    grams = part.grams_of(index)
    for forms in ([g.diagonal() for g in grams], [g.spectrum() for g in grams]):
        known = [form.detach() for form in forms if form is not None]
        if known:
            summed = sum(known[1:], known[0])
            if float(summed.min()) > 1e-6 * float(summed.max()):
                return True
    return False


def _part(
    model: Model, squares: tuple[BoundTerm, ...], blocks: tuple[BoundTerm, ...]
) -> QuadraticPart:
    rows = tuple(block.row for block in blocks)
    return QuadraticPart(model.spaces, squares, rows, model.samples)


def _movable_sets(squares: tuple[BoundTerm, ...]) -> list[tuple[BoundTerm, ...]]:
    """Which terms to try to split off, fewest first: those that lose a diagonal or a metric."""
    movable = [
        term
        for term in squares
        if absorbed(term) is not term or quadratic_of(term).metric is not None
    ]
    stubborn = [term for term in movable if _has_spectrum(absorbed(term))]
    sets: list[tuple[BoundTerm, ...]] = [(term,) for term in movable]
    sets += [tuple(stubborn), tuple(movable)]
    unique: list[tuple[BoundTerm, ...]] = []
    for candidate in sets:
        if candidate and candidate not in unique:
            unique.append(candidate)
    return unique


def _has_spectrum(term: BoundTerm) -> bool:
    return all(operator.gram_spectrum() is not None for _, operator in term.row.entries)


def _why(part: QuadraticPart) -> str:
    if not is_closed(part):
        return _JOINT_REASONS[joint_kind(part) or ""]
    kinds = {closed_form(part, index) for index in range(len(part.spaces))}
    sentences = [_REASONS[kind] for kind in KINDS if kind in kinds]
    if len(sentences) > 1:
        return "Each variable has a system of its own. " + " ".join(sentences)
    return sentences[0]


_REASONS = {
    "diagonal": (
        "Every operator acts on each pixel by itself, so the system is solved pixel by pixel."
    ),
    "fourier": (
        "Every operator is a circular convolution, so one FFT and its inverse solve the system."
    ),
    "woodbury": (
        "Every operator is a circular convolution but for one that keeps every few pixels, so the "
        "matrix inversion lemma leaves a system on the small image that an FFT solves."
    ),
    "matrix": (
        "Every operator is a matrix along one axis or weighs along it, so one factorization "
        "solves all systems."
    ),
}


_JOINT_REASONS = {
    "diagonal": (
        "Every operator acts on each pixel by itself, so the system is solved pixel by pixel, all "
        "variables together."
    ),
    "fourier": (
        "Every operator is a circular convolution, so one FFT of each variable and its inverse "
        "solve the system, all variables together at each frequency."
    ),
}


def _preconditioned(part: QuadraticPart) -> str:
    """Which preconditioners conjugate gradients will use for a middling ρ."""
    kinds = set(Preconditioner(part).kinds(1.0)) - {None}
    words = [_PRECONDITIONERS[kind] for kind in ("fourier", "diagonal") if kind in kinds]
    return f", preconditioned by {' and by '.join(words)}" if words else ""


_PRECONDITIONERS = {"fourier": "the image's mean in frequency", "diagonal": "the diagonal"}
