"""Messages arrive as they were sent, whole, in order, with what was handed over beside them."""

from __future__ import annotations

import math
import mmap
import os
import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from app.engine.channel import Channel
from app.engine.memory import anonymous_memory
from app.engine.protocol import (
    Execute,
    FrameStarted,
    NodeImage,
    NodeStarted,
    Output,
    Piece,
    Program,
    RunFailed,
    RunFinished,
    SolveStarted,
)
from app.engine.wire_format import decode, encode


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    window, worker = Channel(a, blocking=False), Channel(b, blocking=True)
    yield window, worker
    window.close()
    worker.close()


def _image(size: int) -> NodeImage:
    values = np.arange(size * size * 3, dtype=np.float32).reshape(size, size, 3)
    return NodeImage(1, "n", values[:2, :2], values, 1, -1.0, 2.0, (1, 3, size, size), "float32")


@pytest.mark.parametrize(
    "message",
    [
        NodeStarted(3, 'größe ∇ \n" \\ 😀'),
        RunFailed(1, None, "Schade: “x”.", "Traceback\n  …"),
        RunFinished(4, (Output("n", "x", "/a/x.png"), Output(None, "y", "y.png"))),
        Execute(7, Program("x = 1\n# ∇\n", (Piece("n", "x", 1, 0, 1, 5),)), "/home", steps=3),
        SolveStarted(1, "n", {"a": (1, 2.5), "b": {"c": None}}, "plan", 9, {"abs": 0.1}, ("x",)),
    ],
)
def test_a_message_survives_the_wire(message: object) -> None:
    line, arrays = encode(message)
    assert not arrays
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_numbers_that_are_none_survive_the_wire() -> None:
    message = SolveStarted(1, "n", {}, "", 1, {"abs": math.inf, "rel": math.nan})
    back = decode(encode(message)[0])
    assert back.tolerances["abs"] == math.inf
    assert math.isnan(back.tolerances["rel"])


@pytest.mark.parametrize("size", [2, 50, 700])  # 700² × 3 floats are mapped, not copied
def test_arrays_travel_beside_the_line(ends: tuple[Channel, Channel], size: int) -> None:
    window, worker = ends
    sent = _image(size)
    worker.send(NodeStarted(1, "before"))
    worker.send(sent)
    worker.send(NodeStarted(1, "after"))
    before, image, after = (message for message, _ in window.receive())
    assert (before.node, after.node) == ("before", "after")
    assert np.array_equal(image.full, sent.full)
    assert np.array_equal(image.array, sent.array)
    assert image.full.dtype == np.float32
    assert image.shape == sent.shape


def test_memory_is_handed_over(ends: tuple[Channel, Channel]) -> None:
    window, worker = ends
    descriptor = anonymous_memory(100)
    with mmap.mmap(descriptor, 100) as shared:
        shared[:5] = b"hello"
    worker.send(FrameStarted(1, "x", (2, 2), 1, 1), descriptor)
    ((message, received),) = window.receive()
    assert message.variable == "x"
    assert received is not None
    assert not os.get_inheritable(received)
    with mmap.mmap(received, 100) as shared:
        assert shared[:5] == b"hello"
    os.close(received)


def test_the_window_never_waits(ends: tuple[Channel, Channel]) -> None:
    window, worker = ends
    assert window.receive() == []
    # Far more than the system takes: the rest is kept, and goes when there is room.
    long = [NodeStarted(k, "x" * 50_000) for k in range(60)]
    for message in long:
        window.send(message)
    received: list[object] = []

    def read() -> None:
        while len(received) < len(long):
            received.extend(message for message, _ in worker.receive())

    reader = threading.Thread(target=read)
    reader.start()
    while reader.is_alive():
        window.flush()
        reader.join(0.001)
    assert received == long


def test_the_end_is_told_after_the_last_word(ends: tuple[Channel, Channel]) -> None:
    window, worker = ends
    worker.send(NodeStarted(1, "last"))
    worker.close()
    assert [message.node for message, _ in window.receive()] == ["last"]
    with pytest.raises(EOFError):
        window.receive()
    window.send(NodeStarted(1, "nobody hears this"))


def test_nothing_stays_open(ends: tuple[Channel, Channel]) -> None:
    window, worker = ends
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(30):
        worker.send(_image(700))
    messages = window.receive()
    assert len(messages) == 30
    del messages
    worker.send(FrameStarted(1, "x", (2, 2), 1, 1), anonymous_memory(64))
    ((_, descriptor),) = window.receive()
    assert descriptor is not None
    os.close(descriptor)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before


def test_a_complex_picture_brings_its_phase() -> None:
    import torch

    from app.engine.wire_format import decode, encode
    from app.engine.worker_image import node_image

    value = torch.polar(torch.rand(1, 1, 12, 9), torch.rand(1, 1, 12, 9) * 6 - 3)
    image = node_image(1, "a", value)
    assert image is not None
    assert np.allclose(image.full * np.exp(1j * image.phase), value[0, 0].numpy(), atol=1e-6)
    plain = node_image(1, "a", torch.rand(8, 8))
    assert plain is not None
    assert plain.phase.size == 0
    line, arrays = encode(plain)
    memory = b"".join(a.tobytes().ljust(-(-a.nbytes // 64) * 64, b"\0") for a in arrays)
    assert decode(line, memory).phase.shape == (0, 0)
