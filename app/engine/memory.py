"""Memory that the window and the worker both see: the control words, the history, the pictures.

Everything lies in anonymous memory (``memfd_create``, else an unlinked temporary file) whose file
descriptor is handed over, so it has no name that could outlive the two processes: nothing is left
behind, however they end. It is also not bounded by the size of ``/dev/shm``, which in a container
is often 64 MB, with a bus error beyond.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")


__all__ = ["HISTORY_COLUMNS", "Board", "FrameBuffer", "anonymous_memory"]

HISTORY_COLUMNS = (
    "iteration",
    "seconds",
    "objective",
    "primal_residual",
    "dual_residual",
    "psnr",
    "primal_tolerance",
    "dual_tolerance",
)

# Taking and releasing a lock is a full memory barrier, which Python offers nowhere else; without
# it a processor other than x86 may show the other side a counter before what it counts.
_LOCK = threading.Lock()


def _barrier() -> None:
    with _LOCK:
        pass


def anonymous_memory(size: int) -> int:
    """A new file descriptor for ``size`` bytes of zeroed memory without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("dprox-studio", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Board:
    """Control words in both directions and the ring of history rows.

    Each word has one writer. The window writes which runs are to stop, whether to pause, how many
    single steps were granted and which picture it took last; the worker writes the rest.
    """

    ROWS = 65536
    _WORDS = 64
    _WIDTH = len(HISTORY_COLUMNS) + 1  # the last column says which solve the row belongs to
    SIZE = 8 * (_WORDS + ROWS * _WIDTH)

    _STOP, _PAUSE, _STEPS, _TAKEN = 0, 1, 2, 3
    _WRITTEN, _FRAME, _HOLDING = 16, 17, 18

    def __init__(self, descriptor: int) -> None:
        shared = mmap.mmap(descriptor, self.SIZE)
        self._words = np.frombuffer(shared, np.int64, self._WORDS)
        rows = np.frombuffer(shared, np.float64, self.ROWS * self._WIDTH, offset=8 * self._WORDS)
        self._rows = rows.reshape(self.ROWS, self._WIDTH)
        self._read = 0

    # The window's side.

    def request_stop(self, run: int) -> None:
        """Ask every run up to and including this one to stop."""
        self._words[self._STOP] = max(run, int(self._words[self._STOP]))

    def set_paused(self, paused: bool) -> None:
        """Ask the worker to hold at the next iteration boundary, or let it go on."""
        self._words[self._PAUSE] = paused

    def set_steps(self, granted: int) -> None:
        """Say how many single steps were granted so far."""
        self._words[self._STEPS] = granted

    def take_frame(self, frame: int) -> None:
        """Say that this picture was taken, so that a newer one may be drawn."""
        self._words[self._TAKEN] = frame

    def take_rows(self, solve: int) -> npt.NDArray[np.float64]:
        """The rows not read so far that belong to solves up to this one, ``(n, 8)``."""
        written = int(self._words[self._WRITTEN])
        _barrier()
        # A window that was frozen for very long loses the oldest rows, never the newest.
        first = max(self._read, written - self.ROWS)
        rows = self._rows[np.arange(first, written) % self.ROWS]
        mine = int(np.count_nonzero(rows[:, -1] <= solve))
        self._read = first + mine
        return rows[:mine, :-1]

    @property
    def has_rows(self) -> bool:
        """Whether rows are waiting to be taken."""
        return int(self._words[self._WRITTEN]) > self._read

    @property
    def holding(self) -> bool:
        """Whether the worker stands still at an iteration boundary."""
        return bool(self._words[self._HOLDING])

    @property
    def frame(self) -> int:
        """The number of the newest picture drawn, 0 before the first."""
        frame = int(self._words[self._FRAME])
        _barrier()
        return frame

    # The worker's side.

    def stop_requested(self, run: int) -> bool:
        """Whether this run was asked to stop."""
        return bool(self._words[self._STOP] >= run)

    @property
    def paused(self) -> bool:
        """Whether the window wants the worker to hold."""
        return bool(self._words[self._PAUSE])

    @property
    def steps(self) -> int:
        """How many single steps were granted so far."""
        return int(self._words[self._STEPS])

    @property
    def frame_taken(self) -> int:
        """The number of the picture that the window took last."""
        return int(self._words[self._TAKEN])

    def set_holding(self, holding: bool) -> None:
        """Say whether the worker stands still."""
        self._words[self._HOLDING] = holding

    def append_row(self, values: tuple[float, ...], solve: int) -> None:
        """Write one row of history, in the order of ``HISTORY_COLUMNS``."""
        written = int(self._words[self._WRITTEN])
        self._rows[written % self.ROWS] = (*values, float(solve))
        _barrier()
        self._words[self._WRITTEN] = written + 1

    def publish_frame(self, frame: int) -> None:
        """Say that this picture is drawn."""
        _barrier()
        self._words[self._FRAME] = frame


class FrameBuffer:
    """Two pictures side by side: one that the window may look at, one to draw the next into.

    Frame ``n`` lies in slot ``n % 2``. A frame is guarded by its number written before and after
    it: a reader that sees two different ones was overtaken and looks again.

    Args:
        descriptor: memory of at least ``FrameBuffer.size(shape)`` bytes.
        shape: ``(H, W)`` or ``(H, W, 3)``.
    """

    _HEAD = 64

    def __init__(self, descriptor: int, shape: tuple[int, ...]) -> None:
        self.shape = shape
        shared = mmap.mmap(descriptor, self.size(shape))
        count = int(np.prod(shape))
        self._slots = []
        for start in (0, self._slot_size(shape)):
            head = np.frombuffer(shared, np.int64, 8, offset=start)
            data = np.frombuffer(shared, np.float32, count, offset=start + self._HEAD)
            display = np.frombuffer(shared, np.uint8, count, offset=start + self._HEAD + 4 * count)
            self._slots.append((head, display.reshape(shape), data.reshape(shape)))

    @classmethod
    def _slot_size(cls, shape: tuple[int, ...]) -> int:
        return cls._HEAD + -(-5 * int(np.prod(shape)) // 64) * 64

    @classmethod
    def size(cls, shape: tuple[int, ...]) -> int:
        """How many bytes two pictures of this shape take."""
        return 2 * cls._slot_size(shape)

    def write(
        self,
        frame: int,
        iteration: int,
        draw: Callable[[npt.NDArray[np.uint8], npt.NDArray[np.float32]], None],
    ) -> None:
        """Let ``draw(display, data)`` fill the slot of this frame."""
        head, display, data = self._slots[frame % 2]
        head[0] = frame
        _barrier()
        draw(display, data)
        head[2] = iteration
        _barrier()
        head[1] = frame

    def read_display(self, frame: int) -> tuple[int, npt.NDArray[np.uint8]] | None:
        """The iteration and a copy of the picture, or None if it was overtaken."""
        head, display, _ = self._slots[frame % 2]
        if head[1] != frame:
            return None
        _barrier()
        iteration, copy = int(head[2]), display.copy()
        _barrier()
        return (iteration, copy) if head[0] == frame else None

    def read_data(self, frame: int) -> npt.NDArray[np.float32] | None:
        """A copy of the values behind the picture, or None if it was overtaken."""
        head, _, data = self._slots[frame % 2]
        if head[1] != frame:
            return None
        _barrier()
        copy = data.copy()
        _barrier()
        return copy if head[0] == frame else None
