"""What has come from one worker, in the order in which a window can understand it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.engine.live import LiveImage, Pictures
from app.engine.memory import HISTORY_COLUMNS
from app.engine.process import WorkerProcess
from app.engine.protocol import FrameStarted, Message, SolveStarted
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

__all__ = ["Mailbox", "Update"]


def _no_rows() -> npt.NDArray[np.float64]:
    return np.empty((0, len(HISTORY_COLUMNS)))


@dataclass
class Update:
    """What has come since the last look.

    Attributes:
        messages: in the order in which the worker sent them.
        history: new rows, ``(n, 8)``: iteration, seconds, objective, primal_residual,
            dual_residual, psnr, primal_tolerance, dual_tolerance; NaN where there is none. All rows
            of one update belong to one solve: the one of the last ``SolveStarted`` up to and
            including this update.
        image: the newest iterate, or None if there is no newer one than before.
        text: what the script and its libraries have printed.
    """

    messages: list[Message] = field(default_factory=list)
    history: npt.NDArray[np.float64] = field(default_factory=_no_rows)
    image: LiveImage | None = None
    text: str = ""


class Mailbox:
    """Collects messages, rows and pictures of one worker.

    Args:
        worker: whose; it may already be dead.
    """

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._messages: deque[Message] = deque()
        self._pictures = Pictures()
        self._solve = 0

    @property
    def is_empty(self) -> bool:
        """Whether every message received was delivered."""
        return not self._messages

    def receive(self, to_the_end: bool = False) -> None:
        """Take in what has come; of a dead worker, what it said to the last word."""
        while received := self._worker.receive():
            for message, memory in received:
                if not isinstance(message, FrameStarted):
                    self._messages.append(message)
                elif memory is not None:
                    self._pictures.add(message, memory)
            if not to_the_end:
                return

    def deliver(self) -> Update:
        """What is due now: everything, except that rows of two solves never come together."""
        update = Update(text=self._worker.read_output())
        board = self._worker.board
        while self._messages:
            message = self._messages[0]
            if isinstance(message, SolveStarted) and message.solve > self._solve:
                update.history = board.take_rows(self._solve)
                if len(update.history):
                    break  # the rows of the solve before it go first, alone
                self._solve = message.solve
            update.messages.append(self._messages.popleft())
        else:
            update.history = board.take_rows(self._solve)
        update.image = self._pictures.newest(board)
        return update
