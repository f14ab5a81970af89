"""Where the window cannot open, a sentence says why and what to do."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.__main__ import main
from app.cli import window

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of Linux")


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(window, "_missing_libraries", lambda: None)


@LINUX
def test_no_display_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    err = capsys.readouterr().err
    assert "no display" in err
    assert "xvfb-run" in err
    assert "dprox-studio run" in err


@LINUX
@pytest.mark.parametrize("display", [":7321", "127.0.0.1:7321", "unix:7321.0", "nonsense"])
def test_a_display_that_does_not_answer_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    assert f"The display {display} does not answer" in str(window.obstacle())


@pytest.fixture
def wayland(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-7"))
        server.listen()
        yield


@LINUX
def test_a_display_that_answers_is_no_obstacle(wayland: None) -> None:
    assert window.obstacle() is None


def test_offscreen_needs_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert window.obstacle() is None


@pytest.mark.parametrize(
    ("qt", "python", "fine"),
    [
        ("6.12.0", (3, 11), False),
        ("6.13.1", (3, 11), False),
        ("7.0.0", (3, 11), False),
        ("6.11.3", (3, 11), True),
        ("6.8.3", (3, 11), True),
        ("6.12.0", (3, 12), True),
    ],
)
def test_a_qt_that_crashes_is_refused(
    monkeypatch: pytest.MonkeyPatch, qt: str, python: tuple[int, int], fine: bool
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(window.importlib.metadata, "version", lambda name: qt)
    monkeypatch.setattr(window.sys, "version_info", (*python, 0))
    sentence = window.obstacle()
    assert (sentence is None) == fine
    if sentence:
        assert qt in sentence
        assert "PySide6-Essentials<6.12" in sentence


def test_a_missing_qt_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise window.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(window.importlib.metadata, "version", version)
    assert "not installed" in str(window.obstacle())


@LINUX
def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    loader = tmp_path / "ldd"
    loader.write_text(
        "#!/bin/sh\necho '\tlibxcb-cursor.so.0 => not found'\n"
        "echo '\tlibc.so.6 => /lib/libc.so.6'\necho '\tlibodd.so.3 => not found'\n"
    )
    loader.chmod(0o755)
    monkeypatch.setattr(window.shutil, "which", lambda name: str(loader))
    sentence = str(window._missing_libraries())
    assert "libxcb-cursor.so.0" in sentence
    assert "apt-get install libodd.so.3 libxcb-cursor0" in sentence


@LINUX
@pytest.mark.parametrize("arguments", [["--or-headless"], ["--or-headless", "small.dprox"]])
def test_without_a_display_the_example_is_solved(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    from nodes import files
    from nodes.commands import History, SetParameter

    monkeypatch.chdir(tmp_path)
    document = files.load("example:deconvolution")
    for name, key, value in (("photo", "size", 48), ("result", "max_iter", 3)):
        node = document.by_name(name)
        assert node is not None
        History(document).do(SetParameter(node.id, key, value))
    files.save(document, tmp_path / "small.dprox")
    monkeypatch.setattr(window, "_DEFAULT", "small.dprox")
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "no display" in captured.err
    assert "without a window instead" in captured.err
    for name in ("x.png", "history.csv", "script.py"):
        assert name in captured.out
        assert (tmp_path / "out" / "small" / name).exists()


def test_the_window_is_opened_on_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import types

    opened: list[object] = []
    module = types.ModuleType("app.window")
    module.open_window = lambda file: opened.append(file) or 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "app.window", module)
    monkeypatch.setattr(window, "obstacle", lambda: None)
    file = tmp_path / "a.dprox"
    file.write_text("{}")
    assert main([str(file)]) == 0
    assert main([]) == 0
    assert main(["--or-headless", "example:deconvolution"]) == 0
    assert opened == [str(file), None, "example:deconvolution"]
    assert main([str(tmp_path)]) == 2
