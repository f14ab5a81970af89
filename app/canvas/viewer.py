"""Gestures on the canvas: drag a wire, cut wires, open a menu, drop something from outside.

Each leaves as a signal in terms of items; nothing here knows the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsView

from app import theme
from app.canvas.nodegraphqt import PureNodeItem, PurePipe, PurePort, PureViewer, wire_path
from app.guard import guarded

__all__ = ["CanvasViewer"]

#: How near, in screen pixels, the pointer must come to a port.
REACH = 12
_GRID = 24


class CanvasViewer(PureViewer):
    """The view of the scene with the studio's gestures.

    Attributes:
        accepts_mime: says whether something dragged from elsewhere may be dropped here.
    """

    wire_started = Signal(object)  # PurePort
    wire_hovered = Signal(object, object, QPointF)  # start, end or None, scene position
    wire_dropped = Signal(object, object, object, QPointF)  # start, end, detached pipe, position
    wire_ended = Signal()
    pipes_cut = Signal(list)  # pipes
    pipe_double_clicked = Signal(object)
    menu_wanted = Signal(QPoint, QPointF)  # global, scene
    mime_dropped = Signal(object, QPointF)
    hovered = Signal(QPointF)
    empty_double_clicked = Signal(QPoint, QPointF)  # global, scene

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.accepts_mime: Callable[[Any], bool] = lambda mime: False
        self._start: PurePort | None = None
        self._detached: PurePipe | None = None
        self._wire = QGraphicsPathItem()
        self._wire.setZValue(5)
        self._wire.setVisible(False)
        self.scene().addItem(self._wire)
        self.setMouseTracking(True)
        self.setAccessibleName("Canvas")
        self.setAccessibleDescription("The graph of the problem: nodes and the wires between them.")

    @property
    def dragging_wire(self) -> bool:
        """Whether a wire hangs on the pointer."""
        return self._start is not None

    @property
    def on_frame(self) -> bool:
        """Whether a backdrop or a note is being dragged."""
        return hasattr(self.scene().mouseGrabberItem(), "grabs")

    def port_near(self, position: QPoint) -> PurePort | None:
        """The port nearest to a point of the viewport, if within reach."""
        reach = max(REACH, int(REACH * self.zoom))
        area = self.mapToScene(
            position.x() - reach, position.y() - reach, 2 * reach, 2 * reach
        ).boundingRect()
        here = self.mapToScene(position)
        ports = (item for item in self.scene().items(area) if isinstance(item, PurePort))
        return min(ports, key=lambda port: (port.centre() - here).manhattanLength(), default=None)

    def node_at(self, position: QPoint) -> PureNodeItem | None:
        """The topmost node at a point of the viewport."""
        for item in self.items(position):
            while item is not None and not isinstance(item, PureNodeItem):
                item = item.parentItem()
            if item is not None:
                return item
        return None

    # --- wires ---

    def _start_wire(self, port: PurePort, position: QPoint) -> None:
        self._detached = None
        if port.is_input and not port.multi_connection and port.connected_pipes:
            # A full single input gives up the wire it has; it is put back unless something is made.
            pipe = port.connected_pipes[0]
            pipe.setVisible(False)
            self._detached = pipe
            port = pipe.output_port
        self._start = port
        self._wire.setVisible(True)
        self.wire_started.emit(port)
        self._drag_wire(position)

    def _drag_wire(self, position: QPoint) -> None:
        if self._start is None:
            return
        here, end = self.mapToScene(position), self.port_near(position)
        if end is self._start:
            end = None
        tip = end.centre() if end is not None else here
        root = self._start.centre()
        self._wire.setPath(wire_path(tip, root) if self._start.is_input else wire_path(root, tip))
        self.wire_hovered.emit(self._start, end, here)

    def set_wire_pen(self, colour: QColor, refused: bool) -> None:
        """Colour of the wire being dragged; a dashed one will be refused."""
        pen = QPen(colour, 3.0, Qt.PenStyle.DashLine if refused else Qt.PenStyle.SolidLine)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        self._wire.setPen(pen)

    def cancel_wire(self) -> None:
        """Put everything back as it was before the drag began."""
        if self._start is None:
            return
        if self._detached is not None:
            self._detached.setVisible(True)
        self._start, self._detached = None, None
        self._wire.setVisible(False)
        self.wire_ended.emit()

    def _drop_wire(self, position: QPoint) -> None:
        start, detached = self._start, self._detached
        end = self.port_near(position)
        self.cancel_wire()
        moved = (position - self._origin_pos).manhattanLength() > 3
        if start is not None and end is not start and (moved or detached is None):
            self.wire_dropped.emit(start, end, detached, self.mapToScene(position))

    # --- events ---

    @guarded()
    def mousePressEvent(self, event: Any) -> None:
        modifiers = event.modifiers()
        self.ALT_state = bool(modifiers & Qt.KeyboardModifier.AltModifier)
        # Both Ctrl and Shift add to the selection; NodeGraphQt's Ctrl can only take away.
        self.SHIFT_state = bool(
            modifiers & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        )
        self.CTRL_state = False
        position = event.position().toPoint()
        if event.button() == Qt.MouseButton.LeftButton and not self.ALT_state:
            port = self.port_near(position)
            if port is not None:
                self._origin_pos = self._previous_pos = position
                self._start_wire(port, position)
                event.accept()
                return
        if self._frame_press(event, position):
            return
        super().mousePressEvent(event)

    def _frame_press(self, event: Any, position: QPoint) -> bool:
        """A press on a note or on a backdrop's title goes there, not into a rubber band."""
        item = next((i for i in self.items(position) if i.isVisible()), None)
        grabs = getattr(item, "grabs", None)
        if item is None or grabs is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        if not grabs(item.mapFromScene(self.mapToScene(position))):
            return False
        QGraphicsView.mousePressEvent(self, event)
        return self.scene().mouseGrabberItem() is item

    @guarded()
    def mouseMoveEvent(self, event: Any) -> None:
        position = event.position().toPoint()
        if self._start is not None:
            self._previous_pos = position
            self._drag_wire(position)
            event.accept()
            return
        if self.on_frame:
            QGraphicsView.mouseMoveEvent(self, event)
            return
        if not event.buttons():
            self.hovered.emit(self.mapToScene(position))
        super().mouseMoveEvent(event)

    @guarded()
    def mouseReleaseEvent(self, event: Any) -> None:
        if self._start is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drop_wire(event.position().toPoint())
            event.accept()
            return
        if self.on_frame:
            QGraphicsView.mouseReleaseEvent(self, event)
            return
        super().mouseReleaseEvent(event)

    @guarded()
    def mouseDoubleClickEvent(self, event: Any) -> None:
        port = self.port_near(event.position().toPoint())
        if port is not None:  # a short wire is all ports: what is wired there is meant
            event.accept()
            if port.connected_pipes:
                self.pipe_double_clicked.emit(port.connected_pipes[0])
            return
        position = event.position().toPoint()
        left = event.button() == Qt.MouseButton.LeftButton
        if left and not [item for item in self.items(position) if item.isVisible()]:
            event.accept()
            place = self.viewport().mapToGlobal(position)
            self.empty_double_clicked.emit(place, self.mapToScene(position))
            return
        top = next((i for i in self.items(position) if i.isVisible()), None)
        if left and isinstance(top, PurePipe):
            event.accept()
            self.pipe_double_clicked.emit(top)
            return
        super().mouseDoubleClickEvent(event)

    @guarded()
    def keyPressEvent(self, event: Any) -> None:
        if self._start is not None and event.key() == Qt.Key.Key_Escape:
            self.cancel_wire()
            event.accept()
            return
        super().keyPressEvent(event)

    @guarded()
    def focusOutEvent(self, event: Any) -> None:
        self.cancel_wire()
        super().focusOutEvent(event)

    @guarded()
    def contextMenuEvent(self, event: Any) -> None:
        self.RMB_state = False
        self.menu_wanted.emit(event.globalPos(), self.mapToScene(event.pos()))
        event.accept()

    def _on_pipes_sliced(self, path: QPainterPath) -> None:
        cut = [item for item in self.scene().items(path) if isinstance(item, PurePipe)]
        if cut:
            self.pipes_cut.emit(cut)

    @guarded()
    def dragEnterEvent(self, event: Any) -> None:
        event.setAccepted(self.accepts_mime(event.mimeData()))

    @guarded()
    def dragMoveEvent(self, event: Any) -> None:
        event.setAccepted(self.accepts_mime(event.mimeData()))

    @guarded()
    def dropEvent(self, event: Any) -> None:
        if not self.accepts_mime(event.mimeData()):
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.mime_dropped.emit(event.mimeData(), self.mapToScene(event.position().toPoint()))

    @guarded()
    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        tokens = theme.current()
        painter.fillRect(rect, QColor(tokens.canvas))
        step = _GRID if self.zoom > 0.55 else _GRID * 4
        painter.setPen(QPen(QColor(tokens.grid), 2.0 / max(self.zoom, 0.3)))
        left, top = int(rect.left()) // step * step, int(rect.top()) // step * step
        points = [
            QPointF(x, y)
            for x in range(left, int(rect.right()) + step, step)
            for y in range(top, int(rect.bottom()) + step, step)
        ]
        painter.drawPoints(points)
