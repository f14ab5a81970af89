"""The tree a user writes: variables, constants, placeholders and the algebra over them.

An expression is affine in the variables. It knows its shape and whether its values are complex;
numbers are looked at only when a problem is compiled (``binding.py``), so that placeholders keep
their place until then. A new kind of node implements ``children``, ``describe`` and ``affine``
(and ``evaluate`` where it may be constant) and nothing else changes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.refusals import NoNumber

if TYPE_CHECKING:
    from dprox_core.expressions.affine import Affine
    from dprox_core.expressions.binding import Binding
    from dprox_core.expressions.constraints import Constraint

__all__ = ["Expression", "Shape", "as_expression", "shape_text"]

Shape = tuple[int, ...]


def shape_text(shape: Shape | None) -> str:
    """A shape for a sentence: ``(1, 3, 64, 64)``, or words when it is not known yet."""
    return "of a shape not known yet" if shape is None else str(tuple(shape))


class Expression(NoNumber, ABC):
    """Something affine in the variables, with a shape.

    Attributes:
        shape: the shape of its value, None while a placeholder leaves it open.
        is_complex: whether its values are complex.
    """

    shape: Shape | None
    is_complex: bool

    is_what = "it is an expression, which stands for values that a solve finds"
    number_from = "after result = problem.solve() they are result[x]; conditions go into a Problem"
    items_from = "its size is in .shape, and a part of it is x[..., 0] or one of split(x, sizes)"
    algebra = "only +, −, *, / and @ have a meaning"

    # numpy then leaves `array - expression` to this class instead of looping over elements.
    __array_ufunc__ = None

    @property
    @abstractmethod
    def children(self) -> tuple[Expression, ...]:
        """The expressions this one is made of, operands included."""

    @abstractmethod
    def describe(self) -> str:
        """The expression as its user would write it."""

    @abstractmethod
    def affine(self, binding: Binding) -> Affine:
        """The expression as linear operators on variables plus an offset, with numbers put in."""

    def evaluate(self, binding: Binding) -> torch.Tensor:
        """The value of a constant expression."""
        offset = self.affine(binding).offset
        assert offset is not None, "only constant expressions are evaluated"
        return offset

    def held_tensors(self) -> tuple[torch.Tensor, ...]:
        """Tensors in its settings that are no expressions: those of learned operators."""
        return ()

    def walk(self) -> Iterator[Expression]:
        """This expression and all below it, each node once, children first."""
        seen: set[int] = set()
        stack: list[tuple[Expression, bool]] = [(self, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                yield node
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(node.children))

    @property
    def variables(self) -> tuple[Any, ...]:
        """The variables it depends on, in the order of first appearance."""
        from dprox_core.expressions.leaves import Variable

        return tuple(node for node in self.walk() if isinstance(node, Variable))

    @property
    def is_constant(self) -> bool:
        """Whether it depends on no variable."""
        return not self.variables

    @property
    def is_one_number(self) -> bool:
        """Whether its value is one real number, which can be minimized as it is."""
        return self.shape is not None and math.prod(self.shape) == 1 and not self.is_complex

    @property
    def ndim(self) -> int:
        """How many axes its value has."""
        if self.shape is None:
            raise ShapeError(
                f"The shape of {self.describe()} is not known yet: give the placeholder a shape "
                "or a value.",
                expected="a known shape",
                where=self.describe(),
            )
        return len(self.shape)

    def __str__(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        return f"<{self.describe()}: {shape_text(self.shape)}>"

    # Algebra. The node classes are imported late because they derive from this class.

    def __add__(self, other: object) -> Expression:
        from dprox_core.expressions.algebra import add
        from dprox_core.proxfns.base import Objective

        # Penalties know what a linear term beside them means.
        return NotImplemented if isinstance(other, Objective) else add(self, other)

    def __radd__(self, other: object) -> Expression:
        from dprox_core.expressions.algebra import add

        return add(other, self)

    def __sub__(self, other: object) -> Expression:
        from dprox_core.expressions.algebra import subtract

        return subtract(self, other)

    def __rsub__(self, other: object) -> Expression:
        from dprox_core.expressions.algebra import subtract

        return subtract(other, self)

    def __neg__(self) -> Expression:
        from dprox_core.expressions.algebra import scale

        return scale(-1.0, self)

    def __pos__(self) -> Expression:
        return self

    def __abs__(self) -> Expression:
        raise ParameterError(
            f"abs({self.describe()}): expressions are affine in the variables; for a sum of "
            f"magnitudes write norm1({self.describe()}).",
            expected="an affine expression",
            where=self.describe(),
        )

    def __mul__(self, factor: object) -> Any:
        from dprox_core.expressions.algebra import multiply
        from dprox_core.proxfns.base import Objective

        # A weight that is a placeholder: the penalty knows how to be scaled.
        return NotImplemented if isinstance(factor, Objective) else multiply(self, factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: object) -> Expression:
        from dprox_core.expressions.algebra import divide

        return divide(self, divisor)

    def __rtruediv__(self, dividend: object) -> Expression:
        raise ParameterError(
            f"{dividend} is divided by {self.describe()}: expressions are affine in the variables, "
            "and a quotient is not.",
            expected="an affine expression",
            where=self.describe(),
        )

    def __pow__(self, power: object) -> Expression:
        raise ParameterError(
            f"{self.describe()} ** {power}: expressions are affine in the variables; for a sum of "
            f"squares write sum_squares({self.describe()}).",
            expected="an affine expression",
            where=self.describe(),
        )

    def __matmul__(self, right: object) -> Expression:
        from dprox_core.expressions.algebra import product

        return product(self, right)

    def __rmatmul__(self, left: object) -> Expression:
        from dprox_core.expressions.algebra import product

        return product(left, self)

    def __getitem__(self, where: object) -> Expression:
        from dprox_core.linops.indexing import index

        return index(self, where)

    @property
    def T(self) -> Expression:
        """The last two axes swapped; a vector as it is."""
        from dprox_core.linops.shaping import transpose

        return transpose(self)

    def sum(self, axes: int | Sequence[int] | None = None, keepdim: bool = False) -> Expression:
        """The sum over some axes, or over all, as ``sum_over``."""
        from dprox_core.linops.reducing import sum_over

        return sum_over(self, axes, keepdim)

    def mean(self, axes: int | Sequence[int] | None = None, keepdim: bool = False) -> Expression:
        """The mean over some axes, or over all."""
        from dprox_core.linops.reducing import mean_over

        return mean_over(self, axes, keepdim)

    def __ge__(self, lower: object) -> Constraint:
        from dprox_core.expressions.constraints import at_least

        return at_least(self, lower)

    def __le__(self, upper: object) -> Constraint:
        from dprox_core.expressions.constraints import at_most

        return at_most(self, upper)

    def __lt__(self, upper: object) -> Constraint:
        self._refuse_strict("<")

    def __gt__(self, lower: object) -> Constraint:
        self._refuse_strict(">")

    def _refuse_strict(self, sign: str) -> NoReturn:
        raise ParameterError(
            f"{self.describe()} {sign} …: a strict inequality has no nearest point; write {sign}=.",
            where=self.describe(),
        )

    def __eq__(self, value: object) -> Constraint:  # type: ignore[override]
        from dprox_core.expressions.constraints import equal

        # A name is no value: whoever looks for a variable by either is told that they differ.
        return NotImplemented if isinstance(value, str) or value is None else equal(self, value)

    def __ne__(self, value: object) -> bool:
        if isinstance(value, str) or value is None:
            return True
        if isinstance(value, Expression) and value is self:
            return False
        raise ParameterError(
            f"{self.describe()} != …: what is unequal has no nearest point, so it is no condition; "
            "write <=, >= or ==.",
            where=self.describe(),
        )

    # Equality of expressions is a condition, so they are told apart by what they are.
    __hash__ = object.__hash__

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Algebra with a tensor on the left: ``b - x``, ``b + x``, ``b <= x``."""
        name = getattr(func, "__name__", "").strip("_")
        reflected = _REFLECTED.get(name)
        if reflected is None or len(args) != 2 or kwargs:
            raise ParameterError(
                f"torch.{name} does not take an expression: build expressions with +, −, * and "
                "the operators of dprox_core.",
                got=name,
            )
        left, right = args
        if isinstance(left, Expression):
            return NotImplemented
        return getattr(right, reflected)(left)


# What tensor ∘ expression becomes; torch names its operators in both forms.
_REFLECTED = {
    "add": "__radd__",
    "radd": "__add__",
    "sub": "__rsub__",
    "rsub": "__sub__",
    "mul": "__rmul__",
    "rmul": "__mul__",
    "matmul": "__rmatmul__",
    "rmatmul": "__matmul__",
    "lt": "__gt__",
    "gt": "__lt__",
    "le": "__ge__",
    "ge": "__le__",
    "eq": "__eq__",
}


def as_expression(value: object, role: str = "b", what: str | Callable[[], str] = "") -> Expression:
    """An expression as it is; numbers, tensors and arrays as constants.

    Args:
        value: what the user wrote.
        role: the name a constant goes by in descriptions, such as ``"kernel"``.
        what: how to name it where it is none of these, such as ``"conv: kernel"``, or what says so,
            where descriptions are long.

    Raises:
        ParameterError: the value is none of these.
    """
    from dprox_core.expressions.leaves import Constant

    if isinstance(value, Expression):
        return value
    if isinstance(value, (bool, int, float, complex, np.number, np.ndarray, torch.Tensor)):
        return Constant(value, role)
    if isinstance(value, (list, tuple)) or hasattr(value, "tocoo"):
        return Constant(value, role)
    name = (what() if callable(what) else what) or role
    raise ParameterError(
        f"{name} must be an expression, a tensor or a number, not "
        f"{type(value).__name__} {value!r:.60}.",
        expected="an expression, a tensor or a number",
        got=type(value).__name__,
        where=role,
    )


def broadcasts_into(shape: Shape, target: Shape) -> bool:
    """Whether a tensor of one shape broadcasts to another without enlarging that."""
    if len(shape) > len(target):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(target), strict=False))


def number_text(value: complex) -> str:
    """A number as a person writes it: 3, 0.01, 2.5e-07."""
    if isinstance(value, complex):
        return f"({value:g})"
    return (
        str(int(value))
        if math.isfinite(value) and value == int(value) and abs(value) < 1e6
        else f"{value:.6g}"
    )
