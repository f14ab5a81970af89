"""What is wrong with a document, as data: a sentence, a place, and ways to put it right."""

from __future__ import annotations

from dataclasses import dataclass

from nodes.history import Command

__all__ = ["SEVERITIES", "Fix", "Issue"]

SEVERITIES = ("error", "warning", "hint")


@dataclass(frozen=True)
class Fix:
    """A command that puts an issue right.

    Attributes:
        title: what it does, for a button.
        command: for ``History.do``.
    """

    title: str
    command: Command


@dataclass(frozen=True)
class Issue:
    """One thing to know about a document.

    Attributes:
        severity: "error" (cannot run), "warning" (runs, and may not be meant) or "hint".
        node: the node's id, or None where it is about the whole document.
        sentence: what is wrong and what to do, naming the node.
        code: a stable name of the kind of issue.
        port, parameter: where on the node, if that can be said.
        fixes: ways to put it right, the best first.
    """

    severity: str
    node: str | None
    sentence: str
    code: str
    port: str | None = None
    parameter: str | None = None
    fixes: tuple[Fix, ...] = ()
