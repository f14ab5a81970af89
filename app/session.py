"""One open document: where it lies on disk, how it was edited, what is wrong with it, its script.

Panes read from here and send commands here; none of them knows another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.guard import report
from app.levels import Levels, touched
from nodes import files
from nodes.assets import collect, follow, take_in
from nodes.bundle import is_bundle, is_unpacked, new_home, pack, unpack
from nodes.checks import check
from nodes.commands import History
from nodes.document import Document
from nodes.errors import NodesError
from nodes.formula import Formula, objective
from nodes.issues import Issue
from nodes.script import Script, generate

__all__ = ["Notice", "Session"]

_log = logging.getLogger(__name__)
_LARGE_MS = 120
_EMPTY = Script(text="", statements=(), spans=())


@dataclass(frozen=True)
class Notice:
    """Something that happened and a person should know, besides what is wrong with the graph.

    Attributes:
        severity: "error", "warning" or "hint".
        sentence: what happened, where, what to do.
        node: the node it is about.
        details: a traceback for whoever wants to report it.
        source: "run", "worker", "studio" or "file"; those of a run go with the next run.
    """

    severity: str
    sentence: str
    node: str | None = None
    details: str = ""
    source: str = "studio"


class Session(QObject):
    """The document that is open, and all that follows from it.

    Signals:
        replaced: another document is open; forget the old one.
        changed(event): the document changed, an event of ``nodes.document``.
        history_changed: undo, redo or the clean state changed.
        derived: issues, script and formula follow the last change.
        notices_changed: something was noted.
        selection_changed: other nodes are selected.
        said(severity, sentence): for the status bar.
        hovered(node): the pointer is on a node, its term or its line; empty when it left.
    """

    replaced = Signal()
    changed = Signal(object)
    history_changed = Signal()
    derived = Signal()
    notices_changed = Signal()
    selection_changed = Signal()
    said = Signal(str, str)
    hovered = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.issues: list[Issue] = []
        self.notices: list[Notice] = []
        self.script: Script = _EMPTY
        self.formula: Formula | None = None
        self.levels = Levels(self)
        self._touched: set[str] | None = None
        self._selection: list[str] = []
        self._ends: list[Callable[[], Any]] = []
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(0)
        self._late.timeout.connect(self.derive)
        self._adopt(Document())

    # --- the document ---

    def _adopt(self, document: Document) -> None:
        for end in self._ends:
            end()
        self.document = document
        self.history = History(document)
        self._ends = [
            document.subscribe(self._on_event),
            self.history.subscribe(lambda *_: self.history_changed.emit()),
        ]

    def replace(self, document: Document, path: Path | None = None) -> None:
        """Make another document the open one."""
        self._adopt(document)
        self.levels.reset()
        self.path = path
        self._selection = []
        self.notices = []
        self.replaced.emit()
        self.selection_changed.emit()
        self.notices_changed.emit()
        self.history_changed.emit()
        self.derive()

    def close(self) -> None:
        """Let go of the document."""
        for end in self._ends:
            end()
        self._ends = []
        self._late.stop()

    @property
    def title(self) -> str:
        """How the document is called in the window's title."""
        if self.document.title:
            return self.document.title
        return self.path.stem if self.path else "Untitled"

    @property
    def base(self) -> Path:
        """The folder from which relative paths in the document start."""
        where = self.document.path or self.path  # of a bundle, where it was unpacked
        return where.parent if where else Path.cwd()

    def base_or(self, fallback: Path) -> Path:
        """The document's own folder, or another for one that was never saved."""
        return self.path.parent if self.path else fallback

    @property
    def is_clean(self) -> bool:
        """Whether everything is on disk."""
        return bool(self.history.is_clean)

    def open(self, path: str | Path, copy: bool = False) -> bool:
        """Open a file or ``example:NAME``; a sentence says why not, and nothing is lost.

        Args:
            path: what to open.
            copy: begin a new document from it, as from an example.
        """
        try:
            resolved = files.resolve(path)
            document = files.load(resolved)
        except NodesError as error:
            self.note(Notice("error", str(error), source="file"))
            return False
        # An example is a starting point: saving must not overwrite what was shipped.
        example = str(path).startswith("example:")
        self.replace(document, None if example or copy else Path(resolved))
        return True

    def recover(self, document: Document, path: Path | None) -> None:
        """Make work that was never saved the open document."""
        if path is not None and is_bundle(path):
            try:
                document.path = unpack(path)
            except NodesError as error:
                self.note(Notice("warning", str(error), source="file"))
        self.replace(document, path)
        self.history.mark_dirty()

    def save(self, path: Path) -> bool:
        """Write the document; a sentence says why not, and nothing is lost."""
        missing: list[str] = []
        steps = self.history.count
        try:
            missing = self._write(path)
        except (NodesError, OSError) as error:
            self.history.go_to(steps)  # names of files are as they were
            self.note(Notice("error", str(error), source="file"))
            return False
        if missing:
            self.note(
                Notice(
                    "warning",
                    f"Not in the bundle, because they are not there: {', '.join(missing)}.",
                    source="file",
                )
            )
        self.path = path
        self.history.mark_clean()
        self.history_changed.emit()
        self.said.emit("hint", f"Saved {path.name}.")
        return True

    def _write(self, path: Path) -> list[str]:
        """Write a document or a bundle; gives the files that are missing from it."""
        document, old = self.document, self.base
        packed = is_unpacked(document)
        if is_bundle(path):
            home = old if packed else new_home()
            step, missing = take_in(document, old, home)
            if step is not None:
                self.history.do(step)
            pack(document, home, path)
            document.path = home / "document.dprox"
            return missing
        new = path.absolute().parent
        if packed:
            step = collect(document, old, new / f"{path.stem} files", new)
        else:
            step = follow(document, old, new) if document.path is not None else None
        if step is not None:
            self.history.do(step)
        files.save(document, path)
        return []

    # --- editing ---

    def do(self, command: Any) -> bool:
        """Carry out a command; a refusal becomes a sentence in the status bar."""
        try:
            self.history.do(command)
        except NodesError as error:
            self.said.emit("error", str(error))
            return False
        return True

    def undo(self) -> None:
        """Take back the last command."""
        if self.history.can_undo:
            text = self.history.undo_text
            self._following(self.history.undo)
            self.said.emit("hint", f"Undone: {text}." if text else "Undone.")

    def redo(self) -> None:
        """Do the last undone command again."""
        if self.history.can_redo:
            text = self.history.redo_text
            self._following(self.history.redo)
            self.said.emit("hint", f"Redone: {text}." if text else "Redone.")

    def go_to(self, count: int) -> None:
        """Undo or redo until ``count`` steps are done."""
        self._following(lambda: self.history.go_to(count))

    def _following(self, step: Callable[[], None]) -> None:
        """What is undone inside a group is shown there."""
        self._touched = set()
        try:
            step()
        finally:
            groups, self._touched = self._touched, None
        self.levels.follow(groups)

    @property
    def selection(self) -> list[str]:
        """The selected nodes; one that was just removed is none of them any more."""
        group, document = self.levels.group, self.document
        return [n for n in self._selection if n in document and document.node(n).group == group]

    def select(self, nodes: Iterable[str]) -> None:
        """Make these nodes the selected ones, everywhere; what is elsewhere is gone to."""
        named = list(nodes)
        if self.document.groups:
            named = [self.levels.lead(node) for node in named]
        wanted = [node for node in dict.fromkeys(named) if node in self.document]
        if wanted != self._selection:
            self._selection = wanted
            self.selection_changed.emit()

    def hover(self, node: str) -> None:
        """The pointer is on something that stands for a node; empty when it left."""
        if node != self._hover:
            self._hover = node
            self.hovered.emit(node)

    _hover = ""

    # --- what follows from the document ---

    def _on_event(self, event: Any) -> None:
        try:
            if self._touched is not None and (group := touched(self.document, event)) is not None:
                self._touched.add(group)
            self.levels.settle()
            self.changed.emit(event)
            self._late.start()
        except Exception:
            report()

    def derive(self) -> None:
        """Bring issues, script and formula up to date now."""
        self._late.stop()
        begin = time.perf_counter()
        self.select(self.selection)
        try:
            self.issues = list(check(self.document))
        except Exception:
            report()
        try:
            self.script = generate(self.document, strict=False)
            self.formula = objective(self.document)
        except NodesError as error:
            _log.info("No script: %s", error)
        except Exception:
            report()
        self.derived.emit()
        # A graph so large that this takes its time is followed between edits, not at each of them.
        spent = 1000 * (time.perf_counter() - begin)
        self._late.setInterval(0 if spent < _LARGE_MS else min(int(spent), 400))

    def errors(self) -> list[Issue]:
        """The issues that stand in the way of a run."""
        return [issue for issue in self.issues if issue.severity == "error"]

    # --- notices ---

    def note(self, notice: Notice) -> None:
        """Show something in the issues pane and the status bar."""
        self.notices = [*self.notices, notice][-50:]
        self.notices_changed.emit()
        self.said.emit(notice.severity, notice.sentence)

    def forget_notices(self, *sources: str) -> None:
        """Take notices of some sources away."""
        kept = [notice for notice in self.notices if notice.source not in sources]
        if kept != self.notices:
            self.notices = kept
            self.notices_changed.emit()
