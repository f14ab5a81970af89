"""Several commands as one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from nodes.document import Document
from nodes.edits import Edit, apply
from nodes.history import Command

__all__ = ["Macro"]


@dataclass(frozen=True)
class Macro:
    """Several commands as one step: all of them, or none."""

    text: str
    commands: Sequence[Command]
    merge_key: Hashable | None = field(default=None, init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        trial = document.copy()
        collected: list[Edit] = []
        for command in self.commands:
            edits = command.edits(trial)
            apply(trial, edits)
            collected.extend(edits)
        return tuple(collected)
