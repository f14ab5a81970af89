"""Functions with a number of data for each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.proxfns import checks
from dprox_core.proxfns.base import ProxFn

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = ["Pointwise", "Weighted"]


class Pointwise(ProxFn):
    """f(v) = Σ φ(v_i, y_i) with a real number y_i for each element.

    Args:
        space: the space of its argument.
        data: y, which broadcasts to it.

    Raises:
        ParameterError: a number is below 0 and must not be.
    """

    separable = True
    # Whether φ is defined for y_i from 0 only.
    data_from_zero: ClassVar[bool] = False

    def __init__(self, space: Space, data: torch.Tensor | float) -> None:
        super().__init__(space)
        self.data = torch.as_tensor(data, dtype=space.precision, device=space.device)
        if self.data_from_zero:
            checks.refuse_negative(self.name, self.operand_names[0], self.data)

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """The data must be real, fit, and be from 0 where that is asked for.

        Raises:
            ShapeError: the data do not broadcast to the argument.
            ParameterError: the data, or an argument that must be real, are complex, or a number is
                below 0 and must not be.
        """
        super().check(argument, operands, **options)
        (role,), (data,) = cls.operand_names, operands
        checks.fitting(cls.name, role, data, argument)
        checks.real_data(cls.name, role, data)
        if cls.data_from_zero:
            checks.refuse_negative(cls.name, role, data)


class Weighted(Pointwise):
    """Σ w_i φ(v_i) with w_i ≥ 0."""

    operand_names: ClassVar[tuple[str, ...]] = ("weights",)
    data_from_zero = True
