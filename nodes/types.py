"""What flows where, and the sentence that says why a wire does not fit."""

from __future__ import annotations

from nodes.document import Document, Node, Wire
from nodes.flatten import flatten
from nodes.groups import DYNAMIC, ENTRY, GROUP
from nodes.spec import Port, PortType

__all__ = ["PortType", "can_connect", "output_type", "output_types"]


def output_type(document: Document, node_id: str, output: str) -> PortType | None:
    """What an output carries now: operators give an image where only images go in.

    Returns:
        The type, or None for a node or a port that is not known.
    """
    if document.groups:
        return _carried(document, node_id, output)
    return output_types(document, {}, node_id).get(output)


def _carried(document: Document, node_id: str, output: str) -> PortType | None:
    """The type of an output in a document with groups; of a port nothing feeds what it wants."""
    flat = flatten(document)
    known = document.derived("types", dict)
    node = document.get(node_id)
    if node is None or node.spec is None:
        return None
    ends = [(copy, output) for copy in flat.copies(node_id)]
    if node.type == GROUP:
        uses = [use for use, port in flat.sources if port == output]
        mine = [use for use in uses if use.split("/")[-1] == node_id]
        ends = [flat.sources[use, output] for use in mine]
    elif node.type == ENTRY:
        # It carries what one of the uses is fed with; alone, what the nodes inside ask for.
        ends = [
            (wire.source, wire.output)
            for use in document.uses(node.group)
            for wire in document.wires_into(use.id, node_id)
            if document.node(wire.source).type not in DYNAMIC and wire.source in flat.document
        ]
        if not ends:
            port = node.spec.output(output)
            return port.type if port is not None and document.wires_out_of(node_id) else None
    return next((output_types(flat.document, known, n).get(o) for n, o in ends), None)


def output_types(
    document: Document, known: dict[str, dict[str, PortType]], node_id: str
) -> dict[str, PortType]:
    """The types of all outputs of a node; ``known`` collects those found on the way."""
    pending = [node_id]
    on_the_way: set[str] = set()
    while pending:
        current = pending[-1]
        if current in known:
            pending.pop()
            continue
        node = document.get(current)
        spec = node.spec if node else None
        if spec is None or not spec.polymorphic:
            known[current] = {port.name: port.type for port in spec.outputs} if spec else {}
            continue
        wires = _operand_wires(document, current)
        missing = [w.source for w in wires if w.source not in known and w.source not in on_the_way]
        if missing and current not in on_the_way:
            on_the_way.add(current)
            pending.extend(missing)
            continue
        carried = [known.get(w.source, {}).get(w.output) for w in wires]
        only_data = bool(carried) and all(t not in (None, PortType.EXPRESSION) for t in carried)
        result = PortType.IMAGE if only_data else PortType.EXPRESSION
        known[current] = {port.name: result for port in spec.outputs}
    return known[node_id]


def _operand_wires(document: Document, node_id: str) -> list[Wire]:
    node = document.node(node_id)
    assert node.spec is not None
    operands = {p.name for p in node.spec.inputs if p.type is PortType.EXPRESSION}
    return [wire for wire in document.wires_into(node_id) if wire.input in operands]


def can_connect(
    document: Document, source: str, output: str, target: str, input: str
) -> str | None:
    """Whether a wire fits, in the user's words.

    A single input that is already wired is no obstacle: connecting replaces its wire.

    Args:
        document: the graph.
        source, output: the node id and the port where the wire begins.
        target, input: the node id and the port where it ends.

    Returns:
        None if it fits, else a sentence that says why not and what to do.
    """
    begin, end = document.get(source), document.get(target)
    if begin is None or end is None:
        return "One end of this wire is no longer in the graph."
    if begin.group != end.group:
        return f"{begin.name} and {end.name} stand in different groups: wire a port of the group."
    for node in (begin, end):
        if node.is_placeholder:
            return (
                f'{node.name} is of a type that this version does not know ("{node.type}"), '
                "so nothing new can be wired to it."
            )
    assert begin.spec is not None
    assert end.spec is not None
    if begin.spec.output(output) is None:
        return f'{begin.name} has no output named "{output}".'
    port = end.spec.input(input)
    if port is None:
        return f'{end.name} has no input named "{input}".'
    if source == target:
        return f"{begin.name} cannot be wired to itself."
    if any(w.ends == (source, output, target, input) for w in document.wires_into(target)):
        return f"{begin.name} is already wired to this input of {end.name}."
    if source in document.downstream(target):
        return (
            f"Wiring {begin.name} into {end.name} would close a loop: "
            f"{begin.name} already depends on {end.name}."
        )
    carried = output_type(document, source, output)
    return None if carried is None else misfit(document, begin, carried, end, port)


def misfit(document: Document, begin: Node, carried: PortType, end: Node, port: Port) -> str | None:
    """Why a value of one type does not fit an input; None if it does."""
    if port.accepts(carried):
        return None
    return (
        f"{end.name} takes {port.type.phrase} at its input “{port.title}”, "
        f"but {begin.name} gives {carried.phrase}: {_advice(port.type, carried)}."
    )


def _advice(wanted: PortType, carried: PortType) -> str:
    if wanted is PortType.EXPRESSION:
        return "wire a variable, or an operator on a variable, into it"
    if wanted is PortType.TERM:
        return "turn it into a term with a penalty or a constraint first"
    if wanted is PortType.PROBLEM:
        return "collect the terms in a problem node first"
    if wanted is PortType.KERNEL:
        return "wire a kernel node, or an image that holds a kernel, into it"
    if wanted is PortType.MASK:
        return "wire a mask node, or an image that holds a mask, into it"
    if wanted is PortType.MATRIX:
        return "wire a sparse matrix, an array file or typed numbers into it"
    if wanted is PortType.ARRAY:
        return "wire an array file, typed numbers or an image into it"
    if wanted is PortType.IMAGE:
        if carried is PortType.EXPRESSION:
            return "an unknown has no pixels before it is solved for; wire an image or a solution"
        return "wire an image into it"
    return f"wire {wanted.phrase} into it"
