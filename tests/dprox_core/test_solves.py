"""Every method finds the minimizer that CVXPY finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from solver_cases import CASES, SHAPE, Case, dense, noise, optimum

import dprox_core as dp
from dprox_core.compiler.methods import METHODS
from dprox_core.result import Status

TIGHT = {"abs_tol": 1e-8, "rel_tol": 1e-8}
# The others share their parts with these, and take longer: a few problems each.
FEW = ("denoise", "two_variables", "simple_sparse")
PAIRS = [(m, c) for m in METHODS for c in CASES if m in ("admm", "hqs", "fista") or c.name in FEW]


def check(case: Case, result: dp.Result) -> None:
    """The optimal value, and the minimizer where there is only one."""
    value, minimizer = optimum(case.name)
    scale = max(1.0, abs(value))
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
    check(case, solver.solve(max_iter=3000))


def test_each_method_accepts_a_sparse_deconvolution() -> None:
    for method in METHODS:
        case = next(c for c in CASES if c.name == "simple_sparse")
        assert case.build()[0].compile(method).plan.method == method
    assert case.build()[0].compile("pc").plan.method == "pdhg"


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
        # They stop at different iterations, each within its tolerance.
        alone = solve(b[index : index + 1])
        torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=0.0)


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


def test_hqs_minimizes_the_problem_with_envelopes_in_place_of_penalties() -> None:
    import cvxpy

    b, rho = noise(40), 0.7
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - b) + 0.4 * dp.norm1(dp.grad(x)))
    found = problem.solve("hqs", rho=[rho], max_iter=400, abs_tol=0.0, rel_tol=0.0)[x]
    gradient = dense(dp.grad, SHAPE)
    u, z = cvxpy.Variable(30), cvxpy.Variable(60)
    objective = (
        cvxpy.sum_squares(u - b.reshape(-1).numpy())
        + 0.4 * cvxpy.norm1(z)
        + 0.5 * rho * cvxpy.sum_squares(gradient @ u - z)
    )
    cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)
    np.testing.assert_allclose(found.reshape(-1).numpy(), u.value, atol=1e-4)


@pytest.mark.parametrize("rho", [None, 0.2, 10.0])
@pytest.mark.parametrize("dual_step", [None, 0.2, 1.0])
def test_hqs_meets_equations_and_inequalities(rho: float | None, dual_step: float | None) -> None:
    import cvxpy

    matrix, b = noise(44, (3, 12)), noise(45, (3,))
    x, u = dp.Variable("x", (12,)), cvxpy.Variable(12)
    problem = dp.Problem(
        dp.sum_squares(x - noise(46, (12,))) + 0.3 * dp.norm1(x),
        [
            dp.matrix(x, matrix) == b,
            x <= 0.8,
            dp.matrix(x, torch.ones(1, 12, dtype=torch.float64)) >= 1.0,
        ],
    )
    objective = cvxpy.sum_squares(u - noise(46, (12,)).numpy()) + 0.3 * cvxpy.norm1(u)
    others = [matrix.numpy() @ u == b.numpy(), u <= 0.8, cvxpy.sum(u) >= 1.0]
    best = cvxpy.Problem(cvxpy.Minimize(objective), others).solve(solver=cvxpy.CLARABEL)
    given = {} if rho is None else {"rho": rho}
    result = problem.solve("hqs", dual_step=dual_step, max_iter=5000, **given, **TIGHT)
    assert result.status is dp.Status.CONVERGED
    assert result.metrics["violation"] < 1e-6
    assert result.objective == pytest.approx(best, abs=1e-5)
    assert result.certificate.residual < 1e-6


def test_hqs_without_dual_steps_says_that_it_is_a_penalty_method() -> None:
    x = dp.Variable("x", SHAPE)
    convex = dp.Problem(dp.sum_squares(x - noise(41)) + 0.4 * dp.norm1(dp.grad(x)))
    wild = dp.Problem(dp.sum_squares(x - noise(41)) + 0.4 * dp.l0(dp.grad(x)))
    penalty = "penalty method"
    assert penalty not in convex.compile("hqs").plan.explain()
    for solver in (
        convex.compile("hqs", dual_step=0.0),
        convex.compile("hqs", rho=[1.0, 2.0]),
        wild.compile("hqs"),
    ):
        assert penalty in solver.plan.explain()
        assert solver.plan.parameters["dual_step"] == 0.0
    grown = wild.compile("hqs", rho=2.0)
    state = grown.init()
    for _ in range(6):
        state = grown.step(state)
    assert grown.algorithm.parameter(state) == 12.0
    with pytest.raises(dp.ParameterError, match="dual_step must be a number from 0 to 1"):
        convex.compile("hqs", dual_step=1.5)


def test_hqs_keeps_its_duals_when_a_list_changes_rho() -> None:
    case = next(c for c in CASES if c.name == "deconvolve")
    problem, *_ = case.build()
    rhos = [0.05 * 1.3**k for k in range(12)]
    check(case, problem.solve("hqs", rho=rhos, dual_step=0.5, max_iter=4000, **TIGHT))


def test_hqs_follows_a_list_of_rho() -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - noise(41)) + 0.4 * dp.norm1(dp.grad(x)))
    solver = problem.compile("hqs", rho=[1.0, 4.0, 16.0])
    state, seen = solver.init(), []
    for _ in range(5):
        state = solver.step(state)
        seen.append(solver.algorithm.parameter(state))
    assert seen == [1.0, 4.0, 16.0, 16.0, 16.0]
    with pytest.raises(dp.ParameterError, match="rho must be a number above 0"):
        problem.compile("hqs", rho=[1.0, -2.0])
    with pytest.raises(dp.ParameterError, match="rho is an empty list"):
        problem.compile("hqs", rho=[])


def test_backtracking_finds_a_step_without_being_told_the_curvature() -> None:
    x = dp.Variable("x", SHAPE)
    b = noise(42)
    problem = dp.Problem(dp.sum_squares(3 * x - b) + 0.5 * dp.norm1(x))
    result = problem.solve("pgd", step=5.0, backtracking=True, abs_tol=1e-8, rel_tol=1e-8)
    expected = (3 * b).sign() * ((3 * b).abs() - 0.25).clamp_min(0) / 9
    torch.testing.assert_close(result[x], expected, atol=1e-6, rtol=1e-6)
    # 2/L is where steps stop converging.
    assert result.history[-1].rho < 2 / 18


def test_a_step_beyond_the_condition_for_convergence_is_refused() -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - noise(43)) + 0.5 * dp.norm1(dp.grad(x)))
    with pytest.raises(dp.ParameterError, match="converges only up to"):
        problem.compile("pdhg", step=10.0, weight=1.0)
    with pytest.raises(dp.ParameterError, match="converges only up to"):
        problem.compile("pd3o", step=1.5, weight=0.01)
    problem.compile("pdhg", step=0.1, weight=1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"relaxation": 1.8},
        {"adaptive": False},
        {"preconditioned": False},
        {"method": "pd3o", "variant": "condat_vu"},
        {"method": "dr", "relaxation": 1.6},
    ],
    ids=str,
)
def test_options_change_the_way_not_the_end(options: dict[str, object]) -> None:
    case = CASES[0]
    result = case.build()[0].solve(max_iter=3000, **{"method": "pdhg", **TIGHT, **options})
    check(case, result)


@pytest.mark.parametrize("method", ["admm", "fista", "pgd", "pd3o", "ladmm", "pdhg", "dr"])
def test_smooth_functions_are_used_by_their_gradients_or_their_proxes(method: str) -> None:
    import cvxpy

    b = noise(44, (6,))
    x = dp.Variable("x", (6,))
    smooth = dp.huber(x - b, 0.3) + dp.logistic(2 * x)
    result = dp.Problem(smooth + 0.2 * dp.norm1(x)).solve(method, max_iter=3000, **TIGHT)
    u = cvxpy.Variable(6)
    objective = (
        0.5 * cvxpy.sum(cvxpy.huber(u - b.numpy(), 0.3))
        + cvxpy.sum(cvxpy.logistic(-2 * u))
        + 0.2 * cvxpy.norm1(u)
    )
    value = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)
    assert result.objective == pytest.approx(value, rel=1e-6)
    roles = {term.role for term in result.plan.terms}
    assert ("gradient step" in roles) == (method in ("fista", "pgd", "pd3o", "ladmm"))


def test_a_result_is_a_start() -> None:
    x, y = dp.Variable("x", (2, 3)), dp.Variable("y", (2, 3))
    first = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x)).solve()
    both = dp.Problem(dp.sum_squares(x - y) + dp.sum_squares(y - 1) + dp.norm1(x))
    state = both.compile("admm").init(first)
    assert torch.equal(state.x[0], first[x])
    assert not state.x[1].any()
    assert both.solve("admm", x0=first).status is Status.CONVERGED
    with pytest.raises(dp.ParameterError, match="result for x, which are no variables"):
        dp.Problem(dp.sum_squares(y - 1)).solve(x0=first)
    with pytest.raises(dp.ParameterError, match="x0 must be a tensor"):
        dp.Problem(dp.sum_squares(y - 1)).solve("admm", x0="here")


def test_a_list_of_penalties_is_their_sum() -> None:
    x = dp.Variable("x", (2, 3))
    terms = [dp.sum_squares(x - 1), dp.norm1(x), dp.nonneg(x)]
    assert dp.Problem(terms).describe() == dp.Problem(terms[0] + terms[1] + terms[2]).describe()
    assert repr(dp.Problem(terms).compile("fista")).startswith("<solver fista for minimize sum_sq")
    with pytest.raises(dp.ParameterError, match="minimizes a penalty"):
        dp.Problem([])
