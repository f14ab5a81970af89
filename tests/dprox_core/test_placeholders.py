"""Placeholders: values that broadcast to a declared shape, and several of one name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import dprox_core as dp

X = dp.Variable("x", (1, 1, 6, 8), dtype="float64")
COLUMN = torch.linspace(0.1, 0.6, 6, dtype=torch.float64).reshape(6, 1)


@pytest.mark.parametrize(
    ("shape", "value", "use"),
    [
        ((3, 3), torch.tensor(0.1), lambda p: dp.conv(X, p)),
        ((3, 3), torch.tensor([0.1, 0.2, 0.3]), lambda p: dp.conv(X, p)),
        ((2, 6), torch.ones(6), lambda p: p @ X),
        ((4, 8), torch.tensor(2.0), lambda p: dp.matrix(X, p)),
        ((2, 1), torch.tensor(2.0), lambda p: dp.mul_color(X, p)),
        ((2, 2, 3, 3), torch.full((3, 3), 0.1), lambda p: dp.conv_grid(X, p)),
        ((2, 6, 8), COLUMN, lambda p: dp.conv_lowrank(X, torch.ones(2, 1, 1), p)),
        ((2, 6, 8), COLUMN, lambda p: dp.fourier_sampling(X, torch.ones(6, 8), p)),
        ((1, 1, 6, 8), COLUMN, lambda p: X[0] - p[0]),
        ((1, 1, 8, 6), COLUMN.mT, lambda p: X - dp.permute(p, (0, 1, 3, 2))),
        ((1, 1, 6, 8), torch.tensor(0.5), lambda p: X - dp.conv(p, torch.ones(3, 3))),
        ((1, 1, 6, 8), COLUMN, lambda p: X.sum() - p.sum()),
        ((1, 1, 6, 8), COLUMN, lambda p: X - dp.vstack(dp.split(p, 2, 2)[::-1], 2)),
    ],
)
def test_a_value_stands_for_the_declared_shape(
    shape: tuple[int, ...], value: torch.Tensor, use: Callable[[object], dp.Expression]
) -> None:
    place = dp.Placeholder("p", shape)
    place.value = value
    terms = [dp.sum_squares(use(held) - 1.0) for held in (place, value.expand(shape).clone())]
    made, written = (dp.Problem(term + dp.norm1(X)) for term in terms)
    point = torch.linspace(-1, 1, 48, dtype=torch.float64).reshape(X.shape)
    assert made.value(point) == pytest.approx(written.value(point), rel=1e-12)
    assert torch.allclose(made.solve(max_iter=5)[X], written.solve(max_iter=5)[X])


def test_the_gradient_of_a_value_that_broadcasts() -> None:
    place = dp.Placeholder("p", (3, 3))
    problem = dp.Problem(dp.sum_squares(dp.conv(X, place) - 1.0) + 0.1 * dp.sum_squares(X))

    def solution(row: torch.Tensor) -> torch.Tensor:
        place.value = row
        return problem.solve()[X]

    row = torch.tensor([0.1, 0.3, 0.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(solution, (row,))


@pytest.mark.parametrize("name", [None, "data"])
def test_placeholders_of_one_name_keep_apart(name: str | None) -> None:
    x = dp.Variable("x", (2,))
    first, second = dp.Placeholder(name, (2,)), dp.Placeholder(name, (2,))
    layer = dp.specialize(dp.sum_squares(x - first) + dp.sum_squares(x - second), max_iter=1)
    found = layer({first: torch.zeros(2), second: torch.tensor([2.0, 4.0])})
    assert found.tolist() == [1.0, 2.0]
    with pytest.raises(dp.ParameterError, match="2 placeholders of this problem are called"):
        layer({first.describe(): torch.zeros(2)})
