"""Arrays as pictures: levels, channels, scaling. What every pane that shows an image uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QImage, QPixmap

from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["auto_levels", "to_display", "to_image", "to_pixmap"]


def to_display(
    data: NDArray[np.floating], low: float = 0.0, high: float = 1.0
) -> NDArray[np.uint8]:
    """Values as 8-bit levels.

    Args:
        data: ``(H, W)`` or ``(H, W, 3)``; values that are not finite become black.
        low, high: the values that become black and white.
    """
    span = high - low
    if not np.isfinite(span) or span <= 0:
        low, span = float(low) - 0.5 if np.isfinite(low) else 0.0, 1.0
    scaled = (np.asarray(data, dtype=np.float32) - np.float32(low)) * np.float32(255.0 / span)
    np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    np.clip(scaled + 0.5, 0, 255, out=scaled)
    return scaled.astype(np.uint8)


def to_image(levels: NDArray[np.uint8]) -> QImage:
    """A Qt image that owns its pixels, from ``(H, W)`` or ``(H, W, 3)`` levels."""
    levels = np.ascontiguousarray(levels)
    height, width = levels.shape[:2]
    if levels.ndim == 2:
        shared = QImage(levels.data, width, height, width, QImage.Format.Format_Grayscale8)
    else:
        shared = QImage(levels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return shared.copy()


def to_pixmap(
    data: NDArray[np.floating], low: float | None = None, high: float | None = None
) -> QPixmap:
    """A pixmap of an array; images within 0 … 1 keep their levels, others are stretched."""
    if low is None or high is None:
        low, high = auto_levels(data)
    return QPixmap.fromImage(to_image(to_display(data, low, high)))


def auto_levels(values: NDArray[np.floating]) -> tuple[float, float]:
    """Levels under which something can be seen.

    A photograph (0 … 1, give or take noise) keeps 0 and 1, so that pictures can be compared; what
    lies elsewhere, such as a kernel whose values are hundredths, is stretched to its range.
    """
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    smallest, largest = float(values.min()), float(values.max())
    if smallest >= -0.75 and 0.35 <= largest <= 1.75:
        return 0.0, 1.0
    if largest <= smallest:
        return smallest - 0.5, smallest + 0.5
    return smallest, largest
