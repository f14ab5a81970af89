"""Kernels, noise, masks and metrics against what defines them."""

import math

import numpy as np
import pytest
import torch

import dprox_core as dp


@pytest.mark.parametrize(
    "kernel",
    [
        lambda: dp.gaussian_psf(9, 1.5),
        lambda: dp.gaussian_psf(1, 3.0),
        lambda: dp.gaussian_psf(5, 1e-200),
        lambda: dp.gaussian_psf(5, 1e200),
        lambda: dp.motion_psf(1),
        lambda: dp.motion_psf(12.5, 77),
        lambda: dp.disk_psf(0.01),
        lambda: dp.disk_psf(0.3),
        lambda: dp.disk_psf(4.2),
    ],
)
def test_kernels_sum_to_one_and_have_a_centre(kernel) -> None:
    psf = kernel()
    assert psf.ndim == 2
    assert psf.shape[0] == psf.shape[1]
    assert psf.shape[0] % 2 == 1
    assert float(psf.min()) >= 0
    assert abs(float(psf.sum()) - 1) < 1e-6
    torch.testing.assert_close(psf, psf.flip(0, 1), atol=1e-6, rtol=0)


def test_gaussian_has_the_stated_variance() -> None:
    psf = dp.gaussian_psf(41, 3.0).double()
    offset = torch.arange(41, dtype=torch.float64) - 20
    assert abs(float((psf.sum(0) * offset**2).sum()) - 9.0) < 1e-3


def test_disk_has_the_stated_area() -> None:
    psf = dp.disk_psf(4.0)
    assert abs(1 / float(psf[4, 4]) - math.pi * 16) < 0.2


def test_motion_points_where_it_says() -> None:
    horizontal = dp.motion_psf(9, 0)
    assert float(horizontal[4].sum()) == pytest.approx(1, abs=1e-6)
    rising = dp.motion_psf(9, 45)
    assert float(rising[1, 7]) > 0.05
    assert float(rising[7, 7]) == 0


def test_blur_is_circular_convolution() -> None:
    kernel = torch.zeros(3, 3)
    kernel[1, 2] = 1.0
    image = torch.randn(1, 2, 5, 6)
    torch.testing.assert_close(dp.blur(image, kernel), image.roll(1, -1))


def test_noise_is_repeatable_and_has_the_stated_size() -> None:
    image = torch.zeros(1, 3, 200, 200, dtype=torch.float64)
    noisy = dp.add_noise(image, 0.05, seed=3)
    assert torch.equal(noisy, dp.add_noise(image, 0.05, seed=3))
    assert torch.equal(noisy, dp.add_noise(image, 0.05, seed=np.int64(3)))
    assert not torch.equal(noisy, dp.add_noise(image, 0.05, seed=4))
    assert abs(float(noisy.std()) - 0.05) < 5e-4
    assert noisy.dtype == torch.float64


def test_mask_keeps_the_stated_share() -> None:
    mask = dp.random_mask((1, 3, 300, 300), keep=0.3, seed=1)
    assert mask.shape == (1, 1, 300, 300)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert abs(float(mask.mean()) - 0.3) < 0.01
    assert dp.random_mask((4, 5), keep=0).sum() == 0
    assert dp.random_mask((4, 5), keep=1).sum() == 20


def test_psnr_of_a_known_error() -> None:
    truth = torch.zeros(2, 3, 4, 4)
    assert dp.psnr(truth + 0.1, truth) == pytest.approx(20.0, abs=1e-5)
    assert dp.psnr(truth + 0.1, truth, peak=10.0) == pytest.approx(40.0, abs=1e-5)
    assert dp.psnr(truth, truth) == math.inf
    with pytest.raises(dp.ShapeError, match="one shape"):
        dp.psnr(truth, truth[0])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float16, torch.bool])
def test_psnr_of_stored_values_is_that_of_their_numbers(dtype: torch.dtype) -> None:
    image, truth = torch.tensor([1, 0]).to(dtype), torch.tensor([17, 1]).to(dtype)
    exact = dp.psnr(image.double(), truth.double(), peak=255.0)
    assert dp.psnr(image, truth, peak=255.0) == pytest.approx(exact)
    assert dp.psnr(image.double() + math.inf, truth.double()) == -math.inf


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: dp.gaussian_psf(8), "odd whole number"),
        (lambda: dp.gaussian_psf(0), "odd whole number"),
        (lambda: dp.gaussian_psf(9, 0.0), "sigma must be above 0"),
        (lambda: dp.motion_psf(0.5), "at least 1 pixel"),
        (lambda: dp.motion_psf(5, math.inf), "number of degrees"),
        (lambda: dp.disk_psf(-1.0), "radius must be above 0"),
        (lambda: dp.add_noise(torch.zeros(2), -0.1), "sigma must be 0 or above"),
        (lambda: dp.add_noise(torch.zeros(2), math.nan), "sigma must be 0 or above"),
        (lambda: dp.add_noise(torch.zeros(2), 0.1, seed=-1), "seed must be"),
        (lambda: dp.random_mask((4, 4), keep=1.2), "between 0 and 1"),
        (lambda: dp.psnr(torch.zeros(2), torch.ones(2), peak=0.0), "peak must be a number above"),
    ],
)
def test_parameters_out_of_range(call, sentence: str) -> None:
    with pytest.raises(dp.ParameterError, match=sentence):
        call()


def test_sessions_nest_and_refuse_what_is_not_there() -> None:
    with dp.session(device="cpu", base="outer"), dp.session(out="results") as inner:
        assert (inner.device, str(inner.base), str(inner.out)) == ("cpu", "outer", "results")
    with pytest.raises(dp.ParameterError, match="is not a device"), dp.session(device="gpu7x"):
        pass
    if not torch.cuda.is_available():
        with pytest.raises(dp.DeviceError, match="No CUDA device"), dp.session(device="cuda"):
            pass


def test_masks_and_noise_of_one_seed_have_nothing_to_do_with_each_other() -> None:
    image = torch.zeros(1, 1, 128, 128)
    for seed in (0, 1, 2):
        noise = dp.add_noise(image, sigma=1.0, seed=seed)
        kept = dp.random_mask(image.shape, keep=0.5, seed=seed) != 0
        assert abs(float(noise[kept].std()) - 1) < 0.05
        assert abs(float(noise[kept].mean())) < 0.05
