"""What a penalty is asked for that has no meaning, answered in words."""

from __future__ import annotations

from typing import Any, NoReturn

from dprox_core.errors import ParameterError
from dprox_core.expressions.refusals import NoNumber

__all__ = ["Refusals"]

# The set of points at which a function is at most r.
_BALLS = {"norm1": "l1_ball", "norm2": "l2_ball", "norm_inf": "linf_ball"}


class Refusals(NoNumber):
    """Powers, comparisons and products of penalties, each refused with what to write instead."""

    is_what = "it is a penalty, a function of what a solve finds"
    number_from = "its value at a point is Problem(…).value(point); penalties are added with +"
    items_from = "its summands are in .terms"
    algebra = "penalties are added, and scaled by numbers"

    def describe(self) -> str:
        """The sum as a user writes it."""
        raise NotImplementedError

    def __pow__(self, power: object) -> NoReturn:
        raise ParameterError(
            f"({self.describe()}) ** {power}: penalties are added and scaled by numbers; a sum of "
            "squares is sum_squares(e).",
            expected="a sum of penalties",
            got="a power",
            where=self.describe(),
        )

    def __rtruediv__(self, dividend: object) -> NoReturn:
        self._refuse(f"{dividend} / (…)", self.algebra)

    def __le__(self, bound: object) -> NoReturn:
        raise ParameterError(
            f"{self.describe()} is compared: conditions are on expressions, not on "
            f"penalties{self._set()}",
            expected="an expression",
            got="a penalty",
            where=self.describe(),
        )

    __lt__ = __ge__ = __gt__ = __le__

    def _set(self) -> str:
        """The set to write instead, where there is one."""
        terms: tuple[Any, ...] = getattr(self, "terms", ())
        if len(terms) != 1:
            return "; sets such as l2_ball(e, r) bound a norm."
        function, argument = terms[0].function.name, terms[0].expression.describe()
        if function == "sum_squares":
            return f"; ‖e‖² ≤ r is l2_ball({argument}, r ** 0.5)."
        ball = _BALLS.get(function)
        return f"; write {ball}({argument}, r)." if ball else "; sets such as l2_ball bound a norm."

    def _refuse_product(self, other: Refusals) -> NoReturn:
        raise ParameterError(
            f"({self.describe()}) * ({other.describe()}): penalties are added, and scaled by "
            "numbers.",
            expected="a number",
            got="a penalty",
            where=self.describe(),
        )

    @classmethod
    def __torch_function__(
        cls, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """A tensor of one element on the left: ``weight * penalty``."""
        name = getattr(func, "__name__", "").strip("_")
        if name not in ("mul", "rmul") or len(args) != 2 or kwargs:
            what = f"torch.{name} does not take a penalty: add them, or scale them by numbers."
            if name in ("add", "radd", "sub", "rsub"):
                what = "Numbers beside penalties change no minimizer: leave them out."
            raise ParameterError(what, got=name)
        left, right = args
        return right * left if isinstance(right, Refusals) else left * right
