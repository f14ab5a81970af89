"""The first frame: what it waits for, and what follows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QIcon
from pytestqt.qtbot import QtBot

from app import icons, theme
from app.canvas.versions import lent
from app.eliding import ElidingLabel
from nodes import files
from nodes.late import late, names
from tests.app.support import Person

_SLOW = ("numpy", "PIL", "rapidfuzz", "platformdirs", "pyqtgraph", "qtpy", "qtawesome", "torch")
_START = f"""
import json, sys
from PySide6.QtCore import QSettings
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[1])
from app import window as start
from app.runner import Runner
begun = []
Runner.start = lambda self: begun.append(len(blank))
application, window = start.assemble()
blank = [card for card in window.welcome.cards if card.document is None]
loaded = [name for name in {_SLOW!r} if name in sys.modules]
cards, before = len(window.welcome.cards), len(blank)
picture = window.grab().toImage()
for _ in range(500):
    application.processEvents()
    blank = [card for card in window.welcome.cards if card.document is None]
    if begun and not blank and "numpy" in sys.modules and "PIL" in sys.modules:
        break
pictures = [not card.picture.pixmap().isNull() for card in window.welcome.cards]
print(json.dumps([loaded, cards, before, len(begun), len(blank), pictures,
                  window.actions_by_id["run.run"].icon().isNull(), "numpy" in sys.modules]))
window.session.history.mark_clean()
window.close()
"""


def test_the_first_frame_waits_for_nothing_it_does_not_show(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", _START, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = json.loads(found.stdout.splitlines()[-1])
    loaded, cards, before, begun, blank, pictures, no_icon, numbers = told
    assert loaded == []
    assert cards == before == len(files.examples())
    # … and soon after it, everything is there, the worker begun once.
    assert begun == 1
    assert blank == 0
    assert all(pictures)
    assert not no_icon
    assert numbers
    assert "Traceback" not in found.stderr


def test_late_modules_are_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    import math
    import os.path

    monkeypatch.setattr("nodes.late._names", dict.fromkeys(names()))
    assert late("math").pi == math.pi
    assert late("os.path").join is os.path.join
    assert "numpy" in names()
    with pytest.raises(AttributeError):
        _ = late("math").nothing
    with pytest.raises(ModuleNotFoundError):
        _ = late("no_such_module").nothing


def test_what_is_lent_is_taken_back() -> None:
    before = {name: sys.modules.pop(name) for name in ("Qt", "distutils") if name in sys.modules}
    try:
        with lent():
            from Qt import QtCompat, QtWidgets  # as NodeGraphQt asks for it

            assert QtWidgets.QUndoStack.__module__ == "PySide6.QtGui"
            assert QtWidgets.QMenu.__module__ == "PySide6.QtWidgets"
            assert callable(QtCompat.QHeaderView.setSectionResizeMode)
            with pytest.raises(AttributeError):
                _ = QtWidgets.QNothing
        assert "Qt" not in sys.modules
        assert "distutils" not in sys.modules
    finally:
        sys.modules.update(before)


def test_icons_are_painted_in_the_colours_of_the_theme(person: Person) -> None:
    image = icons.icon("play", "#ff0000").pixmap(32, 32).toImage()
    inside = {image.pixelColor(x, 16).name() for x in range(32) if image.pixelColor(x, 16).alpha()}
    assert "#ff0000" in inside
    faded = icons.icon("play", "#ff0000").pixmap(32, 32, QIcon.Mode.Disabled).toImage()
    middle, muted = faded.pixelColor(16, 16), QColor(theme.current().muted)
    assert abs(middle.red() - muted.red()) <= 2
    assert middle.alphaF() < 0.6
    # One that the font lacks, in a catalogue from elsewhere, gives another and no error.
    assert not icons.pixmap("mdi6.there-is-no-such-icon", 16).isNull()


def test_a_label_shortens_what_it_shows_and_keeps_what_it_says(qtbot: QtBot) -> None:
    label = ElidingLabel("A sentence that needs far more room than there is here")
    qtbot.addWidget(label)
    label.resize(120, 24)
    label.show()
    assert label.shown.endswith("…")
    assert label.text().endswith("here")
    assert label.minimumSizeHint().width() < 40
    label.grab()
    label.resize(600, 24)
    assert label.shown == label.text()
