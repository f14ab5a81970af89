"""What the linear solve takes and what proxes take, as the user names it."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp
from dprox_core.testing.cases import Maker

MAKE = Maker(8)
B, W, K = MAKE.normal(1, 1, 6, 7), MAKE.uniform(1, 1, 6, 7), MAKE.uniform(3, 3) / 9
X = dp.Variable("x", B.shape)
FIT = dp.sum_squares(dp.conv(X, K) - B)
RIDGE = 0.1 * dp.sum_squares(dp.mul_elementwise(X, W))
TV = 0.05 * dp.norm1(dp.grad(X))
PROBLEM = dp.Problem(FIT + RIDGE + TV, [X >= -1])
TIGHT = {"abs_tol": 1e-8, "rel_tol": 1e-8, "max_iter": 5000}


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "hqs"])
@pytest.mark.parametrize(
    ("named", "solved"),
    [
        ([], {FIT.describe(), RIDGE.describe()}),
        ([FIT], {RIDGE.describe()}),
        ([RIDGE.describe()], {FIT.describe()}),
        (FIT + RIDGE, set()),
        ([FIT, RIDGE, TV, X >= -1], set()),
    ],
)
def test_named_terms_go_to_proxes_and_other_squares_to_the_linear_solve(
    method: str, named: object, solved: set[str]
) -> None:
    result = PROBLEM.solve(method, split=named, **TIGHT)
    assert {t.text for t in result.plan.terms if t.role == "linear solve"} == solved
    assert result.converged
    free = PROBLEM.solve("pdhg", **TIGHT)
    assert torch.allclose(result[X], free[X], atol=1e-5)


def test_a_plan_says_that_terms_were_named() -> None:
    plan = PROBLEM.compile("admm", split=[RIDGE]).plan
    assert plan.reason.startswith("What is split off was named. Every operator is a circular")
    assert "named" not in PROBLEM.compile("admm").plan.reason


def test_named_squares_are_not_merged_with_others() -> None:
    x = dp.Variable("x", (4,))
    near, far = dp.sum_squares(x - 1), dp.sum_squares(x + 1)
    problem = dp.Problem(near + far + dp.norm1(x))
    solver = problem.compile("admm", split=[near])
    assert [t.text for t in solver.plan.terms if t.role == "linear solve"] == [far.describe()]
    assert torch.allclose(solver.solve()[x], torch.zeros(4), atol=1e-3)


def test_beside_a_prior_the_named_terms_are_split_off() -> None:
    prior = dp.deep_prior(X, lambda image, sigma: image / (1 + sigma**2), sigma=0.05)
    problem = dp.Problem(FIT + RIDGE + prior)
    plan = problem.compile("admm", split=[RIDGE]).plan
    assert [t.text for t in plan.terms if t.role == "linear solve"] == [FIT.describe()]
    assert plan.linear_solver == "fourier"


@pytest.mark.parametrize("wrong", [3, "x", [dp.norm1(X)], [2 * FIT]])
def test_what_is_no_term_is_refused(wrong: object) -> None:
    with pytest.raises(dp.ParameterError, match="is no term of this problem") as caught:
        PROBLEM.compile("admm", split=wrong)
    assert caught.value.where == "split"
    with pytest.raises(dp.ParameterError, match='pdhg has no option "split"'):
        PROBLEM.compile("pdhg", split=[FIT])
