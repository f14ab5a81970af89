"""A small picture of what a node gives, in the inspector: a kernel, a mask, a photograph."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.guard import guarded
from app.results import Picture
from app.runner import Runner

__all__ = ["Preview"]

_HEIGHT = 132


class Preview(QWidget):
    """Follows the picture of one node.

    Args:
        runner: has the pictures.
        node: what is shown, called as where it is computed.
    """

    def __init__(self, runner: Runner, node: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runner, self.node = runner, node
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Picture of the node")
        runner.node_changed.connect(self._on_node)
        self._tell()

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self.runner.pictures.get(self.node)

    def _on_node(self, node: str) -> None:
        if node == self.node:
            self._tell()
            self.update()

    @property
    def words(self) -> str:
        """What is known about the picture, in a line."""
        picture = self.picture
        if picture is None:
            return "The picture appears here."
        size = " × ".join(str(n) for n in picture.shape[-2:])
        return f"{size}  ·  {picture.low:.3g} … {picture.high:.3g}"

    def _tell(self) -> None:
        self.setToolTip(self.words)

    @guarded()
    def paintEvent(self, event: Any) -> None:
        tokens, picture = theme.current(), self.picture
        painter = QPainter(self)
        frame = QRectF(self.rect()).adjusted(0, 0, 0, -18)
        painter.fillRect(frame, QColor(tokens.field))
        if picture is not None and not picture.thumbnail.isNull():
            size = picture.thumbnail.size()
            scale = min(frame.width() / size.width(), frame.height() / size.height())
            room = QRectF(0, 0, size.width() * scale, size.height() * scale)
            room.moveCenter(frame.center())
            # The few pixels of a kernel stay squares; a photograph made smaller is smoothed.
            smooth = QPainter.RenderHint.SmoothPixmapTransform
            painter.setRenderHint(smooth, scale < 1)
            painter.drawPixmap(room, picture.thumbnail, QRectF(picture.thumbnail.rect()))
        painter.setPen(QColor(tokens.muted))
        painter.setFont(theme.ui_font(11))
        foot = QRectF(0, frame.bottom(), frame.width(), 18)
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignCenter), self.words)
        painter.end()
