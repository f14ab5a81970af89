"""What a denoiser does to a noisy patch, against what is known of simple denoisers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import dprox_core as dp
from dprox_core.priors.trial import try_prior

PATCH = 0.25 + 0.5 * torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(3))


def test_a_shrinking_denoiser_stretches_by_its_factor() -> None:
    trial = try_prior(lambda image, sigma: 0.7 * image, PATCH, 0.01)
    assert trial.stretch == pytest.approx(0.7, rel=1e-4)
    assert torch.allclose(trial.denoised, 0.7 * trial.noisy)


def test_noise_of_sigma_costs_what_it_must() -> None:
    trial = try_prior(lambda image, sigma: image, PATCH, 0.05)
    # Mean squared error σ²: PSNR −20 log₁₀ σ, for 4 800 samples known to some hundredths.
    assert trial.before == pytest.approx(26.02, abs=0.3)
    assert trial.after == trial.before


def test_a_grey_network_is_given_the_brightness() -> None:
    trial = try_prior("ffdnet", PATCH)
    assert trial.clean.shape == (1, 40, 40)
    assert trial.sigma == pytest.approx(25 / 255)


def test_a_function_without_gradients_has_no_stretch() -> None:
    def rounded(image: Tensor, sigma: object) -> Tensor:
        return (image.detach() * 10).round() / 10

    assert try_prior(rounded, PATCH).stretch is None
    with pytest.raises(dp.ParameterError, match="no denoiser"):
        try_prior("nonsense", PATCH)
