"""Two pictures against each other, and what can be measured on them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import measure, theme
from app.canvas.card import holds_picture
from app.eliding import ElidingLabel
from app.guard import guarded
from app.panes.histogram import HistogramBar, ProfilePlot
from app.panes.measure_view import MeasureView
from app.pictures import auto_levels, to_display
from app.runner import Runner
from app.session import Session
from nodes.document import Node
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["MAPS", "MODES", "ComparePane", "colourise"]

MODES = ("Alone", "Side by side", "Wipe", "Blink", "Difference")
#: Name on the screen → pyqtgraph's name; the first is no map.
MAPS = {
    "Grey": "",
    "Viridis": "viridis",
    "Inferno": "inferno",
    "Turbo": "turbo",
    "Signed": "CET-D1",
}
_ITERATE = "iterate"
_BLINK_MS = 600
_SEEN = 99.5  # percent of the pixels of a difference that lie within its levels
_EMPTY = "Choose a picture above. The iterate can be chosen while a solver runs."
_tables: dict[str, NDArray[np.uint8]] = {}


def colourise(levels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Grey levels in the colours of a map; a colour picture stays as it is."""
    wanted = MAPS.get(name, "")
    if not wanted or levels.ndim == 3:
        return levels
    if wanted not in _tables:
        import pyqtgraph as pg

        found = pg.colormap.get(wanted)
        _tables[wanted] = np.asarray(found.getLookupTable(nPts=256), dtype=np.uint8)[:, :3]
    return _tables[wanted][levels]


class ComparePane(QWidget):
    """Picture A, alone or against B.

    Signals:
        save_wanted(QImage): the picture as shown.
        values_wanted(array): its values.
    """

    save_wanted = Signal(object)
    values_wanted = Signal(object)

    def __init__(self, session: Session, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.runner = session, runner
        self._live: NDArray[np.floating] | None = None
        self._levels: tuple[float, float] | None = None  # by hand, else fitted
        self._blinked = False
        self._chosen = False  # whether someone has said what B is
        self.first, self.second = self._selector("Picture A"), self._selector("Picture B")
        self.mode = self._box("How A and B are shown", MODES)
        self.map = self._box("Colour map of grey pictures", tuple(MAPS))
        self.fft = QToolButton()
        self.fft.setText("FFT")
        self.fft.setCheckable(True)
        self.fft.setToolTip("Show the logarithm of the modulus of the Fourier transform")
        self.fft.setAccessibleName("Fourier transform")
        self.view_a, self.view_b = MeasureView(_EMPTY), MeasureView("Choose picture B.")
        self.view_a.setAccessibleName("Picture A")
        self.view_b.setAccessibleName("Picture B")
        self.bar, self.plot = HistogramBar(), ProfilePlot()
        self.caption, self.region = ElidingLabel(), ElidingLabel()
        self._blink = QTimer(self)
        self._blink.setInterval(_BLINK_MS)
        self._blink.timeout.connect(self._on_blink)
        self._compose()
        self._connect()
        self._fill()

    def _selector(self, name: str) -> QComboBox:
        box = self._box(name, ())
        box.setMinimumContentsLength(6)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return box

    @staticmethod
    def _box(name: str, entries: tuple[str, ...]) -> QComboBox:
        box = QComboBox()
        box.addItems(list(entries))
        box.setToolTip(name)
        box.setAccessibleName(name)
        box.setMinimumContentsLength(5)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return box

    def _compose(self) -> None:
        head, tools, views, foot = QHBoxLayout(), QHBoxLayout(), QHBoxLayout(), QVBoxLayout()
        head.setSpacing(6)
        tools.setSpacing(6)
        head.setContentsMargins(8, 6, 8, 0)
        tools.setContentsMargins(8, 4, 8, 4)
        for letter, box in (("A", self.first), ("B", self.second)):
            head.addWidget(QLabel(letter))
            head.addWidget(box, 1)
        tools.addWidget(self.mode, 1)
        tools.addWidget(self.map, 1)
        tools.addWidget(self.fft)
        views.setSpacing(2)
        views.addWidget(self.view_a, 1)
        views.addWidget(self.view_b, 1)
        foot.setContentsMargins(8, 2, 8, 4)
        foot.setSpacing(0)
        for label in (self.caption, self.region):
            label.setProperty("muted", True)
            label.setFont(theme.ui_font(12))
            foot.addWidget(label)
        self.region.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(tools)
        layout.addLayout(views, 1)
        layout.addWidget(self.plot)
        layout.addWidget(self.bar)
        layout.addLayout(foot)

    def _connect(self) -> None:
        for box in (self.first, self.second):
            box.activated.connect(self._on_choice)
        self.mode.activated.connect(self._on_mode)
        self.map.activated.connect(lambda _: self.refresh())
        self.fft.toggled.connect(lambda _: self._refit())
        self.bar.levels_changed.connect(self._on_levels)
        self.bar.fit_wanted.connect(self._refit)
        self.view_a.moved.connect(lambda: self.view_b.go(self.view_a.place))
        self.view_b.moved.connect(lambda: self.view_a.go(self.view_b.place))
        for view in (self.view_a, self.view_b):
            view.pointed.connect(self._on_pointed)
            view.marked.connect(self._on_marked)
            view.save_wanted.connect(lambda v=view: self.save_wanted.emit(v.image))
            view.values_wanted.connect(self._on_values)
        self.session.derived.connect(self._fill)
        self.session.replaced.connect(self._on_replaced)
        self.runner.node_changed.connect(self._on_node)
        self.runner.iterate.connect(self._on_iterate)
        theme.signals().changed.connect(self._on_theme)

    def _on_theme(self, _theme: Any) -> None:
        self.refresh()

    # --- what is chosen ---

    def _fill(self) -> None:
        wanted = [("The iterate", _ITERATE)]
        wanted += [(n.name, n.id) for n in self._nodes() if holds_picture(n)]
        for box in (self.first, self.second):
            have = [(box.itemText(i), box.itemData(i)) for i in range(box.count())]
            if have == wanted:
                continue
            chosen = box.currentData()
            box.clear()
            for text, key in wanted:
                box.addItem(text, key)
            box.setCurrentIndex(max(box.findData(chosen), 0))
        if not self._chosen:
            self.second.setCurrentIndex(max(self.second.findData(self._reference()), 0))
        self.refresh()

    def _reference(self) -> str:
        """What one compares with, before one says so: the ground truth, else the data."""
        document = self.session.levels.flat_graph.document
        known = [str(self.second.itemData(i)) for i in range(self.second.count())]
        for port in ("truth", "x0"):
            for wire in document.wires:
                if wire.input == port and wire.source in known:
                    return wire.source
        return next((key for key in known if key != _ITERATE), _ITERATE)

    def _nodes(self) -> Sequence[Node]:
        return self.session.levels.flat_graph.document.nodes

    def choose(self, first: str, second: str = "", mode: str = "") -> None:
        """Choose pictures by node id, or "iterate", and a mode by its name."""
        self._chosen = self._chosen or bool(second)
        for box, key in ((self.first, first), (self.second, second)):
            if key and box.findData(key) >= 0:
                box.setCurrentIndex(box.findData(key))
        if mode in MODES:
            self.mode.setCurrentText(mode)
            self._on_mode(0)
        self._refit()

    def _on_replaced(self) -> None:
        self._chosen = False
        self._live = self._levels = None
        self.view_a.clear_mark()
        self.plot.hide()

    def _on_choice(self, _index: int) -> None:
        self._chosen = True
        self._refit()

    def _on_mode(self, _index: int) -> None:
        if self.mode.currentText() == "Blink":
            self._blink.start()
        else:
            self._blink.stop()
        self._refit()

    def values(self, box: QComboBox) -> NDArray[np.floating] | None:
        """The picture a selector stands for."""
        if box.currentData() == _ITERATE:
            return self._live
        picture = self.runner.pictures.get(str(box.currentData() or ""))
        return picture.data if picture is not None else None

    # --- news ---

    def _on_node(self, node: str) -> None:
        if node in (self.first.currentData(), self.second.currentData()):
            self.refresh()

    def _on_iterate(self, live: Any) -> None:
        if not self.isVisible() or _ITERATE not in (
            self.first.currentData(),
            self.second.currentData(),
        ):
            return
        try:
            self._live = live.data()
        except LookupError:  # a newer one is on its way
            return
        self.refresh()

    @guarded()
    def showEvent(self, event: Any) -> None:
        """Take over what came meanwhile."""
        super().showEvent(event)
        live = self.runner.last_iterate
        if live is not None:
            with contextlib.suppress(LookupError):
                self._live = live.data()
        self.refresh()

    def _on_blink(self) -> None:
        self._blinked = not self._blinked
        if self.isVisible():
            self.refresh()

    # --- showing ---

    def _refit(self) -> None:
        self._levels = None
        self.refresh()

    def _on_levels(self, low: float, high: float) -> None:
        self._levels = (low, high)
        self.refresh(bar=False)

    def shown(self) -> tuple[NDArray[np.floating] | None, NDArray[np.floating] | None]:
        """The values that A's and B's views show now."""
        a, b, mode = self.values(self.first), self.values(self.second), self.mode.currentText()
        if mode == "Difference":
            a, b = (measure.difference(a, b) if a is not None and b is not None else None), None
        elif mode == "Alone":
            b = None
        elif mode == "Blink" and self._blinked:
            a, b = b, a
        if self.fft.isChecked():
            a = measure.spectrum(a) if a is not None else None
            b = measure.spectrum(b) if b is not None else None
        return a, b

    def refresh(self, bar: bool = True) -> None:
        """Show pictures, levels and numbers as they are now."""
        if not self.isVisible():
            return
        a, b = self.shown()
        mode = self.mode.currentText()
        self.view_b.setVisible(mode == "Side by side")
        if a is None:
            self.view_a.clear()
            self.view_a.set_empty(self._why_empty(mode))
        else:
            # Blinking, both are seen at the levels of A: what changes is then the pictures.
            turned = mode == "Blink" and self._blinked and b is not None
            levels = self._levels or self._fitted(b if turned and b is not None else a, mode)
            self._show(self.view_a, a, levels)
            wiped = b if mode == "Wipe" and b is not None and b.shape[:2] == a.shape[:2] else None
            self.view_a.show_second(self._painted(wiped, levels) if wiped is not None else None)
            if mode == "Side by side" and b is not None:
                self._show(self.view_b, b, levels)
            if bar:
                self.bar.show_values(a, levels)
        if mode == "Side by side" and b is None:
            self.view_b.clear()
        self._say()

    def _fitted(self, a: NDArray[np.floating], mode: str) -> tuple[float, float]:
        if mode == "Difference" and not self.fft.isChecked():
            # A few pixels that are far off would leave all others without a colour.
            sizes = np.abs(a[np.isfinite(a)])
            largest = float(np.percentile(sizes, _SEEN)) if sizes.size else 0.0
            largest = largest or (float(sizes.max()) if sizes.size else 0.0)
            return (-(largest or 1.0), largest or 1.0)
        return auto_levels(a)

    def _painted(
        self, data: NDArray[np.floating], levels: tuple[float, float]
    ) -> NDArray[np.uint8]:
        name = self.map.currentText()
        if name == "Grey" and self.mode.currentText() == "Difference":
            name = "Signed"  # the sign is the point
        return colourise(to_display(data, *levels), name)

    def _show(
        self, view: MeasureView, data: NDArray[np.floating], levels: tuple[float, float]
    ) -> None:
        view.show_levels(self._painted(data, levels), lambda: data, smooth_now=not self.runner.busy)

    def _why_empty(self, mode: str) -> str:
        a, b = self.values(self.first), self.values(self.second)
        if mode == "Difference" and a is not None and b is not None:
            return "A and B have different sizes: there is no difference to show."
        return _EMPTY

    def _say(self) -> None:
        a, b = self.values(self.first), self.values(self.second)
        words = []
        if a is not None:
            words.append(" × ".join(str(n) for n in a.shape))
        if a is not None and b is not None and self.mode.currentText() != "Alone":
            ratio = measure.psnr(a, b)
            if ratio is None:
                words.append("A and B differ in size")
            else:
                words.append("A equals B" if np.isinf(ratio) else f"PSNR {ratio:.2f} dB")
                if not self.runner.busy:
                    likeness = measure.ssim(a, b)
                    words += [f"SSIM {likeness:.4f}"] if likeness is not None else []
        self.caption.setText("  ·  ".join(words))

    def _on_pointed(self, text: str) -> None:
        if text:
            self.caption.setText(text)
        else:
            self._say()

    def _on_marked(self, kind: str, start: QPointF, end: QPointF) -> None:
        a = self.shown()[0]
        self.plot.hide()
        self.region.setVisible(bool(kind))
        if a is None or not kind:
            return
        if kind == "line":
            points = (start.y() - 0.5, start.x() - 0.5), (end.y() - 0.5, end.x() - 0.5)
            self.plot.show_profile(*measure.profile(a, *points))
            self.region.setText(f"Profile along {(end - start).manhattanLength():.0f} px")
            self.region.hide()
            return
        rows = sorted((int(start.y()), int(np.ceil(end.y()))))
        columns = sorted((int(start.x()), int(np.ceil(end.x()))))
        part = a[max(rows[0], 0) : max(rows[1], 0), max(columns[0], 0) : max(columns[1], 0)]
        self.region.setText(measure.statistics(part).text if part.size else "outside the picture")

    def _on_values(self) -> None:
        a = self.shown()[0]
        if a is not None:
            self.values_wanted.emit(a)
