"""The few questions the studio asks; all in one place, so that each is asked in the same words."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from nodes.bundle import BUNDLE
from nodes.files import EXTENSION

__all__ = [
    "Answer",
    "ask_bundle_target",
    "ask_document",
    "ask_image_target",
    "ask_plot_target",
    "ask_script",
    "ask_script_target",
    "ask_table_target",
    "ask_target",
    "ask_unsaved",
    "ask_values_target",
]

_DOCUMENTS = f"Studio documents (*{EXTENSION} *{BUNDLE});;All files (*)"
_ONE_FILE = f"Bundles: the graph with its files (*{BUNDLE})"
_TARGETS = f"Studio documents (*{EXTENSION});;{_ONE_FILE}"


class Answer(Enum):
    """What a person wants done with unsaved work."""

    SAVE = "save"
    DISCARD = "discard"
    CANCEL = "cancel"


def ask_unsaved(parent: QWidget, title: str) -> Answer:
    """The one question on every way out with unsaved work."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Unsaved changes")
    box.setText(f"Save the changes to “{title}”?")
    box.setInformativeText("They are lost if you do not save them.")
    buttons = QMessageBox.StandardButton
    box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
    box.setDefaultButton(buttons.Save)
    box.setEscapeButton(buttons.Cancel)
    answer = box.exec()
    box.deleteLater()
    if answer == buttons.Save:
        return Answer.SAVE
    return Answer.DISCARD if answer == buttons.Discard else Answer.CANCEL


def ask_document(parent: QWidget, folder: Path) -> Path | None:
    """Which document to open."""
    name, _ = QFileDialog.getOpenFileName(parent, "Open", str(folder), _DOCUMENTS)
    return Path(name) if name else None


def ask_script(parent: QWidget, folder: Path) -> Path | None:
    """Which script to make a graph from."""
    name, _ = QFileDialog.getOpenFileName(
        parent, "Import script", str(folder), "Python scripts (*.py);;All files (*)"
    )
    return Path(name) if name else None


def _with_suffix(name: str, suffix: str) -> Path | None:
    if not name:
        return None
    path = Path(name)
    return path if path.suffix else path.with_suffix(suffix)


def ask_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to save the document."""
    name, kind = QFileDialog.getSaveFileName(parent, "Save as", str(suggestion), _TARGETS)
    return _with_suffix(name, BUNDLE if kind == _ONE_FILE else EXTENSION)


def ask_bundle_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to save the document with its files."""
    name, _ = QFileDialog.getSaveFileName(parent, "Save a bundle", str(suggestion), _ONE_FILE)
    return _with_suffix(name, BUNDLE)


def ask_script_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to write the script."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Export script", str(suggestion), "Python scripts (*.py);;All files (*)"
    )
    return _with_suffix(name, ".py")


def ask_values_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to write the values of a picture."""
    name, _ = QFileDialog.getSaveFileName(
        parent,
        "Save values",
        str(suggestion),
        "NumPy arrays (*.npy);;TIFF, 32-bit floating point (*.tif);;Tables (*.csv)",
    )
    return _with_suffix(name, ".npy")


def ask_table_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to write the history of a solve."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save curves", str(suggestion), "Tables (*.csv);;All files (*)"
    )
    return _with_suffix(name, ".csv")


def ask_plot_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to write a plot."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save plot", str(suggestion), "Drawings (*.svg);;PNG images (*.png)"
    )
    return _with_suffix(name, ".svg")


def ask_image_target(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to save a picture."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save picture", str(suggestion), "PNG images (*.png);;All files (*)"
    )
    return _with_suffix(name, ".png")
