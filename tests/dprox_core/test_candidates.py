"""What methods say to a problem, where gradients go, states as files, certificates."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from solver_cases import CASES, KERNEL, SHAPE, noise, optimum

import dprox_core as dp
from dprox_core.compiler.methods import METHODS


def television() -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", SHAPE)
    return dp.Problem(dp.sum_squares(x - noise(1)) + 0.4 * dp.norm1(2 * dp.grad(x))), x


def test_every_method_accepts_or_says_why_not() -> None:
    problem, _ = television()
    found = dp.candidates(problem)
    assert {c.method for c in found} == set(METHODS)
    refused = {c.method for c in found if not c.accepts}
    assert refused == {"fista", "pgd"}
    for candidate in found:
        if candidate.accepts:
            assert candidate.reason == "accepts"
            assert candidate.memory_bytes is not None
            assert candidate.memory_bytes > 0
            assert problem.compile(candidate.method).plan == candidate.plan
        else:
            # The lowest operator at fault, without the number in front of it.
            assert candidate.where == "grad(x)"
            assert "0.4*norm1(2*grad(x))" in candidate.reason
            with pytest.raises(dp.CompileError) as caught:
                problem.compile(candidate.method)
            assert str(caught.value) == candidate.reason
        assert candidate.method in str(candidate)
    assert [c.accepts for c in found] == sorted((c.accepts for c in found), reverse=True)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (
            lambda x: dp.norm1(3 * dp.mul_elementwise(dp.conv(x, KERNEL), noise(2))),
            "conv(x, kernel)",
        ),
        (lambda x: dp.norm1(dp.conv(x + dp.conv(x, KERNEL), KERNEL)), "conv(x, kernel)"),
        (lambda x: dp.group_norm1(dp.grad(dp.conv(x, KERNEL))), "conv(x, kernel)"),
        # A prox takes an orthogonal operator over, but not from behind another one.
        (lambda x: dp.norm1(dp.conv(dp.dct(x), KERNEL)), "conv(dct(x), kernel)"),
        (lambda x: dp.nonneg(dp.dct(2 * x)), "dct(2*x)"),
        (lambda x: dp.norm2(2 * dp.mul_elementwise(x, noise(2)) - 1), "mul_elementwise(x, w)"),
    ],
)
def test_the_lowest_sub_expression_at_fault_is_named(make: object, where: str) -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(x - 1) + make(x))  # type: ignore[operator]
    found = {c.method: c for c in dp.candidates(problem)}
    assert found["fista"].where == where


@pytest.mark.parametrize(
    ("make", "where", "sentence"),
    [
        (lambda x, z: dp.norm1(z + dp.conv(x, KERNEL)), "conv(x, kernel)", "in x itself"),
        (lambda x, z: dp.norm1(dp.grad(z) + dp.grad(x)), "grad(z)", "in z itself"),
        (lambda x, z: dp.norm1(dp.conv(x - 2 * z, KERNEL)), "x - 2*z", "joins x and z"),
        (lambda x, z: dp.norm1(3 * dp.vstack([x, z])), "vstack([x, z])", "joins x and z"),
        (lambda x, z: dp.norm1(x) + dp.nonneg(z + x), "z + x", "joins z and x"),
    ],
)
def test_refusals_name_the_variable_that_is_in_the_way(
    make: object, where: str, sentence: str
) -> None:
    x, z = dp.Variable("x", SHAPE), dp.Variable("z", SHAPE)
    whole = dp.sum_squares(x - 1) + dp.sum_squares(z) + make(x, z)  # type: ignore[operator]
    found = {c.method: c for c in dp.candidates(dp.Problem(whole))}
    for method in ("pgd", "fista"):
        assert found[method].where == where
        assert sentence in found[method].reason
        assert where in found[method].reason


def test_gradients_are_reported_as_they_arrive() -> None:
    x = dp.Variable("x", SHAPE)
    kernel = dp.Placeholder("kernel", value=KERNEL.clone().requires_grad_())
    weight = dp.Placeholder("weight", value=torch.tensor(0.3, dtype=torch.float64))
    unused = dp.Placeholder("unused", value=torch.tensor(0.0, dtype=torch.float64))
    b = noise(3)
    problem = dp.Problem(
        dp.sum_squares(dp.conv(x, kernel) - b)
        + weight * dp.norm1(dp.grad(x))
        + unused * dp.nonneg(x + 100.0)
    )
    before = kernel.value
    rows = {row.name: row for row in dp.gradient_report(problem)}
    assert rows["kernel"].receives
    assert rows["kernel"].wanted
    assert rows["weight"].receives
    assert not rows["weight"].wanted
    assert "requires_grad" in rows["weight"].reason
    # A weight means nothing to an indicator.
    assert not rows["unused"].receives
    assert rows["b"].receives
    assert rows["b"].shape == SHAPE
    assert kernel.value is before
    assert b.requires_grad is False


@pytest.mark.parametrize("method", ["admm", "pdhg"])
def test_gradients_to_constraints_whole_numbers_and_learned_operators_are_reported(
    method: str,
) -> None:
    x = dp.Variable("x", (6,))
    # One of twelve random operators leaves a corner as the solution, which does not feel c.
    torch.manual_seed(0)
    blur = torch.nn.Linear(6, 5, bias=False).requires_grad_(False)
    data = {
        "low": torch.full((6,), 0.2),
        "A": torch.tensor([[1.0, 2.0, 0.0, 0.5, 1.0, -1.0]]),
        "c": torch.tensor([0.7]),
        "counts": torch.arange(5),
        "none": torch.tensor(0.0),
    }
    place = {name: dp.Placeholder(name, value=value) for name, value in data.items()}
    sparse = torch.eye(6)[:4].to_sparse()
    objective = (
        dp.sum_squares(dp.LearnedLinOp(blur, name="blur")(x) - place["counts"])
        + dp.sum_squares(dp.matrix(x, sparse) - 1.0)
        + dp.sum_squares(x) * place["none"]
    )
    problem = dp.Problem(objective, [x >= place["low"], place["A"] @ x == place["c"]])
    rows = {row.name: row for row in dp.gradient_report(problem, method)}
    for name in ("low", "A", "c", "M", "none", "parameter of blur(x)"):
        assert rows[name].receives, name
    assert not rows["counts"].receives
    assert "whole numbers" in rows["counts"].reason
    # What was frozen stays so.
    assert not rows["parameter of blur(x)"].wanted
    assert not next(blur.parameters()).requires_grad


@pytest.mark.parametrize("memory", [0, 3])
@pytest.mark.parametrize("method", METHODS)
def test_a_state_is_saved_loaded_and_rewound(method: str, memory: int, tmp_path: Path) -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - noise(4)) + 0.2 * dp.norm1(x))
    options: dict[str, Any] = {"abs_tol": 0.0, "rel_tol": 0.0, "anderson": memory}
    solver = problem.compile(method, **options)
    state = solver.init()
    for _ in range(5):
        state = solver.step(state)
    kept = state.clone()
    path = solver.save_state(state, tmp_path / "state.safetensors")
    for _ in range(5):
        state = solver.step(state)
    later = solver.values(state)["x"]
    for again in (problem.compile(method, **options).load_state(path), kept):
        assert again.iteration == 5
        gone_on = solver.solve(max_iter=5, state=again)
        # Extrapolation's dot products round as memory lies.
        assert torch.allclose(gone_on[x], later, rtol=0.0, atol=1e-12 if memory else 0.0)
        for _ in range(5):
            again = solver.step(again)
        found = solver.values(again)["x"]
        assert torch.allclose(found, later, rtol=0.0, atol=1e-12 if memory else 0.0)


def test_threads_may_share_a_solver_and_copies_are_their_own() -> None:
    problem, _ = television()
    solver = problem.compile(abs_tol=0.0, rel_tol=0.0)
    expected = solver.solve(max_iter=30)["x"]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: solver.solve(max_iter=30)["x"], range(8)))
    assert all(torch.equal(value, expected) for value in found)
    copied = copy.deepcopy(solver).solve(max_iter=30)
    assert torch.equal(copied[problem.variables[0]], expected)


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    problem, _ = television()
    solver = problem.compile()
    path = solver.save_state(solver.init(), tmp_path / "a.safetensors")
    with pytest.raises(dp.DataError, match="holds AdmmState, and this solver goes on from"):
        problem.compile("pdhg").load_state(path)
    x = dp.Variable("x", (1, 1, 9, 9))
    other = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(dp.grad(x))).compile()
    with pytest.raises(dp.DataError, match="belongs to another problem"):
        other.load_state(path)
    (tmp_path / "b.txt").write_text("hello")
    with pytest.raises(dp.DataError, match=r'"b.txt" is no state of a solver'):
        solver.load_state(tmp_path / "b.txt")


def test_a_warm_start_is_nearer() -> None:
    problem, _ = television()
    solver = problem.compile(rho=1.0, abs_tol=1e-7, rel_tol=1e-7)
    first = solver.solve(max_iter=2000)
    assert solver.solve(max_iter=2000, state=first.state).iterations <= 10


@pytest.mark.parametrize("method", ["admm", "pgd"])
def test_anderson_acceleration_reaches_the_same_end_sooner(method: str) -> None:
    case = next(c for c in CASES if c.name == "simple_sparse")
    options = {"abs_tol": 1e-7, "rel_tol": 1e-7, "max_iter": 3000}
    plain = case.build()[0].solve(method, **options)
    faster = case.build()[0].solve(method, anderson=8, **options)
    value, _ = optimum(case.name)
    assert faster.objective == pytest.approx(value, rel=1e-5)
    assert faster.iterations <= plain.iterations
    assert faster.plan.parameters["anderson"] == 8


def test_anderson_acceleration_takes_complex_values_beside_real_ones() -> None:
    """Three real numbers lie before the complex ones in the vector that is extrapolated."""
    x = dp.Variable("x", (3,), dtype=torch.float64)
    y = dp.Variable("y", (2,), dtype=torch.complex128)
    target = torch.tensor([1.0 + 2.0j, -3.0j])
    problem = dp.Problem(dp.sum_squares(x - 1) + dp.sum_squares(y - target) + dp.norm1(x))
    result = problem.solve("pgd", anderson=3, abs_tol=1e-9, rel_tol=1e-9)
    assert torch.allclose(result[x], torch.full((3,), 0.5, dtype=torch.float64), atol=1e-7)
    assert torch.allclose(result[y], target.to(torch.complex128), atol=1e-7)


def test_anderson_is_refused_where_it_cannot_be() -> None:
    problem, _ = television()
    with pytest.raises(dp.ParameterError, match="anderson is the number of points"):
        problem.compile(anderson=-1)
    b = noise(5).requires_grad_()
    x = dp.Variable("x", SHAPE)
    prior = dp.deep_prior(x, lambda image, sigma: image)
    with pytest.raises(dp.ParameterError, match="needs the same step every time"):
        dp.Problem(dp.sum_squares(x - 1) + prior).compile(anderson=5)
    with pytest.raises(dp.ParameterError, match="Anderson acceleration takes no gradients"):
        dp.Problem(dp.sum_squares(x - b) + dp.norm1(x)).compile(anderson=5)


def test_a_certificate_is_what_the_optimality_conditions_say() -> None:
    x = dp.Variable("x", SHAPE)
    b = noise(6)
    problem = dp.Problem(dp.sum_squares(x - b) + 0.5 * dp.norm1(x))
    result = problem.solve("fista", abs_tol=1e-9, rel_tol=1e-9)
    held = result.certificate
    assert held is not None
    assert held.optimal
    assert held.sentence.startswith("The optimality conditions are met")
    early = problem.solve("fista", step=0.01, max_iter=3, abs_tol=1e-9, rel_tol=1e-9)
    assert not early.certificate.optimal
    wild = dp.Problem(dp.sum_squares(x - b) + 0.5 * dp.l0(x)).solve("pgd", max_iter=10)
    assert wild.certificate is None
    assert "not convex" in wild.plan.guarantees[0]
    assert "global minimum" in result.plan.guarantees[0]


def test_passes_are_switched_off_by_name() -> None:
    x = dp.Variable("x", SHAPE)
    problem = dp.Problem(
        dp.sum_squares(x - noise(7)) + dp.norm1(3 * x) + dp.nonneg(x) + (x <= 1).indicator
    )
    options = {"abs_tol": 1e-8, "rel_tol": 1e-8, "max_iter": 2000}
    names = ("absorb", "merge_bounds", "merge_penalties")
    on = problem.solve(**options)
    off = problem.solve(passes=dict.fromkeys(names, False), **options)
    assert {record.name for record in on.plan.passes} == {"absorb", "merge_bounds"}
    assert off.plan.passes == ()
    torch.testing.assert_close(on[x], off[x], atol=1e-5, rtol=1e-5)
    with pytest.raises(dp.ParameterError, match="passes is a mapping from the names"):
        problem.compile(passes={"magic": False})


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_report_knows_options_and_does_not_depend_on_what_is_switched_off(mode: type) -> None:
    x = dp.Variable("x", SHAPE)
    rho = torch.tensor(0.5, requires_grad=True)
    with mode():
        problem = dp.Problem(dp.sum_squares(x - noise(3)) + 0.1 * dp.norm1(dp.grad(x)))
        rows = dp.gradient_report(problem, rho=rho)
    assert [(row.name, row.kind, row.receives, row.wanted) for row in rows] == [
        ("b", "tensor", True, False),
        ("rho", "option", True, True),
    ]


def test_parameters_of_a_network_are_named_by_their_prior() -> None:
    x = dp.Variable("x", SHAPE)

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Conv2d(SHAPE[1], SHAPE[1], 1)

        def forward(self, image: torch.Tensor, sigma: object) -> torch.Tensor:
            return self.net(image)

    prior = dp.deep_prior(x, Mean(), sigma=0.1, trainable=True)
    rows = dp.gradient_report(dp.sum_squares(x - noise(3)) + prior, "hqs")
    assert [row.name for row in rows if row.kind == "network"] == [
        f"parameter of {prior.describe()}"
    ] * 2
