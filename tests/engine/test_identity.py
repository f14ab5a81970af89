"""The Run button, the command line and a terminal run the same text and give the same arrays.

Bit for bit, though each has its own process, and its own number of threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.cli.record import as_array
from app.engine.process import worker_threads
from app.engine.protocol import NodeImage, RunFinished
from nodes import files
from nodes.commands import History, SetParameter
from nodes.document import Document
from nodes.script import generate
from tests.engine.helpers import Watcher

ROOT = Path(__file__).parents[2]
Arrays = dict[str, npt.NDArray[np.float32]]


def _environment(threads: int) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }


def _python(*arguments: str, cwd: Path, threads: int) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=_environment(threads),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _by_command_line(file: Path, out: Path, threads: int) -> Arrays:
    _python("-m", "app", "run", str(file), "--out", str(out), cwd=file.parent, threads=threads)
    return {path.stem: np.load(path) for path in out.glob("*.npy")}


_SAVE = """
import runpy, numpy
values = runpy.run_path("script.py", run_name="__main__")
for name, value in values["result"].values.items():
    numpy.save(f"{name.name}.npy", value.detach().numpy())
"""


def _by_terminal(folder: Path, threads: int, typed: bool) -> Arrays:
    """``python script.py``, as a person types it; its pictures, and the values behind them."""
    if typed:
        _python("script.py", cwd=folder, threads=threads)
        pictures = {path: path.read_bytes() for path in folder.glob("*.png")}
        assert pictures
    _python("-c", _SAVE, cwd=folder, threads=threads)
    if typed:
        assert {path: path.read_bytes() for path in folder.glob("*.png")} == pictures
    return {path.stem: np.load(path) for path in folder.glob("*.npy")}


def _by_button(warm: Watcher, document: Document) -> Arrays:
    run = warm.engine.run(generate(document), base=ROOT)
    assert isinstance(warm.end(run), RunFinished)
    views = {node.id for node in document.nodes if node.type == "view_image"}
    return {image.node: image.full for image in warm.of(NodeImage, run) if image.node in views}


def _small(name: str, size: int | None, max_iter: int | None, file: Path) -> Document:
    document = files.load(f"example:{name}")
    history = History(document)
    for node in document.nodes:
        if node.type == "load_image" and size is not None:
            history.do(SetParameter(node.id, "size", size))
        if node.spec and node.spec.parameter("max_iter") and max_iter is not None:
            history.do(SetParameter(node.id, "max_iter", max_iter))
    files.save(document, file)
    return document


def _hold(
    warm: Watcher,
    tmp_path: Path,
    document: Document,
    threads: tuple[int, int],
    typed: bool = True,
) -> None:
    file = tmp_path / "document.dprox"
    written = _by_command_line(file, tmp_path / "out", threads[0])
    (tmp_path / "terminal").mkdir()
    script = (tmp_path / "out" / "script.py").read_text(encoding="utf-8")
    (tmp_path / "terminal" / "script.py").write_text(script, encoding="utf-8")
    typed = _by_terminal(tmp_path / "terminal", threads[1], typed)
    pressed = _by_button(warm, document)
    assert written
    assert any(name in typed for name in written)
    for name, values in written.items():
        assert np.isfinite(values).all()
        if name in typed:
            assert np.array_equal(values, _picture(typed[name]))
        picture = (tmp_path / "out" / f"{name}.png").read_bytes()
        assert (tmp_path / "terminal" / f"{name}.png").read_bytes() == picture
    assert len(pressed) == len(written)
    for values in pressed.values():
        assert any(np.array_equal(values, other) for other in written.values())


def _picture(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    import torch

    return as_array(torch.from_numpy(values))


PICTURED = [
    name
    for name in files.examples()
    if any(node.type == "view_image" for node in files.load(f"example:{name}").nodes)
]


def test_charts_are_the_same_from_the_command_line_and_the_terminal(tmp_path: Path) -> None:
    document = files.load("example:energy")
    solver = next(node for node in document.nodes if node.type == "linear_solver")
    system = next(node for node in document.nodes if node.type == "energy_system")
    history = History(document)
    history.do(SetParameter(system.id, "hours", 24))
    history.do(SetParameter(solver.id, "tol", 1e-2))
    files.save(document, tmp_path / "document.dprox")
    _by_command_line(tmp_path / "document.dprox", tmp_path / "out", 1)
    (tmp_path / "terminal").mkdir()
    script = (tmp_path / "out" / "script.py").read_text(encoding="utf-8")
    (tmp_path / "terminal" / "script.py").write_text(script, encoding="utf-8")
    _python("script.py", cwd=tmp_path / "terminal", threads=1)
    names = {
        f"{n}.{e}"
        for n in ("dispatch", "capacity", "storage", "prices", "convergence")
        for e in ("png", "csv")
    }
    for name in names:
        written = (tmp_path / "out" / name).read_bytes()
        assert written == (tmp_path / "terminal" / name).read_bytes()
        assert len(written) > 100


@pytest.mark.parametrize("name", PICTURED)
def test_three_ways_to_run_an_example_are_one(warm: Watcher, tmp_path: Path, name: str) -> None:
    document = _small(name, 90, 25, tmp_path / "document.dprox")
    # A network's convolutions are cut up by the number of threads and round in the last bit.
    network = any(node.type == "deep_prior" for node in document.nodes)
    count = min(worker_threads(), int(os.environ.get("OMP_NUM_THREADS", worker_threads())))
    _hold(warm, tmp_path, document, threads=(count, count) if network else (2, 3))


def test_three_ways_are_one_at_full_size(warm: Watcher, tmp_path: Path) -> None:
    document = _small("deconvolution", None, None, tmp_path / "document.dprox")
    _hold(warm, tmp_path, document, threads=(2, 1), typed=False)


def test_a_second_run_in_the_same_worker_is_the_first(warm: Watcher, tmp_path: Path) -> None:
    document = _small("deconvolution", 70, 15, tmp_path / "document.dprox")
    first = _by_button(warm, document)
    second = _by_button(warm, document)
    assert all(np.array_equal(first[node], second[node]) for node in first)
