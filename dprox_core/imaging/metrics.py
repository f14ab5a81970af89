"""How far an image is from the truth."""

from __future__ import annotations

import math

import torch

from dprox_core.arguments import as_image, in_range, refuse_unless
from dprox_core.errors import ShapeError

__all__ = ["psnr"]


def psnr(image: torch.Tensor, truth: torch.Tensor, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio, 10 · log₁₀(peak² / mean |image − truth|²), in decibels.

    Args:
        image: any shape, any device.
        truth: the same shape.
        peak: the largest possible value, 1 for images in 0…1.

    Returns:
        The ratio over all elements together; infinity for equal images, −infinity where one is
        infinite.

    Raises:
        ShapeError: the shapes differ.
        ParameterError: the peak is not above 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(dp.psnr(torch.zeros(4, 4), torch.full((4, 4), 0.1)), 3)
        20.0
    """
    refuse_unless(in_range(peak, 0.0) and peak > 0, "psnr", "peak", "a number above 0", peak)
    image, truth = as_image("psnr", image), as_image("psnr", truth, "truth")
    if image.shape != truth.shape:
        raise ShapeError(
            f"psnr compares images of one shape, not {tuple(image.shape)} with "
            f"{tuple(truth.shape)}.",
            expected=tuple(truth.shape),
            got=tuple(image.shape),
            where="image",
        )
    # Differences and squares of whole numbers would wrap around, those of halves vanish.
    image, truth = (
        t.detach().to(image.device, torch.promote_types(t.dtype, torch.float32))
        for t in (image, truth)
    )
    error = float((image - truth).abs().square().mean(dtype=torch.float64))
    if error == 0.0 or error == math.inf:
        return math.inf if error == 0.0 else -math.inf
    return 20.0 * math.log10(peak) - 10.0 * math.log10(error)
