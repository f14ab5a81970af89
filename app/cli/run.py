"""``dprox-studio run FILE``: solve without a window, and write what comes out."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from app.cli.documents import load, override, script_of, set_max_iter, valid
from app.cli.errors import DONE, FAILED, CommandError
from app.cli.failures import command_error
from app.cli.folder import OutputFolder
from app.cli.progress import Progress
from app.engine.protocol import Program
from app.engine.waiting import wait_briefly
from nodes.document import Document

__all__ = ["main", "run"]


class _Interrupt:
    """Remembers the first signal to stop, so that a solve ends in order; the second ends it now."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def _interruptible() -> Iterator[_Interrupt]:
    interrupt = _Interrupt()
    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before[number] = signal.signal(number, interrupt)
    except ValueError:
        pass  # not in the main thread, where nobody presses Ctrl-C
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(options: argparse.Namespace) -> int:
    """Carry out ``run``."""
    document = load(options.file)
    override(document, options.assignments)
    if options.max_iter is not None:
        set_max_iter(document, options.max_iter)
    name = options.file.removeprefix("example:")
    out = Path(options.out) if options.out is not None else Path("out") / Path(name).stem
    return run(document, out, options.device)


def run(document: Document, out: Path, device: str = "auto") -> int:
    """Solve a document and fill a folder.

    Args:
        document: the graph.
        out: the folder; made if it is not there.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.

    Returns:
        The exit code.

    Raises:
        CommandError: the document is wrong, the folder cannot be written to, or the solve failed.
    """
    for issue in valid(document):
        if issue.severity == "warning":
            print(f"dprox-studio: {issue.sentence}", file=sys.stderr)
    names = {node.id: node.name for node in document.nodes}
    # Its paths start from the folder it is written to, so that it runs there as it is.
    base = out.absolute()
    script = script_of(document, base)
    progress = Progress()
    with OutputFolder(out) as folder, _interruptible() as interrupt:
        # Only now: the import takes a second, and what is wrong above is said at once.
        wait_briefly()
        from app.cli.record import Recorder
        from app.engine import worker_run
        from app.engine.worker_serve import versions

        recorder = Recorder(folder.stage, names, progress, lambda: interrupt.signal is not None)
        begin = time.perf_counter()
        try:
            ending = worker_run.execute(
                Program.of(script, names=names),
                recorder,
                base=base,
                device=device,
                out=folder.stage,
            )
        finally:
            progress.clear()
        if ending.failure is not None:
            if ending.failure.kind == "disk":
                raise folder.failure(OSError(ending.failure.errno, ""))
            raise command_error(ending.failure)
        stopped = 128 + (interrupt.signal or signal.SIGINT) if ending.stopped else None
        if stopped is not None and not recorder.solves:
            print("dprox-studio: Stopped before the solve began.", file=sys.stderr)
            return stopped
        report = {
            "title": document.title,
            "document": str(document.path) if document.path else None,
            "images": {name: list(shape) for name, shape in recorder.images.items()},
            "total_seconds": time.perf_counter() - begin,
            "versions": versions(),
        }
        try:
            recorder.write(script.text, report)
        except OSError as error:
            raise folder.failure(error) from error
        written = folder.commit()
    print(f"Wrote to {out}:")
    for path in written:
        print(f"  {path.relative_to(out)}")
    if not recorder.images:
        print("The graph has no view node, so no image was written.")
    failed = [solve for solve in recorder.solves if solve.failed]
    if failed:
        sentence = failed[-1].result.status.sentence
        raise CommandError(
            f"{failed[-1].name}: {sentence} What was written is the last good iterate.",
            code=FAILED,
        )
    return DONE if stopped is None else stopped
