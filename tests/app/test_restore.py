"""Beginning where one stopped, where the setting asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app import dialogs, restore
from app.main_window import MainWindow
from app.window import begin
from nodes.commands import SetTitle
from nodes.files import dumps
from tests.app.support import Person, close, sweep

Start = Callable[[], Person]


@pytest.fixture
def start(person: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Opens another window, as the next start of the studio does."""
    monkeypatch.setattr("app.window.record_crashes", lambda folder: "")
    opened: list[MainWindow] = []

    def another() -> Person:
        window = MainWindow()
        window.resize(1280, 800)
        window.show()
        window.arrange("build")
        person.bot.waitExposed(window)
        sweep()
        opened.append(window)
        begin(window, None)
        return Person(window, person.bot)

    yield another
    for window in opened:
        window.settings.set_flag(restore.FLAG, False)
        close(window)


def _ask(person: Person) -> None:
    person.push("file.restore")
    assert person.window.settings.flag(restore.FLAG)


def test_unsaved_work_inside_a_group_comes_back_without_a_question(
    person: Person, start: Start
) -> None:
    person.example("deconvolution")
    _ask(person)
    person.window.session.select([person.node("blurred").id, person.node("observed").id])
    person.push("group.make")
    use = person.node("group").id
    person.push("group.open")
    person.window.show_dock("history")
    person.window.session.select([person.node("observed").id])
    before = dumps(person.document)
    assert person.window.close()
    assert not person.window.journal.file.exists()
    again = start()
    assert dumps(again.document) == before
    assert not again.window.session.is_clean
    assert again.window.session.levels.inside == (use,)
    assert again.window.session.selection == [again.node("observed").id]
    assert again.window.history.isVisible()
    assert again.window.welcome.isHidden()
    assert again.window.journal.file.exists()


def test_a_saved_document_is_opened_again(person: Person, start: Start, tmp_path: Path) -> None:
    person.example("denoising")
    _ask(person)
    assert person.window.session.save(tmp_path / "mine.dprox")
    assert person.window.close()
    again = start()
    assert again.window.session.path == tmp_path / "mine.dprox"
    assert again.window.session.is_clean


def test_a_file_that_changed_meanwhile_is_told(
    person: Person, start: Start, tmp_path: Path
) -> None:
    person.example("denoising")
    _ask(person)
    path = tmp_path / "mine.dprox"
    assert person.window.session.save(path)
    assert person.window.session.do(SetTitle("Not saved"))
    assert person.window.close()
    path.write_text(path.read_text().replace("denois", "Denois"))
    again = start()
    assert again.document.title == "Not saved"
    assert any("was changed on the disk" in s for s in again.window.problems.sentences)


def test_without_the_setting_the_question_is_asked_and_nothing_is_restored(
    person: Person, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    person.example("denoising")
    person.window.session.do(SetTitle("Gone"))
    monkeypatch.setattr(
        dialogs, "ask_unsaved", lambda *_: asked.append(1) or dialogs.Answer.DISCARD
    )
    assert person.window.close()
    assert asked == [1]
    again = start()
    assert not again.window.welcome.isHidden()
    assert len(again.document) == 0


def test_a_full_disk_at_closing_brings_the_question_back(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.example("denoising")
    _ask(person)
    person.window.session.do(SetTitle("Precious"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restore.files, "write_atomically", full)
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda *_: dialogs.Answer.CANCEL)
    assert not person.window.close()
    assert person.document.title == "Precious"


def test_what_a_killed_window_left_comes_first(
    person: Person, start: Start, tmp_path: Path
) -> None:
    person.example("denoising")
    _ask(person)
    assert person.window.session.save(tmp_path / "mine.dprox")
    assert person.window.close()
    folder = person.window.settings.recovery
    folder.mkdir(parents=True, exist_ok=True)
    content = {"title": "Killed", "path": "", "saved": 1.0, "document": dumps(person.document)}
    (folder / "1-dead.journal").write_text(json.dumps(content))
    again = start()
    assert len(again.document) == 0
    assert not again.window.welcome.isHidden()
    # Nothing was taken away: the next start can still begin there.
    (folder / "1-dead.journal").unlink()
    QApplication.processEvents()
    assert restore.restore(again.window)
    assert again.window.session.path == tmp_path / "mine.dprox"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"welcome": false}', '{"path": 3, "clean": 1}'])
def test_a_damaged_session_is_no_reason_to_fail(person: Person, text: str) -> None:
    file = person.window.settings.recovery.parent / "session.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert not restore.restore(person.window)
