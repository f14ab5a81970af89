"""How far an image is from the truth."""

from __future__ import annotations

import math

import torch

from dprox_core.arguments import as_image
from dprox_core.errors import ShapeError

__all__ = ["psnr"]


def psnr(image: torch.Tensor, truth: torch.Tensor, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio, 10 · log₁₀(peak² / mean |image − truth|²), in decibels.

    Args:
        image: any shape, any device.
        truth: the same shape.
        peak: the largest possible value, 1 for images in 0…1.

    Returns:
        The ratio over all elements together; infinity for equal images.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(dp.psnr(torch.zeros(4, 4), torch.full((4, 4), 0.1)), 3)
        20.0
    """
    image, truth = as_image("psnr", image), as_image("psnr", truth, "truth")
    if image.shape != truth.shape:
        raise ShapeError(
            f"psnr compares images of one shape, not {tuple(image.shape)} with "
            f"{tuple(truth.shape)}.",
            expected=tuple(truth.shape),
            got=tuple(image.shape),
            where="image",
        )
    difference = image.detach() - truth.detach().to(image.device)
    error = float(difference.abs().square().mean(dtype=torch.float64))
    return math.inf if error == 0.0 else 10.0 * math.log10(peak * peak / error)
