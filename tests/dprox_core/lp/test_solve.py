"""Solvers of linear programs against HiGHS, known optima and Farkas' lemma."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from programs import KINDS, highs, random_program

import dprox_core as dp
from dprox_core.lp import LinearProgram, LPResult, certify, solve_lp
from dprox_core.lp.energy import capacity_expansion

METHODS = ("pdhg", "admm")


def assert_optimal(program: LinearProgram, result: LPResult, optimum: float) -> None:
    """The objective is right and the point is what it claims, measured from the program alone."""
    assert result.status is dp.Status.OPTIMAL, result
    assert result.objective == pytest.approx(optimum, rel=5e-6, abs=5e-6)
    assert result.objective == pytest.approx(program.c @ result.x + program.c0)
    size = 1 + np.abs(program.A) @ np.abs(result.x)
    activity = program.A @ result.x
    assert (activity >= program.row_lower - 1e-4 * size).all()
    assert (activity <= program.row_upper + 1e-4 * size).all()
    z = program.c - program.A.T @ result.y
    np.testing.assert_allclose(result.z, z, atol=1e-9 * (1 + np.abs(program.c).max()))
    assert certify(program, result.x, result.y).meets(1.1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_random_programs_of_every_kind(kind: str, seed: int, method: str) -> None:
    program, optimum = random_program(kind, seed)
    result = solve_lp(program, method, presolve=seed == 1)
    assert result.method == method
    assert_optimal(program, result, optimum)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "scaled"])
def test_highs_agrees_with_the_constructed_optimum(kind: str) -> None:
    program, optimum = random_program(kind, 5)
    assert highs(program) == ("Optimal", pytest.approx(optimum, rel=1e-7))


def infeasible() -> dict[str, LinearProgram]:
    """Programs without a feasible point, by what contradicts what."""
    base, _ = random_program("plain", 3)
    total = np.ones(base.n)
    cycle = sp.csr_array([[1.0, -1, 0], [0, 1, -1], [-1, 0, 1]])
    return {
        "rows": LinearProgram(
            base.c,
            sp.vstack([base.A, sp.csr_array(np.array([total, total]))]),
            np.append(base.row_lower, [100.0, -np.inf]),
            np.append(base.row_upper, [np.inf, 99.0]),
        ),
        "cycle": LinearProgram([1.0, 1, 1], cycle, 1.0, np.inf, -np.inf, np.inf),
        "box": LinearProgram([1.0, -1.0], [[1.0, 1.0]], 5.0, np.inf, 0.0, 2.0),
        "bounds": LinearProgram([1.0], [[1.0]], lower=2.0, upper=1.0),
        "empty row": LinearProgram([1.0], [[0.0]], 1.0, 2.0),
        "single rows": LinearProgram([1.0], [[1.0], [2.0]], [3.0, -np.inf], [np.inf, 4.0]),
        "and unbounded": LinearProgram(
            [-1.0, 0.0, 0.0], [[0.0, 1, -1], [0, 1, -1]], [1.0, -np.inf], [np.inf, 0.5]
        ),
    }


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("presolve", [False, True])
@pytest.mark.parametrize("name", infeasible())
def test_infeasible_programs_are_proved_so(name: str, presolve: bool, method: str) -> None:
    program = infeasible()[name]
    assert highs(program)[0] == "Infeasible"
    result = solve_lp(program, method, presolve=presolve, max_iter=50_000)
    assert result.status is dp.Status.INFEASIBLE, result
    assert result.objective == np.inf
    if result.ray is not None:
        z = -program.A.T @ result.ray
        assert (z[np.isinf(program.lower)] <= 1e-6 * np.abs(result.ray).max()).all()
        bound = 0.0
        for dual, low, high in (
            (result.ray, program.row_lower, program.row_upper),
            (z, program.lower, program.upper),
        ):
            bound += dual.clip(0) @ np.where(np.isfinite(low), low, 0)
            bound += dual.clip(max=0) @ np.where(np.isfinite(high), high, 0)
        assert bound > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("presolve", [False, True])
@pytest.mark.parametrize("sense", ["min", "max"])
def test_unbounded_programs_are_proved_so(sense: str, presolve: bool, method: str) -> None:
    base, _ = random_program("plain", 7)
    sign = 1.0 if sense == "min" else -1.0
    # A new variable that improves the objective and that the rows allow to grow for ever.
    column = np.where(np.isposinf(base.row_upper), 1.0, 0.0)
    column[np.isneginf(base.row_lower)] = -1.0
    program = LinearProgram(
        np.append(sign * base.c, -sign),
        sp.hstack([base.A, sp.csr_array(column[:, None])]),
        base.row_lower,
        base.row_upper,
        sense=sense,  # type: ignore[arg-type]
    )
    assert highs(program)[0] == "Unbounded"
    result = solve_lp(program, method, presolve=presolve, max_iter=50_000)
    assert result.status is dp.Status.UNBOUNDED, result
    assert result.objective == -sign * np.inf
    if result.ray is not None:
        ray = result.ray / np.abs(result.ray).max()
        assert sign * program.c @ ray < 0
        assert (ray >= -1e-6).all()
        activity = program.A @ ray
        assert (activity[np.isfinite(program.row_upper)] <= 1e-5).all()
        assert (activity[np.isfinite(program.row_lower)] >= -1e-5).all()


def test_bounds_alone() -> None:
    program = LinearProgram([1.0, -2.0, 0.0], None, lower=[-1.0, 0, 5], upper=[np.inf, 4.0, 6])
    result = solve_lp(program)
    assert result.x.tolist() == [-1.0, 4.0, 5.0]
    assert result.z.tolist() == [1.0, -2.0, 0.0]
    assert result.objective == -9
    assert solve_lp(LinearProgram([-1.0])).status is dp.Status.UNBOUNDED


@pytest.mark.parametrize("method", METHODS)
def test_duals_are_supergradients_of_the_optimum(method: str) -> None:
    program, optimum = random_program("maximize", 2)
    result = solve_lp(program, method, tol=1e-8)
    for i in np.argsort(-np.abs(result.y))[:4]:
        for step in (-0.01, 0.01):
            shift = step * (np.arange(program.m) == i)
            moved = LinearProgram(
                program.c,
                program.A,
                program.row_lower + shift,
                program.row_upper + shift,
                program.lower,
                program.upper,
                c0=program.c0,
                sense="max",
            )
            assert highs(moved)[1] <= optimum + step * result.y[i] + 1e-6


def test_a_warm_start_saves_the_way() -> None:
    program = capacity_expansion(48, 1).program
    cold = solve_lp(program, "pdhg", tol=1e-4, presolve=False)
    warm = solve_lp(program, "pdhg", tol=1e-4, x0=cold.x, y0=torch.from_numpy(cold.y))
    assert warm.converged
    assert warm.iterations < cold.iterations / 4


@pytest.mark.parametrize("method", METHODS)
def test_limits_and_stops_are_said(method: str) -> None:
    program = capacity_expansion(72, 1).program
    few = solve_lp(program, method, max_iter=50, presolve=False)
    assert few.status is dp.Status.ITERATION_LIMIT
    assert few.iterations == 50
    assert few.certificate is not None
    assert not few.certificate.meets(1e-6)
    short = solve_lp(program, method, tol=1e-12, time_limit=0.05, presolve=False)
    assert short.status is dp.Status.TIME_LIMIT
    seen = []

    def listener(event: dp.Iteration) -> None:
        assert event.iterate["x"].shape == (program.n,)
        seen.append(event.iteration)
        if len(seen) == 3:
            event.stop()

    with dp.monitor(listener):
        stopped = solve_lp(program, method)
    assert stopped.status is dp.Status.STOPPED
    assert len(seen) == len(stopped.history) == 3
    assert seen == sorted(seen)


def test_crossover_gives_a_vertex() -> None:
    program, optimum = random_program("plain", 4)
    result = solve_lp(program, tol=1e-4, crossover=True)
    assert result.objective == pytest.approx(optimum, rel=1e-9)
    assert result.certificate is not None
    assert result.certificate.worst < 1e-9


def test_a_capacity_expansion_agrees_with_highs() -> None:
    system = capacity_expansion(72, 2)
    result = solve_lp(system.program, tol=1e-4)
    status, optimum = highs(system.program)
    assert status == "Optimal"
    assert result.objective == pytest.approx(optimum, rel=2e-4)
    assert (result.y[system.rows["balance"]] > -1).all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "simplex"}, 'A linear program is solved by method "auto", "pdhg" or "admm"'),
        ({"tol": 0.0}, "tol must be a number between 0 and 1"),
        ({"max_iter": 0}, "max_iter must be a whole number from 1"),
        ({"time_limit": -1.0}, "time_limit must be seconds above 0"),
        ({"x0": [1.0]}, "x0 has 1 values, but 2 are needed"),
        ({"y0": [np.nan]}, "y0 holds NaN"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(options: dict[str, object], sentence: str) -> None:
    program = LinearProgram([1.0, 1.0], [[1.0, 1.0]], 1.0)
    with pytest.raises(dp.DproxError, match=sentence):
        solve_lp(program, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("presolve", [False, True])
@pytest.mark.parametrize("unit", ["limits", "costs"])
def test_an_objective_near_zero_is_right_in_its_own_size(unit: str, presolve: bool) -> None:
    base, optimum = random_program("plain", 6)
    size = 1e-6
    limits = size if unit == "limits" else 1.0
    program = LinearProgram(
        base.c * (size if unit == "costs" else 1.0),
        base.A,
        base.row_lower * limits,
        base.row_upper * limits,
        base.lower * limits,
        base.upper * limits,
    )
    result = solve_lp(program, presolve=presolve)
    assert result.converged
    assert result.objective == pytest.approx(size * (optimum - base.c0), rel=1e-4)


@pytest.mark.parametrize("presolve", [False, True])
def test_a_small_cost_beside_a_large_one_still_falls_for_ever(presolve: bool) -> None:
    # Nothing holds the second variable, and its cost is nothing beside the first one's.
    program = LinearProgram([1e6, -1e-6], [[1.0, 0.0], [2.0, 0.0]], [1.0, 1.0])
    result = solve_lp(program, presolve=presolve)
    assert result.status is dp.Status.UNBOUNDED, result
    if result.ray is not None:
        assert program.c @ result.ray < 0
