"""Backdrops behind nodes and notes between them, as items on the scene."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QTextDocument
from PySide6.QtWidgets import QGraphicsItem, QGraphicsObject, QPlainTextEdit

from app import theme
from app.guard import guarded
from nodes import document as events
from nodes.commands import Command, Macro, MoveNodes, PutFrame, RemoveFrames
from nodes.frames import COLOURS, SMALLEST, Frame
from nodes.tex import notes_html

if TYPE_CHECKING:
    from app.canvas.view import Canvas

__all__ = ["FrameItem", "Frames"]

_TITLE = 26.0
_GRIP = 14.0
_FIELD = QSize(260, 120)  # where a note is written, however far away it is
_HUES = {
    "grey": "#808890",
    "blue": "#0072b2",
    "green": "#009e73",
    "orange": "#e69f00",
    "purple": "#cc79a7",
}


class FrameItem(QGraphicsObject):
    """One backdrop or note; dragged by its title (a note anywhere), resized at its corner."""

    def __init__(self, frame: Frame, layer: Frames) -> None:
        super().__init__()
        self.frame, self.layer = frame, layer
        self._grip: QPointF | None = None
        self._start: QPointF | None = None
        self._size = (0.0, 0.0)
        self._page = QTextDocument()
        self._page.setIndentWidth(14)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable)
        self.show_frame(frame)

    def show_frame(self, frame: Frame) -> None:
        """Take over what the document says."""
        self.prepareGeometryChange()
        self.frame = frame
        self._size = frame.rect[2:]
        self.setPos(*frame.rect[:2])
        self.setZValue(-5.0 if frame.kind == "backdrop" else -1.0)
        self.setToolTip("Double-click edits the words; the lower right corner resizes.")
        self._page.setDefaultFont(theme.ui_font(12))
        self._page.setMarkdown(notes_html(frame.text) or "*Double-click to write.*")
        self._page.setTextWidth(self._size[0] - 20)
        self.update()

    def height_of(self, text: str) -> float:
        """How high a note of this width must be for nothing of a text to be cut off."""
        self._page.setMarkdown(notes_html(text))
        return float(self._page.size().height()) + 16

    @guarded(QRectF(0, 0, 100, 60))
    def boundingRect(self) -> QRectF:
        return QRectF(-2, -2, self._size[0] + 4, self._size[1] + 4)

    def _handle(self) -> QRectF:
        return QRectF(0, 0, self._size[0], self._size[1] if self.frame.kind == "note" else _TITLE)

    def _corner(self) -> QRectF:
        return QRectF(self._size[0] - _GRIP, self._size[1] - _GRIP, _GRIP, _GRIP)

    def grabs(self, position: QPointF) -> bool:
        """Whether a press here belongs to the frame; elsewhere a backdrop is only ground."""
        return self._handle().contains(position) or self._corner().contains(position)

    @guarded()
    def paint(self, painter: QPainter, option: Any, widget: Any = None) -> None:
        tokens = theme.current()
        hue = theme.readable(_HUES[self.frame.colour], tokens.canvas, 2.4)
        body = QRectF(0, 0, *self._size)
        ground = QColor(hue)
        ground.setAlphaF(0.12 if self.frame.kind == "backdrop" else 0.22)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(ground)
        edge = QPen(QColor(tokens.accent) if self.isSelected() else hue, 1.4)
        painter.setPen(edge)
        painter.drawRoundedRect(body, 8, 8)
        painter.setPen(QColor(tokens.text))
        if self.frame.kind == "backdrop":
            painter.setFont(theme.ui_font(14, bold=True))
            painter.drawText(
                QRectF(12, 2, self._size[0] - 24, _TITLE),
                int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
                self.frame.text,
            )
        else:
            painter.save()
            painter.translate(10, 8)
            self._page.setDefaultStyleSheet(f"* {{ color: {tokens.text}; }}")
            context = self._page.documentLayout().PaintContext()
            context.palette.setColor(context.palette.ColorRole.Text, QColor(tokens.text))
            painter.setClipRect(QRectF(0, 0, self._size[0] - 20, self._size[1] - 16))
            self._page.documentLayout().draw(painter, context)
            painter.restore()
        painter.setPen(QPen(hue, 1.2))
        right, bottom = self._size
        for inset in (4.0, 8.0):
            painter.drawLine(
                QPointF(right - inset - 2, bottom - 2), QPointF(right - 2, bottom - inset - 2)
            )

    @guarded()
    def mousePressEvent(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self.grabs(event.pos()):
            event.ignore()
            return
        self.setSelected(True)
        self.layer.canvas.session.select([])
        if self._corner().contains(event.pos()):
            self._grip = event.scenePos()
        else:
            self._start = event.scenePos()
        event.accept()

    @guarded()
    def mouseMoveEvent(self, event: Any) -> None:
        rect = self.frame.rect
        if self._grip is not None:
            moved = event.scenePos() - self._grip
            self.prepareGeometryChange()
            self._size = (
                max(SMALLEST[0], rect[2] + moved.x()),
                max(SMALLEST[1], rect[3] + moved.y()),
            )
            self._page.setTextWidth(self._size[0] - 20)
            self.update()
        elif self._start is not None:
            moved = event.scenePos() - self._start
            self.setPos(rect[0] + moved.x(), rect[1] + moved.y())
            self.layer.drag_along(self, moved)

    @guarded()
    def mouseReleaseEvent(self, event: Any) -> None:
        resized, moved = self._grip is not None, self._start is not None
        self._grip = self._start = None
        if resized:
            self.layer.resize(self, self._size)
        elif moved:
            self.layer.move(self)

    @guarded()
    def mouseDoubleClickEvent(self, event: Any) -> None:
        if self.grabs(event.pos()):
            self.layer.edit(self.frame.id)
            event.accept()
        else:
            event.ignore()


class _Words(QPlainTextEdit):
    """The field in which a frame's words are written; leaving it keeps them."""

    def __init__(self, layer: Frames, frame: Frame, parent: Any) -> None:
        super().__init__(frame.text, parent)
        self.layer, self.frame = layer, frame
        self.setAccessibleName("Words of the note" if frame.kind == "note" else "Title")
        note = "Markdown, and TeX between dollars; Escape or a click elsewhere ends"
        self.setToolTip(note if frame.kind == "note" else "Enter ends")
        self._done = False

    def finish(self) -> None:
        """Hand the words over and go."""
        if self._done:
            return
        self._done = True
        self.layer.say(self.frame.id, self.toPlainText())
        self.hide()
        self.deleteLater()

    @guarded()
    def keyPressEvent(self, event: Any) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() == Qt.Key.Key_Escape or (enter and (ctrl or self.frame.kind == "backdrop")):
            self.finish()
            self.layer.canvas.viewer.setFocus()
            return
        super().keyPressEvent(event)

    @guarded()
    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self.finish()


class Frames(QObject):
    """Keeps one item for each frame of the open document."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.canvas = canvas
        self.items: dict[str, FrameItem] = {}
        self._along: dict[str, tuple[float, float]] = {}
        self.editor: _Words | None = None
        session = canvas.session
        session.replaced.connect(self.rebuild)
        session.levels.changed.connect(self.rebuild)
        session.changed.connect(self._on_event)
        theme.signals().changed.connect(self._on_theme)

    def _on_theme(self, _theme: Any) -> None:
        for item in self.items.values():
            item.show_frame(item.frame)

    def _on_event(self, event: Any) -> None:
        if isinstance(event, events.FramesChanged):
            self.rebuild()

    def rebuild(self) -> None:
        """Show the frames of the document."""
        group, document = self.canvas.session.levels.group, self.canvas.session.document
        known = {frame.id: frame for frame in document.frames if frame.group == group}
        for identifier in [i for i in self.items if i not in known]:
            item = self.items.pop(identifier)
            self.canvas.viewer.scene().removeItem(item)
        for identifier, frame in known.items():
            if identifier in self.items:
                self.items[identifier].show_frame(frame)
            else:
                self.items[identifier] = FrameItem(frame, self)
                self.canvas.viewer.scene().addItem(self.items[identifier])

    @property
    def selected(self) -> list[str]:
        """The frames that are selected."""
        return [i for i, item in self.items.items() if item.isSelected()]

    def on(self, item: FrameItem) -> list[str]:
        """The nodes that lie on a backdrop."""
        if item.frame.kind != "backdrop":
            return []
        sizes, nodes = self.canvas.sizes(), self.canvas.session.levels.nodes
        return [n.id for n in nodes if item.frame.holds(*n.position, *sizes[n.id])]

    def drag_along(self, item: FrameItem, moved: QPointF) -> None:
        """Nodes on a backdrop follow it while it is dragged."""
        document = self.canvas.session.document
        for node in self.on(item):
            x, y = document.node(node).position
            self.canvas.mirror.items[node].setPos(x + moved.x(), y + moved.y())

    def move(self, item: FrameItem) -> None:
        """The drag is over: frame and nodes move as one step."""
        frame, document = item.frame, self.canvas.session.document
        left, top = round(item.x()), round(item.y())
        dx, dy = left - frame.rect[0], top - frame.rect[1]
        if not dx and not dy:
            item.show_frame(frame)
            return
        places = {
            node: (document.node(node).position[0] + dx, document.node(node).position[1] + dy)
            for node in self.on(item)
        }
        commands: list[Command] = [PutFrame(replace(frame, rect=(left, top, *frame.rect[2:])))]
        if places:
            commands.append(MoveNodes(places))
        self.canvas.session.do(Macro("Move a frame", tuple(commands)))

    def resize(self, item: FrameItem, size: tuple[float, float]) -> None:
        """The corner was let go."""
        frame = item.frame
        rect = (*frame.rect[:2], round(size[0]), round(size[1]))
        self.canvas.session.do(PutFrame(replace(frame, rect=rect), "Resize a frame"))

    def say(self, identifier: str, text: str) -> None:
        """Give a frame its words."""
        self.editor = None
        item = self.items.get(identifier)
        if item is not None and text != item.frame.text:
            frame = replace(item.frame, text=text)
            if frame.kind == "note":  # it grows with its words, and shrinks only by hand
                height = max(frame.rect[3], ceil(item.height_of(text)))
                frame = replace(frame, rect=(*frame.rect[:3], height))
            self.canvas.session.do(PutFrame(frame, "Write a note"))

    def recolour(self, identifier: str) -> None:
        """The next colour."""
        frame = self.items[identifier].frame
        colour = COLOURS[(COLOURS.index(frame.colour) + 1) % len(COLOURS)]
        self.canvas.session.do(PutFrame(replace(frame, colour=colour), "Colour a frame"))

    def remove(self, identifiers: list[str]) -> None:
        """Take frames away; nodes stay."""
        self.canvas.session.do(RemoveFrames(tuple(identifiers)))

    def edit(self, identifier: str) -> None:
        """Write a frame's words in place."""
        item = self.items.get(identifier)
        if item is None:
            return
        viewer = self.canvas.viewer
        area = viewer.mapFromScene(item.mapRectToScene(item.boundingRect())).boundingRect()
        field = _Words(self, item.frame, viewer.viewport())
        least = _FIELD if item.frame.kind == "note" else QSize(160, 34)
        size = area.size().expandedTo(least) if item.frame.kind == "note" else least
        size = QSize(max(size.width(), area.width()), size.height())
        room = viewer.viewport().size()
        field.setGeometry(
            max(0, min(area.x(), room.width() - size.width())),
            max(0, min(area.y(), room.height() - size.height())),
            min(size.width(), room.width()),
            min(size.height(), room.height()),
        )
        field.show()
        field.setFocus()
        field.selectAll()
        self.editor = field
