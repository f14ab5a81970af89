"""Gradients of solutions of linear programs against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dprox_core as dp

RNG = np.random.default_rng(3)
N, M = 6, 4
A = torch.from_numpy(RNG.uniform(0.2, 1, (M, N)))
B = torch.from_numpy(RNG.uniform(1, 2, M))
C = torch.from_numpy(-RNG.uniform(0.5, 1.5, N))
E = torch.from_numpy(RNG.uniform(0.2, 1, (1, N)))


def solution(
    c: torch.Tensor, a: torch.Tensor, b: torch.Tensor, e: torch.Tensor, sense: str = "min"
) -> tuple[torch.Tensor, torch.Tensor]:
    x = dp.Variable("x", (N,))
    sign = 1 if sense == "min" else -1
    problem = dp.Problem(
        (sign * c) @ x,
        {"most": a @ x <= b, "same": e @ x == 0.5 * b[:1], "box": 0 <= x <= 0.8},
        sense=sense,  # type: ignore[arg-type]
    )
    result = problem.solve(tol=1e-8)
    assert result.converged
    return result[x], result.duals["most"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("sense", ["min", "max"])
def test_gradients_with_respect_to_costs_limits_and_entries(sense: str) -> None:
    data = tuple(t.clone().requires_grad_() for t in (C, A, B, E))
    x, y = solution(*data, sense=sense)
    assert 0 < int((x > 1e-6).sum()) < N
    assert torch.autograd.gradcheck(
        lambda *d: solution(*d, sense=sense), data, eps=1e-6, atol=1e-5, fast_mode=True
    )
    weights = torch.from_numpy(RNG.normal(size=N))
    grads = torch.autograd.grad(x @ weights + y.sum(), data)
    assert all(bool(g.abs().max() > 1e-3) for g in grads)


def test_gradients_reach_through_operators_and_sparse_matrices() -> None:
    scale = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    sparse = A.to_sparse_coo().requires_grad_()
    x = dp.Variable("x", (N,))

    def total(scale: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        problem = dp.Problem(C @ x, [scale * (matrix @ x) <= B, 0 <= x <= 0.8])
        return (problem.solve(tol=1e-8)[x] * torch.arange(1.0, N + 1)).sum()

    gradient, entries = torch.autograd.grad(total(scale, sparse), (scale, sparse))
    with torch.no_grad():
        h = 1e-6
        difference = (total(scale + h, sparse) - total(scale - h, sparse)) / (2 * h)
        step = torch.zeros(M, N, dtype=torch.float64)
        step[1, 2] = h
        moved = (total(scale, (A + step).to_sparse_coo()) - total(scale, sparse)) / h
    assert float(gradient) == pytest.approx(float(difference), rel=1e-4)
    assert float(entries.to_dense()[1, 2]) == pytest.approx(float(moved), rel=1e-3, abs=1e-6)


def test_without_a_gradient_wanted_nothing_is_attached() -> None:
    x, y = solution(C, A, B, E)
    assert not x.requires_grad
    assert not y.requires_grad
