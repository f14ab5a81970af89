"""A node with everything it depends on: what stays as it was from one edit to the next.

Whatever follows from a node and its sources alone (shape, faults, its line of the script, its part
of the formula) is kept on its cone. An edit makes new cones for the nodes at and behind it; all
others are the same objects, and what is kept on them is not worked out again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodes.imagefiles import locate
from nodes.node import Node, Wire

if TYPE_CHECKING:
    from nodes.document import Document

__all__ = ["Cone", "grow"]

Stamp = tuple[tuple[int, ...], ...]
Input = tuple[Wire, "Cone | None"]


class Cone:
    """One node, the files it names and the cones wired into it, at one state of a document.

    Attributes:
        node: as it was when the cone was made; only its place and note may be others now.
        files: when and how large the files are that its parameters name.
        inputs: its wires in order, each with the cone of its source.
        sources: where these wires begin.
        facts: what was worked out from these, for whoever asks again.
    """

    __slots__ = ("facts", "files", "inputs", "node", "sources")

    def __init__(self, node: Node, files: Stamp, inputs: Sequence[Input]) -> None:
        self.node = node
        self.files = files
        self.inputs = tuple(inputs)
        self.sources = tuple(wire.source for wire, _ in self.inputs)
        self.facts: dict[Hashable, Any] = {}


def grow(
    document: Document,
    order: Sequence[str],
    base: Path | None,
    before: Mapping[str, Cone],
    alike: bool = False,
) -> Mapping[str, Cone]:
    """The cones of a document; those of an earlier state stay where nothing changed.

    Args:
        document: the graph.
        order: its nodes, sources first, without those on or behind a loop.
        base: the folder that relative paths start from.
        before: the cones of an earlier state.
        alike: nodes and wires are those of the earlier state, but for what nodes hold.
    """
    if alike:
        return _touched(document, order, base, before)
    cones: dict[str, Cone] = {}
    for node_id in order:
        node, known = document.node(node_id), before.get(node_id)
        wires = document.wires_into(node_id)
        inputs = [(wire, cones.get(wire.source)) for wire in wires]
        if known is None or not _stays(known, node, base) or not _same(known.inputs, inputs):
            known = Cone(node, _files(node, base), inputs)
        cones[node_id] = known
    return cones


def _touched(
    document: Document, order: Sequence[str], base: Path | None, before: Mapping[str, Cone]
) -> Mapping[str, Cone]:
    """Only what lies at and behind a changed node is made anew."""
    reached = {n for n, cone in before.items() if not _stays(cone, document.node(n), base)}
    pending = list(reached)
    while pending:
        for wire in document.wires_out_of(pending.pop()):
            if wire.target not in reached:
                reached.add(wire.target)
                pending.append(wire.target)
    if not reached:
        return before
    cones = dict(before)
    for node_id in order:
        if node_id in reached:
            node = document.node(node_id)
            inputs = [(wire, cones.get(wire.source)) for wire, _ in before[node_id].inputs]
            cones[node_id] = Cone(node, _files(node, base), inputs)
    return cones


def _stays(cone: Cone, node: Node, base: Path | None) -> bool:
    if cone.node is not node:
        if not _alike(cone.node, node):
            return False
        cone.node = node
    return not cone.files or cone.files == _files(node, base)


def _same(old: Sequence[Input], new: Sequence[Input]) -> bool:
    return len(old) == len(new) and all(
        one[1] is other[1] and (one[0] is other[0] or one[0] == other[0])
        for one, other in zip(old, new, strict=True)
    )


def _alike(one: Node, other: Node) -> bool:
    """Whether two nodes mean the same; the values themselves are compared, since 1 == True."""
    if (one.name, one.type, one.version, one.mode) != (
        other.name,
        other.type,
        other.version,
        other.mode,
    ):
        return False
    values = other.parameters
    return len(one.parameters) == len(values) and all(
        name in values and values[name] is value for name, value in one.parameters.items()
    )


def _files(node: Node, base: Path | None) -> Stamp:
    """The state on the disk of the files that a node names."""
    spec = node.spec
    if spec is None or not spec.paths:
        return ()
    found: list[tuple[int, ...]] = []
    for parameter in spec.paths:
        value = node.parameters.get(parameter.name, parameter.default)
        if not isinstance(value, str):
            continue
        try:
            state = locate(value, base).stat()
            found.append((state.st_mtime_ns, state.st_size, state.st_mode))
        except (OSError, ValueError):
            found.append(())
    return tuple(found)
