"""What the worker is asked for: waiting its turn, or being carried out."""

from __future__ import annotations

from dataclasses import dataclass

from app.engine.protocol import Execute, Message, RunStopped, TryPrior

__all__ = ["Task", "Waiting"]


@dataclass
class Task:
    """One command: waiting for the worker, or being carried out by it."""

    command: Execute | TryPrior
    stopping: bool = False
    deadline: float | None = None  # when the worker is ended if it has not answered the stop
    node: str | None = None

    @property
    def run(self) -> int:
        """The number by which messages refer to it."""
        return self.command.run

    @property
    def preview(self) -> bool:
        """Whether it is done on the side, and never disturbs a run."""
        return self.command.preview

    def stopped(self, forced: bool = False) -> Message:
        """What is said when it does not come to its end."""
        return RunStopped(self.run, forced=forced, preview=self.preview)


@dataclass
class Waiting:
    """What waits for the worker, at most one of a kind; in the order of its turns."""

    run: Task | None = None
    preview: Task | None = None
    trial: Task | None = None

    def next(self) -> Task | None:
        """Take what is next."""
        for kind in ("run", "preview", "trial"):
            task: Task | None = getattr(self, kind)
            if task is not None:
                setattr(self, kind, None)
                return task
        return None

    def put(self, kind: str, task: Task) -> list[Message]:
        """Let a task wait, in place of an older one of its kind; what is to be said about that."""
        before: Task | None = getattr(self, kind)
        setattr(self, kind, task)
        return [] if before is None else [before.stopped()]

    def clear(self) -> list[Message]:
        """Let nothing wait; what is to be said about that."""
        dropped = [t for t in (self.run, self.preview, self.trial) if t is not None]
        self.run = self.preview = self.trial = None
        return [task.stopped() for task in dropped]
