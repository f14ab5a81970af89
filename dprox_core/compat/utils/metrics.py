"""How far a picture is from the truth."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dprox_core.compat.utils.misc import as_bands, to_ndarray
from dprox_core.errors import ShapeError

__all__ = ["autoconvert", "bandwise", "ergas", "mpsnr", "mpsnr_max", "mssim", "psnr", "sam", "ssim"]


def _pair(output: Any, target: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    a, b = as_bands(output), as_bands(target)
    if a.shape != b.shape:
        raise ShapeError(
            f"{name} compares pictures of one shape, not {a.shape} with {b.shape}.",
            expected=b.shape,
            got=a.shape,
            where="output",
        )
    return a, b


def _psnr(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    error = float(np.mean(np.abs(a - b) ** 2))
    return math.inf if error == 0.0 else 10.0 * math.log10(peak * peak / error)


def psnr(output: Any, target: Any, data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio in decibels, over all values together.

    Args:
        output: a picture, tensor or array.
        target: the truth.
        data_range: the largest possible value.
    """
    return _psnr(*_pair(output, target, "psnr"), data_range)


def autoconvert(func: Callable[..., Any]) -> Callable[..., Any]:
    """A function of two pictures that is given arrays (H, W, C), whatever they were."""

    @functools.wraps(func)
    def of_arrays(output: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        a, b = (to_ndarray(picture, debatch=True) for picture in (output, target))
        return func(a, b, *args, **kwargs)

    return of_arrays


def bandwise(func: Callable[..., float]) -> Callable[..., float]:
    """A measure of two pictures as the mean of the measures of their bands (H, W)."""

    @functools.wraps(func)
    def mean_of_bands(output: Any, target: Any, *args: Any, **kwargs: Any) -> float:
        a, b = _pair(output, target, func.__name__)
        return float(np.mean([func(p, q, *args, **kwargs) for p, q in zip(a, b, strict=True)]))

    return mean_of_bands


def mpsnr(output: Any, target: Any, data_range: float = 1.0) -> float:
    """The mean over bands of their peak signal-to-noise ratios."""
    a, b = _pair(output, target, "mpsnr")
    return float(np.mean([_psnr(p, q, data_range) for p, q in zip(a, b, strict=True)]))


def mpsnr_max(output: Any, target: Any) -> float:
    """mpsnr with the largest value of each band of the truth as its peak."""
    a, b = _pair(output, target, "mpsnr_max")
    return float(np.mean([_psnr(p, q, float(np.abs(q).max())) for p, q in zip(a, b, strict=True)]))


def mssim(img1: Any, img2: Any, data_range: float = 1.0, **kwargs: Any) -> float:
    """The mean over bands of their structural similarity, that of scikit-image.

    Args:
        img1: a picture of at least 7 × 7 pixels.
        img2: the truth.
        data_range: the largest possible value.
        kwargs: options of ``skimage.metrics.structural_similarity``. Without any, windows are 7 × 7
            and weigh evenly; ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False`` are
            those of the paper.

    References:
        Z. Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity,
        2004.
    """
    from skimage.metrics import structural_similarity

    a, b = _pair(img1, img2, "ssim")
    least = kwargs.get("win_size") or 7
    if min(a.shape[-2:]) < least:
        raise ShapeError(
            f"ssim needs pictures of at least {least} × {least} pixels, not {a.shape[-2:]}.",
            expected=f"at least {least} × {least}",
            got=a.shape[-2:],
            where="output",
        )
    options = {"data_range": data_range, **kwargs}
    bands = zip(a, b, strict=True)
    return float(np.mean([structural_similarity(p.real, q.real, **options) for p, q in bands]))


# A picture of one band has one similarity; colours are averaged.
ssim = mssim


def sam(img1: Any, img2: Any, eps: float = 1e-8) -> float:
    """Spectral angle, the mean over pixels of the angle between both spectra, in radians.

    Args:
        img1: a picture.
        img2: the truth.
        eps: pixels whose spectra have lengths with a product of at most this do not count.

    References:
        F. Kruse et al., The spectral image processing system (SIPS), 1993.
    """
    a, b = _pair(img1, img2, "sam")
    lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    cosine = np.sum(a * b.conj(), axis=0).real / np.maximum(lengths, eps)
    return float(np.mean(np.arccos(np.clip(cosine, -1.0, 1.0))[lengths > eps]))


def ergas(output: Any, target: Any, r: float = 1.0) -> float:
    """Relative global error, 100 r √(mean over bands of MSE_b / mean_b²).

    Args:
        output: a picture.
        target: the truth.
        r: the pixel size of the sharp picture over that of the coarse one, such as 1/4.

    References:
        L. Wald, Quality of high resolution synthesised images: Is there a simple criterion?, 2000.
    """
    a, b = _pair(output, target, "ergas")
    errors = np.mean(np.abs(a - b) ** 2, axis=(1, 2))
    means = np.mean(b, axis=(1, 2)).real
    return float(100.0 * r * math.sqrt(float(np.mean(errors / means**2))))
