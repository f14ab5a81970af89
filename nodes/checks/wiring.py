"""Inputs without a wire, wires that do not fit, and loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from nodes.checks.context import Context, NodeRule
from nodes.commands import Connect, Disconnect
from nodes.document import Document, Node, Wire
from nodes.issues import Fix, Issue
from nodes.spec import NodeSpec, Port, PortType
from nodes.types import misfit

__all__ = ["check_inputs", "check_loops", "check_wires"]

# More candidates than this are no suggestion but a list.
_CANDIDATES = 3

_NEEDS = {
    PortType.IMAGE: "an image: wire one",
    PortType.KERNEL: "a kernel: wire a kernel node",
    PortType.MASK: "a mask: wire a mask node",
    PortType.ARRAY: "numbers: wire an array file or typed numbers",
    PortType.MATRIX: "a matrix: wire a sparse matrix, an array file or typed numbers",
    PortType.EXPRESSION: "an expression: wire a variable or an operator",
    PortType.TERM: "at least one term: wire a penalty or a constraint",
    PortType.PROBLEM: "a problem: wire a problem node",
    PortType.SOLUTION: "a solution: wire a solver",
    PortType.PROGRAM: "a linear program: wire a node that makes or reads one",
    PortType.OPTIMUM: "an optimum: wire a linear program's solver",
}


def check_inputs(context: Context) -> Iterator[Issue]:
    """Required inputs that nothing is wired to, and single inputs with several wires."""
    document, analysis = context.document, context.analysis
    for node_id, spec in analysis.specs.items():
        # What could be wired where a wire is missing follows from the whole graph.
        if analysis.kept(node_id, "wired", partial(_is_wired, document, node_id, spec)):
            continue
        node = document.node(node_id)
        for port in spec.inputs:
            wires = document.wires_into(node_id, port.name)
            if not wires and not port.optional:
                needs = _NEEDS[port.type]
                if port.type is PortType.EXPRESSION and PortType.IMAGE in port.also:
                    needs = "an operand: wire a variable, an operator or an image"
                yield context.error(
                    node_id,
                    f"{node.name} needs {needs} into its input “{port.title}”.",
                    "missing-input",
                    port=port.name,
                    fixes=_candidates(context, node, port),
                )
            elif len(wires) > 1 and not port.multiple:
                yield context.error(
                    node_id,
                    f"{node.name} has {len(wires)} wires into its input “{port.title}”, which "
                    "takes one: take out the others.",
                    "too-many-wires",
                    port=port.name,
                    fixes=tuple(_cut(context, wire) for wire in wires),
                )


def _is_wired(document: Document, node_id: str, spec: NodeSpec) -> bool:
    """Whether every input has as many wires as it takes."""
    counts = Counter(wire.input for wire in document.wires_into(node_id))
    return all(
        (counts[port.name] or port.optional) and (counts[port.name] < 2 or port.multiple)
        for port in spec.inputs
    )


@NodeRule
def check_wires(context: Context, end: Node) -> Iterator[Issue]:
    """Wires whose ports are not known, or that carry what their input does not take."""
    document = context.document
    for wire in document.wires_into(end.id):
        begin = document.get(wire.source)
        if begin is None:
            continue
        begin_spec = context.analysis.specs.get(begin.id)
        end_spec = context.analysis.specs.get(end.id)
        for node, spec, name, side in (
            (begin, begin_spec, wire.output, "output"),
            (end, end_spec, wire.input, "input"),
        ):
            known = spec is None or (spec.output(name) if side == "output" else spec.input(name))
            if not known:
                yield context.error(
                    node.id,
                    f'The wire from {begin.name} to {end.name} uses the {side} "{name}" of '
                    f"{node.name}, which this version does not know: take the wire out.",
                    "unknown-port",
                    port=name,
                    fixes=(_cut(context, wire),),
                )
        port = end_spec.input(wire.input) if end_spec else None
        carried = context.analysis.carried(wire)
        if port is None or carried is None:
            continue
        why = misfit(document, begin, carried, end, port)
        if why:
            constant = port.type is PortType.EXPRESSION and carried is not PortType.EXPRESSION
            yield context.error(
                end.id,
                f"{end.name} does not depend on a variable: {begin.name} is {carried.phrase}. "
                "Wire a variable, or an operator on a variable, into it instead."
                if constant
                else why,
                "constant-term" if constant else "misfit",
                port=port.name,
                fixes=(_cut(context, wire),),
            )


def check_loops(context: Context) -> Iterator[Issue]:
    """Nodes that depend on themselves; one issue for each knot of loops."""
    document = context.document
    left = set(context.analysis.looped)
    seen: set[str] = set()
    for node in document.nodes:
        if node.id not in left or node.id in seen:
            continue
        way = _loop(context, node.id, left)
        if not way:
            continue
        # Loops that share nodes are one knot, and taking out one wire shows what is left of it.
        seen |= document.downstream(node.id) & document.upstream(node.id)
        names = " → ".join(document.node(n).name for n in (*way, way[0]))
        back = [w for w in document.wires_into(way[0]) if w.source == way[-1]]
        yield context.error(
            node.id,
            f"{node.name} depends on itself ({names}): take out one of these wires.",
            "loop",
            fixes=tuple(_cut(context, wire) for wire in back),
        )


def _loop(context: Context, start: str, among: set[str]) -> list[str]:
    """The shortest way from a node back to itself; empty if there is none."""
    document = context.document
    came_from: dict[str, str] = {}
    pending = [start]
    for node_id in pending:
        for wire in document.wires_out_of(node_id):
            if wire.target == start:
                way = [node_id]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if wire.target in among and wire.target not in came_from:
                came_from[wire.target] = node_id
                pending.append(wire.target)
    return []


def _cut(context: Context, wire: Wire) -> Fix:
    begin, end = context.document.node(wire.source), context.document.node(wire.target)
    return Fix(f"Take out the wire from {begin.name} to {end.name}", Disconnect(*wire.ends))


def _candidates(context: Context, node: Node, port: Port) -> tuple[Fix, ...]:
    """Wires that would fit, where there are few enough to choose from."""
    document, analysis = context.document, context.analysis
    behind = document.downstream(node.id)
    found: list[Fix] = []
    for other in document.nodes:
        if other.id in behind or other.id in analysis.incomplete:
            continue
        for output, carried in analysis.types.get(other.id, {}).items():
            # A solution can stand for an image, but rarely is what is missing.
            if port.accepts(carried) and (carried is not PortType.SOLUTION or port.type == carried):
                if port.type is PortType.KERNEL and carried is not PortType.KERNEL:
                    continue
                if len(found) == _CANDIDATES:
                    return ()
                found.append(
                    Fix(f"Wire {other.name} into it", Connect(other.id, output, node.id, port.name))
                )
    return tuple(found)
