"""Join sums of squares of the same operator into one."""

from __future__ import annotations

from dataclasses import replace

import torch

from dprox_core.compiler.model import BoundTerm, Model, Penalty, by_row
from dprox_core.compiler.passes.base import Pass
from dprox_core.numerics import reductions

__all__ = ["MergeQuadratics"]


class MergeQuadratics(Pass):
    """Σ_i w_i ‖K x + c_i‖² = W ‖K x + c̄‖² + Σ_i w_i ‖c_i − c̄‖², W = Σ_i w_i, c̄ = Σ_i w_i c_i / W.

    One product with K and Kᴴ instead of several wherever squares are not diagonal, and one set of
    data in memory.
    """

    name = "merge_quadratics"
    title = "join sums of squares of the same operator"

    def accepts(self, model: Model) -> bool:
        """Whether two sums of squares see the variables through the same operator."""
        return any(len(group) > 1 for group in _groups(model))

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model with one sum of squares for each operator; what is constant moves aside."""
        groups = {id(group[0]): group for group in _groups(model)}
        swallowed = {id(term) for group in groups.values() for term in group[1:]}
        terms: list[BoundTerm] = []
        constant = model.constant
        for term in model.terms:
            if id(term) in swallowed:
                continue
            group = groups.get(id(term), [])
            if len(group) < 2:
                terms.append(term)
                continue
            merged, rest = _merged(group)
            terms.append(merged)
            constant = constant + rest
        return replace(model.with_terms(tuple(terms)), constant=constant), None


def _groups(model: Model) -> list[list[BoundTerm]]:
    return by_row(term for term in model.terms if _is_candidate(term))


def _is_candidate(term: BoundTerm) -> bool:
    penalty = term.penalty
    whole = penalty.scale is None and penalty.rotation is None
    return term.function.is_sum_squares and whole and reductions.number(penalty.weight) > 0.0


def _merged(group: list[BoundTerm]) -> tuple[BoundTerm, torch.Tensor]:
    """One term for the group, and the constant that is left."""
    weight = sum((t.penalty.weight for t in group[1:]), group[0].penalty.weight)
    offsets = [(t.penalty.weight, t.penalty.offset) for t in group]
    known = [c * (w / weight) for w, c in offsets if c is not None]
    centre = sum(known[1:], known[0]) if known else None
    rest = torch.zeros((), dtype=torch.float64)
    for w, c in offsets:
        if centre is not None:
            rest = rest + w * reductions.squared_norm(centre if c is None else c - centre)
    text = " + ".join(term.text for term in group)
    penalty = Penalty(group[0].function, weight, None, centre)
    return replace(group[0], penalty=penalty, text=text), rest
