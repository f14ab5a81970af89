"""Plain steps are traced into one graph, for those who compile them, and stay the same."""

from __future__ import annotations

import pytest
import torch
from solver_cases import noise

import dprox_core as dp
from benchmarks.compiled import copied, solvers, traced


def smoothed(image: torch.Tensor, sigma: float) -> torch.Tensor:
    """A small network's stand-in."""
    return torch.nn.functional.avg_pool2d(image, 3, 1, 1)


@pytest.mark.parametrize("learned", [False, True])
@torch.no_grad()
def test_a_plain_step_is_one_graph(learned: bool) -> None:
    x = dp.Variable("x", (1, 1, 8, 8))
    misfit = dp.conv(x, torch.ones(3, 3) / 9) - noise(1, x.shape).float()
    television = 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
    penalty = dp.deep_prior(x, smoothed, sigma=0.1) if learned else television
    plain, free = solvers(dp.Problem(dp.sum_squares(misfit) + penalty), "cpu")
    # The factors of the linear solve are made in the first step.
    here, there = plain.step(plain.init()), free.step(free.init())
    step = traced(free, backend="eager")
    for _ in range(3):
        here, there = plain.step(here), step(copied(there))
    torch.testing.assert_close(there.x[0], here.x[0], atol=1e-5, rtol=1e-5)
