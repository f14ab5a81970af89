"""Functions of singular values and eigenvalues, also where these coincide or vanish."""

from __future__ import annotations

import pytest
import torch
from solver_cases import noise

import dprox_core as dp
from dprox_core.numerics.spectral import low_rank, positive_part


def turned(values: list[float], rows: int, columns: int, is_complex: bool) -> torch.Tensor:
    """A matrix with these singular values."""
    left = torch.linalg.qr(noise(1, (rows, len(values)), is_complex)).Q
    right = torch.linalg.qr(noise(2, (columns, len(values)), is_complex)).Q
    return (left * torch.tensor(values, dtype=torch.float64)) @ right.mH


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 5)])
@pytest.mark.parametrize(
    "values", [[2.0, 1.3, 0.4], [2.0, 2.0, 0.4], [1.5, 0.2, 0.2], [1.5, 0.0, 0.0], [0.0, 0.0, 0.0]]
)
def test_shrunk_singular_values(
    values: list[float], shape: tuple[int, int], is_complex: bool
) -> None:
    matrix = turned(values, *shape, is_complex).requires_grad_()
    step = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    kept = (torch.tensor(values, dtype=torch.float64) - 0.7).clamp_min(0.0)
    assert torch.allclose(
        low_rank(matrix, step).detach(), turned(kept.tolist(), *shape, is_complex), atol=1e-12
    )
    assert torch.autograd.gradcheck(low_rank, (matrix, step), eps=1e-6, atol=1e-6)


def test_a_step_for_each_matrix_and_one_of_zero() -> None:
    matrices = torch.stack([turned([2.0, 1.0, 0.0], 3, 4, False), noise(3, (3, 4))])[:, None]
    steps = torch.tensor([0.3, 0.9], dtype=torch.float64).reshape(2, 1, 1, 1)
    inputs = (matrices.requires_grad_(), steps.requires_grad_())
    assert torch.autograd.gradcheck(low_rank, inputs, atol=1e-6)
    one = matrices[0, 0].detach().requires_grad_()
    (slope,) = torch.autograd.grad((low_rank(one, 0.0) * noise(4, (3, 4))).sum(), one)
    assert torch.allclose(slope, noise(4, (3, 4)), atol=1e-12)


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("values", [[2.0, 0.5, -1.0], [1.0, 1.0, -1.0], [2.0, -1.0, -1.0]])
def test_the_positive_part(values: list[float], is_complex: bool) -> None:
    basis = torch.linalg.qr(noise(5, (3, 3), is_complex)).Q
    matrix = (basis * torch.tensor(values, dtype=torch.float64)) @ basis.mH
    assert torch.autograd.gradcheck(positive_part, (matrix.requires_grad_(),), atol=1e-6)


@pytest.mark.parametrize("method", ["admm_vxu", "pdhg", "admm"])
def test_robust_principal_components_from_zero(method: str) -> None:
    """The first singular values are all zero."""
    shape = (4, 3)
    weights = noise(7, shape)

    def solution(b: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        low, sparse = dp.Variable("low", shape), dp.Variable("sparse", shape)
        terms = dp.nuclear_norm(low) + weight * dp.norm1(sparse)
        terms = 2.0 * dp.sum_squares(low + sparse - b) + terms
        found = dp.Problem(terms).solve(method, max_iter=5, abs_tol=0.0, rel_tol=0.0)
        return ((found[low] - 0.5 * found[sparse]) * weights).sum()

    b = noise(6, shape).requires_grad_()
    weight = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(solution, (b, weight), atol=1e-6)


def test_second_derivatives_are_refused() -> None:
    matrix = noise(8, (3, 3)).requires_grad_()
    for function in (positive_part, lambda v: low_rank(v, 0.3)):
        loss = function(matrix).square().sum()
        (first,) = torch.autograd.grad(loss, matrix, create_graph=True)
        with pytest.raises(dp.DproxError, match="There are no second derivatives through "):
            torch.autograd.grad(first.sum(), matrix)
