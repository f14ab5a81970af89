"""Every operator of the table against dense matrices, dot products and autograd."""

from __future__ import annotations

import pytest
import torch

import dprox_core as dp
from dprox_core.expressions.affine import Affine
from dprox_core.expressions.base import Expression
from dprox_core.expressions.binding import Binding
from dprox_core.linops.base import LINOPS, LinOp
from dprox_core.numerics import fourier
from dprox_core.testing import LINOP_CASES, LinOpCase
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import dense, dense_adjoint, dot_error, operator_of, random_in

Kind = tuple[LinOpCase, tuple[int, ...], torch.dtype]

KINDS: list[Kind] = [
    (case, shape, dtype)
    for case in LINOP_CASES
    for shape in case.shapes
    for dtype in (torch.float64, torch.complex128)
    if (case.complex if dtype.is_complex else case.real)
]


def name_of(kind: Kind) -> str:
    case, shape, dtype = kind
    return f"{case.id}-{'x'.join(map(str, shape))}-{'complex' if dtype.is_complex else 'real'}"


every_kind = pytest.mark.parametrize("kind", KINDS, ids=name_of)


def written(kind: Kind, single: bool = False) -> Expression:
    case, shape, dtype = kind
    data = case.data(shape, Maker(1))
    if single:
        data = tuple(t.to(torch.complex64 if t.is_complex() else torch.float32) for t in data)
        dtype = torch.complex64 if dtype.is_complex else torch.float32
    return case.call(dp.Variable("x", shape, dtype=dtype), *data)


def bound(kind: Kind, single: bool = False) -> LinOp:
    return operator_of(written(kind, single))


@every_kind
def test_the_adjoint_passes_the_dot_test(kind: Kind) -> None:
    assert dot_error(bound(kind)) < 1e-12
    assert dot_error(bound(kind, single=True)) < 2e-5


@every_kind
def test_the_adjoint_is_the_transposed_matrix(kind: Kind) -> None:
    operator = bound(kind)
    matrix = dense(operator)
    assert torch.allclose(dense_adjoint(operator), matrix.T, atol=1e-11)


@every_kind
def test_shapes_and_dtypes_are_those_announced(kind: Kind) -> None:
    for single in (False, True):
        expression = written(kind, single)
        operator = operator_of(expression)
        x, y = random_in(operator.domain), random_in(operator.range)
        image, back = operator.forward(x), operator.adjoint(y)
        assert operator.range.shape == expression.shape
        assert operator.range.is_complex == expression.is_complex
        assert image.shape == operator.range.shape
        assert image.dtype == operator.range.dtype
        assert back.shape == operator.domain.shape
        assert back.dtype == operator.domain.dtype


@every_kind
def test_nothing_given_is_written_into(kind: Kind) -> None:
    operator = bound(kind)
    x, y = random_in(operator.domain), random_in(operator.range)
    kept_x, kept_y = x.clone(), y.clone()
    image = operator.forward(x)
    if not operator.is_identity:
        # Solvers write into what they get.
        assert image.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    into = random_in(operator.domain, 3)
    summed = operator.adjoint_add(y, into.clone(), in_place=True)
    assert torch.allclose(summed, into + operator.adjoint(y), atol=1e-12)
    assert torch.allclose(operator.adjoint_add(y, into, in_place=False), summed, atol=1e-12)
    assert torch.equal(into, random_in(operator.domain, 3))
    buffer = torch.full_like(image, torch.nan)
    assert torch.allclose(operator.forward(x, out=buffer), operator.forward(x), atol=1e-12)
    assert torch.equal(x, kept_x)
    assert torch.equal(y, kept_y)


@every_kind
def test_the_adjoint_is_autograds_vector_jacobian_product(kind: Kind) -> None:
    operator = bound(kind)
    x, y = random_in(operator.domain).requires_grad_(), random_in(operator.range)
    (pulled,) = torch.autograd.grad(operator.forward(x), x, y)
    assert torch.allclose(pulled, operator.adjoint(y), atol=1e-11)


@every_kind
def test_the_norm_bound_holds_and_is_tight(kind: Kind) -> None:
    operator = bound(kind)
    norm = float(torch.linalg.matrix_norm(dense(operator), ord=2))
    assert operator.norm_bound() >= norm * (1 - 1e-12)
    assert operator.norm_bound() <= max(norm, 1e-12) * kind[0].tight + 1e-12


@every_kind
def test_orthogonal_operators_are_orthogonal(kind: Kind) -> None:
    operator = bound(kind)
    if operator.is_orthogonal:
        matrix = dense(operator)
        eye = torch.eye(matrix.shape[0], dtype=torch.float64)
        assert torch.allclose(matrix @ matrix.T, eye, atol=1e-12)
        assert torch.allclose(matrix.T @ matrix, eye, atol=1e-12)


@every_kind
def test_closed_forms_agree_with_the_operator(kind: Kind) -> None:
    operator = bound(kind)
    x = random_in(operator.domain)
    image = operator.forward(x)
    gram = operator.adjoint(image)
    diagonal = operator.diagonal()
    if diagonal is not None:
        assert torch.allclose(diagonal * x, image, atol=1e-11)
    diagonal = operator.gram_diagonal()
    if diagonal is not None:
        assert not diagonal.is_complex()
        assert torch.allclose((diagonal * x).to(gram.dtype), gram, atol=1e-11)
    full, size = operator.domain.is_complex, tuple(operator.domain.shape[-2:])
    factors = operator.gram_spectrum()
    if factors is not None:
        assert not factors.is_complex()
        spectrum = fourier.forward(x, full) * factors
        assert torch.allclose(fourier.inverse(spectrum, (size[0], size[1]), full), gram, atol=1e-11)
    transfer = operator.transfer()
    if transfer is not None:
        assert transfer.full == full
        spectrum = fourier.forward(x, full)[(..., *([None] * transfer.stack))] * transfer.values
        axes = (image.ndim - 2 - transfer.stack, image.ndim - 1 - transfer.stack)
        expected = (torch.fft.fftn if full else torch.fft.rfftn)(image, dim=axes)
        assert torch.allclose(spectrum, expected, atol=1e-10)


@pytest.mark.parametrize("case", LINOP_CASES, ids=lambda case: case.id)
def test_closed_forms_are_offered_where_the_table_says_so(case: LinOpCase) -> None:
    for shape in case.shapes:
        if len(shape) < 2:
            continue
        operator = bound((case, shape, torch.float64 if case.real else torch.complex128))
        missing = [form for form in case.declares if getattr(operator, form)() is None]
        assert not missing


@every_kind
def test_gradients_with_respect_to_argument_and_data(kind: Kind) -> None:
    case, shape, dtype = kind
    if shape != case.shapes[-1] and shape != case.shapes[0]:
        return
    data = tuple(t.requires_grad_() for t in case.data(shape, Maker(1)))
    x = bound(kind).domain.random().requires_grad_()
    y = bound(kind).range.random(1).requires_grad_()

    def both_ways(x: torch.Tensor, y: torch.Tensor, *data: torch.Tensor) -> tuple:
        operator = operator_of(case.call(dp.Variable("x", shape, dtype=dtype), *data))
        return operator.forward(x), operator.adjoint(y)

    assert torch.autograd.gradcheck(both_ways, (x, y, *data), fast_mode=True)


@pytest.mark.parametrize(
    "case", [case for case in LINOP_CASES if case.on_tensors], ids=lambda case: case.id
)
def test_a_tensor_gives_what_the_expression_would(case: LinOpCase) -> None:
    shape = case.shapes[0]
    data = case.data(shape, Maker(1))
    dtype = torch.float64 if case.real else torch.complex128
    operator = operator_of(case.call(dp.Variable("x", shape, dtype=dtype), *data))
    x = operator.domain.random()
    assert torch.allclose(case.call(x, *data), operator.forward(x), atol=1e-12)


@pytest.mark.parametrize(
    "wrong", [w for case in LINOP_CASES for w in case.wrong], ids=lambda w: w.text[:40]
)
def test_wrong_calls_are_refused_in_a_sentence(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(wrong.error) as caught:
        wrong.call()
    assert wrong.text in str(caught.value)


def test_a_line_at_infinity_is_outside_the_image() -> None:
    """Row 1 of the image goes to infinity: nothing is seen there, and no NaN."""
    matrix = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 1.0]]).double()
    matrix = matrix[:, [1, 0, 2]][[1, 0, 2]].requires_grad_()
    seen = dp.homography(torch.ones(4, 4, dtype=torch.float64), matrix)
    assert torch.isfinite(seen).all()
    assert torch.equal(seen[1], torch.zeros(4, dtype=torch.float64))
    assert float(seen[0].detach().sum()) == 4.0
    (slope,) = torch.autograd.grad(seen.sum(), matrix)
    assert torch.isfinite(slope).all()


def test_singular_homographies_are_refused_when_their_value_is_known() -> None:
    x = dp.Variable("x", (1, 1, 4, 5))
    pose = dp.Placeholder("pose", (3, 3))
    problem = dp.Problem(dp.sum_squares(dp.homography(x, pose) - 1.0))
    pose.value = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 1.0]])
    with pytest.raises(dp.ParameterError, match="singular"):
        problem.solve()
    # Far shifts of a long image, as single precision holds them, are not.
    pose.value = torch.tensor([[1.0, 0.0, 3e3], [0.0, 1.0, -2e3], [1e-5, 0.0, 1.0]])
    problem.solve()


def test_every_registered_operator_has_a_row() -> None:
    assert set(LINOPS) == {case.name for case in LINOP_CASES}


def test_every_row_is_about_the_operator_it_names() -> None:
    for case in LINOP_CASES:
        expression = written(
            (case, case.shapes[0], torch.float64 if case.real else torch.complex128)
        )
        names = {node.operator.name for node in expression.walk() if hasattr(node, "operator")}
        assert case.name in names


def test_every_row_covers_several_sizes() -> None:
    for case in LINOP_CASES:
        assert len(case.shapes) >= 2, case.id


def test_affine_maps_of_several_variables_keep_them_apart() -> None:
    x, y = dp.Variable("x", (2, 3)), dp.Variable("y", (2, 3))
    b = torch.randn(2, 3, dtype=torch.float64)
    expression = 2 * x - 3 * y + x + b
    affine: Affine = Binding([expression]).affine(expression)
    one = torch.ones(2, 3, dtype=torch.float64)
    assert torch.allclose(affine.operators[x].forward(one), 3 * one)
    assert torch.allclose(affine.operators[y].forward(one), -3 * one)
    assert torch.allclose(affine.offset, b)


@every_kind
def test_weighted_closed_forms_agree_with_the_operator(kind: Kind) -> None:
    operator = bound(kind)
    x = random_in(operator.domain)
    image = operator.forward(x)
    full, size = operator.domain.is_complex, tuple(operator.domain.shape[-2:])
    shape = operator.range.shape
    apart = (*shape[:-2], 1, 1) if len(shape) >= 2 else (1,)
    for weights_shape in (shape, apart, ()):
        weights = torch.rand(weights_shape, dtype=torch.float64) + 0.1
        gram = operator.adjoint(image * weights)
        diagonal = operator.weighted_gram_diagonal(weights)
        if diagonal is not None:
            assert not diagonal.is_complex()
            assert torch.allclose((diagonal * x).to(gram.dtype), gram, atol=1e-11)
        factors = operator.weighted_gram_spectrum(weights)
        if factors is not None:
            spectrum = fourier.forward(x, full) * factors
            back = fourier.inverse(spectrum, (size[0], size[1]), full)
            assert torch.allclose(back, gram, atol=1e-11)
