"""Whatever a script does, the window gets a sentence, the node, and a worker for the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from app.engine.client import Engine
from app.engine.protocol import (
    NodeStarted,
    Piece,
    Program,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    SolveStarted,
    WorkerDied,
    WorkerReady,
)
from tests.engine.helpers import FOREVER, Watcher, denoising, program

LINUX = sys.platform.startswith("linux")


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("bad = dp.gaussian_psf(size=-3)", "size"),
        ("bad = dp.load_image('nowhere.png')", "nowhere.png"),
        ("bad = undefined_name", "undefined_name is not defined"),
        ("bad = 1 / 0", "ZeroDivisionError: division by zero"),
        ("bad = [][1]", "IndexError"),
        ("bad = {}['größe']", "KeyError: 'größe'"),
        ("bad = exit()", "ended itself"),
        ("bad = torch.empty(2**55)", "not enough memory"),
        ("bad = bytearray(2**60)", "not enough memory"),
        ("bad = (lambda f: f(f))(lambda f: f(f))", "calls itself without end"),
        ("bad = open('/no/such/file')", "/no/such/file"),
        ("bad = (_ for _ in ()).throw(KeyboardInterrupt)", None),
    ],
)
def test_an_exception_becomes_a_sentence(
    warm: Watcher, statement: str, sentence: str | None
) -> None:
    run = warm.engine.run(program(f"import torch\nimport dprox_core as dp\n{statement}\n"))
    end = warm.end(run)
    if sentence is None:
        assert isinstance(end, RunStopped)
        return
    assert isinstance(end, RunFailed)
    assert sentence in end.sentence
    assert end.node == "id-bad"
    assert not end.sentence.startswith("Traceback")
    assert 'File "script.py", line 3' in end.details
    assert statement in end.details
    assert "worker_run.py" not in end.details
    assert warm.engine.state == "idle"


def test_a_syntax_error_names_its_node(warm: Watcher) -> None:
    text = "import dprox_core as dp\nx = (1 +\n"
    run = warm.engine.run(Program(text, (Piece("n", "x", 2, 0, 2, 99),)))
    end = warm.end(run)
    assert isinstance(end, RunFailed)
    assert "not valid Python" in end.sentence
    assert end.node == "n"


@pytest.mark.parametrize("inner", ["dp.gaussian_psf(size=-5)", "dp.blur(photo, dp.nothing)"])
def test_the_node_inside_a_statement_is_found(warm: Watcher, inner: str) -> None:
    head = "dp.add_noise(photo, sigma="
    line = f"ümläut = ({head}0.1), {inner})"
    text = f"import dprox_core as dp\nphoto = dp.load_image('sample:camera', size=16)\n{line}\n"
    start = line.index(inner)
    pieces = (
        Piece("outer", "ümläut", 3, 0, 3, 1 << 30),
        Piece("noise", "noise", 3, line.index(head), 3, line.index(head) + len(head) + 4, False),
        Piece("inner", "inner", 3, start, 3, start + len(inner), False),
    )
    end = warm.end(warm.engine.run(Program(text, pieces)))
    assert isinstance(end, RunFailed)
    assert end.node == "inner"


def test_no_cuda_is_a_sentence(warm: Watcher) -> None:
    if "cuda" in warm.engine.devices:
        pytest.skip("this machine has CUDA")
    end = warm.end(warm.engine.run(denoising(), device="cuda"))
    assert isinstance(end, RunFailed)
    assert "CUDA" in end.sentence


def test_a_folder_that_cannot_be_written_to_is_a_sentence(warm: Watcher, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    end = warm.end(warm.engine.run(denoising(), out=tmp_path / "file" / "out"))
    assert isinstance(end, RunFailed)
    assert "cannot be written to" in end.sentence


def test_a_script_that_does_not_listen_is_ended(fresh: Watcher) -> None:
    run = fresh.engine.run(program("import time\nx = time.sleep(600)\n"))
    fresh.first(NodeStarted, run)
    before = fresh.engine.pid
    fresh.engine.stop()
    end = fresh.end(run)
    assert isinstance(end, RunStopped)
    assert end.forced
    assert not fresh.of(WorkerDied)
    assert fresh.engine.pid != before
    assert isinstance(fresh.end(fresh.engine.run(denoising(max_iter=2))), RunFinished)


def test_a_frozen_worker_is_ended(fresh: Watcher) -> None:
    run = fresh.engine.run(denoising(max_iter=FOREVER))
    fresh.wait(lambda: len(fresh.images) > 1)
    os.kill(fresh.engine.pid or 0, signal.SIGSTOP)
    fresh.engine.stop()
    end = fresh.end(run)
    assert end.forced
    assert np.isfinite(fresh.images[-1].data()).all()


def test_a_killed_worker_loses_nothing_that_was_shown(fresh: Watcher) -> None:
    run = fresh.engine.run(denoising(max_iter=FOREVER))
    fresh.wait(lambda: len(fresh.rows) > 20 and len(fresh.images) > 1)
    old = fresh.engine.pid
    os.kill(old or 0, signal.SIGKILL)
    died = fresh.first(WorkerDied)
    assert died.run == run
    assert died.node == "id-result"
    assert "memory" in died.sentence
    assert np.array_equal(fresh.rows[:, 0], np.arange(1, len(fresh.rows) + 1))
    image = fresh.images[-1]
    assert image.data().shape == image.display.shape
    assert fresh.engine.state == "starting"
    assert fresh.engine.pid != old
    assert isinstance(fresh.end(fresh.engine.run(denoising(max_iter=2))), RunFinished)
    assert image.data().shape == image.display.shape


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("import os; os._exit(3)", "exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
    ],
)
def test_a_crash_is_a_sentence(fresh: Watcher, statement: str, sentence: str) -> None:
    run = fresh.engine.run(Program(f"print('last words', flush=True)\n{statement}\n"))
    died = fresh.first(WorkerDied)
    assert died.run == run
    assert sentence in died.sentence
    assert "last words" in died.details
    assert ("Fatal Python error" in died.details) == sentence.startswith("SIG")
    fresh.wait(lambda: fresh.engine.state == "idle")


def test_a_run_that_waits_survives_the_death_of_another(fresh: Watcher) -> None:
    first = fresh.engine.run(Program("import os, time\ntime.sleep(0.2)\nos._exit(1)\n"))
    fresh.first(RunStarted, first)
    second = fresh.engine.run(denoising(max_iter=2))
    assert isinstance(fresh.end(second), RunFinished)


@pytest.mark.parametrize("executable", ["/bin/false", "/no/such/python"])
def test_a_worker_that_cannot_start_is_given_up(
    fresh: Watcher, monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    with monkeypatch.context() as context:
        context.setattr(sys, "executable", executable)
        fresh.engine.start()
        fresh.wait(lambda: fresh.engine.state == "dead")
        assert "could not" in fresh.first(WorkerDied).sentence
        run = fresh.engine.run(denoising())
        assert isinstance(fresh.end(run), RunStopped)
    assert isinstance(fresh.end(fresh.engine.run(denoising(max_iter=2))), RunFinished)


def test_a_preview_that_crashes_does_not_end_the_engine(fresh: Watcher) -> None:
    fresh.engine.start()
    fresh.engine.preview(Program("import os\nos._exit(1)\n"))
    died = fresh.first(WorkerDied)
    assert died.run is None
    fresh.wait(lambda: fresh.engine.state == "idle")
    pid = fresh.engine.pid
    # The window asks again at every new worker; that must not end one after the other.
    again = fresh.end(fresh.engine.preview(Program("import os\nos._exit(1)\n")))
    assert isinstance(again, RunFailed)
    assert isinstance(fresh.end(fresh.engine.preview(Program("x = 1\n"))), RunFinished)
    assert fresh.engine.pid == pid


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not LINUX:
        return True
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state not in ("Z", "X")


@pytest.mark.parametrize("busy", [False, True])
def test_the_worker_does_not_outlive_its_parent(busy: bool) -> None:
    script = """
        import os, signal, sys, time
        from app.engine.client import Engine
        from tests.engine.helpers import FOREVER, Watcher, denoising
        watcher = Watcher(Engine())
        watcher.engine.start()
        if sys.argv[1] == "True":
            watcher.engine.run(denoising(max_iter=FOREVER))
            watcher.wait(lambda: len(watcher.rows))
        print(watcher.engine.pid, watcher.engine._worker.scratch, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(busy)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == -signal.SIGKILL
    pid, scratch = done.stdout.split()
    deadline = time.monotonic() + 60
    while _alive(int(pid)) or Path(scratch).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _children() -> set[int]:
    if not LINUX:
        return set()
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


@pytest.fixture
def own_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for temporary files that no other studio on this machine uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _inventory() -> dict[str, object]:
    shared = Path("/dev/shm")
    return {
        "descriptors": len(os.listdir("/proc/self/fd")) if LINUX else 0,
        "children": _children(),
        "shared": set(os.listdir(shared)) if shared.is_dir() else set(),
        "temporary": set(Path(tempfile.gettempdir()).glob("dprox-studio-*")),
    }


def test_twenty_engines_leave_nothing_behind(warm: Watcher, own_room: None) -> None:
    before = _inventory()
    for k in range(20):
        engine = Engine()
        engine.start()
        if k % 5 == 0:
            engine.run(denoising(max_iter=FOREVER))
            watcher = Watcher(engine)
            watcher.wait(lambda w=watcher: len(w.images) > 0)
            if k % 2:
                os.kill(engine.pid or 0, signal.SIGKILL)
            del watcher
        engine.close()
        del engine
    assert _inventory() == before


def test_runs_leave_nothing_behind(warm: Watcher, own_room: None) -> None:
    warm.end(warm.engine.run(denoising(max_iter=3)))
    warm.messages.clear()
    warm.images.clear()
    before = _inventory()
    for _ in range(10):
        warm.end(warm.engine.run(denoising(size=300, max_iter=3)))
        warm.messages.clear()
        warm.images.clear()
    assert _inventory() == before


def test_starting_says_when_it_is_ready(fresh: Watcher) -> None:
    fresh.engine.start()
    fresh.engine.start()
    fresh.first(WorkerReady)
    assert len(fresh.of(WorkerReady)) == 1
    assert not fresh.of(SolveStarted)
