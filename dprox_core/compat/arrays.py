"""Arrays of any kind as tensors, with channels where torch expects them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from dprox_core.arguments import from_array
from dprox_core.errors import ParameterError

__all__ = ["as_data", "as_tensor", "channels_first", "channels_last", "is_data", "kernel_tensor"]


def is_data(value: object) -> bool:
    """Whether a value is a number, an array or a tensor, and so no expression."""
    return isinstance(
        value, (bool, int, float, complex, np.number, np.ndarray, torch.Tensor, list, tuple)
    )


def channels_first(array: np.ndarray) -> np.ndarray:
    """A NumPy image (H, W, C) as (C, H, W); anything that is not such an image as it is.

    Channels are the shorter one of the first and the last axis; of equally long ones the last, as
    NumPy images have it, unless the first is a single channel.
    """
    return np.moveaxis(array, -1, 0) if channels_last(array.shape) else array


def channels_last(shape: Sequence[int]) -> bool:
    """Whether a picture of this shape has its channels behind rows and columns."""
    if len(shape) != 3:
        return False
    first, rows, last = shape
    return last < first or (last == first != 1 and rows > last)


def as_tensor(value: Any, role: str = "data") -> torch.Tensor:
    """Data as a tensor: the very tensor where it is one; NumPy images with channels first.

    Raises:
        ParameterError: the value is no number, array or tensor.
    """
    if isinstance(value, torch.Tensor):
        return value
    if isinstance(value, np.ndarray):
        return from_array(channels_first(value), role)
    if isinstance(value, (bool, int, float, complex, np.number)):
        return torch.as_tensor(value)
    try:
        if isinstance(value, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in value):
            return torch.stack([torch.as_tensor(v) for v in value])
        return torch.as_tensor(np.asarray(value))
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"{role} must be a number, an array or a tensor, not {value!r:.60}.",
            expected="a number, an array or a tensor",
            got=type(value).__name__,
            where=role,
        ) from error


def as_data(value: Any, role: str = "data") -> torch.Tensor:
    """Data as ``as_tensor`` has it, a NumPy picture (H, W, C) or (C, H, W) as a batch of one."""
    tensor = as_tensor(value, role)
    return tensor[None] if isinstance(value, np.ndarray) and value.ndim == 3 else tensor


def kernel_tensor(kernel: Any) -> torch.Tensor:
    """A kernel (k, k), (k, k, C) or (C, k, k) as (k, k) or (C, k, k); further axes as they are."""
    if isinstance(kernel, np.ndarray):
        tensor = from_array(kernel, "kernel")
    else:
        tensor = as_tensor(kernel, "kernel")
    if tensor.ndim == 3:
        rows, columns, last = tensor.shape
        # Kernels are square: the odd one out counts channels. NumPy has it last.
        square = rows == columns
        if (square and (columns != last or isinstance(kernel, np.ndarray))) or (
            not square and columns != last and last < rows
        ):
            tensor = tensor.movedim(-1, 0)
    while tensor.ndim > 2 and tensor.shape[0] == 1:
        tensor = tensor[0]
    return tensor
