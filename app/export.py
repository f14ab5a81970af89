"""Pictures and curves as files: npy, TIFF with floating point, CSV; PNG is what is on screen."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QGraphicsView

from nodes.files import write_atomically
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
else:
    np = late("numpy")

__all__ = ["table", "tiff", "why", "write_picture", "write_svg", "write_table", "write_values"]


def why(error: Exception) -> str:
    """Why a file was not written, as the end of a sentence."""
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return words[:1].lower() + words[1:].rstrip(".")


def tiff(data: NDArray[np.floating]) -> bytes:
    """A TIFF file of 32-bit floating point, one strip.

    Args:
        data: ``(H, W)`` or ``(H, W, C)``.

    Reference: Adobe, TIFF Revision 6.0, 1992, sections 2 and 19 (SampleFormat 3: IEEE floats).
    """
    values = np.ascontiguousarray(data, dtype="<f4")
    height, width = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    pixels = values.tobytes()
    count = 11
    start = 8 + 2 + 12 * count + 4
    extra = struct.pack(f"<{samples}H", *[32] * samples) + struct.pack(
        f"<{samples}H", *[3] * samples
    )
    short, long = 3, 4
    bits = start if samples > 2 else 32 | (32 << 16 if samples == 2 else 0)
    format_ = start + 2 * samples if samples > 2 else 3 | (3 << 16 if samples == 2 else 0)
    entries = [
        (256, long, 1, width),
        (257, long, 1, height),
        (258, short, samples, bits),
        (259, short, 1, 1),  # no compression
        (262, short, 1, 2 if samples == 3 else 1),
        (273, long, 1, start + len(extra)),
        (277, short, 1, samples),
        (278, long, 1, height),
        (279, long, 1, len(pixels)),
        (284, short, 1, 1),  # channels side by side
        (339, short, samples, format_),
    ]
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", count)
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    return head + body + extra + pixels


def write_values(path: Path, data: NDArray[np.floating]) -> None:
    """Write the values of a picture; the suffix says how: .npy, .tif, .csv (grey only).

    Raises:
        ValueError: the suffix or the shape cannot be written.
        OSError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        file = io.BytesIO()
        np.save(file, np.asarray(data), allow_pickle=False)
        content = file.getvalue()
    elif suffix in (".tif", ".tiff"):
        content = tiff(data)
    elif suffix == ".csv":
        if data.ndim != 2:
            raise ValueError("A colour picture does not fit into one table: choose .npy or .tif.")
        text = io.StringIO()
        np.savetxt(text, data, delimiter=",", fmt="%.9g")
        content = text.getvalue().encode()
    else:
        raise ValueError(f"Values are written as .npy, .tif or .csv, not as “{path.suffix}”.")
    write_atomically(path, content)


def write_picture(path: Path, image: QImage) -> None:
    """Write a picture as it is shown, whole or not at all; the suffix says how.

    Raises:
        ValueError: the suffix is of no kind of picture.
        OSError: the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(kind.encode())).write(image):
        raise ValueError(f"Pictures are written as .png, .jpg or .tif, not as “{path.suffix}”.")
    write_atomically(path, bytes(buffer.data().data()))


def write_svg(path: Path, view: QGraphicsView) -> None:
    """Draw what a view shows into an SVG file.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = QBuffer()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(view.size())
    generator.setViewBox(view.rect())
    painter = QPainter(generator)
    painter.fillRect(view.rect(), view.backgroundBrush())
    view.render(painter)
    painter.end()
    write_atomically(path, bytes(buffer.data().data()))


def table(columns: dict[str, NDArray[np.floating]]) -> str:
    """Columns of one length as CSV, empty where a value is not a number."""
    lines = [",".join(columns)]
    lines += [
        ",".join("" if np.isnan(value) else f"{value:.9g}" for value in row)
        for row in np.column_stack(list(columns.values()))
    ]
    return "\n".join(lines) + "\n"


def write_table(path: Path, columns: dict[str, NDArray[np.floating]]) -> None:
    """Write columns as CSV."""
    write_atomically(path, table(columns).encode())
