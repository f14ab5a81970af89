"""Fixtures for widgets: no worker, nothing shown twice, nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.runner import Runner
from app.session import Session
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
    """Every test of a widget is isolated."""


@pytest.fixture
def session() -> Iterator[Session]:
    """A session with an empty document."""
    session = Session()
    yield session
    session.close()
    session.deleteLater()
    sweep()


@pytest.fixture
def runner(session: Session) -> Iterator[Runner]:
    """A runner whose worker is never started."""
    runner = Runner(session)
    yield runner
    runner.close()
    runner.deleteLater()
    sweep()


@pytest.fixture
def person(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    """Someone in front of the whole window, without a worker behind it."""
    monkeypatch.setattr(Runner, "start", lambda self: None)
    window = MainWindow()
    window.resize(1280, 800)
    window.show()
    window.arrange("build")
    qtbot.waitExposed(window)
    sweep()
    yield Person(window, qtbot)
    close(window)
