"""Units that follow the iterate, and what polishing proves, on programs with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from programs import KINDS, highs, random_program

import dprox_core as dp
from dprox_core.lp import LinearProgram, certify, solve_lp
from dprox_core.lp.energy import capacity_expansion
from dprox_core.lp.engine import Budget, Engine
from dprox_core.lp.scaling import equilibrate, follow, scale


@pytest.mark.parametrize("kind", KINDS)
def test_following_keeps_the_norm_and_the_program(kind: str) -> None:
    program = random_program(kind, 4)[0].minimized()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=program.n) ** 3, rng.normal(size=program.m) ** 3
    scaled = scale(program, factors=follow(program, equilibrate(program.A), x, y))
    assert np.linalg.norm(scaled.A.toarray(), 2) <= 1 + 1e-9
    # What the scaled program says of a pair is what the program says of it.
    np.testing.assert_allclose(
        scaled.rows * (scaled.A @ (x / scaled.columns)), program.A @ x, atol=1e-9
    )
    np.testing.assert_allclose(
        scaled.costs * (scaled.A.T @ (y / scaled.duals)), program.A.T @ y, atol=1e-9
    )
    np.testing.assert_allclose(scaled.c * scaled.costs, program.c, atol=1e-9)
    np.testing.assert_allclose(scaled.lower * scaled.columns, program.lower, atol=1e-9)
    np.testing.assert_allclose(scaled.row_upper * scaled.rows, program.row_upper, atol=1e-9)


def test_equal_sizes_give_pock_and_chambolle() -> None:
    program = LinearProgram(np.ones(3), [[1.0, 2.0, 0.0], [0.0, -3.0, 4.0]])
    factors = follow(program, (np.ones(2), np.ones(3)), np.ones(3), np.ones(2))
    np.testing.assert_allclose(factors[0] ** -2, [3.0, 7.0])
    np.testing.assert_allclose(factors[1] ** -2, [1.0, 5.0, 4.0])


def seasonal_store(hours: int = 80) -> LinearProgram:
    """Cheap storage over a whole season, or expensive energy: contents far above the flows.

    Variables: capacity, then for each hour inflow, outflow, contents, expensive energy.
    """
    season = np.arange(hours) < hours // 2
    eye = sp.eye_array(hours, format="csr")
    nothing = sp.csr_array((hours, hours))
    ones = sp.csr_array(np.ones((hours, 1)))
    contents = eye - sp.eye_array(hours, k=-1, format="csr")
    empty = sp.csr_array((hours, 1))
    A = sp.vstack(
        [
            sp.hstack([empty, -eye, eye, contents, nothing]),
            sp.hstack([ones, nothing, nothing, -eye, nothing]),
            sp.hstack([empty, nothing, eye, nothing, eye]),
        ],
        format="csr",
    )
    zero, one = np.zeros(hours), np.ones(hours)
    return LinearProgram(
        np.concatenate([[0.5], zero + 1e-3, zero, zero, 4 * one]),
        A,
        np.concatenate([zero, zero, np.where(season, 0.0, 1.0)]),
        np.concatenate([zero, zero + np.inf, zero + np.inf]),
        upper=np.concatenate([[np.inf], np.where(season, 1.5, 0.0), *[zero + np.inf] * 3]),
    )


def test_a_store_far_larger_than_its_flows_is_built() -> None:
    program = seasonal_store()
    status, optimum = highs(program)
    assert status == "Optimal"
    result = solve_lp(program, "pdhg", tol=1e-4, presolve=False, max_iter=40_000)
    assert result.converged
    assert result.objective == pytest.approx(optimum, rel=1e-4)
    # With the units of the start the same is out of reach.
    kept = solve_lp(
        program, "pdhg", tol=1e-4, presolve=False, max_iter=result.iterations, adapt_params=False
    )
    assert not kept.converged


@pytest.mark.parametrize("presolve", [False, True])
def test_the_objective_is_as_good_as_asked(presolve: bool) -> None:
    program = capacity_expansion(24, 2).program
    best = highs(program)[1]
    for tol in (1e-3, 1e-4):
        result = solve_lp(program, "pdhg", tol=tol, presolve=presolve)
        assert result.converged
        assert result.objective == pytest.approx(best, rel=tol)
        assert certify(program, result.x, result.y).meets(tol)


def test_a_proved_solution_has_feasible_duals() -> None:
    program = capacity_expansion(24, 2).program
    result = solve_lp(program, "pdhg", tol=1e-4, presolve=False)
    assert result.converged
    assert result.certificate is not None
    # Either proved by polishing or far better than asked.
    held = result.certificate
    assert held.dual_relative <= 1e-6 or held.worst <= 0.25e-4
    quick = solve_lp(program, "pdhg", tol=1e-4, presolve=False, polish=False)
    assert quick.converged
    assert quick.iterations <= result.iterations


def test_variables_with_both_bounds_leave_the_weight_to_distances() -> None:
    # Any duals are feasible here: a residual of zero says nothing about the weight.
    rng = np.random.default_rng(1)
    n, m = 60, 30
    A = sp.random_array((m, n), density=0.2, rng=rng, format="csr")
    program = LinearProgram(rng.normal(size=n), A, A @ rng.uniform(0, 50, n), np.inf, 0.0, 50.0)
    engine = Engine(program, "pdhg", torch.device("cpu"), lambda _: False)
    budget = Budget(20_000, math.inf)
    outcome = engine.run(np.zeros(n), np.zeros(m), 1e-6, budget)
    assert outcome.status is dp.Status.OPTIMAL
    assert outcome.certificate is not None
    assert outcome.certificate.objective == pytest.approx(highs(program)[1], rel=1e-5)


def test_a_small_contradiction_is_found_against_the_pull_of_the_costs() -> None:
    rng = np.random.default_rng(14)
    m, n = 40, 70
    A = sp.random_array((m, n), density=0.1, rng=rng, format="csr")
    A.data = rng.choice([-1.0, 1, 1, 2, -2, 3], A.nnz)
    x = np.where(rng.random(n) < 0.5, 0.0, rng.integers(0, 5, n))
    row = A[[3]]
    program = LinearProgram(
        rng.normal(size=n),
        sp.vstack([A, row]),
        np.append(A @ x - rng.integers(0, 2, m), -np.inf),
        np.append(A @ x + rng.integers(0, 2, m), (A @ x)[3] - 2.01),
        upper=x + rng.choice([0.0, 1.0, 3.0], n),
    )
    assert highs(program)[0] == "Infeasible"
    result = solve_lp(program, "pdhg", presolve=False, max_iter=12_000)
    assert result.status is dp.Status.INFEASIBLE, result


def test_the_imbalance_is_a_number_whatever_is_zero() -> None:
    # Feasible with both bounds: neither residual is anything, only the gap is.
    program = LinearProgram([1.0], [[1.0]], row_lower=0.5, upper=2.0)
    assert certify(program, np.array([1.0]), np.array([0.0])).imbalance == pytest.approx(900)
    assert certify(program, np.array([0.5]), np.array([1.0])).imbalance == 1
    free = LinearProgram([1.0], [[1.0]], row_lower=0.5, lower=-np.inf)
    assert certify(free, np.array([0.25]), np.array([0.5])).imbalance == pytest.approx(
        (0.5 / 2) / (0.25 / 1.5)
    )
