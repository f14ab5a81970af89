"""What of the scene is in view, and where there is room on it."""

from __future__ import annotations

from collections.abc import Container

from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QWidget

from app.canvas.frames import Frames
from app.canvas.mirror import Mirror
from app.canvas.node_item import WIDTH
from app.canvas.viewer import CanvasViewer

__all__ = ["CanvasArea"]

_LARGEST_FIT = 1.1
# What is assumed of a node that is not there yet, and how far round a place for it is looked for.
_NEW_HEIGHT, _NEW_GAP, _NEW_STEPS = 200.0, 16.0, 6


class CanvasArea(QWidget):
    """The canvas as a plane: fitting, revealing, free places."""

    viewer: CanvasViewer
    mirror: Mirror
    frames: Frames

    # --- view ---

    def content_rect(self) -> QRectF:
        """The rectangle that holds every node."""
        rect = QRectF()
        for item in self.mirror.items.values():
            rect = rect.united(item.mapRectToScene(item.body()))
        for frame in self.frames.items.values():
            rect = rect.united(frame.mapRectToScene(frame.boundingRect()))
        return rect

    def fit(self) -> None:
        """Show the whole graph."""
        rect = self.content_rect()
        if rect.isEmpty():
            rect = QRectF(-300, -200, 600, 400)
        margin = 44.0  # wires that lead back go round the outermost nodes
        rect = rect.adjusted(-margin, -margin, margin, margin)
        # A graph of one node does not fill the screen.
        view = self.viewer.viewport().size()
        scale = min(view.width() / rect.width(), view.height() / rect.height())
        if scale > _LARGEST_FIT:
            centre = rect.center()
            rect.setSize(QSizeF(view) / _LARGEST_FIT)
            rect.moveCenter(centre)
        self.viewer.show_rect(rect)

    def reveal(self, identifier: str) -> None:
        """Bring a node into view without changing the zoom."""
        item = self.mirror.items.get(identifier)
        if item is None:
            return
        rect = item.mapRectToScene(item.body())
        shown = self.viewer.mapToScene(self.viewer.viewport().rect()).boundingRect()
        if not shown.contains(rect):
            self.viewer.pan_to(rect.center())

    def _boxes(self) -> list[tuple[QRectF, str]]:
        items = self.mirror.items.values() if hasattr(self, "mirror") else ()
        return [(item.mapRectToScene(item.body()), item.card.colour) for item in items]

    def sizes(self) -> dict[str, tuple[float, float]]:
        """Width and height of each node."""
        return {i: (m.body().width(), m.body().height()) for i, m in self.mirror.items.items()}

    def paste_point(self) -> QPointF:
        """Where pasted nodes go: under the pointer if it is over the canvas, else the middle."""
        position = self.viewer.mapFromGlobal(QCursor.pos())
        if self.viewer.rect().contains(position) and self.viewer.underMouse():
            return self.viewer.mapToScene(position)
        return self.centre()

    def centre(self) -> QPointF:
        """The scene point in the middle of the view."""
        return self.viewer.mapToScene(self.viewer.viewport().rect().center())

    def free_position(self, about: QPointF, leaving: Container[str] = ()) -> tuple[float, float]:
        """The place nearest to ``about`` where a new node covers none but those that leave."""
        items = self.mirror.items.items()
        taken = [m.mapRectToScene(m.body()) for i, m in items if i not in leaving]
        wanted = QRectF(about.x() - WIDTH / 2, about.y() - 40, WIDTH, _NEW_HEIGHT)
        wanted.adjust(-_NEW_GAP, -_NEW_GAP, _NEW_GAP, _NEW_GAP)
        steps = range(-_NEW_STEPS, _NEW_STEPS + 1)
        places = sorted(
            ((column, row) for column in steps for row in steps),
            key=lambda place: abs(place[0]) * wanted.width() + abs(place[1]) * wanted.height(),
        )
        for column, row in places:
            place = wanted.translated(column * wanted.width(), row * wanted.height())
            if not any(place.intersects(rect) for rect in taken):
                return round(place.x() + _NEW_GAP), round(place.y() + _NEW_GAP)
        return round(wanted.x() + _NEW_GAP), round(wanted.y() + _NEW_GAP)
