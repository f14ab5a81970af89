"""Every method finds the minimizer that CVXPY finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from solver_cases import CASES, SHAPE, Case, noise, optimum

import dprox_core as dp
from dprox_core.compiler.methods import METHODS

TIGHT = {"abs_tol": 1e-8, "rel_tol": 1e-8}
# The others share their parts with these, and take longer: a few problems each.
FEW = ("denoise", "isotropic", "weighted_pixels", "two_variables", "simple_sparse", "colours")
PAIRS = [(m, c) for m in METHODS for c in CASES if m in ("admm", "fista") or c.name in FEW]


def check(case: Case, result: dp.Result) -> None:
    """The optimal value, and the minimizer where there is only one."""
    value, minimizer = optimum(case.name)
    scale = max(1.0, abs(value))
    if result.plan.method == "hqs":
        # A penalty method: at the end of any run it is as far off as 1/ρ.
        assert abs(result.objective - value) <= 5e-3 * scale
        return
    assert abs(result.objective - value) <= 5e-6 * scale
    assert result.metrics["violation"] <= 1e-5
    if case.unique:
        for variable, found in result.values.items():
            expected = minimizer[variable.name].reshape(variable.shape)
            np.testing.assert_allclose(found.numpy(), expected, atol=2e-3)


@pytest.mark.parametrize(("method", "case"), PAIRS, ids=lambda part: getattr(part, "name", part))
def test_the_minimizer_is_cvxpys(method: str, case: Case) -> None:
    problem, *_ = case.build()
    refusal = ""
    try:
        solver = problem.compile(method, **TIGHT)
    except dp.CompileError as error:
        refusal = str(error)
    if refusal:
        # It says what stands in the way, and what to do.
        assert method in refusal
        assert "admm" in refusal
        return
    check(case, solver.solve(max_iter=800 if method == "hqs" else 3000))


def test_each_method_accepts_some_of_them() -> None:
    for method in METHODS:
        accepted = 0
        for case in CASES:
            try:
                case.build()[0].compile(method)
            except dp.CompileError:
                continue
            accepted += 1
        assert accepted >= 2, method


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name in ("denoise", "weighted_pixels", "complex_values")],
    ids=lambda case: case.name,
)
def test_conjugate_gradients_serve_where_direct_solvers_do_too(case: Case) -> None:
    problem, *_ = case.build()
    result = problem.solve("admm", linear_solver="cg", max_iter=4000, **TIGHT)
    assert result.plan.linear_solver == "cg"
    check(case, result)


@pytest.mark.parametrize("rho", [0.1, 2.0])
@pytest.mark.parametrize("relaxation", [1.0, 1.8])
def test_a_given_rho_and_relaxation_change_the_way_not_the_end(
    rho: float, relaxation: float
) -> None:
    case = next(c for c in CASES if c.name == "deconvolve")
    problem, *_ = case.build()
    result = problem.solve(rho=rho, relaxation=relaxation, max_iter=6000, **TIGHT)
    check(case, result)
    assert result.history[-1].rho == rho


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_the_start_does_not_matter(case: Case) -> None:
    problem, *_ = case.build()
    start = {v: 3 * noise(99, v.shape, complex=v.is_complex) for v in problem.variables}
    check(case, problem.solve("admm", x0=start, max_iter=6000, **TIGHT))


def test_samples_of_a_batch_do_not_mix() -> None:
    shape = (3, 2, 4, 5)
    b, kernel = noise(30, shape), torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64)

    def solve(data: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", tuple(data.shape))
        terms = dp.sum_squares(dp.conv(x, kernel) - data) + 0.1 * dp.norm1(dp.grad(x))
        return dp.Problem(terms).solve(rho=1.0, max_iter=3000, **TIGHT)[x]

    together = solve(b)
    for index in range(3):
        torch.testing.assert_close(together[index : index + 1], solve(b[index : index + 1]))


def test_single_precision_reaches_its_own_accuracy() -> None:
    b = noise(31).float()
    x = dp.Variable("x", SHAPE)
    result = dp.Problem(dp.sum_squares(x - b) + 0.4 * dp.norm1(x)).solve(abs_tol=1e-6, rel_tol=1e-6)
    assert result[x].dtype == torch.float32
    expected = b.sign() * (b.abs() - 0.2).clamp_min(0)
    torch.testing.assert_close(result[x], expected, atol=1e-5, rtol=1e-5)


def test_a_nonnegative_variable_is_exactly_nonnegative() -> None:
    case = next(c for c in CASES if c.name == "deconvolve")
    problem, *_ = case.build()
    result = problem.solve(max_iter=15)
    assert float(result[problem.variables[0]].min()) >= 0.0
    assert result.metrics["violation"] == 0.0
