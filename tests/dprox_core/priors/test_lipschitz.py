"""How much denoisers stretch distances, and priors that nobody trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dprox_core as dp


def curved(image: Tensor, sigma: Any) -> Tensor:
    """Something smooth that is no prox of anything."""
    return image - sigma * torch.tanh(image - image.roll(1, -1))


def test_lipschitz_is_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False).double()
    delta = torch.zeros(1, 1, 12, 12, dtype=torch.float64)
    delta[..., 0, 0] = 1
    exact = float(torch.fft.fft2(conv(delta).detach()).abs().max())
    found = dp.lipschitz(lambda image, sigma: conv(image), torch.rand_like(delta), 0.1, 200)
    assert found == pytest.approx(exact, rel=1e-3)
    few = dp.lipschitz(lambda image, sigma: conv(image), torch.rand_like(delta), 0.1, 3)
    assert few <= exact * (1 + 1e-9)
    bent = dp.lipschitz(curved, torch.zeros(1, 1, 8, 8, dtype=torch.float64), 0.5, 300)
    # I − ½ (I − shift) at zero: singular values |1 + e^{iω}| / 2.
    assert bent == pytest.approx(1.0, rel=1e-3)
    with pytest.raises(dp.ParameterError, match="no gradient"):
        dp.lipschitz("tv", torch.rand(1, 1, 8, 8), 0.1)


@pytest.mark.parametrize("name", ["nlm", "tv"])
def test_filters_serve_as_priors(name: str) -> None:
    photo = dp.load_image("sample:coffee")[..., 150:214, 200:264].contiguous()
    kernel = dp.gaussian_psf(size=7, sigma=1.2)
    observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.02)
    x = dp.Variable("x", shape=photo.shape)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - observed) + dp.deep_prior(x, name))
    result = problem.solve(method="hqs", steps=8)
    assert dp.psnr(result[x], photo) > dp.psnr(observed, photo) + 1
