"""How the solve goes: objective and PSNR, residuals and their tolerances, over the iterations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from app import theme
from app.guard import guarded
from app.results import (
    DUAL,
    DUAL_TOL,
    ITERATION,
    OBJECTIVE,
    PRIMAL,
    PRIMAL_TOL,
    PSNR,
)
from app.runner import Runner

__all__ = ["CurvesPane", "decimate"]

_POINTS = 600
_PAINT_MS = 120
_EMPTY = "Objective, residuals and PSNR are drawn here while a solver runs."


def decimate(
    x: NDArray[np.float64], y: NDArray[np.float64], points: int = _POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A curve with at most about ``points`` points that keeps every peak and valley.

    Each block of neighbours gives its smallest and its largest value, in their order; the last
    point is always kept.
    """
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(y) <= points:
        return x, y
    block = -(-len(y) // (points // 2))
    # The last block is filled up with its own last value.
    blocks = np.pad(y, (0, -len(y) % block), mode="edge").reshape(-1, block)
    start = np.arange(len(blocks)) * block
    pairs = np.stack([start + blocks.argmin(axis=1), start + blocks.argmax(axis=1)], axis=1)
    chosen = np.unique(np.concatenate([pairs.ravel(), [0, len(y) - 1]]))
    chosen = chosen[chosen < len(y)]
    return x[chosen], y[chosen]


class _Exponents(pg.AxisItem):
    """An axis of powers of ten, for curves given as log10; a narrow range shows plain numbers."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if not self.log10:
            return [f"{value:.4g}" for value in values]
        return [_power(value) for value in values]

    def tickValues(self, low: float, high: float, size: float) -> Any:
        if not self.log10:
            return super().tickValues(low, high, size)
        most = max(2, int(size / 28))
        if high - low < 1.0:
            return [
                (0.0, [float(np.log10(v)) for v in _round_numbers(10.0**low, 10.0**high, most)])
            ]
        first, last = int(np.ceil(low)), int(np.floor(high))
        step = max(1, -(-(last - first + 1) // most))
        return [(float(step), [float(e) for e in range(first, last + 1) if e % step == 0])]

    log10 = True


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    """Up to ``most`` round numbers between two others: multiples of 1, 2 or 5 times a power."""
    span = high - low
    if span <= 0:
        return [low]
    power = 10.0 ** np.floor(np.log10(span / most))
    step = next((m * power for m in (1, 2, 5, 10) if span / (m * power) <= most), 10 * power)
    first = int(np.ceil(low / step))
    return [i * step for i in range(first, int(np.floor(high / step)) + 1) if i > 0]


def _power(exponent: float) -> str:
    whole = round(exponent)
    if abs(exponent - whole) < 1e-6 and not -3 <= whole <= 3:
        return "10" + str(whole).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{10.0**exponent:.3g}"


class _Plot(pg.GraphicsLayoutWidget):
    """A view with axes; the wheel and dragging move along the iterations, double-click shows all.

    Put together from its parts: pyqtgraph's own PlotItem brings twenty menus along and loses them.
    """

    def __init__(self, name: str, second: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip("Wheel and dragging move along the iterations; double-click shows all.")
        layout = self.ci
        layout.setContentsMargins(0, 4, 4, 0)
        layout.setSpacing(0)
        self.left = _Exponents("left")
        self.bottom = pg.AxisItem("bottom")
        self.view = pg.ViewBox(enableMenu=False)
        self.view.setMouseEnabled(x=True, y=False)
        layout.addItem(self.left, 0, 0)
        layout.addItem(self.view, 0, 1)
        layout.addItem(self.bottom, 1, 1)
        self.left.linkToView(self.view)
        self.bottom.linkToView(self.view)
        self.left.setWidth(46)
        self.bottom.setHeight(20)
        self.axes = [self.left, self.bottom]
        self.over: pg.ViewBox | None = None
        if second:
            # A second quantity has an axis of its own: a view over the first, moving with it.
            self.right = pg.AxisItem("right")
            self.right.setWidth(34)
            layout.addItem(self.right, 0, 2)
            self.over = pg.ViewBox(enableMenu=False, enableMouse=False)
            self.scene().addItem(self.over)
            self.right.linkToView(self.over)
            self.over.setXLink(self.view)
            self.view.sigResized.connect(self._place_over)
            self.axes.append(self.right)
        for axis in self.axes:
            axis.enableAutoSIPrefix(False)

    def _place_over(self) -> None:
        if self.over is not None:
            self.over.setGeometry(self.view.sceneBoundingRect())

    def curve(self, over: bool = False) -> pg.PlotDataItem:
        """A new curve, on the left axis or on the right one."""
        item = pg.PlotDataItem()
        (self.over if over and self.over is not None else self.view).addItem(item)
        return item

    def dress(self) -> None:
        """Take the theme's colours."""
        tokens = theme.current()
        self.setBackground(tokens.panel)
        for axis in self.axes:
            axis.setPen(QPen(QColor(tokens.border_strong), 1))
            axis.setTextPen(QColor(tokens.muted))
            axis.setStyle(tickFont=theme.ui_font(10), tickLength=-4)
        self.left.setGrid(45)

    @guarded()
    def mouseDoubleClickEvent(self, event: Any) -> None:
        self.view.enableAutoRange()
        super().mouseDoubleClickEvent(event)


class CurvesPane(QWidget):
    """Two plots side by side with a common axis of iterations."""

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner = runner
        self.objective = _Plot("Objective and PSNR", second=True)
        self.residuals = _Plot("Residuals")
        self.residuals.view.setXLink(self.objective.view)
        self.titles = [QLabel(), QLabel()]
        for title in self.titles:
            title.setTextFormat(Qt.TextFormat.RichText)
            title.setContentsMargins(10, 0, 8, 0)
        self._make_curves()
        plots = QWidget()
        grid = QGridLayout(plots)
        grid.setContentsMargins(0, 4, 0, 2)
        grid.setSpacing(2)
        for column, (title, plot) in enumerate(
            zip(self.titles, (self.objective, self.residuals), strict=True)
        ):
            grid.addWidget(title, 0, column)
            grid.addWidget(plot, 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(1, 1)
        empty = QLabel(_EMPTY)
        empty.setWordWrap(True)
        empty.setProperty("muted", True)
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setContentsMargins(16, 8, 16, 8)
        self._stack = QStackedLayout()
        self._stack.addWidget(empty)
        self._stack.addWidget(plots)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._stack)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAINT_MS)
        self._timer.timeout.connect(self.paint_now)
        runner.rows_added.connect(self._on_rows)
        runner.started.connect(self.paint_now)
        runner.finished.connect(lambda _: self.paint_now())
        theme.signals().changed.connect(self._on_theme)
        self._on_theme(None)

    def _make_curves(self) -> None:
        self._curve = {
            "objective": self.objective.curve(),
            "psnr": self.objective.curve(over=True),
        }
        for name in ("primal", "dual", "primal_tol", "dual_tol"):
            self._curve[name] = self.residuals.curve()

    def _on_rows(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def paint_now(self) -> None:
        """Draw the history as it is."""
        self._timer.stop()
        rows = self.runner.history
        self._stack.setCurrentIndex(1 if len(rows) else 0)
        if not len(rows) or not self.isVisible():
            return
        x = rows[:, ITERATION]
        # Constraints can make an objective infinite, differences can make one negative.
        values = rows[:, OBJECTIVE]
        finite = values[np.isfinite(values)]
        self.objective.left.log10 = bool(finite.size and finite.min() > 0)
        self._draw("objective", x, values, self.objective.left.log10)
        self._draw("psnr", x, rows[:, PSNR], False)
        for name, column in (
            ("primal", PRIMAL),
            ("dual", DUAL),
            ("primal_tol", PRIMAL_TOL),
            ("dual_tol", DUAL_TOL),
        ):
            self._draw(name, x, rows[:, column], True)
        self._say(rows)

    def _draw(self, name: str, x: NDArray[np.float64], y: NDArray[np.float64], log: bool) -> None:
        if log:
            y = np.log10(np.where(y > 0, y, np.nan))
        self._curve[name].setData(*decimate(x, y))

    @guarded()
    def showEvent(self, event: Any) -> None:
        """Draw what came while the pane was hidden."""
        super().showEvent(event)
        self.paint_now()

    def _on_theme(self, _theme: Any) -> None:
        first, second, third, fourth = theme.current().series
        for name, colour, dashed in (
            ("objective", first, False),
            ("primal", second, False),
            ("dual", third, False),
            ("primal_tol", second, True),
            ("dual_tol", third, True),
            ("psnr", fourth, False),
        ):
            pen = QPen(QColor(colour), 1.2 if dashed else 1.8)
            pen.setCosmetic(True)
            pen.setStyle(Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
            self._curve[name].setPen(pen)
        for plot in (self.objective, self.residuals):
            plot.dress()
        self._say(self.runner.history)

    def _say(self, rows: NDArray[np.float64]) -> None:
        first, second, third, fourth = theme.current().series
        last = rows[-1] if len(rows) else np.full(8, np.nan)
        left = [_key(first, "━", f"objective {_number(last[OBJECTIVE])}")]
        has_psnr = bool(len(rows)) and bool(np.isfinite(rows[:, PSNR]).any())
        if has_psnr:
            left.append(_key(fourth, "━", f"PSNR {last[PSNR]:.2f} dB"))
        self.objective.right.setVisible(has_psnr)
        self.titles[0].setText("&nbsp;&nbsp; ".join(left))
        right = [
            _key(second, "━", "primal residual"),
            _key(third, "━", "dual residual"),
            _key(theme.current().muted, "╌", "tolerance"),
        ]
        self.titles[1].setText("&nbsp;&nbsp; ".join(right))


def _key(colour: str, mark: str, text: str) -> str:
    tokens = theme.current()
    return (
        f"<span style='color:{colour}; font-size:11px'>{mark}</span>"
        f"<span style='color:{tokens.muted}; font-size:11px'>&nbsp;{text}</span>"
    )


def _number(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else "∞" if value > 0 else "–"
