"""The run of a session: sends the script to the worker, keeps what comes back.

One timer looks 25 times a second at what the worker has done. Nothing is queued per iteration:
the newest rows of the history and the newest image are taken, older ones never wait.
"""

from __future__ import annotations

import logging
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.engine import protocol
from app.engine.client import Engine, LiveImage
from app.guard import report
from app.results import ITERATION, SECONDS, HistoryTable, Picture, Progress, Rows, picture_of
from app.session import Notice, Session
from nodes.document import Document
from nodes.errors import ScriptError
from nodes.flatten import flatten
from nodes.groups import DYNAMIC, GROUP
from nodes.modes import up_to
from nodes.script import generate
from nodes.spectral import spectra

__all__ = ["Runner"]

_log = logging.getLogger(__name__)

POLL_MS = 40
_PREVIEW_MS = 350
_BUSY = ("running", "paused", "stopping")


class Runner(QObject):
    """Runs the open document in the worker and remembers what came of it.

    Signals:
        state_changed(str): "starting", "idle", "running", "paused", "stopping" or "dead".
        node_changed(str): the state or picture of a node changed.
        started: a run began; what is shown belongs to the past.
        rows_added: ``history`` has grown.
        iterate(LiveImage): a new iterate.
        progressed: ``progress`` changed.
        devices_changed: the worker said what it can compute on.
        finished(str): a run ended; the sentence that says how.
        prior_tried(PriorTried): what a prior made of a noisy patch.
    """

    state_changed = Signal(str)
    node_changed = Signal(str)
    started = Signal()
    rows_added = Signal()
    iterate = Signal(object)
    progressed = Signal()
    devices_changed = Signal()
    finished = Signal(str)
    prior_tried = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.engine = Engine()
        self.device = "auto"
        self.state = "starting"
        self.progress = Progress()
        self.pictures: dict[str, Picture] = {}
        self.node_states: dict[str, str] = {}
        self.node_seconds: dict[str, float] = {}
        self.last_iterate: LiveImage | None = None
        self.plan_text = ""
        self.outcome = ""
        self.table = HistoryTable()
        self._run: int | None = None
        self._solver: str | None = None
        self._solve: int | None = None  # the worker's number of the solve that is shown
        self._revision = 0  # of the document, at the last run or preview
        self._preview_run: int | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._preview = QTimer(self)
        self._preview.setSingleShot(True)
        self._preview.setInterval(_PREVIEW_MS)
        self._preview.timeout.connect(self.preview_now)
        session.derived.connect(self._preview.start)
        session.replaced.connect(self.reset)
        session.changed.connect(self._on_document)

    # --- life ---

    def start(self) -> None:
        """Start the worker in the background and begin to look at it."""
        self.engine.start()
        self._timer.start()

    def close(self) -> None:
        """End the worker and the timers."""
        self._timer.stop()
        self._preview.stop()
        self.engine.close()

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self.state in _BUSY or self._run is not None

    @property
    def history(self) -> Rows:
        """The rows of the solve so far."""
        return self.table.rows

    def reset(self) -> None:
        """Forget everything about the document before."""
        if self._run is not None:
            self.engine.stop()
        self._run = self._preview_run = None
        self._forget_solve()
        self.pictures.clear()
        self.node_states.clear()
        self.node_seconds.clear()
        self.last_iterate = None
        self.outcome = ""
        self.started.emit()
        self._sync_state()
        self.progressed.emit()

    def _forget_solve(self) -> None:
        self.table.clear()
        self._solver = self._solve = None
        self.progress = Progress()
        self.plan_text = ""

    # --- what a person asks for ---

    def run(self, paused: bool = False, target: str | None = None) -> bool:
        """Run the document from the start; says why not when something stands in the way.

        Args:
            paused: hold before the first iteration.
            target: run only this node and what it depends on.
        """
        self.session.derive()
        document = self.session.document
        try:
            part = self._part(document, target) if target else document
            script = generate(part, strict=True)
        except ScriptError as error:
            issues = list(getattr(error, "issues", ()) or self.session.errors())
            self.session.said.emit("error", str(error))
            if issues and issues[0].node:
                self.session.select([issues[0].node])
            return False
        self._preview.stop()
        self._preview_run = None
        self.session.forget_notices("run", "worker")
        self._forget_solve()
        self.outcome = ""
        for node in list(self.node_states):
            self._set_state(node, "idle")
        names = self._names()
        self._revision = self.session.document.revision
        self._run = self.engine.run(
            script, base=self.session.base, device=self.device, names=names, paused=paused
        )
        self.started.emit()
        self._sync_state()
        return True

    def _part(self, document: Document, target: str) -> Document:
        """What a node that is shown depends on; of a group, all that it gives."""
        flat, name = flatten(document), self.session.levels.flat(target)
        ends = [end[0] for (use, _), end in flat.sources.items() if use == name]
        targets = ends or [name]
        return up_to(flat.document, *(t for t in targets if t in flat.document))

    def _names(self) -> dict[str, str]:
        return {node.id: node.name for node in flatten(self.session.document).document.nodes}

    def _computed(self, node: str) -> bool:
        return node in flatten(self.session.document).document

    def run_or_resume(self) -> bool:
        """What the Run button does; False if something stands in the way."""
        done = True
        if self.state == "paused":
            self.engine.resume()
        elif not self.busy:
            done = self.run()
        self._sync_state()
        return done

    def pause(self) -> None:
        """Hold at the next iteration."""
        if self.state == "running":
            self.engine.pause()
        self._sync_state()

    def step(self) -> None:
        """One iteration; from rest, the first one."""
        if not self.busy and not self.run(paused=True):
            return
        self.engine.step()
        self._sync_state()

    def stop(self) -> None:
        """End the run, keeping what it has so far."""
        self.engine.stop()
        self._sync_state()

    def preview_now(self) -> None:
        """Let the worker compute what does not need a solve, so that nodes show their pictures."""
        if self._run is not None or not self.session.document.nodes:
            return
        names = self._names()
        self._revision = self.session.document.revision
        self._preview_run = self.engine.preview(
            self.session.script, base=self.session.base, device=self.device, names=names
        )

    # --- what the worker says ---

    def poll(self) -> None:
        """Take what has come since the last time."""
        try:
            update = self.engine.poll()
        except Exception:
            self._timer.stop()  # once is enough to say it
            report()
            return
        for message in update.messages:
            try:
                self._receive(message)
            except Exception:
                report()
        # What a run before this one left behind is nobody's any more.
        if len(update.history) and self._solve is not None:
            self._append(update.history)
        if update.image is not None and update.image.solve == self._solve:
            self.last_iterate = update.image
            self.iterate.emit(update.image)
        self._sync_state()

    def _append(self, rows: Rows) -> None:
        self.table.add(rows)
        self.progress.iteration = int(rows[-1, ITERATION])
        self.progress.seconds = float(rows[-1, SECONDS])
        self.rows_added.emit()
        self.progressed.emit()

    def _sync_state(self) -> None:
        state = self.engine.state
        if state != self.state:
            self.state = state
            if self._solver is not None and state in ("running", "paused"):
                self._set_state(self._solver, state)
            self.state_changed.emit(state)

    def _receive(self, message: Any) -> None:
        match message:
            case protocol.WorkerReady():
                self.devices_changed.emit()
                if self._run is None:
                    self._preview.start()
            case protocol.PriorTried():
                self.prior_tried.emit(message)
            case protocol.NodeImage():
                self._take_picture(message)
            case protocol.NodeStarted() if message.run == self._run:
                self._set_state(message.node, "running")
            case protocol.NodeFinished() if message.run in (self._run, self._preview_run):
                if message.seconds is not None:
                    self.node_seconds[message.node] = message.seconds
                self._set_state(message.node, "done")
            case protocol.SolveStarted() if message.run == self._run:
                self._forget_solve()
                self._solver, self._solve = message.node, message.solve
                self.plan_text = message.plan_text
                self.progress = Progress(message.node, 0, message.max_iter)
                self.started.emit()
                self.progressed.emit()
            case protocol.SolveFinished() if message.run == self._run:
                self._solver = None
                self.outcome = message.sentence
                self.progressed.emit()
            case protocol.RunFinished() if message.run == self._run:
                self._end(self.outcome or "The script has run to its end.")
            case protocol.RunStopped() if message.run == self._run:
                self._settle("idle")
                self._end("Stopped. The last iterate is shown.")
            case protocol.RunFailed() if message.run == self._run:
                self._fail(message.node, message.sentence, message.details, "run")
            case protocol.RunFailed() if message.run == self._preview_run:
                self._fail_preview(message)
            case protocol.RunFinished() if message.run == self._preview_run:
                self.session.forget_notices("run")
            case protocol.WorkerDied():
                self._fail(message.node, message.sentence, message.details, "worker")
            case _:
                _log.debug("Not for the window: %s", type(message).__name__)

    def _take_picture(self, message: Any) -> None:
        if not self._computed(message.node):
            return
        if message.run not in (self._run, self._preview_run):
            return  # of an older script
        spectral = message.node in spectra(self.session.document)
        self.pictures[message.node] = picture_of(message, spectral)
        self.node_changed.emit(message.node)

    def _set_state(self, node: str, state: str) -> None:
        if self._computed(node) and self.node_states.get(node) != state:
            self.node_states[node] = state
            self.node_changed.emit(node)

    def _settle(self, state: str) -> None:
        for node, known in list(self.node_states.items()):
            if known in ("running", "paused"):
                self._set_state(node, state)

    def _end(self, sentence: str) -> None:
        self._run = None
        self._solver = None
        self.outcome = sentence
        if self.session.document.revision != self._revision:
            self._preview.start()  # what was edited meanwhile has not been shown yet
        self._sync_state()
        self.progressed.emit()
        self.finished.emit(sentence)

    def _fail(self, node: str | None, sentence: str, details: str, source: str) -> None:
        running = self._run is not None
        self._settle("failed" if node is None else "idle")
        if node is not None:
            self._set_state(node, "failed")
        self.session.forget_notices(source)
        self.session.note(Notice("error", sentence, node, details, source))
        if running:
            self._end(sentence)

    def _fail_preview(self, message: Any) -> None:
        if self.session.document.revision != self._revision:
            return  # the graph has been edited since: another preview is on its way
        if message.node is not None:
            self._set_state(message.node, "failed")
        self.session.forget_notices("run")
        if not any(issue.node == message.node for issue in self.session.errors()):
            # The checks have not said it already.
            self.session.note(
                Notice("error", message.sentence, message.node, message.details, "run")
            )

    # --- what an edit makes of old results ---

    def _on_document(self, event: Any) -> None:
        from nodes import document as events

        match event:
            case events.NodeChanged() if event.what in ("parameters", "mode"):
                self._outdate(event.node.id)
            case events.WireAdded() | events.WireRemoved():
                self._outdate(event.wire.target)
            case events.NodeRemoved():
                for gone in [n for n in self.node_states if not self._computed(n)]:
                    del self.node_states[gone]
                for gone in [n for n in self.pictures if not self._computed(n)]:
                    del self.pictures[gone]
            case _:
                return
        self.session.forget_notices("run")

    def _outdate(self, node: str) -> None:
        flat = flatten(self.session.document)
        found = self.session.document.get(node)
        copies = [node] if node in flat.document else flat.copies(node)
        if found is not None and found.type in DYNAMIC:
            # What a port of a group carries goes wherever the group leads.
            use = found.parameters.get("of") if found.type == GROUP else found.group
            copies = [f for f in flat.home if self._lies_in(f, str(use))]
        for copy in copies:
            for other in flat.document.downstream(copy):
                if self.node_states.get(other) in ("done", "failed"):
                    self._set_state(other, "stale")

    def _lies_in(self, flat: str, group: str) -> bool:
        home = flatten(self.session.document).home[flat]
        uses = (self.session.document.node(use) for use in home[:-1])
        return any(use.parameters.get("of") == group for use in uses)
