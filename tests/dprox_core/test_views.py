"""Views of memory that is used again are cut once, and let go with it."""

from __future__ import annotations

import copy
import pickle
import weakref

import pytest
import torch

import dprox_core as dp
from dprox_core.numerics.views import Views


def test_views_are_cut_once_from_the_second_time_on() -> None:
    calls = []

    def halves(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        calls.append(values)
        return values[:2], values[2:]

    views: Views[tuple[torch.Tensor, ...]] = Views()
    memory = torch.zeros(4)
    first, again, third = (views.of(halves, memory) for _ in range(3))
    assert len(calls) == 2
    assert again is third
    again[1].fill_(3.0)
    assert memory.tolist() == [0.0, 0.0, 3.0, 3.0]
    assert first[1].tolist() == [3.0, 3.0]
    other = torch.ones(4)
    assert views.of(halves, other)[0].tolist() == [1.0, 1.0]
    assert views.of(halves, memory)[0].tolist() == [0.0, 0.0]


def test_views_hold_no_memory_that_others_have_let_go() -> None:
    views: Views[torch.Tensor] = Views()
    memory = torch.zeros(4)
    for _ in range(3):
        views.of(lambda values: values[1:], memory)
    part = weakref.ref(views.of(lambda values: values[1:], memory))
    assert part() is not None
    del memory
    assert part() is None


def test_copies_and_files_hold_no_views() -> None:
    views: Views[torch.Tensor] = Views()
    memory = torch.zeros(1000)
    for _ in range(3):
        views.of(torch.detach, memory)
    assert len(pickle.dumps(views)) < 500
    assert copy.deepcopy(views).of(torch.detach, memory) is not memory


@pytest.mark.parametrize("shape", [(5, 4), (2, 1, 6, 7), (1, 1), (1, 3)])
def test_a_gradient_into_the_same_memory_follows_what_is_there(shape: tuple[int, ...]) -> None:
    x = dp.Variable("x", shape, dtype=torch.float64)
    solver = dp.Problem(dp.sum_squares(x) + dp.norm1(dp.grad(x))).compile("admm")
    operator = solver.algorithm.blocks[0].row.entries[0][1]
    generator = torch.Generator().manual_seed(0)
    image, memory = torch.empty(shape, dtype=torch.float64), None
    total = torch.empty(shape, dtype=torch.float64)
    for _ in range(4):
        image.normal_(generator=generator)
        memory = operator.forward(image, out=memory)
        down, right = image.roll(-1, -2) - image, image.roll(-1, -1) - image
        torch.testing.assert_close(memory, torch.stack([down, right], -1))
        total.fill_(1.0)
        operator.adjoint_add(memory, total, in_place=True)
        back = down.roll(1, -2) - down + right.roll(1, -1) - right
        torch.testing.assert_close(total, 1.0 + back)
