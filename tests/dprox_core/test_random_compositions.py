"""Random compositions of all operators against dense matrices, torch and one another.

DPROX_FUZZ_OPERATORS="1000 5000" takes these seeds in place of the usual few.
"""

from __future__ import annotations

import os
import random

import pytest
import torch

import dprox_core as dp
from dprox_core import linops
from dprox_core.expressions.binding import Binding
from dprox_core.linops.base import LinOp
from dprox_core.numerics import fourier
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import dense, dense_adjoint, operator_of
from tests.dprox_core.random_operators import SHAPES, STEPS, Draw, composition

_SEEDS = range(*map(int, os.environ.get("DPROX_FUZZ_OPERATORS", "0 120").split()))
_DTYPES = (torch.float64, torch.complex128, torch.float32, torch.complex64)

pytestmark = pytest.mark.filterwarnings("ignore:Sparse:UserWarning")


def started(seed: int) -> tuple[Draw, dp.Variable]:
    """Choices, and a variable of a random shape and dtype."""
    choose = random.Random(seed)
    shape, dtype = choose.choice(SHAPES), choose.choice(_DTYPES)
    return Draw(choose, Maker(seed), choose.random() < 0.2), dp.Variable("x", shape, dtype=dtype)


def made(seed: int) -> tuple[dp.Expression, LinOp] | None:
    """A random composition, and its operator; None where nothing of the variable is left."""
    draw, x = started(seed)
    expression = composition(draw, x)
    found = Binding([expression]).affine(expression).operators
    return (expression, found[x]) if x in found else None


def close(operator: LinOp, scale: float) -> dict[str, float]:
    """Tolerances for values as large as a scale."""
    rounding = 1e-10 if operator.domain.precision == torch.float64 else 3e-4
    return {"atol": rounding * scale, "rtol": rounding}


@pytest.mark.parametrize("seed", _SEEDS)
def test_a_random_composition(seed: int) -> None:
    held = made(seed)
    if held is None:
        return
    expression, operator = held
    draw, x = started(seed)
    assert operator.range.shape == expression.shape
    assert operator.range.is_complex == expression.is_complex
    assert operator.domain.dtype == x.dtype
    assert operator.range.precision == operator.domain.precision
    matrix = dense(operator).double()
    scale = 1.0 + float(matrix.abs().max())
    near, near_squared = close(operator, scale), close(operator, scale**2)
    assert torch.allclose(dense_adjoint(operator).double(), matrix.T, **near), expression
    point, pulled = operator.domain.random(3), operator.range.random(4)
    image, back = operator.forward(point), operator.adjoint(pulled)
    assert (image.shape, image.dtype) == (operator.range.shape, operator.range.dtype)
    assert (back.shape, back.dtype) == (operator.domain.shape, operator.domain.dtype)
    into = operator.domain.random(5)
    assert torch.allclose(operator.adjoint_add(pulled, into.clone(), True), into + back, **near)
    norm = float(torch.linalg.matrix_norm(matrix, ord=2))
    slack = near["atol"] * len(matrix)
    assert operator.norm_bound() >= norm * (1 - 1e-6) - slack, expression
    assert norm * (1 - 1e-6) - slack <= operator.tight_norm() <= 1.02 * norm + slack, expression
    forms_agree(operator, point, image, near_squared, str(expression))
    if operator.is_orthogonal:
        assert torch.allclose(matrix.T @ matrix, torch.eye(len(matrix)).double(), atol=1e-4)
    # The same words with a tensor in the place of the variable.
    value = composition(draw, point)
    assert value.numel() == image.numel()
    loose = 1e-4 if draw.single or operator.domain.precision == torch.float32 else 1e-10
    assert torch.allclose(
        value.reshape(image.shape).to(torch.complex128), image.cdouble(), atol=loose * scale
    ), expression


def forms_agree(
    operator: LinOp, x: torch.Tensor, image: torch.Tensor, near: dict[str, float], text: str
) -> None:
    """Every closed form that an operator declares is true of it."""
    full, size = operator.domain.is_complex, operator.domain.shape[-2:]

    def filtered(factors: torch.Tensor) -> torch.Tensor:
        spectrum = fourier.forward(x, full) * factors.to(operator.domain.precision)
        return fourier.inverse(spectrum, (size[0], size[1]), full)

    diagonal = operator.diagonal()
    if diagonal is not None:
        assert torch.allclose((diagonal * x).to(image.dtype), image, **near), text
    shape = operator.range.shape
    weighings = [(), shape] + [(*shape[:-2], 1, 1)] * (len(shape) >= 2)
    for weights_shape in weighings:
        weights = torch.rand(weights_shape, dtype=operator.range.precision) + 0.1
        gram = operator.adjoint(image * weights)
        if weights_shape == ():
            forms = (operator.gram_diagonal(), operator.gram_spectrum())
            known = [None if form is None else form * weights for form in forms]
        else:
            known = [
                operator.weighted_gram_diagonal(weights),
                operator.weighted_gram_spectrum(weights),
            ]
        if known[0] is not None:
            assert not known[0].is_complex(), text
            assert torch.allclose((known[0] * x).to(gram.dtype), gram, **near), text
        if known[1] is not None:
            assert not known[1].is_complex(), text
            assert torch.allclose(filtered(known[1]), gram, **near), text
    factored, along = operator.factored(), operator.along()
    if factored is not None:
        assert torch.allclose(factored[0] * factored[1].forward(x), image, **near), text
    if along is not None:
        rows = along[1] if along[1].layout is torch.strided else along[1].to_dense()
        dtype = torch.promote_types(rows.dtype, x.dtype)
        product = (x.to(dtype).movedim(along[0], -1) @ rows.to(dtype).mT).movedim(-1, along[0])
        assert torch.allclose(product.reshape(image.shape), image.to(dtype), **near), text


@pytest.mark.parametrize("seed", _SEEDS)
def test_several_variables_and_an_offset(seed: int) -> None:
    """Σ A_v v + b: one operator for each variable, and what is left at zero."""
    draw, x = started(seed)
    if x.shape and draw.choose.random() < 0.5:
        y = dp.Variable("y", (2, *x.shape[1:]), dtype=x.dtype)
        argument: dp.Expression = dp.vstack([x, 2.0 * y - 1.0])
    else:
        y = dp.Variable("y", x.shape, dtype=x.dtype)
        argument = x - 3.0 * y + draw.real(*x.shape)
    expression = composition(draw, argument)
    affine = Binding([expression]).affine(expression)
    values = {v: op.domain.random(i) for i, (v, op) in enumerate(affine.operators.items())}
    found = sum(op.forward(values[v]) for v, op in affine.operators.items())
    found = found if affine.offset is None else found + affine.offset
    if not affine.operators:
        return
    one = next(iter(affine.operators.values()))
    full = {v: values.get(v, one.domain.with_shape(v.shape).zeros()) for v in (x, y)}
    again, _ = started(seed)
    if x.shape and again.choose.random() < 0.5:
        there = torch.cat([full[x], 2.0 * full[y] - 1.0])
    else:
        there = full[x] - 3.0 * full[y] + again.real(*x.shape).to(one.domain.precision)
    expected = composition(again, there)
    scale = 1.0 + float(expected.abs().max())
    loose = 1e-4 if draw.single or one.domain.precision == torch.float32 else 1e-10
    assert torch.allclose(
        found.reshape(expected.shape).cdouble(), expected.cdouble(), atol=loose * scale * 10
    ), expression


def test_every_operator_of_the_language_is_among_them() -> None:
    # Classes; "scale" and kin are what the signs +, −, *, / and @ make.
    known = {name for name in linops.__all__ if name[0].islower()} | {"LinOpFactory", "vstack"}
    assert {name for name in known if hasattr(dp, name)} <= set(STEPS)


def test_random_compositions_reach_closed_forms() -> None:
    """Some of the closed forms above are there to be compared."""
    x = dp.Variable("x", (1, 1, 3, 4), dtype=torch.complex128)
    make = Maker(0)
    masked = dp.mask(dp.fft(dp.conv(x, make.normal(2, 2))), make.mask(3, 4))
    assert operator_of(masked).gram_spectrum() is not None
    assert operator_of(2 * dp.dct(x)).norm_bound() == pytest.approx(2.0)
