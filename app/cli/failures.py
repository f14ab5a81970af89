"""From what went wrong inside a script to a sentence and an exit code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.cli.errors import FAILED, WRONG, CommandError

if TYPE_CHECKING:
    from app.engine.worker_failure import Failure

__all__ = ["command_error", "named"]


def named(name: str, sentence: str) -> str:
    """The sentence, beginning with the node's name unless it speaks of it anyway."""
    if not name or re.search(rf"\b{re.escape(name)}\b", sentence):
        return sentence
    return f"{name}: {sentence}"


def command_error(failure: Failure) -> CommandError:
    """What a person is told of a failure."""
    name = failure.piece.name if failure.piece else ""
    code = WRONG if failure.kind == "document" else FAILED
    return CommandError(named(name, failure.sentence), code=code)
