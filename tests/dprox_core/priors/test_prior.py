"""A denoiser made ready for a solver: shapes, symmetries, tiles, precision, filters, noise."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dprox_core as dp
from dprox_core.priors import filters
from dprox_core.priors.denoisers.drunet import DRUNet
from dprox_core.priors.denoisers.ffdnet import FFDNet
from dprox_core.priors.prior import load_prior
from dprox_core.priors.schedule import log_descent
from dprox_core.priors.tiling import reach


def lean(image: Tensor, sigma: Any) -> Tensor:
    """Depends on the direction: each pixel leans on its right neighbour."""
    return 0.7 * image + 0.3 * image.roll(-1, -1)


@pytest.fixture
def net() -> FFDNet:
    torch.manual_seed(0)
    return FFDNet(1, 12, 4).eval()


@pytest.mark.parametrize("shape", [(9, 12), (1, 9, 12), (2, 1, 9, 12), (2, 3, 1, 9, 12)], ids=str)
def test_images_of_any_number_of_axes(shape: tuple[int, ...], net: FFDNet) -> None:
    image = torch.rand(shape)
    prior = load_prior(net)
    result = prior(image, 0.1)
    assert result.shape == image.shape
    flat = image.reshape(-1, 1, 9, 12)
    assert torch.allclose(result.reshape(-1, 1, 9, 12), net(flat, 0.1), atol=1e-6)


def test_what_is_denoised_lies_in_memory_like_the_image() -> None:
    def apart(image: Tensor, sigma: Any) -> Tensor:
        return image.to(memory_format=torch.channels_last)

    image = torch.rand(1, 3, 16, 16)
    assert not apart(image, 0.1).is_contiguous()
    assert load_prior(apart)(image, 0.1).is_contiguous()
    assert torch.equal(load_prior(apart)(image, 0.1), image)


def test_a_level_for_each_image_of_a_batch(net: FFDNet) -> None:
    image, levels = torch.rand(3, 1, 8, 8), torch.tensor([0.05, 0.1, 0.2])
    together = load_prior(net)(image, levels)
    for index in range(3):
        alone = load_prior(net)(image[index : index + 1], float(levels[index]))
        assert torch.allclose(together[index : index + 1], alone, atol=1e-6)


def test_the_average_over_symmetries_has_them_all() -> None:
    prior = load_prior(lean, x8=True)
    image = torch.rand(1, 1, 7, 10)
    result = prior(image, 0.1)
    for k in range(4):
        assert torch.allclose(prior(image.rot90(k, (-2, -1)), 0.1), result.rot90(k, (-2, -1)))
    assert torch.allclose(prior(image.flip(-1), 0.1), result.flip(-1), atol=1e-6)
    # Of the eight, two lean to each side.
    sides = sum(image.roll(s, a) for s in (1, -1) for a in (-1, -2)) / 4
    assert torch.allclose(result, 0.7 * image + 0.3 * sides, atol=1e-6)


def test_symmetries_in_turn_average_to_the_same() -> None:
    image = torch.rand(1, 1, 7, 10)
    cycle = load_prior(lean, x8="cycle")
    mean = torch.stack([cycle.at(k)(image, 0.1) for k in range(8)]).mean(0)
    assert torch.allclose(mean, load_prior(lean, x8=True)(image, 0.1), atol=1e-6)
    assert torch.equal(cycle.at(9)(image, 0.1), cycle.at(1)(image, 0.1))


def test_clamping_and_averaging() -> None:
    image = torch.tensor([[[[-1.0, 0.5, 2.0]]]])
    assert load_prior(lambda v, s: v, clamp=True)(image, 0.1).tolist() == [[[[0.0, 0.5, 1.0]]]]
    half = load_prior(lambda v, s: 3 * v, averaged=0.25)
    assert torch.allclose(half(image, 0.1), 0.75 * image + 0.25 * 3 * image)


@pytest.mark.parametrize("size", [(50, 70), (33, 96)], ids=str)
def test_pieces_meet_without_a_seam(size: tuple[int, int], net: FFDNet) -> None:
    image = torch.rand(1, 1, *size)
    whole = load_prior(net, tile=0)(image, 0.1)
    # Four 3 × 3 convolutions on half-size phases see 2 · 4 + 1 pixels.
    assert torch.allclose(load_prior(net, tile=24, overlap=16)(image, 0.1), whole, atol=1e-5)
    assert torch.allclose(load_prior(net, tile=24)(image, 0.1), whole, atol=2e-3)
    cut = load_prior(net, tile=24, overlap=0)(image, 0.1)
    assert float((cut - whole).abs().max()) > 1e-3


def test_how_far_a_network_sees_is_measured(net: FFDNet) -> None:
    assert reach(net, 1, 8) == 16
    torch.manual_seed(0)
    small = DRUNet(1, (4, 4, 4, 4), 1)
    image = torch.rand(1, 1, 150, 130)
    whole = load_prior(small, tile=0)(image, 0.1)
    assert torch.allclose(load_prior(small, tile=64)(image, 0.1), whole, atol=1e-3)


@pytest.mark.parametrize(("precision", "close"), [("bfloat16", 3e-2), ("float16", 3e-3)])
def test_lower_precision_comes_close_and_leaves_the_network_alone(
    precision: str, close: float, net: FFDNet
) -> None:
    image = torch.rand(1, 1, 16, 16)
    result = load_prior(net, precision=precision)(image, 0.1)
    assert result.dtype == torch.float32
    exact = net(image, 0.1).detach()
    error = float((result - exact).norm() / exact.norm())
    assert 0.0 < error < close
    assert all(p.dtype == torch.float32 for p in net.parameters())


def test_double_precision_images_come_back_double(net: FFDNet) -> None:
    assert load_prior(net)(torch.rand(1, 1, 8, 8).double(), 0.1).dtype == torch.float64


@pytest.mark.parametrize("name", sorted(filters.FILTERS))
def test_filters_that_nobody_trained_denoise(name: str) -> None:
    photo = dp.load_image("sample:coffee")[..., 150:214, 200:264]
    for image in (photo, photo[:, :1]):
        noisy = dp.add_noise(image, sigma=0.08)
        result = dp.denoise(noisy, name, sigma=0.08)
        assert dp.psnr(result, image) > dp.psnr(noisy, image) + 0.5
        assert result.dtype == torch.float32
    pair = torch.cat([dp.add_noise(photo, 0.08), dp.add_noise(photo, 0.02)])
    levels = torch.tensor([0.08, 0.02])
    alone = dp.denoise(pair[1:], name, sigma=0.02)
    assert torch.allclose(dp.denoise(pair, name, sigma=levels)[1:], alone)
    with pytest.raises(dp.ParameterError, match="has no gradient"):
        filters.filter_denoiser(name)(photo.clone().requires_grad_(), 0.1)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(filters, "import_module", absent)
    with pytest.raises(dp.ParameterError, match="pip install scikit-image"):
        dp.denoise(torch.rand(1, 1, 8, 8), "tv")
    with pytest.raises(dp.ParameterError, match="pip install PyWavelets"):
        dp.denoise(torch.rand(1, 1, 8, 8), "wavelet")


def test_denoise_measures_the_noise_itself() -> None:
    photo = dp.load_image("sample:camera", size=96)
    noisy = dp.add_noise(photo, sigma=0.1)
    told = dp.denoise(noisy, "dncnn", sigma=0.1)
    alone = dp.denoise(noisy, "dncnn")
    assert dp.psnr(alone, photo) == pytest.approx(dp.psnr(told, photo), abs=0.5)
    with pytest.raises(dp.ParameterError, match="real image, not complex values"):
        dp.denoise(torch.zeros(1, 1, 8, 8, dtype=torch.complex64), "dncnn")
    with pytest.raises(dp.ShapeError, match="takes an image"):
        dp.denoise(torch.zeros(8), "dncnn")


@pytest.mark.parametrize("sigma", [0.01, 0.04, 0.1])
def test_the_noise_estimate_on_photographs(sigma: float) -> None:
    photo = dp.load_image("sample:astronaut", size=200)
    noisy = dp.add_noise(photo, sigma=sigma)
    assert dp.estimate_noise(noisy) == pytest.approx(sigma, rel=0.3)
    blurred = dp.add_noise(dp.blur(photo, dp.gaussian_psf(9, 1.6)), sigma=sigma)
    assert dp.estimate_noise(blurred) == pytest.approx(sigma, rel=0.1)
    for keep in (0.5, 0.2):
        mask = dp.random_mask(photo.shape, keep=keep)
        assert dp.estimate_noise(dp.mask(noisy, mask), mask) == pytest.approx(sigma, rel=0.6)
    colours = dp.mosaic(torch.ones_like(photo))
    assert dp.estimate_noise(dp.mosaic(noisy), colours) == pytest.approx(sigma, rel=0.5)


@pytest.mark.parametrize("shape", [(1, 3, 97, 130), (40, 33), (2, 1, 34, 64)])
def test_the_noise_estimate_is_the_quartile_of_medians_over_blocks(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    image = torch.rand(*shape).cumsum(-1) + 0.05 * torch.randn(*shape)
    x = image.double()
    second = x[..., 2:, :] - 2 * x[..., 1:-1, :] + x[..., :-2, :]
    both = (second[..., 2:] - 2 * second[..., 1:-1] + second[..., :-2]).abs() / 6.0
    planes = both.reshape(-1, *both.shape[-2:])
    blocks = [
        block.reshape(-1)
        for plane in planes
        for rows in plane.split(32)
        for block in rows.split(32, -1)
    ]
    medians = sorted(float(b.median()) for b in blocks if b.numel() >= 32)
    expected = medians[(len(medians) - 1) // 4] if len(medians) >= 4 else float(both.median())
    sigma = dp.estimate_noise(image)
    assert sigma == pytest.approx(expected / 0.6744897501960817, rel=1e-9)
    # Of a pixel that is missing hardly anything is seen, but blocks are looked at one by one.
    observed = torch.ones(shape)
    observed[..., 5, 5] = 0.0
    assert dp.estimate_noise(image, observed) == pytest.approx(sigma, rel=0.05)


def test_noise_of_complex_data_is_measured_per_part() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((1, 1, 128, 128), dtype=torch.complex64, generator=generator) * math.sqrt(2)
    assert dp.estimate_noise(0.05 * noise) == pytest.approx(0.05, rel=0.1)
    assert dp.estimate_noise(torch.zeros(1, 1, 2, 2)) is None
    assert dp.estimate_noise(torch.zeros(5)) is None


def test_levels_fall_in_equal_ratios() -> None:
    levels = log_descent(0.2, 0.01, 9)
    assert levels[0] == 0.2
    assert levels[-1] == pytest.approx(0.01)
    ratios = [b / a for a, b in pairwise(levels)]
    assert ratios == pytest.approx([ratios[0]] * 8)
    assert log_descent(0.2, 0.01, 1) == [0.01]
    for wrong in ((0.0, 0.1, 3), (0.1, -1.0, 3), (0.1, 0.01, 0), (0.1, 0.01, 1.5)):
        with pytest.raises(dp.ParameterError):
            log_descent(*wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x8": 3}, "x8 must be"),
        ({"precision": "float8"}, "precision must be"),
        ({"averaged": 0.0}, "averaged must be"),
        ({"tile": -1}, "tile must be"),
        ({"unroll_step": 0}, "unroll_step must be"),
        ({"trainable": True}, "nothing to train"),
        ({"unroll_step": 2}, "cannot be unrolled"),
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(dp.ParameterError, match=words):
        load_prior(lean, **options)


def test_a_trained_network_by_name_is_not_shared() -> None:
    first, second = load_prior("dncnn", trainable=True), load_prior("dncnn", trainable=True)
    plain, again = load_prior("dncnn"), load_prior("dncnn")
    assert first.network is not second.network
    assert plain.network is again.network
    assert all(p.requires_grad for p in first.parameters())
    assert plain.parameters() == ()
    assert not any(p.requires_grad for p in plain.network.parameters())  # type: ignore[union-attr]


def test_copies_for_each_iteration_are_their_own() -> None:
    prior = load_prior(nn.Conv2d(1, 1, 1), trainable=True, unroll_step=3)
    assert len({id(prior.at(k).network) for k in range(5)}) == 3
    assert len(prior.parameters()) == 6


PHOTO = torch.rand(1, 1, 8, 8)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        # Filters would give the image back as it is, and networks see 2.55 in place of 0.01.
        (lambda: dp.denoise(PHOTO, "tv", sigma=-0.1), dp.ParameterError, "number from 0"),
        (lambda: dp.denoise(PHOTO, "tv", sigma=math.nan), dp.ParameterError, "number from 0"),
        (lambda: dp.denoise(PHOTO, "ffdnet", sigma="a"), dp.ParameterError, "number from 0"),
        (
            lambda: dp.denoise(PHOTO, "tv", sigma=torch.tensor([-1.0])),
            dp.ParameterError,
            "number from 0",
        ),
        (
            lambda: dp.denoise((255 * PHOTO).to(torch.uint8), "ffdnet", sigma=0.1),
            dp.ParameterError,
            "not torch.uint8: divide it",
        ),
        (lambda: dp.denoise(PHOTO + 0j, "ffdnet"), dp.ParameterError, "its magnitudes"),
        (lambda: dp.denoise(PHOTO[..., :0], "ffdnet"), dp.ShapeError, "has shape"),
        (lambda: dp.lipschitz("dncnn", PHOTO, -1.0), dp.ParameterError, "number from 0"),
    ],
)
def test_what_cannot_be_denoised_is_refused(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
