"""Directions are kept along equations, and lower points are found along them."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp
from dprox_core.algorithms.level import Level
from dprox_core.testing.cases import Maker


def test_directions_are_projected_onto_the_null_space_of_all_equations() -> None:
    """P = I − A⁺ A, over the elements that may move; A stacks both equations."""
    make = Maker(3)
    first, second = make.normal(3, 8), make.normal(2, 8)
    x = dp.Variable("x", (8,), dtype=torch.float64)
    point = make.normal(8)
    told = [first @ x == first @ point, dp.affine_set(x, second, second @ point)]
    problem = dp.Problem(dp.sum_squares(x - point) + dp.norm1(x), told)
    solver = problem.compile("pd3o")
    evidence = solver.algorithm.evidence(solver.solve(max_iter=20).state)
    assert evidence is not None
    free = torch.ones(8, dtype=torch.float64)
    free[5] = 0.0
    level = Level(evidence, (free,))
    assert level.is_needed
    direction = make.normal(8) * free
    (found,) = level.along((direction,))
    every = torch.cat([first, second]) * free
    expected = direction - torch.linalg.pinv(every) @ (every @ direction)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("method", ["ladmm", "pd3o"])
def test_a_valley_along_equations_is_found(method: str) -> None:
    """60 ‖A x − c‖² + 0.02 ‖x − b‖² where B x = d: A has a null space, along which b alone tells.

    The optimum meets [2 (60 AᵀA + 0.02 I), Bᵀ; B, 0] [x; y] = [2 (60 Aᵀc + 0.02 b); d].
    """
    make = Maker(5)
    steep, across = make.normal(4, 12), make.normal(5, 12)
    c, b, d = make.normal(4), 3.0 * make.normal(12), make.normal(5)
    eye, none = torch.eye(12, dtype=torch.float64), torch.zeros(5, 5, dtype=torch.float64)
    system = 2.0 * (60.0 * steep.T @ steep + 0.02 * eye)
    whole = torch.cat([torch.cat([system, across.T], 1), torch.cat([across, none], 1)])
    right = torch.cat([2.0 * (60.0 * steep.T @ c + 0.02 * b), d])
    best = torch.linalg.solve(whole, right)[:12]
    x = dp.Variable("x", (12,), dtype=torch.float64)
    misfit = 60.0 * dp.sum_squares(steep @ x - c) + 0.02 * dp.sum_squares(x - b)
    problem = dp.Problem(misfit, [across @ x == d])
    result = problem.solve(method, max_iter=1000)
    assert result.converged
    assert result.objective <= problem.value({x: best}) * (1.0 + 5e-3)


def test_what_is_met_already_stays_as_it_is() -> None:
    """A sum that is rounding is not made smaller: nothing grows from it."""
    make = Maker(9)
    x = dp.Variable("x", (64,), dtype=torch.float32)
    target = make.normal(64).float()
    problem = dp.Problem(dp.sum_squares(x - target) + dp.norm1(x), [x.sum() == 0.0])
    solver = problem.compile("pd3o")
    evidence = solver.algorithm.evidence(solver.solve(max_iter=20).state)
    assert evidence is not None
    level = Level(evidence, (torch.ones(64),))
    assert level.is_needed
    direction = target - target.mean()
    for _ in range(20):
        (found,) = level.along((direction,))
        assert float((found - direction).norm()) <= 1e-5 * float(direction.norm())
        direction = found
