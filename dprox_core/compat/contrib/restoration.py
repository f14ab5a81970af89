"""Pictures and measurements to try a problem on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

import dprox_core
from dprox_core.compat.arrays import as_tensor, kernel_tensor
from dprox_core.errors import ParameterError

__all__ = [
    "blurring",
    "downsampling",
    "fspecial_gaussian",
    "mosaicing",
    "point_spread_function",
    "sample",
]


def sample(name: str = "face", return_tensor: bool = True) -> Any:
    """A photograph that comes with the library, in 0…1.

    Args:
        name: "astronaut", "camera", "chelsea" or "coffee". "face", SciPy's picture of a raccoon,
            is not shipped: coffee stands in, with a warning.
        return_tensor: (1, C, H, W) as a tensor, otherwise (H, W, C) as an array.
    """
    if name == "face":
        warnings.warn('The picture "face" is not shipped: "coffee" stands in.', stacklevel=2)
        name = "coffee"
    tensor = dprox_core.load_image(f"sample:{name}")
    if return_tensor:
        return tensor
    return np.moveaxis(tensor[0].cpu().numpy(), 0, -1)


def fspecial_gaussian(hsize: int, sigma: float) -> np.ndarray:
    """A Gaussian kernel (hsize, hsize, 1) sampled at pixel centres, summing to one.

    Args:
        hsize: pixels a side.
        sigma: standard deviation in pixels, above 0.
    """
    if not (hsize >= 1 and sigma > 0):
        raise ParameterError(
            f"fspecial_gaussian: hsize is from 1 and sigma above 0, not {hsize!r} and {sigma!r}.",
            expected="hsize from 1, sigma above 0",
            got=(hsize, sigma),
            where="fspecial_gaussian",
        )
    offsets = np.arange(hsize) - (hsize - 1) / 2.0
    profile = np.exp(-(offsets**2) / (2.0 * sigma**2))
    kernel = np.outer(profile, profile)
    return (kernel / kernel.sum()).astype(np.float32)[..., None]


def point_spread_function(ksize: int = 15, sigma: float = 5.0) -> np.ndarray:
    """The Gaussian kernel (ksize, ksize, 1) of a blur."""
    return fspecial_gaussian(ksize, sigma)


def blurring(img: Any, psf: Any) -> torch.Tensor:
    """k ∗ img, circular.

    Args:
        img: a picture, tensor or array.
        psf: the kernel.
    """
    image = as_tensor(img, "img")
    kernel = kernel_tensor(psf)
    return dprox_core.conv(image, kernel.to(device=image.device, dtype=image.dtype))


def downsampling(img: Any, kernel: Any, sf: int) -> torch.Tensor:
    """Every sf-th pixel of k ∗ img.

    Args:
        img: a picture, tensor or array.
        kernel: k.
        sf: the factor, from 1.
    """
    return blurring(img, kernel)[..., ::sf, ::sf]


def mosaicing(img: Any) -> torch.Tensor:
    """One colour per pixel under an RGGB colour filter array, zero elsewhere."""
    found: torch.Tensor = dprox_core.mosaic(as_tensor(img, "img"))
    return found
