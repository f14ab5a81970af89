"""Pictures for optics."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dprox_core.compat.utils.io import imread
from dprox_core.compat.utils.misc import outlier_correct, to_torch_tensor

__all__ = ["center_crop", "load_sample_img", "normalize_psf", "normalize_psf2", "plot", "plot3d"]


def load_sample_img(
    path: str | Path, keep_ratio: bool = True, patch_size: int = 748
) -> torch.Tensor:
    """A picture file as (1, C, patch_size, patch_size) with values in 0…1.

    Args:
        path: the file.
        keep_ratio: whether the middle square is taken; otherwise the picture is squeezed.
        patch_size: pixels a side.
    """
    image = to_torch_tensor(imread(path), batch=True).float()
    if keep_ratio:
        rows, columns = image.shape[-2:]
        side = min(rows, columns)
        top, left = (rows - side) // 2, (columns - side) // 2
        image = image[..., top : top + side, left : left + side]
    size = (patch_size, patch_size)
    resized = functional.interpolate(image, size, mode="bicubic", antialias=True)
    return resized.clamp(0.0, 1.0)


def center_crop(im: Any, new_height: int, new_width: int) -> Any:
    """The middle (new_height, new_width) of a picture (..., H, W), or of one of Pillow."""
    if not hasattr(im, "shape"):
        width, height = im.size
        left, top = (width - new_width) // 2, (height - new_height) // 2
        return im.crop((left, top, left + new_width, top + new_height))
    top, left = (im.shape[-2] - new_height) // 2, (im.shape[-1] - new_width) // 2
    return im[..., top : top + new_height, left : left + new_width]


def normalize_psf(
    psf: np.ndarray, clip_percentile: float = 0.01, bandwise: bool = False
) -> np.ndarray:
    """A point spread function (H, W, C) to be looked at: without outliers, 1 at its largest.

    Args:
        psf: the point spread function.
        clip_percentile: how many percent of the lowest and of the highest values are cut.
        bandwise: whether each channel is divided by its sum before; otherwise all by one.
    """
    psf = np.asarray(psf)
    psf = psf / psf.sum(axis=(0, 1) if bandwise else None, keepdims=True)
    psf = outlier_correct(psf, clip_percentile)
    return np.asarray(psf / psf.max())


def normalize_psf2(psf: np.ndarray, range: float = 1, mode: str = "band") -> np.ndarray:
    """A point spread function (H, W, C) from 0 to ``range``, each channel by itself.

    Args:
        psf: the point spread function.
        range: the largest value afterwards.
        mode: "band" for each channel by itself, anything else for all together.
    """
    psf = np.asarray(psf)
    axes = (0, 1) if mode == "band" else None
    low, high = psf.min(axis=axes, keepdims=True), psf.max(axis=axes, keepdims=True)
    return np.asarray(range * (psf - low) / np.maximum(high - low, np.finfo(psf.dtype).tiny))


def plot(data: np.ndarray, path: str | Path) -> None:
    """A curve or picture drawn into a file, with matplotlib."""
    plt = importlib.import_module("matplotlib.pyplot")
    figure, axes = plt.subplots()
    drawn = np.squeeze(data)
    _ = axes.plot(drawn) if drawn.ndim == 1 else axes.imshow(drawn)
    figure.savefig(path)
    plt.close(figure)


def plot3d(data: np.ndarray, path: str | Path) -> None:
    """A surface (H, W) drawn into a file, with matplotlib."""
    plt = importlib.import_module("matplotlib.pyplot")
    figure, axes = plt.subplots(subplot_kw={"projection": "3d"})
    surface = np.squeeze(data)
    y, x = np.mgrid[: surface.shape[0], : surface.shape[1]]
    axes.plot_surface(x, y, surface)
    figure.savefig(path)
    plt.close(figure)
