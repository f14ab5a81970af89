"""Take functions apart that hold a quadratic."""

from __future__ import annotations

from dataclasses import replace

from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.passes.base import Pass

__all__ = ["Expand"]


class Expand(Pass):
    """An elastic net becomes its ℓ₁ norm, for a prox, and its squares, for the linear system."""

    name = "expand"
    title = "take elastic nets apart into a norm and squares"

    def accepts(self, model: Model) -> bool:
        """Whether a function says what it is the sum of."""
        return any(term.function.summands() for term in model.terms)

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model with the parts as terms of their own."""
        return model.with_terms(tuple(part for t in model.terms for part in _parts(t))), None


def _parts(term: BoundTerm) -> list[BoundTerm]:
    summands = term.function.summands()
    if not summands:
        return [term]
    return [
        replace(
            term,
            penalty=replace(term.penalty, function=function, weight=term.penalty.weight * factor),
            text=f"{term.text} ({part})",
        )
        for factor, function, part in summands
    ]
