"""Every linear solver the compiler may choose, against dense algebra and finite differences."""

from __future__ import annotations

import itertools

import pytest
import torch
from linear_system_cases import SYSTEMS, data, dense, kernel, positive, psd, real

import dprox_core as dp
from dprox_core.compiler.build_admm import linear_solver
from dprox_core.compiler.split import Split, choose_kind, split
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.linsolve.cg import ConjugateGradientSolver, conjugate_gradients
from dprox_core.linsolve.joint import JointSolver
from dprox_core.linsolve.minres import minimal_residuals
from dprox_core.linsolve.precondition import Preconditioner
from dprox_core.testing.cases import Maker

Vectors = tuple[torch.Tensor, ...]


def systems() -> list[object]:
    return [
        pytest.param(name, shape, is_complex, id=f"{name}-{shape}-{'C' if is_complex else 'R'}")
        for name, system in SYSTEMS.items()
        for shape in system.shapes
        for is_complex in ((False, True) if system.complex else (False,))
    ]


def assigned(name: str, shape: tuple[int, ...], is_complex: bool) -> Split:
    dtype = torch.complex128 if is_complex else torch.float64
    x = dp.Variable("x", shape, dtype=dtype)
    problem = dp.Problem(SYSTEMS[name].write(x, Maker(3)))
    return split(problem.compile().algorithm.model)


@pytest.mark.parametrize(("name", "shape", "is_complex"), systems())
def test_the_solution_is_that_of_dense_algebra(
    name: str, shape: tuple[int, ...], is_complex: bool
) -> None:
    assignment = assigned(name, shape, is_complex)
    assert assignment.kind == SYSTEMS[name].kind
    assert assignment.reason.endswith(".")
    part = assignment.part
    # The matrix is affine in ρ.
    ends = [dense(part, rho) for rho in (0.0, 1.0)]
    for forced in dict.fromkeys((assignment.kind, "cg", "minres")):
        solver = linear_solver(Split(part, (), forced, "", ()), differentiate=False)
        for rho in (0.05, 3.0):
            matrix, constant = ends[0][0] + rho * (ends[1][0] - ends[0][0]), ends[0][1]
            pulled = part.spaces[0].random(5)
            expected = torch.linalg.solve(matrix, rho * real((pulled,)) + constant)
            for previous in (torch.zeros_like(pulled), part.spaces[0].random(6)):
                found = solver.solve([pulled.clone()], rho, (previous,))
                scale = float(expected.abs().max())
                torch.testing.assert_close(real(found), expected, atol=1e-8 * scale, rtol=1e-8)


@pytest.mark.parametrize("name", ["decimation", "wide matrix", "tall matrix", "quadratic form"])
def test_single_precision_is_as_good_as_it_gets(name: str) -> None:
    shape = SYSTEMS[name].shapes[0]
    x = dp.Variable("x", shape, dtype=torch.float32)
    assignment = split(dp.Problem(SYSTEMS[name].write(x, Maker(3))).compile().algorithm.model)
    assert assignment.kind == SYSTEMS[name].kind
    solver = linear_solver(assignment, differentiate=False)
    pulled = assignment.part.spaces[0].random(5)
    double = assigned(name, shape, False).part
    matrix, constant = dense(double, 1.0)
    expected = torch.linalg.solve(matrix, real((pulled.double(),)) + constant)
    found = solver.solve([pulled.clone()], 1.0, (torch.zeros_like(pulled),))
    assert found[0].dtype == torch.float32
    assert float((real(found).double() - expected).norm() / expected.norm()) < 1e-5


def _two(x: dp.Variable, y: dp.Variable, make: Maker) -> dp.Objective:
    return (
        dp.sum_squares(data(x + dp.conv(y, kernel(make, 3, 3)), make))
        + dp.quad_form(data(y, make), psd(make, 6))
        + dp.weighted_sum_squares(data(x - 2 * y, make), positive(x, make))
        + dp.norm1(dp.grad(x))
        + dp.norm1(y)
        + dp.norm1(x)
    )


def test_several_variables_that_mix_are_solved_together() -> None:
    x, y = dp.Variable("x", (1, 1, 4, 6)), dp.Variable("y", (1, 1, 4, 6))
    assignment = split(dp.Problem(_two(x, y, Maker(4))).compile().algorithm.model)
    assert assignment.kind == "fourier"
    matrix, constant = dense(assignment.part, 2.0)
    pulled = tuple(space.random(i) for i, space in enumerate(assignment.part.spaces))
    expected = torch.linalg.solve(matrix, 2.0 * real(pulled) + constant)
    part = assignment.part
    solvers = [ConjugateGradientSolver(part, exact=True, kind=kind) for kind in ("cg", "minres")]
    for solver in (*solvers, JointSolver(part)):
        found = solver.solve([p.clone() for p in pulled], 2.0, pulled)
        torch.testing.assert_close(real(found), expected, atol=1e-8, rtol=1e-8)


def test_variables_apart_have_a_solver_each() -> None:
    x, y = dp.Variable("x", (4, 6)), dp.Variable("y", (5,))
    make = Maker(5)
    problem = dp.Problem(
        dp.sum_squares(data(dp.conv(x, kernel(make, 3, 3)), make))
        + dp.norm1(dp.grad(x))
        + dp.norm1(x)
        + dp.sum_squares(data(dp.matrix(y, make.normal(7, 5)), make))
        + dp.norm1(y)
    )
    plan = problem.compile().plan
    assert plan.linear_solver == "matrix"
    assert "a system of its own" in plan.reason
    assert "FFT" in plan.reason
    assert "factorization" in plan.reason


@pytest.mark.parametrize("kind", ["matrix", "fourier"])
def test_what_a_singular_system_says_nothing_about_stays(kind: str) -> None:
    x = dp.Variable("x", (4, 6), dtype=torch.float64)
    rows = Maker(6).normal(2, 6)
    write = dp.matrix(x, rows) if kind == "matrix" else dp.grad(x)
    problem = dp.Problem(dp.sum_squares(write) + dp.norm1(write))
    part = split(problem.compile().algorithm.model).part
    assert choose_kind(part)[0] == kind
    matrix, _ = dense(part, 1.0)
    values, vectors = torch.linalg.eigh(matrix)
    null = vectors[:, values < 1e-9]
    assert null.shape[1] > 0
    right = (torch.eye(24, dtype=torch.float64) - null @ null.T) @ Maker(7).normal(24)
    previous = Maker(8).normal(4, 6)
    solver = linear_solver(Split(part, (), kind, "", ()), differentiate=False)
    found = real(solver.solve([right.reshape(4, 6).clone()], 1.0, (previous,)))
    torch.testing.assert_close(null.T @ found, null.T @ real((previous,)), atol=1e-8, rtol=0)
    torch.testing.assert_close(matrix @ found, right, atol=1e-8, rtol=0)


def test_minimal_residuals_solve_indefinite_systems() -> None:
    make = Maker(9)
    for size in (1, 2, 7, 12):
        root = make.normal(size, size)
        signs = torch.where(torch.arange(size) % 2 == 0, 1.0, -1.0).double()
        basis = torch.linalg.qr(root)[0]
        matrix = basis @ torch.diag(signs * make.uniform(size, low=0.5, high=2.0)) @ basis.T
        right = make.normal(size)
        found = minimal_residuals(
            lambda x, matrix=matrix: (matrix @ x[0],),  # type: ignore[misc]
            (right,),
            (make.normal(size),),
            1e-12,
            max_iter=5 * size,
        )[0]
        torch.testing.assert_close(found, torch.linalg.solve(matrix, right), atol=1e-8, rtol=1e-8)


def test_minimal_residuals_never_grow() -> None:
    make = Maker(10)
    root = make.normal(10, 10)
    matrix, right = root + root.T, make.normal(10)
    zero = (torch.zeros(10, dtype=torch.float64),)
    sizes = []
    for steps in range(1, 12):
        x = minimal_residuals(lambda v: (matrix @ v[0],), (right,), zero, 0.0, max_iter=steps)[0]
        sizes.append(float((matrix @ x - right).norm()))
        krylov = torch.stack(
            [torch.linalg.matrix_power(matrix, k) @ right for k in range(steps)], 1
        )
        if steps < 6:
            best = torch.linalg.lstsq(matrix @ krylov, right[:, None]).solution
            least = float((matrix @ krylov @ best - right[:, None]).norm())
            assert sizes[-1] == pytest.approx(least, rel=1e-6)
    assert all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(sizes))
    assert sizes[-1] < 1e-8


@pytest.mark.parametrize("kind", ["diagonal", "fourier"])
def test_a_preconditioner_saves_steps(kind: str) -> None:
    make = Maker(11)
    x = dp.Variable("x", (16, 16), dtype=torch.float64)
    uneven = torch.logspace(-3, 1, 256).reshape(16, 16).double()
    weights = uneven if kind == "diagonal" else make.uniform(16, 16, low=0.01, high=0.02)
    strength = 0.01 if kind == "diagonal" else 3.0
    problem = dp.Problem(
        dp.weighted_sum_squares(data(x, make), weights + 1e-2)
        + strength * dp.sum_squares(data(dp.grad(x), make))
    )
    model = problem.compile().model
    part = QuadraticPart(model.spaces, model.terms, ())
    preconditioner = Preconditioner(part)
    assert preconditioner.kinds(1.0) == (kind,)
    solver = ConjugateGradientSolver(part, exact=True)
    right = part.spaces[0].random(1)
    counts = []
    for precondition in (None, preconditioner.at(1.0)):
        steps = []

        def product(v: Vectors, steps: list[int] = steps) -> Vectors:
            steps.append(1)
            return solver._product(v, 1.0)

        found = conjugate_gradients(
            product, (right,), (torch.zeros_like(right),), 1e-10, 0.0, 2000, precondition
        )[0]
        torch.testing.assert_close(product((found,))[0], right, atol=1e-7, rtol=0)
        counts.append(len(steps))
    assert counts[1] < 0.6 * counts[0]


def test_a_solve_that_starts_at_the_solution_takes_no_step() -> None:
    assignment = assigned("coils and differences", (1, 1, 4, 6), True)
    solver = ConjugateGradientSolver(assignment.part, exact=True)
    pulled = assignment.part.spaces[0].random(5)
    first = solver.solve([pulled.clone()], 1.0, (torch.zeros_like(pulled),))
    calls = []
    product = solver._product
    solver._product = lambda x, rho: calls.append(1) or product(x, rho)  # type: ignore[method-assign,func-returns-value]
    solver.solve([pulled.clone()], 1.0, first)
    assert len(calls) == 1


GRADIENTS = {
    "decimation": lambda x, t: (
        dp.sum_squares(dp.subsample(dp.conv(x, t[0][:2, :2]), 2) - t[1][:1, :2])
        + dp.norm1(dp.grad(x))
        + dp.norm1(x)
    ),
    "wide matrix": lambda x, t: dp.sum_squares(dp.matrix(x, t[0][:1]) - t[1][:, :1]) + dp.norm1(x),
    "tall matrix": lambda x, t: dp.sum_squares(dp.matrix(x, t[0]) - t[1]) + dp.norm1(x),
    "quadratic form": lambda x, t: dp.quad_form(x - t[1], t[0] @ t[0].mT) + dp.norm1(x),
    "weights": lambda x, t: (
        dp.weighted_sum_squares(dp.conv(x, t[0][:2, :2]), t[1].square())
        + dp.sum_squares(dp.mul_elementwise(x, t[1]) - 1)
        + dp.norm1(dp.grad(x))
    ),
}


@pytest.mark.parametrize("name", GRADIENTS)
@pytest.mark.parametrize("forced", [None, "cg"])
def test_gradients_pass_through_every_solver(name: str, forced: str | None) -> None:
    make = Maker(12)
    x = dp.Variable("x", (2, 4), dtype=torch.float64)
    tensors = (make.normal(4, 4).requires_grad_(), make.normal(2, 4).requires_grad_())
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    rho = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)

    def solve(a: torch.Tensor, b: torch.Tensor, w: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        problem = dp.Problem(w * GRADIENTS[name](x, (a, b)))
        options = {} if forced is None else {"linear_solver": forced}
        return problem.solve(rho=r, max_iter=2, **options)[x]

    assert torch.autograd.gradcheck(solve, (*tensors, weight, rho), atol=1e-6)
