"""Everything we change about NodeGraphQt, in one place.

NodeGraphQt draws and moves items for us; the document lives elsewhere. So its own editing is cut
off: no signal of the viewer reaches its graph, no menu, no undo entry, no search, no clipboard.
The gestures are in ``viewer.py``; how nodes, ports and wires look, in files of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("QT_PREFERRED_BINDING", "PySide6")

from app.canvas.versions import lent

with lent():
    from NodeGraphQt import BaseNode, NodeGraph
from NodeGraphQt.constants import PortTypeEnum, ViewerEnum
from NodeGraphQt.qgraphics.node_abstract import AbstractNodeItem
from NodeGraphQt.qgraphics.node_base import NodeItem
from NodeGraphQt.qgraphics.pipe import PipeItem
from NodeGraphQt.qgraphics.port import PortItem
from NodeGraphQt.widgets.viewer import NodeViewer
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainterPath, QPainterPathStroker, QTransform, QUndoStack
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene, QGraphicsView

from app.guard import guarded

__all__ = [
    "PureGraph",
    "PureNode",
    "PureNodeItem",
    "PurePipe",
    "PurePort",
    "PureViewer",
    "wire_path",
]

ZOOM_OUT_LIMIT, ZOOM_IN_LIMIT = 0.15, 2.5


class PurePort(PortItem):
    """A port of 20 × 20 that only its owner paints."""

    SIZE = 20.0

    @guarded(QRectF(0, 0, 20, 20))
    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self.SIZE, self.SIZE)

    @property
    def is_input(self) -> bool:
        return bool(self.port_type == PortTypeEnum.IN.value)

    def centre(self) -> QPointF:
        """The middle of the port in scene coordinates: where wires end."""
        return self.mapToScene(self.boundingRect().center())

    # Wires start in the viewer, before the scene: nothing of the port's own press is wanted.
    @guarded()
    def mousePressEvent(self, event: Any) -> None:
        event.ignore()


class PurePipe(PipeItem):
    """A wire without arrow head, hit only on its line."""

    def __init__(self) -> None:
        super().__init__()
        self._dir_pointer.setVisible(False)
        # The pixmap cache of a long diagonal wire is larger than the window.
        self.setCacheMode(QGraphicsItem.CacheMode.NoCache)

    def _draw_direction_pointer(self) -> None:
        return

    def set_pipe_styling(self, *args: Any, **kwargs: Any) -> None:
        self.update()

    @guarded()
    def draw_path(self, start_port: Any, end_port: Any = None, cursor_pos: Any = None) -> None:
        source, target = self.output_port, self.input_port
        if source is not None and target is not None:
            self.setPath(wire_path(source.centre(), target.centre()))

    _bounds = QRectF()  # of the path and its edge: asked for many times in every paint

    def setPath(self, path: QPainterPath) -> None:
        self.prepareGeometryChange()
        self._bounds = path.boundingRect().adjusted(-6, -6, 6, 6)
        super().setPath(path)

    @guarded(QPainterPath())
    def shape(self) -> QPainterPath:
        stroker = QPainterPathStroker()
        stroker.setWidth(12)
        return stroker.createStroke(self.path())

    @guarded(QRectF())
    def boundingRect(self) -> QRectF:
        return self._bounds


def wire_path(start: QPointF, end: QPointF) -> QPainterPath:
    """The curve of a wire from an output to an input, leaving and arriving level."""
    reach = max(36.0, min(abs(end.x() - start.x()) * 0.5, 160.0))
    if end.x() < start.x():
        reach = min(160.0, 60.0 + abs(end.x() - start.x()) * 0.3)
    path = QPainterPath(start)
    path.cubicTo(start + QPointF(reach, 0), end - QPointF(reach, 0), end)
    return path


class PureNodeItem(NodeItem):
    """A node item without text items, icon, tooltip or size of NodeGraphQt's making."""

    port_class: type[PurePort] = PurePort

    def __init__(self, name: str = "node", parent: Any = None) -> None:
        super().__init__(name, parent)
        for item in (self._text_item, self._icon_item, self._x_item):
            item.setVisible(False)

    def _add_port(self, port: Any) -> Any:
        side = self._input_items if port.is_input else self._output_items
        side[port] = None
        return port

    def _port(self, name: str, kind: str, multiple: bool) -> PurePort:
        port = self.port_class(self)
        port.name = name
        port.port_type = kind
        port.multi_connection = multiple
        port.setToolTip("")
        return port

    def add_input(self, name: str = "input", multi_port: bool = False, *_: Any, **__: Any) -> Any:
        return self._add_port(self._port(name, PortTypeEnum.IN.value, multi_port))

    def add_output(self, name: str = "output", multi_port: bool = True, *_: Any, **__: Any) -> Any:
        return self._add_port(self._port(name, PortTypeEnum.OUT.value, multi_port))

    def _set_text_color(self, color: Any) -> None:
        return

    def _tooltip_disable(self, state: Any) -> None:
        return

    def calc_size(self, add_w: float = 0.0, add_h: float = 0.0) -> tuple[float, float]:
        return self._width, self._height

    def draw_node(self) -> None:
        self.update()

    @guarded()
    def mousePressEvent(self, event: Any) -> None:
        AbstractNodeItem.mousePressEvent(self, event)

    @guarded()
    def mouseDoubleClickEvent(self, event: Any) -> None:
        viewer = self.viewer()
        if viewer is not None and event.button() == Qt.MouseButton.LeftButton:
            viewer.node_double_clicked.emit(self.id)
        event.accept()

    @guarded(lambda self, change, value: value)
    def itemChange(self, change: Any, value: Any) -> Any:
        if change == QGraphicsItem.GraphicsItemChange.ItemSelectedHasChanged:
            for port in (*self._input_items, *self._output_items):
                for pipe in port.connected_pipes:
                    pipe.update()
        return QGraphicsItem.itemChange(self, change, value)


class PureNode(BaseNode):
    """What NodeGraphQt keeps for one node; the item is what matters."""

    __identifier__ = "studio"
    NODE_NAME = "node"

    def __init__(self, item_class: type[PureNodeItem], identifier: str) -> None:
        super().__init__(item_class)
        self.NODE_NAME = identifier
        self.model.id = identifier
        self.view.id = identifier


class PureGraph(NodeGraph):
    """NodeGraphQt's controller with every way of editing cut off."""

    def __init__(self, viewer: PureViewer, parent: Any = None) -> None:
        # One stack, shared and never pushed to: graph and viewer would each make their own.
        super().__init__(parent, undo_stack=QUndoStack(parent), viewer=viewer)
        self.set_acyclic(False)  # its own check is exponential; the document checks cycles

    def _wire_signals(self) -> None:
        return

    def _register_context_menu(self) -> None:
        return

    def add(self, item_class: type[PureNodeItem], identifier: str, x: float, y: float) -> Any:
        """Put a new node item on the scene and return it."""
        node = PureNode(item_class, identifier)
        self.add_node(node, pos=(x, y), selected=False, push_undo=False)
        return node.view

    def remove(self, identifier: str) -> None:
        """Take a node's item away; its wires have been taken before."""
        node = self.model.nodes.pop(identifier, None)
        if node is not None:
            node.view.delete()


class PureViewer(NodeViewer):
    """NodeGraphQt's view without its menus, keys, search and wire making; its zoom ends.

    Attributes:
        pipe_class: the class of wires, called without arguments.
        following_fit: whether a resized view shows the same rectangle whole.
    """

    view_changed = Signal()

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.pipe_class: Callable[[], PurePipe] = PurePipe
        self.following_fit = True
        self._whole = QRectF(-300, -200, 600, 400)
        self._scene_range: QRectF = QRectF(self._whole)
        self._search_widget.setParent(self)
        self._search_widget.hide()
        # A scene without an index is faster while nodes move, and never holds dangling items.
        self.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.SmartViewportUpdate)
        self.scene().grid_mode = ViewerEnum.GRID_DISPLAY_NONE.value
        self.setFrameShape(QGraphicsView.Shape.NoFrame)

    # --- what NodeGraphQt's viewer brings along and we do not want ---

    def _build_context_menus(self) -> None:
        return

    @guarded()
    def focusInEvent(self, event: Any) -> None:
        self.clear_key_state()
        QGraphicsView.focusInEvent(self, event)

    @guarded()
    def focusOutEvent(self, event: Any) -> None:
        self.clear_key_state()
        QGraphicsView.focusOutEvent(self, event)

    @guarded()
    def keyPressEvent(self, event: Any) -> None:
        QGraphicsView.keyPressEvent(self, event)

    @guarded()
    def keyReleaseEvent(self, event: Any) -> None:
        QGraphicsView.keyReleaseEvent(self, event)

    def sceneMousePressEvent(self, event: Any) -> None:
        for item in self._items_near(event.scenePos(), AbstractNodeItem, 5, 5)[:1]:
            self._node_positions[item] = item.xy_pos

    def sceneMouseMoveEvent(self, event: Any) -> None:
        return

    def sceneMouseReleaseEvent(self, event: Any) -> None:
        return

    def establish_connection(self, start_port: Any, end_port: Any) -> PurePipe:
        """Draw a wire between two ports and return it."""
        pipe = self.pipe_class()
        self.scene().addItem(pipe)
        pipe.set_connections(start_port, end_port)
        pipe.draw_path(pipe.input_port, pipe.output_port)
        return pipe

    # --- zoom and pan ---

    @property
    def zoom(self) -> float:
        """Screen pixels for one scene unit."""
        return float(self.transform().m11())

    def _update_scene(self) -> None:
        view = self.viewport().rect()
        rect: QRectF = self._scene_range
        if rect.isEmpty() or view.isEmpty():
            return
        scale = min(view.width() / rect.width(), view.height() / rect.height())
        scale = min(max(scale, ZOOM_OUT_LIMIT), ZOOM_IN_LIMIT)
        shown = QRectF(0, 0, view.width() / scale, view.height() / scale)
        shown.moveCenter(rect.center())
        self._scene_range = shown
        self.setSceneRect(shown)
        self.setTransform(QTransform.fromScale(scale, scale))
        if hasattr(self, "following_fit"):
            self.view_changed.emit()

    def show_rect(self, rect: QRectF) -> None:
        """Show a rectangle of the scene whole and keep it so while the window changes size."""
        self._whole = QRectF(rect)
        self._scene_range = QRectF(rect)
        self.following_fit = True
        self._update_scene()

    def zoom_by(self, factor: float, about: QPoint | None = None) -> None:
        """Zoom, keeping the scene point under ``about`` (viewport pixels) where it is."""
        target = min(max(self.zoom * factor, ZOOM_OUT_LIMIT), ZOOM_IN_LIMIT)
        factor = target / self.zoom
        if abs(factor - 1.0) < 1e-6:
            return
        self.following_fit = False
        fixed = self.mapToScene(about) if about is not None else self._scene_range.center()
        rect: QRectF = self._scene_range
        self._scene_range = QRectF(
            fixed.x() - (fixed.x() - rect.left()) / factor,
            fixed.y() - (fixed.y() - rect.top()) / factor,
            rect.width() / factor,
            rect.height() / factor,
        )
        self._update_scene()

    def _set_viewer_zoom(self, value: float, sensitivity: Any = None, pos: Any = None) -> None:
        self.zoom_by(1.0015**value, pos)

    def pan_to(self, centre: QPointF) -> None:
        """Bring a scene point to the middle, at the zoom there is."""
        self.following_fit = False
        self._scene_range.moveCenter(centre)
        self._update_scene()

    def _set_viewer_pan(self, pos_x: float, pos_y: float) -> None:
        self.following_fit = False
        super()._set_viewer_pan(pos_x, pos_y)

    @guarded()
    def wheelEvent(self, event: Any) -> None:
        delta = event.angleDelta().y() or event.angleDelta().x()
        self.zoom_by(1.0015**delta, event.position().toPoint())
        event.accept()

    @guarded()
    def resizeEvent(self, event: Any) -> None:
        QGraphicsView.resizeEvent(self, event)
        if self.following_fit:
            self._scene_range = QRectF(self._whole)
        else:
            scale, centre = self.zoom, self._scene_range.center()
            size = self.viewport().size()
            self._scene_range = QRectF(0, 0, size.width() / scale, size.height() / scale)
            self._scene_range.moveCenter(centre)
        self._last_size = self.size()
        self._update_scene()
        self.view_changed.emit()
