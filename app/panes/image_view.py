"""A picture with zoom, pan and the value under the pointer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from app import icons, theme
from app.guard import guarded
from app.pictures import to_image
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["ImageView", "value_text"]

_SMOOTH_MS = 160
_CLOSEST = 64.0  # screen pixels for one pixel of the image


class ImageView(QWidget):
    """Shows 8-bit levels; fits them until someone zooms.

    Signals:
        pointed(str): the pixel under the pointer in words, empty when there is none.
        save_wanted: the context menu asked for a file.
        values_wanted: it asked for the values as a file.
    """

    pointed = Signal(str)
    save_wanted = Signal()
    values_wanted = Signal()

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._empty = empty
        self._phase: NDArray[np.floating] | None = None
        self._image: QImage | None = None
        self._values: Callable[[], NDArray[np.floating] | None] | None = None
        self._smooth: QPixmap | None = None
        self._scale: float | None = None  # None fits
        self._centre = QPointF(0.5, 0.5)  # of the view, as a share of the image
        self._drag: QPointF | None = None
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_SMOOTH_MS)
        self._late.timeout.connect(self._make_smooth)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        theme.signals().changed.connect(self._on_theme)

    def _on_theme(self, _theme: object) -> None:
        self.update()

    # --- content ---

    @property
    def sentence(self) -> str:
        """What is written where there is no picture."""
        return self._empty

    def set_empty(self, sentence: str) -> None:
        """Write something else where there is no picture."""
        self._empty = sentence
        self.update()

    def show_levels(
        self,
        levels: NDArray[np.uint8],
        values: Callable[[], NDArray[np.floating] | None] | None = None,
        smooth_now: bool = False,
        phase: NDArray[np.floating] | None = None,
    ) -> None:
        """Show ``(H, W)`` or ``(H, W, 3)`` levels.

        Args:
            levels: what to paint.
            values: gives the numbers behind the levels when the pointer asks for one.
            smooth_now: scale well at once; without it only when no newer picture comes, since a
                running solver brings 25 a second.
            phase: of complex values, in radians, where the values are moduli.
        """
        self._phase = phase
        image = to_image(levels)
        if self._image is None or image.size() != self._image.size():
            self._scale = None
        self._image, self._values = image, values
        self._smooth = None
        if smooth_now:
            self._make_smooth()
        else:
            self._late.start()
        self.update()

    def clear(self) -> None:
        """Show nothing but the empty sentence."""
        self._image = self._smooth = self._values = None
        self.pointed.emit("")
        self.update()

    @property
    def image(self) -> QImage | None:
        """What is shown, at its own size."""
        return self._image

    # --- geometry ---

    @guarded(QSize(320, 240))
    def sizeHint(self) -> QSize:
        return QSize(320, 240)

    def _fit_scale(self) -> float:
        assert self._image is not None
        return min(
            (self.width() - 8) / max(1, self._image.width()),
            (self.height() - 8) / max(1, self._image.height()),
        )

    @property
    def scale(self) -> float:
        """Screen pixels for one pixel of the image."""
        if self._image is None:
            return 1.0
        return self._scale if self._scale is not None else min(self._fit_scale(), _CLOSEST)

    def _target(self) -> QRectF:
        assert self._image is not None
        scale = self.scale
        width, height = self._image.width() * scale, self._image.height() * scale
        if self._scale is None:
            return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)
        return QRectF(
            self.width() / 2 - self._centre.x() * width,
            self.height() / 2 - self._centre.y() * height,
            width,
            height,
        )

    def fit(self) -> None:
        """Show the whole picture."""
        self._scale = None
        self._centre = QPointF(0.5, 0.5)
        self._smooth = None
        self._late.start()
        self.update()

    def zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        """Zoom about a point of the widget."""
        if self._image is None:
            return
        about = about or QPointF(self.width() / 2, self.height() / 2)
        before = self._target()
        share = QPointF(
            (about.x() - before.x()) / before.width(), (about.y() - before.y()) / before.height()
        )
        least = min(self._fit_scale(), 1.0)
        scale = min(max(self.scale * factor, least), _CLOSEST)
        if scale <= least * 1.001 and factor < 1:
            self.fit()
            return
        self._scale = scale
        width, height = self._image.width() * scale, self._image.height() * scale
        self._centre = QPointF(
            share.x() + (self.width() / 2 - about.x()) / width,
            share.y() + (self.height() / 2 - about.y()) / height,
        )
        self._smooth = None
        self._late.start()
        self.update()

    # --- painting ---

    def _make_smooth(self) -> None:
        """Scale down with every pixel counted; only while the whole picture is shown."""
        self._late.stop()
        if self._image is None or self._scale is not None or self.scale >= 1.0:
            self._smooth = None
            return
        ratio = self.devicePixelRatioF()
        size = (self._target().size() * ratio).toSize().expandedTo(QSize(1, 1))
        scaled = self._image.scaled(
            size,
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        self._smooth = QPixmap.fromImage(scaled)
        self._smooth.setDevicePixelRatio(ratio)
        self.update()

    @guarded()
    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens.field if tokens.dark else tokens.window))
        if self._image is None:
            painter.setPen(QColor(tokens.muted))
            room = self.rect().adjusted(16, 8, -16, -8)
            painter.drawText(
                room,
                int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap),
                self._empty,
            )
            painter.end()
            return
        target = self._target()
        if self._smooth is not None:
            painter.drawPixmap(target.topLeft(), self._smooth)
        else:
            # Enlarged pixels stay square: this is a measuring instrument.
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < 2.0)
            painter.drawImage(target, self._image)
        painter.setPen(QColor(tokens.border))
        painter.drawRect(target.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.end()

    # --- events ---

    @guarded()
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._smooth = None
        self._late.start()

    @guarded()
    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    @guarded()
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = event.position()

    @guarded()
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None

    @guarded()
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._scale is None and self._image is not None:
            self.zoom_by(1.0 / self.scale if self.scale < 1 else 4.0, event.position())
        else:
            self.fit()

    @guarded()
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._image is None:
            return
        if self._drag is not None and self._scale is not None:
            moved = event.position() - self._drag
            self._drag = event.position()
            target = self._target()
            self._centre -= QPointF(moved.x() / target.width(), moved.y() / target.height())
            self.update()
        target, scale = self._target(), self.scale
        column = int((event.position().x() - target.x()) // scale)
        row = int((event.position().y() - target.y()) // scale)
        self.pointed.emit(self._describe(row, column))

    @guarded()
    def leaveEvent(self, event: object) -> None:
        self.pointed.emit("")

    def _describe(self, row: int, column: int) -> str:
        if self._image is None:
            return ""
        if not (0 <= row < self._image.height() and 0 <= column < self._image.width()):
            return ""
        try:
            values = self._values() if self._values is not None else None
        except LookupError:  # a newer iterate has come
            values = None
        if values is None:
            return f"row {row}, column {column}"
        where = f"row {row}, column {column}:  "
        if self._phase is not None and self._phase.shape[:2] == values.shape[:2]:
            return where + complex_text(float(values[row, column]), float(self._phase[row, column]))
        return where + value_text(values[row, column])

    @guarded()
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        whole = menu.addAction(icons.icon("fit-to-screen-outline"), "Show the whole picture")
        whole.triggered.connect(self.fit)
        actual = menu.addAction(icons.icon("magnify"), "Actual size")
        actual.triggered.connect(lambda: self.zoom_by(1.0 / self.scale))
        menu.addSeparator()
        save = menu.addAction(icons.icon("content-save-outline"), "Save picture as…")
        save.triggered.connect(self.save_wanted)
        values = menu.addAction(icons.icon("table-arrow-down"), "Save values as…")
        values.triggered.connect(self.values_wanted)
        for action in menu.actions():
            action.setEnabled(self._image is not None)
        menu.exec(event.globalPos())
        menu.deleteLater()


def complex_text(modulus: float, phase: float) -> str:
    """A complex value as modulus and phase."""
    return f"modulus {modulus:.4f}, phase {phase:+.3f} rad ({np.degrees(phase):+.1f}°)"


def value_text(value: NDArray[np.floating] | float) -> str:
    """A pixel's value, one number for each channel."""
    return "  ".join(f"{float(v):.4f}" for v in np.atleast_1d(np.asarray(value)))
