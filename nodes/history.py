"""Undo and redo: every command as the edits it made and the edits that take them back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nodes.document import Document
from nodes.edits import Edit, ReplaceNode, apply
from nodes.worded import about

__all__ = ["Command", "History"]

_LOG = logging.getLogger(__name__)


class Command(Protocol):
    """One thing a person does to a document."""

    @property
    def text(self) -> str:
        """What it does, as in "Undo: …"."""

    @property
    def merge_key(self) -> Hashable | None:
        """Commands in a row with the same key are one step back; None never merges."""

    def edits(self, document: Document) -> Sequence[Edit]:
        """What it changes in this document, which is left alone.

        Raises:
            DocumentError: the document refuses it.
        """


@dataclass
class _Step:
    text: str
    forward: Sequence[Edit]
    backward: Sequence[Edit]
    key: Hashable | None
    about: str


class History:
    """Carries out commands on one document and takes them back.

    Example:
        >>> from nodes.commands import AddNode, new_node
        >>> document = Document()
        >>> history = History(document)
        >>> history.do(AddNode(new_node(document, "load_image")))
        >>> history.undo_text, len(document)
        ('Add photo', 1)
        >>> history.undo()
        >>> len(document)
        0
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        # The step after which the document was last saved; None once that point is lost.
        self._clean: int | None = 0
        self._listeners: list[Callable[[], None]] = []
        self._busy = False

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._undone)

    @property
    def undo_text(self) -> str:
        """What would be taken back; empty if nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What would be done again; empty if nothing."""
        return self._undone[-1].text if self._undone else ""

    @property
    def is_clean(self) -> bool:
        """Whether the document is as it was at ``mark_clean``."""
        return self._clean == len(self._done)

    @property
    def count(self) -> int:
        """How many steps can be taken back."""
        return len(self._done)

    @property
    def texts(self) -> list[str]:
        """Every step that was done, then every step that was taken back, in the order of time."""
        return [step.text for step in (*self._done, *reversed(self._undone))]

    @property
    def subjects(self) -> list[str]:
        """What each of ``texts`` was about, such as "smoothness: 0.02"; empty where unknown."""
        return [step.about for step in (*self._done, *reversed(self._undone))]

    def go_to(self, count: int) -> None:
        """Undo or redo until ``count`` steps are done."""
        count = min(max(count, 0), len(self._done) + len(self._undone))
        while len(self._done) > count:
            self.undo()
        while len(self._done) < count:
            self.redo()

    def mark_dirty(self) -> None:
        """Say that the document as it is now is on no disk."""
        self._clean = None
        self._tell()

    def do(self, command: Command) -> None:
        """Carry out a command; one that changes nothing leaves no step.

        Raises:
            DocumentError: the document refuses it and is as it was.
        """
        edits = command.edits(self.document)
        if not edits:
            return
        backward = self._carry_out(edits)
        if self._clean is not None and self._clean > len(self._done):
            self._clean = None
        self._undone.clear()
        key = command.merge_key
        last = self._done[-1] if self._done else None
        if last is not None and key is not None and last.key == key and not self.is_clean:
            last.forward = _last_of_each((*last.forward, *edits))
            last.backward = _first_of_each((*last.backward, *backward))
            last.about = about(last.forward, last.backward, self.document)
        else:
            # Now, while those it names are there to be asked for their names.
            subject = about(edits, backward, self.document)
            self._done.append(_Step(command.text, edits, backward, key, subject))
        self._tell()

    def undo(self) -> None:
        """Take back the last step, if there is one."""
        if self._done:
            step = self._done.pop()
            self._carry_out(step.backward)
            step.key = None
            self._undone.append(step)
            self._tell()

    def redo(self) -> None:
        """Do again the step last taken back, if there is one."""
        if self._undone:
            step = self._undone.pop()
            self._carry_out(step.forward)
            self._done.append(step)
            self._tell()

    def end_merge(self) -> None:
        """Close the current step: the next command begins a new one whatever its key."""
        if self._done:
            self._done[-1].key = None

    def mark_clean(self) -> None:
        """Remember the present state as the saved one."""
        self._clean = len(self._done)
        self._tell()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after every step, and when the clean mark moves.

        Returns:
            A function that ends the subscription.
        """
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _carry_out(self, edits: Sequence[Edit]) -> Sequence[Edit]:
        if self._busy:
            raise RuntimeError("a document must not be edited from inside one of its listeners")
        self._busy = True
        try:
            backward, events = apply(self.document, edits)
            self.document.emit(events)
        finally:
            self._busy = False
        return backward

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:
                _LOG.exception("A listener of the history failed")


def _last_of_each(edits: Sequence[Edit]) -> Sequence[Edit]:
    """Of replacements in a row, the last for each node and field; merging keys allow no other."""
    return tuple({_target(edit): edit for edit in edits}.values())


def _first_of_each(edits: Sequence[Edit]) -> Sequence[Edit]:
    found: dict[tuple[str, str], Edit] = {}
    for edit in edits:
        found.setdefault(_target(edit), edit)
    return tuple(found.values())


def _target(edit: Edit) -> tuple[str, str]:
    assert isinstance(edit, ReplaceNode)
    return (edit.node.id, edit.what)
