"""Memory of window and worker over many runs, and over many nodes made and deleted.

    python -m benchmarks.endurance [--runs 1000] [--nodes 1000]

A small problem is run to its end again and again in the real window with the real worker; then
nodes are added and deleted, each step undoable. Resident megabytes, and the window's live Python
objects and open files, are printed on the way: after the first tenth, which fills caches, they
should stay where they are, but for the steps of the history, which are kept.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from app.main_window import MainWindow

__all__ = ["churn", "main", "resident", "runs", "small_problem"]


def resident(pid: int | None = None) -> float:
    """The resident megabytes of a process, this one by default."""
    with open(f"/proc/{pid or os.getpid()}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def small_problem(window: MainWindow) -> None:
    """Open denoising of a small photograph, with few iterations."""
    from nodes.commands import SetParameter

    session = window.session
    session.open("example:denoising")
    for node in session.document.nodes:
        for name, value in (("size", 64), ("max_iter", 5)):
            if node.spec is not None and node.spec.parameter(name) is not None:
                session.do(SetParameter(node.id, name, value))
    session.derive()


def _settle() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent
    from PySide6.QtWidgets import QApplication

    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def runs(window: MainWindow, count: int, patience: float = 120.0) -> Iterator[int]:
    """Run what is open, again and again; gives the number of runs done after each."""
    runner = window.runner
    for number in range(1, count + 1):
        end = time.monotonic() + patience
        if not runner.run():
            raise RuntimeError(f"the run was refused: {window.session.errors()}")
        while runner.busy:
            _settle()
            time.sleep(0.002)
            if time.monotonic() > end:
                raise TimeoutError(f"run {number} did not end")
        yield number


def churn(window: MainWindow, count: int) -> Iterator[int]:
    """Add a node, delete it, again and again; gives the number done after each."""
    from nodes.commands import AddNode, RemoveNodes, new_node

    session = window.session
    for number in range(1, count + 1):
        node = new_node(session.document, "gaussian_psf")
        session.do(AddNode(node))
        session.do(RemoveNodes((node.id,)))
        if number % 20 == 0:
            session.derive()
            _settle()
        yield number


def main() -> int:
    """Print the memory as it goes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        from app.main_window import MainWindow
        from app.window import make_application

        make_application([])
        window = MainWindow()
        window.show()
        window.arrange("build")
        while window.runner.state != "idle":
            _settle()
        small_problem(window)
        print("| what | done | window, MB | worker, MB | objects | open files |")
        print("|---|---|---|---|---|---|")
        for what, count, steps in (
            ("runs", options.runs, runs(window, options.runs)),
            ("nodes made and deleted", options.nodes, churn(window, options.nodes)),
        ):
            for number in steps:
                if number % max(1, count // 10) == 0:
                    gc.collect()
                    worker = resident(window.runner.engine.pid)
                    alive, files = len(gc.get_objects()), len(os.listdir("/proc/self/fd"))
                    own = resident()
                    print(
                        f"| {what} | {number} | {own:.1f} | {worker:.1f} | {alive} | {files} |",
                        flush=True,
                    )
        window.session.history.mark_clean()
        window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
