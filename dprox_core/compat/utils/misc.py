"""Arrays and tensors of pictures, under the names of the published reference."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import nn

from dprox_core.compat.arrays import as_tensor, channels_last
from dprox_core.compat.utils.containar import is_dp_tensor
from dprox_core.errors import ParameterError, ShapeError

__all__ = [
    "as_bands",
    "batchify",
    "crop_center_region",
    "debatchify",
    "fft2",
    "ifft2",
    "outlier_correct",
    "seed_everything",
    "to_image",
    "to_ndarray",
    "to_nn_parameter",
    "to_torch_tensor",
]


def to_torch_tensor(x: Any, batch: bool = False) -> torch.Tensor:
    """An array or tensor as a tensor.

    Args:
        x: anything that holds numbers.
        batch: whether a picture, (H, W), (H, W, C) or (C, H, W), becomes (1, C, H, W), and what
            has no rows and columns gets a batch of one. Channels are the shorter one of the first
            and the last axis, so that a cube of 31 bands keeps its bands together. What ``tensor``
            made stays as it is.

    Example:
        >>> import numpy as np
        >>> from dprox_core.compat.utils import to_torch_tensor
        >>> to_torch_tensor(np.zeros((64, 48, 31)), batch=True).shape
        torch.Size([1, 31, 64, 48])
    """
    if isinstance(x, (list, tuple)) and not any(isinstance(v, torch.Tensor) for v in x):
        x = torch.tensor(x)
    if batch and not is_dp_tensor(x):
        found = batchify(x)
        return found[None] if found.ndim < 2 else found
    return torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else as_tensor(x)


def batchify(out: Any) -> torch.Tensor:
    """A picture (H, W), (H, W, C) or (C, H, W) as (1, C, H, W); with more axes as it is."""
    if isinstance(out, torch.Tensor) and channels_last(out.shape):
        out = out.movedim(-1, 0)
    tensor = as_tensor(out, "picture")
    if tensor.ndim == 2:
        return tensor[None, None]
    return tensor[None] if tensor.ndim == 3 else tensor


def debatchify(out: Any, squeeze: bool = False) -> Any:
    """A picture (1, C, H, W) or (C, H, W) as (H, W, C).

    Args:
        out: a tensor or an array; one that has its channels last stays as it is.
        squeeze: whether (H, W, 1) becomes (H, W).

    Raises:
        ShapeError: it is a batch of several pictures.
    """
    if out.ndim == 4:
        if out.shape[0] != 1:
            raise ShapeError(
                f"debatchify takes one picture, not {out.shape[0]}: pick one, out[0].",
                expected="a batch of one",
                got=tuple(out.shape),
                where="out",
            )
        out = out[0]
    elif channels_last(out.shape):
        return out[..., 0] if squeeze and out.shape[-1] == 1 else out
    if out.ndim == 3:
        moved = np.moveaxis(out, 0, -1) if isinstance(out, np.ndarray) else out.movedim(0, -1)
        return moved[..., 0] if squeeze and moved.shape[-1] == 1 else moved
    return out


def to_ndarray(x: Any, debatch: bool = False, squeeze: bool = False) -> np.ndarray:
    """A tensor as an array.

    Args:
        x: a tensor or an array.
        debatch: whether one picture (1, C, H, W) or (C, H, W) becomes (H, W, C).
        squeeze: whether (H, W, 1) then becomes (H, W).
    """
    array = x if isinstance(x, np.ndarray) else torch.as_tensor(x).detach().cpu().numpy()
    return np.asarray(debatchify(array, squeeze)) if debatch else array


def to_image(x: Any) -> np.ndarray:
    """One picture (H, W) or (H, W, C) with values cut to 0…1."""
    array = to_ndarray(x, debatch=True, squeeze=True)
    return np.clip(array.real, 0.0, 1.0)


def fft2(x: torch.Tensor) -> torch.Tensor:
    """The unitary Fourier transform of the last two axes, with the frequency 0 in the middle.

    The middle of the picture is its origin: S F S⁻¹ x with the shift S of half the size.
    """
    axes = (-2, -1)
    spectrum = torch.fft.fft2(torch.fft.ifftshift(x, dim=axes), norm="ortho")
    return torch.fft.fftshift(spectrum, dim=axes)


def ifft2(x: torch.Tensor) -> torch.Tensor:
    """The inverse of ``fft2``."""
    axes = (-2, -1)
    picture = torch.fft.ifft2(torch.fft.ifftshift(x, dim=axes), norm="ortho")
    return torch.fft.fftshift(picture, dim=axes)


def to_nn_parameter(*tensor: torch.Tensor, requires_grad: bool = False) -> Any:
    """Tensors as parameters: one, or a list where several are given."""
    made = [nn.Parameter(t, requires_grad=requires_grad) for t in tensor]
    return made[0] if len(made) == 1 else made


def crop_center_region(arr: Any, size: int = 150) -> Any:
    """The middle (size, size) of an array (H, W, ...)."""
    top, left = ((n - size) // 2 for n in arr.shape[:2])
    if min(top, left) < 0:
        raise ShapeError(
            f"crop_center_region: {tuple(arr.shape[:2])} has no middle of {size} × {size}.",
            expected=f"at least {size} × {size}",
            got=tuple(arr.shape),
            where="size",
        )
    return arr[top : top + size, left : left + size]


def outlier_correct(arr: np.ndarray, p: float = 0.01) -> np.ndarray:
    """The array with its p % lowest and highest values cut to the percentiles p and 100 − p."""
    if not 0.0 <= p < 50.0:
        raise ParameterError(
            f"outlier_correct: p is a percentage from 0 and below 50, not {p!r}.",
            expected="0 … 50",
            got=p,
            where="p",
        )
    low, high = np.percentile(arr, [p, 100.0 - p])
    return np.clip(arr, low, high).astype(np.asarray(arr).dtype)


def seed_everything(seed: int) -> None:
    """Start the random numbers of Python, NumPy and torch at a seed."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 — scripts draw from the global generator
    torch.manual_seed(seed)


def as_bands(x: Any) -> np.ndarray:
    """A picture as bands first, (C, H, W), in double precision; batches of one are unpacked."""
    if isinstance(x, torch.Tensor):
        array = x.detach().cpu().numpy()
    else:
        # Arrays are (H, W, C); only one or three channels are known by their number.
        array = np.asarray(x)
        if array.ndim == 3 and (array.shape[0] not in (1, 3) or array.shape[-1] in (1, 3)):
            array = np.moveaxis(array, -1, 0)
    array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 3:
        array = array.reshape(-1, *array.shape[-2:])
    return array if array.ndim == 3 else array.reshape(1, *array.shape[-2:])
