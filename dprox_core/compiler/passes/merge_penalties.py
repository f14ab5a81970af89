"""Join penalties on the same operator, where the prox of their sum is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import torch

from dprox_core.compiler.model import BoundTerm, Model, Penalty, Row, by_row, same_row
from dprox_core.compiler.passes.base import Pass
from dprox_core.linops.content import fingerprint
from dprox_core.proxfns.chain import Chain

__all__ = ["MergePenalties", "ShareOperators"]

# More penalties than this on one operator are joined in the order in which they were written.
_TRIED = 4


class MergePenalties(Pass):
    """w₁ f₁(K x) + w₂ f₂(K x) become one term where prox_{f₁+f₂} = prox_{f₂} ∘ prox_{f₁}.

    That holds for bounds after a separable function and for groups after what is positively
    homogeneous inside them (``ProxFn.follows``); the same function twice adds up its weights. One
    split copy serves all.
    """

    name = "merge_penalties"
    title = "join penalties on the same operator"

    def accepts(self, model: Model) -> bool:
        """Whether two penalties on one operator can be joined."""
        return any(len(_chain(group)) < len(group) for group in _groups(model))

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model with joined penalties in the place of the first of each group."""
        groups = {id(group[0]): group for group in _groups(model)}
        grouped = {id(term) for group in groups.values() for term in group}
        terms: list[BoundTerm] = []
        for term in model.terms:
            if id(term) in groups:
                terms.extend(_chain(groups[id(term)]))
            elif id(term) not in grouped:
                terms.append(term)
        return model.with_terms(tuple(terms)), None


class ShareOperators(Pass):
    """Penalties that stay apart on the same operator use one K, applied once an iteration."""

    name = "share_operators"
    title = "apply an operator that several penalties share only once"

    def accepts(self, model: Model) -> bool:
        """Whether two terms have the same operator, written twice."""
        return any(term.row is not first for term, first in _firsts(model))

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model with the very same row in all of them."""
        return model.with_terms(tuple(replace(t, row=row) for t, row in _firsts(model))), None

    def shown(self, model: Model) -> tuple[str, ...]:
        """The terms, those that share an operator together."""
        rows: dict[int, list[BoundTerm]] = {}
        for term in model.terms:
            rows.setdefault(id(term.row), []).append(term)
        return tuple(
            " + ".join(term.text for term in group)
            + (f" on one {group[0].argument}" if len(group) > 1 else "")
            for group in rows.values()
        )


def _firsts(model: Model) -> list[tuple[BoundTerm, Row]]:
    """Each term with the first row that is the same as its own."""
    found = []
    for index, term in enumerate(model.terms):
        row = term.row
        if not row.is_identity and term.function.quadratic() is None:
            for earlier in model.terms[:index]:
                if earlier.function.quadratic() is None and same_row(earlier.row, row):
                    row = earlier.row
                    break
        found.append((term, row))
    return found


def _groups(model: Model) -> list[list[BoundTerm]]:
    """The plain penalties by operator."""
    return by_row(term for term in model.terms if _is_candidate(term))


def _is_candidate(term: BoundTerm) -> bool:
    if not term.penalty.is_plain or term.function.quadratic() is not None:
        return False
    # What is smooth may be of more use to a method through its gradient.
    return term.function.has_value and term.function.lipschitz is None


def _chain(group: list[BoundTerm]) -> list[BoundTerm]:
    """The group with as many as possible joined into one term, the others after it."""
    group = _added_up(group)
    orders = permutations(group) if len(group) <= _TRIED else [tuple(group)]
    best: tuple[BoundTerm, ...] = ()
    for order in orders:
        links: tuple[BoundTerm, ...] = ()
        for term in order:
            if all(term.function.follows(held.function) for held in links):
                links = (*links, term)
        if len(links) > len(best):
            best = links
    if len(best) < 2:
        return group
    chain = Chain(best[0].function.space, tuple((t.penalty.weight, t.function) for t in best))
    written = [term for term in group if term in best]
    joined = replace(
        best[0], penalty=Penalty(chain), text=" + ".join(term.text for term in written)
    )
    return [joined, *(term for term in group if term not in best)]


def _added_up(group: list[BoundTerm]) -> list[BoundTerm]:
    """The group with the same function, written several times, once with the sum of its weights."""
    kept: list[tuple[bytes | None, BoundTerm]] = []
    for term in group:
        key = fingerprint(term.function)
        place = next((i for i, (held, _) in enumerate(kept) if key is not None and held == key), -1)
        if place < 0 or not term.function.convex or _wants_gradient(term):
            kept.append((None if _wants_gradient(term) else key, term))
            continue
        first = kept[place][1]
        weight = first.penalty.weight
        if not term.function.is_indicator:
            weight = weight + term.penalty.weight
        penalty = Penalty(first.function, weight)
        kept[place] = (key, replace(first, penalty=penalty, text=f"{first.text} + {term.text}"))
    return [term for _, term in kept]


def _wants_gradient(term: BoundTerm) -> bool:
    """Whether the function holds a tensor whose gradient a merged copy might lose."""
    return any(
        isinstance(held, torch.Tensor) and held.requires_grad
        for held in vars(term.function).values()
    )
