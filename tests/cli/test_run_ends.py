"""How ``dprox-studio run`` ends when something is in its way: in order, and with a sentence."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nodes.commands import SetParameter
from tests.cli.helpers import DECONVOLUTION, FILES, ROOT, SMALL, edited, id_of, names, run


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nothing/here"])
def test_a_folder_that_cannot_be_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    code, said, err = run(capsys, DECONVOLUTION, *SMALL, "--out", tmp_path / place)
    assert (code, said) == (2, "")
    assert "cannot be written to" in err
    assert "Traceback" not in err
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_read_only_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    code, _, err = run(capsys, DECONVOLUTION, *SMALL, "--out", folder)
    assert code == 2
    assert "read-only" in err


@pytest.mark.parametrize("room", [100, 6000])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, room: int) -> None:
    """A limit on file sizes fails a write in its middle, as a full disk does."""
    (tmp_path / "x.png").write_text("older")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [sys.executable, "-m", "app", "run", DECONVOLUTION, *SMALL, "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        preexec_fn=limit,
    )
    assert done.returncode == (2 if room < 4096 else 1)
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr
    assert names(tmp_path) == ["x.png"]
    assert (tmp_path / "x.png").read_text() == "older"


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("text.png", b"this is not an image", "text.png"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "cut.png"),
        ("nan.npy", None, "NaN"),
    ],
)
def test_data_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    data: bytes | None,
    sentence: str,
) -> None:
    if data is None:
        np.save(tmp_path / name, np.full((32, 32), np.nan, np.float32))
    else:
        (tmp_path / name).write_bytes(data)
    file = edited(tmp_path / "a.dprox", SetParameter(id_of("photo"), "source", name))
    code, said, err = run(capsys, file, "--out", tmp_path / "out")
    assert (code, said) == (2, "")
    assert sentence in err
    assert "photo" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_kernel_larger_than_the_image(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--set", "photo.size=16", "--set", "kernel.size=61", "--out", tmp_path / "out"]
    code, said, err = run(capsys, DECONVOLUTION, *arguments)
    assert (code, said) == (2, "")
    assert "kernel" in err
    assert not (tmp_path / "out").exists()


def test_no_cuda_is_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    arguments = [DECONVOLUTION, *SMALL, "--device", "cuda", "--out", tmp_path / "out"]
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "CUDA" in err
    assert not (tmp_path / "out").exists()


def test_out_of_memory_is_a_failed_solve(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dprox_core as dp

    def solve(*_: object, **__: object) -> None:
        import torch

        torch.empty(2**55)

    monkeypatch.setattr(dp.Problem, "solve", solve)
    code, _, err = run(capsys, DECONVOLUTION, *SMALL, "--out", tmp_path / "out")
    assert code == 1
    assert "result" in err
    assert "not enough memory" in err
    assert not (tmp_path / "out").exists()


def test_a_solve_that_overflows_is_a_failed_solve(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["--set", "photo.size=48", "--set", "observed.sigma=1e18", "--max-iter", "60"]
    code, _, err = run(capsys, DECONVOLUTION, *arguments, "--out", tmp_path)
    assert code == 1
    assert "result" in err
    assert "NaN" in err
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["status"] == "not_finite"
    assert report["converged"] is False
    # The last good iterate is kept, and said to be that.
    assert names(tmp_path) == FILES
    assert np.isfinite(np.load(tmp_path / "x.npy")).all()
    assert "last good iterate" in err


def _start(tmp_path: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "run", DECONVOLUTION, "--out", str(tmp_path), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,  # type: ignore[call-overload]
    )


ENDLESS = ("--set", "photo.size=64", "--max-iter", "1000000", "--set", "result.abs_tol=0")
ENDLESS = (*ENDLESS, "--set", "result.rel_tol=0")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_the_last_iterate(tmp_path: Path, number: int, code: int) -> None:
    process = _start(tmp_path, *ENDLESS, stderr=subprocess.PIPE)
    assert process.stderr is not None
    line = process.stderr.readline()
    while "iterations" not in line:
        assert line
        line = process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(number)
    said, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert names(tmp_path) == FILES
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["status"] == "stopped"
    rows = (tmp_path / "history.csv").read_text().splitlines()
    assert len(rows) == report["iterations"] + 1
    assert "x.png" in said


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    # Long enough that the bar is drawn more than once: it is drawn anew some ten times a second.
    size = ("--set", "photo.size=256", "--max-iter", "1500", "--set", "result.abs_tol=0")
    process = _start(tmp_path, *size, "--set", "result.rel_tol=0", stderr=theirs)
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    process.communicate(timeout=60)
    assert process.returncode == 0
    text = seen.decode()
    assert "\r" in text
    assert "━" in text
    assert "PSNR" in text
    assert "/1500" in text
