"""Choosing a file with a look at it first: pictures, arrays, weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImageReader, QPixmap
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QVBoxLayout, QWidget

from app import theme
from app.pictures import to_pixmap
from nodes.arrayfiles import array_values, read_array, read_matrix
from nodes.imagefiles import read_header
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")

__all__ = ["FileChooser", "look"]

_SIDE = 220
_LARGEST_HEADER = 16 * 2**20
_ARRAYS = (".npy", ".npz", ".mtx")


def look(path: Path) -> tuple[QPixmap, str]:
    """A picture of a file, which may be empty, and what is known about it; it is never loaded whole
    where its header tells enough, and no code in it is ever run."""
    if not path.is_file():
        return QPixmap(), ""
    size = _size(path.stat().st_size)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return QPixmap(), f"{_weights(path)}\n{size}"
    if suffix in _ARRAYS:
        return _array(path, size)
    header = read_header(str(path), None)
    if header.problem:
        known = suffix in (".pth", ".pt", ".ckpt", ".mat")
        return QPixmap(), size if known else f"{header.problem[:1].upper()}{header.problem[1:]}."
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    whole = reader.size()
    if whole.isValid():
        reader.setScaledSize(whole.scaled(QSize(_SIDE, _SIDE), _KEEP))
    kind = {1: "grey", 3: "colour"}.get(header.channels, f"{header.channels} channels")
    picture = QPixmap.fromImage(reader.read())
    return picture, f"{header.width} × {header.height} px, {kind}\n{size}"


_KEEP = Qt.AspectRatioMode.KeepAspectRatio


def _array(path: Path, size: str) -> tuple[QPixmap, str]:
    sparse = path.suffix.lower() == ".mtx"
    header = read_matrix(str(path)) if sparse else read_array(str(path))
    if header.problem:
        return QPixmap(), f"{header.problem[:1].upper()}{header.problem[1:]}."
    shape = " × ".join(str(n) for n in header.shape)
    words = f"{shape}{', complex' if header.complex else ''}\n{size}"
    values = None if sparse else array_values(str(path))
    if values is None or values.ndim not in (2, 3) or not values.size:
        return QPixmap(), words
    shown = np.abs(values) if np.iscomplexobj(values) else values
    if shown.ndim == 3 and shown.shape[2] != 3:
        return QPixmap(), words
    return to_pixmap(np.asarray(shown, dtype=np.float32)), words


def _weights(path: Path) -> str:
    """What a safetensors file holds, from its header (safetensors format, 2023)."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _LARGEST_HEADER:
                raise ValueError("no header")
            tensors: dict[str, Any] = json.loads(file.read(length))
        tensors.pop("__metadata__", None)
        counts = [_product(entry["shape"]) for entry in tensors.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "This is no whole safetensors file."
    first = next(iter(tensors), "")
    names = f", beginning with {first}" if first else ""
    return f"{len(counts)} tensors, {sum(counts):,} numbers{names}"


def _product(shape: list[int]) -> int:
    found = 1
    for side in shape:
        found *= int(side)
    return found


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    return f"{count / 1000:,.0f} kB" if count < 1_000_000 else f"{count / 1e6:,.1f} MB"


class FileChooser(QFileDialog):
    """The file dialog of Qt itself, because those of the desktops show no arrays or weights."""

    def __init__(self, parent: QWidget, title: str, folder: str, filters: str) -> None:
        super().__init__(parent, title, folder, filters)
        self.setOption(QFileDialog.Option.DontUseNativeDialog)
        self.setFileMode(QFileDialog.FileMode.ExistingFile)
        side = QWidget()
        side.setFixedWidth(_SIDE + 12)
        self.picture, self.words = QLabel(), QLabel()
        self.picture.setFixedSize(_SIDE, _SIDE)
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("Picture of the file")
        self.words.setWordWrap(True)
        self.words.setProperty("muted", True)
        self.words.setFont(theme.ui_font(12))
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addWidget(self.picture)
        column.addWidget(self.words)
        column.addStretch(1)
        layout = self.layout()
        if isinstance(layout, QGridLayout):
            layout.addWidget(side, 0, layout.columnCount(), layout.rowCount(), 1)
        self.resize(900, 520)
        self.currentChanged.connect(self.show_file)
        self.show_file("")

    def show_file(self, name: str) -> None:
        """Show a file beside the list."""
        picture, words = look(Path(name)) if name else (QPixmap(), "")
        if not picture.isNull():
            # The few pixels of a kernel stay squares; a photograph is smoothed.
            large = max(picture.width(), picture.height()) > _SIDE // 2
            mode = Qt.TransformationMode
            smooth = mode.SmoothTransformation if large else mode.FastTransformation
            picture = picture.scaled(_SIDE, _SIDE, _KEEP, smooth)
        self.picture.setPixmap(picture)
        self.words.setText(words or "Click a file to see what it holds.")

    @classmethod
    def ask(cls, parent: QWidget, title: str, folder: str, filters: str) -> str:
        """The file chosen, or an empty text."""
        dialog = cls(parent, title, folder, filters)
        chosen = dialog.selectedFiles() if dialog.exec() else []
        dialog.deleteLater()
        return chosen[0] if chosen else ""
