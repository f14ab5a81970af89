"""Plug-and-play with true proxes finds minimizers, and its methods are one where they should be."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_plug_and_play import KIN, SHAPE, curved, shrink, soft
from torch import Tensor

import dprox_core as dp


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    kernel = dp.gaussian_psf(size=3, sigma=0.8).double()
    return torch.rand(SHAPE, generator=generator, dtype=torch.float64), kernel


def given(method: str, rho: float | list[float]) -> dict[str, Any]:
    """The option that is ρ."""
    return {"weight" if method in ("pdhg", "pd3o") else "rho": rho}


@pytest.mark.parametrize("method", KIN)
def test_a_true_prox_finds_the_minimizer(method: str, data: tuple[Tensor, Tensor]) -> None:
    b, kernel = data
    x = dp.Variable("x", shape=SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b)
    problem = dp.Problem(fidelity + 0.3 * dp.deep_prior(x, shrink))
    tight: Any = {"max_iter": 400, "abs_tol": 1e-12, "rel_tol": 1e-12}
    result = problem.solve(method, **given(method, 0.5), **tight)
    delta = torch.zeros(SHAPE, dtype=torch.float64)
    delta[..., 0, 0] = 1
    spectrum = torch.fft.fft2(dp.conv(delta, kernel))
    exact = torch.fft.ifft2(
        2 * spectrum.conj() * torch.fft.fft2(b) / (2 * spectrum.abs() ** 2 + 0.3)
    ).real
    assert result.converged
    assert torch.allclose(result[x], exact, atol=1e-9)


@pytest.mark.parametrize("method", KIN)
@pytest.mark.parametrize("robust", [False, True])
def test_terms_beside_a_true_prox_count(
    method: str, robust: bool, data: tuple[Tensor, Tensor]
) -> None:
    """The prox of ‖·‖₁ beside total variation, bounds and squares or a smooth term of another kind:
    the minimizer of the problem that says so."""
    if robust and method in ("admm_vxu", "dr", "pdhg"):
        pytest.skip("as with admm and pd3o")
    b, kernel = data
    x = dp.Variable("x", shape=SHAPE)
    misfit = dp.conv(x, kernel) - b
    fidelity = 4 * dp.huber(misfit, 0.1) if robust else dp.sum_squares(misfit)
    others = fidelity + 0.05 * dp.norm1(dp.grad(x)) + dp.box(x, 0.0, 0.6)
    tight: Any = {"max_iter": 1000, "abs_tol": 1e-6, "rel_tol": 1e-6}
    learned = dp.Problem(others + 0.2 * dp.deep_prior(x, soft))
    mine = learned.solve(method, **given(method, 4.0 if robust else 1.0), **tight)
    exact = dp.Problem(others + 0.2 * dp.norm1(x)).solve("admm", **tight)
    assert mine.converged or robust
    reached = mine.objective + 0.2 * float(mine[x].abs().sum())
    assert reached == pytest.approx(exact.objective, rel=1e-4)


@pytest.mark.parametrize("pair", [("ladmm", "admm"), ("pdhg", "dr"), ("pd3o", "pdhg")])
def test_one_denoiser_beside_squares_makes_methods_the_same(
    pair: tuple[str, str], data: tuple[Tensor, Tensor]
) -> None:
    b, kernel = data
    x = dp.Variable("x", shape=SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b)
    problem = dp.Problem(fidelity + 0.3 * dp.deep_prior(x, curved))
    one, other = (
        problem.solve(m, x0=b, **given(m, 0.7), max_iter=9, abs_tol=0, rel_tol=0)[x] for m in pair
    )
    assert torch.allclose(one, other, atol=1e-12)


def test_relaxation_leads_to_the_same_point(data: tuple[Tensor, Tensor]) -> None:
    b, kernel = data
    x = dp.Variable("x", shape=SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b)
    problem = dp.Problem(fidelity + 0.3 * dp.deep_prior(x, soft))
    tight: Any = {"max_iter": 1000, "abs_tol": 1e-10, "rel_tol": 1e-10}
    found = [
        problem.solve(method, relaxation=alpha, **given(method, 0.5), **tight)
        for method in ("pdhg", "dr")
        for alpha in (1.0, 1.5)
    ]
    assert all(result.converged for result in found)
    assert all(torch.allclose(result[x], found[0][x], atol=1e-7) for result in found)


def test_admm_with_soft_thresholding_for_a_denoiser_is_the_lasso(
    data: tuple[Tensor, Tensor],
) -> None:
    b, kernel = data
    x = dp.Variable("x", shape=SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b)
    tight: Any = {"max_iter": 4000, "abs_tol": 1e-10, "rel_tol": 1e-10}
    mine = dp.Problem(fidelity + 0.2 * dp.deep_prior(x, soft)).solve(rho=0.4, **tight)[x]
    lasso = dp.Problem(fidelity + 0.2 * dp.norm1(x)).solve(**tight)[x]
    assert torch.allclose(mine, lasso, atol=1e-7)
