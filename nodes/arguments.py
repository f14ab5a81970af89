"""The arguments of a call in a script → the ports and parameters of a node."""

from __future__ import annotations

import ast

from nodes.grammars import GRAMMARS
from nodes.literals import choice_of, is_none, literal_of, refusal, short
from nodes.parameter import Json, Parameter
from nodes.spec import Form, NodeSpec, Port

__all__ = ["arguments", "parameter_of"]

# What of a parameter a call does not hold: a factor in front, a file's name, an index behind.
_OUTSIDE = ("weight", "label", "piece")


def arguments(call: ast.Call, spec: NodeSpec) -> tuple[dict[str, ast.expr], dict[str, Json]]:
    """The arguments of a call, sorted into ports (by port name) and parameters."""
    ports: dict[str, ast.expr] = {}
    parameters: dict[str, Json] = {}
    order: list[Port | Parameter | str] = [*spec.inputs]
    order += [p for p in spec.parameters if p.name not in _OUTSIDE]
    if spec.form is Form.VARIABLE:
        order.insert(0, "name")
    elif spec.form is Form.VIEW:
        order.insert(0, "path")
    slots = {slot if isinstance(slot, str) else _argument(slot): slot for slot in order}
    if len(call.args) > len(order):
        raise refusal(f"{spec.function} takes at most {len(order)} arguments.", call)
    given = list(zip(order, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg not in slots:
            known = ", ".join(slots)
            raise refusal(
                f"{spec.function} has no argument {keyword.arg or '**'} that a node could "
                f"hold; there are {known}.",
                call,
            )
        given.append((slots[keyword.arg], keyword.value))
    for slot, expression in given:
        if isinstance(slot, Parameter):
            parameters[slot.name] = parameter_of(slot, expression)
        else:
            ports[slot if isinstance(slot, str) else slot.name] = expression
    return ports, parameters


def parameter_of(parameter: Parameter, expression: ast.expr) -> Json:
    """The value of a parameter for which a script writes an expression.

    Raises:
        ImportScriptError: it is nothing that the parameter can hold.
    """
    if not parameter.grammar:
        return choice_of(parameter, literal_of(expression, parameter.name), expression)
    grammar = GRAMMARS[parameter.grammar]
    text = None if is_none(expression) else grammar.text(expression)
    if text is None and not (parameter.optional and is_none(expression)):
        raise refusal(
            f"{parameter.name} takes {grammar.values}, not “{short(expression)}”.", expression
        )
    return text


def _argument(slot: Port | Parameter) -> str:
    """What the library calls the argument behind a port or a parameter."""
    if isinstance(slot, Port):
        return slot.keyword or slot.attribute or slot.name
    return slot.name
