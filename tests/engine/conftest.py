"""Workers to test with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.engine.client import Engine
from tests.engine.helpers import Watcher


@pytest.fixture(scope="session")
def _shared_engine() -> Iterator[Engine]:
    engine = Engine()
    engine.start()
    yield engine
    engine.close()


@pytest.fixture
def warm(_shared_engine: Engine) -> Iterator[Watcher]:
    """A worker shared by the tests that leave it alive and idle."""
    watcher = Watcher(_shared_engine)
    _shared_engine.start()
    watcher.wait(lambda: _shared_engine.state == "idle")
    yield watcher
    _shared_engine.stop()
    watcher.wait(lambda: _shared_engine.state == "idle")


@pytest.fixture
def fresh() -> Iterator[Watcher]:
    """An engine of one's own that has not been started."""
    engine = Engine()
    yield Watcher(engine)
    engine.close()
