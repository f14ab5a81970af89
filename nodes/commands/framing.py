"""Commands for backdrops and notes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from nodes.document import Document
from nodes.edits import Edit, SetFrames
from nodes.errors import DocumentError
from nodes.frames import Frame

__all__ = ["PutFrame", "RemoveFrames"]


@dataclass(frozen=True)
class PutFrame:
    """Add a frame, or replace the one of its id."""

    frame: Frame
    text: str = "Change a frame"
    merge_key: Hashable | None = field(default=None, init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        problem = self.frame.problem()
        if problem:
            raise DocumentError(problem)
        known = [frame.id for frame in document.frames]
        frames = list(document.frames)
        if self.frame.id in known:
            frames[known.index(self.frame.id)] = self.frame
        else:
            frames.append(self.frame)
        return () if tuple(frames) == document.frames else (SetFrames(tuple(frames)),)


@dataclass(frozen=True)
class RemoveFrames:
    """Remove frames; the nodes on them stay."""

    frames: Sequence[str]
    merge_key: Hashable | None = field(default=None, init=False)
    text: str = field(default="Remove a frame", init=False)

    def edits(self, document: Document) -> Sequence[Edit]:
        """See ``Command``."""
        gone = set(self.frames)
        kept = tuple(frame for frame in document.frames if frame.id not in gone)
        return () if kept == document.frames else (SetFrames(kept),)
