"""The worker process: ``python -m app.engine.worker SOCKET BOARD SCRATCH``, started by the window.

It warms up (imports torch and the solver), then executes one script after the other. Its standard
input is the lifeline: when the parent is gone, however it went, the worker ends itself.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import socket
import sys
import threading
from pathlib import Path

from app.engine.channel import Channel
from app.engine.memory import Board
from app.engine.protocol import Execute, TryPrior
from app.engine.waiting import wait_briefly

# Before torch is imported; the parent has said so, a person who starts this by hand has not.
wait_briefly()


def _watch_lifeline(scratch: Path) -> None:
    """End this process when the parent's end of the lifeline closes."""
    lifeline = os.dup(0)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def main() -> None:
    """Serve one window until it goes."""
    channel_descriptor, board_descriptor, scratch = sys.argv[1:4]
    faulthandler.enable()
    _watch_lifeline(Path(scratch))
    channel = Channel(socket.socket(fileno=int(channel_descriptor)), blocking=True)
    board = Board(int(board_descriptor))
    os.close(int(board_descriptor))

    from app.engine import worker_serve

    channel.send(worker_serve.warm_up())
    server = worker_serve.Server(channel, board, Path(scratch))
    while True:
        try:
            commands = channel.receive()
        except EOFError:
            return
        for command, _ in commands:
            if isinstance(command, Execute):
                server.serve(command)
            elif isinstance(command, TryPrior):
                server.try_prior(command)


if __name__ == "__main__":
    main()
