"""The line at the bottom: what happened last, and what the solver process is doing."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStatusBar, QWidget

from app import icons, theme
from app.eliding import ElidingLabel
from app.runner import Runner
from app.session import Session

__all__ = ["StatusLine"]

_STATES = {
    "starting": "Solver is starting",
    "idle": "Solver ready",
    "running": "Solver running",
    "paused": "Solver paused",
    "stopping": "Solver stopping",
    "dead": "No solver",
}
_FORGET_MS = 12_000


class StatusLine(QStatusBar):
    """One sentence on the left, the solver on the right."""

    def __init__(self, session: Session, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self.setSizeGripEnabled(False)
        self._mark = QLabel()
        self._mark.setFixedWidth(28)
        self.text = ElidingLabel()
        self.text.setAccessibleName("Message")
        left = QWidget()
        row = QHBoxLayout(left)
        row.setContentsMargins(4, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._mark)
        row.addWidget(self.text, 1)
        self.addWidget(left, 1)
        self.solver = QLabel()
        self.solver.setAccessibleName("Solver")
        self.addPermanentWidget(self.solver)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FORGET_MS)
        self._timer.timeout.connect(self._forget)
        session.said.connect(self.say)
        session.derived.connect(self._rest)
        runner.finished.connect(self._on_finished)
        runner.started.connect(self._forget)
        runner.state_changed.connect(self._show_state)
        runner.devices_changed.connect(self._show_state)
        theme.signals().changed.connect(self._on_theme)
        self._said = ("", "")
        self._show_state()

    def say(self, severity: str, sentence: str) -> None:
        """Show a sentence for a while."""
        self._said = (severity, sentence)
        tokens = theme.current()
        colour = {"error": tokens.error, "warning": tokens.warning}.get(severity, tokens.muted)
        name = {"error": "alert-circle", "warning": "alert"}.get(severity, "information-outline")
        self._mark.setPixmap(icons.pixmap(name, 16, colour))
        self.text.setText(sentence)
        self.text.setStyleSheet(f"color: {tokens.text if severity != 'hint' else tokens.muted}")
        self._timer.start()

    def _on_theme(self, _theme: Any) -> None:
        self._show_state()
        if self._timer.isActive():
            self.say(*self._said)
        else:
            self._rest()

    def _on_finished(self, sentence: str) -> None:
        if not any(notice.sentence == sentence for notice in self.session.notices):
            self.say("hint", sentence)

    def _forget(self) -> None:
        self._timer.stop()
        self._mark.clear()
        self.text.setText("")
        self._rest()

    def _rest(self) -> None:
        """What is worth knowing while nothing happens."""
        if self._timer.isActive():
            return
        count = len(self.session.errors())
        if count:
            noun = "issue stands" if count == 1 else "issues stand"
            self.text.setText(f"{count} {noun} in the way of a run.")
            self._mark.setPixmap(icons.pixmap("alert-circle", 16, theme.current().error))
            self.text.setStyleSheet("")
        else:
            self._mark.clear()
            self.text.setText("")

    def _show_state(self, _: Any = None) -> None:
        devices = self.runner.engine.devices
        device = self.runner.device if self.runner.device != "auto" else (devices or ("",))[-1]
        words = _STATES.get(self.runner.state, self.runner.state)
        self.solver.setText(f"{words} · {device.upper()}" if device else words)
        self.solver.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
