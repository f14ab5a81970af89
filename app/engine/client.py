"""The window's side of the worker: start it, give it a script, look at what has come.

No call waits for the worker. The window asks ``poll()`` 25 times a second, and takes the newest of
what there is; nothing is queued per iteration.

Example:
    >>> engine = Engine()
    >>> engine.start()
    >>> run = engine.run(script, base=Path.home())  # doctest: +SKIP
    >>> update = engine.poll()
    >>> engine.close()
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from app.engine.live import LiveImage
from app.engine.mailbox import Mailbox, Update
from app.engine.process import WorkerProcess
from app.engine.protocol import (
    Execute,
    Message,
    NodeFinished,
    NodeStarted,
    PriorTried,
    Program,
    RunFailed,
    RunFinished,
    RunStopped,
    ScriptLike,
    SolveFinished,
    TryPrior,
    WorkerDied,
    WorkerReady,
)
from app.engine.tasks import Task, Waiting

__all__ = ["Engine", "LiveImage", "State", "Update"]

log = logging.getLogger(__name__)

State = Literal["starting", "idle", "running", "paused", "stopping", "dead"]
_PATIENCE = 0.5  # seconds in which a worker has to answer a stop
_LONG_PATIENCE = 10.0  # for what ends by itself soon, and is worth more than a new worker
_DEADLY = (
    "Computing the pictures ended the solver process, most likely because memory ran out: load "
    "the images at a smaller size."
)
_STARTS = 2  # how often a worker may die while it starts before we give up


class Engine:
    """The worker process and what it is doing.

    All methods return at once and may be called in any state, from one thread.
    """

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None
        self._ended: list[WorkerProcess] = []
        self._ready = False
        self._failed_starts = 0
        self._runs = 0
        self._active: Task | None = None
        self._waiting = Waiting()
        self._deadly: Program | None = None  # the preview that the last worker died of
        self._paused = False
        self._steps = 0
        self._mailbox: Mailbox | None = None
        self._own: list[Message] = []  # what is said without the worker, at the next poll
        self._devices: tuple[str, ...] = ()
        self._versions: dict[str, str] = {}

    def __enter__(self) -> Engine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What there is.

    @property
    def state(self) -> State:
        """What the engine is doing; previews are done on the side and do not count."""
        if self._worker is None:
            return "dead"
        if self._active is not None and not self._active.preview:
            if self._active.stopping:
                return "stopping"
            return "paused" if self._paused else "running"
        if not self._ready:
            return "starting"
        return "running" if self._waiting.run is not None else "idle"

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices the worker can compute on: ``"cpu"``, then ``"cuda"`` where there is one."""
        return self._devices

    @property
    def versions(self) -> dict[str, str]:
        """Versions of Python, the library and torch in the worker."""
        return dict(self._versions)

    @property
    def active_run(self) -> int | None:
        """The run that is being executed or is next, if any; previews do not count."""
        for task in (self._waiting.run, self._active):
            if task is not None and not task.preview:
                return task.run
        return None

    @property
    def holding(self) -> bool:
        """Whether the worker stands still at an iteration boundary, as pause asked it to."""
        return self._worker is not None and self._worker.board.holding

    @property
    def pid(self) -> int | None:
        """The worker's process number."""
        return self._worker.pid if self._worker else None

    # What can be asked.

    def start(self) -> None:
        """Start the worker in the background; ``WorkerReady`` comes when it has warmed up."""
        if self._worker is None:
            self._failed_starts = 0
            self._spawn()

    def run(
        self,
        script: ScriptLike | Program,
        base: Path | None = None,
        device: str = "auto",
        out: Path | None = None,
        *,
        names: Mapping[str, str] | None = None,
        paused: bool = False,
    ) -> int:
        """Execute a script; one that is being executed is stopped first.

        Args:
            script: what ``nodes.script.generate`` made.
            base: the folder that relative input paths start from.
            device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
            out: the folder the script's images are written to; None keeps them from the disk.
            names: node id → name, for nodes that have no statement of their own.
            paused: hold before the first iteration, so that ``step`` can do it.

        Returns:
            The number by which messages refer to this run.
        """
        task = self._task(script, base, device, out, names, preview=False)
        self._own += self._waiting.clear()
        self._own += self._waiting.put("run", task)
        if self._active is not None and not self._active.stopping:
            patience = _LONG_PATIENCE if self._active.preview else _PATIENCE
            self._ask_to_stop(self._active, patience)
        self._paused = paused
        self.start()
        self._dispatch()
        return task.run

    def preview(
        self,
        script: ScriptLike | Program,
        base: Path | None = None,
        device: str = "auto",
        *,
        names: Mapping[str, str] | None = None,
    ) -> int:
        """Execute only what does not depend on a solve, so that nodes get their pictures.

        A preview never disturbs a run: it waits for its end. A newer one replaces it.
        """
        task = self._task(script, base, device, None, names, preview=True)
        if isinstance(task.command, Execute) and task.command.program == self._deadly:
            # Whoever asks at every new worker would otherwise end one after the other.
            self._own.append(RunFailed(task.run, None, _DEADLY, "", preview=True))
            return task.run
        self._own += self._waiting.put("preview", task)
        if self._active is not None and self._active.preview:
            self._ask_to_stop(self._active, _LONG_PATIENCE)
        self._dispatch()
        return task.run

    def try_prior(self, denoiser: str, options: dict[str, Any], base: Path | None = None) -> int:
        """Let a prior take the noise out of a patch, when nothing else is to be done.

        Args:
            denoiser: its name.
            options: of ``deep_prior``.
            base: the folder that a relative path of weights starts from.

        Returns:
            The number that ``PriorTried`` will bear.
        """
        self._runs += 1
        folder = None if base is None else str(Path(base).absolute())
        task = Task(TryPrior(self._runs, denoiser, options, folder))
        self._own += self._waiting.put("trial", task)
        self._dispatch()
        return task.run

    def pause(self) -> None:
        """Hold at the next iteration boundary."""
        self._set_paused(True)

    def resume(self) -> None:
        """Go on after a pause."""
        self._set_paused(False)

    def step(self) -> None:
        """Do one iteration and hold; a run that is not paused is paused."""
        if not self._paused:
            self.pause()
            return
        self._steps += 1
        if self._worker is not None:
            self._worker.board.set_steps(self._steps)

    def stop(self) -> None:
        """Stop what runs and what waits; ``RunStopped`` comes within about half a second."""
        self._own += self._waiting.clear()
        task = self._active
        if task is not None and not task.stopping and not isinstance(task.command, TryPrior):
            self._ask_to_stop(task, _PATIENCE)

    def close(self) -> None:
        """End the worker; nothing of it is left behind. The engine may be started again."""
        self._own += self._waiting.clear()
        self._active = None
        self._own.clear()
        if self._worker is not None:
            self._retire(self._worker)
        for worker in self._ended:
            worker.reaped(timeout=1.0)
        self._ended.clear()

    def poll(self) -> Update:
        """What has come since the last call; never waits."""
        update = Update()
        self._ended = [worker for worker in self._ended if not worker.reaped()]
        worker = self._worker
        if worker is not None and self._mailbox is not None:
            dead = worker.exit_code is not None
            worker.channel.flush()
            self._mailbox.receive(to_the_end=dead)
            update = self._mailbox.deliver()
            for message in update.messages:
                self._note(message)
            if dead and self._mailbox.is_empty:
                self._bury(worker)
            elif self._active is not None and self._active.deadline is not None:
                self._watch_the_clock(worker, self._active, self._active.deadline)
        update.messages += self._own
        self._own = []
        self._dispatch()
        return update

    # How tasks come and go.

    def _task(
        self,
        script: ScriptLike | Program,
        base: Path | None,
        device: str,
        out: Path | None,
        names: Mapping[str, str] | None,
        preview: bool,
    ) -> Task:
        self._runs += 1
        program = script if isinstance(script, Program) else Program.of(script, names=names)
        return Task(
            Execute(
                run=self._runs,
                program=program,
                base=None if base is None else str(Path(base).absolute()),
                device=device,
                out=None if out is None else str(Path(out).absolute()),
                preview=preview,
                steps=self._steps,
            )
        )

    def _dispatch(self) -> None:
        if self._worker is None or not self._ready or self._active is not None:
            return
        task = self._waiting.next()
        if task is None:
            return
        self._active = task
        self._worker.board.set_paused(self._paused and not task.preview)
        self._worker.channel.send(task.command)

    def _ask_to_stop(self, task: Task, patience: float) -> None:
        task.stopping = True
        task.deadline = time.monotonic() + patience
        if self._worker is not None:
            self._worker.board.request_stop(task.run)

    def _set_paused(self, paused: bool) -> None:
        self._paused = paused
        if self._worker is not None and (self._active is None or not self._active.preview):
            self._worker.board.set_paused(paused)

    # How the worker is listened to.

    def _note(self, message: Message) -> None:
        if isinstance(message, WorkerReady):
            self._ready = True
            self._failed_starts = 0
            self._devices = message.devices
            self._versions = message.versions
        task = self._active
        if task is None or getattr(message, "run", None) != task.run:
            return
        if isinstance(message, NodeStarted):
            task.node = message.node
        elif isinstance(message, NodeFinished):
            task.node = None
        elif isinstance(message, SolveFinished) and task.stopping:
            # The stop was answered; what is left is to show the last iterate.
            task.deadline = time.monotonic() + _LONG_PATIENCE
        elif isinstance(message, (RunFinished, RunFailed, RunStopped, PriorTried)):
            self._active = None

    # How a worker begins and ends.

    def _spawn(self) -> None:
        self._ready = False
        try:
            self._worker = WorkerProcess()
        except OSError as error:
            log.warning("The solver process could not be started: %s", error)
            self._own.append(
                WorkerDied(
                    f"The solver process could not be started: {error.strerror or error}.",
                    details=str(error),
                )
            )
            self._own += self._waiting.clear()
            return
        self._worker.board.set_steps(self._steps)
        self._mailbox = Mailbox(self._worker)

    def _retire(self, worker: WorkerProcess) -> None:
        worker.end()
        self._ended.append(worker)
        self._worker = self._mailbox = None
        self._ready = False

    def _bury(self, worker: WorkerProcess) -> None:
        task, self._active = self._active, None
        sentence, details = worker.obituary(), worker.last_words
        if task is not None and isinstance(task.command, Execute) and task.preview:
            self._deadly = task.command.program
        if not self._ready:
            self._failed_starts += 1
            sentence = f"The solver process could not start. {sentence}"
        died = WorkerDied(
            sentence,
            run=task.run if task and not task.preview else None,
            node=task.node if task else None,
            details=details,
        )
        log.warning("%s", died.sentence)
        self._own.append(died)
        self._retire(worker)
        if self._failed_starts < _STARTS:
            self._spawn()
        else:
            self._own += self._waiting.clear()

    def _watch_the_clock(self, worker: WorkerProcess, task: Task, deadline: float) -> None:
        if time.monotonic() < deadline:
            return
        self._active = None
        self._own.append(task.stopped(forced=True))
        self._retire(worker)
        self._spawn()
