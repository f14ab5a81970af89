"""Rows for convolution, differences, masks and the algebra."""

from __future__ import annotations

import math

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.leaves import Variable
from dprox_core.linops import conv, grad, mask, mosaic, mul_elementwise
from dprox_core.testing.cases import LinOpCase, Wrong

__all__ = ["BASIC", "variable"]


def variable(*shape: int) -> Variable:
    """A variable of a shape, for calls that must be refused."""
    return Variable("x", shape)


_SPACE = frozenset({"diagonal", "gram_diagonal"})
_FREQUENCY = frozenset({"transfer", "gram_spectrum"})
_COLOUR = ((1, 3, 4, 6), (3, 3, 5, 3))

BASIC = (
    LinOpCase(
        "conv",
        conv,
        data=lambda shape, make: (make.normal(3, 2),),
        declares=_FREQUENCY,
        wrong=(
            Wrong(
                lambda: conv(variable(1, 1, 4, 4), torch.ones(5, 3)),
                ShapeError,
                "kernel (5 × 3) is larger than x (4 × 4)",
            ),
            Wrong(
                lambda: conv(variable(1, 3, 8, 8), torch.ones(2, 3, 3)),
                ShapeError,
                "give one kernel (k, k), or one per channel (C, k, k)",
            ),
            Wrong(lambda: conv(variable(8), torch.ones(3)), ShapeError, "takes an image"),
            Wrong(lambda: conv(variable(8, 8), torch.ones(0, 0)), ShapeError, "has no elements"),
            Wrong(
                lambda: conv(variable(4, 4), variable(2, 2)),
                ParameterError,
                "products of unknowns are not convex",
            ),
        ),
    ),
    LinOpCase(
        "conv",
        conv,
        label="a kernel per channel",
        data=lambda shape, make: (make.normal(shape[1], 3, 3),),
        declares=_FREQUENCY,
    ),
    LinOpCase(
        "conv",
        conv,
        label="a kernel per sample",
        data=lambda shape, make: (make.normal(shape[0], 1, 2, 3),),
        declares=_FREQUENCY,
    ),
    LinOpCase(
        "conv",
        conv,
        label="a complex kernel",
        data=lambda shape, make: (make.normal(3, 3, is_complex=True),),
        declares=frozenset({"gram_spectrum"}),
    ),
    LinOpCase(
        "grad",
        grad,
        shapes=((1, 1, 4, 6), (3, 2, 5, 3), (1, 7), (2, 1, 1)),
        declares=_FREQUENCY,
        wrong=(Wrong(lambda: grad(variable(8)), ShapeError, "grad takes an image"),),
    ),
    LinOpCase(
        "mask",
        mask,
        data=lambda shape, make: (make.mask(*shape[-2:]),),
        declares=_SPACE,
        wrong=(
            Wrong(
                lambda: mask(variable(1, 1, 4, 4), torch.ones(3, 4)),
                ShapeError,
                "give one value per element",
            ),
        ),
    ),
    LinOpCase(
        "mosaic",
        mosaic,
        shapes=_COLOUR,
        declares=_SPACE,
        wrong=(
            Wrong(lambda: mosaic(variable(1, 1, 4, 4)), ShapeError, "takes a colour image"),
            Wrong(lambda: mosaic(variable(3, 4, 4), "RGXB"), ParameterError, "letters R, G, B"),
        ),
    ),
    LinOpCase("mosaic", lambda x: mosaic(x, "GBRG"), label="GBRG", shapes=_COLOUR, declares=_SPACE),
    LinOpCase(
        "mul_elementwise",
        mul_elementwise,
        data=lambda shape, make: (make.normal(*shape[-3:]),),
        declares=_SPACE,
        wrong=(
            Wrong(
                lambda: mul_elementwise(variable(4), torch.ones(2, 4)),
                ShapeError,
                "does not match x of shape (4,)",
            ),
        ),
    ),
    LinOpCase(
        "mul_elementwise",
        mul_elementwise,
        label="complex weights",
        data=lambda shape, make: (make.normal(*shape, is_complex=True),),
        declares=_SPACE,
    ),
    LinOpCase(
        "mul_elementwise",
        mul_elementwise,
        label="weights of channels",
        data=lambda shape, make: (make.normal(shape[1], 1, 1),),
        declares=_SPACE | _FREQUENCY,
    ),
    LinOpCase(
        "scale",
        lambda x: -2.5 * x,
        shapes=((1, 1, 4, 6), (3, 2, 5, 3), (7,), ()),
        declares=_SPACE,
        wrong=(
            Wrong(
                lambda: variable(4) * torch.ones(4),
                ShapeError,
                "write mul_elementwise(x, w) for a product element by element",
            ),
            Wrong(lambda: variable(4) / 0, ParameterError, "divided by zero"),
            Wrong(lambda: math.nan * variable(4), ParameterError, "give a finite number"),
            Wrong(lambda: 1 / variable(4), ParameterError, "a quotient is not"),
            Wrong(lambda: variable(4) ** 2, ParameterError, "write sum_squares(x)"),
            Wrong(
                lambda: variable(4) / variable(4),
                ParameterError,
                "an expression is divided by a number",
            ),
        ),
    ),
    LinOpCase("scale", lambda x: 3 * (2 * x), label="nested", declares=_SPACE | _FREQUENCY),
    LinOpCase("scale", lambda x: (1 + 2j) * x, label="complex", declares=_SPACE),
    LinOpCase(
        "scale",
        lambda x, s: s * x,
        label="by a tensor",
        data=lambda shape, make: (make.normal(1),),
        declares=_SPACE,
    ),
    # Sums and compositions have no name of their own.
    LinOpCase("scale", lambda x: x + 2 * x, label="sum", declares=_SPACE | _FREQUENCY),
    LinOpCase(
        "conv",
        lambda x, k, h: conv(conv(x, k) - 0.5 * x, h),
        label="sums inside products",
        data=lambda shape, make: (make.normal(3, 3), make.normal(2, 2)),
        declares=_FREQUENCY,
        tight=1.02,
    ),
    LinOpCase(
        "grad",
        lambda x, k, w: grad(mul_elementwise(conv(2 * x, k), w)),
        label="a composition without closed form",
        data=lambda shape, make: (make.normal(3, 3), make.normal(*shape)),
        tight=8.0,
    ),
    LinOpCase(
        "mask",
        lambda x, m, w: mask(mul_elementwise(-1 * x, w), m) + 3 * x,
        label="a composition diagonal in space",
        data=lambda shape, make: (make.mask(*shape[-2:]), make.normal(*shape)),
        declares=_SPACE,
    ),
)
