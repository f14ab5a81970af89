"""Numbers as people type them: ``1/255``, ``2*pi``, ``3e-2*sqrt(2)``. Parsed, never executed."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable

__all__ = ["evaluate"]

_LONGEST = 200
_NOT_DECIMAL = re.compile(r"\b0[xob]", re.IGNORECASE)
_NAMES = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau}
_CALLS: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "abs": abs,
    "radians": math.radians,
    "degrees": math.degrees,
}
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}


def evaluate(text: str) -> float | None:
    """The value of an arithmetic expression; None if it is none, or has no finite value.

    Example:
        >>> evaluate("1/4 + sqrt(9)"), evaluate("2^3"), evaluate("photo")
        (3.25, 8.0, None)
    """
    if len(text) > _LONGEST or _NOT_DECIMAL.search(text):
        return None
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval")
        value = float(_value(tree.body))
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None
    return value if math.isfinite(value) else None


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value) if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        case ast.Name(name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(_, ast.UnaryOp()):
            raise ValueError("two signs are a slip of the hand")
        case ast.UnaryOp(ast.USub(), operand):
            return -_value(operand)
        case ast.UnaryOp(ast.UAdd(), operand):
            return _value(operand)
        case ast.BinOp(left, operation, right) if type(operation) in _BINARY:
            return _BINARY[type(operation)](_value(left), _value(right))
        case ast.Call(ast.Name(name), [argument], []) if name in _CALLS:
            return _CALLS[name](_value(argument))
    raise ValueError("not arithmetic")
