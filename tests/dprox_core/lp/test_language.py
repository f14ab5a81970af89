"""Linear programs written as problems, against HiGHS through scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.optimize import linprog

import dprox_core as dp
from dprox_core.lp.language import LinearResult, write_program

RNG = np.random.default_rng(0)
C = RNG.normal(size=6)
UB = sp.random_array((4, 6), density=0.6, rng=RNG).tocsr()
B_UB = RNG.uniform(1, 2, 4)
EQ = np.ones((1, 6))
REFERENCE = linprog(C, UB, B_UB, EQ, [2.37], bounds=(0, 1))


def solve(problem: dp.Problem, **options: object) -> LinearResult:
    result = problem.solve(tol=1e-8, **options)  # type: ignore[arg-type]
    assert isinstance(result, LinearResult)
    return result


@pytest.mark.parametrize("method", ["auto", "pdhg", "admm"])
@pytest.mark.parametrize("kind", ["scipy", "torch coo", "torch csr", "dense"])
def test_the_published_form_works_as_written(kind: str, method: str) -> None:
    A_ub: object = UB
    if kind == "dense":
        A_ub = UB.toarray()
    elif kind != "scipy":
        A_ub = torch.from_numpy(UB.toarray()).to_sparse_coo()
        A_ub = A_ub.to_sparse_csr() if kind == "torch csr" else A_ub
    x = dp.Variable("x", shape=(6,))
    bounds = 0 <= x <= 1
    problem = dp.Problem(torch.from_numpy(C) @ x, [A_ub @ x <= B_UB, EQ @ x == [2.37], bounds])
    result = solve(problem, method=method)
    assert result.status is dp.Status.OPTIMAL
    assert result.converged
    assert result.objective == pytest.approx(REFERENCE.fun, abs=1e-6)
    np.testing.assert_allclose(result[x].numpy(), REFERENCE.x, atol=1e-5)
    np.testing.assert_allclose(result.duals[0], REFERENCE.ineqlin.marginals, atol=1e-5)
    np.testing.assert_allclose(result.duals[1], REFERENCE.eqlin.marginals, atol=1e-5)
    bound_duals = REFERENCE.lower.marginals + REFERENCE.upper.marginals
    np.testing.assert_allclose(result.duals[bounds], bound_duals, atol=1e-5)
    assert result.certificate is not None
    assert result.certificate.meets(1e-7)


def test_parameters_adapt_or_stay() -> None:
    x = dp.Variable("x", shape=(6,))
    problem = dp.Problem(C @ x, [UB @ x <= B_UB, EQ @ x == 2.37, 0 <= x <= 1])
    for adapt in (True, False):
        result = solve(problem, method="admm", adapt_params=adapt, presolve=False)
        assert result.objective == pytest.approx(REFERENCE.fun, abs=1e-6)
        assert adapt or len({row.rho for row in result.history}) == 1


def test_general_methods_still_take_linear_programs() -> None:
    x = dp.Variable("x", shape=(6,))
    problem = dp.Problem(C @ x, [UB @ x <= B_UB, EQ @ x == 2.37, 0 <= x <= 1])
    general = problem.solve(method="admm", rho=1.0, max_iter=5000, abs_tol=1e-8, rel_tol=1e-8)
    assert not isinstance(general, LinearResult)
    assert float(torch.from_numpy(C) @ general[x].double()) == pytest.approx(
        REFERENCE.fun, abs=1e-3
    )


def test_every_way_to_write_the_same_conditions() -> None:
    x = dp.Variable("x", shape=(6,))
    # Written from either side, as people do.
    same = [
        [UB @ x <= B_UB, EQ @ x == 2.37, x >= 0, x <= 1],
        [B_UB >= UB @ x, EQ @ x >= 2.37, EQ @ x <= 2.37, dp.box(x, 0, 1)],  # noqa: SIM300
        [UB @ x - B_UB <= 0, 2.37 == EQ @ x, (0 <= x) <= 1],  # noqa: SIM300
        [-1 * (UB @ x) >= -B_UB, EQ @ x - 2.37 == 0, 1 >= x >= 0],
        [-np.inf <= UB @ x <= B_UB, 2.37 <= EQ @ x <= 2.37, dp.nonneg(x), x <= 1, x <= np.inf],
    ]
    for conditions in same:
        assert solve(dp.Problem(C @ x, conditions)).objective == pytest.approx(REFERENCE.fun)
    cost = dp.Problem(dp.linear(x, torch.from_numpy(C)), same[0])
    assert solve(cost).objective == pytest.approx(REFERENCE.fun)
    inside = dp.Problem(C @ x + dp.box(x, 0, 1) + 3.0, same[0][:2])
    assert solve(inside).objective == pytest.approx(REFERENCE.fun + 3)


def test_maximizing_is_minimizing_the_negative() -> None:
    x = dp.Variable("x", shape=(6,))
    conditions = {"capacity": UB @ x <= B_UB, "total": EQ @ x == 2.37, "box": 0 <= x <= 1}
    result = solve(dp.Problem(-C @ x, conditions, sense="max"))
    assert result.objective == pytest.approx(-REFERENCE.fun)
    np.testing.assert_allclose(result.duals["capacity"], -REFERENCE.ineqlin.marginals, atol=1e-5)
    assert list(result.duals) == ["capacity", "total", "box"]


def test_several_variables_and_matrix_shapes() -> None:
    """A transport problem: rows of a matrix variable are sources, columns are sinks."""
    supply, demand = np.array([3.0, 4.0]), np.array([2.0, 2.5, 1.5])
    cost = RNG.uniform(1, 2, (2, 3))
    flow, lost = dp.Variable("flow", (2, 3)), dp.Variable("lost", (3,))
    problem = dp.Problem(
        cost.ravel() @ dp.reshape(flow, (6,)) + 10 * (np.ones(3) @ lost),
        [
            flow @ np.ones(3) <= supply,
            (np.ones(2) @ flow + lost == demand).named("demand"),
            flow >= 0,
            lost >= 0,
        ],
    )
    result = solve(problem)
    A_ub = np.hstack([np.kron(np.eye(2), np.ones(3)), np.zeros((2, 3))])
    A_eq = np.hstack([np.kron(np.ones(2), np.eye(3)), np.eye(3)])
    reference = linprog(np.append(cost.ravel(), [10.0] * 3), A_ub, supply, A_eq, demand)
    assert result.objective == pytest.approx(reference.fun)
    assert result[flow].shape == (2, 3)
    assert result["lost"].shape == (3,)
    assert result.duals["demand"].shape == (3,)
    np.testing.assert_allclose(result[flow].sum(0) + result[lost], demand, atol=1e-5)
    again = solve(problem, x0={flow: result[flow], "lost": result[lost]}, presolve=False)
    assert again.objective == pytest.approx(reference.fun)


def test_operators_of_the_language_become_sparse_rows() -> None:
    x = dp.Variable("x", shape=(1, 1, 3, 4))
    problem = dp.Problem(
        np.ones(12) @ dp.reshape(x, (12,)),
        [dp.grad(x) <= 1, dp.mask(x, torch.eye(3, 4)) >= 2, x[..., 0] == 3, x >= -1, 2 * x <= 9],
    )
    written = write_program(problem)
    values = torch.rand(1, 1, 3, 4, dtype=torch.float64)
    flat = values.reshape(-1).numpy()
    rows = {c: written.program.A[place] @ flat for c, _, place in written.constraints}
    expected = [dp.grad(values), values * torch.eye(3, 4), values[..., 0], values, 2 * values]
    for constraint, right in zip(problem.constraints, expected, strict=True):
        np.testing.assert_allclose(rows[constraint], right.reshape(-1).numpy(), atol=1e-12)
    assert written.program.nnz < 12 * 5 * 2


def test_sparse_matrices_are_never_made_dense() -> None:
    n = 200_000
    x = dp.Variable("x", (n,))
    D = sp.diags_array([np.ones(n), -np.ones(n - 1)], offsets=[0, 1]).tocsr()
    written = write_program(dp.Problem(np.ones(n) @ x, [D @ x >= 0, D.T @ (D @ x) <= 4, x <= 1]))
    assert written.program.nnz == D.nnz + (3 * n - 2) + n


def test_infeasible_and_unbounded_problems_say_so() -> None:
    x = dp.Variable("x", (2,))
    total = np.ones(2)
    nothing = dp.Problem(total @ x, [x >= 1, total @ x <= 1]).solve()
    assert nothing.status is dp.Status.INFEASIBLE
    endless = dp.Problem(total @ x, [total @ x <= 1]).solve()
    assert endless.status is dp.Status.UNBOUNDED
    assert endless.objective == -np.inf


def test_listeners_hear_the_variables_and_the_result() -> None:
    x, y = dp.Variable("x", (6,)), dp.Variable("y", (2, 3))
    heard: list[object] = []

    class Listener:
        def on_start(self, event: dp.SolveStarted) -> None:
            heard.append(event.plan.explain())
            assert event.variables == ("x", "y")

        def on_iteration(self, event: dp.Iteration) -> None:
            assert event.iterate["y"].shape == (2, 3)
            heard.append(event.iteration)

        def on_finish(self, event: dp.SolveFinished) -> None:
            heard.append(event.result)

    problem = dp.Problem(C @ x + C @ dp.reshape(y, (6,)), [0 <= x <= 1, EQ @ x == 2, 0 <= y <= 1])
    with dp.monitor(Listener()):
        result = problem.solve(presolve=False, method="pdhg")
    assert heard[-1] is result
    assert len(heard) == len(result.history) + 2


def test_mixed_problems_go_to_the_general_algorithms() -> None:
    x = dp.Variable("x", shape=(6,))
    b = torch.from_numpy(RNG.normal(size=6))
    problem = dp.Problem(dp.sum_squares(x - b) + C @ x, [x >= 0, EQ @ x == 2])
    result = problem.solve(max_iter=5000, abs_tol=1e-9, rel_tol=1e-9)
    assert result.status is dp.Status.CONVERGED
    target = b.numpy() - C / 2
    low, high = -10.0, 10.0
    for _ in range(100):
        shift = (low + high) / 2
        low, high = (shift, high) if (target - shift).clip(0).sum() > 2 else (low, shift)
    np.testing.assert_allclose(result[x], (target - shift).clip(0), atol=1e-5)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda x: bool(x >= 0), "x >= 0 has no truth value"),
        (lambda x: [1 for _ in [0] if x == 1], "x == 1 has no truth value"),
        (lambda x: (x <= 1) <= 2, "are no lower and upper limit of one expression"),
        (lambda x: dp.Problem(C @ x, sense="least"), 'is "min" or "max"'),
        (lambda x: dp.Problem(dp.norm1(x), sense="max"), "Only linear objectives"),
        (lambda x: dp.Problem(C @ x, [x >= 0]).solve(alpha=1), 'no option "alpha"'),
        (lambda x: dp.Problem(C @ x, [x >= 0]).solve(x0={"z": C}), "x0 names z"),
        (lambda x: dp.Problem(C @ x, [abs(C) @ x >= 1, x >= 0]).solve().duals["a"], "a is no cons"),
    ],
)
def test_mistakes_are_told(build, sentence) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(dp.DproxError, match=sentence):
        build(dp.Variable("x", shape=(6,)))


def test_equalities_and_limits_may_be_terms() -> None:
    x = dp.Variable("x", shape=(3,))
    cost = torch.tensor([1.0, 2.0, 4.0])
    rows = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0]])
    terms = dp.linear(x, cost) + dp.nonneg(x) + dp.equal(rows[:1] @ x, torch.tensor([6.0]))
    terms = terms + dp.limits(rows[1:] @ x, upper=torch.tensor([1.0])) + dp.limits(x, upper=3.0)
    result = dp.Problem(terms).solve(method="auto", tol=1e-7)
    assert isinstance(result, LinearResult)
    torch.testing.assert_close(result[x], torch.tensor([3.0, 3, 0]).double(), atol=1e-5, rtol=0)
    assert result.objective == pytest.approx(9.0, rel=1e-6)
