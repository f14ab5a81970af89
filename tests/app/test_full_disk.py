"""A disk that really takes no more: every way to write says so, and what was there stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app import dialogs
from nodes.bundle import BUNDLE
from nodes.commands import SetNote
from tests.app.support import Person

resource = pytest.importorskip("resource")


@contextmanager
def full_disk() -> Iterator[None]:
    """Within it, the kernel refuses every byte that is written to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_nothing_is_lost_where_nothing_can_be_written(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, folder = person.window, tmp_path / "full"
    folder.mkdir()
    commands, session = window.commands, window.session
    person.example("deconvolution")
    picture = QImage(8, 8, QImage.Format.Format_RGB32)
    picture.fill(0)
    targets = {
        "ask_target": "work.dprox",
        "ask_bundle_target": f"work{BUNDLE}",
        "ask_script_target": "work.py",
        "ask_values_target": "values.npy",
        "ask_table_target": "curves.csv",
        "ask_image_target": "picture.png",
    }
    for name, file in targets.items():
        monkeypatch.setattr(dialogs, name, lambda *_, f=file: folder / f)

    def write_all() -> None:
        commands.file_export()
        commands.save_values(np.zeros((4, 4)))
        commands.save_curves({"iteration": np.arange(3.0)})
        commands.save_picture(picture)
        commands.file_bundle()
        commands.file_save_as()

    write_all()
    assert session.path == folder / "work.dprox"
    assert session.is_clean
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert before.keys() >= {*targets.values()}
    session.do(SetNote(None, "More than there is room for."))
    session.forget_notices("file")
    with full_disk():
        write_all()
        window.journal.write()
    sentences = [notice.sentence for notice in session.notices]
    assert len(sentences) == len(targets)
    assert all("too large" in s.lower() and "Errno" not in s for s in sentences), sentences
    assert "journal" in window.status.text.text()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert not session.is_clean
    assert session.document.note == "More than there is room for."
    commands.file_save()
    assert session.is_clean
    assert b"room for" in (folder / "work.dprox").read_bytes()
