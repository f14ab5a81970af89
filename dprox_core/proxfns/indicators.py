"""Constraints as functions: zero inside a set, infinity outside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.errors import ParameterError
from dprox_core.expressions.leaves import Constant
from dprox_core.proxfns import checks
from dprox_core.proxfns.balls import SetIndicator
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = ["Box", "Nonneg", "box", "limits", "nonneg"]

Bound = float | torch.Tensor


@register
class Box(SetIndicator):
    """f(v) = 0 where lower ≤ v ≤ upper for every element, else ∞."""

    name = "box"
    operand_names: ClassVar[tuple[str, ...]] = ("lower", "upper")
    infinite_operands = True
    real_only = True
    separable = True
    meets_bounds = True

    def __init__(self, space: Space, lower: Bound = -math.inf, upper: Bound = math.inf) -> None:
        super().__init__(space)
        self.lower = lower
        self.upper = upper
        self.elementwise = not any(isinstance(bound, torch.Tensor) for bound in (lower, upper))
        if bool(torch.any(torch.as_tensor(lower) > torch.as_tensor(upper))):
            raise ParameterError(
                "box: somewhere the lower bound is above the upper bound, so that nothing fits.",
                expected="lower ≤ upper",
                got=(lower, upper),
                where="lower, upper",
            )

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Values and bounds must be real, bounds must fit and leave room.

        Raises:
            ParameterError: something is complex, or a lower bound is above an upper one.
            ShapeError: a bound does not broadcast to the argument.
        """
        super().check(argument, operands, **options)
        for name, bound in zip(cls.operand_names, operands, strict=True):
            checks.real_data(cls.name, name, bound)
            checks.fitting(cls.name, name, bound, argument)
        numbers = [b.tensor.item() for b in operands if isinstance(b, Constant) and b.is_number]
        # Both bounds at the same infinity leave nothing either.
        same = len(set(numbers)) == 1 < len(numbers) and math.isinf(numbers[0])
        if same or sorted(numbers) != numbers:
            raise ParameterError(
                f"{cls.name}: the lower bound must not be above the upper bound; {numbers[0]:g} "
                f"and {numbers[-1]:g} leave no value for {argument.describe()}.",
                expected="lower ≤ upper",
                got=tuple(numbers),
                where="lower, upper",
            )

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """Each value moved to the nearest bound it lies beyond."""
        lower, upper = self.lower, self.upper
        if isinstance(lower, torch.Tensor) or isinstance(upper, torch.Tensor):
            if not (isinstance(lower, float) and lower == -math.inf):
                v = torch.maximum(v, torch.as_tensor(lower, dtype=v.dtype, device=v.device))
            if not (isinstance(upper, float) and upper == math.inf):
                v = torch.minimum(v, torch.as_tensor(upper, dtype=v.dtype, device=v.device))
            return v
        return torch.clamp(v, lower, upper)

    @property
    def bounds(self) -> tuple[float | torch.Tensor, float | torch.Tensor]:
        """The two bounds."""
        return self.lower, self.upper

    def bounded(self, v: torch.Tensor) -> torch.Tensor:
        """The projection."""
        return self.project(v)

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        """Where the bounds are zero or none."""
        return self.is_nonneg

    def follows(self, first: ProxFn) -> bool:
        """After a separable convex function: in one dimension the minimizer over an interval is
        the free minimizer moved into it."""
        return first.separable and first.convex

    @property
    def is_nonneg(self) -> bool:
        """Whether the set is that of the values from zero on."""
        lower, upper = self.lower, self.upper
        return (
            not isinstance(lower, torch.Tensor)
            and not isinstance(upper, torch.Tensor)
            and (lower == 0.0 and upper == math.inf)
        )

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What the projection takes away."""
        if self.is_nonneg:
            return torch.clamp(v, max=0.0, out=out)
        return torch.sub(v, self.project(v), out=out)


@register
class Nonneg(Box):
    """f(v) = 0 where v ≥ 0 for every element, else ∞."""

    name = "nonneg"
    operand_names = ()

    def __init__(self, space: Space) -> None:
        super().__init__(space, 0.0, math.inf)


def nonneg(e: Expression | torch.Tensor) -> Objective | Any:
    """The constraint e ≥ 0 for every element: zero where it holds, infinity where not.

    Args:
        e: a real expression (or a tensor, of which the value is returned).

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: e is complex.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(2,))
        >>> dp.Problem(dp.nonneg(x)).value(torch.tensor([1.0, -1.0]))
        inf

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.
    """
    return make(Nonneg, e)


def box(e: Expression | torch.Tensor, lower: object = 0.0, upper: object = 1.0) -> Objective | Any:
    """The constraint lower ≤ e ≤ upper for every element: zero where it holds, infinity where not.

    Args:
        e: a real expression (or a tensor, of which the value is returned).
        lower: a number, or a tensor or placeholder that broadcasts to e; −∞ for none.
        upper: likewise, not below ``lower``; ∞ for none.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: e is complex, or a lower bound is above an upper bound.
        ShapeError: a bound does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(2,))
        >>> dp.Problem(dp.box(x, 0, 1)).value(torch.tensor([0.5, 1.0]))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.4.
    """
    return make(Box, e, lower, upper)


def limits(
    e: Expression | torch.Tensor, lower: object = -math.inf, upper: object = math.inf
) -> Objective | Any:
    """The constraint lower ≤ e ≤ upper where either side may be missing, such as A x ≤ b.

    The same as ``box`` with other defaults; ``A @ x <= b`` writes it in a list of constraints.

    Args:
        e: a real expression (or a tensor, of which the value is returned).
        lower: a number, or a tensor or placeholder that broadcasts to e; −∞ for none.
        upper: likewise, not below ``lower``; ∞ for none.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: e is complex, or a lower bound is above an upper bound.
        ShapeError: a bound does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(2,))
        >>> rows = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
        >>> cost = dp.linear(x, torch.tensor([2.0, 1.0]))
        >>> program = dp.Problem(cost + dp.limits(rows @ x, lower=torch.tensor([2.0, 0.0])))
        >>> round(program.solve(method="auto").objective, 3)
        3.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.4.
    """
    return make(Box, e, lower, upper)
