"""What goes when nodes go: their wires, and groups that nothing uses any more."""

from __future__ import annotations

from collections.abc import Iterable

from nodes.document import Document
from nodes.edits import DeleteNode, DeleteWire, Edit, SetFrames, SetGroups
from nodes.groups import ENTRY, EXIT, GROUP

__all__ = ["orphans", "removal"]


def orphans(document: Document, gone: Iterable[str]) -> set[str]:
    """The groups that nothing uses once these nodes are gone."""
    dead = set(gone)
    lost: set[str] = set()
    uses = {group.id: document.uses(group.id) for group in document.groups}
    while True:
        more = {
            group
            for group, nodes in uses.items()
            if group not in lost and all(n.id in dead or n.group in lost for n in nodes)
        }
        if not more:
            return lost
        lost |= more


def removal(document: Document, nodes: Iterable[str]) -> tuple[Edit, ...]:
    """The edits that take nodes out: wires, nodes, then definitions nobody uses."""
    gone = dict.fromkeys(nodes)
    lost = orphans(document, gone) if any(document.node(n).type == GROUP for n in gone) else set()
    for group in lost:
        gone |= dict.fromkeys(member.id for member in document.members(group))
    ports = {n for n in gone if document.node(n).type in (ENTRY, EXIT)}
    edits: list[Edit] = [
        DeleteWire(wire)
        for wire in document.wires
        if wire.source in gone or wire.target in gone or {wire.input, wire.output} & ports
    ]
    edits += map(DeleteNode, gone)
    if lost:
        frames = tuple(frame for frame in document.frames if frame.group not in lost)
        edits += [SetFrames(frames)] if frames != document.frames else []
        edits.append(SetGroups(tuple(g for g in document.groups if g.id not in lost)))
    return tuple(edits)
