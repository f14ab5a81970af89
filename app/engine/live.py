"""The running iterate as the window sees it: the newest picture, taken out of shared memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.engine.memory import Board, FrameBuffer
from app.engine.protocol import FrameStarted
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:
    np = late("numpy")

__all__ = ["LiveImage", "Pictures", "StaleImageError"]


class StaleImageError(LookupError):
    """The values behind an older picture are asked for, and a newer one lies in their place."""


@dataclass(frozen=True)
class LiveImage:
    """One iterate.

    Attributes:
        iteration: after which iteration it was drawn.
        display: a copy of the picture, uint8 ``(H, W)`` or ``(H, W, 3)``; 0…1 became 0…255, values
            beyond are clipped, complex values are shown by their modulus.
        variable: the variable's name.
        solve: the number of the solve, as in ``SolveStarted``.
        reduction: 1 where each pixel is one of the iterate's; n where blocks of n × n were
            averaged because the iterate has more than 4 megapixels.
    """

    iteration: int
    display: npt.NDArray[np.uint8]
    variable: str
    solve: int
    reduction: int
    _frame: int
    _buffer: FrameBuffer

    def data(self) -> npt.NDArray[np.float32]:
        """A copy of the values behind the picture, unclipped, of the same shape.

        They are there as long as no newer picture has come, also after the worker's death.

        Raises:
            StaleImageError: a newer picture has come.
        """
        values = self._buffer.read_data(self._frame)
        if values is None:
            raise StaleImageError(
                f"Iteration {self.iteration} has been replaced by a newer one: "
                "ask the newest picture for its values."
            )
        return values


class Pictures:
    """Finds the newest picture of a worker. One solve, one double buffer."""

    def __init__(self) -> None:
        self._buffers: list[tuple[FrameStarted, FrameBuffer]] = []
        self._taken = 0

    def add(self, started: FrameStarted, descriptor: int) -> None:
        """Take note of the memory in which pictures from a number on will lie."""
        try:
            self._buffers.append((started, FrameBuffer(descriptor, started.shape)))
        finally:
            os.close(descriptor)  # the mapping stays

    def newest(self, board: Board) -> LiveImage | None:
        """The newest picture, if there is one that was not taken before."""
        for _ in range(3):
            frame = board.frame
            if frame <= self._taken:
                return None
            held = [pair for pair in self._buffers if pair[0].first <= frame]
            if not held:
                return None
            started, buffer = held[-1]
            picture = buffer.read_display(frame)
            if picture is None:
                continue  # drawn over while we looked: there is a newer one
            self._taken = frame
            board.take_frame(frame)
            self._buffers = self._buffers[self._buffers.index(held[-1]) :]
            iteration, display = picture
            return LiveImage(
                iteration,
                display,
                started.variable,
                started.solve,
                started.reduction,
                frame,
                buffer,
            )
        return None
