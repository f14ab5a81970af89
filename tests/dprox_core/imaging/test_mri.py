"""What a scanner measures of an image: masks of the wanted share, coils that lose nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dprox_core as dp


@pytest.mark.parametrize("pattern", ["points", "lines", "radial"])
@pytest.mark.parametrize("size", [(40, 50), (33, 64)])
def test_a_mask_keeps_the_share_and_the_low_frequencies(
    pattern: str, size: tuple[int, int]
) -> None:
    mask = dp.fourier_mask((1, 3, *size), keep=0.3, pattern=pattern)
    assert mask.shape == (1, 1, *size)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert mask[0, 0, 0, 0] == 1
    # A line, or a spoke, is measured whole.
    slack = 0.5 / size[1] if pattern == "lines" else 0.02
    assert abs(float(mask.mean()) - 0.3) <= max(slack, 0.5 / math.prod(size)) + 1e-6
    plane = torch.fft.fftshift(mask[0, 0])
    rows, columns = size
    inner = plane[rows // 4 : -rows // 4, columns // 4 : -columns // 4].mean()
    assert inner > mask.mean()
    if pattern == "lines":
        assert torch.equal(plane, plane[:1].expand_as(plane))
    if pattern == "radial":
        again = plane.flip((0, 1)).roll((1 - rows % 2, 1 - columns % 2), (0, 1))
        assert float((plane != again).float().mean()) < 0.02


@pytest.mark.parametrize("pattern", ["points", "lines"])
def test_where_the_centre_is_larger_than_the_share_its_lowest_are_kept(pattern: str) -> None:
    mask = dp.fourier_mask((20, 20), keep=0.1, pattern=pattern, centre=0.5)
    assert float(mask.mean()) == pytest.approx(0.1)
    distance = torch.fft.fftfreq(20).abs().expand(20, 20)
    if pattern == "points":
        distance = torch.hypot(distance, distance.mT)
    assert mask[0, 0] == 1
    assert float(distance[mask > 0].max()) <= float(distance[mask == 0].min()) + 1e-6


def test_the_same_seed_means_the_same_mask() -> None:
    one, two, other = (dp.fourier_mask((20, 20), seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("coils", [1, 2, 7])
def test_coils_together_see_every_pixel_once(coils: int) -> None:
    maps = dp.coil_maps((1, 1, 12, 17), coils=coils)
    assert maps.shape == (coils, 12, 17)
    assert torch.allclose(maps.abs().square().sum(0), torch.ones(12, 17), atol=1e-6)
    image = torch.rand(1, 1, 12, 17)
    everything = dp.fourier_sampling(image, torch.ones(12, 17), maps)
    # Measured whole, the energy of the frequencies is that of the image (Parseval).
    assert float(everything.abs().square().sum()) == pytest.approx(
        float(image.square().sum()), rel=1e-5
    )


def test_the_inverse_transform_undoes_the_transform() -> None:
    image = torch.randn(2, 1, 5, 8, dtype=torch.float64)
    assert torch.allclose(dp.ifft(dp.fft(image)), image.to(torch.complex128), atol=1e-14)
    assert torch.allclose(dp.modulus(dp.fft(image)), dp.fft(image).abs())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"keep": 0.0}, "keep must be between 0 and 1"),
        ({"keep": 1.5}, "keep must be between 0 and 1"),
        ({"centre": -0.1}, "centre must be between 0 and 1"),
        ({"pattern": "spiral"}, 'pattern must be "points", "lines" or "radial"'),
        ({"seed": -1}, "seed must be a whole number from 0"),
    ],
)
def test_masks_that_cannot_be_are_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(dp.ParameterError) as caught:
        dp.fourier_mask((8, 8), **given)  # type: ignore[arg-type]
    assert sentence in caught.value.sentence
    with pytest.raises(dp.ShapeError):
        dp.fourier_mask((8,))
    with pytest.raises(dp.ParameterError, match="from 1"):
        dp.coil_maps((8, 8), coils=0)


@pytest.mark.parametrize("part", ["modulus", "phase", "real", "imaginary"])
def test_a_picture_shows_the_part_that_is_asked_for(part: str, tmp_path: Path) -> None:
    turn = torch.linspace(-0.45, 0.45, 16).reshape(4, 4) * 2 * math.pi
    image = torch.polar(torch.full((4, 4), 0.8), turn)
    dp.save_image(tmp_path / "z.png", image, part=part)
    shown = np.asarray(Image.open(tmp_path / "z.png")).astype(float) / 255
    expected = {
        "modulus": torch.full((4, 4), 0.8),
        "phase": turn / (2 * math.pi) + 0.5,
        "real": 0.8 * turn.cos().clamp(0, 1),
        "imaginary": 0.8 * turn.sin().clamp(0, 1),
    }[part]
    assert np.abs(shown - expected.numpy()).max() <= 0.5 / 255 + 1e-6
    real = torch.rand(4, 4)
    dp.save_image(tmp_path / "r.png", real, part=part)
    assert np.abs(np.asarray(Image.open(tmp_path / "r.png")) / 255 - real.numpy()).max() < 0.003
    with pytest.raises(dp.ParameterError, match="part must be one of"):
        dp.save_image(tmp_path / "z.png", image, part="argument")
