"""Passes of the compiler: what they join, that optima stay, that each can be switched off."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
import torch
from solver_cases import KERNEL, SHAPE, dense, flat, noise

import dprox_core as dp
from dprox_core.compiler.model import Row
from dprox_core.compiler.passes import PASSES
from dprox_core.linops.content import fingerprint, same_operator
from dprox_core.linops.conv import Conv
from dprox_core.linops.custom import LinOpFactory
from dprox_core.linops.gradient import Grad
from dprox_core.linops.space import Space
from dprox_core.proxfns.chain import Chain
from dprox_core.testing.measures import gain

TIGHT = {"abs_tol": 1e-9, "rel_tol": 1e-9, "max_iter": 8000}
SIZE = int(np.prod(SHAPE))
GRAD = dense(dp.grad, SHAPE)
BLUR = dense(lambda v: dp.conv(v, KERNEL), SHAPE)
W = noise(31).abs()
ROOT = noise(32, (6, 6))
P = ROOT @ ROOT.T / 6


def quadratics(x: dp.Variable) -> dp.Objective:
    return (
        dp.weighted_sum_squares(dp.conv(x, KERNEL), W, noise(1))
        + 0.3 * dp.quad_form(x - noise(2), P)
        + dp.linear(x, noise(3))
        + 0.2 * dp.elastic_net(x, 2.0)
        + 0.5 * dp.sum_squares(x - noise(4))
        + 0.7 * dp.sum_squares(x - noise(5))
    )


def quadratics_in_cvxpy(u: cp.Variable) -> cp.Expression:
    rows = cp.reshape(u - flat(noise(2)), (SIZE // 6, 6), order="C")
    forms = sum(cp.quad_form(rows[i], cp.psd_wrap(P.numpy())) for i in range(SIZE // 6))
    return (
        flat(W) @ cp.square(BLUR @ u - flat(noise(1)))
        + 0.3 * forms
        + flat(noise(3)) @ u
        + 0.2 * cp.norm1(u)
        + 0.2 * cp.sum_squares(u)
        + 0.5 * cp.sum_squares(u - flat(noise(4)))
        + 0.7 * cp.sum_squares(u - flat(noise(5)))
    )


def penalties(x: dp.Variable) -> dp.Objective:
    return (
        dp.sum_squares(x - noise(6))
        + 0.1 * dp.norm1(dp.grad(x))
        + 0.2 * dp.group_norm1(dp.grad(x))
        + 0.05 * dp.norm1(dp.grad(x))
        + 0.3 * dp.norm_inf(dp.grad(x))
        + 0.2 * dp.norm1(x)
        + dp.box(x, -0.4, 1.0)
    )


def penalties_in_cvxpy(u: cp.Variable) -> cp.Expression:
    pairs = cp.vstack([GRAD[0::2] @ u, GRAD[1::2] @ u])
    return (
        cp.sum_squares(u - flat(noise(6)))
        + 0.15 * cp.norm1(GRAD @ u)
        + 0.2 * cp.sum(cp.norm(pairs, 2, axis=0))
        + 0.3 * cp.norm_inf(GRAD @ u)
        + 0.2 * cp.norm1(u)
    )


def optimum(objective: cp.Expression, u: cp.Variable, constraints: list[object]) -> np.ndarray:
    problem = cp.Problem(cp.Minimize(objective), constraints)
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    return np.asarray(u.value)


@pytest.mark.parametrize("method", ["admm", "dr", "pdhg"])
def test_all_quadratics_reach_the_optimum_together(method: str) -> None:
    x, u = dp.Variable("x", SHAPE), cp.Variable(SIZE)
    result = dp.Problem(quadratics(x)).solve(method, **TIGHT)
    assert np.abs(flat(result[x]) - optimum(quadratics_in_cvxpy(u), u, [])).max() < 1e-5
    if method != "pdhg":
        roles = {term.text: term.role for term in result.plan.terms}
        proxes = [text for text, role in roles.items() if role == "prox"]
        assert "0.2*elastic_net(x, gamma=2) (norm)" in proxes
        assert any(role == "linear solve" and "linear(x" in text for text, role in roles.items())


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "pdhg"])
def test_penalties_on_one_operator_reach_the_optimum_together(method: str) -> None:
    x, u = dp.Variable("x", SHAPE), cp.Variable(SIZE)
    result = dp.Problem(penalties(x)).solve(method, **TIGHT)
    expected = optimum(penalties_in_cvxpy(u), u, [u >= -0.4, u <= 1.0])
    assert np.abs(flat(result[x]) - expected).max() < 1e-5
    assert float(result[x].min()) >= -0.4


@pytest.mark.parametrize("name", [rewriting.name for rewriting in PASSES])
def test_each_pass_can_be_switched_off_and_the_optimum_stays(name: str) -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(
        quadratics(x) + penalties(x) + 0 * dp.norm1(x) + dp.norm1(2 * x) + (x <= 0.9).indicator
    )
    on, off = problem.solve(**TIGHT), problem.solve(passes={name: False}, **TIGHT)
    assert name in [record.name for record in on.plan.passes]
    assert name not in [record.name for record in off.plan.passes]
    torch.testing.assert_close(on[x], off[x], atol=1e-6, rtol=0)


def test_the_plan_says_what_was_joined() -> None:
    x = dp.Variable("x", SHAPE)
    text = dp.Problem(penalties(x)).compile().plan.explain()
    assert "join penalties on the same operator" in text
    joined = "0.1*norm1(grad(x)) + 0.05*norm1(grad(x)) + 0.2*group_norm1(grad(x))"
    assert joined in text
    assert f"{joined} + 0.3*norm_inf(grad(x)) on one grad(x)" in text
    assert "0.2*norm1(x) + box(x, -0.4, 1)" in text


def test_a_shared_operator_is_applied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = dp.Variable("x", SHAPE)
    objective = dp.norm1(dp.grad(x)) + dp.norm_inf(dp.grad(x)) + dp.sum_squares(x - noise(7))
    problem = dp.Problem(objective)
    calls = []
    forward = Grad.forward
    monkeypatch.setattr(
        Grad, "forward", lambda self, *a, **k: calls.append(1) or forward(self, *a, **k)
    )
    for passes, expected in (({}, 1), ({"share_operators": False}, 2)):
        solver = problem.compile(passes=passes)
        state = solver.init()
        calls.clear()
        solver.step(state)
        assert len(calls) == expected


def test_joined_squares_keep_the_value_of_the_objective() -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(2 * dp.sum_squares(x - noise(8)) + 3 * dp.sum_squares(x + noise(9)))
    solver = problem.compile()
    at, model = noise(10), solver.algorithm.model
    merged = float(model.constant) + sum(float(term.value((at,))) for term in model.terms)
    assert len(model.terms) == 1
    assert merged == pytest.approx(problem.value(at), rel=1e-12)


def test_joined_squares_keep_gradients() -> None:
    x = dp.Variable("x", (3,))
    a, b = noise(11, (3,)).requires_grad_(), noise(12, (3,)).requires_grad_()
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def solve(a: torch.Tensor, b: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        problem = dp.Problem(weight * dp.sum_squares(x - a) + dp.sum_squares(x - b))
        return problem.solve(max_iter=5)[x]

    assert torch.autograd.gradcheck(solve, (a, b, weight))


CHAINS = {
    "norm then groups": lambda v: dp.norm1(v) + 2 * dp.group_norm1(v),
    "nested groups": lambda v: dp.group_norm1(v, (-1, -2)) + dp.group_norm1(v, -1),
    "norm, sign, groups": lambda v: dp.group_norm1(v) + dp.nonneg(v) + 0.3 * dp.norm1(v),
    "norm then bounds": lambda v: dp.box(v, -0.2, 0.5) + dp.norm1(v),
    "norm then length": lambda v: dp.norm2(v) + dp.weighted_norm1(v, noise(13, (2, 3)).abs()),
    "all": lambda v: dp.norm2(v) + dp.norm1(v) + dp.group_norm1(v) + dp.nonneg(v),
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_prox_of_a_chain_is_that_of_the_sum(name: str) -> None:
    x = dp.Variable("x", (2, 3))
    model = dp.Problem(CHAINS[name](x)).compile().algorithm.model
    assert len(model.terms) == 1
    chain = model.terms[0].function
    assert isinstance(chain, Chain)
    for seed in range(4):
        v = noise(20 + seed, (2, 3))
        assert gain(chain.value, v, chain.prox(v, 0.3), 0.3) < 1e-9


def test_what_cannot_be_joined_stays_apart() -> None:
    x = dp.Variable("x", (2, 3))
    objective = dp.group_norm1(x, 0) + dp.group_norm1(x, 1) + dp.norm_inf(x)
    assert len(dp.Problem(objective).compile().algorithm.model.terms) == 3
    complex_box = dp.box(x, 0.1, 0.5) + dp.group_norm1(x)
    assert len(dp.Problem(complex_box).compile().algorithm.model.terms) == 2


def test_a_linear_term_without_a_minimum_is_not_called_solved() -> None:
    x = dp.Variable("x", SHAPE)
    keep = torch.ones(SHAPE)
    keep[..., 0] = 0.0
    result = dp.Problem(dp.sum_squares(dp.mask(x, keep) - 1) + dp.linear(x)).solve()
    assert not result.converged


def test_operators_are_recognized_by_content() -> None:
    space = Space((1, 1, 4, 5), False, torch.float64)
    same, other = Conv(space, KERNEL.clone()), Conv(space, 2 * KERNEL)
    assert same_operator(Conv(space, KERNEL), same)
    assert not same_operator(Conv(space, KERNEL), other)
    assert not same_operator(Grad(space), Grad(space, boundary="neumann"))
    first = fingerprint(same)
    same.norm_bound()
    assert fingerprint(same) == first
    learned = KERNEL.clone().requires_grad_()
    assert not same_operator(Conv(space, learned), same)
    double = LinOpFactory(lambda v: 2 * v, lambda v: 2 * v)
    expression = double(dp.Variable("x", (3,)))
    row: Row = dp.Problem(dp.norm1(expression)).compile().model.terms[0].row
    assert fingerprint(row.entries[0][1]) is None
