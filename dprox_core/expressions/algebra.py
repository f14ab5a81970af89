"""Nodes of the algebra: sums, scalings, and a linear operator applied to an expression."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.affine import Affine, dense
from dprox_core.expressions.base import (
    Expression,
    Shape,
    as_expression,
    broadcasts_into,
    shape_text,
)
from dprox_core.expressions.leaves import Constant, Placeholder, Variable
from dprox_core.linops.algebra import Scale
from dprox_core.linops.reducing import BroadcastTo

if TYPE_CHECKING:
    from dprox_core.expressions.binding import Binding
    from dprox_core.linops.base import LinOp

__all__ = [
    "Add",
    "Apply",
    "add",
    "apply",
    "difference",
    "divide",
    "multiply",
    "product",
    "scale",
    "subtract",
]


class Apply(Expression):
    """A linear operator applied to an expression.

    Args:
        operator: the class of the operator.
        argument: what it is applied to.
        operands: the operator's own data (a kernel, a mask), constant expressions.
        options: the operator's settings.
    """

    def __init__(
        self,
        operator: type[LinOp],
        argument: Expression,
        operands: tuple[Expression, ...] = (),
        **options: Any,
    ) -> None:
        for name, operand in zip(operator.operand_names, operands, strict=True):
            if not operand.is_constant:
                raise ParameterError(
                    f"{operator.name}: the {name} must be data, but {operand.describe()} depends "
                    f"on {operand.variables[0].name}; products of unknowns are not convex.",
                    expected="a tensor or a placeholder",
                    got=operand.describe(),
                    where=name,
                )
            if operand.shape is not None and 0 in operand.shape:
                raise ShapeError(
                    f"{operator.name}: {operand.describe()} of shape {operand.shape} has no "
                    "elements.",
                    expected="at least one element along each axis",
                    got=operand.shape,
                    where=operand.describe(),
                )
        self.operator = operator
        self.argument = argument
        self.operands = operands
        self.options = options
        self._open = _is_open(self)
        self._shape = operator.infer(argument, operands, **options)
        # Remembered, because a sum of sums would ask again and again; a placeholder may change it.
        self._complex: bool | None = None
        if not _has_placeholder(self):
            self._complex = operator.is_complex_for(argument, operands, **options)

    @property
    def shape(self) -> Shape | None:  # type: ignore[override]
        """The operator's rule, applied again where a placeholder may change its shape."""
        if self._open:
            return self.operator.infer(self.argument, self.operands, **self.options)
        return self._shape

    @property
    def is_complex(self) -> bool:  # type: ignore[override]
        """What the operator says."""
        if self._complex is not None:
            return self._complex
        return self.operator.is_complex_for(self.argument, self.operands, **self.options)

    @property
    def children(self) -> tuple[Expression, ...]:
        """The argument, then the operands."""
        return (self.argument, *self.operands)

    def held_tensors(self) -> tuple[torch.Tensor, ...]:
        """Those in the operator's settings."""
        return self.operator.held_tensors(**self.options)

    def describe(self) -> str:
        """As written: ``conv(x, kernel)``."""
        return self.operator.describe_call(
            self.argument.describe(), [o.describe() for o in self.operands], self.options
        )

    def affine(self, binding: Binding) -> Affine:
        """The argument's map, followed by the operator."""
        inner = binding.affine(self.argument)
        return inner.through(binding.operator(self))


class Add(Expression):
    """The sum of two expressions of one shape.

    A constant may broadcast into the other's, and so may what is one number, or one sample beside
    a batch.
    """

    def __init__(self, left: Expression, right: Expression) -> None:
        self.left = left
        self.right = right
        self._open = _is_open(self)
        self._shape = _sum_shape(left, right)
        self._complex: bool | None = None
        if not _has_placeholder(self):
            self._complex = left.is_complex or right.is_complex

    @property
    def shape(self) -> Shape | None:  # type: ignore[override]
        """The summands' shape, known once theirs are."""
        return _sum_shape(self.left, self.right) if self._open else self._shape

    @property
    def is_complex(self) -> bool:  # type: ignore[override]
        """Whether either summand is complex."""
        if self._complex is not None:
            return self._complex
        return self.left.is_complex or self.right.is_complex

    @property
    def children(self) -> tuple[Expression, ...]:
        """Both summands."""
        return (self.left, self.right)

    def describe(self) -> str:
        """As written, with a minus where the right side is negated."""
        right = self.right
        if isinstance(right, Apply) and right.operator is Scale and _is_minus_one(right):
            inner = right.argument.describe()
            if isinstance(right.argument, Add):
                inner = f"({inner})"
            return f"{self.left.describe()} - {inner}"
        return f"{self.left.describe()} + {right.describe()}"

    def affine(self, binding: Binding) -> Affine:
        """The sum of both maps, a constant part widened to the full shape."""
        # A placeholder's shape may have been open when the sum was written.
        shape = _sum_shape(self.left, self.right)
        left, right = (_widened(side, shape) for side in (self.left, self.right))
        result = binding.affine(left).plus(binding.affine(right))
        if result.offset is not None and shape is not None and tuple(result.offset.shape) != shape:
            return Affine(result.operators, result.offset.expand(shape))
        return result


def _is_open(node: Expression) -> bool:
    """Whether the shape may still change, with the value of a placeholder without a type."""
    return any(
        child._open
        if isinstance(child, (Apply, Add))
        else isinstance(child, Placeholder) and not child.is_typed
        for child in node.children
    )


def _has_placeholder(node: Expression) -> bool:
    return any(
        child._complex is None
        if isinstance(child, (Apply, Add))
        else not isinstance(child, (Constant, Variable))
        for child in node.children
    )


def _is_minus_one(node: Apply) -> bool:
    factor = node.operands[0]
    return isinstance(factor, Constant) and factor.is_number and factor.tensor.item() == -1.0


def _sum_shape(left: Expression, right: Expression, sign: str = "+") -> Shape | None:
    a, b = left.shape, right.shape
    if a is None or b is None:
        # An open placeholder takes the shape of what it is added to.
        known = b if a is None else a
        open_side = left if a is None else right
        return known if open_side.is_constant else None
    if a == b:
        return a
    if _fills(right, b, a):
        return a
    if _fills(left, a, b):
        return b
    raise ShapeError(
        f"{left.describe()} has shape {shape_text(a)} and {right.describe()} has shape "
        f"{shape_text(b)}: they cannot be {'added' if sign == '+' else 'subtracted'}. Give both "
        "the same shape; broadcast_to repeats values.",
        expected=a,
        got=b,
        where=f"{left.describe()} {sign} {right.describe()}",
    )


def _fills(smaller: Expression, shape: Shape, target: Shape) -> bool:
    """Whether a summand is repeated to fill the other's shape.

    Unknowns are so only where nobody means anything else: a grey unknown beside colour data is
    more often a mistake.
    """
    if not broadcasts_into(shape, target):
        return False
    one_sample = len(shape) == len(target) >= 3 and shape[1:] == target[1:]
    return smaller.is_constant or math.prod(shape) == 1 or one_sample


def _widened(summand: Expression, shape: Shape | None) -> Expression:
    """An unknown summand repeated to fill a shape; constants widen by themselves."""
    if summand.is_constant or shape is None or summand.shape == shape:
        return summand
    return Apply(BroadcastTo, summand, shape=shape)


def apply(
    operator: type[LinOp], argument: object, operands: tuple[object, ...] = (), **options: Any
) -> Any:
    """An operator on an expression gives an expression; on a tensor, the tensor it evaluates to."""
    given = tuple(
        as_expression(operand, role, f"{operator.name}: {role}")
        for role, operand in zip(operator.operand_names, operands, strict=True)
    )
    if isinstance(argument, Expression):
        return Apply(operator, argument, given, **options)
    from dprox_core.expressions.binding import evaluate

    if isinstance(argument, torch.Tensor):
        argument = dense(argument)
    return evaluate(
        Apply(
            operator,
            as_expression(argument, "image", f"What {operator.name} takes"),
            given,
            **options,
        )
    )


def add(left: object, right: object) -> Expression:
    """left + right."""
    one, other = _summands(left, right, "+")
    if isinstance(one, Constant) and one.is_number and one.tensor.item() == 0:
        return other  # the start of Python's sum([...])
    return Add(one, other)


def subtract(left: object, right: object) -> Expression:
    """left − right."""
    minuend, subtrahend = _summands(left, right, "-")
    # Before the sign is put in front, so that an error names what was written.
    _sum_shape(minuend, subtrahend, "-")
    return Add(minuend, scale(-1.0, subtrahend))


def difference(left: object, right: object) -> Any:
    """left − right: an expression where either is one, else the tensor."""
    found = subtract(left, right)
    if isinstance(left, Expression) or isinstance(right, Expression):
        return found
    from dprox_core.expressions.binding import evaluate

    return evaluate(found)


def _summands(left: object, right: object, sign: str) -> tuple[Expression, Expression]:
    def text(side: object) -> str:
        return side.describe() if isinstance(side, Expression) else "…"

    def what() -> str:
        return f"In {text(left)} {sign} {text(right)} the other side"

    return as_expression(left, what=what), as_expression(right, what=what)


def scale(factor: object, argument: Expression) -> Expression:
    """factor · argument, for a number, a tensor of one element or such a placeholder.

    Raises:
        ParameterError: the number is NaN or infinite.
    """
    held = as_expression(factor, "factor", lambda: f"The factor of {argument.describe()}")
    if not held.is_constant:
        raise ParameterError(
            f"{argument.describe()} * {held.describe()}: one of both must be data; products of "
            "unknowns are not convex.",
            expected="a number or a tensor",
            got=held.describe(),
            where=f"{argument.describe()} * {held.describe()}",
        )
    if isinstance(held, Constant) and held.is_number and not cmath.isfinite(held.tensor.item()):
        raise ParameterError(
            f"{argument.describe()} is multiplied by {held.describe()}: give a finite number.",
            expected="a finite number",
            got=held.describe(),
            where=argument.describe(),
        )
    return Apply(Scale, argument, (held,))


def multiply(expression: Expression, other: object) -> Expression:
    """The product of an expression with a scalar, or of an unknown number with data."""
    other_expression = as_expression(
        other, "factor", lambda: f"The factor of {expression.describe()}"
    )
    if not other_expression.is_constant and expression.is_constant:
        expression, other_expression = other_expression, expression
    one, many = expression.shape, other_expression.shape
    if (
        one is not None
        and many is not None
        and other_expression.is_constant
        and math.prod(one) == 1 < math.prod(many)
        and len(one) <= len(many)
    ):
        from dprox_core.linops.sampling import MulElementwise

        repeated = Apply(BroadcastTo, expression, shape=many)
        return Apply(MulElementwise, repeated, (other_expression,))
    return scale(other_expression, expression)


def product(left: object, right: object) -> Expression:
    """left @ right, one of them data: a matrix times a vector or, column by column, a matrix."""
    from dprox_core.linops.matrix import Matrix

    one, other = (as_expression(side, "M", "A side of @") for side in (left, right))
    if not one.is_constant and not other.is_constant:
        raise ParameterError(
            f"{one.describe()} @ {other.describe()}: one of both must be data; products of "
            "unknowns are not convex.",
            expected="a matrix",
            got=other.describe(),
            where=other.describe(),
        )
    if one.is_constant:
        axis = -1 if other.ndim == 1 else -2
        return Apply(Matrix, other, (one,), axis=axis, product=True)
    from dprox_core.linops.shaping import Permute

    return Apply(Matrix, one, (Apply(Permute, other, axes=(1, 0)) if other.ndim == 2 else other,))


def divide(expression: Expression, divisor: object) -> Expression:
    """An expression divided by a number or a tensor of one element."""
    if isinstance(divisor, (torch.Tensor, np.ndarray)):
        return scale(1.0 / torch.as_tensor(divisor), expression)
    if not isinstance(divisor, (int, float, complex, np.number)):
        raise ParameterError(
            f"{expression.describe()} / {divisor!s:.60}: an expression is divided by a number; "
            "multiply it by a tensor or a placeholder of one element.",
            expected="a number",
            got=str(divisor),
            where=expression.describe(),
        )
    if divisor == 0:
        raise ParameterError(
            f"{expression.describe()} is divided by zero.",
            expected="a number other than 0",
            got=0,
            where=expression.describe(),
        )
    return scale(1.0 / divisor, expression)
