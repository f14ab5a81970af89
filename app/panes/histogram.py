"""The distribution of a picture's values, with the two levels that become black and white."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.guard import guarded
from app.measure import histogram
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["HistogramBar", "ProfilePlot"]

_EDGE = 8.0


class HistogramBar(QWidget):
    """Bars on a logarithmic height; the handles are dragged, a double-click fits them again.

    Signals:
        levels_changed(low, high): by hand.
        fit_wanted: the double-click.
    """

    levels_changed = Signal(float, float)
    fit_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: NDArray[np.int64] | None = None
        self._span = (0.0, 1.0)
        self.levels = (0.0, 1.0)
        self._held: int | None = None
        self.setFixedHeight(46)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Histogram with levels")
        self.setToolTip("Drag the lines to set black and white; double-click fits them")

    def show_values(self, data: NDArray[np.floating], levels: tuple[float, float]) -> None:
        """Show a picture's values and the levels it is shown with."""
        self._counts, low, high = histogram(data)
        self._span = (min(low, levels[0]), max(high, levels[1]))
        self._range = (low, high)
        self.levels = levels
        self.update()

    _range = (0.0, 1.0)

    @guarded(QSize(200, 46))
    def sizeHint(self) -> QSize:
        return QSize(200, 46)

    def x_of(self, value: float) -> float:
        """Where a value stands, in pixels."""
        low, high = self._span
        return _EDGE + (value - low) / max(high - low, 1e-30) * (self.width() - 2 * _EDGE)

    def _value_of(self, x: float) -> float:
        low, high = self._span
        return low + (x - _EDGE) / max(self.width() - 2 * _EDGE, 1.0) * (high - low)

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = self.height() - 14.0
        counts = [0] if self._counts is None else self._counts.tolist()
        heights = [math.log1p(count) for count in counts]
        top = max(heights) or 1.0
        low, high = self._range
        left, right = self.x_of(low), self.x_of(high)
        step = (right - left) / len(heights)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.muted))
        for index, height in enumerate(heights):
            tall = height / top * (bottom - 3)
            painter.drawRect(QRectF(left + index * step, bottom - tall, max(step, 1.0), tall))
        painter.setFont(theme.ui_font(10))
        for value in self.levels:
            x = self.x_of(value)
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawLine(QPointF(x, 1), QPointF(x, bottom + 1))
            painter.setPen(QColor(tokens.text))
            text = f"{value:.3g}"
            wide = painter.fontMetrics().horizontalAdvance(text)
            place = min(max(x - wide / 2, 0.0), self.width() - wide - 1.0)
            painter.drawText(QPointF(place, self.height() - 2.0), text)
        painter.end()

    @guarded()
    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        distances = [abs(x - self.x_of(value)) for value in self.levels]
        self._held = 0 if distances[0] <= distances[1] else 1
        if min(distances) > 14:
            self._held = None

    @guarded()
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            return
        low, high = self.levels
        least = (self._span[1] - self._span[0]) / 500
        value = self._value_of(event.position().x())
        if self._held == 0:
            low = min(value, high - least)
        else:
            high = max(value, low + least)
        self.levels = (low, high)
        self.levels_changed.emit(low, high)
        self.update()

    @guarded()
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None

    @guarded()
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit_wanted.emit()


class ProfilePlot(QWidget):
    """Values along a line."""

    _COLOURS = ("#d55e00", "#009e73", "#0072b2")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x: NDArray[Any] | None = None
        self._values: NDArray[Any] | None = None
        self.setFixedHeight(88)
        self.setAccessibleName("Line profile")
        self.setToolTip("Values along the line, from its start to its end")
        self.hide()

    def show_profile(self, x: NDArray[Any], values: NDArray[Any]) -> None:
        """Show a profile."""
        self._x = x
        self._values = values[:, None] if values.ndim == 1 else values
        self.show()
        self.update()

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        if self._x is None or self._values is None or len(self._x) < 2:
            return
        tokens = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.field))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        finite = self._values[np.isfinite(self._values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        span = high - low or 1.0
        wide, high_px = self.width() - 60.0, self.height() - 14.0
        painter.setFont(theme.ui_font(10))
        painter.setPen(QColor(tokens.muted))
        painter.drawText(QPointF(4, 12), f"{high:.4g}")
        painter.drawText(QPointF(4, self.height() - 5.0), f"{low:.4g}")
        painter.drawText(QPointF(self.width() - 52.0, self.height() - 5.0), f"{self._x[-1]:.0f} px")
        single = self._values.shape[1] == 1
        for channel in range(self._values.shape[1]):
            colour = tokens.accent if single else self._COLOURS[channel % 3]
            painter.setPen(QPen(theme.readable(colour, tokens.field, 3.0), 1.4))
            line = QPolygonF(
                [
                    QPointF(
                        52 + wide * i / (len(self._x) - 1), 6 + high_px * (1 - (v - low) / span)
                    )
                    for i, v in enumerate(np.nan_to_num(self._values[:, channel]))
                ]
            )
            painter.drawPolyline(line)
        painter.end()
