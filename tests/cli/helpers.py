"""How tests call ``dprox-studio run``, and what it is to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.__main__ import main
from nodes import files
from nodes.commands import Command, History

ROOT = Path(__file__).parents[2]
DECONVOLUTION = "example:deconvolution"
SMALL = ("--set", "photo.size=48", "--max-iter", "6")
FILES = ["history.csv", "report.json", "script.py", "x.npy", "x.png"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code, the output and the errors of a run."""
    code = main(["run", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def edited(path: Path, *commands: Command) -> Path:
    """The deconvolution example after some commands, saved."""
    document = files.load(DECONVOLUTION)
    for command in commands:
        History(document).do(command)
    return files.save(document, path)


def id_of(name: str) -> str:
    """The id of a node of the deconvolution example."""
    node = files.load(DECONVOLUTION).by_name(name)
    assert node is not None
    return node.id
