"""Pictures and measurements to try a problem on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch.nn import functional

import dprox_core
from dprox_core.compat.arrays import kernel_tensor
from dprox_core.compat.utils.misc import batchify
from dprox_core.compat.utils.mosaics import masks_CFA_Bayer
from dprox_core.errors import ParameterError

__all__ = [
    "blurring",
    "downsampling",
    "fspecial_gaussian",
    "masks_CFA_Bayer",
    "mosaicing",
    "mosaicing_np",
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
    """A Gaussian kernel (hsize, hsize) sampled at pixel centres, summing to one.

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
    return (kernel / kernel.sum()).astype(np.float32)


def point_spread_function(ksize: int = 15, sigma: float = 5.0) -> np.ndarray:
    """The Gaussian kernel (ksize, ksize, 1) of a blur."""
    return fspecial_gaussian(ksize, sigma)[..., None]


def blurring(img: Any, psf: Any) -> torch.Tensor:
    """k ∗ img, circular.

    Args:
        img: a picture, tensor or array.
        psf: the kernel.
    """
    image = batchify(img)
    kernel = kernel_tensor(psf)
    return dprox_core.conv(image, kernel.to(device=image.device, dtype=image.dtype))


def downsampling(img: Any, psf: Any, sf: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Every sf-th pixel of k ∗ img, and that enlarged again, to start from.

    Args:
        img: a picture, tensor or array.
        psf: k.
        sf: the factor, from 1.

    Returns:
        The small picture, and a bicubic interpolation of it whose pixels lie on those of img.
    """
    small = blurring(img, psf)[..., ::sf, ::sf]
    rows, columns = small.shape[-2:]
    # Pixel i of the small picture lies at sf · i of the large one.
    at = [2.0 * torch.arange(n * sf) / (sf * max(n - 1, 1)) - 1.0 for n in (rows, columns)]
    y, x = torch.meshgrid(*at, indexing="ij")
    grid = torch.stack([x, y], dim=-1)[None].to(device=small.device, dtype=small.dtype)
    large = functional.grid_sample(
        small,
        grid.expand(small.shape[0], -1, -1, -1),
        mode="bicubic",
        padding_mode="border",
        align_corners=True,
    )
    return small, large


def mosaicing_np(img: np.ndarray) -> np.ndarray:
    """``mosaicing`` of an array (H, W, 3)."""
    return np.asarray(img) * np.stack(masks_CFA_Bayer(img.shape[:2]), axis=-1)


def mosaicing(img: Any) -> torch.Tensor:
    """One colour per pixel under an RGGB colour filter array, zero elsewhere."""
    found: torch.Tensor = dprox_core.mosaic(batchify(img))
    return found
