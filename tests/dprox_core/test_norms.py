"""Norms: found once by content, above the true norm and near it."""

from __future__ import annotations

import random

import pytest
import torch

import dprox_core as dp
from dprox_core.compiler.model import Row
from dprox_core.expressions.binding import Binding
from dprox_core.linops import estimate
from dprox_core.linops.estimate import (
    estimate_norm,
    forget_norms,
    largest_eigenvalue,
    largest_eigenvalues,
)
from dprox_core.linops.sampling import MulElementwise
from dprox_core.linops.space import Space
from dprox_core.linsolve.norms import Weighed, curvatures, joint_norm
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


def of_all(rows: list[Weighed], spaces: list[Space]) -> float:
    """The norm from the dense matrix of Σ c Kᴴ W K over all variables."""
    return float(torch.linalg.matrix_norm(matrix_of(rows, spaces), ord=2))


def matrix_of(rows: list[Weighed], spaces: list[Space]) -> torch.Tensor:
    columns = []
    for index, space in enumerate(spaces):
        for position in range(space.numel * (2 if space.is_complex else 1)):
            v = [other.zeros() for other in spaces]
            flat = torch.view_as_real(v[index]) if space.is_complex else v[index]
            flat.view(-1)[position] = 1.0
            sums = [other.zeros() for other in spaces]
            for weighed in rows:
                image = weighed.row.forward(tuple(v))
                if weighed.metric is not None:
                    image = weighed.metric.forward(image)
                weighed.row.adjoint_add(image * weighed.weight, sums, in_place=False)
            parts = [(torch.view_as_real(s) if s.is_complex() else s).reshape(-1) for s in sums]
            columns.append(torch.cat(parts))
    return torch.stack(columns)


def drawn(seed: int) -> tuple[list[Weighed], list[Space]]:
    """One to three rows of one or two variables."""
    choose, make = random.Random(seed), Maker(seed)
    shape = choose.choice(SHAPES)
    dtype = choose.choice([torch.float64, torch.complex128])
    x, y = dp.Variable("x", shape, dtype=dtype), dp.Variable("y", shape, dtype=dtype)
    rows = []
    for _ in range(choose.randint(1, 3)):
        pool = [*compositions(x, make), dp.grad(x), dp.conv(x, make.normal(2, 3)), 1.0 * x]
        expression = choose.choice(pool)
        if choose.random() < 0.5 and expression.shape == y.shape:
            expression = expression - 3.0 * dp.conv(y, make.normal(2, 2))
        elif choose.random() < 0.3:
            expression = dp.laplacian(y)
        entries = Binding([expression]).affine(expression).operators
        row = Row(tuple((0 if v is x else 1, op) for v, op in entries.items()))
        metric = None
        if choose.random() < 0.3:
            metric = MulElementwise(row.range, make.uniform(*row.range.shape))
        rows.append(Weighed(row, choose.choice([0.0, 0.3, 5.0]), metric))
    space = Space(shape, dtype.is_complex, torch.float64)
    return rows, [space, space]


@pytest.mark.parametrize("seed", range(25))
def test_norms_of_several_rows_are_bounds_and_tight(seed: int) -> None:
    rows, spaces = drawn(seed)
    norm = of_all(rows, spaces)
    assert norm * (1 - 1e-9) <= joint_norm(rows) <= 1.021 * norm
    for weighed in rows:
        own = of_all([Weighed(weighed.row)], spaces) ** 0.5
        assert own * (1 - 1e-9) <= weighed.row.tight_norm() <= 1.011 * own


@pytest.mark.parametrize("seed", range(25))
def test_curvatures_lie_above_the_sum_and_touch_it(seed: int) -> None:
    """diag(c_i I) − Σ w Kᴴ W K is positive semidefinite, and hardly so."""
    rows, spaces = drawn(seed)
    above = curvatures(rows, 2)
    matrix = matrix_of(rows, spaces)
    numbers = [len(matrix) // 2] * 2
    bound = torch.repeat_interleave(torch.tensor(above, dtype=matrix.dtype), torch.tensor(numbers))
    least = float(torch.linalg.eigvalsh(torch.diag(bound) - matrix)[0])
    assert -1e-9 * max(above) <= least <= 0.021 * max(above)
    joined = any(len(weighed.row.entries) > 1 and weighed.weight > 0.0 for weighed in rows)
    for index, (own, c) in enumerate(zip(matrix.split(numbers), above, strict=True)):
        own = own.split(numbers, dim=1)[index]
        assert c <= (2.9 if joined else 1.021) * float(torch.linalg.matrix_norm(own, ord=2))


def test_a_blur_and_a_gradient_are_not_large_together() -> None:
    """‖K₁ᴴK₁ + K₂ᴴK₂‖ is 8 and a little, where the sum of norms is 9."""
    x = dp.Variable("x", (1, 1, 16, 16), dtype=torch.float64)
    rows = [Row(((0, operator_of(e)),)) for e in (dp.conv(x, torch.ones(4, 4) / 16), dp.grad(x))]
    assert 8.0 <= joint_norm([Weighed(row) for row in rows]) < 8.01


def test_steps_of_plans_follow_the_joint_norm() -> None:
    x = dp.Variable("x", (1, 1, 16, 16), dtype=torch.float64)
    y = dp.Variable("y", (1, 1, 16, 16), dtype=torch.float64)
    blurred = dp.conv(x, torch.ones(4, 4) / 16) - 1
    apart = dp.Problem(dp.sum_squares(3 * x - 1) + dp.sum_squares(y - 1) + dp.norm1(y))
    assert apart.compile("fista").plan.parameters["lipschitz"] == pytest.approx(18.0)
    both = dp.Problem(dp.norm1(blurred) + dp.norm1(dp.grad(x)))
    plan = both.compile("pdhg", preconditioned=False).plan
    assert 8.0 <= plan.parameters["norm"] ** 2 < 8.01
    assert 0.94 / 8.0 < plan.parameters["step"] * plan.parameters["weight"] < 1.0 / 8.0


def test_the_weight_of_pdhg_does_not_run_away_at_tight_tolerances() -> None:
    """What blocks pull at cancels at a solution, so its sum is no yardstick for itself."""
    photo = dp.load_image("sample:camera", size=16).double()
    kernel = dp.gaussian_psf(7, 1.5).double()
    blurred = dp.add_noise(dp.blur(photo, kernel), 0.01, seed=0)
    x = dp.Variable("x", photo.shape, dtype=torch.float64)
    terms = dp.sum_squares(dp.conv(x, kernel) - blurred) + 0.02 * dp.norm1(dp.grad(x))
    problem = dp.Problem(terms + dp.nonneg(x))
    best = problem.solve(method="admm", rel_tol=1e-5, max_iter=1000).objective
    result = problem.solve(method="pdhg", rel_tol=1e-5, abs_tol=1e-7, max_iter=500)
    assert result.objective == pytest.approx(best, rel=1e-3)


def test_steps_of_pgd_are_nearly_two_over_the_lipschitz_constant_where_all_is_convex() -> None:
    x = dp.Variable("x", (1, 1, 16, 16), dtype=torch.float64)
    data = dp.sum_squares(dp.conv(x, torch.ones(4, 4) / 16) - 1)
    longest = dp.Problem(data + 0.1 * dp.norm1(x)).compile("pgd").plan.parameters["step"]
    assert 1.8 / 2.0 < longest < 2.0 / 2.0
    for problem, options in (
        (dp.Problem(data + 0.1 * dp.l0(x)), {}),
        (dp.Problem(data + 0.1 * dp.norm1(x)), {"backtracking": True}),
    ):
        assert problem.compile("pgd", **options).plan.parameters["step"] <= 1.0 / 2.0


@pytest.mark.parametrize("unit", [1e-17, 1e-12, 1.0, 1e15])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_norms_in_any_unit_are_bounds_and_tight_in_single_precision(
    unit: float, dtype: torch.dtype
) -> None:
    matrices = Maker(0).normal(3, 20, 12, is_complex=dtype.is_complex)
    small = (unit * matrices).to(dtype)

    def gram(v: torch.Tensor) -> torch.Tensor:
        return (small.mH @ (small @ v[..., None]))[..., 0]

    start = Maker(1).normal(3, 12, is_complex=dtype.is_complex).to(dtype)
    exact = torch.linalg.matrix_norm(small.to(matrices.dtype), ord=2).square()
    found = largest_eigenvalues(gram, start) / exact
    assert bool(((found > 0.999) & (found < 1.03)).all())
    whole = largest_eigenvalue(lambda v: (gram(v[0]),), (start,)) / float(exact.max())
    assert 0.999 < whole < 1.03


def test_an_operator_without_finite_products_has_no_norm() -> None:
    # A black box that divides by zero somewhere.
    with pytest.raises(dp.DataError, match="black box"):
        largest_eigenvalue(lambda v: (v[0] / 0.0,), (torch.ones(3),))
    assert largest_eigenvalue(lambda v: (0.0 * v[0],), (torch.ones(3),)) == 0.0
