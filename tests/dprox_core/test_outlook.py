"""Problems without a solution say so, and none that has one is taken for such."""

from __future__ import annotations

import pytest
import torch
from solver_cases import CASES, Case

import dprox_core as dp
from dprox_core.result import Status

METHODS = ("admm", "admm_vxu", "dr", "hqs", "ladmm", "pdhg", "pd3o")
TYPES = (torch.float32, torch.float64)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_constraints_that_contradict_each_other_are_found(method: str, dtype: torch.dtype) -> None:
    x = dp.Variable("x", (3,), dtype)
    rows = torch.tensor([[1.0, 0, 0], [0, 1, 1], [0, 0, 2], [1, 1, 1]], dtype=dtype)
    for problem in (
        dp.Problem(dp.sum_squares(x - 2.0), [x >= 1, x.sum() == 0.0]),
        dp.Problem(dp.norm1(x), [dp.matrix(x, rows) == torch.tensor([1.0, 2, 3, 4]).to(dtype)]),
        dp.Problem(dp.norm1(x) + dp.l2_ball(x - 5.0, 1.0) + dp.l2_ball(2.0 * x, 1.0)),
    ):
        result = problem.solve(method, max_iter=2000)
        assert result.status is Status.INFEASIBLE, problem
        assert result.objective == float("inf")


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("method", [*METHODS, "pgd"])
def test_objectives_that_fall_without_end_are_found(method: str, dtype: torch.dtype) -> None:
    x = dp.Variable("x", (3,), dtype)
    problems = [dp.Problem(dp.huber(x) - 2.0 * x.sum())]
    if method != "pgd":
        problems.append(dp.Problem(dp.norm1(x - 1.0) - 3.0 * x.sum()))
        problems.append(dp.Problem(dp.norm1(x) - 3.0 * x.sum(), [x[:1] - x[1:2] == 0, x >= 0]))
    for problem in problems:
        assert problem.solve(method, max_iter=2000).status is Status.UNBOUNDED, problem


def solvable(x: dp.Variable) -> dict[str, dp.Problem]:
    """Problems that look like such for a while."""
    far = dp.norm1(x) - 3.0 * x.sum()
    return {
        "a kink far away": dp.Problem(dp.norm1(x - 1e6) + 0.1 * dp.norm1(dp.grad(x, axes=(-1,)))),
        "a bound far away": dp.Problem(far, [x <= 1e6]),
        "flat at infinity": dp.Problem(dp.logistic(x)),
        "barely curved": dp.Problem(1e-9 * dp.sum_squares(x) - x.sum() + dp.nonneg(x)),
        "no slope": dp.Problem(dp.norm1(x) - x.sum()),
        "one point": dp.Problem(far, [x <= 1.0, x.sum() >= 3.0]),
        "sets that touch": dp.Problem(far + dp.l2_ball(x, 1.0) + dp.l2_ball(x - 2 / 3**0.5, 1.0)),
    }


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_none_that_has_a_solution_is_given_up(method: str, dtype: torch.dtype) -> None:
    for name, problem in solvable(dp.Variable("x", (3,), dtype)).items():
        status = problem.solve(method, max_iter=330).status
        assert status in (Status.CONVERGED, Status.ITERATION_LIMIT), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tolerances_that_nothing_meets_are_no_contradiction(case: Case) -> None:
    problem, *_ = case.build()
    for method in ("admm", "pdhg"):
        result = problem.solve(method, abs_tol=0.0, rel_tol=1e-16, max_iter=330)
        assert result.status not in (Status.INFEASIBLE, Status.UNBOUNDED), method
