"""Point spread functions: small kernels (k, k), k odd, that sum to one."""

from __future__ import annotations

import math

import torch

from dprox_core.arguments import in_range, refuse_unless
from dprox_core.sessions import default_device

__all__ = ["disk_psf", "gaussian_psf", "motion_psf"]

# Each pixel of a kernel is the mean over this many sub-pixels a side: edges come out soft.
_SUBPIXELS = 16


def gaussian_psf(size: int = 15, sigma: float = 3.0) -> torch.Tensor:
    """Gaussian blur, k(i, j) ∝ exp(−(i² + j²) / (2σ²)), summing to one.

    Args:
        size: pixels a side, odd.
        sigma: standard deviation in pixels, above 0.

    Returns:
        The kernel (size, size), float32, on the session's device.

    Raises:
        ParameterError: the size is even or below 1, or sigma is not above 0.

    Example:
        >>> import dprox_core as dp
        >>> tuple(dp.gaussian_psf(size=5, sigma=1.0).shape)
        (5, 5)
    """
    odd = in_range(size, 1.0) and int(size) == size and size % 2 == 1
    words = "an odd whole number of pixels, so that the kernel has a centre"
    refuse_unless(odd, "gaussian_psf", "size", words, size)
    fine = in_range(sigma, 0.0) and sigma > 0
    refuse_unless(fine, "gaussian_psf", "sigma", "above 0 pixels", sigma)
    offset = torch.arange(int(size), dtype=torch.float64) - (int(size) - 1) / 2
    profile = torch.exp(-0.5 * (offset / sigma) ** 2)
    return _normalize(profile[:, None] * profile[None, :])


def motion_psf(length: float = 15.0, angle: float = 30.0) -> torch.Tensor:
    """Straight motion blur: a line one pixel wide, summing to one.

    Args:
        length: how far the camera moved, in pixels, from 1.
        angle: direction in degrees, counter-clockwise from the horizontal as seen on the screen.

    Returns:
        The smallest odd (k, k) that holds the line, float32, on the session's device.

    Raises:
        ParameterError: the length is below 1, or a number is not finite.

    Example:
        >>> import dprox_core as dp
        >>> tuple(dp.motion_psf(length=9, angle=0).shape)
        (9, 9)
    """
    refuse_unless(in_range(length, 1.0), "motion_psf", "length", "at least 1 pixel", length)
    refuse_unless(in_range(angle), "motion_psf", "angle", "a number of degrees", angle)
    rows, columns = _grid(2 * math.ceil((length - 1) / 2) + 1)
    theta = math.radians(angle)
    # Screen rows grow downwards, so a counter-clockwise angle has its sine negated.
    along = columns * math.cos(theta) - rows * math.sin(theta)
    across = columns * math.sin(theta) + rows * math.cos(theta)
    inside = (along.abs() <= length / 2) & (across.abs() <= 0.5)
    return _normalize(_pool(inside.to(torch.float64)))


def disk_psf(radius: float = 5.0) -> torch.Tensor:
    """Defocus blur: a uniform disk with soft edges, summing to one.

    Args:
        radius: in pixels, above 0.

    Returns:
        The smallest odd (k, k) that holds the disk, float32, on the session's device.

    Raises:
        ParameterError: the radius is not above 0.

    Example:
        >>> import dprox_core as dp
        >>> tuple(dp.disk_psf(radius=2.5).shape)
        (5, 5)
    """
    fine = in_range(radius, 0.0) and radius > 0
    refuse_unless(fine, "disk_psf", "radius", "above 0 pixels", radius)
    if radius <= 0.5:
        # One pixel, which a small disk may fall between the sub-pixels of.
        return _normalize(torch.ones(1, 1))
    rows, columns = _grid(2 * max(0, math.ceil(radius - 0.5)) + 1)
    inside = rows**2 + columns**2 <= radius**2
    return _normalize(_pool(inside.to(torch.float64)))


def _grid(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sub-pixel centres (rows, columns) of a size × size kernel, in pixels from its centre."""
    fine = torch.arange(size * _SUBPIXELS, dtype=torch.float64)
    offset = (fine + 0.5) / _SUBPIXELS - size / 2
    return offset[:, None].expand(-1, len(fine)), offset[None, :].expand(len(fine), -1)


def _pool(fine: torch.Tensor) -> torch.Tensor:
    size = fine.shape[0] // _SUBPIXELS
    return fine.reshape(size, _SUBPIXELS, size, _SUBPIXELS).mean(dim=(1, 3))


def _normalize(kernel: torch.Tensor) -> torch.Tensor:
    return (kernel / kernel.sum()).to(torch.float32).to(default_device())
