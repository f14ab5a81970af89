"""The objective a user writes: a weighted sum of functions of expressions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dprox_core.errors import ParameterError
from dprox_core.expressions.base import Expression, as_expression, number_text
from dprox_core.proxfns.refusals import Refusals

if TYPE_CHECKING:
    from dprox_core.expressions.leaves import Variable
    from dprox_core.proxfns.base import ProxFn

__all__ = ["Objective", "Term"]


@dataclass(frozen=True)
class Term:
    """One summand of an objective: weight · f(expression).

    Attributes:
        function: the class of f.
        expression: its argument.
        operands: f's own data, constant expressions.
        options: f's settings.
        number: the numeric part of the weight.
        factors: further factors of the weight, constant expressions of one element.
        condition: the constraint that it stands for, as written; empty for a penalty.
    """

    function: type[ProxFn]
    expression: Expression
    operands: tuple[Expression, ...]
    options: dict[str, Any]
    number: float = 1.0
    factors: tuple[Expression, ...] = ()
    condition: str = ""

    def describe(self) -> str:
        """The term as a user writes it, weight included."""
        weight = [number_text(self.number)] if self.number != 1.0 else []
        weight += [factor.describe() for factor in self.factors]
        return "*".join([*weight, self.describe_function()])

    def describe_function(self) -> str:
        """The term without its weight."""
        if self.condition:
            return f"({self.condition})"
        operands = [operand.describe() for operand in self.operands]
        return self.function.describe_call(self.expression.describe(), operands, self.options)

    def expressions(self) -> tuple[Expression, ...]:
        """Everything in the term that holds numbers."""
        return (self.expression, *self.operands, *self.factors)


class Objective(Refusals):
    """A weighted sum of functions of expressions; what ``Problem`` minimizes.

    Made by the functions of the language (``sum_squares``, ``norm1``, …), added with ``+`` and
    scaled with ``*`` by numbers from 0; linear terms by any, and they may be subtracted.

    Attributes:
        terms: the summands.
        offset: a number added to all.
    """

    __array_ufunc__ = None

    def __init__(self, terms: tuple[Term, ...] = (), offset: float = 0.0) -> None:
        self.terms = terms
        self.offset = offset

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables it depends on, in the order of first appearance."""
        return tuple(dict.fromkeys(v for term in self.terms for v in term.expression.variables))

    def describe(self) -> str:
        """The sum as a user writes it."""
        parts = [term.describe() for term in self.terms]
        if self.offset or not parts:
            parts.append(number_text(self.offset))
        return " + ".join(parts)

    def written_as(self, condition: str) -> Objective:
        """The same for a constraint, which is described as it was written."""
        return Objective(tuple(replace(t, condition=condition) for t in self.terms), self.offset)

    def __repr__(self) -> str:
        return f"<objective {self.describe()}>"

    def __add__(self, other: object) -> Objective:
        if isinstance(other, Objective):
            return Objective(self.terms + other.terms, self.offset + other.offset)
        if isinstance(other, (int, float, np.number)):
            return Objective(self.terms, self.offset + float(other))
        if isinstance(other, Expression) and other.is_one_number:
            from dprox_core.proxfns.linear import linear

            return self + linear(other)
        raise ParameterError(
            f"{self.describe()} is a penalty; {other!s:.60} is not: add penalties such as "
            "norm1(x) or nonneg(x) to it, or linear terms of one number such as c @ x.",
            expected="a penalty",
            got=type(other).__name__,
            where=self.describe(),
        )

    __radd__ = __add__

    def __mul__(self, weight: object) -> Objective:
        if isinstance(weight, Objective):
            self._refuse_product(weight)
        if isinstance(weight, (int, float, np.number)):
            number = float(weight)
            if number < 0 and self._is_affine and math.isfinite(number):
                flipped = tuple(
                    replace(term, operands=(-term.operands[0],), number=-number * term.number)
                    for term in self.terms
                )
                return Objective(flipped, self.offset * number)
            if not (math.isfinite(number) and number >= 0):
                raise ParameterError(
                    f"The weight of {self.describe()} must be a number from 0, not {number:g}"
                    + (": a negative weight is not convex." if number < 0 else "."),
                    expected="a number from 0",
                    got=number,
                    where=self.describe(),
                )
            scaled = tuple(replace(term, number=term.number * number) for term in self.terms)
            return Objective(scaled, self.offset * number)
        factor = as_expression(weight, "weight", lambda: f"The weight of {self.describe()}")
        shape = factor.shape
        one = shape is None or math.prod(shape) == 1
        if not (one and factor.is_constant and not factor.is_complex):
            raise ParameterError(
                f"The weight of {self.describe()} must be one real number, not {factor!r}.",
                expected="a real number, a tensor of one element or a placeholder",
                got=repr(factor),
                where=self.describe(),
            )
        if self.offset:
            raise ParameterError(
                "An objective with a number added to it cannot be scaled by a tensor.",
                where=self.describe(),
            )
        return Objective(
            tuple(replace(term, factors=(*term.factors, factor)) for term in self.terms)
        )

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Objective:
        if not isinstance(divisor, (int, float, np.number, torch.Tensor)):
            self._refuse(f"(…) / {divisor!s:.60}", self.algebra)
        if isinstance(divisor, torch.Tensor) and divisor.numel() != 1:
            return self * divisor  # refused there
        if divisor == 0:
            raise ParameterError(
                f"{self.describe()} is divided by zero.",
                expected="a number above 0",
                got=divisor,
                where=self.describe(),
            )
        return self * (1.0 / divisor)

    def __neg__(self) -> Objective:
        return self * -1.0

    @property
    def _is_affine(self) -> bool:
        return all(term.function.name == "linear" for term in self.terms)

    def __rsub__(self, other: object) -> Objective:
        return -self + other

    def __sub__(self, other: object) -> Objective:
        if isinstance(other, (int, float, np.number)):
            return self + -float(other)
        if isinstance(other, Objective) and other._is_affine:
            return self + -other
        if isinstance(other, Expression) and other.is_one_number:
            return self + -other
        raise ParameterError(
            f"A penalty cannot be subtracted from {self.describe()}: the difference is not convex.",
            expected="a sum",
            got="a difference",
            where=self.describe(),
        )
