"""Proxes where formulas break: zeros, complex data, low rank, extreme units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import dprox_core as dp
from dprox_core.errors import DproxError
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import function_of


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: dp.poisson(x, y),
        lambda x, y: dp.logistic(x, y),
        lambda x, y: dp.hinge(x, y),
        lambda x, y: dp.spi(x, y, jots=4),
        lambda x, y: dp.phase_ret(x, y),
        lambda x, y: dp.linear(x, y),
        lambda x, y: dp.weighted_norm1(x, y),
        lambda x, y: dp.weighted_sum_squares(x, y),
        lambda x, y: dp.halfspace(x, y, 1.0),
        lambda x, y: dp.halfspace(x, 1.0, y[0]),
        lambda x, y: dp.box(x, y, 1.0),
    ],
)
def test_complex_data_is_refused_where_it_would_lose_its_imaginary_part(call) -> None:  # type: ignore[no-untyped-def]
    given = torch.tensor([1.0 + 1.0j, 1.0])
    with pytest.raises(DproxError, match="must be real, not complex"):
        call(dp.Variable("x", (2,)), given)
    later = dp.Placeholder("later", (2,))
    problem = dp.Problem(call(dp.Variable("x", (2,)), later))
    later.value = given
    with pytest.raises(DproxError, match="must be real, not complex"):
        problem.value(torch.ones(2))


@pytest.mark.parametrize(
    "call", [dp.norm1, dp.norm2, dp.group_norm1, dp.elastic_net, dp.quantile, dp.huber, dp.hinge]
)
def test_a_weight_of_zero_leaves_all_as_it_is_also_zeros(call) -> None:  # type: ignore[no-untyped-def]
    function = function_of(call(dp.Variable("x", (3,), dtype=torch.float64)))
    v = torch.tensor([0.0, 1.0, -2.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function.prox(v, torch.zeros(())).sum(), v)
    assert torch.equal(slope, torch.ones_like(v))


@pytest.mark.parametrize("engine", ["autograd", "implicit"])
def test_what_no_weight_holds_follows_its_data_also_from_zero(engine: str) -> None:
    # x₀ = b₀, so ∂x₀/∂b₀ = 1; x₁ is held at zero by its weight, x₂ = b₂ − w/2.
    b = dp.Placeholder("b", (3,))
    x = dp.Variable("x", (3,), dtype=torch.float64)
    weights = torch.tensor([0.0, 1.0, 1.0])
    problem = dp.Problem(dp.sum_squares(x - b) + dp.weighted_norm1(x, weights))
    method = "deq" if engine == "implicit" else "unroll"
    layer = dp.specialize(problem, method, max_iter=200, engine=engine)
    data = torch.tensor([0.0, 0.1, 2.0], dtype=torch.float64, requires_grad=True)
    jacobian = torch.stack([torch.autograd.grad(layer({b: data})[i], data)[0] for i in range(3)])
    expected = torch.diag(torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64))
    assert torch.allclose(jacobian, expected, atol=1e-6)


def test_the_length_of_nothing_has_a_slope_of_zero_and_that_of_nan_is_nan() -> None:
    x = dp.Variable("x", (2,), dtype=torch.float64)
    for call in (dp.norm2, dp.group_norm1):
        v = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(function_of(call(x)).value(v), v)
        assert torch.equal(slope, torch.zeros_like(v))
        bad = torch.tensor([math.nan, 1.0], dtype=torch.float64, requires_grad=True)
        assert math.isnan(float(function_of(call(x)).value(bad).detach()))


def test_long_steps_of_quadratic_forms_of_low_rank_stay_bounded_in_single_precision() -> None:
    # Two rows of fifty: most eigenvalues are zero, and rounding leaves some below it.
    make = Maker(0)
    root, v = make.normal(2, 50).float(), make.normal(50).float()
    function = function_of(dp.quad_form(dp.Variable("x", (50,)), root.mT @ root))
    for step in (1e4, 1e6, 1e7, 1e9):
        assert float(function.prox(v, step).norm()) <= 1.0001 * float(v.norm())
    # A graph's Laplacian, exact in single precision, keeps the mean.
    chain = torch.diag(torch.tensor([1.0, 2, 2, 2, 1])) - torch.diag(torch.ones(4), 1)
    chain = chain - torch.diag(torch.ones(4), -1)
    function = function_of(dp.quad_form(dp.Variable("x", (5,)), chain))
    values = torch.tensor([3.0, -1.0, 4.0, 1.0, -5.0])
    assert torch.allclose(function.prox(values, 1e6), values.mean().expand(5), atol=1e-5)


def test_a_halfspace_is_the_same_in_any_unit() -> None:
    v = torch.tensor([3.0, 1.0])
    expected = torch.tensor([1.5, -0.5])  # onto v₀ + v₁ ≤ 1
    for unit in (1e-30, 1.0, 1e30):
        x = dp.Variable("x", (2,))
        function = function_of(dp.halfspace(x, torch.full((2,), unit), unit))
        assert torch.allclose(function.prox(v, 1.0), expected)


def test_numbers_of_numpy_are_options_like_any_other() -> None:
    x = dp.Variable("x", (4,))
    spread = np.float32(0.25)
    assert dp.huber(x, spread).describe() == dp.huber(x, 0.25).describe()
    assert dp.l1_ball(x, np.int64(2)).describe() == dp.l1_ball(x, 2).describe()
    assert dp.quantile(x, spread).describe() == dp.quantile(x, 0.25).describe()
    ball = dp.noise_ball(x, torch.ones(4), spread).describe()
    assert ball == dp.noise_ball(x, torch.ones(4), 0.25).describe()


def test_squares_of_tensors_are_values_whatever_is_subtracted() -> None:
    values = torch.tensor([1.0, 2.0, 4.0])
    for b in (1.0, [1.0, 1.0, 1.0], np.ones(3), torch.ones(3)):
        assert float(dp.sum_squares(values, b)) == pytest.approx(10.0)
        assert float(dp.weighted_sum_squares(values, 0.5, b)) == pytest.approx(5.0)
        assert float(dp.noise_ball(values, b, sigma=3.0)) == 0.0
        assert float(dp.noise_ball(values, b, sigma=1.0)) == math.inf
