"""What the published reference gets wrong, line by line, and ours gets right.

Each test states the correct value from mathematics: a closed form or a dense solve.
"""

from __future__ import annotations

import builtins

import pytest
import torch

import dprox_core as dp
from dprox_core.compiler.model import Penalty
from dprox_core.expressions.base import Expression
from dprox_core.testing.measures import dense, function_of, operator_of

GENERATOR = torch.Generator().manual_seed(3)
TIGHT = {"max_iter": 4000, "abs_tol": 1e-11, "rel_tol": 1e-11}
x = dp.Variable("x", (2, 3, 5, 4), dtype=torch.float64)
b = torch.randn(x.shape, generator=GENERATOR, dtype=torch.float64)


def least_squares(expression: Expression, target: torch.Tensor, weight: float) -> torch.Tensor:
    """argmin ‖A x − target‖² + weight ‖x‖², from the dense matrix."""
    matrix = dense(operator_of(expression))
    system = matrix.T @ matrix + weight * torch.eye(matrix.shape[1], dtype=torch.float64)
    return torch.linalg.solve(system, matrix.T @ target.reshape(-1)).reshape(x.shape)


def test_weights_of_quadratic_terms_count() -> None:
    for weight in (1.0, 10.0):
        solution = dp.Problem(weight * dp.sum_squares(x - b) + dp.sum_squares(x)).solve()[x]
        assert torch.allclose(solution, b * weight / (weight + 1))


def test_sum_squares_means_the_same_in_the_prox_and_in_the_linear_solve() -> None:
    function = function_of(dp.sum_squares(x))
    prox = function.prox(b, 0.5)
    solved = dp.Problem(dp.sum_squares(x) + dp.sum_squares(x - b)).solve()[x]
    assert torch.allclose(prox, b / 2)
    assert torch.allclose(solved, b / 2)


def test_scaling_a_penalty_multiplies_and_leaves_the_penalty_alone() -> None:
    penalty = dp.norm1(x)
    value = float(b.abs().sum())
    scaled = 2 * (3 * penalty)
    assert dp.Problem(scaled).value(b) == pytest.approx(6 * value)
    assert dp.Problem(penalty).value(b) == pytest.approx(value)


def test_a_negative_weight_raises() -> None:
    with pytest.raises(dp.ParameterError, match="not convex"):
        -2 * dp.norm1(x)


def test_moreaus_identity_has_its_factor() -> None:
    """For ‖·‖₁ the conjugate is the indicator of |q| ≤ 1, its prox the projection."""
    function, step = function_of(dp.norm1(x)), 0.3
    projected = (b / step).clamp(-1, 1)
    assert torch.allclose(function.dual_prox(b, step), step * projected)
    assert torch.allclose(function.prox(b, step) + step * projected, b)
    penalty = Penalty(function, weight=2.0)
    assert torch.allclose(penalty.dual_prox(b, step), b.clamp(-2 * step, 2 * step))


COMPOSED = {
    "nested scales": lambda: 3 * (2 * x),
    "a sum": lambda: x + 2 * x,
    "weights": lambda: dp.mul_elementwise(x, b[0]),
    "a kernel per channel": lambda: dp.conv(x, b[:, :, :3, :3][0]),
    "differences": lambda: dp.grad(x),
    "a convolution of a scaled image": lambda: dp.conv(2 * x, b[0, 0, :3, :2]),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_closed_form_solves_are_right(name: str) -> None:
    expression = COMPOSED[name]()
    assert expression.shape is not None
    target = torch.randn(expression.shape, generator=GENERATOR, dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(expression - target) + 0.2 * dp.sum_squares(x))
    result = problem.solve(**TIGHT)
    assert torch.allclose(result[x], least_squares(expression, target, 0.2), atol=1e-8)
    assert result.plan.linear_solver in ("diagonal", "fourier")


@pytest.mark.parametrize("name", COMPOSED)
def test_the_adjoint_of_a_composition_is_that_of_all_of_it(name: str) -> None:
    operator = operator_of(COMPOSED[name]())
    y = operator.range.random()
    expected = (dense(operator).T @ y.reshape(-1)).reshape(x.shape)
    assert torch.allclose(operator.adjoint(y), expected)


def test_isotropic_total_variation_is_solved() -> None:
    one = dp.Variable("u", (1, 1, 6, 5), dtype=torch.float64)
    data = torch.randn(one.shape, generator=GENERATOR, dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(one - data) + 0.4 * dp.group_norm1(dp.grad(one)))
    best = problem.solve(**TIGHT)
    value = problem.value(best[one])
    for scale in (1e-1, 1e-2, 1e-3):
        other = best[one] + scale * torch.randn(one.shape, generator=GENERATOR).double()
        assert problem.value(other) >= value - 1e-9


def test_images_need_not_be_square_nor_real_nor_of_three_channels() -> None:
    for shape in [(1, 1, 5, 8), (2, 4, 7, 3)]:
        z = dp.Variable("z", shape, dtype=torch.complex128)
        data = torch.randn(shape, generator=GENERATOR, dtype=torch.complex128)
        kernel = torch.randn(3, 3, generator=GENERATOR, dtype=torch.float64)
        problem = dp.Problem(dp.sum_squares(dp.conv(z, kernel) - data) + dp.norm1(z))
        assert problem.solve()[z].shape == shape


def test_soft_thresholding_takes_complex_values() -> None:
    z = dp.Variable("z", (4,), dtype=torch.complex128)
    data = torch.tensor([3 + 4j, 0.1j, -2, 0], dtype=torch.complex128)
    solved = dp.Problem(dp.sum_squares(z - data) + 2 * dp.norm1(z)).solve(**TIGHT)[z]
    expected = torch.tensor([2.4 + 3.2j, 0, -1, 0], dtype=torch.complex128)
    assert torch.allclose(solved, expected, atol=1e-8)


def test_a_step_may_be_a_plain_number_and_a_variable_may_have_no_value() -> None:
    assert torch.allclose(function_of(dp.norm1(x)).prox(b, 0.0 + 1e-9), b)


def test_every_function_has_a_value() -> None:
    for penalty in (dp.norm1(x), dp.sum_squares(x), dp.group_norm1(x), dp.nonneg(x)):
        assert dp.Problem(penalty).value(b) >= 0.0


def test_a_sample_of_a_batch_is_solved_as_if_alone() -> None:
    kernel = torch.rand(3, 3, generator=GENERATOR, dtype=torch.float64)

    def solved(data: torch.Tensor) -> torch.Tensor:
        z = dp.Variable("z", tuple(data.shape), dtype=torch.float64)
        terms = dp.sum_squares(dp.conv(z, kernel) - data) + 0.1 * dp.norm1(dp.grad(z))
        return dp.Problem(terms + dp.nonneg(z)).solve(**TIGHT)[z]

    together = solved(b)
    for index in range(2):
        assert torch.allclose(together[index], solved(b[index : index + 1])[0], atol=1e-6)


def test_data_keep_their_gradient_through_a_placeholder() -> None:
    kernel = torch.rand(3, 3, generator=GENERATOR, dtype=torch.float64).requires_grad_()
    placeholder = dp.Placeholder("psf", value=kernel)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, placeholder) - b) + dp.sum_squares(x))
    problem.solve()[x].sum().backward()
    assert kernel.grad is not None
    assert float(kernel.grad.abs().max()) > 0


def test_double_precision_stays_double() -> None:
    assert dp.Problem(dp.sum_squares(x - b)).solve()[x].dtype == torch.float64


def test_importing_everything_leaves_the_builtins_alone() -> None:
    assert not set(dp.__all__) & set(dir(builtins))
