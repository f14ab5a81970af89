"""Nodes on the clipboard: a small document as JSON text, so that any text there is harmless."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QApplication

from nodes import files
from nodes.commands import AddNode, Command, Connect, Macro
from nodes.document import Document, Node
from nodes.errors import NodesError
from nodes.names import free_name

__all__ = ["copied", "let_go", "paste", "read"]

_MIME = "application/x-dprox-nodes"
_LARGEST = 8 * 2**20


def copied(document: Document, chosen: Iterable[str]) -> QMimeData | None:
    """The chosen nodes and the wires between them; None if nothing is chosen."""
    wanted = set(chosen)
    nodes = [node for node in document.nodes if node.id in wanted]
    if not nodes:
        return None
    wires = [w for w in document.wires if w.source in wanted and w.target in wanted]
    text = files.dumps(Document(nodes, wires))
    mime = QMimeData()
    mime.setData(_MIME, text.encode())
    mime.setText(text)
    return mime


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
    document: Document, pasted: Document, offset: tuple[float, float], text: str = "Paste"
) -> tuple[Macro, list[str]] | None:
    """The command that adds copies of nodes under new ids and free names, and those ids."""
    names = {node.name for node in document.nodes}
    fresh: dict[str, str] = {}
    commands: list[Command] = []
    for node in pasted.nodes:
        name = free_name(_stem(node), names)
        names.add(name)
        fresh[node.id] = uuid.uuid4().hex
        place = (node.position[0] + offset[0], node.position[1] + offset[1])
        commands.append(AddNode(replace(node, id=fresh[node.id], name=name, position=place)))
    for wire in pasted.wires:
        if wire.source in fresh and wire.target in fresh:
            source, target = pasted.get(wire.source), pasted.get(wire.target)
            if source and target and not (source.is_placeholder or target.is_placeholder):
                commands.append(
                    Connect(fresh[wire.source], wire.output, fresh[wire.target], wire.input)
                )
    if not fresh:
        return None
    return Macro(text, tuple(commands)), list(fresh.values())


def _stem(node: Node) -> str:
    """The name without a number at its end."""
    stem = node.name.rstrip("0123456789")
    return stem or node.name
