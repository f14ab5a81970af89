"""Rows for squares, norms and bounds."""

from __future__ import annotations

import math
from typing import Any, cast

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.leaves import Variable
from dprox_core.proxfns import box, group_norm1, limits, nonneg, norm1, sum_squares
from dprox_core.testing.cases import Maker, ProxCase, Shape, Wrong, infinite_unless
from dprox_core.testing.linop_rows_basic import variable

__all__ = ["BASIC", "complex_variable"]

_ROUNDING = 1e-12


def complex_variable() -> Variable:
    """A complex variable, for calls that must be refused."""
    return Variable("x", (4,), dtype=torch.complex64)


def _bounds(shape: Shape, make: Maker) -> tuple[torch.Tensor, ...]:
    lower = make.normal(*shape)
    return lower, lower + make.uniform(*shape, low=0.0, high=2.0)


BASIC = (
    ProxCase(
        "sum_squares",
        sum_squares,
        lambda v: v.abs().square().sum(),
        complex=True,
        smooth=True,
        wrong=(
            Wrong(lambda: sum_squares(cast(Any, "x")), ParameterError, "must be an expression"),
            Wrong(
                lambda: sum_squares(cast(Any, norm1(variable(4)))),
                ParameterError,
                "sum_squares takes an expression, not the penalty norm1(x)",
            ),
            Wrong(
                lambda: sum_squares(variable(4), torch.ones(3)),
                ShapeError,
                "x has shape (4,) and b has shape (3,): they cannot be subtracted",
            ),
        ),
    ),
    ProxCase(
        "norm1",
        norm1,
        lambda v: v.abs().sum(),
        complex=True,
        wrong=(
            Wrong(lambda: -1 * norm1(variable(4)), ParameterError, "negative weight is not convex"),
            Wrong(
                lambda: torch.ones(2) * norm1(variable(4)),
                ParameterError,
                "must be one real number",
            ),
        ),
    ),
    ProxCase(
        "group_norm1",
        group_norm1,
        lambda v: v.abs().square().sum(-1).sqrt().sum(),
        complex=True,
        wrong=(
            Wrong(lambda: group_norm1(variable(4), axis=1), ShapeError, "has no axis 1"),
            Wrong(lambda: group_norm1(variable(4, 2), axis=(0, -2)), ShapeError, "only once"),
            Wrong(
                lambda: group_norm1(variable(4), axis=cast(Any, 0.5)),
                ParameterError,
                "whole number",
            ),
        ),
    ),
    ProxCase(
        "group_norm1",
        lambda e: group_norm1(e, axis=(-1, 1)),
        lambda v: v.abs().square().sum((-1, 1)).sqrt().sum(),
        label="two axes",
        complex=True,
    ),
    ProxCase(
        "nonneg",
        nonneg,
        lambda v: infinite_unless(v >= -_ROUNDING),
        inside=lambda shape, make: make.normal(*shape).abs(),
        wrong=(Wrong(lambda: nonneg(complex_variable()), ParameterError, "x is complex"),),
    ),
    ProxCase(
        "box",
        lambda e: box(e, -0.5, 1),
        lambda v: infinite_unless((v >= -0.5 - _ROUNDING) & (v <= 1 + _ROUNDING)),
        inside=lambda shape, make: make.uniform(*shape, low=-0.5, high=1.0),
        wrong=(
            Wrong(lambda: box(variable(4), 2, 1), ParameterError, "must not be above"),
            Wrong(
                lambda: box(variable(4), torch.ones(3), 9),
                ShapeError,
                "box: lower of shape (3,) does not match x",
            ),
            Wrong(
                lambda: box(variable(4), math.nan, 1), ParameterError, "must be a number, not nan"
            ),
        ),
    ),
    ProxCase(
        "box",
        box,
        lambda v, lower, upper: infinite_unless(
            (v >= lower - _ROUNDING) & (v <= upper + _ROUNDING)
        ),
        label="bounds per element",
        data=_bounds,
        inside=lambda shape, make, lower, upper: lower + (upper - lower) * make.uniform(*shape),
    ),
    ProxCase(
        "box",
        lambda e, upper: limits(e, upper=upper),
        lambda v, upper: infinite_unless(v <= upper + _ROUNDING),
        label="limits from above",
        data=lambda shape, make: (make.normal(*shape),),
        inside=lambda shape, make, upper: upper - make.uniform(*shape),
        wrong=(
            Wrong(lambda: limits(variable(4), 2, 1), ParameterError, "must not be above"),
            Wrong(lambda: limits(variable(4), upper=torch.ones(3)), ShapeError, "does not match"),
        ),
    ),
)
