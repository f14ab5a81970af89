"""The unknown while it is being solved for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app import theme
from app.eliding import ElidingLabel
from app.guard import guarded
from app.panes.image_view import ImageView
from app.results import PSNR
from app.runner import Runner
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")

__all__ = ["IteratePane"]

_EMPTY = "Press Run (F5): the picture being solved for appears here, iteration by iteration."
_NONE = "This run has no picture of its own: double-click a chart on the canvas to see it large."


class IteratePane(QWidget):
    """The newest iterate and, in one line, how good it is."""

    save_wanted = Signal(object)  # QImage
    values_wanted = Signal(object)  # array

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self._shown: Any = None
        self.view = ImageView(_EMPTY)
        self.view.setAccessibleName("Iterate")
        self.view.setToolTip("Wheel zooms, dragging pans, double-click shows the whole picture.")
        self.caption = ElidingLabel()
        self.caption.setProperty("muted", True)
        self.value = ElidingLabel()
        self.value.setProperty("muted", True)
        foot = QHBoxLayout()
        foot.setContentsMargins(8, 2, 8, 4)
        for label in (self.caption, self.value):
            label.setFont(theme.ui_font(12))
            foot.addWidget(label, 1)
        self.value.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.view, 1)
        layout.addLayout(foot)
        self.view.pointed.connect(self._on_pointed)
        self.view.save_wanted.connect(lambda: self.save_wanted.emit(self.view.image))
        self.view.values_wanted.connect(self._on_values)
        runner.iterate.connect(self._on_iterate)
        runner.rows_added.connect(self._say)
        runner.finished.connect(self._on_finished)
        runner.session.replaced.connect(self._on_replaced)

    def _on_finished(self, _: str) -> None:
        if self._shown is None and len(self.runner.history):
            self.view.set_empty(_NONE)

    def _on_replaced(self) -> None:
        self._shown = None
        self.view.set_empty(_EMPTY)
        self.view.clear()
        self.caption.setText("")

    def _on_iterate(self, live: Any) -> None:
        self._shown = live
        if self.isVisible():
            self.view.show_levels(live.display, live.data)
        self._say()

    @guarded()
    def showEvent(self, event: Any) -> None:
        """Take over what came while another tab was in front."""
        super().showEvent(event)
        if self._shown is not None:
            self.view.show_levels(self._shown.display, self._shown.data)

    def _on_values(self) -> None:
        try:
            self.values_wanted.emit(self._shown.data())
        except (AttributeError, LookupError):
            self.runner.session.said.emit("warning", "There is no iterate to save just now.")

    def _on_pointed(self, text: str) -> None:
        self.value.setText(text)
        self.value.setVisible(bool(text))
        self.caption.setVisible(not text)

    def _say(self) -> None:
        if self._shown is None:
            return
        height, width = self._shown.display.shape[:2]
        words = [f"{self._shown.variable}, iteration {self._shown.iteration}"]
        rows = self.runner.history
        if len(rows) and np.isfinite(rows[-1, PSNR]):
            words.append(f"PSNR {rows[-1, PSNR]:.2f} dB")
        factor = self._shown.reduction
        words.append(f"{width * factor} × {height * factor}")
        self.caption.setText("  ·  ".join(words))
