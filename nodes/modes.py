"""Nodes that are switched off or passed by: what the graph means without them.

A node that is *off* is left out with its wires: a penalty drops out of the sum, a view saves
nothing, a solver does not run. A node that is *passed by* hands its first input of its output's
type through unchanged, as if the wire went past it.
"""

from __future__ import annotations

from dataclasses import replace

from nodes.document import Document, Node, Wire
from nodes.spec import NodeSpec

__all__ = ["MODES", "effective", "through", "up_to"]

#: "" is a node that takes part.
MODES = ("", "off", "bypass")


def through(spec: NodeSpec | None) -> str | None:
    """The input that a node of this type hands through while it is passed by; None if there is
    none, as for a penalty or an image file."""
    if spec is None or not spec.outputs:
        return None
    kind = spec.outputs[0].type
    own = [p for p in spec.inputs if p.type == kind and p.attribute is None and not p.multiple]
    return own[0].name if own else None


def effective(document: Document) -> Document:
    """The document that is checked, written as a script and run: the nodes that take part.

    Returns:
        The same document where every node takes part.
    """
    if not any(node.mode for node in document.nodes):
        return document
    wires: list[Wire] = []
    seen: set[tuple[str, str, str, str]] = set()
    for wire in document.wires:
        target = document.get(wire.target)
        if target is None or target.mode:
            continue
        found = _origin(document, wire)
        if found is not None and found.ends not in seen:
            seen.add(found.ends)
            wires.append(found)
    nodes = [node for node in document.nodes if not node.mode]
    return Document(nodes, wires, document.title, document.note, document.extra, document.path)


def up_to(document: Document, *targets: str) -> Document:
    """The part of a document that some nodes depend on, these included."""
    wanted = set[str]().union(*map(document.upstream, targets))
    return Document(
        [node for node in document.nodes if node.id in wanted],
        [w for w in document.wires if w.source in wanted and w.target in wanted],
        document.title,
        document.note,
        document.extra,
        document.path,
    )


def _origin(document: Document, wire: Wire) -> Wire | None:
    """The wire with its beginning moved back past nodes that are passed by."""
    seen: set[str] = set()
    while True:
        source: Node | None = document.get(wire.source)
        if source is None or source.mode == "off" or source.id in seen:
            return None
        if not source.mode:
            return wire
        seen.add(source.id)
        port = through(source.spec)
        before = document.wires_into(source.id, port) if port else []
        if not before:
            return None
        wire = replace(wire, source=before[-1].source, output=before[-1].output)
