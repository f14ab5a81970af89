"""Literals of a script, and the refusal of what is none."""

from __future__ import annotations

import ast
import math

from nodes.errors import ImportScriptError
from nodes.parameter import Json, Parameter

__all__ = ["choice_of", "is_none", "literal_of", "number_of", "refusal", "short"]


def choice_of(parameter: Parameter, value: Json, place: ast.expr) -> Json:
    """The choice that a script's value stands for; other parameters keep their value."""
    if not parameter.literals:
        return value
    for choice, source in parameter.literals.items():
        meant = ast.literal_eval(source)
        if value == (list(meant) if isinstance(meant, tuple) else meant):
            return choice
    known = " or ".join(parameter.literals.values())
    raise refusal(f"a node takes {known} for {parameter.name}.", place)


def is_none(expression: ast.expr) -> bool:
    """Whether it is the literal None."""
    return isinstance(expression, ast.Constant) and expression.value is None


def number_of(expression: ast.expr) -> float | None:
    """The value of a literal number, negative ones included; None for anything else."""
    match expression:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = number_of(operand)
            return None if inner is None else -inner
    return None


def literal_of(expression: ast.expr, name: str) -> Json:
    """The value of a literal that a parameter can hold; a tuple becomes a list."""
    try:
        value = ast.literal_eval(expression)
    except (ValueError, TypeError, SyntaxError):
        raise refusal(
            f"{name} must be written as a number or a text, because a node holds no expression.",
            expression,
        ) from None
    if isinstance(value, tuple):
        value = list(value)
    plain = value is None or isinstance(value, bool | int | float | str | list)
    if not plain or (isinstance(value, float) and not math.isfinite(value)):
        raise refusal(f"{name} must be a finite number or a text.", expression)
    return value


def short(expression: ast.expr) -> str:
    """Its source text, cut to what fits in a sentence."""
    text = ast.unparse(expression)
    return text if len(text) <= 40 else text[:37] + "…"


def refusal(sentence: str, place: ast.expr) -> ImportScriptError:
    """The error to raise, with its line."""
    return ImportScriptError(sentence, place.lineno)
