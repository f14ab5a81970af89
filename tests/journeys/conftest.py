"""A person, the real window, and the real worker process behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.window import catch_exceptions
from tests.app.support import (
    Person,
    close,
    dark,
    frozen,
    no_questions,
    nothing_left,
    own_settings,
    sweep,
)

__all__ = ["dark", "frozen", "no_questions", "nothing_left", "own_settings"]


@pytest.fixture(autouse=True)
def _clean(nothing_left: None, own_settings: None, no_questions: None, dark: None) -> None:
    """Every journey is isolated."""


@pytest.fixture
def person(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Someone in front of the studio as it opens."""
    window = MainWindow()
    window.resize(1400, 900)
    window.show()
    window.arrange("build")
    qtbot.waitExposed(window)
    sweep()
    person = Person(window, qtbot)
    person.ready()
    yield person
    pid = window.runner.engine.pid
    close(window)
    assert window.runner.engine.pid is None, f"the worker {pid} is still there"


@pytest.fixture
def hooked(person: Person) -> Iterator[Person]:
    """The same with uncaught exceptions going to the issues pane, as in the real program."""
    before = catch_exceptions(person.window)
    yield person
    sys.excepthook = before
