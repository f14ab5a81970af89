"""What the chosen prior does to a noisy patch of a photograph, in the inspector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app import theme
from app.engine.protocol import PriorTried
from app.pictures import to_pixmap
from app.runner import Runner
from nodes.document import Node

__all__ = ["PriorTrial", "is_prior"]

_SIDE = 128
_WAIT_MS = 300
# What decides about the result; the others of the node concern the problem, or large images.
_OPTIONS = ("weights", "sigma", "x8", "clamp", "averaged", "precision")


def is_prior(node: Node) -> bool:
    """Whether a node holds a denoiser that can be tried."""
    return _named(node) is not None


def _named(node: Node) -> str | None:
    spec = node.spec
    if spec is None:
        return None
    for name in ("denoiser", "network"):
        if spec.parameter(name) is not None:
            value = node.value(name)
            return value if isinstance(value, str) else None
    return None


def _asked(node: Node) -> tuple[str, dict[str, Any]] | None:
    """The denoiser and its options, as the script would give them."""
    name, spec = _named(node), node.spec
    if name is None or spec is None:
        return None
    options: dict[str, Any] = {}
    for option in _OPTIONS:
        parameter = spec.parameter(option)
        value: Any = node.value(option) if parameter is not None else None
        if value is None or value == "":
            continue
        if option == "x8":
            value = {"no": False, "average": True, "in turn": "cycle"}.get(str(value), False)
        options[option] = value
    return name, options


class PriorTrial(QWidget):
    """Two pictures, noisy and denoised, and a sentence with PSNR and stretch.

    Args:
        runner: whose worker tries the prior.
        node: the node that holds it.
        base: the folder that a relative path of weights starts from.
    """

    def __init__(
        self, runner: Runner, node: Node, base: Path | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.runner = runner
        self._base = base
        averages = node.spec is not None and node.spec.parameter("averaged") is not None
        self._remedy = ": share θ tames it" if averages else ""
        self._asked: tuple[str, dict[str, Any]] | None = None
        self._run: int | None = None
        self.before, self.after = QLabel(), QLabel()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setAccessibleName("What the prior does to noise")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        title = QLabel("On a noisy patch")
        title.setProperty("muted", True)
        grid.addWidget(title, 0, 0, 1, 2)
        for column, (picture, name) in enumerate(
            ((self.before, "The noisy patch"), (self.after, "The denoised patch"))
        ):
            picture.setFixedSize(_SIDE, _SIDE)
            picture.setAccessibleName(name)
            picture.setToolTip(name)
            picture.setStyleSheet(f"background: {theme.current().canvas}; border-radius: 4px;")
            grid.addWidget(picture, 1, column)
        grid.addWidget(self.words, 2, 0, 1, 2)
        grid.setColumnStretch(2, 1)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_WAIT_MS)
        self._soon.timeout.connect(self._ask)
        runner.prior_tried.connect(self._on_tried)
        self.follow(node)

    def follow(self, node: Node) -> None:
        """The node as it is now; tried again if anything changed that matters."""
        asked = _asked(node)
        if asked is not None and asked != self._asked:
            self._asked = asked
            self._say("Being tried …" if self.runner.state == "idle" else "Tried between runs.")
            self._soon.start()

    def _ask(self) -> None:
        if self._asked is not None:
            name, options = self._asked
            self._run = self.runner.engine.try_prior(name, options, self._base)

    def _on_tried(self, answer: object) -> None:
        if not isinstance(answer, PriorTried) or answer.run != self._run:
            return
        for label, pixels in ((self.before, answer.noisy), (self.after, answer.denoised)):
            if pixels is None:
                label.clear()
                continue
            picture = to_pixmap(pixels, 0.0, 1.0)
            ratio = self.devicePixelRatioF()
            picture = picture.scaled(int(_SIDE * ratio), int(_SIDE * ratio))
            picture.setDevicePixelRatio(ratio)
            label.setPixmap(picture)
        if answer.sentence:
            self._say(answer.sentence, error=True)
            return
        words = (
            f"σ = {answer.sigma * 255:.3g}/255: {answer.before:.1f} → <b>{answer.after:.1f} dB</b>"
        )
        if answer.stretch is not None:
            words += f", stretches changes by {answer.stretch:.2f}"
            if answer.stretch > 1.0:
                words += " (above 1 iterations may drift" + self._remedy + ")"
        self._say(words + ".")

    def _say(self, words: str, error: bool = False) -> None:
        self.words.setProperty("error", error)
        self.words.setProperty("muted", not error)
        style = self.words.style()
        style.unpolish(self.words)
        style.polish(self.words)
        self.words.setText(words)
