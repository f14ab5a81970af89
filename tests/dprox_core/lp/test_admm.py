"""ADMM's factors and penalties, and what "auto" chooses, against dense algebra and HiGHS."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from programs import highs

import dprox_core as dp
from dprox_core.lp import LinearProgram, capacity_expansion, solve_lp
from dprox_core.lp.admm import AdmmStep
from dprox_core.lp.choose import choose, predict
from dprox_core.lp.factors import Factors
from dprox_core.lp.scaling import choose_units, scale

CPU = torch.device("cpu")
WORDS = {
    "Optimal": dp.Status.OPTIMAL,
    "Infeasible": dp.Status.INFEASIBLE,
    "Unbounded": dp.Status.UNBOUNDED,
}


def test_factors_solve_their_system_and_another_one_after_renewal() -> None:
    rng = np.random.default_rng(0)
    matrix = sp.random_array((7, 11), density=0.4, rng=rng, format="csr")
    factors = Factors(matrix, np.ones(18))
    for _ in range(2):
        penalties = 10.0 ** rng.uniform(-4, 4, 18)
        factors.renew(penalties)
        system = np.block(
            [
                [np.diag(penalties[:11]), matrix.T.toarray()],
                [matrix.toarray(), -np.diag(1 / penalties[11:])],
            ]
        )
        right = rng.normal(size=18)
        solution = factors.solve(right)
        error = np.linalg.norm(system @ solution - right)
        assert error <= 1e-9 * (np.linalg.norm(system) * np.linalg.norm(solution))
    entries, work = factors.work()
    lower = np.linalg.cholesky(matrix.toarray() @ matrix.toarray().T + np.eye(7))
    assert entries >= np.count_nonzero(np.tril(lower, -1)) / 7
    assert work >= entries


def test_a_solution_is_a_fixed_point_whatever_the_penalties() -> None:
    program = capacity_expansion(24, 1).program
    result = solve_lp(program, "admm", tol=1e-9, crossover=True)
    scaled = scale(program)
    x, y = torch.from_numpy(result.x / scaled.columns), torch.from_numpy(result.y / scaled.duals)
    for rho in (None, 0.01, 10.0):
        step = AdmmStep(scaled, CPU, rho)
        state = step.start(x, y)
        before = state.copy()
        step.advance(state)
        size = 1 + np.abs(before)
        assert np.abs(step.split(state)[0] - step.split(before)[0]).max() <= 1e-6 * size.max()
        assert step.length() <= 1e-4


def drawn(seed: int) -> LinearProgram:
    """Free, fixed, degenerate, badly scaled, empty, duplicate, contradicting rows and columns."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 20)), int(rng.integers(1, 25))
    A = rng.normal(size=(m, n)) * (rng.random((m, n)) < rng.uniform(0.1, 0.8))
    lower = np.where(rng.random(n) < 0.7, 0.0, -np.inf)
    upper = np.where(rng.random(n) < 0.3, rng.integers(1, 5, n), np.inf)
    fixed = rng.random(n) < 0.1
    lower[fixed] = upper[fixed] = rng.integers(-1, 3, n)[fixed]
    x = np.clip(np.round(rng.normal(size=n)), lower, upper)
    at_lower = (rng.random(n) < 0.4) & np.isfinite(lower)
    x[at_lower] = lower[at_lower]
    activity = A @ x
    kind = rng.choice(4, m, p=[0.35, 0.3, 0.25, 0.1])
    slack = np.where(rng.random(m) < 0.5, 0.0, rng.exponential(size=m))
    low = np.where(kind == 0, -np.inf, np.where(kind == 2, activity, activity - slack))
    high = np.where(kind == 1, np.inf, np.where(kind == 2, activity, activity + slack))
    c = rng.normal(size=n)
    if rng.random() < 0.6:
        z = np.where(x == lower, rng.exponential(size=n), 0.0) * (rng.random(n) < 0.6)
        y = rng.exponential(size=m) * ((kind == 1) * 1.0 - (kind == 0)) * (slack == 0)
        c = A.T @ y + np.where(np.isfinite(z), z, 0.0)
    extra = rng.random(4)
    if extra[0] < 0.15:
        A, low, high = (
            np.vstack([A, 2 * A[:1]]),
            np.append(low, 2 * low[0]),
            np.append(high, 2 * high[0]),
        )
    if extra[1] < 0.1:
        A, low, high = np.vstack([A, np.zeros(n)]), np.append(low, -1.0), np.append(high, 0.0)
    if extra[2] < 0.15:
        A, low, high = (
            np.vstack([A, A[:1]]),
            np.append(low, activity[0] + 2),
            np.append(high, np.inf),
        )
        high[0] = min(high[0], activity[0] + 1)
    if extra[3] < 0.25:
        rows, columns = 10.0 ** rng.integers(-6, 7, low.size), 10.0 ** rng.integers(-3, 4, n)
        A, low, high = A * rows[:, None] * columns, low * rows, high * rows
        lower, upper, c = lower / columns, upper / columns, c * columns
    return LinearProgram(c, A, low, high, lower, upper)


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_status_and_optimum_of_random_programs_are_those_of_highs(start: int) -> None:
    for seed in range(start, start + 40):
        program = drawn(seed)
        units = choose_units(program)
        # HiGHS drops entries below 1e-9 and has absolute tolerances: it needs good units.
        status, optimum = highs(units.program)
        result = solve_lp(program, "admm", presolve=False, max_iter=20_000)
        assert result.status is WORDS[status], (seed, status, result)
        if status == "Optimal":
            again = units.to(result.x, result.y)[0]
            assert units.program.objective(again) == pytest.approx(optimum, rel=1e-5, abs=1e-5), (
                seed
            )


def test_penalties_that_learn_save_most_of_the_steps() -> None:
    program = capacity_expansion(168, 1).program
    learns = solve_lp(program, "admm", tol=1e-4)
    assert learns.converged
    stays = solve_lp(program, "admm", tol=1e-4, adapt_params=False, max_iter=5 * learns.iterations)
    assert not stays.converged


def test_a_warm_start_of_admm_saves_the_way() -> None:
    program = capacity_expansion(48, 1).program
    cold = solve_lp(program, "admm", tol=1e-4)
    again = solve_lp(program, "admm", tol=1e-4, x0=cold.x, y0=cold.y)
    assert again.converged
    assert again.iterations == 0
    changed = LinearProgram(
        program.c * np.random.default_rng(0).uniform(0.99, 1.01, program.n),
        program.A,
        program.row_lower,
        program.row_upper,
        program.lower,
        program.upper,
    )
    warm = solve_lp(changed, "admm", tol=1e-4, x0=cold.x, y0=cold.y)
    assert warm.converged
    assert warm.iterations < solve_lp(changed, "admm", tol=1e-4).iterations


def test_rho_begins_the_penalty_and_must_be_positive() -> None:
    program = capacity_expansion(24, 1).program
    for rho in (0.5, 20.0):
        result = solve_lp(program, "admm", rho=rho)
        assert result.converged
        assert result.history.rows[0].rho == rho
    with pytest.raises(dp.ParameterError, match="rho must be a number above 0"):
        solve_lp(program, "admm", rho=0.0)


def cover(m: int, n: int, entries: int) -> LinearProgram:
    rng = np.random.default_rng(1)
    index = np.repeat(np.arange(m), entries), rng.integers(0, n, m * entries)
    matrix = sp.coo_array((np.ones(m * entries), index), (m, n))
    return LinearProgram(rng.uniform(1, 2, n), matrix, 1.0)


def test_auto_takes_what_the_fill_suggests_and_says_why() -> None:
    hours = capacity_expansion(500, 2).program
    method, reason = choose(hours, "auto", CPU)
    assert method == "admm"
    assert "factorization takes about" in reason
    # Rows that meet at random fill up: their factors are nearly dense.
    tangled = cover(8000, 8000, 6)
    assert choose(tangled, "auto", CPU)[0] == "pdhg"
    assert choose(hours, "auto", torch.device("cuda"))[0] == "pdhg"
    assert choose(tangled, "admm", CPU) == ("admm", 'Method "admm" was asked for.')
    small = capacity_expansion(48, 1).program
    true = Factors(small.A, np.ones(small.n + small.m)).work()[1]
    assert predict(small) == pytest.approx(true, rel=0.5)
    result = solve_lp(small, tol=1e-4)
    assert result.method == "admm"
    assert result.objective == pytest.approx(highs(small)[1], rel=1e-4)
