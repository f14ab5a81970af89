"""What functions refuse, in the same words."""

from __future__ import annotations

import cmath
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch

from dprox_core.arguments import in_range, refuse_unless
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.affine import dense
from dprox_core.expressions.base import broadcasts_into
from dprox_core.expressions.leaves import Constant

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression

__all__ = [
    "finite_numbers",
    "fitting",
    "matrices",
    "positive",
    "real_data",
    "real_valued",
    "refuse_negative",
]


def real_valued(name: str, argument: Expression) -> None:
    """Refuse complex arguments.

    Raises:
        ParameterError: the argument is complex.
    """
    if argument.is_complex:
        raise ParameterError(
            f"{name} compares numbers, but {argument.describe()} is complex.",
            expected="a real expression",
            got="a complex expression",
            where=argument.describe(),
        )


def real_data(name: str, role: str, operand: Expression) -> None:
    """Refuse complex data.

    Raises:
        ParameterError: with the operand's role.
    """
    if operand.is_complex:
        raise ParameterError(
            f"{name}: {role} must be real, not complex: take the real part or the magnitude.",
            expected="real numbers",
            got="complex numbers",
            where=role,
        )


def positive(
    name: str, parameter: str, value: object, strict: bool = True, above: float = 0.0
) -> None:
    """Refuse a parameter that is no number above 0, or another bound (or from there on).

    Raises:
        ParameterError: with the parameter's name.
    """
    plain = isinstance(value, (int, float, np.integer, np.floating))
    fine = plain and in_range(value, above) and (value != above or not strict)
    refuse_unless(
        fine, name, parameter, f"a number {'above' if strict else 'from'} {above:g}", value
    )


def finite_numbers(
    name: str, roles: Iterable[str], operands: Iterable[Expression], infinite: bool
) -> None:
    """Refuse plain numbers that are NaN, or infinite where that means nothing.

    Raises:
        ParameterError: with the operand's role.
    """
    for role, operand in zip(roles, operands, strict=True):
        if not (isinstance(operand, Constant) and operand.is_number):
            continue
        number = operand.tensor.item()
        if cmath.isnan(number) or (not infinite and cmath.isinf(number)):
            words = "a number" if infinite else "a finite number"
            raise ParameterError(
                f"{name}: {role} must be {words}, not {number}.",
                expected=words,
                got=number,
                where=role,
            )


def fitting(name: str, role: str, operand: Expression, argument: Expression) -> None:
    """Refuse data that does not broadcast to the argument.

    Raises:
        ShapeError: with both shapes.
    """
    shape, given = argument.shape, operand.shape
    if shape is None or given is None or broadcasts_into(given, shape):
        return
    held = operand.describe()
    raise ShapeError(
        f"{name}: {role if held == role else f'the {role} {held}'} of shape {given} does not match "
        f"{argument.describe()} of shape {shape}.",
        expected=shape,
        got=given,
        where=role,
    )


def refuse_negative(name: str, role: str, operand: Expression | torch.Tensor) -> None:
    """Refuse data below zero, where it is known already.

    Raises:
        ParameterError: with the smallest value.
    """
    tensor = operand.tensor if isinstance(operand, Constant) else operand
    if not isinstance(tensor, torch.Tensor) or tensor.is_complex():
        return
    lowest = float(dense(tensor.detach()).min())
    if lowest < 0:
        raise ParameterError(
            f"{name}: {role} must be 0 or more, but its smallest value is {lowest:.3g}.",
            expected="values from 0",
            got=lowest,
            where=role,
        )


def matrices(name: str, argument: Expression, square: bool = False) -> None:
    """Refuse what is no stack of matrices.

    Raises:
        ShapeError: the argument has fewer than two axes, or the last two differ.
    """
    shape = argument.shape
    if shape is None:
        return
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        form = "square matrices (..., N, N)" if square else "matrices (..., M, N)"
        raise ShapeError(
            f"{name} takes {form}: {argument.describe()} has shape {shape}.",
            expected=form,
            got=shape,
            where=argument.describe(),
        )
