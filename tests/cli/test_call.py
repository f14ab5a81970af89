"""What can be wrong with a call or a document: a sentence naming it, exit code 2, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from nodes import files

ROOT = Path(__file__).parents[2]
DECONVOLUTION = "example:deconvolution"


def _call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        (["run"], ["FILE"]),
        (["run", "nowhere.dprox"], ["nowhere.dprox"]),
        (["run", "example:deconvolutoin"], ["deconvolutoin", "“deconvolution”"]),
        (["run", "deconvolution"], ["deconvolution", "example:deconvolution"]),
        (["run", DECONVOLUTION, "--nonsense"], ["--nonsense"]),
        (["run", DECONVOLUTION, "--set", "photo"], ["NODE.PARAMETER=VALUE"]),
        (["run", DECONVOLUTION, "--set", "photo.size"], ["NODE.PARAMETER=VALUE"]),
        (["run", DECONVOLUTION, "--set", "=3"], ["NODE.PARAMETER=VALUE"]),
        (["run", DECONVOLUTION, "--set", "phto.size=64"], ["phto", "“photo”"]),
        (["run", DECONVOLUTION, "--set", "photo.sise=64"], ["photo", "sise", "“size”"]),
        (["run", DECONVOLUTION, "--set", "problem.a=1"], ["problem", "no parameter", "none"]),
        (["run", DECONVOLUTION, "--set", "photo.size=big"], ["photo", "big"]),
        (["run", DECONVOLUTION, "--set", "photo.size=0"], ["photo", "0"]),
        (["run", DECONVOLUTION, "--set", "photo.colour=pink"], ["photo", "grey", "pink"]),
        (["run", DECONVOLUTION, "--set", "smoothness.weight=-0.1"], ["smoothness", "-0.1"]),
        (["run", DECONVOLUTION, "--set", "smoothness.weight=nan"], ["smoothness", "nan"]),
        (["run", DECONVOLUTION, "--set", "kernel.size=4"], ["kernel", "odd"]),
        (["run", DECONVOLUTION, "--set", "result.max_iter=0"], ["result", "1 or more"]),
        (["run", DECONVOLUTION, "--max-iter", "0"], ["--max-iter", "0"]),
        (["run", DECONVOLUTION, "--max-iter", "-3"], ["--max-iter", "-3"]),
        (["run", DECONVOLUTION, "--max-iter", "many"], ["--max-iter", "many"]),
        (["run", DECONVOLUTION, "--max-iter", "99999999"], ["result", "99999999"]),
        (["run", DECONVOLUTION, "--device", "tpu"], ["tpu", "cuda"]),
        (["run", DECONVOLUTION, "--set", "photo.source=no.png"], ["photo", "no.png"]),
        (["check", "nowhere.dprox"], ["nowhere.dprox"]),
        (["export", "example:none"], ["none"]),
        (["explain", "nowhere.dprox"], ["nowhere.dprox"]),
        (["examples", "extra"], ["extra"]),
        (["expain"], ["expain", "“explain”"]),
        (["nowhere.dprox"], ["nowhere.dprox"]),
        (["--headless", "example:none"], ["none"]),
        (["--headless", "--or-headless"], ["--headless"]),
    ],
)
def test_a_wrong_call_is_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentences: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = _call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("dprox-studio: ")
    assert "Traceback" not in err
    for sentence in sentences:
        assert sentence in err
    assert list(tmp_path.iterdir()) == []


def _document(**changes: object) -> dict[str, object]:
    return json.loads(files.resolve(DECONVOLUTION).read_text(encoding="utf-8")) | changes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("{", "JSON"),
        ("[1, 2]", "not a document"),
        ('{"format": "something else"}', "not a document"),
        (json.dumps(_document())[:400], "JSON"),
        (json.dumps(_document(schema=999)), "newer version"),
        (json.dumps(_document(nodes=7)), "damaged"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "check", "export", "explain"])
def test_a_damaged_document_is_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: str, text: str, sentence: str
) -> None:
    file = tmp_path / "größe.dprox"
    file.write_text(text, encoding="utf-8")
    code, out, err = _call(capsys, verb, file)
    assert code == 2
    assert out == ""
    assert "größe.dprox" in err
    assert sentence in err
    assert file.read_text(encoding="utf-8") == text


def _without_wire_into(name: str) -> str:
    document = files.load(DECONVOLUTION)
    node = document.by_name(name)
    assert node is not None
    for wire in document.wires_into(node.id):
        document.delete_wire(wire)
    return files.dumps(document)


@pytest.mark.parametrize("verb", ["run", "check", "export", "explain"])
def test_an_incomplete_document_is_a_list_of_issues(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: str
) -> None:
    file = tmp_path / "incomplete.dprox"
    file.write_text(_without_wire_into("fidelity"), encoding="utf-8")
    code, out, err = _call(capsys, verb, file)
    assert code == 2
    told = out if verb == "check" else err
    assert "fidelity" in told
    assert (err if verb == "check" else out) == ""


def test_an_empty_document_cannot_be_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.dprox").write_text('{"format": "dprox-studio", "schema": 1}')
    code, _, err = _call(capsys, "run", "empty.dprox")
    assert code == 2
    assert "dprox-studio: " in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", files.examples())
def test_examples_are_without_errors(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, err = _call(capsys, "check", f"example:{name}")
    assert (code, err) == (0, "")
    assert "error" not in out


def test_examples_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _call(capsys, "examples")
    assert (code, err) == (0, "")
    for name in files.examples():
        document = files.load(f"example:{name}")
        assert f"example:{name}" in out
        assert document.title in out


def test_export_prints_or_writes_the_same_script(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = _call(capsys, "export", DECONVOLUTION)
    assert (code, err) == (0, "")
    compile(out, "script.py", "exec")
    target = tmp_path / "größe.py"
    code, nothing, err = _call(capsys, "export", DECONVOLUTION, "-o", target)
    assert (code, nothing) == (0, "")
    assert target.read_text(encoding="utf-8") == out
    assert [path.name for path in tmp_path.iterdir()] == ["größe.py"]


@pytest.mark.parametrize("target", ["", "missing/script.py", "file/script.py"])
def test_export_to_where_nothing_can_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, target: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = _call(capsys, "export", DECONVOLUTION, "-o", tmp_path / target)
    assert code == 2
    assert "cannot be written" in err
    assert (tmp_path / "file").read_text() == "in the way"


def test_export_keeps_relative_inputs_readable(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    (tmp_path / "images").mkdir()
    (tmp_path / "scripts").mkdir()
    Image.new("RGB", (20, 16), (10, 120, 200)).save(tmp_path / "images" / "a.png")
    monkeypatch.chdir(tmp_path)
    document = files.load(DECONVOLUTION)
    photo = document.by_name("photo")
    assert photo is not None
    from nodes.commands import History, SetParameter

    History(document).do(SetParameter(photo.id, "source", "images/a.png"))
    files.save(document, tmp_path / "own.dprox")
    code, _, err = _call(capsys, "export", "own.dprox", "-o", "scripts/own.py")
    assert code == 0, err
    assert "../images/a.png" in (tmp_path / "scripts" / "own.py").read_text(encoding="utf-8")


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    import nodes

    code, out, _ = _call(capsys, "--version")
    assert (code, out) == (0, f"dprox-studio {nodes.__version__}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["export", "-h"]])
def test_help_is_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    assert ending.value.code == 0
    assert "dprox-studio" in capsys.readouterr().out


_FOREIGN = """
import sys
from app.__main__ import main
try:
    code = main(sys.argv[2:])
except SystemExit as ending:
    code = ending.code
roots = {name.split(".")[0] for name in sys.modules}
assert not roots & set(sys.argv[1].split(",")), roots & set(sys.argv[1].split(","))
sys.exit(code)
"""
QT = "PySide6,shiboken6,Qt,qtpy,NodeGraphQt,pyqtgraph,qtawesome"


@pytest.mark.parametrize(
    ("arguments", "foreign"),
    [
        (["--help"], f"{QT},torch,dprox_core"),
        (["--version"], f"{QT},torch,dprox_core"),
        (["examples"], f"{QT},torch,dprox_core"),
        (["check", DECONVOLUTION], f"{QT},torch,dprox_core"),
        (["export", DECONVOLUTION], f"{QT},torch,dprox_core"),
        (["explain", DECONVOLUTION], QT),
        (["run", DECONVOLUTION, "--set", "photo.size=32", "--max-iter", "2"], QT),
    ],
)
def test_a_verb_imports_no_qt(tmp_path: Path, arguments: list[str], foreign: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", _FOREIGN, foreign, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m app export {DECONVOLUTION} | head -c 5",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.stderr == ""
