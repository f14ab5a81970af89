"""Arrays and tensors that are taken as they are, under the names of the published reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

__all__ = ["array", "is_dp_array", "is_dp_tensor", "tensor"]


class _Array(np.ndarray):
    """An array that knows where it comes from."""

    is_dp_array: bool = True


class _Tensor(torch.Tensor):
    """A tensor that knows where it comes from; what is computed from it is a plain one."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]
    is_dp_tensor: bool = True


def array(*args: Any, **kwargs: Any) -> np.ndarray:
    """``numpy.array``, marked as ready for use."""
    return np.array(*args, **kwargs).view(_Array)


def tensor(*args: Any, **kwargs: Any) -> torch.Tensor:
    """``torch.tensor``, marked as ready for use: ``to_torch_tensor`` leaves its axes alone."""
    return torch.tensor(*args, **kwargs).as_subclass(_Tensor)


def is_dp_array(x: Any) -> bool:
    """Whether ``array`` made it."""
    return bool(getattr(x, "is_dp_array", False))


def is_dp_tensor(x: Any) -> bool:
    """Whether ``tensor`` made it."""
    return bool(getattr(x, "is_dp_tensor", False))
