"""Unsaved work outlives the window."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.journal import orphans
from app.window import record_crashes
from nodes.commands import SetTitle
from nodes.files import dumps, load
from tests.app.support import LEFT, Person


def test_work_is_journaled_and_the_journal_goes_once_it_is_saved(
    person: Person, tmp_path: Path
) -> None:
    journal, session = person.window.journal, person.window.session
    person.add("load image")
    person.until(journal.file.exists, 5)
    assert json.loads(journal.file.read_text())["document"] == dumps(person.document)
    # The window lives: its work is nobody's to recover.
    assert orphans(person.window.settings.recovery) == []
    assert session.save(tmp_path / "mine.dprox")
    person.until(lambda: not journal.file.exists(), 5)


def test_a_journal_is_written_while_a_slider_is_dragged_not_only_after(person: Person) -> None:
    journal, session = person.window.journal, person.window.session
    end = time.monotonic() + 1.0
    seen = []
    ticker = QTimer()
    ticker.timeout.connect(lambda: session.do(SetTitle(f"{time.monotonic():.3f}")))
    ticker.timeout.connect(lambda: seen.append(journal.file.exists()))
    ticker.start(20)
    person.until(lambda: time.monotonic() > end, 5)
    ticker.stop()
    assert any(seen)


_VICTIM = """
import os, sys
from PySide6.QtCore import QSettings, QTimer
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[1])
from app.window import make_application
from app.runner import Runner
Runner.start = lambda self: None
application = make_application([])
from app.main_window import MainWindow
from nodes.commands import SetTitle
window = MainWindow()
window.session.open("example:denoising")
window.session.do(SetTitle("Half a thought"))
def look():
    if window.journal.file.exists():
        print("ready", flush=True)
timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
application.exec()
"""


def test_what_a_killed_window_left_is_offered_and_recovered(person: Person, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(tmp_path / "settings")],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    try:
        assert victim.stdout is not None
        assert victim.stdout.readline().strip() == "ready"
        folder = person.window.settings.recovery
        assert orphans(folder) == []  # it lives
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        if victim.stdout is not None:
            victim.stdout.close()
    banners = person.window.commands.offer_recovery()
    assert len(banners) == 1
    assert banners[0].isVisible()
    assert "“Half a thought” was not saved" in banners[0].text.text()
    person.bot.mouseClick(banners[0].buttons["Recover it"], LEFT)
    expected = load("example:denoising")
    assert person.document.title == "Half a thought"
    assert [n.name for n in person.document.nodes] == [n.name for n in expected.nodes]
    assert not person.window.session.is_clean
    assert orphans(folder) == []
    assert person.window.journal.file.exists()


@pytest.mark.parametrize("text", ["", "{", '{"title": 3}', '{"title": "", "path": "", "saved": 1}'])
def test_a_damaged_journal_is_no_reason_to_fail(tmp_path: Path, text: str) -> None:
    (tmp_path / "1-a.journal").write_text(text)
    assert orphans(tmp_path) == []
    assert (tmp_path / "1-a.journal").exists()


def test_a_folder_that_cannot_be_written_is_said_once(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = []
    person.window.session.said.connect(lambda severity, sentence: said.append(sentence))
    (tmp_path / "file").write_text("")
    person.window.journal.file = tmp_path / "file" / "x.journal"
    person.window.session.do(SetTitle("a"))
    person.window.journal.write()
    person.window.session.do(SetTitle("b"))
    person.window.journal.write()
    assert len([s for s in said if "recovery journal" in s]) == 1


_CRASH = """
import sys, faulthandler
from pathlib import Path
from app.window import record_crashes
record_crashes(Path(sys.argv[1]))
faulthandler._sigsegv()
"""


def test_a_crash_leaves_a_report_that_can_be_copied(person: Person, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _CRASH, str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False).returncode != 0
    enabled = faulthandler.is_enabled()
    trace = record_crashes(tmp_path)
    assert "Segmentation fault" in trace
    banner = person.window.commands.offer_crash_report(trace)
    assert banner is not None
    person.bot.mouseClick(banner.buttons["Copy the report"], LEFT)
    assert "Segmentation fault" in QApplication.clipboard().text()
    # It is told once; a window that ended as it should leaves nothing to tell.
    assert record_crashes(tmp_path) == ""
    assert person.window.commands.offer_crash_report("") is None
    if enabled:
        faulthandler.enable()
