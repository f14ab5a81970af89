"""What the tests of the window share: isolation, waiting, and a search for what was left behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import dialogs, theme
from app.main_window import MainWindow
from nodes.document import Document, Node

LEFT = Qt.MouseButton.LeftButton


def sweep() -> None:
    """Let Qt destroy what was told to go, and Python what holds on to it."""
    gc.collect()
    for _ in range(2):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def _timers() -> set[QTimer]:
    return {
        thing
        for thing in gc.get_objects()
        if isinstance(thing, QTimer) and shiboken6.isValid(thing) and thing.isActive()
    }


@pytest.fixture(scope="session")
def frozen(qapp: QApplication) -> None:
    """Keeps the modules out of every later search of the heap, which makes it ten times faster."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def nothing_left(frozen: None) -> Iterator[None]:
    """Fails a test that leaves windows, running timers or threads behind, naming them."""
    sweep()
    widgets = set(QApplication.topLevelWidgets())
    threads = set(threading.enumerate())
    timers = _timers()
    yield
    sweep()
    left: list[Any] = [w for w in QApplication.topLevelWidgets() if w not in widgets]
    left += [t for t in threading.enumerate() if t not in threads and t.is_alive()]
    left += [t for t in _timers() - timers if shiboken6.isValid(t)]
    assert not left, f"left behind: {left}"


@pytest.fixture
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings in a folder of the test, so that it neither sees nor changes anyone's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings")
    )


@pytest.fixture
def no_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialog that nobody expects fails the test instead of waiting for ever."""

    def unexpected(*args: object, **kwargs: object) -> None:
        raise AssertionError("a dialog was opened that the test did not expect")

    for name in (
        "ask_unsaved",
        "ask_document",
        "ask_target",
        "ask_script_target",
        "ask_bundle_target",
    ):
        monkeypatch.setattr(dialogs, name, unexpected)
    monkeypatch.setattr(QMessageBox, "exec", unexpected)


@pytest.fixture
def dark(qapp: QApplication) -> Iterator[None]:
    """The dark theme, whatever another test chose."""
    theme.apply("dark")
    yield
    if theme.current().name != "dark":
        theme.apply("dark")


def close(window: MainWindow) -> None:
    """Close a window without a question and destroy it."""
    window.session.history.mark_clean()
    window.close()
    window.deleteLater()
    sweep()


class Person:
    """Someone in front of the window: everything goes through real events.

    Attributes:
        window: what is looked at.
        bot: the hands.
    """

    def __init__(self, window: MainWindow, bot: QtBot) -> None:
        self.window, self.bot = window, bot

    @property
    def document(self) -> Document:
        """The open document."""
        return self.window.session.document

    def node(self, name: str) -> Node:
        """A node by its name."""
        found = self.document.by_name(name)
        assert found is not None, f"no node {name} among {[n.name for n in self.document.nodes]}"
        return found

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait for something, with events being handled."""
        self.bot.waitUntil(condition, timeout=int(1000 * seconds))

    def ready(self) -> None:
        """Wait until the solver process has started."""
        self.until(lambda: self.window.runner.state == "idle")

    # --- hands ---

    def port_at(self, node: str, port: str, is_input: bool) -> QPoint:
        """Where a port is on the viewport."""
        item = self.window.canvas.mirror.items[self.node(node).id].port(port, is_input)
        assert item is not None, f"{node} has no port {port}"
        return self.window.canvas.viewer.mapFromScene(item.centre())

    def body_at(self, node: str) -> QPoint:
        """Where the title of a node is on the viewport."""
        item = self.window.canvas.mirror.items[self.node(node).id]
        return self.window.canvas.viewer.mapFromScene(item.mapToScene(item.body().center().x(), 16))

    def drag(self, start: QPoint, end: QPoint, release: bool = True) -> None:
        """Press, move in steps, let go."""
        viewport = self.window.canvas.viewer.viewport()
        self.bot.mousePress(viewport, LEFT, pos=start)
        for step in range(1, 6):
            self.bot.mouseMove(viewport, start + (end - start) * step / 5)
        if release:
            self.bot.mouseRelease(viewport, LEFT, pos=end)

    def wire(self, source: str, output: str, target: str, input: str) -> None:
        """Drag a wire from an output to an input."""
        self.drag(self.port_at(source, output, False), self.port_at(target, input, True))

    def click(self, node: str, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Click a node's title."""
        viewport = self.window.canvas.viewer.viewport()
        self.bot.mouseClick(viewport, LEFT, modifier, self.body_at(node))

    def type_into(self, widget: QWidget, text: str, enter: bool = True) -> None:
        """Replace a field's text by typing."""
        widget.setFocus()
        self.bot.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.bot.keyClick(widget, Qt.Key.Key_Backspace)
        self.bot.keyClicks(widget, text)
        if enter:
            self.bot.keyClick(widget, Qt.Key.Key_Return)

    def add(self, *searches: str) -> None:
        """Add nodes through the palette's search and Enter."""
        field = self.window.palette_pane.search
        for text in searches:
            self.type_into(field, text)
        field.clear()

    def press(self, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key on the canvas."""
        if not self.window.isActiveWindow():  # offscreen, a popup that has gone leaves none active
            self.window.activateWindow()
            QApplication.processEvents()
        self.window.canvas.viewer.setFocus()
        self.bot.keyClick(self.window.canvas.viewer, key, modifier)

    def push(self, command: str) -> None:
        """Trigger a command the way its menu entry does."""
        action = self.window.action(command)
        assert action.isEnabled(), f"{command} is disabled"
        action.trigger()

    # --- runs ---

    def example(self, name: str) -> None:
        """Open an example through the menu."""
        menu = self.window.submenus["<examples>"]
        wanted = f"example:{name}"
        next(a for a in menu.actions() if a.objectName() == wanted).trigger()
        assert len(self.document) > 5

    @property
    def rows(self) -> np.ndarray:
        """The history of the solve."""
        return self.window.runner.history

    def run_to(self, iteration: int) -> None:
        """Wait until the run has got to an iteration, or has ended."""
        runner = self.window.runner
        self.until(lambda: runner.progress.iteration >= iteration or not runner.busy)
