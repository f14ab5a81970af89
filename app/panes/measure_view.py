"""A picture on which one measures: wipe against a second one, a region, a line, linked zoom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from app import theme
from app.guard import guarded
from app.panes.image_view import ImageView
from app.pictures import to_image
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["MeasureView"]

_NEAR = 6.0


class MeasureView(ImageView):
    """An image view with a wipe and marks.

    Signals:
        moved: zoom or place changed by a person.
        marked(kind, start, end): "region" or "line" and two points (column, row) of the image; an
            empty kind takes the mark away.
    """

    moved = Signal()
    marked = Signal(str, QPointF, QPointF)

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(empty, parent)
        self._second: QImage | None = None
        self.wipe = 0.5
        self._wiping = False
        self._marking = ""
        self._mark: tuple[str, QPointF, QPointF] | None = None
        self.setToolTip(
            "Wheel zooms, dragging pans, double-click shows the whole picture. Shift and drag "
            "measures a region, Ctrl and drag a line."
        )

    def show_second(self, levels: NDArray[np.uint8] | None) -> None:
        """Show another picture right of the wipe's line; None ends the wipe."""
        self._second = to_image(levels) if levels is not None else None
        self.update()

    @property
    def place(self) -> tuple[float | None, QPointF]:
        """Zoom and centre, for a view that is linked to this one."""
        return self._scale, self._centre

    def go(self, place: tuple[float | None, QPointF]) -> None:
        """Show the same part as another view."""
        self._scale, self._centre = place[0], QPointF(place[1])
        self._smooth = None
        self._late.start()
        self.update()

    def clear_mark(self) -> None:
        """Take region or line away."""
        self._mark = None
        self.update()

    def _to_image(self, position: QPointF) -> QPointF:
        target, scale = self._target(), self.scale
        return QPointF((position.x() - target.x()) / scale, (position.y() - target.y()) / scale)

    def _wipe_x(self) -> float:
        target = self._target()
        return target.x() + self.wipe * target.width()

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._image is None:
            return
        painter = QPainter(self)
        tokens = theme.current()
        target = self._target()
        if self._second is not None:
            x = self._wipe_x()
            painter.save()
            painter.setClipRect(QRectF(x, target.y(), target.right() - x, target.height()))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < 2.0)
            painter.drawImage(target, self._second)
            painter.restore()
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawLine(QPointF(x, target.y()), QPointF(x, target.bottom()))
        if self._mark is not None:
            kind, start, end = self._mark
            scale = self.scale
            a = QPointF(target.x() + start.x() * scale, target.y() + start.y() * scale)
            b = QPointF(target.x() + end.x() * scale, target.y() + end.y() * scale)
            for colour, width in ((QColor("#000000"), 3.0), (QColor("#ffd400"), 1.5)):
                painter.setPen(QPen(colour, width))
                if kind == "region":
                    painter.drawRect(QRectF(a, b).normalized())
                else:
                    painter.drawLine(a, b)
        painter.end()

    @guarded()
    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        self.moved.emit()

    @guarded()
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._image is not None and event.button() == Qt.MouseButton.LeftButton:
            position, modifiers = event.position(), event.modifiers()
            if modifiers & Qt.KeyboardModifier.ShiftModifier:
                self._marking = "region"
            elif modifiers & Qt.KeyboardModifier.ControlModifier:
                self._marking = "line"
            elif self._second is not None and abs(position.x() - self._wipe_x()) < _NEAR:
                self._wiping = True
                return
            if self._marking:
                here = self._to_image(position)
                self._mark = (self._marking, here, here)
                return
        super().mousePressEvent(event)

    @guarded()
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._wiping:
            target = self._target()
            share = (event.position().x() - target.x()) / max(target.width(), 1.0)
            self.wipe = min(max(share, 0.0), 1.0)
            self.update()
            return
        if self._marking and self._mark is not None:
            self._mark = (self._marking, self._mark[1], self._to_image(event.position()))
            self.update()
            return
        dragging = self._drag is not None
        super().mouseMoveEvent(event)
        if dragging:
            self.moved.emit()

    @guarded()
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._wiping = False
        if self._marking and self._mark is not None:
            kind, start, end = self._mark
            self._marking = ""
            if (end - start).manhattanLength() < 2:
                self.clear_mark()
                self.marked.emit("", start, end)
            else:
                self.marked.emit(kind, start, end)
            return
        super().mouseReleaseEvent(event)

    @guarded()
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        self.moved.emit()
