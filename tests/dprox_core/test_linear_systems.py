"""Linear solvers against dense algebra, and their gradients against finite differences."""

from __future__ import annotations

import pytest
import torch
from solver_cases import KERNEL, noise

import dprox_core as dp
from dprox_core.compiler.model import Model
from dprox_core.linsolve.base import LinearSolver, QuadraticPart
from dprox_core.linsolve.cg import ConjugateGradientSolver, conjugate_gradients
from dprox_core.linsolve.dense import LARGEST, DenseSolver
from dprox_core.linsolve.separable import SeparableSolver

SHAPE = (1, 1, 3, 4)
SIZE = 12


def part_of(objective: object, split: object) -> QuadraticPart:
    """Squares of one objective, couplings from the rows of another."""
    squares: Model = dp.Problem(objective).compile().model  # type: ignore[arg-type]
    rows: Model = dp.Problem(split).compile().model  # type: ignore[arg-type]
    return QuadraticPart(squares.spaces, squares.terms, tuple(t.row for t in rows.terms))


def dense_solution(part: QuadraticPart, pulled: torch.Tensor, rho: float) -> torch.Tensor:
    """The solution by LU of the matrix, column by column."""
    columns = []
    for index in range(SIZE):
        unit = torch.zeros(SIZE, dtype=torch.float64)
        unit[index] = 1.0
        x = (unit.reshape(SHAPE),)
        sums = [torch.zeros(SHAPE, dtype=torch.float64)]
        for term in part.terms:
            term.row.adjoint_add(2.0 * term.penalty.weight * term.row.forward(x), sums, True)
        for row in part.couplings:
            row.adjoint_add(rho * row.forward(x), sums, True)
        columns.append(sums[0].reshape(-1))
    matrix = torch.stack(columns, dim=1)
    constant = part.constant()[0]
    right = rho * pulled if constant is None else rho * pulled + constant
    return torch.linalg.solve(matrix, right.reshape(-1)).reshape(SHAPE)


X = dp.Variable("x", SHAPE, dtype=torch.float64)
WEIGHTS = 0.5 + noise(1, SHAPE).abs()
SYSTEMS = {
    "diagonal": (
        3 * dp.sum_squares(dp.mul_elementwise(X, WEIGHTS) - noise(2, SHAPE)),
        dp.norm1(X) + dp.norm1(2 * X),
    ),
    "fourier": (
        0.7 * dp.sum_squares(dp.conv(X, KERNEL) - noise(3, SHAPE)) + dp.sum_squares(3 * X),
        dp.norm1(dp.grad(X)) + dp.norm1(X),
    ),
    "cg": (
        2 * dp.sum_squares(dp.mul_elementwise(dp.conv(X, KERNEL), WEIGHTS) - noise(4, SHAPE)),
        dp.norm1(dp.grad(X)) + dp.norm1(X),
    ),
}


SYSTEMS["dense"] = SYSTEMS["cg"]


def solver_for(kind: str, part: QuadraticPart) -> LinearSolver:
    if kind == "dense":
        return DenseSolver(part)
    return ConjugateGradientSolver(part, exact=True) if kind == "cg" else SeparableSolver(part)


@pytest.mark.parametrize("kind", SYSTEMS)
@pytest.mark.parametrize("rho", [0.03, 1.0, 40.0])
def test_the_solution_is_that_of_dense_algebra(kind: str, rho: float) -> None:
    part = part_of(*SYSTEMS[kind])
    solver = solver_for(kind, part)
    assert solver.kind == kind
    pulled = noise(5, SHAPE)
    expected = dense_solution(part, pulled, rho)
    for previous in (torch.zeros_like(pulled), noise(6, SHAPE)):
        found = solver.solve([pulled.clone()], rho, (previous,))[0]
        torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("kind", ["diagonal", "fourier", "dense"])
def test_a_change_of_rho_renews_the_factors(kind: str) -> None:
    part = part_of(*SYSTEMS[kind])
    solver = solver_for(kind, part)
    pulled = noise(7, SHAPE)
    zeros = (torch.zeros_like(pulled),)
    for rho in (1.0, 2.0, 1.0):
        found = solver.solve([pulled.clone()], rho, zeros)[0]
        torch.testing.assert_close(found, dense_solution(part, pulled, rho))


def test_memory_given_is_filled() -> None:
    for kind in ("diagonal", "fourier"):
        solver = SeparableSolver(part_of(*SYSTEMS[kind]))
        pulled, out = noise(8, SHAPE), torch.empty(SHAPE, dtype=torch.float64)
        plain = solver.solve([pulled.clone()], 1.0, (out.clone(),))[0]
        filled = solver.solve([pulled.clone()], 1.0, (out.clone(),), (out,))[0]
        assert filled.data_ptr() == out.data_ptr()
        torch.testing.assert_close(filled, plain)


@pytest.mark.parametrize("kind", ["fourier", "cg", "dense"])
def test_what_a_singular_system_says_nothing_about_stays(kind: str) -> None:
    # Differences do not see the mean.
    part = part_of(dp.sum_squares(dp.grad(X)), dp.norm1(dp.grad(X)))
    solver = solver_for(kind, part)
    pulled = noise(9, SHAPE)
    pulled -= pulled.mean()
    previous = noise(10, SHAPE) + 5.0
    found = solver.solve([pulled.clone()], 1.0, (previous,))[0]
    torch.testing.assert_close(found.mean(), previous.mean())


def test_conjugate_gradients_end_within_as_many_steps_as_unknowns() -> None:
    root = noise(11, (8, 8))
    matrix = root @ root.T + 0.1 * torch.eye(8, dtype=torch.float64)
    right = noise(12, (8,))
    products = []

    def product(x: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        products.append(1)
        return (matrix @ x[0],)

    zeros = (torch.zeros(8, dtype=torch.float64),)
    found = conjugate_gradients(product, (right,), zeros, 1e-10, max_iter=50)[0]
    torch.testing.assert_close(matrix @ found, right, atol=1e-7, rtol=1e-7)
    assert len(products) <= 14


def test_conjugate_gradients_started_at_the_solution_take_no_step() -> None:
    matrix = torch.diag(torch.arange(1.0, 6.0, dtype=torch.float64))
    right = torch.ones(5, dtype=torch.float64)
    solution = (right / torch.arange(1.0, 6.0, dtype=torch.float64),)
    found = conjugate_gradients(lambda x: (matrix @ x[0],), (right,), solution, 1e-12)
    assert found[0] is solution[0]


@pytest.mark.parametrize("kind", ["fourier", "cg"])
def test_several_variables_are_solved_together(kind: str) -> None:
    y = dp.Variable("y", SHAPE)
    b = noise(13, SHAPE)
    problem = dp.Problem(
        dp.sum_squares(X + dp.conv(y, KERNEL) - b) + dp.sum_squares(X) + 2 * dp.sum_squares(y)
    )
    result = problem.solve(linear_solver="cg" if kind == "cg" else None)
    assert result.plan.linear_solver == kind
    x, z = result[X], result[y]
    residual = x + dp.conv(z, KERNEL) - b
    back = dp.conv(residual, KERNEL.flip(0, 1))
    torch.testing.assert_close(residual + x, torch.zeros_like(x), atol=1e-7, rtol=0)
    torch.testing.assert_close(back + 2 * z, torch.zeros_like(x), atol=1e-7, rtol=0)


def test_complex_and_real_variables_share_one_dense_system() -> None:
    x = dp.Variable("x", (2, 3), dtype=torch.complex128)
    y = dp.Variable("y", (1, 1, 1, 4))
    M, b = noise(14, (5, 6), complex=True), noise(15, (5,), complex=True)
    N, c = noise(16, (5, 4), complex=True), noise(17, (2, 3), complex=True)
    misfit = dp.reshape(x, (-1,)) @ M.mT + dp.reshape(y, (-1,)) @ N.mT - b
    problem = dp.Problem(dp.sum_squares(misfit) + dp.sum_squares(x - c) + dp.sum_squares(y - 1))
    result = problem.solve()
    assert result.plan.linear_solver == "dense"
    found, real = result[x].reshape(-1), result[y].reshape(-1)
    rest = M @ found + N @ real.to(N.dtype) - b
    zero = M.mH @ rest + found - c.reshape(-1)
    torch.testing.assert_close(zero, torch.zeros_like(zero), atol=1e-10, rtol=0)
    zero = (N.mH @ rest).real + real - 1
    torch.testing.assert_close(zero, torch.zeros_like(zero), atol=1e-10, rtol=0)


def test_a_dense_system_is_for_few_unknowns_without_gradients() -> None:
    def plan_at(shape: tuple[int, ...], wants_gradient: bool = False) -> str | None:
        x, y = dp.Variable("x", shape), dp.Variable("y", shape)
        b = torch.ones(shape, dtype=torch.float64, requires_grad=wants_gradient)
        mixed = dp.sum_squares(x + dp.grad(y, axes=(-1,))[..., 0] - b)
        problem = dp.Problem(mixed + dp.norm1(x) + dp.norm1(y))
        return problem.compile("admm").plan.linear_solver

    assert plan_at((LARGEST // 2,)) == "dense"
    assert plan_at((LARGEST // 2 + 1,)) == "cg"
    assert plan_at((4,), wants_gradient=True) == "cg"


def test_a_weighted_square_of_one_number() -> None:
    """A row takes a vector to a number, which has no axis along which weights could vary."""
    row, b = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), 3.0
    weight = torch.tensor(2.0, dtype=torch.float64)
    x = dp.Variable("x", (3,), dtype=torch.float64)
    terms = dp.weighted_sum_squares(dp.matrix(x, row) - b, weight) + dp.sum_squares(x)
    found = dp.Problem(terms).solve("admm", abs_tol=1e-12, rel_tol=1e-12, max_iter=3000)[x]
    expected = 2.0 * b * row / (1.0 + 2.0 * row.square().sum())
    torch.testing.assert_close(found, expected, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "hqs"])
def test_badly_conditioned_matrices_are_factored_with_digits_to_spare(method: str) -> None:
    """Gram matrices of singular values from 1 to 1e-3, in single precision."""
    a = torch.logspace(0, -3, 40)
    x = dp.Variable("x", (40,), dtype="float32")
    misfit = dp.sum_squares(dp.matrix(x, torch.diag(a)) - torch.ones(40))
    result = dp.Problem(misfit + 1e-3 * dp.norm1(x)).solve(method, max_iter=500)
    d = a.double()
    expected = ((2 * d - 1e-3) / (2 * d * d)).clamp_min(0)
    least = float((d * expected - 1).square().sum() + 1e-3 * expected.sum())
    assert result.converged
    assert result.objective == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("rows", [4, 24])
@pytest.mark.parametrize("rho", [1e-5, 1.0])
def test_single_precision_solves_what_double_precision_solves(rows: int, rho: float) -> None:
    generator = torch.Generator().manual_seed(9)
    matrix = torch.randn(rows, 12, generator=generator) @ torch.diag(torch.logspace(0, -3, 12))
    b, start = (torch.randn(n, generator=generator) for n in (rows, 12))

    def step(dtype: torch.dtype) -> torch.Tensor:
        x = dp.Variable("x", (12,), dtype=dtype)
        misfit = dp.sum_squares(dp.matrix(x, matrix.to(dtype)) - b.to(dtype))
        solver = dp.Problem(misfit + 1e-6 * dp.norm1(x)).compile("admm", rho=rho)
        assert solver.plan.linear_solver == "matrix"
        found: torch.Tensor = solver.step(solver.init(start.to(dtype))).x[0]
        return found.double()

    exact = step(torch.float64)
    assert torch.allclose(step(torch.float32), exact, atol=2e-3 * float(exact.abs().max()))


def test_a_dense_system_leaves_no_more_than_rounding_of_its_right_side() -> None:
    generator = torch.Generator().manual_seed(2)
    basis = torch.linalg.qr(torch.randn(24, 24, generator=generator, dtype=torch.float64))[0]
    matrix = (torch.diag(torch.logspace(0, -3, 24, dtype=torch.float64)) @ basis.mT).float()
    b = torch.randn(24, generator=generator)
    x = dp.Variable("x", (2, 12), dtype="float32")
    misfit = dp.sum_squares(dp.matrix(dp.reshape(x, (24,)), matrix) - b)
    solver = dp.Problem(misfit + dp.nuclear_norm(x) + dp.norm1(dp.grad(x))).compile(
        "admm", rho=1e-3
    )
    assert solver.plan.linear_solver == "dense"
    v = solver.step(solver.init()).x[0].double().requires_grad_()
    fit = (matrix.double() @ v.reshape(24) - b.double()).square().sum()
    near = v.square().sum() + dp.grad(v).square().sum()
    left = torch.autograd.grad(fit + 0.5e-3 * near, v)[0]
    assert float(left.norm()) <= 1e-7 * float(v.detach().norm())


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr"])
def test_small_singular_values_are_no_null_space_in_single_precision(method: str) -> None:
    generator = torch.Generator().manual_seed(4)
    left, _, right = torch.linalg.svd(torch.randn(12, 12, generator=generator).double())
    matrix = (left * torch.logspace(0, -3.3, 12, dtype=torch.float64) @ right).float()
    target = torch.randn(12, generator=generator)
    x = dp.Variable("x", (2, 6), dtype="float32")
    # Any x meets the data but one, which lies far off in the directions that are hardly seen.
    seen = dp.matrix(dp.reshape(x, (12,)), matrix)
    result = dp.Problem(dp.norm1(seen - target) + dp.limits(seen, upper=target)).solve(method)
    assert result.plan.linear_solver == "dense"
    # It converges no sooner than its slopes, which are as small as the values.
    assert result.objective <= 1e-3


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "hqs", "dr"])
def test_small_weights_are_no_zeros_in_single_precision(method: str) -> None:
    weights = torch.tensor([10.0, 1.0, 1e-3, 3e-4])
    x = dp.Variable("x", (4,), dtype="float32")
    misfit = 25.0 * dp.sum_squares(dp.mul_elementwise(x, weights) - 1.0)
    result = dp.Problem(misfit + 0.01 * dp.norm_inf(x)).solve(method, max_iter=1000)
    assert result.plan.linear_solver == "diagonal"
    # The two that weigh most are met, the others are as large as the largest: a search for that.
    t = torch.linspace(0.0, 4000.0, 400_001, dtype=torch.float64)
    far = [(w * t.clamp(max=1.0 / float(w)) - 1.0) ** 2 for w in weights.double()]
    least = float((25.0 * sum(far) + 0.01 * t).min())
    assert result.converged
    assert result.objective == pytest.approx(least, rel=5e-3)
