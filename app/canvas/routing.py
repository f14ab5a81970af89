"""Wires that would pass behind nodes take a lane between them.

A wire is drawn straight from output to input as long as nothing stands in between. Otherwise it
turns into the nearest free lane right behind its beginning and leaves it right before its end.
Large graphs are drawn straight: there the way of one wire cannot be followed by eye anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPointF, QTimer
from PySide6.QtGui import QPainterPath

from app.canvas.nodegraphqt import wire_path
from app.guard import guarded

if TYPE_CHECKING:
    from app.canvas.mirror import Mirror

__all__ = ["Lane", "Router", "is_free", "lane", "lane_path"]

#: Left, top, right, bottom.
Box = tuple[float, float, float, float]

#: From a wire's end to where it is in its lane.
TURN = 36.0
_MARGIN, _ASIDE, _BESIDE = 5.0, 12.0, 6.0
_MOST_NODES = 150


@dataclass(frozen=True)
class Lane:
    """A level piece of a wire's way.

    Attributes:
        left, right: where it begins and ends.
        y: its height.
        source: the output it comes from; wires of one output may share a lane.
        back: whether the wire leads from right to left.
    """

    left: float
    right: float
    y: float
    source: str = ""
    back: bool = False

    def crowds(self, other: Lane) -> bool:
        """Whether two wires could not be told apart here."""
        apart = self.right <= other.left or other.right <= self.left
        return not apart and self.source != other.source and abs(self.y - other.y) < _BESIDE - 1


def _blocked(boxes: Iterable[Box], left: float, top: float, right: float, bottom: float) -> bool:
    """Whether a rectangle comes too near to a box."""
    left, top, right, bottom = left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN
    return any(b[0] < right and left < b[2] and b[1] < bottom and top < b[3] for b in boxes)


def is_free(path: QPainterPath, boxes: Sequence[Box]) -> bool:
    """Whether a curve passes beside all boxes."""
    bounds = path.boundingRect()
    near = [
        box
        for box in boxes
        if box[0] < bounds.right()
        and bounds.left() < box[2]
        and box[1] < bounds.bottom()
        and bounds.top() < box[3]
    ]
    if not near:
        return True
    steps = max(16, int(bounds.width() / 12))
    points = [path.pointAtPercent(step / steps) for step in range(steps + 1)]
    return not any(
        x0 <= point.x() <= x1 and y0 <= point.y() <= y1
        for x0, y0, x1, y1 in near
        for point in points
    )


def lane(
    start: tuple[float, float],
    end: tuple[float, float],
    boxes: Sequence[Box],
    own: Sequence[Box] = (),
    taken: Sequence[Lane] = (),
    source: str = "",
) -> Lane | None:
    """The free lane that is the shortest way round; None where there is none.

    Args:
        start, end: of the wire.
        boxes: the nodes it must pass, without its own two.
        own: these two, which a wire that leads back must pass as well.
        taken: the lanes that other wires have.
        source: the output it comes from.
    """
    back = end[0] - start[0] <= 2 * TURN
    left, right = (end[0], start[0]) if back else (start[0] + TURN, end[0] - TURN)
    if right <= left:
        return None
    near = [b for b in boxes if b[0] - TURN < max(start[0], end[0]) + TURN]
    near = [b for b in near if min(start[0], end[0]) - TURN < b[2] + TURN]
    lanes = [*near, *own] if back else near
    heights = {start[1], end[1]}
    for box in lanes:
        for edge, away in ((box[1] - _ASIDE, -1), (box[3] + _ASIDE, 1)):
            heights |= {edge, edge + away * _BESIDE, edge + 2 * away * _BESIDE}
    for y in sorted(heights, key=lambda y: abs(y - start[1]) + abs(y - end[1])):
        found = Lane(left, right, y, source, back)
        if (
            not _blocked(lanes, left, y, right, y)
            and not _blocked(near, *_turn(start, y, 1))
            and not _blocked(near, *_turn(end, y, -1))
            and not any(found.crowds(other) for other in taken)
        ):
            return found
    return None


def _turn(end: tuple[float, float], y: float, away: int) -> Box:
    """Where a wire turns between its end and its lane."""
    near, far = end[0] + away * 2 * _MARGIN, end[0] + away * TURN
    return (min(near, far), min(end[1], y), max(near, far), max(end[1], y))


def lane_path(start: QPointF, end: QPointF, way: Lane) -> QPainterPath:
    """The curve of a wire that takes a lane."""
    path = QPainterPath(start)
    if way.back:
        out = QPointF(TURN * 1.2, 0)
        first, last = QPointF(way.right, way.y), QPointF(way.left, way.y)
        path.cubicTo(start + out, first + out, first)
        path.lineTo(last)
        path.cubicTo(last - out, end - out, end)
        return path
    half = QPointF(TURN * 0.6, 0)
    first, last = QPointF(way.left, way.y), QPointF(way.right, way.y)
    path.cubicTo(start + half, first - half, first)
    path.lineTo(last)
    path.cubicTo(last + half, end - half, end)
    return path


class Router(QObject):
    """Finds the ways of all wires again once an edit is over."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__(mirror)
        self.mirror = mirror
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(0)
        self._late.timeout.connect(self.route)
        mirror.changed.connect(self._later)
        mirror.rebuilt.connect(self._later)

    def _later(self, _: Any = None) -> None:
        self._late.start()

    @guarded()
    def route(self) -> None:
        """Give every wire its way."""
        self._late.stop()
        items = self.mirror.items
        if len(items) > _MOST_NODES:
            return
        boxes = {
            identifier: item.mapRectToScene(item.body()).getCoords()
            for identifier, item in items.items()
        }
        taken: list[Lane] = []
        for wire, pipe in self.mirror.wires.items():
            if pipe.output_port is None or pipe.input_port is None:
                continue
            start, end = pipe.output_port.centre(), pipe.input_port.centre()
            others = [b for i, b in boxes.items() if i not in (wire.source, wire.target)]
            path = wire_path(start, end)
            mine = [boxes[i] for i in (wire.source, wire.target) if i in boxes]
            # A wire that leads back would pass behind its own nodes as well.
            inner = [(b[0] + 3, b[1] + 3, b[2] - 3, b[3] - 3) for b in mine]
            if not is_free(path, [*others, *inner] if end.x() < start.x() else others):
                source = f"{wire.source} {wire.output}"
                ends = ((start.x(), start.y()), (end.x(), end.y()))
                way = lane(*ends, others, mine, taken, source)
                if way is not None:
                    taken.append(way)
                    path = lane_path(start, end, way)
            if path != pipe.path():
                pipe.setPath(path)
