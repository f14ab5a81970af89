"""Simulated measurements: blur, noise and masks, the same on every device."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
import torch

from dprox_core.arguments import as_image, in_range, refuse_unless
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.sessions import default_device

__all__ = ["add_noise", "blur", "modulus", "plane", "random_mask", "seeded"]


def blur(image: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """The image convolved circularly with a kernel, k ∗ image: what ``conv`` does to data.

    Args:
        image: (..., H, W).
        kernel: (k, k) with its centre at (k // 2, k // 2), no larger than the image.

    Returns:
        The blurred image, in the image's shape.

    Raises:
        ShapeError: the kernel does not fit the image.

    Example:
        >>> import dprox_core as dp
        >>> photo = dp.load_image("sample:coffee", size=64)
        >>> dp.blur(photo, dp.gaussian_psf(7, 1.5)).shape == photo.shape
        True
    """
    from dprox_core.linops import conv

    blurred = conv(image, kernel)
    assert isinstance(blurred, torch.Tensor)
    return blurred


def add_noise(image: torch.Tensor, sigma: float = 0.01, seed: int = 0) -> torch.Tensor:
    """The image plus white Gaussian noise, image + σ n with n ~ N(0, 1); not clipped.

    The noise is drawn on the CPU, so that a seed means the same data on every device.

    Args:
        image: any shape; for complex images E|n|² = 1.
        sigma: standard deviation, from 0, in the image's units (0.01 is 2.55 grey levels).
        seed: any whole number from 0; the same seed gives the same noise.

    Returns:
        A new tensor in the image's shape, dtype and device.

    Raises:
        ParameterError: sigma is negative or not finite, or the seed is not a whole number.

    Example:
        >>> import torch, dprox_core as dp
        >>> noisy = dp.add_noise(torch.zeros(100, 100), sigma=0.1, seed=1)
        >>> round(float(noisy.std()), 2)
        0.1
    """
    image = as_image("add_noise", image)
    refuse_unless(in_range(sigma, 0.0), "add_noise", "sigma", "0 or above", sigma)
    if not (image.is_floating_point() or image.is_complex()):
        image = image.to(torch.get_default_dtype())
    noise = torch.randn(image.shape, generator=seeded("add_noise", seed), dtype=image.dtype)
    return image + sigma * noise.to(image.device)


def random_mask(shape: Sequence[int], keep: float = 0.5, seed: int = 0) -> torch.Tensor:
    """A random mask of ones (measured) and zeros (missing), the same for all channels.

    Args:
        shape: the image's shape, (..., H, W).
        keep: the share of pixels measured, 0…1; each pixel is drawn on its own.
        seed: any whole number from 0; the same seed gives the same mask.

    Returns:
        The mask (1, ..., 1, H, W) with as many axes as the shape, float32, on the session's
        device.

    Raises:
        ParameterError: ``keep`` is outside 0…1, or the shape or the seed is not a whole number.
        ShapeError: the shape has fewer than two axes.

    Example:
        >>> import dprox_core as dp
        >>> tuple(dp.random_mask((1, 3, 32, 48), keep=0.3).shape)
        (1, 1, 32, 48)
    """
    refuse_unless(in_range(keep, 0.0, 1.0), "random_mask", "keep", "between 0 and 1", keep)
    size = plane("random_mask", shape)
    generator = seeded("random_mask", seed)
    # Noise of the same seed draws from the start of the same sequence: the mask must not choose
    # pixels by their noise.
    torch.rand(3, generator=generator)
    generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
    drawn = torch.rand(size[-2:], generator=generator)
    mask = (drawn < keep).to(torch.float32)
    return mask.reshape((1,) * (len(size) - 2) + size[-2:]).to(default_device())


def modulus(image: torch.Tensor) -> torch.Tensor:
    """The magnitudes |z| of complex data: what a detector sees of a wave.

    Args:
        image: any shape, complex or real.

    Returns:
        A real tensor in the image's shape, from 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.modulus(torch.tensor([3.0 + 4.0j]))
        tensor([5.])

    References:
        J. R. Fienup, Phase retrieval algorithms: a comparison, 1982.
    """
    return as_image("modulus", image).abs()


def seeded(function: str, seed: int) -> torch.Generator:
    """A generator of random numbers that a seed means on every machine.

    Raises:
        ParameterError: the seed is no whole number from 0.
    """
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    fine = whole and 0 <= seed < 2**63
    refuse_unless(fine, function, "seed", "a whole number from 0", seed)
    return torch.Generator().manual_seed(int(seed))


def plane(function: str, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that ends in (H, W).

    Raises:
        ParameterError: it is no shape.
        ShapeError: it has fewer than two axes.
    """
    try:
        size = tuple(operator.index(extent) for extent in shape)
    except (TypeError, ValueError, ParameterError):
        size = None
    if size is None or any(extent < 1 for extent in size):
        raise ParameterError(
            f"{function}: shape must be whole numbers from 1, such as (1, 3, 64, 96) or "
            f"image.shape, not {shape!r:.60}.",
            expected="whole numbers from 1",
            got=shape,
            where="shape",
        )
    if len(size) < 2:
        raise ShapeError(
            f"{function} needs a shape that ends in (H, W), not {size}.",
            expected="(..., H, W)",
            got=size,
            where="shape",
        )
    return size
