"""Problems with several unknowns: which one is meant where one is needed."""

from __future__ import annotations

from collections.abc import Iterator

from nodes.checks.context import Context, NodeRule, listing
from nodes.commands import AddNode, Connect, Disconnect, Macro, new_node
from nodes.document import Node, Wire
from nodes.issues import Fix, Issue
from nodes.spec import Form, PortType

__all__ = ["check_unknowns"]


@NodeRule
def check_unknowns(context: Context, node: Node) -> Iterator[Issue]:
    """A solution of several unknowns where one picture is taken, and starts for several."""
    analysis, document = context.analysis, context.document
    spec = analysis.specs.get(node.id)
    if spec is not None:
        if spec.form is Form.RECOVERED:
            yield from _check_choice(context, node)
        elif spec.form is Form.SOLVE:
            unknowns = analysis.variables.get(node.id, frozenset())
            for port in ("x0", "truth"):
                if len(unknowns) > 1 and analysis.wire(node.id, port) is not None:
                    title = next(p.title for p in spec.inputs if p.name == port)
                    yield context.error(
                        node.id,
                        f"{node.name}: its input “{title}” is of one unknown, and there are "
                        f"several ({_names(context, unknowns)}): take the wire out.",
                        "several-variables",
                        port=port,
                        fixes=tuple(
                            Fix("Take out the wire", Disconnect(*wire.ends))
                            for wire in document.wires_into(node.id, port)
                        ),
                    )
        for wire in document.wires_into(node.id):
            yield from _check_wire(context, node, wire)


def _check_wire(context: Context, node: Node, wire: Wire) -> Iterator[Issue]:
    analysis = context.analysis
    port = analysis.specs[node.id].input(wire.input)
    unknowns = analysis.variables.get(wire.source, frozenset())
    if analysis.carried(wire) is not PortType.SOLUTION or len(unknowns) < 2:
        return
    if port is None or port.type is PortType.SOLUTION:
        return
    name = context.document.node(wire.source).name
    yield context.error(
        node.id,
        f"{node.name}: {name} holds several unknowns ({_names(context, unknowns)}): put a “One "
        "unknown” node in between, which says which is meant.",
        "several-variables",
        port=port.name,
        fixes=tuple(
            Fix(f"Take {variable.name}", _take(context, wire, variable))
            for variable in context.document.nodes
            if variable.id in unknowns
        ),
    )


def _check_choice(context: Context, node: Node) -> Iterator[Issue]:
    """Whether the unknown that is asked for is one that was solved for."""
    analysis = context.analysis
    solver = analysis.source(node.id, "solution")
    variable = analysis.source(node.id, "variable")
    if solver is None or variable is None:
        return
    unknowns = analysis.variables.get(solver.id, frozenset())
    spec = analysis.specs.get(variable.id)
    if spec is not None and spec.form is not Form.VARIABLE:
        yield context.error(
            node.id,
            f"{node.name}: {variable.name} is no variable: wire the variable itself into it.",
            "no-variable",
            port="variable",
        )
    elif unknowns and variable.id not in unknowns:
        yield context.error(
            node.id,
            f"{node.name}: {variable.name} is none of the unknowns that {solver.name} was solved "
            f"for ({_names(context, unknowns)}).",
            "no-variable",
            port="variable",
        )


def _take(context: Context, wire: Wire, variable: Node) -> Macro:
    """The node that says which unknown is meant, put into a wire."""
    begin, end = context.document.node(wire.source), context.document.node(wire.target)
    middle = ((begin.position[0] + end.position[0]) / 2, end.position[1] + 60)
    chosen = new_node(context.document, "recovered", position=middle)
    assert variable.spec is not None
    return Macro(
        f"Take {variable.name}",
        (
            Disconnect(*wire.ends),
            AddNode(chosen),
            Connect(begin.id, wire.output, chosen.id, "solution"),
            Connect(variable.id, variable.spec.outputs[0].name, chosen.id, "variable"),
            Connect(chosen.id, "image", end.id, wire.input),
        ),
    )


def _names(context: Context, unknowns: frozenset[str]) -> str:
    return listing(node.name for node in context.document.nodes if node.id in unknowns)
