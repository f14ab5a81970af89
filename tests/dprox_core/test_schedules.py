"""A parameter for each iteration: the same optimum, the values that were given, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import dprox_core as dp
from dprox_core.testing.cases import Maker

RHO = ("admm", "admm_vxu", "ladmm", "dr")
WEIGHT = ("pdhg", "pc", "pd3o")
STEP = ("pgd", "fista")


def lasso() -> tuple[dp.Problem, dp.Variable, torch.Tensor]:
    """‖M x − b‖² + ½‖x‖₁ and its minimizer."""
    make = Maker(0)
    x = dp.Variable("x", (6,), dtype=torch.float64)
    data = dp.sum_squares(dp.matrix(x, make.normal(8, 6)) - make.normal(8))
    whole = dp.Problem(data + 0.5 * dp.norm1(x))
    exact = whole.solve("fista", max_iter=20_000, abs_tol=1e-13, rel_tol=1e-13)
    return whole, x, exact[x]


def course(method: str) -> dict[str, Any]:
    """Values for the parameter of a method, falling over twenty iterations."""
    if method in STEP:
        return {"step": dp.log_descent(0.02, 0.01, 20)}
    return {"rho" if method in RHO else "weight": dp.log_descent(20.0, 2.0, 20)}


@pytest.mark.parametrize("method", [*RHO, *WEIGHT, *STEP])
def test_every_method_follows_a_list_to_the_optimum(method: str) -> None:
    whole, x, best = lasso()
    options = course(method)
    found = whole.solve(method, max_iter=4000, abs_tol=1e-9, rel_tol=1e-9, **options)
    assert found.status is dp.Status.CONVERGED
    torch.testing.assert_close(found[x], best, atol=1e-6, rtol=0.0)
    ((name, values),) = options.items()
    plan = found.plan.parameters
    assert plan[name] == pytest.approx(values[0])
    assert plan[f"last {name}"] == pytest.approx(values[-1])


@pytest.mark.parametrize("method", [*RHO, *STEP])
def test_the_history_shows_the_value_of_each_iteration(method: str) -> None:
    whole, _, _ = lasso()
    ((name, values),) = course(method).items()
    solver = whole.compile(method, abs_tol=0.0, rel_tol=0.0, **{name: values})
    state = solver.init()
    for value in [*values, values[-1], values[-1]]:
        state = solver.step(state)
        assert solver.algorithm.parameter(state) == pytest.approx(value)


def test_a_list_of_one_value_is_that_value() -> None:
    whole, x, _ = lasso()
    settings = {"max_iter": 7, "abs_tol": 0.0, "rel_tol": 0.0}
    listed = whole.solve("admm", rho=[3.0] * 7, **settings)
    fixed = whole.solve("admm", rho=3.0, **settings)
    torch.testing.assert_close(listed[x], fixed[x], atol=1e-12, rtol=0.0)


def test_gradients_reach_every_value() -> None:
    make = Maker(1)
    x = dp.Variable("x", (5,), dtype=torch.float64)
    smooth = 0.3 * dp.norm1(dp.matrix(x, make.normal(4, 5)))
    whole = dp.Problem(dp.sum_squares(x - make.normal(5)) + smooth)

    def run(rho: torch.Tensor) -> torch.Tensor:
        return whole.solve("admm", rho=rho, max_iter=4, abs_tol=0.0, rel_tol=0.0)[x]

    rho = torch.tensor([2.0, 1.0, 0.7, 0.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (rho,))


def test_a_list_survives_a_state_on_disk(tmp_path: Any) -> None:
    whole, _, _ = lasso()
    solver = whole.compile("admm", **course("admm"))
    state = solver.init()
    for _ in range(5):
        state = solver.step(state)
    path = solver.save_state(state, tmp_path / "state")
    again = solver.step(solver.load_state(path))
    following = solver.step(state)
    torch.testing.assert_close(again.x, following.x, atol=0.0, rtol=0.0)
    assert solver.algorithm.parameter(again) == pytest.approx(course("admm")["rho"][5])


@pytest.mark.parametrize("values", [[], [1.0, -1.0], [1.0, "two"], [float("nan")]])
def test_what_is_no_list_of_positive_numbers_is_refused(values: Any) -> None:
    whole, _, _ = lasso()
    with pytest.raises(dp.ParameterError, match="rho"):
        whole.compile("admm", rho=values)


@pytest.mark.parametrize("method", ["admm", "pdhg", "fista"])
def test_an_array_is_a_list(method: str) -> None:
    whole, x, _ = lasso()
    fixed = {"max_iter": 7, "abs_tol": 0.0, "rel_tol": 0.0}
    ((name, values),) = course(method).items()
    listed = whole.solve(method, **fixed, **{name: values})
    given = whole.solve(method, **fixed, **{name: np.array(values)})
    assert torch.equal(given[x], listed[x])
    one = whole.solve(method, **fixed, **{name: np.array(values[-1])})
    assert torch.equal(one[x], whole.solve(method, **fixed, **{name: values[-1]})[x])
