"""Random small problems of every convex function × operators, ADMM against CVXPY's optimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np
import pytest
import torch

import dprox_core as dp
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import dense, operator_of

SHAPE = (1, 1, 4, 6)
MAKE = Maker(5)
KERNEL, WEIGHTS = MAKE.normal(3, 2) / 3, MAKE.normal(*SHAPE)
MATRIX = MAKE.normal(5, 6)

OPERATORS: dict[str, Callable[[dp.Expression], dp.Expression]] = {
    "the variable": lambda x: x,
    "shifted and scaled": lambda x: 2 * x - 0.5,
    "conv": lambda x: dp.conv(x, KERNEL),
    "conv zero": lambda x: dp.conv(x, KERNEL, boundary="zero"),
    "grad": dp.grad,
    "grad neumann": lambda x: dp.grad(x, boundary="neumann"),
    "laplacian": dp.laplacian,
    "weights": lambda x: dp.mul_elementwise(x, WEIGHTS),
    "subsample": dp.subsample,
    "matrix": lambda x: dp.matrix(x, MATRIX),
    "wavelet": dp.wavelet,
    "dct": dp.dct,
    "pad": lambda x: dp.pad(x, 1, 1, 1, 1, "reflect"),
    "index": lambda x: x[..., 1:, ::2],
    "stack": lambda x: dp.vstack([x, dp.conv(x, KERNEL)]),
    "warp": lambda x: dp.homography(x, torch.eye(3).double() + 0.05 * torch.ones(3, 3)),
    "radon": lambda x: dp.radon(x, 3),
    "weighted edges": lambda x: dp.grad(dp.mul_elementwise(dp.conv(x, KERNEL), WEIGHTS)),
}

Vector = Any
Penalty = tuple[Callable[[dp.Expression], dp.Objective], Callable[[Vector], Any]]


def data(v: Vector, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 1.5, v.shape)


def like(e: dp.Expression, seed: int) -> torch.Tensor:
    assert e.shape is not None
    count = int(np.prod(e.shape))
    return torch.from_numpy(np.random.default_rng(seed).uniform(0.2, 1.5, count)).reshape(e.shape)


def labels(count: int) -> np.ndarray:
    return np.where(np.random.default_rng(2).uniform(size=count) < 0.5, -1.0, 1.0)


def sides(e: dp.Expression) -> torch.Tensor:
    assert e.shape is not None
    return torch.from_numpy(labels(int(np.prod(e.shape)))).reshape(e.shape)


# A penalty in our words, and in CVXPY's on the flattened expression. A list holds constraints.
PENALTIES: dict[str, Penalty] = {
    "norm1": (dp.norm1, lambda v: cp.norm1(v)),
    "weighted_norm1": (
        lambda e: dp.weighted_norm1(e, like(e, 1)),
        lambda v: data(v, 1) @ cp.abs(v),
    ),
    "norm2": (dp.norm2, lambda v: cp.norm(v, 2)),
    "norm_inf": (dp.norm_inf, lambda v: cp.norm(v, "inf")),
    "elastic_net": (
        lambda e: dp.elastic_net(e, 0.5),
        lambda v: cp.norm1(v) + 0.25 * cp.sum_squares(v),
    ),
    "huber": (lambda e: dp.huber(e, 0.5), lambda v: 0.5 * cp.sum(cp.huber(v, 0.5))),
    "logistic": (
        lambda e: dp.logistic(e, sides(e)),
        lambda v: cp.sum(cp.logistic(-cp.multiply(labels(v.size), v))),
    ),
    "hinge": (
        lambda e: dp.hinge(e, sides(e)),
        lambda v: cp.sum(cp.pos(1 - cp.multiply(labels(v.size), v))),
    ),
    "quantile": (
        lambda e: dp.quantile(e, 0.3),
        lambda v: cp.sum(cp.maximum(0.3 * v, -0.7 * v)),
    ),
    "maximum": (dp.maximum, lambda v: cp.max(v)),
    "linear": (lambda e: dp.linear(e, like(e, 1)), lambda v: data(v, 1) @ v),
    "weighted_sum_squares": (
        lambda e: dp.weighted_sum_squares(e, like(e, 1), like(e, 2)),
        lambda v: data(v, 1) @ cp.square(v - data(v, 2)),
    ),
    "nonneg": (dp.nonneg, lambda v: [v >= 0]),
    "box": (lambda e: dp.box(e, -0.2, 0.3), lambda v: [v >= -0.2, v <= 0.3]),
    "l1_ball": (lambda e: dp.l1_ball(e, 1.5), lambda v: [cp.norm1(v) <= 1.5]),
    "l2_ball": (lambda e: dp.l2_ball(e, 1.5), lambda v: [cp.norm(v, 2) <= 1.5]),
    "linf_ball": (lambda e: dp.linf_ball(e, 0.3), lambda v: [cp.norm(v, "inf") <= 0.3]),
    "halfspace": (
        lambda e: dp.halfspace(e, like(e, 1), -0.5),
        lambda v: [data(v, 1) @ v <= -0.5],
    ),
}

PAIRS = [
    (penalty, operator)
    for i, penalty in enumerate(PENALTIES)
    for j, operator in enumerate(OPERATORS)
    # All of them agree; a sixth of them, and each operator alone, is run every time.
    if (5 * i + j) % 6 == 0 or penalty == "weighted_sum_squares"
]


@pytest.mark.parametrize(("penalty", "operator"), PAIRS)
def test_admm_reaches_the_optimum(penalty: str, operator: str) -> None:
    write, state = PENALTIES[penalty]
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    expression = OPERATORS[operator](x)
    target = Maker(3).normal(*SHAPE)
    problem = dp.Problem(dp.sum_squares(x - target) + 0.4 * write(expression))
    result = problem.solve(max_iter=6000, abs_tol=1e-8, rel_tol=1e-8)
    offset = OPERATORS[operator](torch.zeros(SHAPE, dtype=torch.float64)).reshape(-1).numpy()
    matrix = dense(operator_of(expression)).numpy()
    unknown = cp.Variable(matrix.shape[1])
    said = state(matrix @ unknown + offset)
    cost = cp.sum_squares(unknown - target.reshape(-1).numpy())
    constraints = said if isinstance(said, list) else []
    objective = cost if constraints else cost + 0.4 * said
    reference = cp.Problem(cp.Minimize(objective), constraints)
    reference.solve(solver="CLARABEL")
    assert reference.status == "optimal"
    # The data term is strongly convex, so that the minimizer is unique.
    found = result[x].reshape(-1).numpy()
    assert np.abs(found - unknown.value).max() < 2e-4
