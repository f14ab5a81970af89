"""Constraints written with ``>=``, ``<=`` and ``==``."""

from __future__ import annotations

import dis
import math
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.base import Expression, as_expression, broadcasts_into
from dprox_core.expressions.leaves import Constant
from dprox_core.expressions.refusals import NoNumber

if TYPE_CHECKING:
    from dprox_core.proxfns.base import Objective

__all__ = ["Constraint", "at_least", "at_most", "equal"]


class Constraint(NoNumber):
    """A condition that a solution must meet, for the ``constraints`` of a ``Problem``.

    Made by comparing expressions: ``x >= 0``, ``A @ x <= b``, ``A @ x == b``, and both limits at
    once as ``0 <= x <= 1``.

    Args:
        expression: lower ≤ expression ≤ upper, element by element.
        lower: a constant that broadcasts to it; None for none.
        upper: likewise.
        text: as written.
        name: by which its duals are found.

    Raises:
        ShapeError: a bound does not broadcast to the expression.

    Example:
        >>> import dprox_core as dp
        >>> x = dp.Variable("x", shape=(3,))
        >>> (0 <= x <= 1).named("box")
        <constraint box: 0 <= x <= 1>
    """

    def __init__(
        self,
        expression: Expression,
        lower: Expression | None,
        upper: Expression | None,
        text: str,
        name: str | None = None,
    ) -> None:
        self.expression = expression
        self.lower = lower
        self.upper = upper
        self.name = name
        self._text = text
        self._sides: tuple[Expression, ...] = (expression,)
        for bound in (lower, upper):
            if bound is None or bound.shape is None or expression.shape is None:
                continue
            if not broadcasts_into(bound.shape, expression.shape):
                raise ShapeError(
                    f"{text}: {expression.describe()} has shape {expression.shape}, and "
                    f"{bound.describe()} has shape {bound.shape}, which does not broadcast to it.",
                    expected=expression.shape,
                    got=bound.shape,
                    where=text,
                )

    is_what = "it is a condition, which a solution meets"
    number_from = "give it to a Problem"
    items_from = "give it to a Problem"
    algebra = "several conditions are a list, Problem(objective, [x >= 0, A @ x == b])"

    def named(self, name: str) -> Constraint:
        """The same constraint under a name, by which ``result.duals`` knows it."""
        return Constraint(self.expression, self.lower, self.upper, self._text, name)

    @property
    def is_equality(self) -> bool:
        """Whether both limits are the same."""
        return self.lower is not None and self.lower is self.upper

    @property
    def indicator(self) -> Objective:
        """The same as a term of an objective: zero where it holds, infinity elsewhere."""

        found = self._indicator()
        condition = self._text
        if self.expression.describe() not in condition:
            # Written with unknowns on both sides, which are now on one.
            sign = "==" if self.is_equality else "<=" if self.lower is None else ">="
            condition = f"{self.expression.describe()} {sign} 0"
        return found.written_as(condition)

    def _indicator(self) -> Objective:
        from dprox_core.proxfns.indicators import box, nonneg
        from dprox_core.proxfns.sets import equal as equal_to

        lower, upper = self.lower, self.upper
        if self.is_equality and (self.expression.is_complex or lower is None or lower.is_complex):
            return equal_to(self.expression, lower)
        if upper is None and isinstance(lower, Constant) and lower.is_number and not lower.tensor:
            return nonneg(self.expression)
        return box(
            self.expression,
            -math.inf if lower is None else lower,
            math.inf if upper is None else upper,
        )

    def describe(self) -> str:
        """The condition as written."""
        return self._text

    def __repr__(self) -> str:
        return (
            f"<constraint {self.name}: {self._text}>" if self.name else f"<constraint {self._text}>"
        )

    def __le__(self, upper: object) -> Constraint:
        """``(0 <= x) <= 1``."""
        return _both(self, at_most(self.expression, upper))

    def __ge__(self, lower: object) -> Constraint:
        """``(1 >= x) >= 0``."""
        return _both(self, at_least(self.expression, lower))

    def _no_algebra(self, other: object) -> NoReturn:
        self._refuse(f"(…) beside {other}", self.algebra)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _no_algebra
    __and__ = __rand__ = __or__ = __ror__ = _no_algebra

    def __bool__(self) -> bool:
        # Python reads 0 <= x <= 1 as (0 <= x) and (x <= 1): only there the first half is true, and
        # is kept for the second, which follows at once.
        frame = sys._getframe(1)
        if not _in_a_chain(frame):
            raise ParameterError(
                f"The constraint {self._text} has no truth value: it holds for a solution, not "
                "for an expression. Give it to a Problem.",
                where=self._text,
            )
        _HALVES.held = [*_pending(frame), (self, frame)]
        return True


class _Halves(threading.local):
    """The first halves of chains that are being evaluated, and where: chains may nest."""

    def __init__(self) -> None:
        self.held: list[tuple[Constraint, FrameType]] = []


_HALVES = _Halves()


def _in_a_chain(frame: FrameType) -> bool:
    """Whether a frame is between the two comparisons of a chain such as 0 <= x <= 1.

    There, and only there, the compiler keeps the middle operand: it swaps and copies it before
    it compares.
    """
    done = [i.opname for i in dis.get_instructions(frame.f_code) if i.offset <= frame.f_lasti]
    last = max((i for i, name in enumerate(done) if name == "COMPARE_OP"), default=0)
    return len(done) - last <= 4 and done[max(last - 2, 0) : last] == ["SWAP", "COPY"]


def _chained(new: Constraint, sides: tuple[Expression, ...], frame: FrameType) -> Constraint:
    """The whole of a chain, where its first half was asked for its truth; else the constraint.

    Both halves of a chain compare its middle, which tells the second half from comparisons within
    its last part.

    Args:
        new: the constraint.
        sides: the expressions that it compares.
        frame: where it is written.
    """
    new._sides = sides
    for index, (half, where) in enumerate(_HALVES.held):
        if where is frame and any(one is other for one in half._sides for other in sides):
            del _HALVES.held[index:]
            return _both(half, new)
    return new


def _pending(frame: FrameType) -> list[tuple[Constraint, FrameType]]:
    """The halves whose chains still go on: those of a frame and of its callers."""
    callers = {frame}
    while frame.f_back is not None:
        frame = frame.f_back
        callers.add(frame)
    return [half for half in _HALVES.held if half[1] in callers]


def _both(first: Constraint, second: Constraint) -> Constraint:
    """Both limits on one expression."""
    if first.expression is not second.expression or any(
        a is not None and b is not None
        for a, b in ((first.lower, second.lower), (first.upper, second.upper))
    ):
        raise ParameterError(
            f"{first.describe()} and {second.describe()} are no lower and upper limit of one "
            "expression: write two constraints.",
            where=first.describe(),
        )
    lower = second.lower if first.lower is None else first.lower
    upper = second.upper if first.upper is None else first.upper
    assert lower is not None
    assert upper is not None
    text = f"{lower.describe()} <= {first.expression.describe()} <= {upper.describe()}"
    return Constraint(first.expression, lower, upper, text)


def at_least(expression: Expression, bound: object) -> Constraint:
    """expression ≥ bound, for every element."""
    return _limited(expression, ">=", bound)


def at_most(expression: Expression, bound: object) -> Constraint:
    """expression ≤ bound, for every element."""
    return _limited(expression, "<=", bound)


def equal(expression: Expression, value: object) -> Constraint:
    """expression = value, for every element."""
    return _limited(expression, "==", value)


def _limited(left: Expression, sign: str, right: object) -> Constraint:
    """What an operator of the class of expressions is asked for, three frames below the user's."""
    side, what = _SIDES[sign]
    given = as_expression(right, side, what.format(left.describe()))
    text = f"{left.describe()} {sign} {given.describe()}"
    inner, limit = left, given
    if not given.is_constant:
        if left.is_constant:
            inner, limit, sign = given, left, _REVERSED[sign]
        else:
            inner, limit = left - given, as_expression(0.0)
    lower, upper = (None if sign == other else limit for other in ("<=", ">="))
    return _chained(Constraint(inner, lower, upper, text), (left, given), sys._getframe(3))


_REVERSED = {">=": "<=", "<=": ">=", "==": "=="}
# What a limit goes by, and how it is named where it is none.
_SIDES = {
    ">=": ("lower", "The lower bound of {}"),
    "<=": ("upper", "The upper bound of {}"),
    "==": ("b", "What {} equals"),
}
