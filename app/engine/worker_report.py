"""Tells the window how a run goes: messages for what is rare, shared memory for each iteration."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from app.engine.channel import Channel
from app.engine.memory import Board, FrameBuffer, anonymous_memory
from app.engine.protocol import (
    Execute,
    FrameStarted,
    NodeFinished,
    NodeStarted,
    Output,
    SolveFinished,
    SolveStarted,
)
from app.engine.worker_image import Picture, draw, node_image, picture_of
from app.engine.worker_run import Observer

__all__ = ["Reporter"]

_SHARE = 6  # drawing waits this many times as long as it took: at most a seventh of the time
_NAP = 0.01  # seconds between two looks at the control words while paused


class Reporter(Observer):
    """Watches one run for the window.

    Args:
        command: the run.
        channel: where messages go.
        board: the control words and the history.
        solve: how many solves this worker has begun before; counts on.
    """

    def __init__(self, command: Execute, channel: Channel, board: Board, solve: int) -> None:
        self._run = command.run
        self._channel = channel
        self._board = board
        self._steps = command.steps
        self.solve = solve
        self._pictures = _Pictures(channel, board)
        self.outputs: list[Output] = []

    def should_stop(self) -> bool:
        """Whether the window asked this run to stop."""
        return self._board.stop_requested(self._run)

    def node_started(self, node: str) -> None:
        """Pass it on."""
        self._channel.send(NodeStarted(self._run, node))

    def node_finished(self, node: str, seconds: float | None) -> None:
        """Pass it on."""
        self._channel.send(NodeFinished(self._run, node, seconds))

    def node_value(self, node: str, value: object) -> None:
        """Show it, where it is an image."""
        message = node_image(self._run, node, value)
        if message is not None:
            self._channel.send(message)

    def output(self, node: str | None, event: Any) -> None:
        """Show the saved image on the node that saved it."""
        self.outputs.append(Output(node, str(event.name), str(event.path)))
        if node is not None:
            self.node_value(node, event.image)

    def solve_started(self, node: str | None, event: Any) -> None:
        """Pass on the plan; hold before the first iteration where the window wants that."""
        self.solve += 1
        self._pictures.begin(self.solve)
        self._channel.send(
            SolveStarted(
                run=self._run,
                node=node,
                plan=event.plan.to_dict(),
                plan_text=event.plan.explain(),
                max_iter=int(event.max_iter),
                tolerances={key: float(value) for key, value in event.tolerances.items()},
                variables=tuple(event.variables),
                solve=self.solve,
            )
        )
        self._hold(lambda: None)

    def iteration(self, event: Any) -> None:
        """Write a row of history, draw the iterate if the last picture was taken, pause."""
        self._board.append_row(
            (
                float(event.iteration),
                float(event.seconds),
                _number(event.objective),
                _number(event.primal_residual),
                _number(event.dual_residual),
                _number(event.psnr),
                _number(event.primal_tolerance),
                _number(event.dual_tolerance),
            ),
            self.solve,
        )
        self._pictures.offer(event.iteration, lambda: event.iterate)
        self._hold(lambda: self._pictures.offer(event.iteration, lambda: event.iterate, True))

    def solve_finished(self, node: str | None, event: Any) -> None:
        """Draw the result, then say how it ended."""
        result = event.result
        # Not the last iterate: of a solve that diverged, the result is the last good one.
        values = {variable.name: value for variable, value in result.values.items()}
        self._pictures.draw(int(result.iterations), lambda: values)
        self._channel.send(
            SolveFinished(
                run=self._run,
                node=node,
                status=result.status.value,
                sentence=result.status.sentence,
                converged=bool(result.converged),
                iterations=int(result.iterations),
                seconds=float(result.seconds),
                objective=_number(result.objective),
                metrics={str(key): _number(value) for key, value in dict(result.metrics).items()},
                solve=self.solve,
            )
        )

    def _hold(self, show: Callable[[], None]) -> None:
        """Stand still while the window wants it, but for as many iterations as it granted."""
        board = self._board
        if not board.paused:
            self._steps = board.steps
            return
        while board.paused and not self.should_stop():
            if board.steps > self._steps:
                self._steps += 1
                break
            if not board.holding:
                show()
                board.set_holding(True)
            time.sleep(_NAP)
        board.set_holding(False)


class _Pictures:
    """Draws iterates into shared memory, no more of them than are looked at."""

    def __init__(self, channel: Channel, board: Board) -> None:
        self._channel = channel
        self._board = board
        self._solve = 0
        self._frame = board.frame
        self._drawn: int | None = None  # the iteration of the newest picture of this solve
        self._buffer: FrameBuffer | None = None
        self._due = 0.0

    def begin(self, solve: int) -> None:
        """A new solve gets memory of its own, so pictures of the last one stay as they are."""
        self._solve, self._buffer, self._drawn, self._due = solve, None, None, 0.0

    def offer(
        self, iteration: int, read: Callable[[], Mapping[str, Any]], force: bool = False
    ) -> None:
        """Draw an iterate if the last picture was taken, or if it has to be seen."""
        if iteration == self._drawn:
            return
        if force or self._buffer is None or (self._taken and time.perf_counter() > self._due):
            self.draw(iteration, read)

    def draw(self, iteration: int, read: Callable[[], Mapping[str, Any]]) -> None:
        """Draw the first of the variables that is an image."""
        begin, values = time.perf_counter(), read()
        drawable = ((name, picture_of(value)) for name, value in values.items())
        name, picture = next((pair for pair in drawable if pair[1] is not None), ("", None))
        if picture is None:
            return
        if self._buffer is None or self._buffer.shape != picture.shape:
            self._frame += 1
            self._buffer = self._allocate(name, picture)
        else:
            # A picture that was not taken is drawn over: its neighbour may be being looked at.
            self._frame += 1 if self._taken else 2
        self._buffer.write(self._frame, iteration, lambda *arrays: draw(picture, *arrays))
        self._drawn = iteration
        end = time.perf_counter()
        self._due = end + _SHARE * (end - begin)
        self._board.publish_frame(self._frame)

    @property
    def _taken(self) -> bool:
        return self._board.frame_taken == self._frame

    def _allocate(self, name: str, picture: Picture) -> FrameBuffer:
        memory = anonymous_memory(FrameBuffer.size(picture.shape))
        buffer = FrameBuffer(memory, picture.shape)
        self._channel.send(
            FrameStarted(self._frame, name, picture.shape, picture.reduction, self._solve), memory
        )
        return buffer


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
