"""What a user gives for variables: starts and truths, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from dprox_core.arguments import from_array, with_numbers
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.binding import check_finite
from dprox_core.expressions.leaves import Variable
from dprox_core.linops.space import Space
from dprox_core.result import Result

__all__ = ["by_variable", "refuse_complex", "refuse_other_shape", "starting_point"]


def by_variable(
    given: object, variables: tuple[Variable, ...], role: str
) -> dict[Variable, torch.Tensor]:
    """What was given for each variable; a bare tensor belongs to the only one.

    Of an earlier result counts what it has for variables of this problem.
    """
    if given is None:
        return {}
    if isinstance(given, Result):
        held = {v: given.values[v].detach() for v in variables if v in given.values}
        if not held:
            names = ", ".join(v.name for v in given.values)
            raise ParameterError(
                f"{role} is a result for {names}, which are no variables of this problem.",
                expected=[v.name for v in variables],
                got=names,
                where=role,
            )
        return held
    if not isinstance(given, Mapping):
        if len(variables) != 1:
            names = ", ".join(v.name for v in variables)
            raise ParameterError(
                f"This problem has the variables {names}: give {role} as a mapping, such as "
                f"{{{variables[0].name}: tensor}}.",
                expected="a mapping from variables to tensors",
                got=type(given).__name__,
                where=role,
            )
        return {variables[0]: _tensor(given, role)}
    found = {}
    for key, value in given.items():
        match = [v for v in variables if v is key or v.name == key]
        if not match:
            raise ParameterError(
                f"{role} names {getattr(key, 'name', key)}, which is no variable of this problem.",
                expected=[v.name for v in variables],
                got=str(getattr(key, "name", key)),
                where=role,
            )
        found[match[0]] = _tensor(value, role)
    return found


def _tensor(value: Any, role: str) -> torch.Tensor:
    try:
        if isinstance(value, np.ndarray):
            return from_array(value, role)
        return with_numbers(torch.as_tensor(value), role)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"{role} must be a tensor, a mapping from variables to tensors, or a result, not "
            f"{value!r:.60}.",
            expected="a tensor",
            got=type(value).__name__,
            where=role,
        ) from error


def refuse_other_shape(tensor: torch.Tensor, variable: Variable, role: str) -> None:
    if tuple(tensor.shape) != variable.shape:
        raise ShapeError(
            f"{role} for {variable.name} has shape {tuple(tensor.shape)}, but {variable.name} has "
            f"shape {variable.shape}.",
            expected=variable.shape,
            got=tuple(tensor.shape),
            where=role,
        )


def refuse_complex(tensor: torch.Tensor, variable: Variable, role: str) -> None:
    if tensor.is_complex() and not variable.is_complex:
        raise ParameterError(
            f"{role} for {variable.name} is complex, but {variable.name} is real.",
            expected="real values",
            got=str(tensor.dtype),
            where=role,
        )


def starting_point(given: torch.Tensor, variable: Variable, space: Space) -> torch.Tensor:
    refuse_other_shape(given, variable, "x0")
    check_finite(given, f"x0 for {variable.name}")
    refuse_complex(given, variable, "x0")
    return given.to(device=space.device, dtype=space.dtype)
