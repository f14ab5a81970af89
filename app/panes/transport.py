"""Where a run stands: iteration, bar, time left. And on which device it computes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QProgressBar, QWidget

from app.runner import Runner

__all__ = ["DeviceChooser", "ProgressStrip", "duration"]

_NAMES = {"auto": "Automatic", "cpu": "CPU", "cuda": "GPU (CUDA)"}


def duration(seconds: float) -> str:
    """A time as on a clock: 0:07, 12:30, 1:02:03."""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class ProgressStrip(QWidget):
    """Iteration n of N, a bar, and how long it will still take."""

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self.text = QLabel()
        self.text.setMinimumWidth(128)
        self.text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(150)
        self.bar.setFixedHeight(8)
        self.bar.setAccessibleName("Progress of the solve")
        self.left = QLabel()
        self.left.setProperty("muted", True)
        self.left.setMinimumWidth(64)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(10)
        row.addWidget(self.text)
        row.addWidget(self.bar)
        row.addWidget(self.left)
        runner.progressed.connect(self.refresh)
        runner.state_changed.connect(self.refresh)
        self.refresh()

    def refresh(self, _: Any = None) -> None:
        """Show how far the run is."""
        progress, state = self.runner.progress, self.runner.state
        at_work = self.runner.busy
        self.bar.setValue(round(1000 * progress.share))
        self.bar.setEnabled(at_work)
        if progress.maximum:
            self.text.setText(f"iteration {progress.iteration}/{progress.maximum}")
            self.bar.setToolTip(f"{progress.iteration} of at most {progress.maximum} iterations")
        elif state == "starting" and not at_work:
            self.text.setText("solver is starting")
        else:
            self.text.setText("preparing data" if at_work else "ready")
        left = progress.left
        if state == "paused":
            self.left.setText("paused")
        elif at_work and left is not None:
            self.left.setText(f"{duration(left)} left")
        elif not at_work and progress.iteration:
            self.left.setText(duration(progress.seconds))
        else:
            self.left.setText("")


class DeviceChooser(QComboBox):
    """CPU or GPU; what the worker does not have is not offered."""

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self.setToolTip("Where the next run computes; automatic takes a GPU if there is one")
        self.setAccessibleName("Device")
        self.setMinimumContentsLength(9)
        self._fill()
        runner.devices_changed.connect(self._fill)
        self.activated.connect(self._on_chosen)

    def _fill(self) -> None:
        known = ["auto", *(self.runner.engine.devices or ("cpu",))]
        self.clear()
        for device in known:
            self.addItem(_NAMES.get(device, device), device)
        self.setCurrentIndex(max(0, self.findData(self.runner.device)))

    def _on_chosen(self, index: int) -> None:
        self.runner.device = str(self.itemData(index))
