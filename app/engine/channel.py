"""One end of the socket between window and worker: lines of JSON, with memory handed over beside.

The worker's end blocks, the window's end never does: it sends and receives what the system takes
at once and keeps the rest for the next time it is asked.
"""

from __future__ import annotations

import mmap
import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from app.engine.memory import anonymous_memory
from app.engine.wire_format import ARRAY, decode, encode, padded
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
else:
    np = late("numpy")

__all__ = ["Channel"]

_CHUNK = 1 << 16
_COPIED = 1 << 22
_MOST_PER_READ = 1 << 22  # so that one look at a chatty worker cannot hold up the window


class Channel:
    """One end of a connected Unix socket.

    Args:
        connection: the socket; it belongs to the channel from now on.
        blocking: whether sending and receiving may wait.
    """

    def __init__(self, connection: socket.socket, blocking: bool) -> None:
        connection.setblocking(blocking)
        self._socket: socket.socket | None = connection
        self._blocking = blocking
        self._received = b""
        self._descriptors: deque[int] = deque()
        self._unsent: deque[tuple[bytes, int | None]] = deque()

    def close(self) -> None:
        """Close the socket and whatever was handed over and not used."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        while self._descriptors:
            os.close(self._descriptors.popleft())
        self._drop_unsent()

    def send(self, message: Any, memory: int | None = None) -> None:
        """Send a message, or keep what the system does not take now for ``flush``.

        Args:
            message: one of the dataclasses of ``protocol``.
            memory: a descriptor to hand over beside it; it belongs to the channel from now on.
        """
        line, arrays = encode(message)
        if arrays:
            memory = _memory_of(arrays)
        if memory is not None:
            line = b"@%d %s" % (os.fstat(memory).st_size, line)
        self._unsent.append((line, memory))
        self.flush()

    def flush(self) -> None:
        """Send what has not been sent yet, as far as the system takes it."""
        while self._unsent and self._socket is not None:
            line, memory = self._unsent[0]
            try:
                if memory is None:
                    sent = self._socket.send(line)
                else:
                    sent = socket.send_fds(self._socket, [line], [memory])
                    os.close(memory)
            except BlockingIOError:
                return
            except OSError:
                # The other side is gone; whoever watches over it will say so.
                self._drop_unsent()
                return
            if sent < len(line):
                self._unsent[0] = (line[sent:], None)
            else:
                self._unsent.popleft()

    def receive(self) -> list[tuple[Any, int | None]]:
        """The messages that have come in, each with the memory handed over for its receiver.

        Returns at once on a channel that does not block; on one that does, waits for at least one
        message. Memory that holds a message's arrays is part of the message; a descriptor is
        returned only where there are none, and belongs to the caller.

        Raises:
            EOFError: the other side has closed the channel and everything was read.
        """
        messages: list[tuple[Any, int | None]] = []
        total = 0
        while total < _MOST_PER_READ and not (self._blocking and messages):
            chunk = self._receive_chunk()
            if chunk is None:
                break
            if not chunk:
                if messages:
                    break
                raise EOFError
            total += len(chunk)
            *lines, self._received = (self._received + chunk).split(b"\n")
            messages += [self._decode(line) for line in lines]
        return messages

    def _receive_chunk(self) -> bytes | None:
        """What has come in: None is nothing yet, empty is the end."""
        if self._socket is None:
            return b""
        try:
            chunk, descriptors, _, _ = socket.recv_fds(self._socket, _CHUNK, 16)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # a received one is, other than one made here
            self._descriptors.append(descriptor)
        return chunk

    def _decode(self, line: bytes) -> tuple[Any, int | None]:
        if not line.startswith(b"@"):
            return decode(line), None
        size, _, body = line[1:].partition(b" ")
        descriptor = self._descriptors.popleft()
        if ARRAY not in body:
            return decode(body), descriptor
        try:
            memory = mmap.mmap(descriptor, int(size), access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
        # A mapping holds a descriptor of its own, of which there may be only a thousand: what is
        # quick to copy is copied, and only large pictures stay where they are.
        return decode(body, memory if len(memory) > _COPIED else memory[:]), None

    def _drop_unsent(self) -> None:
        while self._unsent:
            memory = self._unsent.popleft()[1]
            if memory is not None:
                os.close(memory)


def _memory_of(arrays: list[np.ndarray[Any, Any]]) -> int:
    """Anonymous memory that holds the arrays one after the other, each on a multiple of 64."""
    sizes = [padded(array.nbytes) for array in arrays]
    total = max(64, sum(sizes))
    descriptor = anonymous_memory(total)
    shared = mmap.mmap(descriptor, total)
    start = 0
    for array, size in zip(arrays, sizes, strict=True):
        target = np.frombuffer(shared, array.dtype, array.size, offset=start)
        target[:] = array.ravel()
        start += size
    return descriptor
