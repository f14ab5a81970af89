"""``dprox-studio explain FILE``: the plan that the compiler makes, in words."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from app.cli.documents import load, script_of, valid
from app.cli.errors import DONE, CommandError
from app.cli.failures import command_error
from app.engine.protocol import Program
from app.engine.waiting import wait_briefly

__all__ = ["main"]


def main(options: argparse.Namespace) -> int:
    """Simulate the data, compile every problem, solve none, and print the plans."""
    document = load(options.file)
    valid(document)
    base = document.path.parent if document.path else Path.cwd()
    program = Program.of(
        script_of(document, base), names={node.id: node.name for node in document.nodes}
    )
    wait_briefly()  # before torch is imported
    from app.engine import worker_run

    plans: list[tuple[str, str]] = []
    names = {node.id: node.name for node in document.nodes}

    class Compiled(worker_run.Observer):
        def solve_started(self, node: str | None, event: Any) -> None:
            plans.append((names.get(node or "", ""), event.plan.explain()))
            raise worker_run.SkipSolve

    with tempfile.TemporaryDirectory(prefix="dprox-studio-") as scratch:
        ending = worker_run.execute(program, Compiled(), base=base, out=Path(scratch))
    if ending.failure is not None:
        raise command_error(ending.failure)
    if not plans:
        raise CommandError("The graph solves no problem: add a problem and a solver.")
    for index, (name, text) in enumerate(plans):
        if len(plans) > 1:
            print(f"{chr(10) if index else ''}{name}:")
        print(text)
    return DONE
