"""When a solve ends, and what it then holds."""

from __future__ import annotations

import math

import pytest
import torch
from solver_cases import SHAPE, noise

import dprox_core as dp
from dprox_core.algorithms.admm import AdmmState
from dprox_core.result import Status
from dprox_core.run import CHECK_EVERY
from dprox_core.testing.cases import Maker


def television(seed: int = 1, factor: float = 1.0) -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", SHAPE)
    b = factor * noise(seed)
    terms = dp.sum_squares(x - b) + 0.4 * factor * dp.norm1(dp.grad(x))
    return dp.Problem(terms), x


@pytest.mark.parametrize("method", ["admm", "fista"])
def test_converged_means_that_both_residuals_are_within_their_tolerances(method: str) -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - noise(2)) + 0.3 * dp.norm1(x))
    result = problem.solve(method, abs_tol=1e-8, rel_tol=1e-8)
    last = result.history[-1]
    assert result.status is Status.CONVERGED
    assert result.converged
    assert last.primal_residual <= last.primal_tolerance
    assert last.dual_residual <= last.dual_tolerance
    assert result.iterations == len(result.history) == last.iteration


def test_residuals_are_those_of_boyd_et_al() -> None:
    problem, _ = television()
    solver = problem.compile(rho=0.7, relaxation=1.0, abs_tol=1e-4, rel_tol=1e-3)
    state = solver.init(noise(3))
    for _ in range(4):
        state = solver.step(state)
    before = state.clone()
    state = solver.step(state, measure=True)
    assert isinstance(before, AdmmState)
    assert isinstance(state, AdmmState)
    gradient = dp.grad(state.x[0])
    primal = float((gradient - state.z[0]).norm())
    x = dp.Variable("y", SHAPE)
    adjoint = dp.Problem(dp.sum_squares(dp.grad(x))).compile().model.terms[0].row

    def pulled(z: torch.Tensor) -> torch.Tensor:
        into = [torch.zeros(SHAPE, dtype=torch.float64)]
        adjoint.adjoint_add(z, into, in_place=True)
        return into[0]

    dual = 0.7 * float(pulled(state.z[0] - before.z[0]).norm())
    held = state.residuals
    assert held is not None
    assert math.isclose(held.primal, primal, rel_tol=1e-10)
    assert math.isclose(held.dual, dual, rel_tol=1e-10)
    size = max(float(gradient.norm()), float(state.z[0].norm()))
    assert math.isclose(held.primal_tolerance, math.sqrt(60) * 1e-4 + 1e-3 * size, rel_tol=1e-10)
    push = float(pulled(state.u[0]).norm())
    expected = 0.7 * (math.sqrt(30) * 1e-4 + 1e-3 * push)
    assert math.isclose(held.dual_tolerance, expected, rel_tol=1e-10)


def test_tighter_tolerances_take_longer_and_come_nearer() -> None:
    problem, x = television()
    exact = problem.solve(abs_tol=1e-9, rel_tol=1e-9, max_iter=1000)[x]
    rough = problem.solve(abs_tol=1e-2, rel_tol=1e-2)
    fine = problem.solve(abs_tol=1e-5, rel_tol=1e-5)
    assert rough.iterations < fine.iterations
    assert float((fine[x] - exact).norm()) < float((rough[x] - exact).norm())
    assert float((fine[x] - exact).norm()) < 1e-3


def test_a_rescaled_problem_stops_at_the_same_iterate() -> None:
    problem, x = television()
    larger, y = television(factor=256.0)
    tolerances = {"abs_tol": 0.0, "rel_tol": 1e-5}
    first, second = problem.solve(**tolerances), larger.solve(**tolerances)
    assert first.iterations == second.iterations
    torch.testing.assert_close(second[y] / 256.0, first[x], atol=1e-9, rtol=1e-9)


def test_an_objective_times_a_number_stops_at_the_same_iterate() -> None:
    problem, x = television()
    scaled = dp.Problem(8 * problem.objective)
    first, second = problem.solve(), scaled.solve()
    assert first.iterations == second.iterations
    torch.testing.assert_close(first[x], second[x])


def test_without_anything_split_one_step_is_enough() -> None:
    x = dp.Variable("x", SHAPE)
    b = noise(4)
    result = dp.Problem(dp.sum_squares(x - b) + dp.sum_squares(dp.grad(x))).solve()
    assert result.iterations == 1
    assert result.status is Status.CONVERGED


def test_the_limit_is_kept_and_named() -> None:
    problem, _ = television()
    result = problem.solve(max_iter=7, abs_tol=0, rel_tol=0)
    assert result.iterations == 7
    assert result.status is Status.ITERATION_LIMIT
    assert "iteration limit" in result.status.sentence
    assert not math.isnan(result.history[-1].objective)


@pytest.mark.parametrize("max_iter", [0, -3, 2.5, True, None])
def test_a_limit_that_is_none_is_refused(max_iter: object) -> None:
    problem, _ = television()
    with pytest.raises(dp.ParameterError, match="max_iter must be a whole number from 1"):
        problem.compile().solve(max_iter=max_iter)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["abs_tol", "rel_tol"])
@pytest.mark.parametrize("value", [-1e-3, math.nan, math.inf])
def test_a_tolerance_below_zero_is_refused(name: str, value: float) -> None:
    problem, _ = television()
    with pytest.raises(dp.ParameterError, match=f"{name} must be a number from 0"):
        problem.solve(**{name: value})


def test_fista_with_a_step_too_long_diverges_and_keeps_the_last_good_iterate() -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(3 * x - noise(5)) + 0.1 * dp.norm1(x))
    # With L = 18 every step above 1/9 moves away.
    result = problem.solve("fista", step=0.3, restart=False, max_iter=500)
    assert result.status is Status.DIVERGED
    assert "moved away" in result.status.sentence
    assert bool(torch.isfinite(result[x]).all())
    assert result.iterations < 500


@pytest.mark.parametrize("method", ["hqs", "admm_vxu"])
def test_what_grows_from_nothing_to_rounding_has_not_diverged(method: str) -> None:
    generator = torch.Generator().manual_seed(0)
    b = torch.rand((2, 1, 5, 6), generator=generator)
    x = dp.Variable("x", b.shape)
    # So little weight that in single precision residuals are zero, and then are not.
    blurred = dp.conv(x, dp.gaussian_psf(3, 1.0))
    problem = dp.Problem(dp.sum_squares(blurred - b) + 1e-12 * dp.norm1(dp.grad(x)))
    assert problem.solve(method, max_iter=60).status is not Status.DIVERGED


def test_overflow_is_said_and_the_last_good_iterate_kept() -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(1e15 * x - noise(6).float()) + dp.norm1(x))
    result = problem.solve("fista", step=1.0, max_iter=40)
    assert result.status is Status.NOT_FINITE
    assert "NaN or infinite" in result.status.sentence
    assert bool(torch.isfinite(result[x]).all())


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "hqs"])
def test_one_linear_solve_that_fails_is_no_solution(method: str) -> None:
    x = dp.Variable("x", SHAPE, dtype="float32")
    # In single precision the square of 1e-30 is zero.
    result = dp.Problem(dp.sum_squares(1e-30 * x - noise(6).float())).solve(method)
    assert result.status is Status.NOT_FINITE
    assert bool(torch.isfinite(result[x]).all())


def test_a_start_that_is_not_finite_is_refused() -> None:
    problem, _ = television()
    start = noise(7)
    start[0, 0, 2, 3] = math.nan
    with pytest.raises(dp.DataError, match="x0 for x"):
        problem.solve(x0=start)


@pytest.mark.parametrize("factor", [1e-3, 1e4])
def test_automatic_rho_reaches_the_optimum_from_far_off_scales(factor: float) -> None:
    problem, x = television(factor=factor)
    result = problem.solve(abs_tol=0.0, rel_tol=1e-6, max_iter=1000)
    assert result.status is Status.CONVERGED, factor
    reference, y = television()
    expected = reference.solve(abs_tol=1e-8, rel_tol=1e-8, max_iter=1000)[y]
    torch.testing.assert_close(result[x] / factor, expected, atol=1e-3, rtol=1e-3)


def test_a_change_of_rho_leaves_split_copies_and_unscaled_duals_as_they_are() -> None:
    problem, _ = television(factor=300.0)
    solver = problem.compile(abs_tol=1e-9, rel_tol=1e-9)
    state = solver.init()
    changed = 0
    for _ in range(8):
        for _ in range(CHECK_EVERY):
            state = solver.step(state, measure=True)
        before = state.clone()
        state = solver.algorithm.adapt(state)
        assert isinstance(before, AdmmState)
        assert isinstance(state, AdmmState)
        if state.rho != before.rho:
            changed += 1
            torch.testing.assert_close(state.z[0], before.z[0])
            torch.testing.assert_close(state.rho * state.u[0], before.rho * before.u[0])
    assert changed >= 1


def test_the_step_of_fista_is_at_most_one_over_the_lipschitz_constant() -> None:
    x = dp.Variable("x", SHAPE)
    solver = dp.Problem(2 * dp.sum_squares(3 * x - noise(8)) + dp.norm1(x)).compile("fista")
    assert solver.plan.parameters["lipschitz"] == pytest.approx(36.0)
    assert 0.9 / 36.0 <= solver.plan.parameters["step"] <= 1.0 / 36.0
    assert set(solver.plan.automatic) == {"step", "lipschitz"}


def test_a_solve_goes_on_from_a_state() -> None:
    problem, x = television()
    solver = problem.compile(rho=1.0, abs_tol=0.0, rel_tol=0.0)
    whole = solver.solve(max_iter=60)
    half = solver.solve(max_iter=25)
    kept = half.state.clone()
    rest = solver.solve(max_iter=35, state=half.state)
    assert torch.equal(rest[x], whole[x])
    assert rest.history[0].iteration == 26
    # The state given is not written into, so that it can be gone on from twice.
    assert torch.equal(half.state.x[0], kept.x[0])


def test_a_first_residual_that_vanishes_by_chance_is_no_yardstick_for_divergence() -> None:
    # Until the first kink the split copies of linearized ADMM are exact, up to rounding.
    generator = torch.Generator().manual_seed(4)
    x = dp.Variable("x", (2, 1, 3, 5), dtype=torch.float64)
    b = torch.randn(2, 1, 3, 5, generator=generator, dtype=torch.float64)
    edges = dp.grad(dp.patches(x, 3, 1), boundary="dirichlet")
    problem = dp.Problem(0.3 * dp.sum_squares(x - b) + dp.hinge(edges))
    result = problem.solve("ladmm", rho=8.0, abs_tol=1e-7, rel_tol=1e-7, max_iter=200)
    assert result.history[9].primal_residual < 1e-12
    assert result.status is not dp.Status.DIVERGED


def test_douglas_rachford_keeps_points_and_duals_when_rho_changes() -> None:
    problem, _ = television()
    solver = problem.compile("dr", abs_tol=0.0, rel_tol=0.0)
    state = solver.init()
    for _ in range(30):
        state = solver.step(state)
    changed = solver.algorithm.with_parameter(state, state.rho * 8.0)
    image = solver.algorithm._blocks.push(state.x)[0]  # type: ignore[attr-defined]
    torch.testing.assert_close(
        changed.rho * (changed.u[0] - image), state.rho * (state.u[0] - image)
    )
    assert changed.x is state.x


def test_douglas_rachford_finds_a_rho_when_the_first_is_poor() -> None:
    x = dp.Variable("x", SHAPE)
    fidelity = 1e-3 * dp.sum_squares(x - noise(9))
    problem = dp.Problem(fidelity + 1e-3 * dp.hinge(dp.grad(x)))
    result = problem.solve("dr", abs_tol=1e-7, rel_tol=1e-5, max_iter=1500)
    best = problem.solve("admm", abs_tol=1e-9, rel_tol=1e-9, max_iter=5000)
    assert result.converged
    assert result.objective <= best.objective * (1 + 1e-4)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "hqs", "dr"])
def test_what_rounding_leaves_of_residuals_counts_as_nothing(method: str) -> None:
    generator = torch.Generator().manual_seed(3)
    b = 1e4 * torch.randn(20, generator=generator)
    matrix = torch.randn((30, 20), generator=generator)
    x = dp.Variable("x", (20,))
    upper = matrix @ b + 0.3 * torch.randn(30, generator=generator)
    # All that is sought lies in the last three digits of single precision.
    problem = dp.Problem(
        0.03 * dp.sum_squares(x - b) + dp.limits(dp.matrix(x, matrix), upper=upper)
    )
    result = problem.solve(method)
    assert result.converged
    assert result.objective <= 1e-6 * float(b.square().sum())


@pytest.mark.parametrize("method", ["admm", "hqs", "dr", "pdhg", "ladmm"])
@pytest.mark.parametrize("kind", ["equations", "ball", "box"])
def test_constraints_on_small_data_are_kept_by_their_own_measure(kind: str, method: str) -> None:
    """Beside a data term of size 1, where a tolerance of 3e-4 would hold them all for kept."""
    make = Maker(11)
    rows = 3 if kind == "equations" else 8
    target, matrix, b = 1e-4 * make.normal(8), make.normal(rows, 8), make.normal(8)
    x = dp.Variable("x", (8,), dtype=torch.float64)
    seen = dp.matrix(x, matrix)
    constraint, missed = {
        "equations": (seen == matrix @ target, lambda v: matrix @ v - matrix @ target),
        "ball": (dp.l2_ball(seen, 1e-4), lambda v: ((matrix @ v).norm() - 1e-4).clamp_min(0.0)),
        "box": (dp.box(seen, -1e-4, 2e-4), lambda v: matrix @ v - (matrix @ v).clamp(-1e-4, 2e-4)),
    }[kind]
    small = [constraint, dp.box(x, -3e-4, 3e-4)]
    result = dp.Problem(dp.norm1(x - b), small).solve(method, max_iter=3000)
    assert result.converged
    # 3e-4 of ten times the data, which are about as large as the variables.
    assert float(missed(result[x]).abs().max()) <= 5e-3 * float(result[x].abs().max())
