"""The algebra of expressions: shapes, dtypes, words, several variables, placeholders."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dprox_core as dp
from dprox_core.expressions.binding import Binding

GENERATOR = torch.Generator().manual_seed(0)


def random(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=dtype)


def evaluated(expression: dp.Expression, values: dict[dp.Variable, torch.Tensor]) -> torch.Tensor:
    """The value of an expression at given variables, through its affine form."""
    affine = Binding([expression], extra=tuple(values.values())).affine(expression)
    parts = [operator.forward(values[v]) for v, operator in affine.operators.items()]
    total = sum(parts[1:], parts[0])
    return total if affine.offset is None else total + affine.offset


x = dp.Variable("x", (2, 3, 4, 5))
y = dp.Variable("y", (2, 3, 4, 5))


def test_the_algebra_means_what_it_says() -> None:
    u, v = random(2, 3, 4, 5), random(2, 3, 4, 5)
    b, channel = random(2, 3, 4, 5), random(3, 1, 1)
    at = {x: u, y: v}
    for expression, expected in [
        (x + y, u + v),
        (x - y, u - v),
        (b - x, b - u),
        (x - b, u - b),
        (-x, -u),
        (+x, u),
        (3 * x, 3 * u),
        (x * 3, 3 * u),
        (x / 4, u / 4),
        (2 * (3 * x - y) - (x - b) / 2, 2 * (3 * u - v) - (u - b) / 2),
        (x + channel, u + channel),
        (channel - x, channel - u),
        (x + 1, u + 1),
        (1 - x, 1 - u),
        (x + x + x, 3 * u),
        (x - x + y, v),
        (np.ones((2, 3, 4, 5)) - x, 1 - u),
        (torch.tensor(2.0) * x, 2 * u),
        (dp.grad(x + y), dp.grad(u) + dp.grad(v)),
        (dp.grad(2 * x - b), dp.grad(2 * u - b)),
    ]:
        assert expression.shape == tuple(expected.shape)
        assert torch.allclose(evaluated(expression, at), expected)


def test_numbers_of_any_kind_may_stand_beside_a_variable() -> None:
    u = random(2, 3, 4, 5)
    for two in (2, 2.0, np.float32(2), np.int64(2), torch.tensor(2.0), torch.tensor([2.0])):
        assert torch.allclose(evaluated(two * x, {x: u}), 2 * u)
        assert torch.allclose(evaluated(x * two, {x: u}), 2 * u)
    assert torch.allclose(evaluated(x * 2j, {x: u}), 2j * u)


def test_any_number_of_axes() -> None:
    for shape in [(), (7,), (3, 5), (1, 2, 3, 4, 5)]:
        z = dp.Variable("z", shape)
        assert (2 * z + torch.ones(shape)).shape == shape


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: x + dp.Variable("w", (2, 3)), ["x has shape (2, 3, 4, 5)", "w has shape (2, 3)"]),
        (lambda: x - torch.ones(7), ["x has shape", "b has shape (7,)", "cannot be subtracted"]),
        (lambda: x - torch.ones(7, 2, 3, 4, 5), ["x has shape", "(7, 2, 3, 4, 5)", "broadcast_to"]),
        (lambda: dp.Variable("g", (1, 1, 4, 5)) - torch.ones(1, 3, 4, 5), ["g has shape", "b has"]),
        (lambda: dp.Variable("g", (4, 1)) + torch.ones(4), ["g has shape (4, 1)", "b has shape"]),
        (lambda: dp.conv(x, torch.ones(9, 9)), ["kernel (9 × 9)", "x (4 × 5)"]),
        (lambda: x + dp.grad(x), ["x has shape", "grad(x) has shape (2, 3, 4, 5, 2)"]),
    ],
)
def test_a_misfit_names_both_operands_at_construction(build, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(dp.ShapeError) as caught:
        build()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: dp.Variable("", (3,)), "needs a name"),
        (lambda: dp.Variable("x", (3,), dtype=torch.int32), "must be float32"),
        (lambda: x + "photo", "must be an expression"),
        (lambda: bool(x >= 0), "has no truth value"),
        (lambda: x < 1, "a strict inequality has no nearest point"),
        (lambda: torch.ones(7) < x, "a strict inequality has no nearest point"),
        (lambda: torch.sin(x), "torch.sin does not take an expression"),
        (lambda: dp.norm1(x) - dp.norm1(y), "cannot be subtracted"),
        (lambda: dp.norm1(x) + x, "add penalties"),
        (lambda: dp.Problem(x), "minimizes a penalty"),
        (lambda: dp.Problem(dp.norm1(x), [dp.norm1(x)]), "A constraint is a condition"),
    ],
)
def test_what_has_no_meaning_is_refused(build, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(dp.ParameterError) as caught:
        build()
    assert words in str(caught.value)


@pytest.mark.parametrize("shape", [(0,), (2, -1), (2.5,), "ab"])
def test_shapes_are_whole_numbers(shape: object) -> None:
    with pytest.raises(dp.ShapeError, match="whole numbers from 1"):
        dp.Variable("x", shape)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (2 * x - y, "2*x - y"),
        (-(x + y), "-(x + y)"),
        (dp.conv(x, torch.ones(3, 3)) - torch.ones(4, 5), "conv(x, kernel) - b"),
        (3 * (x - y) + 1, "3*(x - y) + 1"),
        (x - (y - 1), "x - (y - 1)"),
        (dp.grad(x / 4), "grad(0.25*x)"),
        (dp.fourier_sampling(x, torch.ones(4, 5)), "fourier_sampling(x, m)"),
        (
            dp.fourier_sampling(dp.reshape(x, (6, 1, 4, 5)), torch.ones(4, 5), torch.ones(2, 4, 5)),
            "fourier_sampling(reshape(x, (6, 1, 4, 5)), m, coils)",
        ),
    ],
)
def test_an_expression_reads_as_it_was_written(expression: dp.Expression, text: str) -> None:
    assert expression.describe() == text


def test_placeholders_may_be_open_until_the_solve() -> None:
    b = dp.Placeholder("b")
    problem = dp.Problem(dp.sum_squares(dp.grad(x) - b) + dp.sum_squares(x))
    with pytest.raises(dp.ParameterError, match="b has no value"):
        problem.solve()
    b.value = torch.zeros(2, 3, 4, 5, 2)
    assert float(problem.solve()[x].abs().max()) == 0.0
    b.value = torch.zeros(7)
    with pytest.raises(dp.ShapeError, match=r"grad\(x\) has shape"):
        problem.solve()


def test_a_typed_placeholder_refuses_other_shapes() -> None:
    b = dp.Placeholder("b", shape=(4, 5))
    assert (x - b).shape == x.shape
    with pytest.raises(dp.ShapeError, match="declared"):
        b.value = torch.zeros(4, 6)


def test_a_placeholder_stays_attached_to_autograd() -> None:
    k = dp.Placeholder("k", value=torch.rand(3, 3, dtype=torch.float64, requires_grad=True))
    target = random(1, 1, 6, 6)
    z = dp.Variable("z", (1, 1, 6, 6))
    problem = dp.Problem(dp.sum_squares(dp.conv(z, k) - target) + 0.1 * dp.sum_squares(z))

    def solved(kernel: torch.Tensor) -> torch.Tensor:
        k.value = kernel
        return problem.solve()[z]

    assert torch.autograd.gradcheck(solved, (k.value,), fast_mode=True)


def test_precision_follows_the_data() -> None:
    z = dp.Variable("z", (4,))
    for dtype in (torch.float32, torch.float64):
        solution = dp.Problem(dp.sum_squares(z - torch.ones(4, dtype=dtype))).solve()[z]
        assert solution.dtype == dtype
    w = dp.Variable("w", (4,), dtype=torch.complex128)
    b = random(4, dtype=torch.complex128)
    assert torch.allclose(dp.Problem(dp.sum_squares(w - b)).solve()[w], b)


def test_two_variables_in_one_problem() -> None:
    low, sparse = dp.Variable("low", (6, 5)), dp.Variable("sparse", (6, 5))
    b = random(6, 5)
    problem = dp.Problem(
        dp.sum_squares(low + sparse - b) + 0.5 * dp.sum_squares(low) + 0.3 * dp.norm1(sparse)
    )
    result = problem.solve(max_iter=3000, abs_tol=1e-10, rel_tol=1e-10)
    # Without the quadratic's variable: min over s of ‖b − s‖²/3 + 0.3 ‖s‖₁.
    s = torch.sign(b) * (b.abs() - 0.45).clamp_min(0)
    assert torch.allclose(result[sparse], s, atol=1e-6)
    assert torch.allclose(result[low], (b - s) / 1.5, atol=1e-6)


def test_two_variables_of_one_name_are_refused() -> None:
    one, other = dp.Variable("x", (3,)), dp.Variable("x", (3,))
    with pytest.raises(dp.ParameterError, match='called "x"'):
        dp.Problem(dp.sum_squares(one - other)).solve()


def test_bad_data_is_named() -> None:
    b = torch.ones(3)
    b[1] = torch.nan
    z = dp.Variable("z", (3,))
    with pytest.raises(dp.DataError, match="The operand b in z - b, of shape"):
        dp.Problem(dp.sum_squares(z - b)).solve()


def test_equations_are_constraints() -> None:
    z = dp.Variable("z", (4,))
    matrix, target = random(2, 4), random(2)
    for constraint in (matrix @ z == target, target == matrix @ z, matrix @ z - target == 0):
        result = dp.Problem(dp.sum_squares(z), [constraint]).solve(
            max_iter=3000, abs_tol=1e-10, rel_tol=1e-10
        )
        assert torch.allclose(result[z], torch.linalg.pinv(matrix) @ target, atol=1e-7)
    assert repr(2 * z == target.new_ones(4)) == "<constraint 2*z == b>"


def test_expressions_are_keys() -> None:
    z, w = dp.Variable("z", (4,)), dp.Variable("w", (4,))
    assert {z: 1, w: 2}[z] == 1
    assert z != "z"


def test_complex_equations() -> None:
    z = dp.Variable("z", (4,), dtype=torch.complex128)
    matrix, target = random(2, 4, dtype=torch.complex128), random(2, dtype=torch.complex128)
    problem = dp.Problem(dp.sum_squares(z), [matrix @ z == target])
    result = problem.solve(max_iter=3000, abs_tol=1e-10, rel_tol=1e-10)
    assert torch.allclose(result[z], torch.linalg.pinv(matrix) @ target, atol=1e-7)


def test_inequalities_with_a_matrix_are_constraints() -> None:
    z = dp.Variable("z", (3,), dtype=torch.float64)
    matrix = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0]], dtype=torch.float64)
    bound = torch.tensor([2.0, 0.5], dtype=torch.float64)
    cost = torch.tensor([-3.0, -2.0, -1.0], dtype=torch.float64)
    problem = dp.Problem(dp.linear(z, cost), [matrix @ z <= bound, z >= 0])
    result = problem.solve(max_iter=8000, abs_tol=1e-10, rel_tol=1e-10)
    assert torch.allclose(result[z], torch.tensor([1.25, 0.75, 0.0]).double(), atol=1e-5)


def test_an_array_may_stand_at_the_left_of_a_product() -> None:
    z, u = dp.Variable("z", (3,)), random(3)
    matrix = random(2, 3)
    for written in (matrix @ z, matrix.numpy() @ z):
        assert torch.allclose(evaluated(written, {z: u}), matrix @ u)
    square = dp.Variable("square", (3, 2))
    value = random(3, 2)
    assert torch.allclose(evaluated(matrix @ square, {square: value}), matrix @ value)
    assert torch.allclose(evaluated(square.T @ matrix.T, {square: value}), value.T @ matrix.T)
    assert torch.allclose(evaluated(square[1:], {square: value}), value[1:])


def test_a_sum_of_sums_is_no_slower_than_its_size() -> None:
    z = dp.Variable("z", (2,), dtype=torch.float64)
    doubled: dp.Expression = z
    for _ in range(60):
        doubled = doubled + doubled
    assert doubled.shape == (2,)
    assert not doubled.is_complex
    one = torch.ones(2, dtype=torch.float64)
    operator = Binding([doubled]).affine(doubled).operators[z]
    assert torch.allclose(operator.forward(one), 2.0**60 * one)


@pytest.mark.parametrize("layout", ["to_sparse_coo", "to_sparse_csr"])
def test_sparse_data_mean_what_dense_data_mean(layout: str) -> None:
    generator = torch.Generator().manual_seed(2)
    plane = torch.rand(4, 5, generator=generator).double()
    kept = torch.where(plane > 0.4, plane, 0.0)

    def problem(data: torch.Tensor, matrix: torch.Tensor) -> dp.Problem:
        z = dp.Variable("z", (4, 5), dtype="float64")
        terms = dp.sum_squares(dp.mul_elementwise(z, data) - data) + dp.weighted_norm1(z, data)
        terms += dp.sum_squares(matrix @ z - 1) + dp.sum_squares(dp.fourier_sampling(z, data))
        return dp.Problem(
            terms + dp.box(z, -2, dp.Constant(data) + 2) + dp.norm1(dp.conv(z, matrix))
        )

    def sparse(tensor: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = getattr(tensor, layout)()
        return made

    point = torch.rand(4, 5, generator=generator).double()
    expected = problem(kept, plane[:3, :4]).value(point)
    matrix = sparse(plane[:3, :4])
    assert problem(sparse(kept), matrix).value(point) == pytest.approx(expected, rel=1e-12)
    assert problem(sparse(kept), matrix).solve().objective == pytest.approx(
        problem(kept, plane[:3, :4]).solve().objective, rel=1e-2
    )
    assert torch.equal(dp.grad(sparse(plane)), dp.grad(plane))
    assert float(dp.norm1(sparse(plane))) == float(dp.norm1(plane))


def test_a_colour_filter_array_is_written_in_any_form() -> None:
    image = torch.rand(1, 3, 5, 7)
    expected = dp.mosaic(image, "RGB/GBR")
    numbers = [[0, 1, 2], [1, 2, 0]]
    for pattern in (["RGB", "GBR"], numbers, torch.tensor(numbers), torch.tensor(numbers).numpy()):
        assert torch.equal(dp.mosaic(image, pattern), expected)


A, B = dp.Variable("a", (3,)), dp.Variable("b", (3,))


def _bounded(*conditions: object) -> float:
    """An upper bound, from something that compares as well."""
    return float(len(conditions))


@pytest.mark.parametrize(
    ("build", "halves"),
    [
        (lambda: 0 <= A <= B, "a >= 0 and a <= b"),
        (lambda: A <= B <= 1, "a <= b and b <= 1"),
        (lambda: 0 <= 2 * A <= B + 1, "2*a <= b + 1"),
        (lambda: torch.zeros(3) <= A <= B, "a >= lower and a <= b"),
        (lambda: 0 <= A == 1, "a >= 0 and a == 1"),
        (lambda: A == B <= 1, "a == b and b <= 1"),
    ],
)
def test_no_half_of_a_chain_is_lost(build, halves) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(dp.ParameterError, match="write two constraints") as caught:
        build()
    assert halves in str(caught.value)


def test_comparisons_within_the_last_part_of_a_chain_leave_it_whole() -> None:
    found = [
        0 <= A <= _bounded(B >= 1),
        0 <= A <= _bounded(0 <= B <= 1),
    ]
    assert [condition.describe() for condition in found] == ["0 <= a <= 1"] * 2


def test_numbers_written_out_keep_their_digits_and_choose_no_precision() -> None:
    double = torch.tensor([0.1, 0.2, 0.7], dtype=torch.float64)
    x64 = dp.Variable("x", (3,), dtype=torch.float64)
    found = dp.Problem(dp.sum_squares(x64 - [0.1, 0.2, 0.7])).solve("admm")[x64]
    assert torch.equal(found, double)
    z = dp.Variable("z", (1,), dtype=torch.complex128)
    assert dp.Problem(dp.sum_squares(z - 0.1j)).solve("admm")[z].item() == 0.1j
    a = dp.Problem(dp.sum_squares(A - [0.1, 0.2, 0.7])).solve("admm")[A]
    assert a.dtype == torch.float32


def test_numbers_of_any_kind_divide_and_shape() -> None:
    half = (A / 2).describe()
    for two in (np.float32(2), np.int64(2)):
        assert (A / two).describe() == half
    assert dp.Variable("x", np.int64(3)).shape == (3,)
    for divisor in (torch.tensor(2.0), np.array(2.0)):
        problem = dp.Problem(dp.sum_squares(A / divisor - torch.ones(3)))
        assert torch.allclose(problem.solve("admm")[A], torch.full((3,), 2.0))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: A / dp.Placeholder("p"), "a / p: an expression is divided by a number"),
        (lambda: A > 0, "a > …: a strict inequality has no nearest point; write >="),
        (lambda: A < 0, "a < …: a strict inequality has no nearest point; write <="),
        (lambda: dp.norm1(A) / torch.ones(2), "must be one real number"),
        (lambda: dp.norm1(A) * 1j, "must be one real number"),
        (lambda: dp.Variable("x", True), "whole numbers from 1"),
    ],
)
def test_what_is_no_number_is_refused_as_one(build, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(dp.DproxError) as caught:
        build()
    assert words in str(caught.value)


def test_what_may_be_infinite_as_a_bound_may_not_be_as_data() -> None:
    b = dp.Placeholder("b", (3,), value=torch.tensor([torch.inf, 1.0, 1.0]))
    with pytest.raises(dp.DataError, match="b in a - b"):
        dp.Problem(dp.box(A, 0, b) + dp.sum_squares(A - b)).compile()


def test_a_complex_weight_is_refused_also_when_it_comes_later() -> None:
    weight = dp.Placeholder("w")
    problem = dp.Problem(dp.sum_squares(A - 1) + weight * dp.norm1(A))
    weight.value = torch.tensor(1j)
    with pytest.raises(dp.ParameterError, match="weight w of norm1"):
        problem.compile()
