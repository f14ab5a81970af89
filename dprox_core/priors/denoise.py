"""A denoiser on an image, outside of any problem."""

from __future__ import annotations

import os
from collections.abc import Callable

from torch import Tensor, nn

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.priors.noise import FALLBACK, estimate_noise, refuse_level
from dprox_core.priors.prior import load_prior

__all__ = ["denoise"]


def denoise(
    image: Tensor,
    denoiser: str | os.PathLike[str] | nn.Module | Callable[..., Tensor] = "drunet_small_color",
    weights: str | os.PathLike[str] | None = None,
    *,
    sigma: float | Tensor | None = None,
    x8: bool = False,
    clamp: bool = False,
    precision: str = "float32",
    tile: int | None = None,
    overlap: int | None = None,
) -> Tensor:
    """Take the noise out of an image, x̂ = D(y, σ).

    Args:
        image: (H, W), (C, H, W) or (..., C, H, W), real, values usually 0…1.
        denoiser: a name ("drunet_small_color", "ffdnet_color", for grey images "drunet_small",
            "ffdnet", "dncnn"; without learning "nlm", "wavelet", "tv", "bilateral"), a file of
            weights, an nn.Module, or a function (image, sigma) → image.
        weights: a file of weights for the network named.
        sigma: standard deviation of the noise, from 0, one number or one for each image of a
            batch; None measures it in the image.
        x8: average over the eight symmetries of the square.
        clamp: cut the result to 0…1.
        precision: "float32", "bfloat16" or "float16", in which the network computes.
        tile: side in pixels of the pieces that large images are cut into, without a seam; None
            for whole images up to 4 megapixels, 0 for always whole.
        overlap: pixels around a piece; None for as far as the network sees.

    Returns:
        The image without its noise, shaped like it.

    Raises:
        ParameterError: there is no such denoiser, an option is out of range, or the image is
            complex.
        WeightsError: a file of weights is missing or holds something else.
        ShapeError: the image has fewer than two axes or no pixels, or channels the network does
            not take.

    Example:
        >>> import dprox_core as dp
        >>> photo = dp.load_image("sample:camera", size=96)
        >>> noisy = dp.add_noise(photo, sigma=0.1)
        >>> dp.psnr(dp.denoise(noisy, "dncnn"), photo) > dp.psnr(noisy, photo) + 5
        True

    References:
        The networks' own pages name their papers: FFDNet, DRUNet, DnCNN, IRCNN, UNet.
    """
    if not isinstance(image, Tensor) or not image.is_floating_point():
        got, instead = type(image).__name__, "in a problem, write deep_prior(x)"
        if isinstance(image, Tensor):
            is_complex = image.is_complex()
            got = "complex values" if is_complex else str(image.dtype)
            instead = "give its magnitudes" if is_complex else "divide it by its largest value"
        raise ParameterError(
            f"denoise takes a real image, not {got}: {instead}.",
            expected="a real tensor",
            got=got,
            where="image",
        )
    if image.ndim < 2 or 0 in image.shape:
        raise ShapeError(
            f"denoise takes an image (..., H, W): this one has shape {tuple(image.shape)}.",
            expected="(..., H, W)",
            got=tuple(image.shape),
            where="image",
        )
    prior = load_prior(
        denoiser, weights, x8=x8, clamp=clamp, precision=precision, tile=tile, overlap=overlap
    )
    if sigma is None:
        measured = estimate_noise(image)
        sigma = FALLBACK if measured is None else measured
    refuse_level("denoise", sigma)
    return prior(image, sigma)
