"""The welcome page and the tour."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtWidgets import QLabel

from app import dialogs
from app.journal import orphans
from app.tour import STEPS, missing, perform
from app.welcome import thumbnail
from nodes import files
from nodes.checks import check
from nodes.commands import History, SetTitle
from nodes.document import Document
from nodes.files import examples, save
from nodes.script import generate
from tests.app.support import LEFT, Person, sweep


def test_the_gallery_shows_every_example_and_a_click_opens_it(person: Person) -> None:
    window = person.window
    window.welcome.open()
    assert len(window.welcome.cards) == len(examples())
    assert not window.canvas.isVisible()
    titles = [files.load(f"example:{name}").title for name in examples()]
    for card, title in zip(window.welcome.cards, titles, strict=True):
        assert title in card.accessibleName()
        assert card.toolTip()
    person.bot.mouseClick(window.welcome.cards[0], LEFT)
    assert window.canvas.isVisible()
    assert not window.welcome.isVisible()
    assert person.document.title == titles[0]


def test_the_gallery_is_used_by_keyboard_and_left_by_escape(person: Person) -> None:
    window = person.window
    window.welcome.open()
    person.bot.keyClick(window.welcome, Qt.Key.Key_Escape)
    assert window.canvas.isVisible()
    person.push("help.welcome")
    card = window.welcome.cards[-1]
    person.bot.keyClick(card, Qt.Key.Key_Return)
    assert person.document.title == files.load(f"example:{examples()[-1]}").title


def test_recent_files_are_offered(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "mine.dprox"
    save(files.load("example:denoising"), path)
    person.window.settings.add_recent(path)
    person.window.welcome.open()
    assert [button.text() for button in person.window.welcome.recent] == ["mine"]
    person.bot.mouseClick(person.window.welcome.recent[0], LEFT)
    assert person.window.session.path == path


def test_a_thumbnail_is_drawn_of_any_document(person: Person) -> None:
    assert not thumbnail(Document(), QSize(100, 50)).isNull()
    picture = thumbnail(files.load("example:deconvolution"), QSize(248, 104)).toImage()
    colours = {picture.pixelColor(x, 50).name() for x in range(0, 248, 4)}
    assert len(colours) > 10


def test_doing_every_step_gives_a_graph_that_can_run() -> None:
    document = Document()
    history = History(document)
    for step in range(len(STEPS)):
        assert missing(document, step)
        command = perform(document, step)
        assert command is not None
        history.do(command)
        assert not missing(document, step), STEPS[step].title
        assert perform(document, step) is None
    assert [issue for issue in check(document) if issue.severity == "error"] == []
    example = files.load("example:deconvolution")
    assert sorted(n.type for n in document.nodes) == sorted(n.type for n in example.nodes)
    assert "problem.solve(" in generate(document).text
    history.go_to(0)
    assert len(document) == 0


def test_the_steps_hold_all_of_the_example() -> None:
    types = {node.type for node in files.load("example:deconvolution").nodes}
    assert frozenset().union(*(step.types for step in STEPS)) == types
    assert len(STEPS) == 5


def test_the_tour_follows_what_a_person_does(person: Person) -> None:
    person.push("help.tour")
    tour = person.window.tour
    assert tour is not None
    assert tour.isVisible()
    assert not tour.next.isEnabled()
    assert "Load image" in tour.text.text()
    person.add("load image", "gaussian kernel", "blur", "add noise")
    person.window.canvas.fit()
    person.wire("photo", "image", "blurred", "image")
    person.wire("kernel", "kernel", "blurred", "kernel")
    noisy = next(n.name for n in person.document.nodes if n.type == "add_noise")
    person.wire("blurred", "image", noisy, "image")
    person.until(lambda: tour.next.isEnabled(), 5)
    person.bot.mouseClick(tour.next, LEFT)
    assert "2 of 5" in tour.text.text()
    for _ in range(4):
        person.bot.mouseClick(tour.do, LEFT)
        if tour.next.isEnabled():
            person.bot.mouseClick(tour.next, LEFT)
    assert "5 of 5" in tour.text.text()
    assert "Press Run" in tour.text.text()
    assert person.window.session.errors() == []
    person.bot.mouseClick(tour.leave, LEFT)
    assert person.window.tour is None
    assert len(person.document) > 5


def test_another_document_ends_the_tour(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    person.push("help.tour")
    person.example("denoising")
    assert person.window.tour is None


def test_a_template_is_kept_with_its_picture_and_begun_from(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = person.window
    picture = tmp_path / "mine" / "shot.png"
    picture.parent.mkdir()
    Image.new("L", (40, 30), 90).save(picture)
    window.commands.drop_files([picture], QPointF(0, 0))
    window.session.do(SetTitle("My camera: a/b"))
    before = files.dumps(person.document)
    for _ in range(2):
        person.push("file.template")
    assert files.dumps(person.document) == before
    shutil.rmtree(picture.parent)
    window.session.history.mark_clean()
    window.welcome.open()
    titles = [card.accessibleName() for card in window.welcome.kept]
    assert titles == ["Open the template My camera a b", "Open the template My camera a b 2"]
    window.welcome._draw_next()
    person.bot.mouseClick(window.welcome.kept[0], LEFT)
    assert window.session.path is None
    assert person.document.title == "My camera: a/b"
    assert [issue for issue in window.session.errors() if "shot" in issue.sentence] == []
    # What is saved takes the picture along, and the template stays as it was.
    target = tmp_path / "work" / "new.dprox"
    target.parent.mkdir()
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: target)
    person.push("file.save")
    (node,) = person.document.nodes
    assert node.value("source") == "new files/shot.png"
    assert (target.parent / "new files" / "shot.png").is_file()
    menu = window.submenus["<templates>"]
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["My camera a b", "My camera a b 2"]
    menu.actions()[1].trigger()
    assert window.session.path is None
    # After a crash, the files are found as well.
    window.session.do(SetTitle("Changed"))
    window.journal.write()
    window.journal._lock.unlock()  # type: ignore[union-attr]
    (orphan,) = orphans(window.settings.recovery)
    assert not [i for i in check(orphan.document) if i.severity == "error"]
    assert window.journal._lock.tryLock(0)  # type: ignore[union-attr]


def test_no_words_of_the_welcome_page_are_cut_off(person: Person, tmp_path: Path) -> None:
    for number in range(5):
        path = tmp_path / f"a document with a rather long name, number {number}.dprox"
        save(files.load("example:denoising"), path)
        person.window.settings.add_recent(path)
    person.window.welcome.open()
    sweep()
    page = person.window.welcome
    inside = page.widget()
    assert inside.width() <= page.viewport().width()
    for label in inside.findChildren(QLabel):
        if label.text() and label.isVisible():
            assert label.height() >= label.heightForWidth(label.width()), label.text()
