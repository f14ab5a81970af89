"""What functions of tensors, numbers and files are given, checked before it is used."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from dprox_core.errors import DataError, ParameterError

__all__ = [
    "as_image",
    "as_path",
    "from_array",
    "in_range",
    "is_traced",
    "refuse_unless",
    "whole_number",
    "with_numbers",
]


def in_range(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether something is a finite number from ``low`` to ``high``."""
    if isinstance(value, (str, bytes, bool)):
        return False
    try:
        number = float(value.detach() if isinstance(value, torch.Tensor) else value)
    except (TypeError, ValueError, RuntimeError, ParameterError):
        # Whatever is no number says so in its own way.
        return False
    return math.isfinite(number) and low <= number <= high


def refuse_unless(fine: bool, function: str, name: str, words: str, value: object) -> None:
    """Refuse an argument that is not as it must be.

    Args:
        fine: whether it is.
        function: the user's name for what was called.
        name: the argument's name.
        words: what it must be, such as "a number above 0".
        value: what was given.

    Raises:
        ParameterError: it is not fine.
    """
    if not fine:
        raise ParameterError(
            f"{function}: {name} must be {words}, not {value!r:.60}.",
            expected=words,
            got=value,
            where=name,
        )


def whole_number(what: str, value: object, where: str, least: int = 1) -> None:
    """Refuse what is no whole number, or too small.

    Args:
        what: the argument as a sentence begins with it.
        value: what was given.
        where: the argument's name.
        least: the smallest number that will do.

    Raises:
        ParameterError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ParameterError(
            f"{what} must be a whole number from {least}, not {value!r}.",
            expected=f"a whole number from {least}",
            got=value,
            where=where,
        )


def as_image(function: str, value: Any, where: str = "image") -> torch.Tensor:
    """A tensor, or what becomes one.

    Args:
        function: the user's name for what was called.
        value: what was given.
        where: the argument's name.

    Raises:
        ParameterError: it is none.
        DataError: it holds no numbers, or masked ones.
    """
    if isinstance(value, torch.Tensor):
        return with_numbers(value, f"{function}: {where}")
    try:
        if isinstance(value, np.ndarray):
            return from_array(value, f"{function}: {where}")
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError, ParameterError) as error:
        raise ParameterError(
            f"{function}: {where} must be a tensor or an array of numbers, such as "
            f'load_image("sample:coffee"), not {type(value).__name__} {value!r:.60}.',
            expected="a tensor",
            got=type(value).__name__,
            where=where,
        ) from error


def from_array(array: np.ndarray, what: str) -> torch.Tensor:
    """The numbers of an array, in memory of their own.

    torch knows no foreign byte order (FITS files have it), no steps backwards, no long doubles.

    Args:
        array: the array.
        what: how a sentence names it.

    Raises:
        TypeError: it holds no numbers.
        DataError: some of its numbers are masked.
    """
    if np.ma.is_masked(array):
        raise DataError(
            f"{what} has masked values, which no tensor can have: fill them (.filled(0)), and "
            "leave them out of the problem with mask(x, ~array.mask).",
            expected="an array without masked values",
            got="masked values",
            where=what,
        )
    kind = array.dtype.newbyteorder("=")
    widest = {"f": np.dtype(np.float64), "c": np.dtype(np.complex128)}.get(kind.kind, kind)
    return torch.from_numpy(np.array(array, dtype=min(kind, widest, key=lambda d: d.itemsize)))


def with_numbers(tensor: torch.Tensor, what: str) -> torch.Tensor:
    """A tensor, unless it is one of torch's stand-ins that have a shape and no values.

    Raises:
        DataError: it is such a one; ``what`` names it.
    """
    if tensor.device.type == "meta":
        raise DataError(
            f'{what} lies on device "meta", where tensors have a shape and no numbers: give the '
            'values on "cpu" or "cuda".',
            expected="a tensor with values",
            got='device "meta"',
            where=what,
        )
    return tensor


def is_traced(tensor: torch.Tensor) -> bool:
    """Whether ``torch.func`` or forward-mode differentiation watches it."""
    watched: bool = torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    if watched or tensor.layout is not torch.strided:
        return watched  # sparse tensors have no tangent
    return forward_ad.unpack_dual(tensor, level=0).tangent is not None


def as_path(function: str, value: Any) -> str:
    """The name of a file.

    Raises:
        ParameterError: it is none.
    """
    if isinstance(value, (str, os.PathLike)):
        return str(os.fspath(value))
    raise ParameterError(
        f'{function} takes the name of a file, such as "image.png", not '
        f"{type(value).__name__} {value!r:.60}.",
        expected="the name of a file",
        got=type(value).__name__,
        where="source",
    )
