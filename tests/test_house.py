"""The house rules that no single room can hold: who may import whom, and what ships."""

import ast
import hashlib
import re
import sys
from pathlib import Path

import pytest

import resources

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("app", "nodes", "dprox_core", "resources")
QT = {"PySide6", "NodeGraphQt", "Qt", "qtpy", "pyqtgraph", "qtawesome"}
TORCH = {"torch", "dprox_core"}
FORBIDDEN = {
    "resources": {"app", "nodes", *TORCH, *QT},
    "dprox_core": {"app", "nodes", *QT},
    "nodes": {"app", *TORCH, *QT},
    "app": TORCH,
}


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def _modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_dependencies_point_one_way(room: str) -> None:
    assert _modules(room)
    wrong = {}
    for path in _modules(room):
        relative = path.relative_to(ROOT).as_posix()
        # The torch side of the worker process is the one place of app that runs the solver.
        allowed = TORCH if relative.startswith("app/engine/worker") else set()
        found = (_imports(path) & FORBIDDEN[room]) - allowed
        if found:
            wrong[relative] = sorted(found)
    assert not wrong


def test_the_command_line_and_the_engine_know_no_qt() -> None:
    for folder in ("app/cli", "app/engine"):
        for path in _modules(folder):
            assert not _imports(path) & QT, path


def test_every_file_can_be_held_in_mind() -> None:
    too_long = {
        path.relative_to(ROOT).as_posix(): lines
        for room in (*ROOMS, "tests", "benchmarks", "docs")
        for path in _modules(room)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not too_long


def test_no_pickle_in_what_reads_files() -> None:
    for room in ROOMS:
        for path in _modules(room):
            text = path.read_text(encoding="utf-8")
            assert not _imports(path) & {"shelve", "marshal", "dill"}, path
            # The name of its error may be caught; nothing may be unpickled.
            assert not re.search(r"pickle\.(load|Unpickler)|from pickle", text), path
            assert "allow_pickle=True" not in text, path
            assert "weights_only=False" not in text, path


def test_shipped_images_are_the_ones_credited() -> None:
    table = resources.path("ASSETS.md").read_text(encoding="utf-8")
    credited = dict(re.findall(r"^\| (\S+\.png) \|.*\| ([0-9a-f]{64}) \|$", table, re.M))
    shipped = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in resources.path("images").iterdir()
    }
    assert shipped == credited


def test_every_direct_dependency_is_pinned_and_explained() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in wanted}
    pinned = {
        line.split("==")[0].strip().lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert names <= pinned
    readme = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    unexplained = {name for name in names if f"| {name} |" not in readme}
    assert not unexplained


def test_this_python_is_one_we_support() -> None:
    assert (3, 11) <= sys.version_info[:2] <= (3, 13)
