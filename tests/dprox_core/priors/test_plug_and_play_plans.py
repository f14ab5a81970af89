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
