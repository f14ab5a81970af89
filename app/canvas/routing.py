"""Wires that would pass behind nodes take a lane between them.

A wire is drawn straight from output to input as long as nothing stands in between. Otherwise it
turns into the nearest free lane right behind its beginning and leaves it right before its end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QMarginsF, QObject, QPointF, QRectF, QTimer
from PySide6.QtGui import QPainterPath

from app.canvas.nodegraphqt import wire_path
from app.guard import guarded
from nodes.node import Wire

if TYPE_CHECKING:
    from app.canvas.mirror import Mirror

__all__ = ["Lane", "Router", "is_free", "lane", "lane_path"]

#: Left, top, right, bottom.
Box = tuple[float, float, float, float]

#: From a wire's end to where it is in its lane.
TURN = 36.0
_MARGIN, _ASIDE, _BESIDE = 5.0, 12.0, 6.0
#: How far up or down a wire goes at most to find its lane.
_DETOUR = 800.0
_COLUMN = 400.0
#: Up to so many nodes all is done at once; above, only what is seen, in pieces, after some quiet.
_SMALL = 150
_SOME = QMarginsF(1, 1, 1, 1)
_SEEN = 0.35  # the zoom below which the way of a wire cannot be told anyway
_PATIENCE_MS, _PIECE_MS, _REST_MS = 150, 6, 12


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
    high, low = min(start[1], end[1]) - _DETOUR, max(start[1], end[1]) + _DETOUR
    near = [b for b in near if b[1] < low + _DETOUR and high - _DETOUR < b[3]]
    lanes = [*near, *own] if back else near
    heights = {start[1], end[1]}
    for box in lanes:
        for edge, away in ((box[1] - _ASIDE, -1), (box[3] + _ASIDE, 1)):
            if high < edge < low:
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


@dataclass(frozen=True)
class _Way:
    """How a wire was drawn: where it ends, its curve, and the room in which a node concerns it."""

    start: tuple[float, float]
    end: tuple[float, float]
    path: QPainterPath
    room: Box


class _Columns:
    """Boxes by where they stand from left to right, so that a short wire asks only a few."""

    def __init__(self, boxes: Mapping[str, Box]) -> None:
        self._at: dict[int, list[str]] = {}
        self.boxes = boxes
        for identifier, box in boxes.items():
            for column in self._range(box[0], box[2]):
                self._at.setdefault(column, []).append(identifier)

    @staticmethod
    def _range(left: float, right: float) -> range:
        return range(int(left // _COLUMN), int(right // _COLUMN) + 1)

    def between(self, left: float, right: float) -> dict[str, Box]:
        """The boxes that may reach into a stretch."""
        found = (i for c in self._range(left, right) for i in self._at.get(c, ()))
        return {identifier: self.boxes[identifier] for identifier in found}


class Router(QObject):
    """Finds the ways of wires again once an edit is over, of those that it concerns.

    In a large graph it waits until nothing has changed for a moment, works in short pieces, and
    leaves out what is not in view.
    """

    def __init__(self, mirror: Mirror) -> None:
        super().__init__(mirror)
        self.mirror = mirror
        self._ways: dict[Wire, _Way] = {}
        self._lanes: dict[Wire, Lane] = {}
        self._columns = _Columns({})
        self._pending: list[Wire] = []
        self._found: list[tuple[Wire, _Way]] = []
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.timeout.connect(self.route)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._go_on)
        mirror.changed.connect(self._later)
        mirror.rebuilt.connect(self._later)
        mirror.viewer.view_changed.connect(self._on_view)

    def _on_view(self) -> None:
        if len(self.mirror.items) > _SMALL:
            self._later()

    def _later(self, _: Any = None) -> None:
        self._late.start(0 if len(self.mirror.items) <= _SMALL else _PATIENCE_MS)

    @guarded()
    def route(self) -> None:
        """Give every wire its way, of those that the last edits concern."""
        self._late.stop()
        boxes: dict[str, Box] = {
            identifier: item.mapRectToScene(item.body()).getCoords()
            for identifier, item in self.mirror.items.items()
        }
        before, wires = self._columns.boxes, self.mirror.wires
        moved = [box for i, box in boxes.items() if before.get(i) != box]
        moved += [box for i, box in before.items() if boxes.get(i) != box]
        self._columns = _Columns(boxes)
        for gone in [wire for wire in self._ways if wire not in wires]:
            del self._ways[gone]
            self._lanes.pop(gone, None)
        seen = self._seen()
        self._pending = [
            wire
            for wire, pipe in wires.items()
            # A level wire has no height, and what is empty meets nothing.
            if (seen is None or seen.intersects(pipe.path().controlPointRect() + _SOME))
            and self._concerned(wire, pipe, moved)
        ]
        for wire in self._pending:  # whatever interrupts the work, these are not done
            self._ways.pop(wire, None)
            self._lanes.pop(wire, None)
        for wire in self._stale(moved) if seen is not None else ():
            self._ways.pop(wire, None)
            self._lanes.pop(wire, None)
        self._pending.reverse()
        self._found = []
        self._go_on()

    def _seen(self) -> QRectF | None:
        """The part of the scene whose wires matter; None for all of it."""
        viewer = self.mirror.viewer
        if len(self.mirror.items) <= _SMALL:
            return None
        if viewer.zoom < _SEEN:
            return QRectF()
        return viewer.mapToScene(viewer.viewport().rect()).boundingRect()

    def _stale(self, moved: Sequence[Box]) -> list[Wire]:
        """The wires out of sight that are to be drawn anew once they come into it."""
        return [w for w, way in self._ways.items() if _meets(way.room, moved)] if moved else []

    def _concerned(self, wire: Wire, pipe: Any, moved: Sequence[Box]) -> bool:
        if pipe.output_port is None or pipe.input_port is None:
            return False
        way = self._ways.get(wire)
        if way is None or way.path != pipe.path():
            return True
        return _ends(pipe) != (way.start, way.end) or _meets(way.room, moved)

    @guarded()
    def _go_on(self) -> None:
        self._rest.stop()
        large = len(self.mirror.items) > _SMALL
        end = time.perf_counter() + _PIECE_MS / 1000
        while self._pending:
            if large and time.perf_counter() > end:
                self._rest.start(_REST_MS)
                return
            wire = self._pending.pop()
            pipe = self._whole(wire)
            if pipe is not None:
                self._find(wire, pipe)
        found, self._found = self._found, []
        for wire, way in found:  # all at once: one new picture of the canvas, not one for each
            pipe = self._whole(wire)
            if pipe is not None and _ends(pipe) == (way.start, way.end):
                self._ways[wire] = way
                if way.path != pipe.path():
                    pipe.setPath(way.path)

    def _whole(self, wire: Wire) -> Any:
        """The item of a wire that is there with both its ends, or None."""
        pipe = self.mirror.wires.get(wire)
        whole = pipe is not None and pipe.output_port is not None and pipe.input_port is not None
        return pipe if whole else None

    def _find(self, wire: Wire, pipe: Any) -> None:
        first, last = _ends(pipe)
        start, end = QPointF(*first), QPointF(*last)
        path = wire_path(start, end)
        room = path.boundingRect()
        boxes = self._columns.between(room.left() - 2 * TURN, room.right() + 2 * TURN)
        others = [b for i, b in boxes.items() if i not in (wire.source, wire.target)]
        mine = [boxes[i] for i in (wire.source, wire.target) if i in boxes]
        # A wire that leads back would pass behind its own nodes as well.
        inner = [(b[0] + 3, b[1] + 3, b[2] - 3, b[3] - 3) for b in mine]
        if not is_free(path, [*others, *inner] if end.x() < start.x() else others):
            source = f"{wire.source} {wire.output}"
            reach = (min(first[0], last[0]), max(first[0], last[0]))
            taken = [k for k in self._lanes.values() if k.left < reach[1] and reach[0] < k.right]
            way = lane(first, last, others, mine, taken, source)
            if way is not None:
                self._lanes[wire] = way
                path = lane_path(start, end, way)
                room = room.united(path.boundingRect())
        room = room.adjusted(-TURN, -TURN, TURN, TURN)
        self._found.append((wire, _Way(first, last, path, room.getCoords())))


def _meets(room: Box, boxes: Iterable[Box]) -> bool:
    left, top, right, bottom = room
    return any(b[0] < right and left < b[2] and b[1] < bottom and top < b[3] for b in boxes)


def _ends(pipe: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    start, end = pipe.output_port.centre(), pipe.input_port.centre()
    return (start.x(), start.y()), (end.x(), end.y())
