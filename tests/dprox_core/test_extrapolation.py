"""Solves that take long are extrapolated where that helps, and are themselves where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import dprox_core as dp
from dprox_core import extrapolation
from dprox_core.numerics import reductions
from dprox_core.numerics.anderson import _solved, extrapolated
from dprox_core.run import Run
from dprox_core.testing.cases import Maker

NEVER = {"abs_tol": 1e-30, "rel_tol": 1e-30}
TIGHT = {"abs_tol": 1e-8, "rel_tol": 1e-8}
METHODS = ("admm", "admm_vxu", "dr", "pdhg", "pd3o", "ladmm", "pgd")


def steep() -> tuple[dp.Variable, dp.Problem, torch.Tensor]:
    """½‖A x − b‖² with singular values from 1 to 1/100, its minimizer within the box."""
    make = Maker(3)
    left, _, right = torch.linalg.svd(make.normal(16, 12))
    matrix = left[:, :12] * torch.logspace(0, -2, 12, dtype=torch.float64) @ right
    target = make.normal(12)
    # The rest of the columns are perpendicular to all that A x can be.
    b = matrix @ target + left[:, 12]
    x = dp.Variable("x", (12,), dtype=torch.float64)
    misfit = 0.5 * dp.sum_squares(dp.matrix(x, matrix) - b)
    return x, dp.Problem(misfit + dp.box(x, -10.0, 10.0)), target


@pytest.mark.parametrize("method", METHODS)
def test_a_badly_conditioned_problem_ends(method: str) -> None:
    """Plain gradient steps need ln(1e8) · 1e4 of them, 180 000."""
    x, problem, target = steep()
    result = problem.solve(method, max_iter=3000, **TIGHT)
    assert result.converged
    assert torch.allclose(result[x], target, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_what_leads_away_is_undone(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials that are far off, or no numbers, cost their own steps and change nothing else."""
    make = Maker(4)
    x = dp.Variable("x", (1, 1, 8, 8), dtype=torch.float64)
    b = make.normal(1, 1, 8, 8)
    penalty = 0.3 * dp.norm1(dp.laplacian(x) if method != "pgd" else x)
    blurred = dp.conv(x, make.uniform(3, 3) / 9)
    problem = dp.Problem(dp.sum_squares(blurred - b) + penalty)
    # Not adapted: trials that fail put looks at ρ off, which leads another way.
    options = {"pd3o": {"weight": 0.5}, "admm": {"rho": 0.5}, "ladmm": {"rho": 0.5}}
    options |= {"dr": {"rho": 0.5}, "hqs": {"rho": 0.5}, "admm_vxu": {"rho": 0.5}}
    options |= {"pdhg": {"weight": 0.5}}
    options = {"max_iter": 20_000, **options.get(method, {}), **TIGHT}
    monkeypatch.setattr(extrapolation, "_START", 10**9)
    plain = problem.solve(method, **options)
    assert plain.converged
    monkeypatch.setattr(extrapolation, "_START", 20)
    tried = []

    def wild(points: list[torch.Tensor], images: list[torch.Tensor]) -> torch.Tensor:
        tried.append(1)
        away = images[-1] + 1e3 * (1.0 + images[-1].abs().max())
        return away * torch.nan if len(tried) % 2 else away

    monkeypatch.setattr(extrapolation, "extrapolated", wild)
    result = problem.solve(method, **options)
    assert result.converged
    assert tried
    assert result.iterations <= plain.iterations + 10 * len(tried)
    assert result.objective == pytest.approx(plain.objective, rel=1e-9)


def test_a_fixed_number_of_steps_is_taken_as_it_is() -> None:
    _, problem, _ = steep()
    solver = problem.compile("pgd", abs_tol=0.0, rel_tol=0.0)
    state = solver.init()
    for _ in range(200):
        state = solver.step(state)
    result = solver.solve(max_iter=200)
    assert torch.equal(result.state.x[0], state.x[0])


@pytest.mark.parametrize("anderson", [None, 4])
def test_threads_do_not_change_a_bit(anderson: int | None) -> None:
    generator = torch.Generator().manual_seed(3)
    data = torch.rand(1, 1, 210, 190, generator=generator)
    x = dp.Variable("x", data.shape)
    fidelity = dp.sum_squares(dp.conv(x, dp.gaussian_psf(9, 2.0)) - data)
    problem = dp.Problem(fidelity + 1e-3 * dp.norm1(dp.grad(x)) + dp.nonneg(x))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            result = problem.solve("admm", max_iter=150, rel_tol=1e-7, anderson=anderson)
            found.append(result[x])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("length", [3, 1000, 9000, 20000])
def test_products_of_rows(length: int) -> None:
    rows = torch.randn(5, length, dtype=torch.float64)
    exact = rows @ rows.T
    assert torch.allclose(reductions.products(rows), exact, rtol=1e-12, atol=1e-9)


def test_a_point_is_the_one_whose_residual_is_least() -> None:
    points = [torch.randn(40000, dtype=torch.float64) for _ in range(4)]
    images = [0.9 * point + torch.randn(40000, dtype=torch.float64) for point in points]
    residuals = torch.stack([b - a for a, b in zip(points, images, strict=True)])
    # min ‖Σ α_i r_i‖ with Σ α_i = 1, by its normal equations.
    system = torch.ones(5, 5, dtype=torch.float64)
    system[:4, :4], system[4, 4] = residuals @ residuals.T, 0.0
    right = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    shares = torch.linalg.solve(system, right)[:4]
    found = extrapolated(points, images)
    assert found is not None
    assert torch.allclose(found, shares @ torch.stack(images), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", [*METHODS, "hqs", "fista"])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_solve_goes_on_from_a_file_as_if_it_had_not_stopped(
    method: str, batch: int, tmp_path: Path
) -> None:
    make = Maker(5)
    x = dp.Variable("x", (batch, 1, 7, 6), dtype=torch.float64)
    blurred = dp.conv(x, make.uniform(5, 5) / 25)
    penalty = 1e-3 * dp.norm1(dp.grad(x) if method not in ("pgd", "fista") else x)
    problem = dp.Problem(dp.sum_squares(blurred - make.normal(batch, 1, 7, 6)) + penalty)
    solver = problem.compile(method, **NEVER)
    whole = solver.solve(max_iter=170)
    state = None
    for count in (90, 10, 20, 30, 20):
        result = solver.solve(max_iter=count, state=state)
        path = solver.save_state(result.state, tmp_path / "state.safetensors")
        state = problem.compile(method, **NEVER).load_state(path)
    assert result.state.iteration == whole.state.iteration == 170
    assert torch.equal(result[x], whole[x])


@pytest.mark.parametrize("method", METHODS)
def test_accelerated_steps_from_copies_of_a_state_are_the_same_bits(method: str) -> None:
    """Wherever in memory the copies lie."""
    make = Maker(6)
    x = dp.Variable("x", (2, 1, 9, 7), dtype=torch.float64)
    blurred = dp.conv(x, make.uniform(5, 5) / 25)
    penalty = 0.1 * dp.norm1(dp.grad(x) if method != "pgd" else x)
    solver = dp.Problem(dp.sum_squares(blurred - make.normal(2, 1, 9, 7)) + penalty).compile(
        method, anderson=4
    )
    state = solver.init()
    for _ in range(8):
        state = solver.step(state)
    held, found = [], []
    for size in range(40):
        held.append(torch.empty(37 * size))
        found.append(solver.step(state.clone()).point[0])
    assert all(torch.equal(point, found[0]) for point in found)


@pytest.mark.parametrize("rank", [0, 2, 4])
def test_small_systems_are_solved_and_singular_ones_by_some_solution(rank: int) -> None:
    rows = torch.randn(4, max(rank, 1), dtype=torch.float64) * (rank > 0)
    matrix = rows @ rows.T
    right = matrix @ torch.randn(4, dtype=torch.float64)
    solution = torch.tensor(_solved(matrix, right), dtype=torch.float64)
    assert torch.allclose(matrix @ solution, right, atol=1e-8)


def test_rho_may_change_before_anything_is_bounded() -> None:
    """As where a solve goes on from a state and the trial of one of its samples fails at once."""
    x = dp.Variable("x", (1, 1, 8, 8), dtype=torch.float64)
    data = torch.linspace(0.0, 30.0, 64, dtype=torch.float64).reshape(x.shape)
    problem = dp.Problem(dp.sum_squares(x - data) + dp.norm1(dp.grad(x)))
    solver = problem.compile("admm")
    state = solver.init()
    for count in range(10):
        state = solver.step(state, measure=count == 9)
    before = state.rho
    assert Run(solver, state, 10, {})._adapted().rho != before
