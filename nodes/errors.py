"""What a document, a file or a script can be refused for, as sentences for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodes.issues import Issue

__all__ = ["DocumentError", "FileError", "ImportScriptError", "NodesError", "ScriptError"]


class NodesError(Exception):
    """The root of every error this package raises on purpose.

    Args:
        sentence: what is wrong, where, and what to do about it.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class DocumentError(NodesError):
    """An edit that the document refuses; the document is as it was."""


class FileError(NodesError):
    """A file that cannot be read or written; what was on the disk is as it was."""


class ScriptError(NodesError):
    """A document from which no script can be made yet.

    Args:
        issues: the errors that stand in the way, at least one.
    """

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues = tuple(issues)
        more = len(self.issues) - 1
        rest = f" (and {more} more)" if more else ""
        super().__init__(self.issues[0].sentence + rest)


class ImportScriptError(NodesError):
    """A script that cannot be turned into a document.

    Args:
        sentence: what was found on the line and what is understood instead.
        line: the line of the script, from 1.
    """

    def __init__(self, sentence: str, line: int) -> None:
        super().__init__(f"Line {line}: {sentence}")
        self.line = line
