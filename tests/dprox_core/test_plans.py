"""What the compiler chose, said in words and numbers, and what it refuses."""

from __future__ import annotations

import json

import pytest
import torch
from solver_cases import CASES, KERNEL, SHAPE, noise

import dprox_core as dp
from dprox_core.compiler.methods import METHODS


def variable() -> dp.Variable:
    return dp.Variable("x", SHAPE)


def plan_of(objective: object, method: str = "admm", **options: object) -> dp.Solver:
    return dp.Problem(objective).compile(method, **options)  # type: ignore[arg-type]


def test_squares_go_to_the_linear_solve_and_the_rest_to_proxes() -> None:
    x = variable()
    plan = plan_of(
        dp.sum_squares(dp.conv(x, KERNEL) - noise(1)) + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
    ).plan
    roles = {term.text: term.role for term in plan.terms}
    assert roles == {
        "sum_squares(conv(x, kernel) - b)": "linear solve",
        "0.1*norm1(grad(x))": "prox",
        "nonneg(x)": "prox",
    }
    assert plan.linear_solver == "fourier"
    assert plan.terms[1].operator == "grad(x)"
    assert plan.terms[1].norm == pytest.approx(
        float(torch.linalg.matrix_norm(_matrix_of_grad(), ord=2)), rel=1e-6
    )


def _matrix_of_grad() -> torch.Tensor:
    from solver_cases import dense

    return torch.from_numpy(dense(dp.grad, SHAPE))


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("diagonal", lambda x: dp.sum_squares(dp.mul_elementwise(x, noise(2))) + dp.norm1(x)),
        ("diagonal", lambda x: dp.sum_squares(x - noise(2)) + dp.nonneg(x)),
        ("fourier", lambda x: dp.sum_squares(x - noise(2)) + dp.norm1(dp.grad(x))),
        ("fourier", lambda x: dp.sum_squares(dp.conv(x, KERNEL)) + dp.norm1(x)),
    ],
)
def test_the_cheapest_linear_solver_is_chosen(kind: str, make: object) -> None:
    plan = plan_of(make(variable())).plan  # type: ignore[operator]
    assert plan.linear_solver == kind
    assert plan.reason.endswith(".")


def test_a_mask_beside_a_convolution_is_split_off_and_the_reason_given() -> None:
    x = variable()
    keep = (noise(3) > 0).double()
    plan = plan_of(dp.sum_squares(dp.mask(x, keep) - noise(3)) + dp.norm1(dp.grad(x))).plan
    assert plan.linear_solver == "fourier"
    assert "is split off" in plan.reason
    assert "mask(x, m)" in plan.reason
    assert "frequency only" in plan.reason


def test_mixed_variables_take_conjugate_gradients_and_the_reason_says_so() -> None:
    shape = (1, 1, 16, 20)
    x, y = dp.Variable("x", shape), dp.Variable("y", shape)
    edges = dp.grad(y, boundary="neumann")
    plan = plan_of(dp.sum_squares(x + y - 1) + dp.norm1(x) + dp.norm1(edges)).plan
    assert plan.linear_solver == "cg"
    assert "mixes variables" in plan.reason


def test_mixed_variables_with_one_basis_are_solved_together_and_the_reason_says_so() -> None:
    x, y = variable(), dp.Variable("y", SHAPE)
    plan = plan_of(dp.sum_squares(x + y - 1) + dp.norm1(x) + dp.norm1(dp.grad(y))).plan
    assert plan.linear_solver == "fourier"
    assert "all variables together at each frequency" in plan.reason
    plan = plan_of(dp.sum_squares(x + 2 * y - 1) + dp.norm1(x) + dp.norm1(y)).plan
    assert plan.linear_solver == "diagonal"
    assert "pixel by pixel, all variables together" in plan.reason


def test_a_small_system_without_closed_form_is_factored_and_the_reason_says_so() -> None:
    x, y = variable(), dp.Variable("y", SHAPE)
    edges = dp.grad(y, boundary="neumann")
    solver = plan_of(dp.sum_squares(x + y - noise(4)) + dp.norm1(x) + dp.norm1(edges))
    assert solver.plan.linear_solver == "dense"
    assert "so small that the whole matrix" in solver.plan.reason
    assert "by the inverse of its whole matrix" in solver.plan.explain()


def test_passes_record_before_and_after() -> None:
    x = variable()
    plan = plan_of(
        dp.sum_squares(x - 1)
        + 2 * dp.norm1(3 * x)
        + dp.nonneg(x)
        + dp.box(x, -1, 2)
        + 0 * dp.norm1(x)
    ).plan
    names = [record.name for record in plan.passes]
    assert names[:3] == ["drop", "absorb", "merge_bounds"]
    drop, absorb, bounds = plan.passes[:3]
    assert "0*norm1(x)" in drop.before
    assert "0*norm1(x)" not in drop.after
    assert "2*norm1(3*x)" in absorb.before
    assert any("nonneg(x) + box(x, -1, 2)" in text for text in bounds.after)


def test_explain_is_words_for_every_method() -> None:
    for method in METHODS:
        for case in CASES:
            problem, *_ = case.build()
            try:
                plan = problem.compile(method).plan
            except dp.CompileError:
                continue
            text = plan.explain()
            assert text.startswith("minimize  ")
            assert "None" not in text
            for term in plan.terms:
                assert term.text in text
            for name in plan.parameters:
                assert f"{name} = " in text


def test_a_plan_is_json() -> None:
    case = CASES[1]
    for method in METHODS:
        try:
            plan = case.build()[0].compile(method).plan
        except dp.CompileError:
            continue
        held = json.loads(json.dumps(plan.to_dict()))
        assert held["method"] == method
        assert held["variables"] == {"x": list(SHAPE)}


def test_given_parameters_are_not_called_automatic() -> None:
    x = variable()
    objective = dp.sum_squares(x - noise(5)) + dp.norm1(dp.grad(x))
    automatic = plan_of(objective).plan
    given = plan_of(objective, rho=0.5, relaxation=1.2).plan
    assert set(automatic.automatic) == {"rho", "relaxation"}
    assert given.automatic == ()
    assert given.parameters == {"rho": 0.5, "relaxation": 1.2}
    assert "rho = 0.5 (given)" in given.explain()


def test_unknown_methods_and_options_are_refused_with_a_hint() -> None:
    x = variable()
    problem = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x))
    with pytest.raises(dp.ParameterError, match='no method "amdm": did you mean "admm"'):
        problem.solve("amdm")
    with pytest.raises(dp.ParameterError, match='"relaxaton": did you mean "relaxation"'):
        problem.solve("admm", relaxaton=1.0)
    with pytest.raises(dp.ParameterError, match="fista has no option"):
        problem.solve("fista", rho=1.0)


@pytest.mark.parametrize(
    ("method", "option", "value", "sentence"),
    [
        ("admm", "rho", 0.0, "rho must be a number above 0"),
        ("admm", "rho", float("nan"), "rho must be a number above 0"),
        ("admm", "rho", "big", "rho must be a number above 0"),
        ("admm", "relaxation", 2.0, "relaxation must lie between 0 and 2"),
        ("admm", "relaxation", 0.0, "relaxation must lie between 0 and 2"),
        ("admm", "linear_solver", "magic", "linear_solver is"),
        ("fista", "step", -1.0, "step must be a number above 0"),
        ("fista", "restart", "yes", "restart is True or False"),
    ],
)
def test_options_out_of_range_are_refused(
    method: str, option: str, value: object, sentence: str
) -> None:
    x = variable()
    problem = dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x))
    with pytest.raises(dp.ParameterError, match=sentence):
        problem.solve(method, **{option: value})  # type: ignore[arg-type]


def test_fista_names_the_sub_expression_at_fault() -> None:
    x = variable()
    problem = dp.Problem(dp.sum_squares(x - 1) + 0.1 * dp.norm1(dp.grad(x)))
    with pytest.raises(dp.CompileError, match=r"grad\(x\) stands in between") as caught:
        problem.solve("fista")
    assert caught.value.where == "grad(x)"


def test_contradicting_bounds_are_refused_with_both_named() -> None:
    x = variable()
    problem = dp.Problem(dp.sum_squares(x), [x >= 2, x <= 1])
    with pytest.raises(dp.CompileError, match="contradict each other"):
        problem.solve()


def test_an_objective_without_variables_or_weight_is_refused() -> None:
    x = variable()
    with pytest.raises(dp.CompileError, match="weight 0"):
        dp.Problem(0 * dp.sum_squares(x)).solve()
    other = dp.Variable("x", (2,))
    with pytest.raises(dp.ParameterError, match='called "x"'):
        dp.Problem(dp.sum_squares(x) + dp.sum_squares(other)).solve()


def test_value_is_the_written_objective() -> None:
    x = variable()
    b, at = noise(6), noise(7)
    problem = dp.Problem(3 * dp.sum_squares(2 * x - b) + 2 * dp.norm1(dp.grad(x)) + 5)
    expected = 3 * (2 * at - b).square().sum() + 2 * dp.grad(at).abs().sum() + 5
    assert problem.value(at) == pytest.approx(float(expected))
    assert dp.Problem(dp.sum_squares(x), [x >= 0]).value(at) == float("inf")
    assert problem.value({"x": at}) == problem.value({x: at}) == problem.value(at)
    with pytest.raises(dp.ShapeError, match="has shape"):
        problem.value(torch.zeros(3))
    with pytest.raises(dp.ParameterError, match="x has no value"):
        problem.value({})


def test_the_compiled_objective_is_the_written_one() -> None:
    for case in CASES:
        problem, *_ = case.build()
        solver = problem.compile()
        at = tuple(noise(8, v.shape, complex=v.is_complex).abs() for v in problem.variables)
        at = tuple(a.to(s.dtype) for a, s in zip(at, solver.model.spaces, strict=True))
        values = dict(zip(problem.variables, at, strict=True))
        if solver.violation(at) == 0.0:
            assert solver.objective(at) == pytest.approx(problem.value(values), rel=1e-12)


def test_a_plan_says_what_moved_into_a_prox() -> None:
    x = dp.Variable("x", (4, 6))
    terms = dp.sum_squares(x - torch.ones(4, 6)) + dp.norm1(3 * dp.grad(x))
    words = dp.Problem(terms).solve(method="admm", max_iter=1).plan.explain()
    assert "norm1(3*grad(x)) [scaling inside the prox]" in words
    assert "on 3*grad(x) without its scaling (norm 2.828)" in words


def test_picking_the_only_element_of_an_axis_keeps_the_fast_solve() -> None:
    """A gradient along one axis has a last axis of one element, and stays a convolution."""
    x, k = dp.Variable("x", (1, 1, 6, 5)), torch.ones(3, 3) / 9
    right = dp.index(dp.grad(x, axes=(-1,)), (..., 0))
    terms = dp.sum_squares(dp.conv(x, k) - torch.ones(1, 1, 6, 5)) + dp.sum_squares(right)
    assert dp.Problem(terms).solve(method="admm", max_iter=1).plan.linear_solver == "fourier"


def test_constraints_are_named_as_they_were_written() -> None:
    x, y = dp.Variable("x", (3,)), dp.Variable("y", (3,))
    rows = torch.ones(2, 3)
    conditions = [dp.matrix(x, rows) == 1.0, 0 <= y <= 2, x <= 2 * y]
    problem = dp.Problem(dp.sum_squares(x - 1) + dp.sum_squares(y), conditions)
    text = problem.compile().plan.explain()
    for words in ("(matrix(x, M) == 1)", "(0 <= y <= 2)", "(x - 2*y <= 0)"):
        assert words in text
    reasons = {c.method: c.reason for c in dp.candidates(problem)}
    assert "fista cannot take (matrix(x, M) == 1)" in reasons["fista"]
    formulae = problem.compile().plan.explain("tex")
    assert r"h_{2}(y) = \iota_{\{0 \leq y \leq 2\}}" in formulae


def test_misspelled_names_are_answered_with_the_nearest() -> None:
    x = variable()
    problem = dp.Problem(dp.sum_squares(x - noise(1)))
    with pytest.raises(dp.ParameterError, match='"max_itr": did you mean "max_iter"'):
        problem.solve(max_itr=3)
    with pytest.raises(dp.ImageError, match='"cofee": did you mean "coffee"'):
        dp.load_image("sample:cofee")
    with pytest.raises(dp.ParameterError, match='no denoiser: did you mean "ffdnet"'):
        dp.deep_prior(x, "ffdnett")
    with pytest.raises(dp.ParameterError, match="change no minimizer"):
        torch.ones(()) + dp.norm1(x)  # type: ignore[operator]


def test_a_plan_says_how_each_function_is_curved() -> None:
    x = dp.Variable("x", (1, 1, 4, 5))
    weights = torch.linspace(0.5, 2.0, 20).reshape(1, 1, 4, 5)
    terms = 0.5 * dp.sum_squares(x - 1) + dp.weighted_sum_squares(dp.grad(x)[..., 0], weights)
    terms += dp.norm1(x) + dp.elastic_net(2 * x, gamma=0.3) + 2 * dp.huber(dp.grad(x), 0.1)
    terms += dp.l0(dp.grad(x)) + dp.linear(x, weights)
    plan = dp.Problem(terms).compile("admm", passes={"merge_quadratics": False}).plan
    told = {term.text: term.curvature for term in plan.terms}
    assert told["0.5*sum_squares(x - 1)"] == "strongly convex (μ = 1), smooth (L = 1)"
    assert told["2*huber(grad(x), delta=0.1)"] == "convex, smooth (L = 2)"
    assert told["elastic_net(2*x, gamma=0.3) (squares)"].startswith("strongly convex (μ = 0.3)")
    assert told["norm1(x)"] == "convex"
    assert told["l0(grad(x))"] == "non-convex"
    assert told["linear(x, c)"] == "affine"
    assert "strongly convex (μ = 1), smooth (L = 4)" in told.values()
    assert "norm1(x) is convex" in plan.explain()
