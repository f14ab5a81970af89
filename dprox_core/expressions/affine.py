"""What an expression means: one linear operator per variable, plus an offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dprox_core.linops.algebra import compose, total

if TYPE_CHECKING:
    from dprox_core.expressions.leaves import Variable
    from dprox_core.linops.base import LinOp

__all__ = ["Affine"]


@dataclass(frozen=True)
class Affine:
    """The map x ↦ Σ_v A_v x_v + b.

    Attributes:
        operators: the linear operator of each variable that appears.
        offset: the constant part b, None for zero.
    """

    operators: dict[Variable, LinOp]
    offset: torch.Tensor | None

    def through(self, operator: LinOp) -> Affine:
        """The map followed by a linear operator."""
        return Affine(
            {v: compose(operator, inner) for v, inner in self.operators.items()},
            None if self.offset is None else operator.forward(self.offset),
        )

    def plus(self, other: Affine) -> Affine:
        """The sum of two maps into the same space."""
        operators = dict(self.operators)
        for variable, operator in other.operators.items():
            held = operators.get(variable)
            operators[variable] = operator if held is None else total(held, operator)
        offsets = [dense(part) for part in (self.offset, other.offset) if part is not None]
        return Affine(operators, sum(offsets[1:], offsets[0]) if offsets else None)


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor as most operations take it; only matrices may stay sparse."""
    return tensor if tensor.layout is torch.strided else tensor.to_dense()
