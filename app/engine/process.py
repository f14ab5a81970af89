"""A worker process as its parent sees it: started, spoken to, listened to, ended, cleared away.

No call here waits, except the start itself, which takes the few milliseconds the system needs.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from app.engine.channel import Channel
from app.engine.memory import Board, anonymous_memory
from app.engine.waiting import wait_briefly

__all__ = ["WorkerProcess", "worker_threads"]

_ROOT = Path(__file__).resolve().parents[2]
_LAST_WORDS = 1 << 16


def worker_threads() -> int:
    """How many threads the worker computes with: one core is left to the window."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, cores - 1)


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    threads = str(worker_threads())
    # These are read when torch is imported.
    wait_briefly(environment)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = min(environment.get(name, threads), threads, key=_as_count)
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    if _ROOT not in {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}:
        # Run from a checkout that may not be installed.
        paths = [str(_ROOT), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


def _as_count(text: str) -> int:
    try:
        return max(1, int(text))
    except ValueError:
        return sys.maxsize


class WorkerProcess:
    """One worker process and the three lines to it: messages, shared words, captured output.

    Its standard input is the lifeline: the worker ends itself when that closes, so it cannot
    outlive a parent that crashed. Its standard output and error are captured, so a script that
    prints cannot disturb the messages.

    Raises:
        OSError: the system does not let a process start.
    """

    def __init__(self) -> None:
        self.board_descriptor = anonymous_memory(Board.SIZE)
        self.board = Board(self.board_descriptor)
        self.scratch = Path(tempfile.mkdtemp(prefix="dprox-studio-"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # a file called random.py beside the user's document is not the library's
                    "-m",
                    "app.engine.worker",
                    str(theirs.fileno()),
                    str(self.board_descriptor),
                    str(self.scratch),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                pass_fds=(theirs.fileno(), self.board_descriptor),
                env=_environment(),
                start_new_session=True,  # Ctrl-C in a terminal is for the parent to answer
            )
        except BaseException:
            ours.close()
            shutil.rmtree(self.scratch, ignore_errors=True)
            raise
        finally:
            theirs.close()
            os.close(self.board_descriptor)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self.channel = Channel(ours, blocking=False)
        self._last_words = bytearray()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it lives, else its exit code, negative for a signal."""
        return self._process.poll()

    @property
    def last_words(self) -> str:
        """The end of what the process has written to its standard output and error."""
        return bytes(self._last_words).decode("utf-8", "replace")

    def receive(self) -> list[tuple[Any, int | None]]:
        """The messages that have come in, without waiting."""
        try:
            return self.channel.receive()
        except EOFError:
            return []

    def read_output(self) -> str:
        """What the process has newly written to its standard output and error."""
        stream = self._process.stdout
        if stream is None or stream.closed:
            return ""
        try:
            new = os.read(stream.fileno(), 1 << 16)
        except (BlockingIOError, OSError):
            return ""
        self._last_words += new
        del self._last_words[:-_LAST_WORDS]
        return new.decode("utf-8", "replace")

    def end(self) -> None:
        """End the process now, whatever it is doing, and let go of everything that belonged to it.

        The process itself is cleared away by ``reaped``, a moment later.
        """
        if self._process.poll() is None:
            self._process.kill()
        self.channel.close()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def reaped(self, timeout: float = 0.0) -> bool:
        """Whether the ended process is gone, after waiting at most ``timeout`` seconds."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        # A worker that was ended while it wrote may have made a file after the first clearing.
        shutil.rmtree(self.scratch, ignore_errors=True)
        return True

    def obituary(self) -> str:
        """A sentence on how the process ended."""
        code = self._process.returncode
        if code is None:
            return "The solver process no longer answers."
        if code == -signal.SIGKILL:
            return (
                "The solver process was ended from outside, most often by the system because "
                "memory ran out: try a smaller image."
            )
        if code < 0:
            name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
            return f"The solver process crashed ({name})."
        return f"The solver process ended unexpectedly (exit code {code})."
