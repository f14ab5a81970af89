"""The memory that plans predict is what solves take, as torch's profiler counts it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from solver_cases import noise
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

import dprox_core as dp

METHODS = ("admm", "admm_vxu", "hqs", "dr", "ladmm", "pdhg", "pd3o", "fista", "pgd")
SIMPLE = ("fista", "pgd")
SIDE = 128


def most_memory(work: Callable[[], object]) -> int:
    """The most bytes of tensors that are held at once."""
    gc.collect()  # what is freed while it is counted was never counted
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    assert seen.profiler is not None
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def deconvolution(shape: tuple[int, ...], method: str) -> dp.Objective:
    x = dp.Variable("x", shape)
    misfit = dp.conv(x, dp.gaussian_psf(size=9, sigma=2.0)) - noise(1, shape).float()
    if method in SIMPLE:
        return dp.sum_squares(misfit) + 0.1 * dp.norm1(x)
    return dp.sum_squares(misfit) + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x)


def grey(method: str) -> dp.Objective:
    return deconvolution((1, 1, SIDE, SIDE), method)


def colour(method: str) -> dp.Objective:
    return deconvolution((1, 3, SIDE, SIDE), method)


def lasso(method: str) -> dp.Objective:
    matrix = torch.empty(480, 1200).uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    x = dp.Variable("x", (1200,))
    return dp.sum_squares(matrix @ x - noise(2, (480,)).float()) + dp.norm1(x)


def resonance(method: str) -> dp.Objective:
    shape = (1, 1, SIDE, SIDE)
    x = dp.Variable("x", shape, dtype=torch.complex64)
    mask = (noise(3, shape) > 0.2).float()
    data = torch.fft.fft2(noise(4, shape).float()) * mask
    wavelets = 0.1 * dp.norm1(dp.wavelet(x))
    return dp.sum_squares(dp.mask(dp.fft(x), mask) - data) + wavelets


def pruned(image: Tensor, sigma: Any) -> Tensor:
    return 0.9 * image


def prior(method: str) -> dp.Objective:
    shape = (1, 3, SIDE, SIDE)
    x = dp.Variable("x", shape)
    misfit = dp.conv(x, dp.gaussian_psf(size=9, sigma=2.0)) - noise(1, shape).float()
    return dp.sum_squares(misfit) + dp.deep_prior(x, pruned, sigma=0.03) + dp.nonneg(x)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", [grey, colour, lasso, resonance, prior])
def test_predicted_memory_is_what_a_solve_takes(
    case: Callable[[str], dp.Objective], method: str
) -> None:
    found: list[dp.Solver] = []

    def work() -> None:
        found.append(dp.Problem(case(method)).compile(method))
        found[0].solve(max_iter=11)

    most = most_memory(work)
    assert 0.88 * most < found[0].plan.memory_bytes < 1.15 * most


def test_extrapolation_takes_at_most_what_the_plan_says() -> None:
    shape = (1, 1, 256, 256)
    solver = dp.Problem(deconvolution(shape, "admm")).compile("admm", abs_tol=0.0, rel_tol=1e-12)
    most = most_memory(lambda: solver.solve(max_iter=200))
    plan = solver.plan
    # What the plan holds already was made before.
    held = 3 * 256 * 256 * 4
    # How many points are kept depends on how often ρ changes.
    assert 1.2 * plan.memory_bytes < most + held
    assert most + held < 1.1 * (plan.memory_bytes + plan.extrapolation_bytes)
    assert "After 100 iterations extrapolation may take" in plan.explain()


def test_nothing_is_set_aside_for_extrapolation_where_there_is_none() -> None:
    problem = dp.Problem(grey("admm"))
    assert problem.compile("admm").plan.extrapolation_bytes > 0
    assert problem.compile("admm", anderson=3).plan.extrapolation_bytes == 0
    assert problem.compile("admm", abs_tol=0.0, rel_tol=0.0).plan.extrapolation_bytes == 0
    assert dp.Problem(prior("admm")).compile("admm").plan.extrapolation_bytes == 0


def test_looking_for_values_that_are_not_finite_takes_little_memory() -> None:
    data = torch.ones(1000, 1000)
    x = dp.Variable("x", (1000,))
    problem = dp.Problem(dp.sum_squares(data @ x) + dp.norm1(x))
    assert most_memory(lambda: problem.compile("fista", step=1e-6)) < 0.3 * data.nbytes
    data[700, 3] = torch.inf
    with pytest.raises(dp.DataError, match="holds 1 value that is NaN or infinite"):
        dp.Problem(dp.sum_squares(data @ x) + dp.norm1(x)).solve("fista")
