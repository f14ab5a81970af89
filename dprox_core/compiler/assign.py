"""Sorting terms for first-order methods: gradient, prox, prox behind an operator."""

from __future__ import annotations

from dprox_core.algorithms.parts import Parts
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.plan import PlanTerm
from dprox_core.compiler.shared import plan_term
from dprox_core.errors import CompileError
from dprox_core.linsolve.smooth import SmoothPart
from dprox_core.proxfns.indicators import Box

__all__ = ["assign", "plan_terms"]


def assign(model: Model, method: str, *, gradients: bool, blocks: bool) -> Parts:
    """Which term is used how.

    Args:
        model: the model after the passes.
        method: its name, for sentences.
        gradients: whether smooth terms are used through their gradients.
        blocks: whether the method takes proxes behind linear operators.

    Raises:
        CompileError: a term fits nowhere; the sentence names it and says what to do.
    """
    smooth: list[BoundTerm] = []
    rest: list[BoundTerm] = []
    for term in model.terms:
        (smooth if gradients and term.function.lipschitz is not None else rest).append(term)
    chains: list[tuple[BoundTerm, ...]] = []
    taken: set[int] = set()
    for index in range(len(model.spaces)):
        mine = [term for term in rest if any(i == index for i, _ in term.row.entries)]
        chain = _chain([term for term in mine if term.row.is_identity])
        if not blocks:
            _refuse(method, model.variables[index].name, mine, chain)
        chains.append(chain)
        taken |= {id(term) for term in chain}
    left = tuple(term for term in rest if id(term) not in taken)
    return Parts(model, SmoothPart(model.spaces, tuple(smooth)), tuple(chains), left)


def _chain(candidates: list[BoundTerm]) -> tuple[BoundTerm, ...]:
    """The terms whose joint prox is one after the other: one, or a separable one, then bounds."""
    if len(candidates) <= 1:
        return tuple(candidates)
    bounds = [term for term in candidates if isinstance(term.function, Box) and _is_plain(term)]
    others = [term for term in candidates if not isinstance(term.function, Box)]
    # What is not smooth gains most from a prox in the variable itself.
    others.sort(key=lambda term: term.function.lipschitz is not None)
    # A denoised picture is moved into its bounds.
    joinable = [
        t
        for t in others
        if not t.penalty.rotation
        and (not t.function.has_value or (t.function.separable and t.function.convex))
    ]
    if len(bounds) == 1 and joinable:
        # In one dimension the minimizer over an interval is the free minimizer moved into it.
        return (joinable[0], bounds[0])
    return (bounds[0],) if bounds else (others[0],) if others else (candidates[0],)


def _is_plain(term: BoundTerm) -> bool:
    return term.penalty.is_plain


def _refuse(
    method: str, variable: str, mine: list[BoundTerm], chain: tuple[BoundTerm, ...]
) -> None:
    for term in mine:
        if not term.row.is_identity:
            between = term.obstacle or term.argument
            names = term.hindered or (variable,)
            needed = f"in {names[0]} itself, and {between} stands in between"
            if len(names) > 1:
                needed = f"in one variable, and {between} joins {' and '.join(names)}"
            raise CompileError(
                f"{method} cannot take {term.text}: it needs the proximal operator {needed}. "
                'Use method "admm", which splits it off.',
                expected=f"a penalty on {names[0]}",
                got=term.text,
                where=between,
            )
    if len(mine) > len(chain):
        texts = " and ".join(term.text for term in mine)
        raise CompileError(
            f"{method} takes one penalty on {variable} besides smooth terms, and "
            f'there are {len(mine)}: {texts}. Use method "admm", which splits them off.',
            expected="one penalty",
            got=texts,
            where=mine[1].text,
        )


def plan_terms(parts: Parts) -> tuple[PlanTerm, ...]:
    """Where every term went, for the plan."""
    terms = [plan_term(term, "gradient step", tight=True) for term in parts.smooth.terms]
    terms += [plan_term(term, "prox") for chain in parts.proxes for term in chain]
    terms += [plan_term(term, "prox", tight=True) for term in parts.blocks]
    return tuple(terms)
