"""A wire: the colour of what flows through it, with an edge so that crossings stay readable."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem

from app import theme
from app.canvas.nodegraphqt import PurePipe
from app.canvas.ports import port_colour
from app.guard import guarded

__all__ = ["WireItem"]


_AFAR = 0.4  # below this zoom a wire is one thin line


class WireItem(PurePipe):
    """One wire of the document."""

    def __init__(self) -> None:
        super().__init__()
        self.wire: Any = None  # nodes.document.Wire, set by the canvas
        self._hover = False

    @guarded()
    def hoverEnterEvent(self, event: Any) -> None:
        self._hover = True
        self.update()

    @guarded()
    def hoverLeaveEvent(self, event: Any) -> None:
        self._hover = False
        self.update()

    @guarded(lambda self, change, value: value)
    def itemChange(self, change: Any, value: Any) -> Any:
        return QGraphicsItem.itemChange(self, change, value)

    @guarded()
    def paint(self, painter: QPainter, option: Any, widget: Any) -> None:
        tokens = theme.current()
        kind = getattr(self.output_port, "kind", "image")
        colour = port_colour(kind)
        ends = [port.node for port in (self.output_port, self.input_port) if port is not None]
        lively = self.isSelected() or self._hover or any(node.isSelected() for node in ends)
        width = 3.4 if self.isSelected() or self._hover else 2.6 if lively else 2.0
        if not lively:
            colour.setAlphaF(0.85)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if not lively and painter.worldTransform().m11() < _AFAR:
            # Nobody sees edges and caps from there, and a thousand wires are to be drawn at once.
            colour.setAlphaF(0.5)
            pen = QPen(colour, 1.0)
            pen.setCosmetic(True)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(pen)
            painter.drawPath(self.path())
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.canvas), width + 3.0))
        painter.drawPath(self.path())
        if self.isSelected():
            glow = QColor(tokens.accent)
            glow.setAlphaF(0.45)
            painter.setPen(QPen(glow, width + 4.0))
            painter.drawPath(self.path())
        pen = QPen(colour, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPath(self.path())
