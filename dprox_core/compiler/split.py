"""Which terms the linear solve takes and which are split off for their prox."""

from __future__ import annotations

from dataclasses import dataclass

from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.passes.absorb import absorbed
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.linsolve.direct import direct_kind

__all__ = ["Split", "choose_kind", "split"]


@dataclass(frozen=True)
class Split:
    """An assignment of terms for ADMM.

    Attributes:
        part: what the x-update minimizes.
        blocks: the terms split off.
        kind: "diagonal", "fourier" or "cg".
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

    Every sum of squares joins the linear solve, unless that would take iterations inside each
    iteration (CG) and splitting some of them off, each with a prox in closed form, makes the
    system diagonal in space or in frequency.

    Args:
        model: the model after the passes.
        wanted: "cg" keeps all squares in the linear solve and uses conjugate gradients, "direct"
            asks for a direct solver; None chooses.
    """
    squares = tuple(term for term in model.terms if term.function.is_sum_squares)
    others = tuple(term for term in model.terms if not term.function.is_sum_squares)
    whole = _part(model, squares, others)
    kind, obstacle = choose_kind(whole)
    if wanted == "cg":
        return Split(whole, others, "cg", "It was asked for.", ())
    if kind != "cg":
        return Split(whole, others, kind, _why(kind), ())
    for moved in _movable_sets(squares):
        kept = tuple(term for term in squares if term not in moved)
        blocks = tuple(absorbed(term) for term in moved) + others
        part = _part(model, kept, blocks)
        kind, _ = choose_kind(part)
        if kind != "cg":
            names = " and ".join(term.text for term in moved)
            reason = (
                f"{_why(kind)} For that, {names} is split off and handled by its prox: together "
                f"with the rest it would have needed conjugate gradients ({obstacle})."
            )
            return Split(part, blocks, kind, reason, moved)
    reason = f"No basis makes the system diagonal ({obstacle}), so it is solved by iteration."
    return Split(whole, others, "cg", reason, ())


def choose_kind(part: QuadraticPart) -> tuple[str, str]:
    """The solver that serves a quadratic, and what stands in the way of a faster one."""
    if not part.is_separable:
        return "cg", "an operator mixes variables"
    kinds = []
    for index in range(len(part.spaces)):
        operators = part.operators_of(index)
        kind = direct_kind(operators)
        if kind is None:
            return "cg", _obstacle(part, index)
        kinds.append(kind)
    return ("fourier" if "fourier" in kinds else "diagonal"), ""


def _obstacle(part: QuadraticPart, index: int) -> str:
    named = [
        (term.argument, operator)
        for term in part.terms
        for i, operator in term.row.entries
        if i == index
    ]
    for name, operator in named:
        if operator.gram_diagonal() is None and operator.gram_spectrum() is None:
            return f"{name} is diagonal neither in space nor in frequency"
    space = [name for name, operator in named if operator.gram_spectrum() is None]
    frequency = [name for name, operator in named if operator.gram_diagonal() is None]
    if space and frequency:
        return f"{space[0]} is diagonal in space only and {frequency[0]} in frequency only"
    if space:
        return f"{space[0]} is diagonal in space only, a split operator in frequency only"
    if frequency:
        return f"{frequency[0]} is diagonal in frequency only, a split operator in space only"
    return "a split operator is diagonal neither in space nor in frequency"


def _part(
    model: Model, squares: tuple[BoundTerm, ...], blocks: tuple[BoundTerm, ...]
) -> QuadraticPart:
    return QuadraticPart(model.spaces, squares, tuple(block.row for block in blocks))


def _movable_sets(squares: tuple[BoundTerm, ...]) -> list[tuple[BoundTerm, ...]]:
    """Which squares to try to split off, fewest first: those with a diagonal on the outside."""
    movable = [term for term in squares if absorbed(term) is not term]
    stubborn = [
        term for term in movable if absorbed(term).row.entries[0][1].gram_spectrum() is not None
    ]
    sets: list[tuple[BoundTerm, ...]] = [(term,) for term in movable]
    sets += [tuple(stubborn), tuple(movable)]
    unique: list[tuple[BoundTerm, ...]] = []
    for candidate in sets:
        if candidate and candidate not in unique:
            unique.append(candidate)
    return unique


def _why(kind: str) -> str:
    if kind == "diagonal":
        return (
            "Every operator acts on each pixel by itself, so the system is solved pixel by pixel."
        )
    return "Every operator is a circular convolution, so one FFT and its inverse solve the system."
