"""Solvers as layers: three engines agree with finite differences and with each other."""

from __future__ import annotations

import warnings

import pytest
import torch
from solver_cases import KERNEL, noise

import dprox_core as dp
from benchmarks.live import LiveBytes
from dprox_core.errors import ConvergenceWarning
from dprox_core.layers import ENGINES
from dprox_core.numerics.gmres import gmres

SHAPE = (1, 1, 3, 4)


def problem() -> tuple[dp.Problem, dp.Placeholder, dp.Placeholder, dp.Placeholder]:
    b = dp.Placeholder("b", shape=SHAPE)
    kernel = dp.Placeholder("kernel", shape=(3, 3))
    weight = dp.Placeholder("weight", shape=())
    x = dp.Variable("x", SHAPE)
    objective = (
        dp.sum_squares(dp.conv(x, kernel) - b) + weight * dp.norm1(dp.grad(x)) + dp.sum_squares(x)
    )
    return dp.Problem(objective), b, kernel, weight


def inputs() -> tuple[torch.Tensor, ...]:
    values = (noise(1, SHAPE), KERNEL, torch.tensor(0.15, dtype=torch.float64))
    return tuple(v.clone().requires_grad_() for v in values)


def layer(method: str, engine: str, algorithm: str, max_iter: int, **options: object):
    whole, b, kernel, weight = problem()
    module = dp.specialize(
        whole,
        method,
        algorithm=algorithm,
        engine=engine,
        max_iter=max_iter,
        abs_tol=1e-11,
        rel_tol=1e-11,
        **options,  # type: ignore[arg-type]
    )
    return lambda *given: module(dict(zip((b, kernel, weight), given, strict=True)))


@pytest.mark.parametrize("engine", ["autograd", "recompute"])
def test_unrolled_steps_against_finite_differences(engine: str) -> None:
    solve = layer("unroll", engine, "admm", 4, rho=0.7)
    weights = noise(2, SHAPE)
    assert torch.autograd.gradcheck(
        lambda *given: (solve(*given) * weights).sum(),
        inputs(),
        atol=1e-6,
        rtol=1e-4,
        fast_mode=True,
    )


@pytest.mark.parametrize("algorithm", ["admm", "dr"])
def test_a_fixed_point_against_finite_differences(algorithm: str) -> None:
    solve = layer("deq", "implicit", algorithm, 600, rho=0.7)
    weights = noise(3, SHAPE)
    given = inputs()
    gradients = torch.autograd.grad((solve(*given) * weights).sum(), given)
    directions = [noise(4 + index, tuple(v.shape)) for index, v in enumerate(given)]
    values = []
    for sign in (1.0, -1.0):
        with torch.no_grad():
            moved = [v + sign * 1e-5 * d for v, d in zip(given, directions, strict=True)]
            values.append(float((solve(*moved) * weights).sum()))
    expected = (values[0] - values[1]) / 2e-5
    found = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("algorithm", ["admm", "admm_vxu", "ladmm", "hqs", "pdhg", "pd3o", "dr"])
def test_recomputation_gives_the_gradients_of_autograd(algorithm: str) -> None:
    option = "weight" if algorithm in ("pdhg", "pd3o") else "rho"
    results = []
    for engine in ("autograd", "recompute"):
        given = inputs()
        solve = layer("unroll", engine, algorithm, 7, **{option: 0.5})
        answer = solve(*given)
        results.append((answer, *torch.autograd.grad(answer.square().sum(), given)))
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("linear_solver", ["cg", "minres"])
def test_recomputation_through_iterative_solves_and_singular_values(linear_solver: str) -> None:
    b, x = dp.Placeholder("b", shape=SHAPE), dp.Variable("x", SHAPE)
    terms = dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.3 * dp.nuclear_norm(dp.conv(x, KERNEL))
    results = []
    for engine in ("autograd", "recompute"):
        value = noise(74, SHAPE).requires_grad_()
        layer = dp.specialize(
            dp.Problem(terms), engine=engine, max_iter=5, linear_solver=linear_solver
        )
        results += torch.autograd.grad(layer({b: value}).square().sum(), value)
    torch.testing.assert_close(*results, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("engine", ["autograd", "recompute"])
@pytest.mark.parametrize("algorithm", ["admm", "pdhg", "hqs"])
def test_a_parameter_is_learned_for_every_step(engine: str, algorithm: str) -> None:
    whole, b, kernel, weight = problem()
    b.value, kernel.value, weight.value = (v.detach() for v in inputs())
    learn = "weight" if algorithm == "pdhg" else "rho"
    module = dp.specialize(
        whole, algorithm=algorithm, max_iter=4, learn=learn, engine=engine, **{learn: 0.8}
    )
    assert module.logarithm is not None
    assert module.logarithm.shape == (4,)
    loss = module().square().sum()
    (gradient,) = torch.autograd.grad(loss, module.logarithm)
    for index in range(4):
        values = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                module.logarithm[index] += sign * 1e-5
                values.append(float(module().square().sum()))
                module.logarithm[index] -= sign * 1e-5
        expected = (values[0] - values[1]) / 2e-5
        assert float(gradient[index]) == pytest.approx(expected, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("engine", ["autograd", "recompute"])
@pytest.mark.parametrize("algorithm", ["admm", "admm_vxu", "hqs", "dr"])
def test_a_layer_gives_the_same_without_gradients(algorithm: str, engine: str) -> None:
    """Its linear systems, solved by conjugate gradients, are not cut short in either case."""
    x = dp.Variable("x", (1, 1, 3, 3), dtype=torch.float64)
    weight = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    data = dp.sum_squares(dp.matrix(x, noise(1, (2, 3))) - noise(2, (1, 1, 3, 2)))
    whole = dp.Problem(data + weight * dp.norm1(dp.conv(x, noise(3, (2, 2)))))
    module = dp.specialize(whole, algorithm=algorithm, max_iter=4, engine=engine, rho=1.0)
    with torch.no_grad():
        plain = module()
    torch.testing.assert_close(module().detach(), plain, atol=1e-12, rtol=0.0)


def test_a_solution_does_not_depend_on_rho_and_the_implicit_gradient_knows() -> None:
    whole, b, kernel, weight = problem()
    b.value, kernel.value, weight.value = (v.detach() for v in inputs())
    module = dp.specialize(
        whole, "deq", max_iter=600, learn="rho", rho=0.7, abs_tol=1e-12, rel_tol=1e-12
    )
    assert module.logarithm is not None
    (gradient,) = torch.autograd.grad(module().square().sum(), module.logarithm)
    assert abs(float(gradient)) < 1e-6


def test_an_implicit_gradient_where_nothing_has_settled_says_so() -> None:
    weights = noise(3, SHAPE)
    whole, b, kernel, weight = problem()
    given = dict(zip((b, kernel, weight), inputs(), strict=True))
    options = {"algorithm": "pd3o", "step": 0.02, "weight": 1.0, "abs_tol": 1e-9, "rel_tol": 1e-9}
    early = dp.specialize(whole, "deq", max_iter=30, **options)  # type: ignore[arg-type]
    with pytest.warns(ConvergenceWarning, match="stood after 30 steps"):
        (early(given) * weights).sum().backward()
    assert early.settled is not None
    assert not early.settled.converged
    assert early.settled.movement > 1e-5
    late = dp.specialize(whole, "deq", max_iter=600, rho=0.7, abs_tol=1e-9, rel_tol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (late(given) * weights).sum().backward()
    assert late.settled is not None
    assert late.settled.converged
    assert late.settled.movement < 1e-8
    assert 0 < late.settled.products < 100
    assert late.settled.residual <= 1e-6


class Deconvolution:
    """By total variation, with kernel, data and weight as placeholders."""

    def __init__(self) -> None:
        shape = (1, 1, 10, 10)
        rows = torch.arange(10.0, dtype=torch.float64)
        disc = ((rows - 4.3).square()[:, None] + (rows - 3.6).square()) < 11
        self.truth = disc.double()[None, None]
        kernel, weight = dp.gaussian_psf(5, 1.2).double(), torch.tensor(0.01, dtype=torch.float64)
        self.given = (kernel, dp.blur(self.truth, kernel) + 0.01 * noise(50, shape), weight)
        self.leaves = k, b, w = [
            dp.Placeholder(name, tuple(v.shape)) for name, v in zip("kbw", self.given, strict=True)
        ]
        x = dp.Variable("x", shape)
        self.whole = dp.Problem(dp.sum_squares(dp.conv(x, k) - b) + w * dp.norm1(dp.grad(x)))

    def loss(self, *given: torch.Tensor, **options: object) -> torch.Tensor:
        layer = dp.specialize(self.whole, "deq", **options)  # type: ignore[arg-type]
        found = layer(dict(zip(self.leaves, given, strict=True)))
        assert found.dtype is given[1].dtype
        return (found - self.truth.to(found)).square().sum()

    def slope(self, directions: list[torch.Tensor]) -> float:
        """Along a direction, by differences of exact solves in double precision."""
        values = []
        for sign in (1.0, -1.0):
            moved = [v + sign * 1e-6 * d for v, d in zip(self.given, directions, strict=True)]
            with torch.no_grad():
                values.append(float(self.loss(*moved, max_iter=9000, abs_tol=1e-11, rel_tol=1e-11)))
        return (values[0] - values[1]) / 2e-6


def test_implicit_gradients_in_single_precision_are_those_of_the_minimizer() -> None:
    """At default tolerances, where not all kinks are settled.

    They used to be off by more than their size where the solve counted as converged.
    """
    at = Deconvolution()
    directions = [noise(60 + i, tuple(v.shape)) for i, v in enumerate(at.given)]
    expected = at.slope(directions)
    for algorithm in ("admm", "pdhg", "admm_vxu"):
        given = tuple(v.float().requires_grad_() for v in at.given)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gradients = torch.autograd.grad(at.loss(*given, algorithm=algorithm), given)
        pairs = zip(gradients, directions, strict=True)
        found = sum(float((gradient.double() * d).sum()) for gradient, d in pairs)
        assert found == pytest.approx(expected, rel=1e-3), algorithm


def test_a_fixed_point_is_differentiated_within_the_steps_that_none_asked_for() -> None:
    whole, b, kernel, weight = problem()
    given = inputs()
    module = dp.specialize(whole, "deq")
    module(dict(zip((b, kernel, weight), given, strict=True))).sum().backward()
    assert module.max_iter == 500
    assert module.settled is not None
    assert module.settled.refinements > 0
    assert module.settled.uncertainty < 1e-5
    assert dp.specialize(whole).max_iter == 10


@pytest.mark.parametrize(("algorithm", "learn"), [("pdhg", "weight"), ("admm", "rho")])
def test_numbers_of_the_method_have_no_implicit_gradient(algorithm: str, learn: str) -> None:
    whole, *leaves = problem()
    for leaf, value in zip(leaves, inputs(), strict=True):
        leaf.value = value.detach()
    module = dp.specialize(whole, "deq", algorithm=algorithm, learn=learn)
    (gradient,) = torch.autograd.grad(module().square().sum(), module.parameters())
    assert abs(float(gradient)) < 1e-6


@pytest.mark.parametrize("engine", ["autograd", "recompute", "implicit"])
def test_the_start_has_a_gradient_where_nothing_else_wants_one(engine: str) -> None:
    whole, b, kernel, weight = problem()
    b.value, kernel.value, weight.value = (v.detach() for v in inputs())
    method = "deq" if engine == "implicit" else "unroll"
    layer = dp.specialize(whole, method, engine=engine, max_iter=3 if method == "unroll" else None)
    start, weights = noise(72, SHAPE).requires_grad_(), noise(73, SHAPE)
    loss = (layer(x0=start) * weights).sum()
    (gradient,) = torch.autograd.grad(loss, start)
    if engine == "implicit":
        assert not bool(gradient.any())
        return
    assert torch.autograd.gradcheck(
        lambda x0: (layer(x0=x0) * weights).sum(), (start,), fast_mode=True
    )


def test_the_momentum_of_fista_is_left_out_of_its_fixed_point() -> None:
    shape = (1, 1, 4, 5)
    b, x = dp.Placeholder("b", shape), dp.Variable("x", shape)
    whole = dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.2 * dp.norm1(x))
    results = []
    for algorithm in ("fista", "pgd", "admm"):
        b.value = noise(70, shape).requires_grad_()
        module = dp.specialize(whole, "deq", algorithm=algorithm, max_iter=3000)
        (gradient,) = torch.autograd.grad((module() * noise(71, shape)).sum(), b.value)
        assert module.settled is not None
        assert module.settled.products < 60
        results.append(gradient)
    for gradient in results[1:]:
        torch.testing.assert_close(gradient, results[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_minimal_residuals_against_a_dense_solve(dtype: torch.dtype) -> None:
    matrix = torch.eye(30, dtype=dtype) + 0.12 * noise(8, (30, 30)).to(dtype)
    right = noise(9, (30,)).to(dtype)
    tolerance = 1e-10 if dtype is torch.float64 else 1e-5
    for memory in (5, 40):
        found = gmres(lambda v: matrix @ v, right, tolerance, 2000, memory)
        missed = float((matrix @ found.solution - right).norm() / right.norm())
        assert missed <= 2 * tolerance
        assert found.residual <= tolerance
        small = gmres(lambda v: matrix @ v, right, tolerance, 2000, memory, compact=True)
        missed = float((matrix @ small.solution - right).norm() / right.norm())
        assert missed <= 2 * tolerance
    # In a space of all dimensions the solution is exact.
    assert found.products <= 31
    few = gmres(lambda v: matrix @ v, right, tolerance, 4, 5)
    assert few.products <= 5
    assert few.residual > tolerance
    assert gmres(lambda v: matrix @ v, torch.zeros(30, dtype=dtype), tolerance, 9).products == 0


def _peak(engine: str, steps: int, side: int = 32) -> int:
    """The most bytes that one gradient through ``steps`` steps holds at once."""
    shape = (1, 1, side, side)
    b = dp.Placeholder("b", shape=shape)
    x = dp.Variable("x", shape)
    whole = dp.Problem(dp.sum_squares(x - b) + 0.1 * dp.norm1(dp.grad(x)))
    method = "deq" if engine == "implicit" else "unroll"
    module = dp.specialize(
        whole, method, max_iter=steps, engine=engine, rho=1.0, abs_tol=0.0, rel_tol=0.0
    )
    data = torch.rand(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with LiveBytes() as record:
        module({b: data}).square().sum().backward()
    return record.peak


def test_memory_grows_with_steps_with_their_root_and_not_at_all() -> None:
    ratio = {engine: _peak(engine, 64) / _peak(engine, 16) for engine in ENGINES}
    assert ratio["autograd"] > 3.0
    assert ratio["recompute"] < 2.4
    assert ratio["implicit"] < 1.2
    # Of the Krylov space only a few vectors are kept, in single precision.
    assert _peak("implicit", 16, 128) < 1.1 * _peak("autograd", 40, 128)


def test_training_learns_a_weight_from_pairs() -> None:
    b = dp.Placeholder("b", shape=(1, 1, 6, 6))
    x = dp.Variable("x", (1, 1, 6, 6))
    weight = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    whole = dp.Problem(dp.sum_squares(x - b) + weight.exp() * dp.norm1(x))
    truth = dp.Problem(dp.sum_squares(x - b) + 0.3 * dp.norm1(x))
    pairs = []
    for seed in range(2):
        b.value = noise(seed, (1, 1, 6, 6))
        pairs.append(({b: b.value}, truth.solve(abs_tol=1e-8, rel_tol=1e-8)[x]))

    def build() -> dp.Specialized:
        return dp.specialize(
            dp.Problem(dp.sum_squares(x - b) + weight.exp() * dp.norm1(x)), max_iter=15, rho=1.0
        )

    class Fresh(torch.nn.Module):
        """The weight's exponential is new in every step."""

        def forward(self, given: object) -> torch.Tensor:
            return build()(given)  # type: ignore[arg-type]

    assert whole.variables == (x,)
    seen: list[int] = []
    losses = dp.train(
        Fresh(), pairs, epochs=30, lr=0.1, parameters=[weight], on_step=lambda n, _: seen.append(n)
    )
    assert losses[-1] < 0.02 * losses[0]
    assert float(weight.detach().exp()) == pytest.approx(0.3, rel=0.1)
    assert seen == list(range(1, 61))


def test_what_does_not_fit_is_refused() -> None:
    whole, b, *_ = problem()
    with pytest.raises(dp.ParameterError, match="takes the implicit engine, and only it"):
        dp.specialize(whole, "deq", engine="autograd")
    with pytest.raises(dp.ParameterError, match='method is "unroll" or "deq"'):
        dp.specialize(whole, "roll")
    with pytest.raises(dp.ParameterError, match="max_iter must be a whole number"):
        dp.specialize(whole, max_iter=0)
    with pytest.raises(
        dp.ParameterError, match="fista has no 'rho' to learn: it has only \"step\""
    ):
        dp.specialize(whole, algorithm="fista", learn="rho")
    module = dp.specialize(whole, max_iter=2)
    with pytest.raises(dp.ParameterError, match="noise is no placeholder of this problem: it has "):
        module({"noise": torch.zeros(SHAPE)})
    with pytest.raises(dp.ParameterError, match="There is nothing to train"):
        dp.train(module, [({b: noise(1, SHAPE)}, noise(1, SHAPE))])


def test_learned_operators_and_kernels_are_parameters_of_the_layer() -> None:
    net = torch.nn.Conv2d(1, 1, 3, padding=1, bias=False, dtype=torch.float64)
    # Far from the answer; by chance it may begin beside it.
    torch.nn.init.constant_(net.weight, 0.01)
    kernel = torch.nn.Parameter(torch.full((3, 3), 1 / 9, dtype=torch.float64))
    y = dp.Placeholder("y", shape=(1, 1, 6, 6))
    x = dp.Variable("x", (1, 1, 6, 6), dtype=torch.float64)
    misfit = dp.sum_squares(dp.LearnedLinOp(net)(dp.conv(x, kernel)) - y)
    layer = dp.specialize(dp.Problem(misfit + dp.sum_squares(x)), max_iter=2)
    assert {id(p) for p in layer.parameters()} == {id(net.weight), id(kernel)}
    data = [
        ({y: torch.ones(1, 1, 6, 6, dtype=torch.float64)}, torch.full((1, 1, 6, 6), 0.4).double())
    ]
    losses = dp.train(layer, data, epochs=20, lr=0.05)
    assert losses[-1] < 0.5 * losses[0]
