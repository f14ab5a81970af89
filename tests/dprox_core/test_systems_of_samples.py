"""Systems of a batch whose samples never meet: each is solved as it is alone."""

from __future__ import annotations

import pytest
import torch
from test_samples_of_a_batch import KERNEL, SIZES, courses, images

import dprox_core as dp
from dprox_core.compiler.split import split
from dprox_core.linsolve.base import LinearSolver, QuadraticPart
from dprox_core.linsolve.cg import ConjugateGradientSolver, conjugate_gradients
from dprox_core.linsolve.dense import DenseSolver, is_small
from dprox_core.linsolve.minres import minimal_residuals

COUNT, SIDE = 3, 5
RHOS = torch.tensor([0.05, 3.0, 200.0], dtype=torch.float64)


def masked(b: torch.Tensor) -> dp.Problem:
    x = dp.Variable("x", tuple(b.shape), dtype=b.dtype)
    mask = (torch.arange(b.shape[-1]) % 3 != 0).double().expand(b.shape[-2:])
    fit = dp.sum_squares(dp.mul_elementwise(dp.conv(x, KERNEL), mask) - mask * b)
    return dp.Problem(fit + 0.01 * dp.norm1(dp.grad(x)) + dp.nonneg(x))


def part_of(b: torch.Tensor) -> QuadraticPart:
    return split(masked(b).compile().model, "cg").part


def solver_for(kind: str, part: QuadraticPart) -> LinearSolver:
    if kind == "dense":
        return DenseSolver(part)
    return ConjugateGradientSolver(part, exact=True, kind=kind)


@pytest.mark.parametrize("kind", ["dense", "cg", "minres"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_every_sample_has_the_solution_of_its_own_system(kind: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(4)
    b, pulled, previous = (
        torch.randn(COUNT, 1, SIDE, SIDE, generator=generator, dtype=dtype) for _ in range(3)
    )
    if dtype.is_complex:
        x = dp.Variable("x", tuple(b.shape), dtype=dtype)
        mask = (torch.arange(SIDE) % 2).double()
        terms = dp.sum_squares(dp.mul_elementwise(dp.conv(x, KERNEL), mask) - b)
        part = split(dp.Problem(terms + dp.norm1(x)).compile().model, "cg").part
    else:
        part = part_of(b.real)
    assert part.samples == COUNT
    found = solver_for(kind, part).solve([pulled.clone()], RHOS, (previous,))[0]
    for index, rho in enumerate(RHOS.tolist()):
        # The matrix of one ρ, column by column, is that of each sample.
        (constant,) = part.constant()
        system = ConjugateGradientSolver(part)
        units = torch.eye(SIDE * SIDE, dtype=dtype).reshape(-1, 1, SIDE, SIDE)
        columns = [system._product((u.expand(COUNT, 1, SIDE, SIDE),), rho)[0][index] for u in units]
        matrix = torch.stack([c.reshape(-1) for c in columns], dim=1)
        right = (rho * pulled + constant)[index].reshape(-1)
        expected = torch.linalg.solve(matrix, right)
        torch.testing.assert_close(found[index].reshape(-1), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", ["cg", "minres"])
def test_a_sample_ends_by_itself_and_small_ones_are_solved_as_well(method: str) -> None:
    generator = torch.Generator().manual_seed(5)
    roots = torch.randn(4, 8, 8, generator=generator, dtype=torch.float64)
    matrices = roots @ roots.mT + 0.2 * torch.eye(8, dtype=torch.float64)
    right = torch.randn(4, 8, 1, generator=generator, dtype=torch.float64)
    right *= torch.tensor([1.0, 1e-9, 0.0, 1e9], dtype=torch.float64)[:, None, None]
    start = torch.zeros_like(right)
    run = conjugate_gradients if method == "cg" else minimal_residuals
    (found,) = run(lambda x: (matrices @ x[0],), (right,), (start,), 1e-10, 0.0, 60, samples=4)
    expected = torch.linalg.solve(matrices, right)
    assert bool(found.isfinite().all())
    assert found[2].tolist() == start[2].tolist()
    for index in (0, 1, 3):
        error = (found[index] - expected[index]).norm() / expected[index].norm()
        assert float(error) < 1e-6
        (alone,) = run(
            lambda x, i=index: (matrices[i] @ x[0],),  # type: ignore[misc]
            (right[index],),
            (start[index],),
            1e-3,
        )
        (beside,) = run(lambda x: (matrices @ x[0],), (right,), (start,), 1e-3, samples=4)
        torch.testing.assert_close(beside[index], alone, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("kind", ["cg", "minres"])
@pytest.mark.parametrize("method", ["admm", "admm_vxu", "hqs", "dr"])
def test_iterative_systems_give_every_sample_a_number_of_its_own(method: str, kind: str) -> None:
    b = images()
    together = courses(masked(b).compile(method, linear_solver=kind), 6)
    assert len(set(together[-1][0].tolist())) > 1
    for index in range(len(b)):
        alone = courses(masked(b[index : index + 1]).compile(method, linear_solver=kind), 6)
        for (rhos, x), (rho, own) in zip(together, alone, strict=True):
            assert float(rhos[index]) == pytest.approx(float(rho[0]))
            # A preconditioner guesses diagonals at random, so that inexact solves differ by it.
            near = 1e-2 if kind == "cg" else 1e-9
            assert (x[index] - own[0]).norm() <= near * own.norm() + 1e-9 * SIZES[index]


@pytest.mark.parametrize("kind", ["wide", "tall", "singular"])
@pytest.mark.parametrize("method", ["admm", "hqs"])
def test_matrices_have_factors_for_every_sample(method: str, kind: str) -> None:
    b = images()
    generator = torch.Generator().manual_seed(7)
    rows = {"wide": 4, "tall": 12, "singular": 6}[kind]
    matrix = torch.randn(rows, b.shape[-1], generator=generator, dtype=torch.float64) / 4.0

    def build(b: torch.Tensor) -> dp.Problem:
        x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
        seen = dp.matrix(x, matrix)
        prior = dp.nonneg(seen) if kind == "singular" else dp.norm1(x)
        return dp.Problem(dp.sum_squares(seen - b @ matrix.mT) + 0.01 * prior)

    solver = build(b).compile(method)
    assert solver.plan.linear_solver == "matrix"
    together = courses(solver, 6)
    if kind != "singular":
        assert len(set(together[-1][0].tolist())) > 1
    for index in range(len(b)):
        alone = courses(build(b[index : index + 1]).compile(method), 6)
        for (rhos, x), (rho, own) in zip(together, alone, strict=True):
            assert float(rhos[index]) == pytest.approx(float(rho[0]))
            torch.testing.assert_close(x[index], own[0], rtol=1e-7, atol=1e-9 * SIZES[index])


def test_large_matrices_of_a_few_numbers_share_their_factor() -> None:
    x = dp.Variable("x", (64, 1, 400), dtype=torch.float64)
    generator = torch.Generator().manual_seed(8)
    rows = torch.randn(400, 400, generator=generator, dtype=torch.float64)
    solver = dp.Problem(dp.sum_squares(dp.matrix(x, rows) - 1.0) + dp.norm1(x)).compile("admm")
    assert solver.plan.linear_solver == "matrix"
    assert isinstance(solver.init().rho, float)


def test_gradients_by_rho_and_data_are_those_of_each_sample_alone() -> None:
    generator = torch.Generator().manual_seed(6)
    b, pulled = (
        torch.randn(COUNT, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
        for _ in range(2)
    )

    def gradients(b: torch.Tensor, pulled: torch.Tensor, rho: torch.Tensor) -> list[torch.Tensor]:
        rho, pulled = rho.clone().requires_grad_(), pulled.clone().requires_grad_()
        solver = ConjugateGradientSolver(part_of(b), differentiate=True)
        solved = solver.solve([pulled], rho, (torch.zeros_like(b),))[0]
        return list(torch.autograd.grad(solved.pow(3).sum(), (rho, pulled)))

    in_rho, in_pulled = gradients(b, pulled, RHOS)
    for index in range(COUNT):
        own = slice(index, index + 1)
        alone = gradients(b[own], pulled[own], RHOS[index])
        torch.testing.assert_close(in_rho[index], alone[0], rtol=1e-6, atol=1e-10)
        torch.testing.assert_close(in_pulled[own], alone[1], rtol=1e-6, atol=1e-10)


def test_a_batch_of_small_systems_is_small() -> None:
    assert is_small(part_of(images(4, 16)))
    assert not is_small(part_of(images(1, 17)))
    x = dp.Variable("x", (2, 1, 16, 16))
    meeting = dp.sum_squares(dp.sum_over(x, 0)) + dp.norm1(dp.grad(x))
    assert not is_small(split(dp.Problem(meeting).compile().model, "cg").part)


def test_samples_that_meet_are_one_system() -> None:
    b = images(2, 6)
    x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
    meeting = dp.sum_squares(dp.sum_over(x, 0) - 1.0) + dp.sum_squares(dp.conv(x, KERNEL) - b)
    solver = dp.Problem(meeting + dp.norm1(dp.grad(x))).compile("admm", linear_solver="cg")
    assert solver.algorithm.quadratic.samples == 1
    assert isinstance(solver.init().rho, float)
