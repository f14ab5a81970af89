"""``dprox-studio run``: what it writes, what it says, how it ends."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.__main__ import main
from nodes import files
from nodes.commands import (
    AddNode,
    Connect,
    Disconnect,
    History,
    RemoveNodes,
    SetParameter,
    new_node,
)
from nodes.document import Document
from tests.cli.helpers import DECONVOLUTION, FILES, ROOT, SMALL, edited, id_of, names, run


def test_a_run_fills_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "größe" / "deep"
    code, said, progress = run(capsys, DECONVOLUTION, *SMALL, "--out", out)
    assert code == 0, progress
    assert names(out) == FILES
    for name in FILES:
        assert name in said
    assert "result: at most 6 iterations" in progress
    values = np.load(out / "x.npy", allow_pickle=False)
    assert values.ndim == 3
    assert values.shape[-1] == 3
    assert max(values.shape) == 48
    with Image.open(out / "x.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == values.shape
    assert np.abs(pixels - np.clip(values, 0, 1) * 255).max() <= 0.5 + 1e-3


def test_history_and_report_agree(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, DECONVOLUTION, *SMALL, "--out", tmp_path)[0] == 0
    with (tmp_path / "history.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == [
        *("iteration", "seconds", "objective", "primal_residual", "dual_residual", "psnr")
    ]
    assert [int(row[0]) for row in rows] == list(range(1, 7))
    numbers = np.array(rows, dtype=float)
    assert np.isfinite(numbers).all()
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["status"] == "iteration_limit"
    assert report["converged"] is False
    assert report["iterations"] == 6
    assert report["objective"] == pytest.approx(numbers[-1, 2], rel=1e-6)
    assert report["residuals"]["primal"] == numbers[-1, 3]
    assert report["residuals"]["dual"] == numbers[-1, 4]
    assert report["metrics"]["psnr"] == pytest.approx(numbers[-1, 5], abs=1e-3)
    assert report["device"] in ("cpu", "cuda", "cuda:0")
    assert report["seconds"] > 0
    assert {"dprox-studio", "python", "torch"} <= set(report["versions"])
    assert report["plan"]


def test_without_a_truth_there_is_no_psnr(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wire = Disconnect(id_of("photo"), "image", id_of("result"), "truth")
    file = edited(tmp_path / "a.dprox", wire)
    assert run(capsys, file, *SMALL, "--out", tmp_path / "out")[0] == 0
    header = (tmp_path / "out" / "history.csv").read_text().splitlines()[0]
    assert header == "iteration,seconds,objective,primal_residual,dual_residual"
    assert "psnr" not in json.loads((tmp_path / "out" / "report.json").read_text())["metrics"]


def test_the_default_folder_is_named_after_the_document(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, DECONVOLUTION, *SMALL)[0] == 0
    assert names(tmp_path / "out" / "deconvolution") == FILES


def test_other_files_in_the_folder_stay(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "x.png").write_text("old")
    assert run(capsys, DECONVOLUTION, *SMALL, "--out", tmp_path)[0] == 0
    assert names(tmp_path) == sorted([*FILES, "mine.txt"])
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_settings_reach_the_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--set", "smoothness.weight=0.02", "--set", "kernel.sigma=1.5", *SMALL]
    assert run(capsys, DECONVOLUTION, *arguments, "--out", tmp_path)[0] == 0
    script = (tmp_path / "script.py").read_text(encoding="utf-8")
    for words in ("0.02", "sigma=1.5", "size=48", "max_iter=6"):
        assert words in script


def test_an_input_is_found_from_the_document_and_from_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("documents", "terminal"):
        (tmp_path / folder).mkdir()
    Image.new("L", (40, 30), 100).save(tmp_path / "documents" / "grey.png")
    Image.new("RGB", (20, 24), (9, 8, 7)).save(tmp_path / "terminal" / "colour.png")
    command = SetParameter(id_of("photo"), "source", "grey.png")
    file = edited(tmp_path / "documents" / "own.dprox", command)
    monkeypatch.chdir(tmp_path / "terminal")
    arguments = ["--max-iter", "2"]
    assert run(capsys, file, *arguments, "--out", "a")[0] == 0
    assert np.load("a/x.npy").shape == (30, 40)
    arguments += ["--set", "photo.source=colour.png", "--out", "b"]
    code, _, err = run(capsys, file, *arguments)
    assert code == 0, err
    assert np.load("b/x.npy").shape == (24, 20, 3)
    # What was written runs where it lies.
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "script.py"], cwd="b", env=environment, check=True)


def _two_views(path: Path) -> Path:
    document = files.load(DECONVOLUTION)
    history = History(document)
    view = new_node(document, "view_image", levels="auto")
    history.do(AddNode(view))
    kernel = document.by_name("kernel")
    assert kernel is not None
    history.do(Connect(kernel.id, "kernel", view.id, "image"))
    return files.save(document, path)


def test_every_view_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = _two_views(tmp_path / "a.dprox")
    assert run(capsys, file, *SMALL, "--out", tmp_path / "out")[0] == 0
    images = [name for name in names(tmp_path / "out") if name.endswith(".npy")]
    assert images == ["kernel.npy", "x.npy"]
    assert np.load(tmp_path / "out" / "kernel.npy").shape == (15, 15)


def test_a_graph_without_a_view_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = edited(tmp_path / "a.dprox", RemoveNodes([id_of("view")]))
    code, said, _ = run(capsys, file, *SMALL, "--out", tmp_path / "out")
    assert code == 0
    assert "no view" in said
    assert names(tmp_path / "out") == ["history.csv", "report.json", "script.py"]


def test_explain_compiles_and_does_not_solve(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["explain", DECONVOLUTION]) == 0
    captured = capsys.readouterr()
    assert "fidelity" in captured.out or "sum_squares" in captured.out
    assert "FFT" in captured.out
    assert "PSNR" not in captured.out + captured.err
    assert list(tmp_path.iterdir()) == []


def test_explain_needs_a_solver(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    document = Document(title="only data")
    History(document).do(AddNode(new_node(document, "load_image", size=16)))
    view = new_node(document, "view_image")
    History(document).do(AddNode(view))
    photo = document.by_name("photo")
    assert photo is not None
    History(document).do(Connect(photo.id, "image", view.id, "image"))
    file = files.save(document, tmp_path / "data.dprox")
    assert main(["explain", str(file)]) == 2
    assert "solver" in capsys.readouterr().err
    # Only data is still something to run.
    assert main(["run", str(file), "--out", str(tmp_path / "out")]) == 0
    assert "photo.png" in names(tmp_path / "out")
