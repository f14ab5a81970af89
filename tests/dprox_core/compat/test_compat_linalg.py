"""Linear systems under the published names."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import dprox_core.compat as dp
from dprox_core.errors import DproxError

GENERATOR = torch.Generator().manual_seed(4)
P = torch.rand(5, 5, generator=GENERATOR, dtype=torch.float64)
A = P.T @ P + 0.01 * torch.eye(5, dtype=torch.float64)
X = torch.rand(5, generator=GENERATOR, dtype=torch.float64)
B = A @ X


class Matrix(dp.LinOp):
    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.A = torch.nn.Parameter(matrix)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.A @ x

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self.A.mT @ y


@pytest.mark.parametrize("name", ["cg", "pcg", "minres", "plss", "plssw"])
def test_each_solver_reaches_the_solution(name: str) -> None:
    found = getattr(dp.linalg.solve, name)(Matrix(A), B)
    assert torch.allclose(found, X, rtol=1e-8)
    assert torch.allclose(getattr(dp.linalg.solve, name)(Matrix(A), 1e-8 * B), 1e-8 * X, rtol=1e-6)


@pytest.mark.parametrize("name", ["cg", "cg2", "pcg", "minres", "plss"])
def test_a_start_may_stand_third(name: str) -> None:
    """As published: ``cg(A, b, x0, rtol, max_iters)``."""
    solve = getattr(dp.linalg.solve, name)
    near = X + 1e-3 * torch.eye(5, dtype=torch.float64)[0]
    found = solve(Matrix(A), B, near, 1e-9, 1).detach()
    assert float((A @ found - B).norm()) <= float((A @ near - B).norm())
    assert torch.equal(solve(Matrix(A), B, X, 1e-6, 50), X)


def test_minres_takes_a_preconditioner_and_shifts() -> None:
    scales = torch.logspace(0, 4, 30, dtype=torch.float64) * torch.tensor([1.0, -1.0]).repeat(15)
    b = torch.rand(30, generator=GENERATOR, dtype=torch.float64)
    helped = dp.linalg.minres(lambda v: scales * v, b, max_iters=3, Minv=lambda v: v / scales.abs())
    assert torch.allclose(helped, b / scales)
    shifts = torch.tensor([0.0, 0.5], dtype=torch.float64)
    found = dp.linalg.minres(lambda v: A @ v, B, shifts=shifts, value=2.0)
    for shift, x in zip(shifts, found, strict=True):
        assert torch.allclose(2.0 * A @ x + shift * x, B, atol=1e-8)


def test_minres_takes_images_and_indefinite_systems() -> None:
    weights = torch.linspace(-2.0, 3.0, 24, dtype=torch.float64).reshape(2, 3, 4) + 0.03
    b = torch.rand(2, 3, 4, generator=GENERATOR, dtype=torch.float64)
    found = dp.linalg.minres(lambda v: weights * v, b)
    assert torch.allclose(found, b / weights, rtol=1e-6)


def test_plss_takes_a_system_without_symmetry() -> None:
    b = P @ X
    assert torch.allclose(dp.linalg.plss(Matrix(P), b, max_iters=200), X, rtol=1e-6)
    heavy = torch.linspace(0.5, 2.0, 5, dtype=torch.float64)
    assert torch.allclose(dp.linalg.plssw(Matrix(P), b, max_iters=200, Wh=heavy), X, rtol=1e-6)


def test_a_preconditioner_helps() -> None:
    scales = torch.logspace(0, 6, 40, dtype=torch.float64)
    b = torch.ones(40, dtype=torch.float64)
    plain = dp.linalg.pcg(lambda v: scales * v, b, max_iters=5)
    better = dp.linalg.pcg(lambda v: scales * v, b, max_iters=5, Minv=lambda r: r / scales)
    error = [float((scales * x - b).abs().max()) for x in (plain, better)]
    assert error[1] < 1e-10 < error[0]


def gradients(solve: Any, matrix: torch.Tensor, b: torch.Tensor) -> list[torch.Tensor]:
    free, right = matrix.clone().requires_grad_(), b.clone().requires_grad_()
    operator = Matrix(free.detach())
    solve(operator, right).square().sum().backward()
    assert operator.A.grad is not None
    assert right.grad is not None
    return [operator.A.grad, right.grad]


@pytest.mark.parametrize("kind", ["cg", "pcg", "minres", "plss", "plssw"])
def test_gradients_of_a_solve_are_those_of_the_dense_one(kind: str) -> None:
    config = dp.LinearSolveConfig(rtol=1e-13, solver_type=kind)
    found = gradients(lambda a, b: dp.linalg.linear_solve(a, b, config), A, B)
    free, right = A.clone().requires_grad_(), B.clone().requires_grad_()
    torch.linalg.solve(free, right).square().sum().backward()
    for ours, exact in zip(found, (free.grad, right.grad), strict=True):
        assert exact is not None
        assert torch.allclose(ours, exact, rtol=1e-5, atol=1e-6 * float(exact.abs().max()))


def test_gradients_without_symmetry_go_through_the_adjoint() -> None:
    config = dp.LinearSolveConfig(rtol=1e-14, solver_type="plss", max_iters=300)
    found = gradients(lambda a, b: dp.linalg.linear_solve(a, b, config), P, P @ X)
    free, right = P.clone().requires_grad_(), (P @ X).requires_grad_()
    torch.linalg.solve(free, right).square().sum().backward()
    for ours, exact in zip(found, (free.grad, right.grad), strict=True):
        assert exact is not None
        assert torch.allclose(ours, exact, rtol=1e-4, atol=1e-5 * float(exact.abs().max()))


def test_unrolled_gradients_are_the_same() -> None:
    eye = 2.0 * torch.eye(5, dtype=torch.float64)
    config = dp.LinearSolveConfig(rtol=1e-14, use_analytic_grad=False)
    unrolled = gradients(lambda a, b: dp.linalg.linear_solve(a, b, config), A + eye, B)
    implicit = gradients(lambda a, b: dp.linalg.linear_solve(a, b), A + eye, B)
    assert torch.allclose(unrolled[1], implicit[1], rtol=1e-3)


def test_a_gram_is_solved_and_its_data_receive_gradients() -> None:
    psf = torch.randn(1, 5, 5, generator=GENERATOR)
    gram = dp.conv_doe(dp.Variable((1, 1, 10, 10)), psf=psf).gram
    x = torch.randn(1, 1, 10, 10, generator=GENERATOR)
    found = dp.linalg.linear_solve(gram, gram(x).detach())
    assert torch.allclose(gram(found), gram(x), atol=1e-3)
    found.mean().backward()
    assert gram.psf.grad.shape == psf.shape


def test_an_unknown_solver_is_told() -> None:
    with pytest.raises(DproxError, match="cg, cg2, pcg"):
        dp.linalg.linear_solve(Matrix(A), B, dp.LinearSolveConfig(solver_type="lu"))
