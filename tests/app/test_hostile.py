"""People who do odd things: no place to write, odd files, Escape everywhere, odd keys, kills."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QDialog

from app import dialogs
from app.journal import orphans
from app.shortcuts import ShortcutDialog, apply_keys
from nodes import files
from nodes.commands import SetTitle
from nodes.files import dumps
from tests.app.support import Person, sweep

KEY = Qt.Key


def _image() -> QImage:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(0)
    return image


_WRITERS: dict[str, tuple[str, str, Callable[[Person], object]]] = {
    "document": ("ask_target", "a.dprox", lambda p: p.push("file.save_as")),
    "bundle": ("ask_bundle_target", "a.dproxz", lambda p: p.push("file.bundle")),
    "script": ("ask_script_target", "a.py", lambda p: p.push("file.export")),
    "picture": ("ask_image_target", "a.png", lambda p: p.window.commands.save_picture(_image())),
    "values": (
        "ask_values_target", "a.npy", lambda p: p.window.commands.save_values(np.zeros((4, 4))),
    ),
    "tiff": (
        "ask_values_target", "a.tif", lambda p: p.window.commands.save_values(np.zeros((4, 4))),
    ),
    "table": (
        "ask_table_target", "a.csv",
        lambda p: p.window.commands.save_curves({"iteration": np.arange(3.0)}),
    ),
    "drawing": (
        "ask_plot_target", "a.svg",
        lambda p: p.window.commands.save_plot(p.window.curves.objective),
    ),
    "plot": (
        "ask_plot_target", "a.png",
        lambda p: p.window.commands.save_plot(p.window.curves.objective),
    ),
}  # fmt: skip


@pytest.mark.parametrize("obstacle", ["no folder", "a folder of this name", "a file as folder"])
def test_what_cannot_be_written_is_said_and_loses_nothing(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    person.example("denoising")
    session = person.window.session
    before, path = dumps(person.document), session.path
    for what, (question, name, write) in _WRITERS.items():
        folder = tmp_path / what
        if obstacle == "a folder of this name":
            (folder / name).mkdir(parents=True)
        elif obstacle == "a file as folder":
            folder.write_text("")
        monkeypatch.setattr(dialogs, question, lambda *_, f=folder / name: f)
        session.forget_notices("file", "studio")
        write(person)
        sentences = person.window.problems.sentences
        assert len(sentences) == 1, (what, sentences)
        assert "inside the studio" not in sentences[0]
        assert dumps(person.document) == before
        assert session.path == path
    assert not list(tmp_path.rglob("*.tmp"))


def _drop(person: Person, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    person.window.canvas.mime_dropped.emit(mime, QPointF(0, 0))


_ODD: list[tuple[str, bytes | None]] = [
    ("a.dprox", b"\x00\xff\xfe binary"),
    ("a.dprox", b""),
    ("a.dproxz", b"PK\x03\x04 not really"),
    ("a.py", b"import os; os.system('rm -rf /')"),
    ("a.py", b"\xff\xfe\x00"),
    ("a.png", b""),
    ("a.npy", b"\x93NUMPY\x01\x00"),
    ("a.txt", b"hello"),
    ("a", b""),
    ("b.dprox", None),
    ("b.png", None),
]


def test_a_picture_copied_in_a_file_manager_is_pasted(person: Person, tmp_path: Path) -> None:
    picture = tmp_path / "shot.png"
    picture.write_bytes(b"anything")
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(picture)), QUrl("https://example.org/a.png")])
    QApplication.clipboard().setMimeData(mime)
    person.push("edit.paste")
    (node,) = person.document.nodes
    assert node.value("source") == str(picture)
    QApplication.clipboard().setText("nothing")


def test_odd_files_that_are_dropped_are_answered_in_words(person: Person, tmp_path: Path) -> None:
    said: list[str] = []
    session = person.window.session
    session.said.connect(lambda _, sentence: said.append(sentence))
    for number, (name, content) in enumerate(_ODD):
        path = tmp_path / str(number) / name
        if content is None:
            path.mkdir(parents=True)
        else:
            path.parent.mkdir()
            path.write_bytes(content)
        said.clear()
        session.forget_notices("file", "studio")
        _drop(person, path)
        session.derive()
        sentences = said + person.window.problems.sentences
        assert sentences, name
        assert not any("inside the studio" in sentence for sentence in sentences)
        assert len(person.document) <= 1
        session.undo()


def test_escape_leaves_every_dialog_and_changes_nothing(person: Person) -> None:
    person.example("denoising")
    before = dumps(person.document)
    for command in (
        "help.keys", "help.about", "help.legend", "run.plan", "help.commands", "edit.find",
    ):  # fmt: skip
        tops = set(QApplication.topLevelWidgets())
        person.push(command)
        person.bot.wait(20)
        opened = [w for w in QApplication.topLevelWidgets() if w not in tops and w.isVisible()]
        assert len(opened) == 1, command
        target = opened[0].search if hasattr(opened[0], "search") else opened[0]
        person.bot.keyClick(target, KEY.Key_Escape)
        sweep()
        left = [w for w in QApplication.topLevelWidgets() if w not in tops and w.isVisible()]
        assert left == [], command
        assert dumps(person.document) == before


def test_keys_that_were_changed_stay_out_of_fields(person: Person) -> None:
    person.example("denoising")
    person.window.settings.keys = {"group.make": ["G"], "edit.delete": ["X"], "run.look": ["2"]}
    apply_keys(person.window.actions_by_id, person.window.settings)
    before = dumps(person.document)
    person.click("observed")
    line = person.window.inspector.editors["sigma"].line
    person.type_into(line, "0.2", enter=False)
    assert line.text() == "0.2"
    field = person.window.palette_pane.search
    person.type_into(field, "gxg2", enter=False)
    assert field.text() == "gxg2"
    assert person.document.groups == ()
    person.window.session.undo()
    assert dumps(person.document) == before
    person.click("observed")
    person.press(KEY.Key_G)
    assert len(person.document.groups) == 1
    # A bare letter for a command of the whole window is refused: fields would lose it.
    dialog = ShortcutDialog(person.window.actions_by_id, person.window.settings, person.window)
    dialog.show()
    dialog.table.selectRow(next(r for r in range(200) if _command(dialog, r) == "file.open"))
    person.bot.keyClick(dialog.keys, KEY.Key_J)
    dialog.assign.click()
    assert "would be taken from text fields" in dialog.said.text()
    assert isinstance(dialog, QDialog)
    dialog.close()


def _command(dialog: ShortcutDialog, row: int) -> str:
    item = dialog.table.item(row, 0)
    return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""


_VICTIM = """
import random, sys
from PySide6.QtCore import QSettings, QTimer
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[1])
from app.window import make_application
from app.runner import Runner
Runner.start = lambda self: None
application = make_application([])
from app.main_window import MainWindow
from nodes.commands import MakeGroup, MoveNodes, SetTitle
window = MainWindow()
window.session.open("example:deconvolution")
dice, count = random.Random(1), 0
def edit():
    global count
    count += 1
    nodes = window.session.document.nodes
    node = dice.choice(nodes)
    window.session.do(MoveNodes({node.id: (dice.random() * 900, dice.random() * 500)}))
    window.session.do(SetTitle(f"Step {count}"))
    if count % 9 == 0:
        window.session.do(MakeGroup((node.id,)))
    if count % 7 == 0:
        window.session.undo()
    print(count, flush=True)
timer = QTimer()
timer.timeout.connect(edit)
timer.start(15)
application.exec()
"""


def test_a_kill_at_any_point_costs_less_than_half_a_second_of_work(
    person: Person, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    folder = person.window.settings.recovery
    dice = random.Random(3)
    for _attempt in range(2):
        victim = subprocess.Popen(
            [sys.executable, "-c", _VICTIM, str(tmp_path / "settings")],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        try:
            assert victim.stdout is not None
            for line in victim.stdout:
                if int(line) >= 40:
                    break
            time.sleep(dice.uniform(0.0, 0.3))
        finally:
            victim.send_signal(signal.SIGKILL)
            rest = victim.communicate()[0]
        last = int((rest.split() or ["40"])[-1])
        found = orphans(folder)
        assert len(found) == 1
        text = dumps(found[0].document)
        assert dumps(files.loads(text)) == text
        title = found[0].document.title
        assert title.startswith("Step "), title
        # The journal is at most its delay behind, however long a step takes on a busy machine.
        assert int(title.split()[1]) > last - 40
        found[0].discard()
    person.window.session.do(SetTitle("still here"))
