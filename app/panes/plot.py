"""A plot with a logarithmic axis, a second axis, a crosshair, and nothing that is not needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor, QPen

from app import theme
from app.guard import guarded

__all__ = ["Plot"]


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


class Plot(pg.GraphicsLayoutWidget):
    """A view with axes; the wheel and dragging move along the iterations, double-click shows all.

    Put together from its parts: pyqtgraph's own PlotItem brings twenty menus along and loses them.
    """

    pointed = Signal(float)  # x under the pointer, nan when it leaves
    menu_wanted = Signal(object)  # global position

    def __init__(self, name: str, second: bool = False) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.setVisible(False)
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
        self.view.addItem(self._line, ignoreBounds=True)
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

    def settle(self) -> None:
        """Find the range now: left to the next paint, it would ask for another one."""
        self.scene().prepareForPaint()

    def dress(self, scale: float = 1.0) -> None:
        """Take the theme's colours, and type of a size for the room."""
        tokens = theme.current()
        self.setBackground(tokens.panel)
        for axis in self.axes:
            axis.setPen(QPen(QColor(tokens.border_strong), 1))
            axis.setTextPen(QColor(tokens.muted))
            axis.setStyle(tickFont=theme.ui_font(round(10 * scale)), tickLength=-4)
        self.left.setWidth(round(46 * scale))
        self.bottom.setHeight(round(20 * scale))
        if self.over is not None:
            self.right.setWidth(round(34 * scale))
        self.left.setGrid(45)
        self._line.setPen(QPen(QColor(tokens.muted), 0))

    def point_at(self, x: float | None) -> None:
        """Draw the crosshair at a place of the horizontal axis, or take it away."""
        self._line.setVisible(x is not None)
        if x is not None:
            self._line.setValue(x)

    @guarded()
    def mouseMoveEvent(self, event: Any) -> None:
        """Tell where the pointer is."""
        super().mouseMoveEvent(event)
        scene = self.mapToScene(event.position().toPoint())
        if self.view.sceneBoundingRect().contains(scene):
            self.pointed.emit(float(self.view.mapSceneToView(QPointF(scene)).x()))
        else:
            self.pointed.emit(float("nan"))

    @guarded()
    def leaveEvent(self, event: Any) -> None:
        """The pointer has left."""
        super().leaveEvent(event)
        self.pointed.emit(float("nan"))

    @guarded()
    def contextMenuEvent(self, event: Any) -> None:
        """Ask for the menu."""
        self.menu_wanted.emit(event.globalPos())
        event.accept()

    @guarded()
    def mouseDoubleClickEvent(self, event: Any) -> None:
        self.view.enableAutoRange()
        super().mouseDoubleClickEvent(event)
