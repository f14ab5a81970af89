"""The whole graph in a corner of the canvas, while not all of it is in view."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app import theme
from app.canvas.viewer import CanvasViewer
from app.guard import guarded

__all__ = ["Minimap"]

_WIDTH, _HEIGHT, _EDGE = 168, 104, 12


class Minimap(QWidget):
    """Rectangles for nodes and for what is in view; a click or a drag goes there.

    Args:
        viewer: the canvas.
        boxes: gives each node's rectangle in the scene and its colour.
    """

    def __init__(self, viewer: CanvasViewer, boxes: Callable[[], list[tuple[QRectF, str]]]) -> None:
        super().__init__(viewer)
        self._viewer, self._boxes = viewer, boxes
        self.setFixedSize(_WIDTH, _HEIGHT)
        self.setAccessibleName("Overview of the graph")
        self.setToolTip("Click or drag to go there")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()
        viewer.view_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show or hide, and paint again."""
        port = self._viewer.viewport()
        self.move(port.width() - _WIDTH - _EDGE, port.height() - _HEIGHT - _EDGE)
        content, shown = self._content(), self._shown()
        roomy = port.width() > 3 * _WIDTH and port.height() > 2 * _HEIGHT
        self.setVisible(roomy and not content.isEmpty() and not shown.contains(content))
        self.update()

    def _content(self) -> QRectF:
        return self._whole(self._boxes())

    @staticmethod
    def _whole(boxes: Iterable[tuple[QRectF, str]]) -> QRectF:
        rect = QRectF()
        for box, _ in boxes:
            rect = rect.united(box)
        return rect

    def _shown(self) -> QRectF:
        return self._viewer.mapToScene(self._viewer.viewport().rect()).boundingRect()

    def _frame(self, boxes: Iterable[tuple[QRectF, str]]) -> tuple[QRectF, float]:
        """What the map covers of the scene, and its scale."""
        rect = self._whole(boxes).united(self._shown())
        scale = min((_WIDTH - 12) / rect.width(), (_HEIGHT - 12) / rect.height())
        return rect, scale

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        boxes = self._boxes()
        frame, scale = self._frame(boxes)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(tokens.panel)
        ground.setAlphaF(0.92)
        painter.setPen(QPen(QColor(tokens.border_strong), 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(QRectF(0.5, 0.5, _WIDTH - 1, _HEIGHT - 1), 6, 6)
        painter.translate(_WIDTH / 2, _HEIGHT / 2)
        painter.scale(scale, scale)
        painter.translate(-frame.center())
        painter.setPen(Qt.PenStyle.NoPen)
        for box, colour in boxes:
            painter.setBrush(theme.readable(colour, tokens.panel, 2.2))
            painter.drawRect(box)
        view = QColor(tokens.accent)
        view.setAlphaF(0.12)
        painter.setBrush(view)
        pen = QPen(QColor(tokens.accent), 1.5)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.drawRect(self._shown())
        painter.end()

    def _go(self, position: QPointF) -> None:
        frame, scale = self._frame(self._boxes())
        wanted = frame.center() + (position - QPointF(_WIDTH / 2, _HEIGHT / 2)) / scale
        self._viewer.pan_to(wanted)

    @guarded()
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event.position())

    @guarded()
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go(event.position())
