"""A node as painted on the canvas: no widgets inside, everything drawn from a card."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem

from app import icons, theme
from app.canvas.card import Card, CardPort
from app.canvas.nodegraphqt import PureNodeItem
from app.canvas.ports import PortItem
from app.guard import guarded

__all__ = ["NodeCardItem"]

WIDTH = 160.0
HEADER = 40.0
ROW = 20.0
PICTURE = 92.0
_EDGE = 10.0  # room around the body for ports, badge and the ring of the selection
_PAD = 8.0
_RADIUS = 7.0
_READABLE = 0.62  # below this zoom small print is left out and titles grow


class NodeCardItem(PureNodeItem):
    """The item of one node."""

    port_class = PortItem

    def __init__(self, name: str = "node", parent: Any = None) -> None:
        super().__init__(name, parent)
        self.card = Card(id="")
        self.lit = False  # its term or its line of code is under the pointer
        self._width: float = WIDTH
        self._height: float = HEADER
        self._ports: dict[tuple[bool, str], PortItem] = {}

    # --- geometry ---

    def show_card(self) -> None:
        """Lay out and repaint after the card has changed."""
        card = self.card
        rows = max(len(card.inputs), len(card.outputs))
        height = HEADER + 6 + rows * ROW
        height += 20 if card.summary else 0
        height += PICTURE + 4 if card.pictured else 0
        height += 22 if card.progress is not None else 0
        height += 4
        if (self._width, self._height) != (WIDTH, height):
            self.prepareGeometryChange()
            self._width, self._height = WIDTH, height
        for is_input, ports in ((True, card.inputs), (False, card.outputs)):
            for row, port in enumerate(ports):
                item = self.port(port.name, is_input)
                if item is not None:
                    half = item.SIZE / 2
                    x = -half if is_input else WIDTH - half
                    item.setPos(x, HEADER + 6 + row * ROW + ROW / 2 - half)
                    item.set_kind(port.kind)
        self.setToolTip(card.tooltip)
        self.update()

    def make_ports(self) -> None:
        """Create the port items that the card asks for and do not exist yet."""
        for port in self.card.inputs:
            if (True, port.name) not in self._ports:
                self._ports[True, port.name] = self._dress(
                    self.add_input(port.name, port.multiple), port
                )
        for port in self.card.outputs:
            if (False, port.name) not in self._ports:
                self._ports[False, port.name] = self._dress(self.add_output(port.name, True), port)

    @staticmethod
    def _dress(item: PortItem, port: CardPort) -> PortItem:
        item.kind = port.kind
        item.optional = port.optional
        many = ", any number of wires" if port.multiple else ""
        optional = ", optional" if port.optional else ""
        item.setToolTip(f"<b>{port.title}</b> ({port.kind}{many}{optional})<br>{port.help}")
        return item

    def port(self, name: str, is_input: bool) -> PortItem | None:
        """The item of a port."""
        return self._ports.get((is_input, name))

    @property
    def port_items(self) -> list[PortItem]:
        """Every port of the node."""
        return list(self._ports.values())

    @guarded(QRectF(0, 0, WIDTH, HEADER))
    def boundingRect(self) -> QRectF:
        return QRectF(-_EDGE, -_EDGE, self._width + 2 * _EDGE, self._height + 2 * _EDGE)

    def body(self) -> QRectF:
        """The node without its ports."""
        return QRectF(0, 0, self._width, self._height)

    @guarded(QPainterPath())
    def shape(self) -> QPainterPath:
        path = QPainterPath()
        path.addRoundedRect(self.body(), _RADIUS, _RADIUS)
        return path

    @guarded(lambda self, change, value: value)
    def itemChange(self, change: Any, value: Any) -> Any:
        if change == QGraphicsItem.GraphicsItemChange.ItemSelectedHasChanged:
            self.setZValue(2.0 if self.isSelected() else 1.0)
        return super().itemChange(change, value)

    # --- painting ---

    @guarded()
    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: Any) -> None:
        zoom = option.levelOfDetailFromTransform(painter.worldTransform())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        small = zoom < _READABLE
        self._paint_body(painter)
        if small:
            self._paint_small_header(painter, zoom)
        else:
            self._paint_header(painter)
        y = HEADER + 6
        if not small:
            self._paint_ports(painter, y)
        y += max(len(self.card.inputs), len(self.card.outputs)) * ROW
        if self.card.summary:
            self._paint_summary(painter, y, zoom)
            y += 20
        if self.card.pictured:
            self._paint_picture(painter, QRectF(_PAD, y, WIDTH - 2 * _PAD, PICTURE))
            y += PICTURE + 4
        if self.card.progress is not None:
            self._paint_progress(painter, y)
        if self.card.mode:
            self._paint_mode(painter)
        self._paint_badge(painter)

    def _paint_body(self, painter: QPainter) -> None:
        tokens, body = theme.current(), self.body()
        shadow = QColor(tokens.node_shadow)
        for spread, alpha in ((3.0, 0.18), (1.5, 0.3)):
            shadow.setAlphaF(alpha)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shadow)
            painter.drawRoundedRect(
                body.adjusted(-spread, -spread + 2, spread, spread + 2), _RADIUS + 2, _RADIUS + 2
            )
        painter.setBrush(QColor(tokens.node))
        painter.drawRoundedRect(body, _RADIUS, _RADIUS)
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(body, _RADIUS, _RADIUS)
        painter.setClipPath(clip)
        painter.fillRect(QRectF(0, 0, self._width, HEADER), QColor(tokens.node_header))
        painter.fillRect(QRectF(0, 0, self._width, 4), self._colour())
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        severity = {"error": tokens.error, "warning": tokens.warning}.get(self.card.severity)
        pen = QPen(QColor(severity or tokens.node_border), 1.5 if severity else 1.0)
        if self.card.placeholder:
            pen.setStyle(Qt.PenStyle.DashLine)
        if self.isSelected():
            pen = QPen(QColor(tokens.accent), 2.0)
            glow = QColor(tokens.accent)
            glow.setAlphaF(0.3)
            painter.setPen(QPen(glow, 6.0))
            painter.drawRoundedRect(body, _RADIUS, _RADIUS)
        elif self.lit:
            pen = QPen(QColor(tokens.accent), 2.0, Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.drawRoundedRect(body, _RADIUS, _RADIUS)

    def _colour(self) -> QColor:
        return theme.readable(self.card.colour, theme.current().node_header, 3.0)

    def _paint_small_header(self, painter: QPainter, zoom: float) -> None:
        """From afar: the title as large as it fits, and the state; no icon, no name."""
        painter.setPen(QColor(theme.current().text))
        idle = self.card.state in ("idle", "stale")
        room = QRectF(_PAD, 4, WIDTH - _PAD - (6 if idle else 26), HEADER - 4)
        size = min(17, int(10.5 / zoom))
        while size > 13 and _width(self.card.title, size) > room.width():
            size -= 1
        self._text(painter, room, self.card.title, theme.ui_font(size, bold=True))
        if not idle:
            self._paint_state(painter, QPointF(WIDTH - 14, (HEADER + 4) / 2), 1.35)

    def _paint_header(self, painter: QPainter) -> None:
        tokens = theme.current()
        size = 16
        mark = icons.pixmap(self.card.icon, 2 * size, self._colour().name())
        top = (HEADER + 4 - size) / 2
        painter.drawPixmap(QRectF(_PAD, top, size, size), mark, QRectF(mark.rect()))
        left, right = _PAD + size + 6, WIDTH - 24
        painter.setPen(QColor(tokens.text))
        self._text(
            painter,
            QRectF(left, 5, right - left, 19),
            self.card.title,
            theme.ui_font(13, bold=True),
        )
        painter.setPen(QColor(tokens.muted))
        self._text(
            painter, QRectF(left, 22, right - left, 15), self.card.name, theme.monospace_font(10)
        )
        self._paint_state(painter, QPointF(WIDTH - 14, (HEADER + 4) / 2))

    @staticmethod
    def _text(
        painter: QPainter,
        rect: QRectF,
        text: str,
        font: QFont,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        painter.setFont(font)
        shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width() + 1)
        painter.drawText(rect, int(align | Qt.AlignmentFlag.AlignVCenter), shown)

    def _paint_ports(self, painter: QPainter, top: float) -> None:
        painter.setPen(QColor(theme.current().muted))
        font = theme.ui_font(11)
        half = WIDTH / 2 - _PAD
        wide = len(self.card.outputs) == 0 or len(self.card.inputs) == 0
        for row, port in enumerate(self.card.inputs):
            rect = QRectF(_PAD + 4, top + row * ROW, 2 * half if wide else half + 8, ROW)
            self._text(painter, rect, port.title, font)
        for row, port in enumerate(self.card.outputs):
            rect = QRectF(_PAD if wide else WIDTH / 2, top + row * ROW, half - 4, ROW)
            rect.setRight(WIDTH - _PAD - 4)
            self._text(painter, rect, port.title, font, Qt.AlignmentFlag.AlignRight)

    def _paint_summary(self, painter: QPainter, top: float, zoom: float) -> None:
        painter.setPen(QColor(theme.current().text))
        size = 12 if zoom >= _READABLE else min(16, int(9.5 / zoom))
        rect = QRectF(_PAD + 4, top, WIDTH - 2 * _PAD - 8, 19)
        while size > 12 and _width(self.card.summary, size, bold=False) > rect.width():
            size -= 1
        self._text(painter, rect, self.card.summary, theme.ui_font(size))

    def _paint_picture(self, painter: QPainter, frame: QRectF) -> None:
        tokens = theme.current()
        path = QPainterPath()
        path.addRoundedRect(frame, 4, 4)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(frame, QColor(tokens.field if tokens.dark else tokens.window))
        picture = self.card.thumbnail
        if picture is not None and not picture.isNull():
            painter.setOpacity(0.45 if self.card.state == "stale" else 1.0)
            painter.drawPixmap(_fit(picture, frame), picture, QRectF(picture.rect()))
        else:
            mark = icons.pixmap("mdi6.image-outline", 48, tokens.border_strong)
            where = QRectF(0, 0, 24, 24)
            where.moveCenter(frame.center())
            painter.drawPixmap(where, mark, QRectF(mark.rect()))
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(tokens.border), 1.0))
        painter.drawPath(path)

    def _paint_progress(self, painter: QPainter, top: float) -> None:
        tokens = theme.current()
        groove = QRectF(_PAD, top + 14, WIDTH - 2 * _PAD, 4)
        painter.setPen(QColor(tokens.muted))
        self._text(painter, QRectF(_PAD, top - 2, groove.width(), 15), self.card.progress_text,
                   theme.ui_font(10))  # fmt: skip
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.border_strong))
        painter.drawRoundedRect(groove, 2, 2)
        done = QRectF(groove)
        done.setWidth(groove.width() * min(1.0, max(0.0, self.card.progress or 0.0)))
        painter.setBrush(QColor(tokens.accent))
        painter.drawRoundedRect(done, 2, 2)

    def _paint_state(self, painter: QPainter, centre: QPointF, scale: float = 1.0) -> None:
        """A dot and a glyph: nothing is told by colour alone."""
        tokens = theme.current()
        painter.save()
        painter.translate(centre)
        painter.scale(scale, scale)
        centre = QPointF(0, 0)
        state = self.card.state
        colour = QColor(
            {
                "running": tokens.accent,
                "paused": tokens.warning,
                "done": tokens.success,
                "failed": tokens.error,
            }.get(state, tokens.border_strong)
        )
        painter.setPen(QPen(colour, 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        x, y = centre.x(), centre.y()
        painter.drawEllipse(centre, 6, 6)
        if state == "done":
            painter.drawPolyline(_points(x, y, (-2.6, 0.2), (-0.6, 2.3), (2.8, -2.0)))
        elif state == "failed":
            painter.drawLine(QPointF(x - 2.2, y - 2.2), QPointF(x + 2.2, y + 2.2))
            painter.drawLine(QPointF(x - 2.2, y + 2.2), QPointF(x + 2.2, y - 2.2))
        elif state == "paused":
            painter.drawLine(QPointF(x - 1.6, y - 2.4), QPointF(x - 1.6, y + 2.4))
            painter.drawLine(QPointF(x + 1.6, y - 2.4), QPointF(x + 1.6, y + 2.4))
        elif state == "running":
            painter.setBrush(colour)
            painter.drawPolygon(_points(x, y, (-1.8, -2.8), (3.0, 0.0), (-1.8, 2.8)))
        painter.restore()

    def _paint_mode(self, painter: QPainter) -> None:
        """A node that does not take part steps back, and says which way."""
        tokens, body = theme.current(), self.body()
        veil = QColor(tokens.canvas)
        veil.setAlphaF(0.6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(veil)
        painter.drawRoundedRect(body, _RADIUS, _RADIUS)
        pen = QPen(QColor(tokens.muted), 2.0, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.card.mode == "bypass":
            middle = body.center().y()
            painter.drawLine(QPointF(0, middle), QPointF(self._width, middle))
        painter.drawRoundedRect(body, _RADIUS, _RADIUS)
        words = "passed by" if self.card.mode == "bypass" else "off"
        painter.setFont(theme.ui_font(13, bold=True))
        plate = QRectF(0, 0, _width(words, 13) + 16, 22)
        plate.moveCenter(body.center())
        painter.setBrush(QColor(tokens.raised))
        painter.setPen(QPen(QColor(tokens.muted), 1.0))
        painter.drawRoundedRect(plate, 5, 5)
        painter.setPen(QColor(tokens.text))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_badge(self, painter: QPainter) -> None:
        tokens, severity = theme.current(), self.card.severity
        if not severity:
            return
        colour = {"error": tokens.error, "warning": tokens.warning}.get(severity, tokens.hint)
        centre = QPointF(WIDTH - 3, 3)
        painter.setPen(QPen(QColor(tokens.canvas), 2.0))
        painter.setBrush(QColor(colour))
        if severity == "warning":
            painter.drawPolygon(_points(centre.x(), centre.y(), (-9, 8), (0, -9), (9, 8)))
        else:
            painter.drawEllipse(centre, 8.5, 8.5)
        painter.setPen(QColor("#10131a" if tokens.dark else "#ffffff"))
        painter.setFont(theme.ui_font(11, bold=True))
        rect = QRectF(centre.x() - 8, centre.y() - 8 + (2 if severity == "warning" else 0), 16, 16)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, "i" if severity == "hint" else "!")


def _width(text: str, size: int, *, bold: bool = True) -> float:
    return QFontMetricsF(theme.ui_font(size, bold=bold)).horizontalAdvance(text)


def _points(x: float, y: float, *offsets: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(x + dx, y + dy) for dx, dy in offsets])


def _fit(picture: QPixmap, frame: QRectF) -> QRectF:
    scale = min(frame.width() / picture.width(), frame.height() / picture.height())
    result = QRectF(0, 0, picture.width() * scale, picture.height() * scale)
    result.moveCenter(frame.center())
    return result
