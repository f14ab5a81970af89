"""Variables that meet in their terms, solved together pixel by pixel or frequency by frequency."""

from __future__ import annotations

import cvxpy
import pytest
import torch
from solver_cases import dense, noise

import dprox_core as dp
from dprox_core.algorithms.admm import Admm
from dprox_core.compiler.split import split
from dprox_core.linsolve.joint import JointSolver
from dprox_core.linsolve.product import product

NAMES = ["two", "three", "weights", "a chain", "field", "field alone", "open means"]
SHAPES = [(1, 1, 6, 8), (3, 2, 5, 7), (1, 1, 4, 1), (4, 3)]


def objective(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> dp.Objective:
    x, y, z = (dp.Variable(letter, shape, dtype=dtype) for letter in "xyz")
    data = noise(1, shape, dtype.is_complex)
    blurred = dp.conv(x, noise(2, (min(3, shape[-2]), min(2, shape[-1]))))
    if name == "two":
        return dp.sum_squares(blurred + y - data) + dp.norm1(dp.grad(x)) + dp.norm1(y)
    if name == "three":
        apart = dp.norm1(dp.grad(x) - 2 * dp.grad(y)) + dp.norm1(dp.grad(z)) + dp.norm1(y)
        return dp.sum_squares(blurred + y - 2 * z - data) + 0.3 * dp.sum_squares(y - z) + apart
    if name == "weights":
        weights = noise(10, shape).abs()
        mixed = dp.mul_elementwise(x, data) + 2 * y - (1 + 2j if dtype.is_complex else 3) * z
        fit = dp.weighted_sum_squares(mixed - data, weights) + dp.sum_squares(x)
        return fit + dp.norm1(x - y) + dp.norm1(y) + dp.norm1(z)
    if name.startswith("field"):
        v = dp.Variable("v", (*shape, 2), dtype=dtype)
        turns = dp.grad(v, axes=(-3, -2))
        even = dp.norm1(turns[..., 0, 1] + turns[..., 1, 0]) + dp.norm1(2 * turns)
        if name == "field alone":
            flow = noise(11, v.shape, dtype.is_complex)
            return dp.sum_squares(v[..., 0] - 3 * v[..., 1] - data) + dp.norm1(v - flow) + even
        return dp.sum_squares(blurred - data) + dp.norm1(dp.grad(x) - v) + even
    if name == "a chain":
        return dp.sum_squares(x - y) + dp.sum_squares(y - z) + dp.norm1(x - data) + dp.norm1(z)
    # Of the means only their sum is told.
    return dp.sum_squares(x + y - data) + dp.norm1(dp.grad(x)) + dp.norm1(dp.grad(y))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_joint_system_is_solved(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    compiled = dp.Problem(objective(name, shape, dtype)).compile("admm")
    algorithm = compiled.algorithm
    pixels = name in ("weights", "a chain")
    assert compiled.plan.linear_solver == ("diagonal" if pixels else "fourier")
    assert isinstance(algorithm, Admm)
    assert isinstance(algorithm.solver, JointSolver)
    part, spaces = split(algorithm.model).part, algorithm.model.spaces
    squares = tuple((term.row, 2.0 * term.penalty.weight, m) for term, m in part.curved)
    pulled = [space.zeros() for space in spaces]
    for row in part.couplings:
        row.adjoint_add(noise(3, row.range.shape, dtype.is_complex), pulled, in_place=True)
    before = tuple(noise(4 + i, s.shape, s.is_complex) for i, s in enumerate(spaces))
    for rho in (0.7, 13.0):
        found = algorithm.solver.solve([p.clone() for p in pulled], rho, before)
        images = product(found, squares, part.couplings, rho)
        for image, p, constant in zip(images, pulled, part.constant(), strict=True):
            expected = rho * p if constant is None else rho * p + constant
            torch.testing.assert_close(image, expected, rtol=1e-11, atol=1e-11)
    if name == "open means":
        torch.testing.assert_close(found[1].mean((-2, -1)), before[1].mean((-2, -1)))


def test_gradients_pass_through_the_joint_system() -> None:
    shape = (2, 1, 4, 5)

    def solved(kernel: torch.Tensor, weight: torch.Tensor, rho: torch.Tensor) -> torch.Tensor:
        x, y = dp.Variable("x", shape), dp.Variable("y", shape)
        fit = weight * dp.sum_squares(dp.conv(x, kernel) + y - noise(1, shape))
        problem = dp.Problem(fit + dp.norm1(dp.grad(x)) + dp.norm1(y))
        algorithm = problem.compile("admm", rho=rho).algorithm
        assert isinstance(algorithm, Admm)
        assert isinstance(algorithm.solver, JointSolver)
        pulled = [noise(5, shape), noise(6, shape)]
        return torch.cat(algorithm.solver.solve(pulled, rho, (pulled[0], pulled[1])))

    given = [noise(2, (3, 2)), torch.tensor(0.8).double(), torch.tensor(1.7).double()]
    assert torch.autograd.gradcheck(solved, [t.requires_grad_() for t in given])


def test_each_sample_may_have_its_rho() -> None:
    scales = torch.tensor([0.1, 1.0, 30.0]).double().reshape(3, 1, 1, 1)
    b = noise(3, (3, 1, 6, 7)) * scales

    def parted(data: torch.Tensor) -> dp.Problem:
        x, y = (dp.Variable(name, tuple(data.shape)) for name in "xy")
        penalties = 0.1 * dp.norm1(dp.grad(x)) + 0.2 * dp.norm1(y)
        return dp.Problem(dp.sum_squares(x + y - data) + 0.01 * dp.sum_squares(x) + penalties)

    options = {"abs_tol": 1e-7, "rel_tol": 1e-7, "max_iter": 5000}
    together = parted(b).solve("admm", **options)
    for index in range(3):
        alone = parted(b[index : index + 1]).solve("admm", **options)
        assert together.samples[index].iterations == alone.iterations
        torch.testing.assert_close(together["x"][index], alone["x"][0], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "dr", "hqs"])
def test_an_image_is_parted_as_cvxpy_parts_it(method: str) -> None:
    shape = (1, 1, 5, 4)
    data = noise(7, shape)
    x, y = dp.Variable("x", shape), dp.Variable("y", shape)
    penalties = 0.3 * dp.norm1(dp.grad(x)) + 0.2 * dp.norm1(y) + 0.1 * dp.sum_squares(x)
    problem = dp.Problem(dp.sum_squares(x + y - data) + penalties)
    u, w = cvxpy.Variable(20), cvxpy.Variable(20)
    cost = cvxpy.sum_squares(u + w - data.reshape(-1).numpy()) + 0.1 * cvxpy.sum_squares(u)
    cost += 0.3 * cvxpy.norm1(dense(dp.grad, shape) @ u) + 0.2 * cvxpy.norm1(w)
    best = float(cvxpy.Problem(cvxpy.Minimize(cost)).solve(solver="CLARABEL"))
    result = problem.solve(method, abs_tol=1e-9, rel_tol=1e-9, max_iter=20_000)
    assert result.plan.linear_solver == "fourier"
    assert result.objective == pytest.approx(best, rel=3e-2 if method == "hqs" else 1e-6)


def test_what_multiplies_no_frequencies_is_solved_by_iteration_as_before() -> None:
    shape = (1, 1, 20, 20)
    x, y = dp.Variable("x", shape), dp.Variable("y", shape)
    masked = dp.sum_squares(dp.mask(x, noise(8, shape)) + y - noise(9, shape))
    for penalty in (dp.norm1(dp.grad(x)), dp.norm1(x)):
        plan = dp.Problem(masked + penalty + dp.norm1(dp.grad(y))).compile("admm").plan
        assert plan.linear_solver == "cg"
