"""Real unknowns beside complex data: what is solved is what is written, over the reals."""

from __future__ import annotations

import pytest
import torch
from scipy.optimize import minimize

import dprox_core as dp

CHANCE = torch.Generator().manual_seed(4)
Z = torch.randn(5, dtype=torch.complex128, generator=CHANCE)
A = torch.randn(2, 5, dtype=torch.complex128, generator=CHANCE)
TIGHT = {"abs_tol": 1e-9, "rel_tol": 1e-9, "max_iter": 5000}


@pytest.mark.parametrize("method", ["admm", "ladmm", "pdhg", "admm_vxu", "fista", "pd3o"])
def test_squares_of_a_complex_difference(method: str) -> None:
    x = dp.Variable("x", shape=(5,))
    problem = dp.Problem(dp.sum_squares(x - Z) + dp.nonneg(x))
    result = problem.solve(method=method, **TIGHT)
    assert result[x].tolist() == pytest.approx(Z.real.clamp(min=0).tolist(), abs=1e-5)
    assert result.objective == pytest.approx(
        float((Z.real.clamp(min=0) - Z).abs().square().sum()), rel=1e-5
    )


@pytest.mark.parametrize("method", ["admm", "pdhg", "ladmm"])
def test_magnitudes_of_a_complex_difference(method: str) -> None:
    x = dp.Variable("x", shape=(5,))
    result = dp.Problem(dp.norm1(x - Z) + dp.sum_squares(x)).solve(method=method, **TIGHT)
    for found, z in zip(result[x].tolist(), Z.tolist(), strict=True):
        best = minimize(lambda v, z=z: abs(v[0] - z) + v[0] ** 2, [0.0], method="Nelder-Mead")
        assert abs(found - z) + found**2 <= best.fun + 1e-7


def test_real_and_complex_unknowns_in_one_sum() -> None:
    x, c = dp.Variable("x", shape=(5,)), dp.Variable("c", shape=(5,), dtype="complex128")
    objective = dp.sum_squares(x + c - Z) + dp.sum_squares(c) + 0.5 * dp.sum_squares(x)
    result = dp.Problem(objective).solve(method="admm", **TIGHT)
    # Of each part by itself: c = (z − x)/2, and x, which is real, from (Re z)/2 · 2 = (1 + 1) x.
    wanted = Z.real / 2
    assert torch.allclose(result[x], wanted, atol=1e-5)
    assert torch.allclose(result[c], (Z - wanted) / 2, atol=1e-5)


def test_affine_sets_of_every_kind() -> None:
    x, c = dp.Variable("x", shape=(5,)), dp.Variable("c", shape=(5,), dtype="complex128")
    point = torch.randn(5, dtype=torch.float64, generator=CHANCE)
    found = dp.Problem(dp.sum_squares(x) + dp.affine_set(x, A, A @ point.to(A.dtype))).solve(
        **TIGHT
    )[x]
    rows = torch.cat([A.real, A.imag])
    assert torch.allclose(found, torch.linalg.pinv(rows) @ rows @ point, atol=1e-5)
    found = dp.Problem(dp.sum_squares(c) + dp.affine_set(c, A.real.clone(), A @ Z)).solve(**TIGHT)[
        c
    ]
    real = A.real.to(A.dtype)
    assert torch.allclose(found, torch.linalg.pinv(real) @ (A @ Z), atol=1e-5)
    with pytest.raises(dp.ParameterError, match="no point meets"):
        dp.Problem(dp.sum_squares(x) + dp.affine_set(x, A.real.clone(), A @ Z)).solve()


def test_what_has_no_meaning_is_refused_in_words() -> None:
    x = dp.Variable("x", shape=(5,))
    with pytest.raises(dp.ParameterError, match="can never equal"):
        dp.Problem(dp.sum_squares(x), [x == Z]).solve()
    with pytest.raises(dp.ParameterError, match="must be real, not complex"):
        dp.Problem(dp.sum_squares(x), [x >= Z]).solve()
    with pytest.raises(dp.ParameterError, match="must be real, not complex"):
        dp.Problem(dp.sum_squares(x) + dp.box(x, 0.0, Z)).solve()
