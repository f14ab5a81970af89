"""Targets that fit their solutions, and those that do not."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp
from dprox_core.layers.losses import mean_squared_error, negative_psnr


def test_the_losses() -> None:
    solution, target = torch.tensor([[1.0, 2.0]]), torch.tensor([0.5, 2.0])
    assert float(mean_squared_error(solution, target)) == pytest.approx(0.125)
    assert float(negative_psnr(solution, target)) == pytest.approx(-dp.psnr(solution[0], target))
    turned = torch.tensor([1j, 1.0])
    assert float(mean_squared_error(turned, torch.tensor([1.0, 1.0]))) == pytest.approx(1.0)


def test_several_variables() -> None:
    x, y = dp.Variable("x", (2,)), dp.Variable("y", (3,))
    found = {"x": torch.zeros(2), "y": torch.ones(3)}
    assert float(mean_squared_error(found, {x: torch.ones(2), y: torch.ones(3)})) == pytest.approx(
        0.4
    )
    assert float(mean_squared_error(found, {"y": 3 * torch.ones(3)})) == 4.0
    assert float(mean_squared_error(found, torch.ones(2))) == 1.0
    with pytest.raises(dp.ParameterError, match="the variables of the problem are x, y"):
        mean_squared_error(found, {"z": torch.ones(2)})


def test_what_is_no_pair_or_no_target_is_refused() -> None:
    x = dp.Variable("x", (2, 1, 3))
    layer = dp.specialize(dp.sum_squares(x - 1.0) + dp.norm1(x), max_iter=1, learn="rho")
    # Broadcast against each other they would be (2, 2, 3).
    with pytest.raises(dp.ShapeError, match=r"target of the solution has shape \(2, 3\)"):
        dp.train(layer, [({}, torch.ones(2, 3))])
    with pytest.raises(dp.ParameterError, match="Training data are pairs"):
        dp.train(layer, [torch.ones(2, 1, 3)])  # type: ignore[list-item]
    with pytest.raises(dp.ParameterError, match="must be a tensor, not float"):
        dp.train(layer, [({}, 1.0)])  # type: ignore[list-item]


def test_what_cannot_be_trained_is_refused() -> None:
    b = dp.Placeholder("b", shape=(4,))
    x = dp.Variable("x", shape=(4,))
    problem = dp.Problem(dp.sum_squares(x - b) + dp.norm1(x))
    layer = dp.specialize(problem, max_iter=2, learn="rho")
    pairs = [({b: torch.ones(4)}, torch.ones(4))]
    computed = 2 * torch.ones(1, requires_grad=True)
    for options, words in (
        ({"lr": 0.0}, "lr must be a number above 0"),
        ({"lr": "fast"}, "lr must be a number above 0"),
        ({"parameters": [computed]}, "1 of the parameters come out of a computation"),
    ):
        with pytest.raises(dp.ParameterError, match=words):
            dp.train(layer, pairs, **options)  # type: ignore[arg-type]
    with pytest.raises(dp.ParameterError, match="rho must be a number above 0"):
        dp.specialize(problem, learn="rho", rho=-1.0)
