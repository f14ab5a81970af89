"""Documents on the disk: canonical JSON, written whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any

import resources
from nodes.bundle import is_bundle, unpack
from nodes.document import Document, Node, Wire
from nodes.errors import FileError
from nodes.frames import Frame
from nodes.groups import Group
from nodes.migrations import SCHEMA, migrate
from nodes.parameter import Json
from nodes.reading import FRAME_KEYS, NODE_KEYS, WIRE_KEYS, Reader, parse

__all__ = ["EXTENSION", "dumps", "examples", "headline", "load", "loads", "resolve", "save"]

EXTENSION = ".dprox"
FORMAT = "dprox-studio"
_FIRST = ("plug_and_play", "deconvolution")
_EXAMPLE = "example:"
_LARGEST = 64 * 2**20
_SURROGATE = re.compile("[\ud800-\udfff]")


def examples() -> list[str]:
    """The names of the documents that come with the studio, the ones to begin with first."""
    names = (p.stem for p in resources.path("examples").glob(f"*{EXTENSION}"))
    return sorted(names, key=lambda name: (name not in _FIRST, name != _FIRST[0], name))


def resolve(name: str | os.PathLike[str]) -> Path:
    """The file that a person means: ``example:NAME`` or a path.

    Raises:
        FileError: there is no example of this name.
    """
    text = os.fspath(name)
    if not text.startswith(_EXAMPLE):
        return Path(text)
    stem = text.removeprefix(_EXAMPLE)
    if stem not in examples():
        raise FileError(f'There is no example "{stem}". There are: {", ".join(examples())}.')
    return resources.path(f"examples/{stem}{EXTENSION}")


@cache
def headline(example: str) -> tuple[str, str]:
    """Title and note of an example, without making a document of it.

    Raises:
        FileError: it is no document.
    """
    file = resolve(_EXAMPLE + example)
    content = parse(file.read_text("utf-8"), f'"{file.name}"')
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(f'"{file.name}" is not a document of the studio.')
    return str(content.get("title", "")), str(content.get("note", ""))


def load(path: str | os.PathLike[str]) -> Document:
    """Read a document. Opening one never runs code.

    Args:
        path: a file, or ``example:NAME``.

    Raises:
        FileError: it is missing, unreadable, no document, or from a newer version.
    """
    file = resolve(path)
    if is_bundle(file):
        file = unpack(file)
    try:
        if file.stat().st_size > _LARGEST:
            raise FileError(f'"{file.name}" is too large to be a document.')
        data = file.read_bytes()
    except FileNotFoundError:
        raise FileError(f'There is no file "{file}".') from None
    except OSError as error:
        raise FileError(f'"{file}" cannot be read: {error.strerror or error}.') from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f'"{file.name}" is not a document of the studio: it is no text.') from None
    document = loads(text, file.name)
    document.path = file.absolute()
    return document


def loads(text: str, name: str = "The text") -> Document:
    """The document that a text holds; ``name`` is what messages call it.

    Raises:
        FileError: the text is no document, or from a newer version.
    """
    shown = f'"{name}"' if name != "The text" else name
    content = parse(text, shown)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileError(f"{shown} is not a document of the studio.")
    schema = content.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise FileError(f"{shown} is damaged: its schema is {schema!r}, not a number from 1.")
    if schema > SCHEMA:
        raise FileError(
            f"{shown} was saved by a newer version of the studio (schema {schema}; this version "
            f"reads up to {SCHEMA}): install the newer version to open it."
        )
    return Reader(shown).document(migrate(content, schema))


def dumps(document: Document) -> str:
    """The canonical text of a document: equal documents give equal bytes."""
    head = {"format": FORMAT, "schema": SCHEMA, "title": document.title, "note": document.note}
    lines = [f"  {_json(key)}: {_json(value)}" for key, value in head.items()]
    if document.groups:  # what nobody uses leaves no trace
        lines.append('  "groups": ' + _block([_group_text(group) for group in document.groups]))
    lines.append('  "nodes": ' + _block([_node_text(node) for node in document.nodes]))
    lines.append('  "wires": ' + _block([_wire_text(wire) for wire in document.wires]))
    if document.frames:
        lines.append('  "frames": ' + _block([_frame_text(frame) for frame in document.frames]))
    lines += [f"  {_json(key)}: {_json(value)}" for key, value in _extra(document.extra).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def save(document: Document, path: str | os.PathLike[str]) -> Path:
    """Write a document; the file it replaces is kept beside it as ``NAME.dprox~``.

    The file appears whole or not at all: it is written under another name in the same folder,
    flushed to the disk, and only then takes its name.

    Returns:
        The file written, which is also the document's ``path`` from now on.

    Raises:
        FileError: the folder is full, missing or read-only; the old file is as it was.
    """
    target = Path(path)
    if target.is_symlink():
        target = target.resolve()
    try:
        write_atomically(target, dumps(document).encode("utf-8"), backup=True)
    except OSError as error:
        raise FileError(
            f'"{target.name}" could not be saved to "{target.parent}": '
            f"{_reason(error)}. The file on the disk is unchanged."
        ) from error
    document.path = target.absolute()
    return target


def write_atomically(target: Path, data: bytes, backup: bool = False) -> None:
    """Replace a file in one step.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    with replaced(target, backup) as file:
        file.write(data)


@contextmanager
def replaced(target: Path, backup: bool = False) -> Iterator[IO[bytes]]:
    """A file to write into, which takes the target's name once everything is on the disk.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    exists = target.exists()
    if exists and not os.access(target, os.W_OK):
        raise PermissionError(13, "the file is read-only")
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    temporary = Path(name)
    spare = temporary.with_suffix(".bak")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        if exists and backup:
            _duplicate(target, spare)
            spare.replace(target.with_name(target.name + "~"))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
        spare.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _duplicate(source: Path, target: Path) -> None:
    try:
        # A second name takes no room on a full disk.
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _mode(target: Path) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    # mkstemp makes private files; a document is as readable as any other file.
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[0].lower() + text[1:] if text else "it cannot be written"


def _block(items: list[str]) -> str:
    return "[\n" + ",\n".join(items) + "\n  ]" if items else "[]"


def _node_text(node: Node) -> str:
    """A node as it is written; nodes never change, so each is written out once."""
    known: str | None = node.__dict__.get("_text")
    if known is None:
        known = _written(node)
        object.__setattr__(node, "_text", known)
    return known


def _written(node: Node) -> str:
    fields: dict[str, Any] = {key: getattr(node, key) for key in NODE_KEYS}
    fields["parameters"] = dict(node.parameters)
    if node.mode:
        fields["mode"] = node.mode
    if node.group:
        fields["group"] = node.group
    fields |= _extra(node.extra)
    lines = [f"      {_json(key)}: {_json(value)}" for key, value in fields.items()]
    return "    {\n" + ",\n".join(lines) + "\n    }"


@lru_cache(maxsize=8192)
def _wire_text(wire: Wire) -> str:
    fields = {key: getattr(wire, key) for key in WIRE_KEYS} | _extra(wire.extra)
    return "    {" + ", ".join(f"{_json(k)}: {_json(v)}" for k, v in fields.items()) + "}"


def _group_text(group: Group) -> str:
    fields = {"id": group.id, "title": group.title} | _extra(group.extra)
    if group.exposed:
        fields["exposed"] = [list(pair) for pair in group.exposed]
    return "    {" + ", ".join(f"{_json(k)}: {_json(v)}" for k, v in fields.items()) + "}"


def _frame_text(frame: Frame) -> str:
    fields = {key: getattr(frame, key) for key in FRAME_KEYS}
    if frame.group:
        fields["group"] = frame.group
    return "    {" + ", ".join(f"{_json(k)}: {_json(v)}" for k, v in fields.items()) + "}"


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    # Half a surrogate pair has no UTF-8 form; as an escape it survives.
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _extra(text: str) -> dict[str, Json]:
    return dict(sorted(json.loads(text).items())) if text else {}
