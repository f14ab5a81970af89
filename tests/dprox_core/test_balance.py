"""ρ follows how far copies and duals go, looked at ever more rarely."""

from __future__ import annotations

import math

import pytest
import torch
from solver_cases import goes_on_from_a_file

import dprox_core as dp
from dprox_core.algorithms.balance import MAX_SPAN, factors, few, is_due, mark
from dprox_core.algorithms.measure import Measure

ALL = ("admm", "admm_vxu", "hqs", "dr", "ladmm", "pdhg", "pd3o")


def factor(z: list[float], y: list[float], rho: float = 1.0, first: float = 1.0) -> float:
    """From copies at (3, 4) and duals at (1, 0)."""
    last = mark(10, (torch.tensor([3.0, 4.0]),), (torch.tensor([1.0, 0.0]),))
    now = mark(20, (torch.tensor(z),), (torch.tensor(y),))
    return float(factors(now, last, Measure(1), rho, first)[0])


def test_rho_becomes_the_ratio_of_the_ways_to_half_an_octave() -> None:
    assert factor([3.0, 5.0], [1.0, 4.0]) == 4.0
    assert factor([3.0, 5.0], [1.0, 4.0], rho=4.0) == 1.0
    assert factor([7.0, 4.0], [1.0, 1.0]) == 0.25
    assert factor([3.0, 5.0], [1.0, 2.9]) == pytest.approx(2.0**1.5)
    # Near enough is left alone, and no change is larger than 16.
    assert factor([3.0, 5.0], [1.0, 1.3]) == 1.0
    assert factor([3.0, 5.0], [1.0, 900.0]) == 16.0


def test_what_does_not_move_gives_way_to_what_does() -> None:
    assert factor([3.0, 4.0], [1.0, 1.0]) == 4.0
    assert factor([3.0, 5.0], [1.0, 0.0]) == 1.0 / 4.0
    assert factor([3.0, 4.0], [1.0, 0.0]) == 1.0
    # Rounding is no move.
    assert factor([3.0, 4.0 + 4e-7], [1.0, 1e-3]) == 4.0
    assert factor([math.nan, 4.0], [1.0, 1.0]) == 1.0


def test_an_equation_that_is_kept_exactly_leaves_rho_where_it_is() -> None:
    # In single precision: what A x = 0 is missed by is rounding, and ρ times as much moves duals.
    x, rows = dp.Variable("x", (3,)), torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
    terms = dp.sum_squares(x - torch.tensor([3.0, 0.5, -2.0])) + dp.norm1(rows @ x)
    exact = torch.tensor([2.0, -1.0, -1.0]) * (6.0 - 0.5 + 2.0) / 6.0  # the nearest along them
    result = dp.Problem(terms, [rows @ x == 0]).solve(abs_tol=1e-9, rel_tol=1e-9, max_iter=300)
    assert result.history.rows[-1].rho <= 64.0 * result.plan.parameters["rho"]
    torch.testing.assert_close(result[x], exact, atol=1e-5, rtol=0.0)


def test_rho_stays_within_reach_of_its_start() -> None:
    assert factor([3.0, 4.0], [1.0, 1.0], rho=0.5 * MAX_SPAN) == 1.0
    assert factor([3.0, 5.0], [1.0, 0.0], rho=0.5 * MAX_SPAN) == 1.0 / 4.0


def test_each_sample_has_its_own() -> None:
    zero = torch.zeros(2, 1, 1)
    last = mark(0, (zero,), (zero,))
    now = mark(10, (torch.ones(2, 1, 1),), (torch.tensor([4.0, 0.25]).reshape(2, 1, 1),))
    rho = torch.tensor([1.0, 0.25], dtype=torch.float64)
    assert factors(now, last, Measure(2), rho, rho).tolist() == [4.0, 1.0]


def test_of_a_long_tensor_a_few_slices_tell_as_much() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 300, 400, generator=generator)
    part = few(values)
    assert part.shape == (2, 300, 58)
    assert float(part.square().mean()) == pytest.approx(float(values.square().mean()), rel=0.02)
    longer = torch.randn(1, 3, 400, 500, generator=generator)
    assert few(longer).shape == (1, 3, 400, 30)
    assert float(few(longer).square().mean()) == pytest.approx(1.0, rel=0.02)
    # Samples are all there, and short tensors whole.
    assert few(torch.zeros(70000, 2, 3)).shape == (70000, 2, 3)
    assert few(torch.zeros(70000)).shape == (10000,)
    assert few(values[:, :20, :20]).shape == (2, 20, 20)


def test_looks_become_rarer() -> None:
    looks, last = [], mark()
    for iteration in range(10, 3000, 10):
        if is_due(last, iteration):
            looks.append(iteration)
            last = mark(iteration)
    assert looks[:4] == [10, 20, 30, 50]
    assert len(looks) < 16


@pytest.mark.parametrize("method", ALL)
def test_a_state_from_a_file_goes_on_as_if_it_had_never_stopped(
    method: str, tmp_path: object
) -> None:
    x = dp.Variable("x", (1, 1, 6, 7))
    b = torch.linspace(0.0, 1.0, 42).reshape(x.shape).double()
    problem = dp.Problem(dp.sum_squares(x - b) + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x - 0.2))
    goes_on_from_a_file(problem, x, method, f"{tmp_path}/half.safetensors", 30, 60)


def test_gradient_steps_of_ladmm_are_as_long_as_those_of_primal_dual_methods() -> None:
    # Curvatures from 1 to 0.01: with steps of 1/L it takes twice as many.
    x = dp.Variable("x", (40,), dtype=torch.float64)
    generator = torch.Generator().manual_seed(2)
    matrix = torch.randn(60, 40, generator=generator, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    matrix = u @ torch.diag(torch.linspace(0.1, 1.0, 40, dtype=torch.float64)) @ v
    b = torch.randn(60, generator=generator, dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(dp.matrix(x, matrix) - b) + 1e-3 * dp.norm1(x))
    best = problem.solve("admm", abs_tol=1e-10, rel_tol=1e-10, max_iter=2000).objective
    needed = {}
    for method in ("ladmm", "pgd"):
        solver = problem.compile(method)
        state, needed[method] = solver.init(), 0
        while solver.objective(solver.algorithm.answer(state)) - best > 1e-6 * best:
            state, needed[method] = solver.step(state), needed[method] + 1
    assert needed["ladmm"] <= 1.1 * needed["pgd"]


def test_blocks_of_ladmm_pull_alike_however_long_their_operators_are() -> None:
    x = dp.Variable("x", (12,), dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    b = torch.randn(12, generator=generator, dtype=torch.float64)
    rows = torch.randn(20, 12, generator=generator, dtype=torch.float64)

    def build(times: float) -> dp.Problem:
        # The same problem, written in other units.
        far = dp.norm1(dp.matrix(x, times * rows)) / times
        return dp.Problem(0.5 * dp.sum_squares(x - b) + 0.1 * far + dp.norm1(dp.grad(x, axes=(0,))))

    counts = [build(times).solve("ladmm", max_iter=3000).iterations for times in (0.1, 1.0, 30.0)]
    assert max(counts) <= 2 * min(counts)


def test_dual_steps_are_as_long_as_costs_the_primal_ones_nothing() -> None:
    x = dp.Variable("x", (1, 1, 8, 8), dtype=torch.float64)
    b = torch.linspace(0.0, 1.0, 64, dtype=torch.float64).reshape(x.shape)
    problem = dp.Problem(50.0 * dp.sum_squares(x - b) + 1e-3 * dp.norm1(dp.grad(x)))
    solver = problem.compile("pd3o")
    state = solver.init()
    step, norm = solver.algorithm.parameter(state), solver.plan.parameters["norm"]
    assert step == pytest.approx(1.9 / 100.0, rel=0.05)
    assert step * state.weight * norm**2 == pytest.approx(0.99, rel=0.1)
