"""What plans of plug-and-play solves say, and options of their linear systems."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp

GENERATOR = torch.Generator().manual_seed(5)
B = torch.rand(1, 1, 9, 10, generator=GENERATOR)
KERNEL = dp.gaussian_psf(size=3, sigma=0.8)
X = dp.Variable("x", B.shape)


def prior() -> object:
    return dp.deep_prior(X, lambda image, sigma: image / (1 + sigma**2), sigma=0.02)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "hqs"])
@pytest.mark.parametrize("kind", ["cg", "minres"])
def test_the_linear_solver_asked_for_is_the_one_used(method: str, kind: str) -> None:
    problem = dp.Problem(dp.sum_squares(dp.conv(X, KERNEL) - B) + prior())
    closed = problem.solve(method)
    found = problem.solve(method, linear_solver=kind)
    assert closed.plan.linear_solver == "fourier"
    assert found.plan.linear_solver == kind
    assert torch.allclose(found[X], closed[X], atol=1e-2)
    with pytest.raises(dp.ParameterError, match='linear_solver is "cg", "minres"'):
        problem.compile(method, linear_solver="lu")


def test_a_plan_says_where_data_are_followed_by_small_steps() -> None:
    misfit = dp.huber(dp.conv(X, KERNEL) - B, 0.05)
    told = {c.method: str(c) for c in dp.candidates(dp.Problem(misfit + prior()))}
    weak = {method for method, text in told.items() if "is no sum of squares" in text}
    assert weak == {"hqs", "pdhg", "pd3o", "ladmm"}
    assert "Warning: huber(conv(x, kernel) - b, delta=0.05) is no sum" in (
        dp.Problem(misfit + prior()).compile("pdhg").plan.explain()
    )
    squares = dp.Problem(dp.sum_squares(dp.conv(X, KERNEL) - B) + prior() + dp.nonneg(X))
    assert not any(c.plan.warnings for c in dp.candidates(squares) if c.plan is not None)


class _Counting(torch.nn.Module):
    """A denoiser that stretches, and counts how often it is called."""

    def __init__(self, blocks_gradients: bool = False) -> None:
        super().__init__()
        self.calls, self.blocks_gradients = 0, blocks_gradients
        self.gain = torch.nn.Parameter(torch.tensor(1.5))

    def forward(self, image: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.gain * (image.detach() if self.blocks_gradients else image)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "hqs", "ladmm", "pdhg", "pd3o"])
def test_a_denoiser_is_called_once_an_iteration(method: str) -> None:
    network = _Counting()
    problem = dp.Problem(dp.sum_squares(dp.conv(X, KERNEL) - B) + dp.deep_prior(X, network))
    result = problem.solve(method, max_iter=5)
    assert network.calls == result.iterations == 5
    # Whether it stretches is looked at by those who ask, once.
    assert "stretches small changes by up to 1.50" in result.plan.explain()
    asked = network.calls
    assert asked > 5
    assert result.plan.to_dict()["warnings"] == list(result.plan.warnings)
    assert network.calls == asked


@pytest.mark.parametrize("method", ["pgd", "fista"])
def test_gradient_methods_call_a_denoiser_once_an_iteration(method: str) -> None:
    network = _Counting()
    problem = dp.Problem(dp.sum_squares(dp.conv(X, KERNEL) - B) + dp.deep_prior(X, network))
    result = problem.solve(method, max_iter=5)
    assert network.calls == result.iterations


def test_a_denoiser_without_gradients_can_be_used() -> None:
    problem = dp.Problem(
        dp.sum_squares(dp.conv(X, KERNEL) - B) + dp.deep_prior(X, _Counting(blocks_gradients=True))
    )
    with torch.no_grad():
        result = problem.solve("admm", max_iter=5)
    assert result.iterations == 5
    assert result.plan.warnings == ()
