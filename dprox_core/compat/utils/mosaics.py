"""Starts for demosaicking and super-resolution, under the names of the published reference.

Planes of a mosaic are those of its red pixels, of the green ones beside and below them, and of the
blue ones: (N, 4, H/2, W/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dprox_core.errors import ShapeError

__all__ = [
    "dm",
    "dm_matlab",
    "masks_CFA_Bayer",
    "mosaic_CFA_Bayer",
    "shift_pixel",
    "single2tensor4",
    "tensor2single",
    "tensor2uint",
    "uint2tensor4",
]

# Malvar, He and Cutler's filters, times 8: green where red or blue is, a colour where green is with
# its own colour in the row, and one colour where the other one is.
_GREEN = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
_IN_ROW = (
    (0, 0, 0.5, 0, 0),
    (0, -1, 0, -1, 0),
    (-1, 4, 5, 4, -1),
    (0, -1, 0, -1, 0),
    (0, 0, 0.5, 0, 0),
)
_ACROSS = (
    (0, 0, -1.5, 0, 0),
    (0, 2, 0, 2, 0),
    (-1.5, 0, 6, 0, -1.5),
    (0, 2, 0, 2, 0),
    (0, 0, -1.5, 0, 0),
)


def uint2tensor4(img: np.ndarray) -> torch.Tensor:
    """A picture (H, W) or (H, W, C) of bytes as (1, C, H, W) in 0…1."""
    return single2tensor4(np.asarray(img, dtype=np.float32) / 255.0)


def single2tensor4(img: np.ndarray) -> torch.Tensor:
    """A picture (H, W) or (H, W, C) as (1, C, H, W) in single precision."""
    array = np.asarray(img, dtype=np.float32)
    array = array[..., None] if array.ndim == 2 else array
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def tensor2single(img: torch.Tensor) -> np.ndarray:
    """A picture (1, C, H, W) as (H, W, C) in single precision, cut to 0…1; (H, W) if it is grey."""
    array = img.detach().cpu().float().clamp(0.0, 1.0).squeeze(0).numpy()
    array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    return array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array


def tensor2uint(img: torch.Tensor) -> np.ndarray:
    """The same as bytes, rounded."""
    return (tensor2single(img) * 255.0).round().astype(np.uint8)


def masks_CFA_Bayer(shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where an RGGB colour filter array lets red, green and blue through, (H, W) each."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] % 2
    return (rows + columns) == 0, (rows + columns) == 1, (rows + columns) == 2


def mosaic_CFA_Bayer(
    RGB: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What an RGGB colour filter array makes of a picture (H, W, 3).

    Returns:
        The mosaic (H, W), its four planes (H/2, W/2, 4), the picture with zeros where nothing is
        measured (H, W, 3), and the masks (H, W, 3).
    """
    masks = np.stack(masks_CFA_Bayer(RGB.shape[:2]), axis=-1)
    mosaic = (RGB * masks).sum(axis=-1, dtype=RGB.dtype)
    planes = [mosaic[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    return mosaic, np.stack(planes, axis=-1), RGB * masks, masks


def dm(imgs: torch.Tensor) -> torch.Tensor:
    """Means of the nearest pixels of each colour, around a circle at the border.

    Args:
        imgs: planes of mosaics (N, 4, H/2, W/2).

    Returns:
        Pictures (N, 3, H, W).
    """
    sparse = _sparse(imgs)
    near = sparse.new_tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 4.0
    cross = sparse.new_tensor([[0.0, 1.0, 0.0], [1.0, 4.0, 1.0], [0.0, 1.0, 0.0]]) / 4.0
    kernels = torch.stack([near, cross, near])[:, None]
    padded = functional.pad(sparse, (1, 1, 1, 1), mode="circular")
    return functional.conv2d(padded, kernels, groups=3)


def dm_matlab(imgs: torch.Tensor) -> torch.Tensor:
    """Demosaicking by linear filters of 5 × 5 pixels, mirrored at the border.

    H. S. Malvar, L. He, R. Cutler, High-Quality Linear Interpolation for Demosaicing of
    Bayer-Patterned Color Images, 2004.

    Args:
        imgs: planes of mosaics (N, 4, H/2, W/2).

    Returns:
        Pictures (N, 3, H, W).
    """
    mosaic = _sparse(imgs).sum(dim=1, keepdim=True)
    in_row = mosaic.new_tensor(_IN_ROW)
    kernels = torch.stack(
        [mosaic.new_tensor(_GREEN), in_row, in_row.mT, mosaic.new_tensor(_ACROSS)]
    )
    padded = functional.pad(mosaic, (2, 2, 2, 2), mode="reflect")
    green, in_row, in_column, across = (functional.conv2d(padded, kernels[:, None]) / 8.0).unbind(1)
    found = mosaic.expand(-1, 3, -1, -1).clone()
    odd, even = slice(1, None, 2), slice(0, None, 2)
    for row, column in ((even, even), (odd, odd)):
        found[:, 1, row, column] = green[:, row, column]
    # Red rows are the even ones, blue rows the odd ones.
    for colour, own, other in ((0, even, odd), (2, odd, even)):
        found[:, colour, own, other] = in_row[:, own, other]
        found[:, colour, other, own] = in_column[:, other, own]
        found[:, colour, other, other] = across[:, other, other]
    return found


def shift_pixel(x: np.ndarray, sf: int, upper_left: bool = True) -> np.ndarray:
    """A picture at places (sf − 1)/2 pixels away, linearly between pixels, cut off at the border.

    Args:
        x: (H, W) or (H, W, C).
        sf: by how many pixels a side a coarse pixel counts.
        upper_left: whether the places are below and to the right, so that the picture moves to
            the upper left; otherwise above and to the left.
    """
    shift = (sf - 1) * 0.5 * (1.0 if upper_left else -1.0)
    found = np.asarray(x, dtype=np.result_type(x, np.float32))
    for axis in (0, 1):
        length = found.shape[axis]
        places = np.clip(np.arange(length) + shift, 0, length - 1)
        below = np.floor(places).astype(int)
        above = np.minimum(below + 1, length - 1)
        share = (places - below).reshape([-1 if i == axis else 1 for i in range(found.ndim)])
        lower, upper = np.take(found, below, axis), np.take(found, above, axis)
        found = ((1.0 - share) * lower + share * upper).astype(found.dtype)
    return found


def _sparse(planes: torch.Tensor) -> torch.Tensor:
    """The pictures (N, 3, H, W), zero where nothing is measured."""
    if planes.ndim != 4 or planes.shape[1] != 4:
        raise ShapeError(
            f"Planes of mosaics are (N, 4, H/2, W/2), not {tuple(planes.shape)}.",
            expected="(N, 4, H/2, W/2)",
            got=tuple(planes.shape),
            where="imgs",
        )
    mosaic: Any = functional.pixel_shuffle(planes, 2)[:, 0]
    masks = torch.from_numpy(np.stack(masks_CFA_Bayer(mosaic.shape[-2:]))).to(mosaic)
    sparse: torch.Tensor = mosaic[:, None] * masks
    return sparse
