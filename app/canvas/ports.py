"""How each kind of value looks where it enters and leaves a node: its own colour and shape."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from app import theme
from app.canvas.nodegraphqt import PurePort
from app.guard import guarded

__all__ = ["PortItem", "port_colour", "port_pixmap", "port_shape"]

# Okabe and Ito's set (jfly.uni-koeln.de/color): told apart with any colour vision.
_COLOURS = {
    "image": "#56B4E9",
    "kernel": "#E69F00",
    "mask": "#CC79A7",
    "array": "#56B4E9",
    "matrix": "#E69F00",
    "expression": "#009E73",
    "term": "#D55E00",
    "problem": "#F0E442",
    "solution": "#0072B2",
    "linear program": "#F0E442",
    "optimum": "#0072B2",
}
_UNKNOWN = "#999999"


def port_colour(kind: str) -> QColor:
    """The colour of a port type, made light or dark enough for the theme."""
    return QColor(_coloured(kind, theme.current().canvas))


@lru_cache
def _coloured(kind: str, canvas: str) -> QColor:
    return theme.readable(_COLOURS.get(kind, _UNKNOWN), canvas, 3.2)


def _polygon(corners: int, radius: float, turn: float = -90.0) -> QPainterPath:
    angles = (math.radians(turn + 360.0 * i / corners) for i in range(corners))
    path = QPainterPath()
    path.addPolygon(
        QPolygonF([QPointF(radius * math.cos(a), radius * math.sin(a)) for a in angles])
    )
    path.closeSubpath()
    return path


def port_shape(kind: str, radius: float = 5.0) -> QPainterPath:
    """The outline of a port type around the origin."""
    path = QPainterPath()
    match kind:
        case "kernel":
            return _polygon(4, radius * 1.25)
        case "mask":
            side = radius * 0.92
            path.addRect(QRectF(-side, -side, 2 * side, 2 * side))
        case "array":
            path.addRect(QRectF(-1.25 * radius, -0.62 * radius, 2.5 * radius, 1.24 * radius))
        case "matrix":
            path.addRect(QRectF(-0.62 * radius, -1.25 * radius, 1.24 * radius, 2.5 * radius))
        case "expression":
            return _polygon(3, radius * 1.3, 0.0)
        case "term":
            return _polygon(6, radius * 1.12)
        case "problem":
            return _polygon(5, radius * 1.2)
        case "solution":
            star = QPolygonF()
            for i in range(10):
                reach = radius * (1.4 if i % 2 == 0 else 0.65)
                angle = math.radians(-90 + 36 * i)
                star.append(QPointF(reach * math.cos(angle), reach * math.sin(angle)))
            path.addPolygon(star)
            path.closeSubpath()
        case "linear program":
            return _polygon(8, radius * 1.1, -67.5)
        case "optimum":
            return _polygon(3, radius * 1.3, 90.0)
        case _:
            path.addEllipse(QPointF(0, 0), radius, radius)
    return path


def port_pixmap(kind: str, size: int) -> QPixmap:
    """A port as a small picture."""
    picture = QPixmap(2 * size, 2 * size)
    picture.setDevicePixelRatio(2)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(size / 2, size / 2)
    painter.setBrush(port_colour(kind))
    painter.setPen(_pen(port_colour(kind), 1.8))
    painter.drawPath(port_shape(kind, size * 0.28))
    painter.end()
    return picture


class PortItem(PurePort):
    """A port painted with its type's colour and shape, filled once wired."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.kind = "image"
        self.faded = False
        self.optional = False

    def set_kind(self, kind: str) -> None:
        """Change what flows here (an operator follows its input)."""
        if kind != self.kind:
            self.kind = kind
            for pipe in self.connected_pipes:
                pipe.update()
            self.update()

    def set_faded(self, faded: bool) -> None:
        """Step back while a wire is dragged that does not fit here."""
        if faded != self.faded:
            self.faded = faded
            self.update()

    @guarded()
    def paint(self, painter: QPainter, option: Any, widget: Any) -> None:
        tokens = theme.current()
        colour = port_colour(self.kind)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(0.25 if self.faded else 1.0)
        painter.translate(self.boundingRect().center())
        shape = port_shape(self.kind, 6.2 if self.hovered and not self.faded else 5.0)
        # A ring of the ground's colour keeps the shape clear of the node's border and the wire.
        painter.setPen(_pen(QColor(tokens.canvas), 4.0))
        painter.drawPath(shape)
        filled = bool(self.connected_pipes) or not self.is_input
        painter.setBrush(colour if filled else QColor(tokens.node))
        painter.setPen(_pen(colour, 1.8))
        painter.drawPath(shape)


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen
