"""Constraints written with ``>=`` and ``<=``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dprox_core.errors import ParameterError
from dprox_core.expressions.base import Expression, as_expression

if TYPE_CHECKING:
    from dprox_core.proxfns.base import Objective

__all__ = ["Constraint", "at_least", "at_most"]


class Constraint:
    """A condition that a solution must meet, for the ``constraints`` of a ``Problem``.

    Attributes:
        indicator: the same as a term of an objective: zero where it holds, infinity elsewhere.
    """

    def __init__(self, text: str, indicator: Objective) -> None:
        self._text = text
        self.indicator = indicator

    def describe(self) -> str:
        """The condition as written."""
        return self._text

    def __repr__(self) -> str:
        return f"<constraint {self._text}>"

    def __bool__(self) -> bool:
        # Python reads 0 <= x <= 1 as (0 <= x) and (x <= 1), and would lose the first half.
        raise ParameterError(
            f"The constraint {self._text} has no truth value: write 0 <= x <= 1 as two "
            "constraints, x >= 0 and x <= 1.",
            where=self._text,
        )


def at_least(expression: Expression, bound: object) -> Constraint:
    """expression ≥ bound, for every element."""
    from dprox_core.proxfns.indicators import box, nonneg

    lower = as_expression(bound, "lower")
    text = f"{expression.describe()} >= {lower.describe()}"
    if not lower.is_constant:
        return Constraint(text, nonneg(expression - lower))
    if expression.is_constant:
        return Constraint(text, box(lower, -math.inf, expression))
    return Constraint(text, box(expression, lower, math.inf))


def at_most(expression: Expression, bound: object) -> Constraint:
    """expression ≤ bound, for every element."""
    from dprox_core.proxfns.indicators import box, nonneg

    upper = as_expression(bound, "upper")
    text = f"{expression.describe()} <= {upper.describe()}"
    if not upper.is_constant:
        return Constraint(text, nonneg(upper - expression))
    return Constraint(text, box(expression, -math.inf, upper))
