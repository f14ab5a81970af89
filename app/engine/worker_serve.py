"""What the worker does with a command, once torch is there."""

from __future__ import annotations

import gc
import logging
import platform
import shutil
from pathlib import Path

import numpy as np
import torch

import dprox_core as dp
import nodes
from app.engine.channel import Channel
from app.engine.memory import Board
from app.engine.process import worker_threads
from app.engine.protocol import (
    Execute,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    TryPrior,
    WorkerReady,
)
from app.engine.worker_cache import Cache
from app.engine.worker_report import Reporter
from app.engine.worker_run import execute
from app.engine.worker_trial import trial

log = logging.getLogger(__name__)

__all__ = ["Server", "devices", "versions", "warm_up"]


def versions() -> dict[str, str]:
    """What the arrays depend on."""
    found = {
        "dprox-studio": nodes.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    return found


def devices() -> dict[str, str]:
    """The devices there are, with the words a person knows them by."""
    threads = torch.get_num_threads()
    found = {"cpu": f"CPU, {threads} thread{'s' if threads > 1 else ''}"}
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            name = "cuda" if index == 0 else f"cuda:{index}"
            found[name] = torch.cuda.get_device_name(index)
    return found


def warm_up() -> WorkerReady:
    """Do once what the first solve would otherwise wait for, and say what there is."""
    torch.set_num_threads(min(worker_threads(), torch.get_num_threads()))
    try:
        # The compiler and the algorithms are imported, and FFTs planned, when first used.
        x = dp.Variable("x", shape=(1, 1, 16, 16))
        term = dp.sum_squares(dp.conv(x, dp.gaussian_psf(size=3)) - 1.0)
        dp.Problem(term + dp.norm1(dp.grad(x))).solve(method="admm", max_iter=2, device="cpu")
    except dp.DproxError:
        log.warning("The solver could not be warmed up.", exc_info=True)
    titles = devices()
    return WorkerReady(tuple(titles), versions(), titles)


class Server:
    """Executes commands, one after the other.

    Args:
        channel: where messages go.
        board: the control words and the history.
        scratch: a folder for images nobody wants to keep; whoever ends the worker clears it.
    """

    def __init__(self, channel: Channel, board: Board, scratch: Path) -> None:
        self._channel = channel
        self._board = board
        self._scratch = scratch
        self._solves = 0
        self._cache = Cache()

    def serve(self, command: Execute) -> None:
        """Execute a script and say how it ended; never raises."""
        run, preview = command.run, command.preview
        self._channel.send(RunStarted(run, preview))
        reporter = Reporter(command, self._channel, self._board, self._solves)
        kept = command.out is not None
        out = Path(command.out) if command.out is not None else self._scratch / str(run)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            sentence = f"The folder “{out}” cannot be written to: {error.strerror or error}."
            self._channel.send(RunFailed(run, None, sentence, str(error), preview))
            return
        ending = execute(
            command.program,
            reporter,
            base=Path(command.base) if command.base is not None else None,
            device=command.device,
            out=out,
            preview=preview,
            watch_values=True,
            cache=self._cache,
        )
        self._solves = reporter.solve
        ending.namespace.clear()
        if not kept:
            shutil.rmtree(out, ignore_errors=True)
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        if ending.failure is not None:
            self._cache.clear()  # it may have been memory that was missing
            failure = ending.failure
            node = failure.piece.node if failure.piece else None
            message = RunFailed(run, node, failure.sentence, failure.details, preview)
            self._channel.send(message)
        elif ending.stopped:
            self._channel.send(RunStopped(run, preview=preview))
        else:
            outputs = tuple(reporter.outputs) if kept else ()
            self._channel.send(RunFinished(run, outputs, preview))

    def try_prior(self, command: TryPrior) -> None:
        """Let a prior denoise a patch and say how it fared; never raises."""
        self._channel.send(trial(command))
