"""Leave out what weighs nothing."""

from __future__ import annotations

import torch

from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.passes.base import Pass

__all__ = ["Drop"]


class Drop(Pass):
    """Terms of weight zero disappear; constraints and weights that want a gradient stay."""

    name = "drop"
    title = "leave out terms of weight zero"

    def accepts(self, model: Model) -> bool:
        """Whether a term weighs nothing."""
        return any(_weightless(term) for term in model.terms)

    def apply(self, model: Model) -> tuple[Model, object]:
        """The model without them."""
        return model.with_terms(tuple(t for t in model.terms if not _weightless(t))), None


def _weightless(term: BoundTerm) -> bool:
    weight = term.penalty.weight
    return not term.function.is_indicator and not isinstance(weight, torch.Tensor) and weight == 0.0
