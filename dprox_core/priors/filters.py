"""Denoisers that nobody trained, through scikit-image: any of them can stand for a prior."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dprox_core.errors import ParameterError

__all__ = ["FILTERS", "filter_denoiser"]

Array = np.ndarray[Any, np.dtype[np.float32]]
Filter = Callable[[Any, Array, float, int | None], Array]


def _nlm(restoration: Any, image: Array, sigma: float, axis: int | None) -> Array:
    # Froment 2014 as scikit-image recommends it: h = 0.8 σ where σ itself is given.
    return restoration.denoise_nl_means(
        image,
        h=0.8 * sigma,
        sigma=sigma,
        fast_mode=True,
        patch_size=5,
        patch_distance=6,
        channel_axis=axis,
    )


def _wavelet(restoration: Any, image: Array, sigma: float, axis: int | None) -> Array:
    return restoration.denoise_wavelet(
        image,
        sigma=sigma,
        method="BayesShrink",
        mode="soft",
        wavelet="db2",
        convert2ycbcr=image.shape[-1] == 3 and axis is not None,
        channel_axis=axis,
        rescale_sigma=True,
    )


def _tv(restoration: Any, image: Array, sigma: float, axis: int | None) -> Array:
    # λ = σ √C: near the best for photographs, whose channels share their edges.
    weight = sigma * (image.shape[-1] ** 0.5 if axis is not None else 1.0)
    return restoration.denoise_tv_chambolle(
        image, weight=weight, max_num_iter=60, channel_axis=axis
    )


def _bilateral(restoration: Any, image: Array, sigma: float, axis: int | None) -> Array:
    return restoration.denoise_bilateral(
        np.clip(image, 0.0, 1.0),
        win_size=7,
        sigma_color=2.0 * sigma,
        sigma_spatial=1.5,
        channel_axis=axis,
    )


FILTERS: dict[str, Filter] = {
    "nlm": _nlm,
    "wavelet": _wavelet,
    "tv": _tv,
    "bilateral": _bilateral,
}
"""Name → what calls scikit-image: non-local means, wavelets, total variation, bilateral."""


def filter_denoiser(name: str) -> Callable[[Tensor, float | Tensor], Tensor]:
    """A named filter as a function (image, sigma) → image on tensors (B, C, H, W).

    Colour images are filtered with their channels together.

    Args:
        name: a key of ``FILTERS``.

    Raises:
        ParameterError: scikit-image (for "wavelet" also PyWavelets) is not installed, or, when it
            is called, a gradient through it is wanted.

    Example:
        >>> import torch
        >>> from dprox_core.priors.filters import filter_denoiser
        >>> filter_denoiser("tv")(torch.rand(1, 3, 16, 16), 0.1).shape
        torch.Size([1, 3, 16, 16])

    References:
        S. van der Walt et al., scikit-image: image processing in Python, 2014; A. Buades et al., A
        Non-Local Algorithm for Image Denoising, 2005; S. Chang et al., Adaptive Wavelet
        Thresholding, 2000; A. Chambolle, An Algorithm for Total Variation Minimization, 2004.
    """
    try:
        restoration = import_module("skimage.restoration")
        if name == "wavelet":
            import_module("pywt")
    except ImportError as error:
        package = "PyWavelets" if name == "wavelet" else "scikit-image"
        raise ParameterError(
            f'The denoiser "{name}" needs {package}, which is not installed: run pip install '
            f"{package}, or choose another denoiser.",
            expected=package,
            got=None,
            where="denoiser",
        ) from error
    return functools.partial(_run, name, restoration)


def _run(name: str, restoration: Any, image: Tensor, sigma: float | Tensor) -> Tensor:
    if torch.is_grad_enabled() and (
        image.requires_grad or (isinstance(sigma, Tensor) and sigma.requires_grad)
    ):
        raise ParameterError(
            f'The denoiser "{name}" has no gradient: to learn through a solve, use a network such '
            'as "ffdnet_color".',
            expected="a network",
            got=name,
            where="denoiser",
        )
    levels = torch.as_tensor(sigma).detach().reshape(-1).expand(image.shape[0]).tolist()
    colour = image.shape[1] > 1
    results = []
    for picture, level in zip(image.detach().cpu().float(), levels, strict=True):
        plane = picture.permute(1, 2, 0).numpy() if colour else picture[0].numpy()
        if level > 0.0:
            plane = FILTERS[name](restoration, plane, float(level), -1 if colour else None)
        result = torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32))
        results.append(result.permute(2, 0, 1) if colour else result[None])
    return torch.stack(results).to(image)
