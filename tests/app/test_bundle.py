"""A document with its pictures in one file: saved, sent elsewhere, opened, damaged."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, QUrl

from app import dialogs
from app.cli.main import main
from nodes import files
from nodes.bundle import BUNDLE
from nodes.checks import check
from nodes.errors import FileError
from nodes.script import generate
from tests.app.support import Person


def _picture(path: Path, grey: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (40, 30), grey).save(path)
    return path


@pytest.fixture
def drawn(person: Person, tmp_path: Path) -> Person:
    """A graph with two pictures of the same name from two folders."""
    for folder in ("one", "two"):
        mime = QMimeData()
        picture = _picture(tmp_path / folder / "photo.png", 60 if folder == "one" else 160)
        mime.setUrls([QUrl.fromLocalFile(str(picture))])
        person.window.canvas.mime_dropped.emit(mime, QPointF(0, 0))
    return person


def _save_bundle(person: Person, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogs, "ask_bundle_target", lambda *_: path)
    person.push("file.bundle")


def test_a_bundle_opens_where_nothing_else_is(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / f"work{BUNDLE}"
    _save_bundle(drawn, bundle, monkeypatch)
    assert drawn.window.session.is_clean
    with zipfile.ZipFile(bundle) as content:
        names = set(content.namelist())
    assert names == {"document.dprox", "assets/photo.png", "assets/photo-2.png"}
    elsewhere = tmp_path / "elsewhere" / bundle.name
    elsewhere.parent.mkdir()
    bundle.rename(elsewhere)
    for gone in ("one", "two", "cache"):
        shutil.rmtree(tmp_path / gone)
    assert drawn.window.commands.open_path(elsewhere)
    session = drawn.window.session
    assert session.path == elsewhere
    assert drawn.window.session.title == "work"
    assert [i for i in check(drawn.document) if i.code == "bad-image"] == []
    assert (session.base / str(drawn.node("photo").value("source"))).is_file()
    assert files.load(elsewhere).nodes == drawn.document.nodes
    assert elsewhere in drawn.window.settings.recent
    assert generate(drawn.document).text


def test_an_edit_is_saved_into_the_bundle_again(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / f"work{BUNDLE}"
    _save_bundle(drawn, bundle, monkeypatch)
    assert drawn.window.commands.open_path(bundle)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(_picture(tmp_path / "three" / "late.png")))])
    drawn.window.canvas.mime_dropped.emit(mime, QPointF(0, 300))
    assert not drawn.window.session.is_clean
    drawn.push("file.save")
    assert drawn.window.session.is_clean
    with zipfile.ZipFile(bundle) as content:
        assert "assets/late.png" in content.namelist()
    assert bundle.with_name(bundle.name + "~").exists()
    assert drawn.window.session.history.undo_text == "Take files into the bundle"


def test_a_bundle_saved_as_a_plain_document_brings_its_files(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _save_bundle(drawn, tmp_path / f"work{BUNDLE}", monkeypatch)
    target = tmp_path / "plain" / "work.dprox"
    target.parent.mkdir()
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: target)
    drawn.push("file.save_as")
    assert drawn.node("photo").value("source") == "work files/photo.png"
    assert (target.parent / "work files" / "photo.png").is_file()
    shutil.rmtree(tmp_path / "cache")
    assert [i for i in check(files.load(target)) if i.code == "bad-image"] == []


def test_files_stay_within_reach_when_a_document_moves(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "one" / "a.dprox", tmp_path / "other" / "a.dprox"
    second.parent.mkdir()
    assert drawn.window.session.save(first)
    drawn.window.session.derive()
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: first)
    drawn.push("file.save_as")
    picture = tmp_path / "one" / "photo.png"
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: second)
    drawn.push("file.save_as")
    assert Path(str(drawn.node("photo").value("source"))) == picture
    assert [i for i in check(drawn.document) if i.code == "bad-image"] == []
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: first)
    drawn.push("file.save_as")
    assert drawn.node("photo").value("source") == "photo.png"


@pytest.mark.parametrize("damage", ["cut", "bits", "text", "empty", "no document", "escape"])
def test_a_damaged_bundle_says_so_and_loses_nothing(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    bundle = tmp_path / f"work{BUNDLE}"
    _save_bundle(drawn, bundle, monkeypatch)
    data = bundle.read_bytes()
    if damage == "cut":
        bundle.write_bytes(data[: len(data) // 2])
    elif damage == "bits":
        place = data.index(b"assets/photo") + 45
        bundle.write_bytes(data[:place] + bytes(20) + data[place + 20 :])
    elif damage in ("text", "empty"):
        bundle.write_text("hello" if damage == "text" else "")
    else:
        with zipfile.ZipFile(bundle, "w") as content:
            content.writestr("../evil.txt" if damage == "escape" else "a.txt", "x")
            if damage == "escape":
                content.writestr("document.dprox", "{}")
    before = drawn.document
    assert not drawn.window.session.open(bundle)
    assert drawn.document is before
    assert any("is damaged" in s for s in drawn.window.problems.sentences)
    assert not (tmp_path / "evil.txt").exists()
    leftover = (tmp_path / "cache" / "dprox-studio" / "bundles").glob(".unpacking-*")
    assert list(leftover) == []
    with pytest.raises(FileError, match="is damaged"):
        files.load(bundle)


def test_a_missing_picture_is_named_and_the_rest_is_packed(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two" / "photo.png").unlink()
    bundle = tmp_path / f"work{BUNDLE}"
    _save_bundle(drawn, bundle, monkeypatch)
    assert any("Not in the bundle" in s for s in drawn.window.problems.sentences)
    with zipfile.ZipFile(bundle) as content:
        assert set(content.namelist()) == {"document.dprox", "assets/photo.png"}


def test_a_full_disk_leaves_document_and_bundle_as_they_were(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / f"work{BUNDLE}"
    _save_bundle(drawn, bundle, monkeypatch)
    data = bundle.read_bytes()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(_picture(tmp_path / "three" / "late.png")))])
    drawn.window.canvas.mime_dropped.emit(mime, QPointF(0, 300))
    source = drawn.document.nodes[-1].value("source")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nodes.bundle.shutil.copyfileobj", full)
    drawn.push("file.save")
    assert bundle.read_bytes() == data
    assert not drawn.window.session.is_clean
    assert any("No space left" in s for s in drawn.window.problems.sentences)
    assert drawn.document.nodes[-1].value("source") == source
    assert sorted(p.name for p in tmp_path.glob(".work*")) == []


def test_a_script_of_a_bundle_takes_its_pictures_along(
    drawn: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, out = tmp_path / f"work{BUNDLE}", tmp_path / "out"
    _save_bundle(drawn, bundle, monkeypatch)
    out.mkdir()
    before = files.dumps(drawn.document)
    monkeypatch.setattr(dialogs, "ask_script_target", lambda *_: out / "mine.py")
    drawn.push("file.export")
    assert 'dp.load_image("mine files/photo.png")' in (out / "mine.py").read_text()
    assert (out / "mine files" / "photo-2.png").is_file()
    assert files.dumps(drawn.document) == before
    assert main(["export", str(bundle), "--out", str(out / "other.py")]) == 0
    shutil.rmtree(tmp_path / "cache")
    named = re.findall(r'load_image\("(.+?)"\)', (out / "other.py").read_text())
    assert len(named) == 2
    assert all((out / name).is_file() for name in named)
    # A folder that cannot be written says so, and nothing is lost.
    monkeypatch.setattr(dialogs, "ask_script_target", lambda *_: out / "mine.py" / "x.py")
    assert drawn.window.commands.open_path(bundle)
    drawn.push("file.export")
    assert any("was not written" in s for s in drawn.window.problems.sentences)
