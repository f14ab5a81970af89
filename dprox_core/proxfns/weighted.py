"""Functions with a weight for each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.proxfns import checks
from dprox_core.proxfns.base import ProxFn

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = ["Weighted"]


class Weighted(ProxFn):
    """Σ w_i φ(v_i) with w_i ≥ 0.

    Args:
        space: the space of its argument.
        weights: w, which broadcasts to it.

    Raises:
        ParameterError: a weight is below 0.
    """

    operand_names: ClassVar[tuple[str, ...]] = ("weights",)
    separable = True

    def __init__(self, space: Space, weights: torch.Tensor | float) -> None:
        super().__init__(space)
        self._weights = torch.as_tensor(weights, dtype=space.precision, device=space.device)
        checks.refuse_negative(self.name, "weights", self._weights)

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Weights must fit and be from 0.

        Raises:
            ShapeError: the weights do not broadcast to the argument.
            ParameterError: a weight is below 0.
        """
        checks.fitting(cls.name, "weights", operands[0], argument)
        checks.refuse_negative(cls.name, "weights", operands[0])
