"""Placeholders, and parameters out of their range."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.checks.context import Context, NodeRule, listing
from nodes.commands import DropParameter, Macro, RemoveNodes, SetParameter
from nodes.document import Node
from nodes.issues import Fix, Issue
from nodes.parameter import Json, Parameter
from nodes.spec import NodeSpec

__all__ = ["check_placeholders", "check_values"]


@NodeRule
def check_placeholders(context: Context, node: Node) -> Iterator[Issue]:
    """Nodes of a type that this version does not know."""
    if node.is_placeholder:
        newer = f" in version {node.version}" if node.version != 1 else ""
        yield Issue(
            "error",
            node.id,
            f'{node.name} is of a type that this version does not know ("{node.type}"{newer}). '
            "It is kept as it is: open the file with the version that made it, or remove the node.",
            "unknown-type",
            fixes=(Fix(f"Remove {node.name}", RemoveNodes((node.id,))),),
        )


@NodeRule
def check_values(context: Context, node: Node) -> Iterator[Issue]:
    """Values out of range, of the wrong kind, or without effect; parameters nobody reads."""
    spec = context.analysis.specs.get(node.id)
    if spec is not None:
        values = context.analysis.values[node.id]
        for parameter in spec.parameters:
            problem = parameter.validate(values[parameter.name])
            if problem:
                yield context.error(
                    node.id,
                    f"{node.name}: {problem}.",
                    "bad-value",
                    parameter=parameter.name,
                    fixes=_mend(node, parameter, values[parameter.name]),
                )
        yield from _unknown(node, spec)
        yield from _without_effect(context, node)


def _mend(node: Node, parameter: Parameter, value: Json) -> tuple[Fix, ...]:
    found: list[Json] = []
    near = parameter.nearest(value)
    if near is not None:
        found.append(near)
    if parameter.default not in found and parameter.validate(parameter.default) is None:
        found.append(parameter.default)
    return tuple(
        Fix(
            f"Set {parameter.title} to {parameter.show(right)}",
            SetParameter(node.id, parameter.name, right),
        )
        for right in found
    )


def _unknown(node: Node, spec: NodeSpec) -> Iterator[Issue]:
    for name in node.parameters:
        if spec.parameter(name) is None:
            yield Issue(
                "warning",
                node.id,
                f'{node.name} holds a parameter "{name}" that this version does not know: it is '
                "kept in the file, and has no effect here.",
                "unknown-parameter",
                parameter=name,
                fixes=(Fix(f'Remove "{name}"', DropParameter(node.id, name)),),
            )


def _without_effect(context: Context, node: Node) -> Iterator[Issue]:
    values = context.analysis.values[node.id]
    weight = values.get("weight")
    if weight == 0 and not isinstance(weight, bool):
        yield Issue(
            "warning",
            node.id,
            f"{node.name} has weight 0, so it has no effect: raise the weight, or remove the node.",
            "no-effect",
            parameter="weight",
        )
    lower, upper = values.get("lower"), values.get("upper")
    if isinstance(lower, int | float) and isinstance(upper, int | float) and lower > upper:
        names = listing(p.title for p in node.spec.parameters) if node.spec else "its bounds"
        yield context.error(
            node.id,
            f"{node.name}: the lowest value {lower:g} is above the highest value {upper:g}, so "
            f"nothing can satisfy it: exchange {names}.",
            "empty-box",
            parameter="lower",
            fixes=(Fix("Exchange the bounds", _exchange(node, lower, upper)),),
        )


def _exchange(node: Node, lower: float, upper: float) -> Macro:
    return Macro(
        "Exchange the bounds",
        (SetParameter(node.id, "lower", upper), SetParameter(node.id, "upper", lower)),
    )
