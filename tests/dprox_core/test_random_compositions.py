"""Random chains and sums of operators: adjoint, norm and gram against the dense matrix."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

import dprox_core as dp
from dprox_core.numerics import fourier
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import dense, dense_adjoint, operator_of

Step = Callable[[dp.Expression, Maker], dp.Expression]

# What takes an image of any size, and gives one.
STEPS: dict[str, Step] = {
    "scale": lambda e, make: float(make.normal(1)) * e,
    "complex scale": lambda e, make: complex(0.5, float(make.normal(1))) * e,
    "conv": lambda e, make: dp.conv(e, make.normal(2, 2)),
    "conv complex": lambda e, make: dp.conv(e, make.normal(2, 2, is_complex=True)),
    "conv zero": lambda e, make: dp.conv(e, make.normal(2, 2), boundary="zero"),
    "mask": lambda e, make: dp.mask(e, make.mask(*e.shape[-2:])),
    "weights": lambda e, make: dp.mul_elementwise(e, make.normal(*e.shape)),
    "laplacian": lambda e, make: dp.laplacian(e),
    "down": lambda e, make: dp.grad(e, axes=(-2,))[..., 0],
    "fft": lambda e, make: dp.fft(e),
    "real": lambda e, make: dp.real(e),
    "transposed": lambda e, make: e.T,
    "dct": lambda e, make: dp.dct(e),
    "pad": lambda e, make: dp.pad(e, 1, 0, 0, 1, "replicate"),
    "matrix": lambda e, make: dp.matrix(e, make.normal(3, e.shape[-1])),
    "stack": lambda e, make: dp.vstack([e, 2 * e], axis=-1),
    "sum": lambda e, make: e + dp.conv(e, make.normal(2, 2)) - 0.5 * e,
    "warp": lambda e, make: dp.warp(e, make.normal(*e.shape[-2:], 2)),
}


@pytest.mark.parametrize("seed", range(40))
def test_a_random_composition(seed: int) -> None:
    choose, make = random.Random(seed), Maker(seed)
    shape = choose.choice([(1, 1, 3, 4), (2, 1, 3, 3), (3, 2, 2), (1, 2, 2, 5)])
    dtype = choose.choice([torch.float64, torch.complex128])
    expression: dp.Expression = dp.Variable("x", shape, dtype=dtype)
    names = [choose.choice(list(STEPS)) for _ in range(choose.randint(2, 4))]
    for name in names:
        expression = STEPS[name](expression, make)
    operator = operator_of(expression)
    assert operator.range.shape == expression.shape
    matrix = dense(operator)
    scale = 1.0 + float(matrix.abs().max())
    assert torch.allclose(dense_adjoint(operator), matrix.T, atol=1e-11 * scale), names
    norm = float(torch.linalg.matrix_norm(matrix, ord=2))
    assert operator.norm_bound() >= norm * (1 - 1e-9), names
    x = operator.domain.random()
    gram = operator.adjoint(operator.forward(x))
    close = {"atol": 1e-10 * scale**2, "rtol": 1e-9}
    diagonal = operator.gram_diagonal()
    if diagonal is not None:
        assert torch.allclose((diagonal * x).to(gram.dtype), gram, **close), names
    factors = operator.gram_spectrum()
    if factors is not None:
        full, size = operator.domain.is_complex, (shape[-2], shape[-1])
        image = fourier.inverse(fourier.forward(x, full) * factors, size, full)
        assert torch.allclose(image, gram, **close), names


def test_random_compositions_reach_closed_forms() -> None:
    """Some of the closed forms above are there to be compared."""
    x = dp.Variable("x", (1, 1, 3, 4), dtype=torch.complex128)
    make = Maker(0)
    masked = dp.mask(dp.fft(dp.conv(x, make.normal(2, 2))), make.mask(3, 4))
    assert operator_of(masked).gram_spectrum() is not None
    assert operator_of(2 * dp.dct(x)).norm_bound() == pytest.approx(2.0)
