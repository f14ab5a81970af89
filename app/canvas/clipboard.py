"""Nodes on the clipboard: a small document as JSON text, so that any text there is harmless."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QApplication

from nodes import files
from nodes.commands import AddNode, Command, Connect, DefineGroup, Macro
from nodes.document import Document, Node
from nodes.errors import NodesError
from nodes.groups import DYNAMIC, ENTRY, EXIT, GROUP, moved_key, moved_wire
from nodes.names import free_name

__all__ = ["copied", "let_go", "paste", "read"]

_MIME = "application/x-dprox-nodes"
_LARGEST = 8 * 2**20


def copied(document: Document, chosen: Iterable[str]) -> QMimeData | None:
    """The chosen nodes, the wires between them, and the groups they use; None for nothing."""
    wanted = set(chosen)
    nodes = [replace(node, group="") for node in document.nodes if node.id in wanted]
    if not nodes:
        return None
    groups = _used(document, nodes)
    inside = [m for group in groups for m in document.members(group)]
    known = wanted | {member.id for member in inside}
    wires = [w for w in document.wires if w.source in known and w.target in known]
    definitions = [group for group in document.groups if group.id in groups]
    frames = [frame for frame in document.frames if frame.group in groups]
    text = files.dumps(Document([*nodes, *inside], wires, frames=frames, groups=definitions))
    mime = QMimeData()
    mime.setData(_MIME, text.encode())
    mime.setText(text)
    return mime


def _used(document: Document, nodes: Iterable[Node]) -> dict[str, None]:
    """The groups that nodes use, at any depth."""
    found: dict[str, None] = {}
    pending = [str(n.parameters.get("of")) for n in nodes if n.type == GROUP]
    while pending:
        group = pending.pop(0)
        if group not in found and document.group(group) is not None:
            found[group] = None
            members = document.members(group)
            pending += [str(m.parameters.get("of")) for m in members if m.type == GROUP]
    return found


def read(mime: QMimeData | None) -> Document | None:
    """The nodes on the clipboard, or None if something else is there."""
    if mime is None:
        return None
    if mime.hasFormat(_MIME):
        text = bytes(mime.data(_MIME).data()).decode("utf-8", errors="replace")
    else:
        text = mime.text()
    if not text or len(text) > _LARGEST or '"dprox-studio"' not in text:
        return None
    try:
        return files.loads(text)
    except NodesError:
        return None


def let_go() -> None:
    """Leave what was copied as plain text, which the paste of another window reads as well.

    What Python made would otherwise be destroyed by Qt after Python has gone, which is a crash.
    """
    clipboard = QApplication.clipboard()
    mime = clipboard.mimeData()
    if mime is not None and mime.hasFormat(_MIME):
        clipboard.setText(mime.text())


def paste(
    document: Document,
    pasted: Document,
    offset: tuple[float, float],
    text: str = "Paste",
    group: str = "",
) -> tuple[Macro, dict[str, str]] | None:
    """The command that adds copies of nodes under new ids and free names.

    Definitions that the document has already are used again, others are brought along.

    Args:
        document: where the copies go.
        pasted: what was copied.
        offset: from the places of the originals.
        text: what the command is called.
        group: the group in whose definition the copies stand.

    Returns:
        The command, and for each original the id of its copy.
    """
    names = {node.name for node in document.nodes}
    commands, uses = _definitions(document, pasted, names)
    fresh: dict[str, str] = {}
    for node in pasted.members(""):
        if node.type in (ENTRY, EXIT) and not group:
            continue  # ports make sense only inside a group
        parameters = dict(node.parameters)
        if node.type == GROUP:
            parameters = {moved_key(key, uses): value for key, value in parameters.items()}
            parameters["of"] = uses.get(str(parameters.get("of")), parameters.get("of"))
            if parameters["of"] not in {*uses.values()} and node.spec is None:
                continue
        name = free_name(_stem(node), names)
        names.add(name)
        fresh[node.id] = uuid.uuid4().hex
        place = (node.position[0] + offset[0], node.position[1] + offset[1])
        copy = replace(
            node, id=fresh[node.id], name=name, position=place, group=group, parameters=parameters
        )
        commands.append(AddNode(copy))
    for wire in pasted.wires:
        if wire.source in fresh and wire.target in fresh:
            source, target = pasted.get(wire.source), pasted.get(wire.target)
            if source and target and not any(map(_is_unknown, (source, target))):
                output = uses.get(wire.output, wire.output)
                input_ = uses.get(wire.input, wire.input)
                commands.append(Connect(fresh[wire.source], output, fresh[wire.target], input_))
    return (Macro(text, tuple(commands)), fresh) if fresh else None


def _is_unknown(node: Node) -> bool:
    return node.is_placeholder and node.type not in DYNAMIC


def _definitions(
    document: Document, pasted: Document, names: set[str]
) -> tuple[list[Command], dict[str, str]]:
    """What brings definitions along, and for each id of theirs the one it has from now on."""
    commands: list[Command] = []
    now: dict[str, str] = {}
    taken = {node.id for node in document.nodes}
    for group in pasted.groups:
        if _is_known(document, pasted, group.id):
            now[group.id] = group.id
            continue
        members = pasted.members(group.id)
        clash = document.group(group.id) is not None or any(m.id in taken for m in members)
        for identifier in (group.id, *(m.id for m in members)):
            now[identifier] = uuid.uuid4().hex if clash else identifier
    for group in pasted.groups:
        if _is_known(document, pasted, group.id):
            continue
        nodes: list[Node] = []
        for member in pasted.members(group.id):
            name = member.name
            if member.type not in (ENTRY, EXIT):
                name = free_name(_stem(member), names) if name in names else name
                names.add(name)
            parameters = dict(member.parameters)
            if member.type == GROUP:
                parameters = {moved_key(key, now): value for key, value in parameters.items()}
                parameters["of"] = now.get(str(parameters.get("of")), parameters.get("of"))
            nodes.append(
                replace(
                    member, id=now[member.id], name=name, group=now[group.id], parameters=parameters
                )
            )
        mine = {member.id for member in pasted.members(group.id)}
        wires = [moved_wire(wire, now) for wire in pasted.wires if wire.source in mine]
        frames = [
            replace(frame, id=uuid.uuid4().hex, group=now[group.id])
            for frame in pasted.frames
            if frame.group == group.id
        ]
        commands.append(
            DefineGroup(
                replace(
                    group,
                    id=now[group.id],
                    exposed=tuple((now.get(m, m), moved_key(p, now)) for m, p in group.exposed),
                ),
                tuple(nodes),
                tuple(wires),
                tuple(frames),
            )
        )
    return commands, now


def _is_known(document: Document, pasted: Document, group: str) -> bool:
    """Whether the document has this definition, whatever its nodes are called here."""
    if document.group(group) is None:
        return False

    mine = {m.id: m for m in document.members(group)}
    theirs = {m.id: m for m in pasted.members(group)}
    if mine.keys() != theirs.keys():
        return False
    alike = all(replace(m, name=theirs[i].name) == theirs[i] for i, m in mine.items())
    wires = [w for w in document.wires if w.source in mine]
    return alike and wires == [w for w in pasted.wires if w.source in theirs]


def _stem(node: Node) -> str:
    """The name without a number at its end."""
    stem = node.name.rstrip("0123456789")
    return stem or node.name
