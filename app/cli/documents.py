"""From what was typed to a document: FILE, ``--set`` and ``--max-iter``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from app.cli.errors import CommandError, near
from nodes import files
from nodes.checks import check
from nodes.commands import History, SetParameter
from nodes.document import Document, Node
from nodes.errors import NodesError, ScriptError
from nodes.issues import Issue
from nodes.parameter import Json, Parameter
from nodes.script import Script, generate

__all__ = ["load", "override", "script_of", "set_max_iter", "valid"]

_EXAMPLE = "example:"


def load(name: str) -> Document:
    """The document that FILE names: a path or ``example:NAME``.

    Raises:
        CommandError: there is none, or it cannot be read.
    """
    if name.startswith(_EXAMPLE) and name.removeprefix(_EXAMPLE) not in files.examples():
        stem, known = name.removeprefix(_EXAMPLE), files.examples()
        raise CommandError(
            f"There is no example “{stem}”.{near(stem, known)} There are: {', '.join(known)}."
        )
    try:
        return files.load(name)
    except NodesError as error:
        hint = ""
        if name in files.examples():
            hint = f" The example of this name is “{_EXAMPLE}{name}”."
        raise CommandError(f"{error}{hint}") from error


def valid(document: Document, base: Path | None = None) -> list[Issue]:
    """The document's warnings and hints.

    Raises:
        CommandError: the document has errors; all of them are named.
    """
    issues = check(document, base)
    errors = [issue.sentence for issue in issues if issue.severity == "error"]
    if errors:
        raise CommandError(*errors)
    return [issue for issue in issues if issue.severity != "error"]


def script_of(document: Document, base: Path) -> Script:
    """The script of a document that has something to say.

    Raises:
        CommandError: the document has errors, or holds nothing to execute.
    """
    try:
        script = generate(document, base)
    except ScriptError as error:
        raise CommandError(*(issue.sentence for issue in error.issues)) from error
    if not script.statements:
        raise CommandError(
            "The graph holds nothing to run: add an image, a problem, a solver and a view."
        )
    return script


def override(document: Document, assignments: Sequence[str]) -> None:
    """Carry out each ``NODE.PARAMETER=VALUE``.

    Raises:
        CommandError: a node, a parameter or a value is not right; nothing was changed by it.
    """
    history = History(document)
    for text in assignments:
        place, equals, value = text.partition("=")
        name, dot, key = place.strip().partition(".")
        if not equals or not dot or not name or not key:
            raise CommandError(
                f"--set {text}: write it as NODE.PARAMETER=VALUE, such as photo.size=256."
            )
        node, parameter = _find(document, name, key)
        _set(history, node, parameter, value)


def set_max_iter(document: Document, count: int) -> None:
    """Set the iteration limit of every solver.

    Raises:
        CommandError: the number is out of range, or there is no solver.
    """
    history, found = History(document), False
    for node in document.nodes:
        parameter = node.spec.parameter("max_iter") if node.spec else None
        if parameter is not None:
            _set(history, node, parameter, str(count))
            found = True
    if not found:
        raise CommandError("--max-iter: the graph has no solver whose iterations it could limit.")


def _find(document: Document, name: str, key: str) -> tuple[Node, Parameter]:
    found = document.named(name)
    # A view may share its name with a value: the one that has the parameter is meant.
    having = [n for n in found if n.spec is not None and n.spec.parameter(key) is not None]
    node = next(iter(having or found), None)
    if node is None:
        names = [other.name for other in document.nodes]
        raise CommandError(
            f"There is no node “{name}”.{near(name, names)} The nodes are: {', '.join(names)}."
        )
    if node.spec is None:
        raise CommandError(
            f"{name} is of a type that this version does not know (“{node.type}”), "
            "so its parameters cannot be set."
        )
    parameter = node.spec.parameter(key)
    if parameter is None:
        keys = [other.name for other in node.spec.parameters]
        known = f"Its parameters are: {', '.join(keys)}." if keys else "It has none."
        raise CommandError(f"{name} has no parameter “{key}”.{near(key, keys)} {known}")
    return node, parameter


def _set(history: History, node: Node, parameter: Parameter, text: str) -> None:
    try:
        value = parameter.parse(text)
        if parameter.kind == "path":
            value = _from_here(history.document, value)
        history.do(SetParameter(node.id, parameter.name, value))
    except (ValueError, NodesError) as error:
        raise CommandError(f"{node.name}: {error}") from error


def _from_here(document: Document, value: Json) -> Json:
    """A path typed in a terminal starts where the terminal stands, not where the document lies."""
    if not isinstance(value, str) or os.path.isabs(value) or not os.path.exists(value):
        return value
    home = document.path.absolute().parent if document.path else Path.cwd()
    return os.path.relpath(value, home)
