"""What a prior does to a noisy patch of a photograph: the quickest way to see what it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dprox_core.errors import ParameterError
from dprox_core.imaging.metrics import psnr
from dprox_core.priors.lipschitz import lipschitz
from dprox_core.priors.prior import Prior, load_prior

__all__ = ["Trial", "try_prior"]

# The stretch takes several times as long as the denoising: the middle of the patch must do, and
# it is known to some hundredths after so many power iterations.
_ITERATIONS, _MIDDLE = 6, 48
_NOISE = 25 / 255


@dataclass(frozen=True)
class Trial:
    """How a denoiser fared.

    Attributes:
        sigma: the noise level.
        clean: the patch.
        noisy: the patch with noise.
        denoised: what the denoiser made of it.
        before: PSNR of the noisy patch in dB.
        after: PSNR of the denoised patch in dB.
        stretch: the Lipschitz constant in its middle; None where no gradient passes.
    """

    sigma: float
    clean: Tensor
    noisy: Tensor
    denoised: Tensor
    before: float
    after: float
    stretch: float | None


def try_prior(
    denoiser: object, patch: Tensor, sigma: float | None = None, seed: int = 0, **options: Any
) -> Trial:
    """Add noise to a patch, take it out again and measure: x̂ = D(x + σ n, σ).

    Args:
        denoiser: as ``deep_prior`` takes it.
        patch: (C, H, W) in 0…1, colour; what takes grey images only is given its brightness.
        sigma: the noise level, from 0; None for 25/255.
        seed: of the noise.
        **options: of ``load_prior``, ``weights`` among them.

    Returns:
        Pictures and figures.

    Raises:
        ParameterError, WeightsError, ShapeError: as for ``deep_prior``.

    Example:
        >>> import dprox_core as dp
        >>> patch = dp.load_image("sample:chelsea", size=48)
        >>> trial = try_prior("ffdnet_color", patch)
        >>> trial.after > trial.before + 5
        True
    """
    prior = load_prior(denoiser, **options)
    level = _NOISE if sigma is None else float(sigma)
    if getattr(prior.network, "channels", patch.shape[-3]) == 1 and patch.shape[-3] == 3:
        weights = torch.tensor([0.299, 0.587, 0.114], dtype=patch.dtype, device=patch.device)
        patch = (patch * weights.view(3, 1, 1)).sum(-3, keepdim=True)
    noise = torch.randn(patch.shape, generator=torch.Generator().manual_seed(seed)).to(patch)
    noisy = patch + level * noise
    with torch.no_grad():
        denoised = prior(noisy, level)
    return Trial(
        level,
        patch,
        noisy,
        denoised,
        psnr(noisy.clamp(0, 1), patch),
        psnr(denoised.clamp(0, 1), patch),
        _stretch(prior, patch, level),
    )


def _stretch(prior: Prior, patch: Tensor, level: float) -> float | None:
    top, left = (max(0, (extent - _MIDDLE) // 2) for extent in patch.shape[-2:])
    patch = patch[..., top : top + _MIDDLE, left : left + _MIDDLE]
    try:
        return lipschitz(prior, patch, level, iterations=_ITERATIONS)
    except ParameterError:
        return None
