"""The recovery journal: unsaved work, kept apart from the user's file until it is saved.

Each window writes the whole document into a file of its own shortly after every edit, and removes
it once everything is saved or given up. What a killed window leaves behind is offered at the next
start. A lock beside the file tells the work of a living window from that of a dead one.
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, QTimer

from app.session import Session
from nodes import files
from nodes.document import Document
from nodes.errors import NodesError

__all__ = ["Journal", "Orphan", "orphans"]

_LOG = logging.getLogger(__name__)

WRITE_MS = 200
_SUFFIX = ".journal"


@dataclass(frozen=True)
class Orphan:
    """Work that a window left behind.

    Attributes:
        file: the journal.
        title: how the document was called.
        path: the file it belongs to, if it had one.
        saved: seconds since 1970.
        document: the work itself.
    """

    file: Path
    title: str
    path: Path | None
    saved: float
    document: Document

    @property
    def sentence(self) -> str:
        """What is offered."""
        when = time.strftime("%d %B, %H:%M", time.localtime(self.saved))
        return f"“{self.title}” was not saved when the studio ended on {when}."

    def discard(self) -> None:
        """Give it up."""
        self.file.unlink(missing_ok=True)
        _lock_path(self.file).unlink(missing_ok=True)


def _lock_path(file: Path) -> Path:
    return file.with_suffix(".lock")


def _lock(file: Path) -> QLockFile:
    lock = QLockFile(str(_lock_path(file)))
    lock.setStaleLockTime(0)  # however long a window is open, its lock holds
    return lock


def orphans(folder: Path) -> list[Orphan]:
    """Work whose window is gone, the newest first; what cannot be read is left where it is."""
    found = []
    for file in folder.glob(f"*{_SUFFIX}"):
        lock = _lock(file)
        if not lock.tryLock(0):
            continue  # its window lives
        lock.unlock()
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            path = Path(content["path"]) if content["path"] else None
            document = files.loads(content["document"])
            home = content.get("home") or ""  # where its files lie, of one that has no name yet
            document.path = path or (Path(home) if home else None)
            found.append(Orphan(file, content["title"], path, float(content["saved"]), document))
        except (OSError, ValueError, KeyError, TypeError, NodesError):
            _LOG.warning("The journal %s cannot be read", file, exc_info=True)
    return sorted(found, key=lambda orphan: -orphan.saved)


class Journal(QObject):
    """Follows a session and keeps its unsaved work on the disk.

    Args:
        session: the work.
        folder: where journals lie.
        parent: the window.
    """

    def __init__(self, session: Session, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.file = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}{_SUFFIX}"
        self._lock: QLockFile | None = None
        self._written = -1
        self._failed = False
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(WRITE_MS)
        self._late.timeout.connect(self.write)
        session.history_changed.connect(self._on_change)

    def _on_change(self) -> None:
        # Not started anew by every tick of a slider: the journal is never older than the delay.
        if not self._late.isActive():
            self._late.start()

    def write(self) -> None:
        """Bring the journal up to date now."""
        self._late.stop()
        session = self.session
        if session.is_clean:
            self.remove()
            return
        if session.document.revision == self._written:
            return
        content = {
            "title": session.title,
            "path": str(session.path.absolute()) if session.path else "",
            "home": str(session.document.path or ""),
            "saved": time.time(),
            "document": files.dumps(session.document),
        }
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if self._lock is None:
                self._lock = _lock(self.file)
                self._lock.tryLock(0)
            files.write_atomically(self.file, json.dumps(content).encode("utf-8"))
            self._written, self._failed = session.document.revision, False
        except OSError as error:
            if not self._failed:  # once is enough to say it
                self._failed = True
                reason = error.strerror or str(error)
                session.said.emit(
                    "warning",
                    f"The recovery journal cannot be written ({reason.lower()}): save your work.",
                )

    def remove(self) -> None:
        """Forget what was kept: it is saved, or given up."""
        self._written = -1
        try:
            self.file.unlink(missing_ok=True)
        except OSError:
            _LOG.warning("The journal %s cannot be removed", self.file, exc_info=True)
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def close(self) -> None:
        """The window closes, and its question has been answered: nothing is left to recover."""
        self._late.stop()
        self.remove()
