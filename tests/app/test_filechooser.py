"""A look at a file before it is chosen."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLineEdit

from app.filechooser import FileChooser, look
from nodes.commands import AddNode, new_node
from tests.app.support import Person


def _files(folder: Path) -> None:
    Image.new("RGB", (400, 300), (200, 30, 40)).save(folder / "photo.png")
    np.save(folder / "kernel.npy", np.eye(5, dtype=np.float32))
    np.save(folder / "spectrum.npy", np.ones((6, 4), np.complex64))
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    head = {
        "__metadata__": {"a": "b"},
        "body.0.weight": {"dtype": "F32", "shape": [8, 1, 3, 3], "data_offsets": [0, 288]},
        "body.0.bias": {"dtype": "F32", "shape": [8], "data_offsets": [288, 320]},
    }
    text = json.dumps(head).encode()
    (folder / "net.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(320))
    (folder / "broken.safetensors").write_bytes(b"\xff" * 64)
    (folder / "net.pth").write_bytes(b"PK\x03\x04 anything")
    (folder / "text.png").write_text("no picture")


@pytest.mark.parametrize(
    ("name", "words", "shown"),
    [
        ("photo.png", "400 × 300 px, colour", True),
        ("kernel.npy", "5 × 5", True),
        ("spectrum.npy", "6 × 4, complex", True),
        ("objects.npy", "objects.npy", False),
        ("net.safetensors", "2 tensors, 80 numbers, beginning with body.0.weight", False),
        ("broken.safetensors", "no whole safetensors", False),
        ("net.pth", "bytes", False),
        ("text.png", "not an image", False),
        ("gone.png", "", False),
    ],
)
def test_every_kind_of_file_is_told(
    qapp: QApplication, tmp_path: Path, name: str, words: str, shown: bool
) -> None:
    _files(tmp_path)
    picture, text = look(tmp_path / name)
    assert words in text
    assert picture.isNull() is not shown


def test_the_dialog_shows_the_file_and_gives_what_is_chosen(person: Person, tmp_path: Path) -> None:
    _files(tmp_path)
    node = new_node(person.document, "load_image")
    person.window.session.do(AddNode(node))
    person.window.session.select([node.id])
    seen: list[str] = []

    def choose() -> None:
        dialog = next(t for t in QApplication.topLevelWidgets() if isinstance(t, FileChooser))
        try:
            dialog.currentChanged.emit(str(tmp_path / "photo.png"))
            seen.append(dialog.words.text())
            seen.append("shown" if dialog.picture.isVisible() else "hidden")
            name = dialog.findChild(QLineEdit, "fileNameEdit")
            assert name is not None
            name.setText(str(tmp_path / "photo.png"))
            dialog.accept()
        finally:
            dialog.done(dialog.result())  # whatever fails, nobody waits for ever

    QTimer.singleShot(300, choose)
    person.window.inspector.editors["source"].browse.click()
    assert seen
    assert "400 × 300" in seen[0]
    assert seen[1] == "shown"
    assert person.document.node(node.id).value("source") == str(tmp_path / "photo.png")
