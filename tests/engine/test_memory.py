"""Shared memory: the ring keeps order, a picture is never seen half drawn."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from app.engine.live import Pictures, StaleImageError
from app.engine.memory import HISTORY_COLUMNS, Board, FrameBuffer, anonymous_memory
from app.engine.protocol import FrameStarted


@pytest.fixture
def two_boards() -> tuple[Board, Board]:
    descriptor = anonymous_memory(Board.SIZE)
    boards = Board(descriptor), Board(descriptor)
    os.close(descriptor)
    return boards


def _row(k: int) -> tuple[float, ...]:
    return tuple(float(k + column) for column in range(len(HISTORY_COLUMNS)))


def test_rows_arrive_once_and_in_order(two_boards: tuple[Board, Board]) -> None:
    window, worker = two_boards
    assert window.take_rows(9).shape == (0, 8)
    for k in range(5):
        worker.append_row(_row(k), solve=1)
    assert np.array_equal(window.take_rows(9), [_row(k) for k in range(5)])
    assert len(window.take_rows(9)) == 0
    worker.append_row(_row(5), solve=1)
    assert np.array_equal(window.take_rows(9), [_row(5)])


def test_rows_of_a_later_solve_wait(two_boards: tuple[Board, Board]) -> None:
    window, worker = two_boards
    for k in range(4):
        worker.append_row(_row(k), solve=1 + k // 2)
    assert np.array_equal(window.take_rows(1), [_row(0), _row(1)])
    assert len(window.take_rows(1)) == 0
    assert np.array_equal(window.take_rows(2), [_row(2), _row(3)])


def test_a_full_ring_loses_the_oldest_rows_only(two_boards: tuple[Board, Board]) -> None:
    window, worker = two_boards
    count = Board.ROWS + 10
    for k in range(count):
        worker.append_row(_row(k), solve=1)
    rows = window.take_rows(1)
    assert np.array_equal(rows[:, 0], np.arange(10, count))
    worker.append_row(_row(count), solve=1)
    assert np.array_equal(window.take_rows(1)[:, 0], [count])


def test_stops_are_for_runs_up_to_a_number(two_boards: tuple[Board, Board]) -> None:
    window, worker = two_boards
    window.request_stop(3)
    window.request_stop(2)
    assert worker.stop_requested(1)
    assert worker.stop_requested(3)
    assert not worker.stop_requested(4)


def _frames(shape: tuple[int, ...]) -> tuple[FrameBuffer, FrameBuffer, int]:
    descriptor = anonymous_memory(FrameBuffer.size(shape))
    return FrameBuffer(descriptor, shape), FrameBuffer(descriptor, shape), descriptor


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (33, 65, 3)])
def test_a_frame_is_what_was_drawn(shape: tuple[int, ...]) -> None:
    writer, reader, descriptor = _frames(shape)
    os.close(descriptor)
    values = np.random.default_rng(0).random(shape).astype(np.float32)

    def draw(display: np.ndarray, data: np.ndarray) -> None:
        display[...] = values * 255
        data[...] = values

    for frame in (1, 2, 3):
        assert reader.read_display(frame) is None
        writer.write(frame, 10 * frame, draw)
        read = reader.read_display(frame)
        assert read is not None
        assert read[0] == 10 * frame
        assert np.array_equal(read[1], (values * 255).astype(np.uint8))
        assert np.array_equal(reader.read_data(frame), values)
    assert reader.read_data(1) is None
    assert reader.read_data(2) is not None


def test_a_frame_is_never_torn() -> None:
    writer, reader, descriptor = _frames((64, 64))
    os.close(descriptor)
    done = threading.Event()

    def write() -> None:
        for frame in range(1, 3000):
            writer.write(frame, frame, lambda display, data, f=frame: display.fill(f % 256))
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = torn = 0
    while not done.is_set():
        for frame in range(1, 3000, 7):
            read = reader.read_display(frame)
            if read is not None:
                seen += 1
                torn += bool((read[1] != frame % 256).any())
    thread.join()
    assert torn == 0
    assert reader.read_display(2999) is not None or seen


def test_an_older_picture_says_so_when_asked_for_its_values(
    two_boards: tuple[Board, Board],
) -> None:
    window, worker = two_boards
    writer, _, descriptor = _frames((4, 6))
    pictures = Pictures()
    pictures.add(FrameStarted(1, "x", (4, 6), 1, 1), descriptor)
    assert pictures.newest(window) is None
    images = []
    for frame in (1, 2, 3):

        def draw(display: np.ndarray, data: np.ndarray, frame: int = frame) -> None:
            display.fill(frame)
            data.fill(frame)

        writer.write(frame, frame, draw)
        worker.publish_frame(frame)
        images.append(pictures.newest(window))
        assert worker.frame_taken == frame
        assert images[-1] is not None
        assert images[-1].iteration == frame
        assert (images[-1].data() == frame).all()
    assert (images[1].data() == 2).all()
    with pytest.raises(StaleImageError, match="Iteration 1 has been replaced"):
        images[0].data()
    assert (images[0].display == 1).all()


def test_memory_has_no_name_that_could_stay_behind() -> None:
    before = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    descriptor = anonymous_memory(1 << 20)
    assert os.fstat(descriptor).st_size == 1 << 20
    assert os.fstat(descriptor).st_nlink == 0
    os.close(descriptor)
    assert not before ^ (set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set())
