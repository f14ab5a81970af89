"""What a result proves about the optimum, and about each sample of a batch."""

from __future__ import annotations

import math

import cvxpy
import numpy as np
import pytest
import torch
from solver_cases import CASES, KERNEL, dense, noise, optimum

import dprox_core as dp
from dprox_core.result import Status


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gap_bounds_the_distance_to_the_optimum_of_cvxpy(case: object) -> None:
    problem = case.build()[0]  # type: ignore[attr-defined]
    best, _ = optimum(case.name)  # type: ignore[attr-defined]
    found = []
    for tolerance in (1e-2, 1e-4, 1e-7):
        result = problem.solve(abs_tol=tolerance, rel_tol=tolerance, max_iter=5000)
        gap = result.certificate.gap
        if gap is None:
            continue
        found.append(gap)
        if math.isinf(result.objective):
            # A constraint was clearly missed; the bound is for the objective without it.
            continue
        # Clarabel itself is right to about 1e-8.
        assert result.objective - best <= gap + 1e-6 * max(1.0, abs(best))
        assert gap >= 0.0
    if found:
        assert found[-1] <= 1e-5 * max(1.0, abs(best))
        assert "too high" in result.certificate.sentence


def test_a_gap_is_there_where_the_data_term_is_strongly_convex_and_only_there() -> None:
    x = dp.Variable("x", (1, 1, 4, 6))
    b = noise(1, (1, 1, 4, 6))
    strong = dp.Problem(dp.sum_squares(x - b) + dp.norm1(dp.grad(x)))
    weak = dp.Problem(dp.sum_squares(dp.grad(x) - 1) + dp.norm1(dp.grad(x)))
    wild = dp.Problem(dp.sum_squares(x - b) + dp.l0(x))
    assert strong.solve().certificate.gap is not None
    assert weak.solve().certificate.gap is None
    assert wild.solve(max_iter=20).certificate is None


METHODS = ("admm", "admm_vxu", "dr", "hqs", "ladmm", "pdhg", "pd3o", "pgd", "fista")
MATRIX, MEASURED, IMAGE = noise(5, (6, 8)), noise(6, (6,)), noise(7, (1, 1, 4, 5))


def few_measurements(bounded: bool) -> tuple[dp.Problem, cvxpy.Problem]:
    """No strong convexity; every method takes it."""
    x, u = dp.Variable("x", (8,)), cvxpy.Variable(8)
    terms = dp.sum_squares(MATRIX @ x - MEASURED) + 0.3 * dp.norm1(x)
    other = cvxpy.sum_squares(MATRIX.numpy() @ u - MEASURED.numpy()) + 0.3 * cvxpy.norm1(u)
    if bounded:
        return dp.Problem(terms + dp.box(x, -0.4, 0.6)), _least(other, [u >= -0.4, u <= 0.6])
    return dp.Problem(terms), _least(other, [])


def edges() -> tuple[dp.Problem, cvxpy.Problem]:
    """Strongly convex, with a term behind an operator."""
    x, u = dp.Variable("x", (1, 1, 4, 5)), cvxpy.Variable(20)
    terms = dp.sum_squares(x - IMAGE) + 0.3 * dp.norm1(dp.grad(x))
    variation = cvxpy.norm1(dense(dp.grad, (1, 1, 4, 5)) @ u)
    return dp.Problem(terms), _least(cvxpy.sum_squares(u - IMAGE.reshape(-1)) + 0.3 * variation, [])


def _least(objective: cvxpy.Expression, constraints: list[object]) -> cvxpy.Problem:
    return cvxpy.Problem(cvxpy.Minimize(objective), constraints)


@pytest.mark.parametrize("name", ["few measurements", "bounded", "edges"])
def test_every_method_says_how_far_its_result_is_from_optimal(name: str) -> None:
    problem, other = edges() if name == "edges" else few_measurements(name == "bounded")
    best = float(other.solve(solver=cvxpy.CLARABEL))
    methods = [c.method for c in dp.candidates(problem) if c.accepts]
    assert set(methods) >= set(METHODS) - {"pgd", "fista"}
    for method in methods:
        solver = problem.compile(method, abs_tol=0.0, rel_tol=0.0)
        for iterations in (1, 8, 600):
            result = solver.solve(max_iter=iterations)
            held = result.certificate
            above = solver.objective((result[problem.variables[0]],)) - best
            if iterations > 1:
                assert held.estimate >= above - 1e-7 * best, method
            if held.gap is not None:
                assert held.gap >= above - 1e-7 * best, method
            if above > 0.01 * best:
                assert held.residual > 1e-3, method
            if iterations == 1:
                assert held.residual > 0.01, method
                assert held.estimate > 0.01 * best, method
        assert (held.gap is None) == (name == "few measurements"), method
        assert held.residual < 1e-3, method
        assert held.estimate < 1e-3 * best, method
        assert abs(above) < 1e-4 * best, method


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    b = noise(3, (3, 1, 6, 7))
    scales = torch.tensor([0.02, 1.0, 40.0], dtype=torch.float64).reshape(3, 1, 1, 1)
    return b * scales, scales


def deblur(b: torch.Tensor) -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", tuple(b.shape))
    fidelity = dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.01 * dp.sum_squares(x)
    return dp.Problem(fidelity + 0.05 * dp.norm1(dp.grad(x)) + dp.nonneg(x)), x


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr"])
def test_each_sample_of_a_batch_is_solved_as_it_would_be_alone(method: str) -> None:
    b, scales = batch()
    problem, x = deblur(b)
    options = {"rho": 1.0, "abs_tol": 1e-6, "rel_tol": 1e-6, "max_iter": 5000}
    result = problem.solve(method, **options)
    assert result.status is Status.CONVERGED
    assert len(result.samples) == 3
    for index, sample in enumerate(result.samples):
        alone, y = deblur(b[index : index + 1])
        single = alone.solve(method, **options)
        assert sample.status is Status.CONVERGED
        # The same iteration with the same ρ, so that it converges at the same check.
        assert sample.iterations == single.iterations
        scale = float(scales[index])
        torch.testing.assert_close(result[x][index], single[y][0], atol=1e-3 * scale, rtol=1e-3)
    counts = [sample.iterations for sample in result.samples]
    assert max(counts) == result.iterations
    assert min(counts) < max(counts)


def by_pixels(b: torch.Tensor) -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", tuple(b.shape))
    weights = torch.linspace(0.5, 1.5, 7, dtype=torch.float64)
    terms = dp.sum_squares(dp.mask(x, weights) - b) + dp.group_norm1(x, axis=-1)
    return dp.Problem(terms + dp.box(dp.mul_elementwise(x, weights), -2.0, 1.0)), x


@pytest.mark.parametrize("build", [deblur, by_pixels])
def test_with_a_rho_of_its_own_each_sample_of_a_batch_is_solved_as_alone(build: object) -> None:
    b = noise(3, (3, 1, 6, 7)) * torch.tensor([0.1, 1.0, 3.0]).double().reshape(3, 1, 1, 1)
    problem, x = build(b)  # type: ignore[operator]
    options = {"abs_tol": 1e-5, "rel_tol": 1e-5, "max_iter": 3000}
    result = problem.solve("admm", **options)
    assert result.status is Status.CONVERGED
    chosen = set()
    for index, sample in enumerate(result.samples):
        alone, y = build(b[index : index + 1])  # type: ignore[operator]
        single = alone.solve("admm", **options)
        assert sample.iterations == single.iterations
        torch.testing.assert_close(result[x][index], single[y][0], atol=1e-9, rtol=1e-9)
        chosen.add(single.history[-1].rho)
    assert len(chosen) > 1, "scales so different ask for different ρ"


def test_a_sample_that_has_converged_is_left_alone() -> None:
    problem, x = denoise(noise(3, (3, 1, 6, 7)) * torch.tensor([0.05, 1, 20])[:, None, None, None])
    solver = problem.compile("admm", abs_tol=1e-4, rel_tol=1e-4)
    first = solver.solve(max_iter=5000)
    least = min(range(3), key=lambda index: first.samples[index].iterations)
    ended = first.samples[least].iterations
    assert ended < first.iterations
    early = solver.solve(max_iter=ended)
    assert torch.equal(first[x][least], early[x][least])
    assert early.status is Status.ITERATION_LIMIT
    assert early.samples[least].status is Status.CONVERGED


def test_where_samples_meet_they_share_one_rho() -> None:
    b, _ = batch()
    x = dp.Variable("x", tuple(b.shape))
    whole = dp.Problem(dp.sum_squares(x - b) + dp.norm2(x))
    rolled = dp.Problem(dp.sum_squares(x - b) + dp.norm1(dp.grad(x, axes=(0,))))
    apart = dp.Problem(dp.sum_squares(x - b) + dp.norm1(dp.grad(x)))
    edges = dp.norm1(dp.grad(x)) + dp.group_norm1(dp.grad(x))
    joined = dp.Problem(dp.sum_squares(x - b) + edges)
    for problem, count in ((whole, 1), (rolled, 1), (apart, 3), (joined, 3)):
        state = problem.compile("admm").init()
        assert torch.as_tensor(state.rho).numel() == count  # type: ignore[attr-defined]


def denoise(b: torch.Tensor) -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", tuple(b.shape))
    return dp.Problem(dp.sum_squares(x - b) + 0.3 * dp.norm1(dp.grad(x))), x


def test_a_solve_does_not_stop_before_its_smallest_sample_has_converged() -> None:
    # Together the residuals are those of the large sample, and the small one drowns in it.
    b = noise(3, (2, 1, 6, 7)) * torch.tensor([1.0, 50.0]).reshape(2, 1, 1, 1).double()
    problem, x = denoise(b)
    alone, y = denoise(b[:1])
    exact = alone.solve(abs_tol=1e-9, rel_tol=1e-9, max_iter=5000)
    together = problem.solve(rho=1.0, abs_tol=1e-5, rel_tol=1e-3, max_iter=5000)
    assert exact.converged
    assert together.converged
    error = (together[x][0] - exact[y][0]).norm() / exact[y].norm()
    assert float(error) < 0.01


@pytest.mark.parametrize("method", ["ladmm", "pdhg", "pd3o", "pgd", "fista"])
def test_methods_that_take_gradients_end_each_sample_by_itself(method: str) -> None:
    b = noise(3, (4, 1, 6, 7)) * torch.tensor([0.4, 1.0, 20.0, 0.0]).double().reshape(4, 1, 1, 1)

    def build(data: torch.Tensor) -> tuple[dp.Problem, dp.Variable]:
        x = dp.Variable("x", tuple(data.shape))
        fit = dp.sum_squares(dp.conv(x, KERNEL) - data)
        if method in ("pgd", "fista"):
            return dp.Problem(fit + 0.01 * dp.sum_squares(x) + 0.05 * dp.norm1(x)), x
        return dp.Problem(
            fit + 0.05 * dp.sum_squares(x) + 0.05 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
        ), x

    problem, x = build(b)
    result = problem.solve(method, abs_tol=1e-7, rel_tol=1e-6, max_iter=8000)
    assert result.status is Status.CONVERGED
    counts = [sample.iterations for sample in result.samples]
    assert max(counts) == result.iterations
    assert min(counts) < max(counts)
    for index in range(3):
        alone, y = build(b[index : index + 1])
        single = alone.solve(method, abs_tol=1e-10, rel_tol=1e-9, max_iter=8000)
        error = (result[x][index] - single[y][0]).norm() / single[y].norm()
        # The smallest would drown in the residuals of all together.
        assert float(error) < 1e-4, index
    assert counts[3] == 10
    assert not result[x][3].any()


def test_samples_that_did_not_converge_say_so() -> None:
    b, _ = batch()
    result = deblur(b)[0].solve(rho=1.0, abs_tol=1e-9, rel_tol=1e-9, max_iter=20)
    assert {sample.status for sample in result.samples} == {Status.ITERATION_LIMIT}
    assert [sample.iterations for sample in result.samples] == [20, 20, 20]


def test_one_sample_is_the_whole() -> None:
    b, _ = batch()
    assert deblur(b[:1])[0].solve().samples == ()
    x = dp.Variable("x", (5, 4))
    assert dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x)).solve().samples == ()


def test_a_sample_of_zeros_ends_too() -> None:
    b = noise(3, (3, 1, 6, 7))
    b[1] = 0.0
    for tolerances in ({}, {"abs_tol": 0.0, "rel_tol": 1e-4}):
        result = denoise(b)[0].solve(max_iter=5000, **tolerances)
        assert result.status is Status.CONVERGED


def test_what_has_converged_keeps_small_constraints_beside_large_terms() -> None:
    # Residuals weigh all terms together: beside values around a thousand one missed by half is
    # within them.
    x, y = dp.Variable("x", (6,)), dp.Variable("y", (40,))
    rows, large = noise(21, (2, 6)), 1000.0 + noise(22, (40,))
    terms = dp.sum_squares(x) + dp.norm1(y - large) + dp.norm1(dp.matrix(y, noise(23, (9, 40))))
    problem = dp.Problem(terms, [rows @ x == torch.tensor([1.0, -2.0])])
    for method in ("admm", "pdhg"):
        result = problem.solve(method, max_iter=20_000)
        assert result.status is Status.CONVERGED, method
        assert math.isfinite(result.objective), method
        missed = rows @ result[x] - torch.tensor([1.0, -2.0])
        assert float(missed.abs().max()) <= 2e-3, method


def test_a_domain_missed_by_rounding_leaves_the_objective_finite() -> None:
    """Entropic transport, whose iterate is a little below zero in places, against CVXPY."""
    rng = np.random.default_rng(2)
    a, b = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
    costs = np.abs(np.arange(5)[:, None] - np.arange(5))
    p = dp.Variable("p", (5, 5), dtype=torch.float64)
    ones = torch.ones(5, dtype=torch.float64)
    objective = dp.linear(p, torch.from_numpy(costs).double()) + 0.3 * dp.entropy(p)
    sides = [p @ ones == torch.from_numpy(a), p.T @ ones == torch.from_numpy(b)]
    result = dp.Problem(objective, sides).solve("admm", max_iter=3000)
    u = cvxpy.Variable((5, 5))
    cost = cvxpy.sum(cvxpy.multiply(costs, u)) - 0.3 * cvxpy.sum(cvxpy.entr(u))
    ways = [cvxpy.sum(u, axis=1) == a, cvxpy.sum(u, axis=0)[:-1] == b[:-1]]
    best = cvxpy.Problem(cvxpy.Minimize(cost), ways).solve(solver="CLARABEL")
    assert result.objective == pytest.approx(best, abs=5e-3)
    assert result.metrics["violation"] < 3e-3


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "pdhg"])
def test_rho_follows_what_bounds_the_duals_however_curved_the_squares_are(method: str) -> None:
    # Chosen from the curvature ρ would be ten million times what it should be.
    x, b, rows = dp.Variable("x", (8,)), 0.1 * noise(24, (8,)), noise(25, (3, 8))
    bent = dp.quad_form(dp.matrix(x, rows), 1e3 * torch.eye(3, dtype=torch.float64))
    problem = dp.Problem(1e-3 * dp.sum_squares(x - b) + 5e-3 * dp.logistic(x) + bent)
    u = cvxpy.Variable(8)
    cost = 1e-3 * cvxpy.sum_squares(u - b.numpy()) + 5e-3 * cvxpy.sum(cvxpy.logistic(-u))
    best = _least(cost + 1e3 * cvxpy.sum_squares(rows.numpy() @ u), []).solve("CLARABEL")
    result = problem.solve(method, abs_tol=1e-8, rel_tol=1e-8, max_iter=1000)
    assert result.status is Status.CONVERGED
    assert result.objective == pytest.approx(best, rel=1e-5)


def test_pdhg_of_proxes_alone_takes_long_steps() -> None:
    x, y, b = dp.Variable("x", (5,)), dp.Variable("y", (4,)), noise(26, (5,))
    terms = 1e-3 * dp.sum_squares(x - b) + 5 * dp.quad_form(y - 3, torch.eye(4))
    result = dp.Problem(terms).solve("pdhg", abs_tol=1e-9, rel_tol=1e-9)
    assert result.status is Status.CONVERGED
    assert result.iterations <= 20
    torch.testing.assert_close(result[x], b)
    torch.testing.assert_close(result[y], torch.full((4,), 3.0, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_barely_curved_problem_is_no_reason_for_doubt(dtype: torch.dtype) -> None:
    # The blur leaves almost nothing of the highest frequencies: the modulus is of rounding's size.
    kernel = dp.gaussian_psf(size=15, sigma=3.0).to(dtype)
    generator = torch.Generator().manual_seed(4)
    photo = torch.rand((1, 1, 24, 32), generator=generator, dtype=torch.float64).to(dtype)
    x = dp.Variable("x", tuple(photo.shape))
    fit = dp.sum_squares(dp.conv(x, kernel) - dp.conv(photo, kernel))
    problem = dp.Problem(fit + 0.001 * dp.norm1(dp.grad(x)) + dp.nonneg(x))
    result = problem.solve()
    assert result.status is Status.CONVERGED
    assert result.certificate.estimate < 0.1 * result.objective
