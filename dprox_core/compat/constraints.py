"""Conditions written with <=, >= and ==."""

from __future__ import annotations

from typing import Any

from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.scope import Scope
from dprox_core.errors import ParameterError

__all__ = ["Constraint"]


class Constraint:
    """expression ⋛ bound, for every element.

    Attributes:
        expression: the left side.
        sense: "<=", ">=" or "==".
        bound: the right side.
    """

    def __init__(self, expression: LinOp, sense: str, bound: Any) -> None:
        self.expression = expression
        self.sense = sense
        self.bound = bound if hasattr(bound, "tocoo") else as_node(bound)

    def written(self, scope: Scope) -> Any:
        """The condition in our own language."""
        left, right = scope.expression(self.expression), scope.expression(self.bound)
        if self.sense == "<=":
            return left <= right
        return left >= right if self.sense == ">=" else left == right

    def __bool__(self) -> bool:
        # Python reads 0 <= x <= 1 as (0 <= x) and (x <= 1), and would lose the first half.
        raise ParameterError(
            "A condition has no truth value: write 0 <= x <= 1 as two conditions, x >= 0 and "
            "x <= 1.",
            where=self.sense,
        )
