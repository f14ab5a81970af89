"""Norms: found once by content, above the true norm and near it."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp
from dprox_core.linops import estimate
from dprox_core.linops.estimate import estimate_norm, forget_norms
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import dense, operator_of

SHAPES = ((1, 1, 4, 6), (2, 1, 5, 3), (3, 7))


def compositions(x: dp.Expression, make: Maker) -> list[dp.Expression]:
    assert x.shape is not None
    w, v = make.normal(*x.shape), make.normal(*x.shape)
    kernel = make.normal(2, 3)
    blurred = dp.conv(dp.mul_elementwise(x, w), kernel)
    return [
        dp.grad(blurred),
        dp.mul_elementwise(dp.conv(x, kernel), v),
        3 * dp.dct(blurred),
        dp.matrix(dp.subsample(dp.conv(x, kernel)), make.normal(3, (x.shape[-1] + 1) // 2)),
        blurred + dp.mul_elementwise(x, v),
        dp.vstack([blurred, dp.mul_elementwise(x, v)]),
        dp.laplacian(dp.mask(x, make.mask(*x.shape))),
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_norms_of_compositions_are_bounds_and_tight(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = dp.Variable("x", shape, dtype=dtype)
    for seed in range(3):
        for expression in compositions(x, Maker(seed)):
            operator = operator_of(expression)
            norm = float(torch.linalg.matrix_norm(dense(operator), ord=2))
            assert norm * (1 - 1e-12) <= operator.tight_norm() <= 1.02 * norm
            assert operator.norm_bound() >= norm * (1 - 1e-12)


def test_a_norm_is_found_once_for_all_that_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker(1)
    x = dp.Variable("x", (1, 1, 6, 6))
    w, kernel = make.normal(6, 6), make.normal(3, 3)

    def problem(kernel: torch.Tensor) -> dp.Problem:
        seen = dp.mul_elementwise(dp.conv(x, kernel), w)
        return dp.Problem(dp.sum_squares(seen - 1) + dp.norm1(dp.grad(seen)))

    calls = []
    found = estimate.estimate_norm
    monkeypatch.setattr(
        estimate, "estimate_norm", lambda *a, **k: calls.append(1) or found(*a, **k)
    )
    forget_norms()
    problem(kernel).compile("pdhg")
    first = len(calls)
    assert first > 0
    problem(kernel.clone()).compile("pdhg")
    dp.candidates(problem(kernel))
    assert len(calls) == first
    problem(kernel + 1e-9).compile("pdhg")
    assert len(calls) > first


def test_the_zero_operator_has_norm_zero() -> None:
    x = dp.Variable("x", (5,))
    operator = operator_of(dp.matrix(dp.matrix(x, torch.zeros(4, 5)), torch.ones(600, 4)))
    assert estimate_norm(operator) == 0.0
