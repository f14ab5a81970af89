"""Methods that take gradients do not stop, or creep, where the objective is clearly lower."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp
from dprox_core.algorithms.descent import lower_point
from dprox_core.testing.cases import Maker

GRADIENTS = ("pgd", "fista", "ladmm", "pd3o")


def narrow(batch: int = 1) -> tuple[dp.Variable, dp.Problem, torch.Tensor, torch.Tensor]:
    """65 ‖A x − c‖² + 0.02 ‖x − b‖², A with a null space: half of x is told by b alone."""
    make = Maker(7)
    shape = (batch, 1, 4, 6)
    matrix, b = make.normal(3, 6), make.normal(*shape)
    x = dp.Variable("x", shape, dtype=torch.float64)
    c = make.normal(batch, 1, 4, 3)
    steep = 65.0 * dp.sum_squares(dp.matrix(x, matrix) - c)
    problem = dp.Problem(steep + 0.02 * dp.sum_squares(x - b))
    system = 65.0 * matrix.T @ matrix + 0.02 * torch.eye(6, dtype=torch.float64)
    best = torch.linalg.solve(system, (65.0 * c @ matrix + 0.02 * b).mT).mT
    return x, problem, best, b


@pytest.mark.parametrize("method", GRADIENTS)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_bottom_of_a_narrow_valley_is_reached(batch: int, method: str) -> None:
    """Gradient steps take tens of thousands, and are short from the start."""
    x, problem, best, _ = narrow(batch)
    result = problem.solve(method)
    assert result.converged
    least = problem.value({x: best})
    assert result.objective <= least * (1.0 + 1e-2)
    assert float((result[x] - best).norm()) <= 0.1 * float(best.norm())


@pytest.mark.parametrize("method", GRADIENTS)
def test_bounds_and_zeros_are_kept_on_the_way(method: str) -> None:
    make = Maker(8)
    matrix, target = make.normal(9, 8), make.normal(8).abs()
    matrix[:, 4:] *= 0.01
    x = dp.Variable("x", (8,), dtype=torch.float64)
    misfit = 10.0 * dp.sum_squares(dp.matrix(x, matrix) - matrix @ target + 0.01)
    problem = dp.Problem(misfit + 1e-3 * dp.norm1(x) + dp.nonneg(x))
    exact = problem.solve("admm", abs_tol=1e-9, rel_tol=1e-9, max_iter=5000)
    assert exact.converged
    result = problem.solve(method, max_iter=1000)
    assert result.converged
    assert float(result[x].min()) >= 0.0
    assert result.objective <= exact.objective * (1.0 + 5e-3)


def test_a_lower_point_is_lower_by_what_was_asked() -> None:
    x, problem, best, b = narrow()
    solver = problem.compile("pgd")
    state = solver.init(b)
    for _ in range(30):
        state = solver.step(state)
    evidence = solver.algorithm.evidence(state)
    assert evidence is not None
    assert evidence.gradients
    here, least = solver.objective(state.x), problem.value({x: best})
    found = lower_point(evidence, solver.objective, [0.5 * (here - least)], 20)
    assert found is not None
    assert solver.objective(found) < here - 0.5 * (here - least)
    assert lower_point(evidence, solver.objective, [1.01 * (here - least)], 20) is None
    # Samples that shall stay do.
    assert lower_point(evidence, solver.objective, [float("inf")], 20) is None


def test_methods_that_solve_for_the_variables_are_left_alone() -> None:
    _, problem, _, _ = narrow()
    for method in ("admm", "dr", "pdhg"):
        solver = problem.compile(method)
        state = solver.step(solver.init())
        evidence = solver.algorithm.evidence(state)
        assert evidence is None or not evidence.gradients


@pytest.mark.parametrize("method", ["pgd", "fista"])
@pytest.mark.parametrize("kind", ["kinks", "linear"])
def test_where_nothing_is_curved_steps_grow(kind: str, method: str) -> None:
    """With a step of 1 and slopes of 1e-3 a way of 5 takes thousands."""
    make = Maker(9)
    b = 5.0 * make.normal(6)
    x = dp.Variable("x", (6,), dtype=torch.float64)
    c = 1e-3 * make.normal(6)
    cost = {"kinks": 1e-3 * dp.norm1(x - b), "linear": dp.linear(x, c) + dp.box(x, -7.0, 5.0)}
    result = dp.Problem(cost[kind]).solve(method)
    assert result.status in (dp.Status.CONVERGED, dp.Status.OPTIMAL)
    best = {"kinks": b, "linear": torch.where(c > 0, -7.0, 5.0).double()}[kind]
    assert torch.allclose(result[x], best, atol=1e-3)


@pytest.mark.parametrize("method", GRADIENTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_narrow_valleys_are_seen_far_below_the_objective_at_zero(
    dtype: torch.dtype, method: str
) -> None:
    """Curvatures from 1 down to 1e-6, and a minimum far below what the objective is at zero."""
    make = Maker(11)
    matrix = make.normal(40, 10) * torch.logspace(0, -3, 10, dtype=torch.float64)
    b = matrix.sum(1) + 0.01 * make.normal(40)
    single = matrix.to(dtype), b.to(dtype)
    wide = single[0].double()
    best = torch.linalg.lstsq(wide, single[1].double()).solution
    assert float(best.min()) > 0.0, "no bound is active, so that the minimum is that without"
    least = float((wide @ best - single[1].double()).square().sum())
    x = dp.Variable("x", (10,), dtype=dtype)
    result = dp.Problem(dp.sum_squares(single[0] @ x - single[1]), [x >= 0]).solve(method)
    assert result.converged
    assert result.objective <= least * (1.0 + 2e-3)
