"""The weights that come with the package: there, documented, and better than classical filters."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

import resources
from dprox_core.priors.denoisers import SHIPPED, denoiser
from dprox_core.training.denoiser import load_photos
from dprox_core.training.evaluate import noisy, psnr, table

FOLDER = Path(resources.path("weights"))
SAMPLES = Path(resources.path("images"))
COLOUR = [name for name in SHIPPED if name.endswith("_color")]
GREY = [name for name in SHIPPED if not name.endswith("_color")]


@cache
def photos(grey: bool) -> list[Tensor]:
    """The middle of each sample photograph; none of them was trained on."""
    return load_photos(SAMPLES, grey, side=128)


@cache
def non_local_means(grey: bool) -> list[float]:
    return dict(table(photos(grey), [], others=["non-local means"]))["non-local means"]


def test_they_are_small_enough_to_travel() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*")) < 20e6


@pytest.mark.parametrize("name", SHIPPED)
def test_each_has_a_card_with_source_licence_and_checksum(name: str) -> None:
    path, cards = FOLDER / SHIPPED[name], (FOLDER / "CARDS.md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in cards
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert header["licence"]
    assert header["source"]


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "dncnn"])
def test_networks_beat_the_best_classical_filter(name: str) -> None:
    grey = name not in COLOUR
    (_, values) = table(photos(grey), [(name, denoiser(name))], others=False)[1]
    others = non_local_means(grey)
    gains = [value - other for value, other in zip(values, others, strict=True)]
    assert sum(gains) / len(gains) > 0.7, (values, others)


def test_the_converted_dncnn_reaches_its_quality() -> None:
    """On clipped noisy images, which it was trained on: SCICO gives 29.9 dB on "camera" at 25."""
    net = denoiser("dncnn")
    photo = load_photos(SAMPLES, grey=True)[1]
    estimate = net(noisy(photo, 25, 0).clamp(0, 1), 25 / 255)
    assert psnr(estimate, photo) == pytest.approx(29.9, abs=0.15)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("level", [5, 10, 30, 50])
def test_denoising_helps_at_every_level(name: str, level: float) -> None:
    net = denoiser(name)
    for index, photo in enumerate(photos(name in GREY)):
        image = noisy(photo, level, index)
        if name == "dncnn":
            image = image.clamp(0, 1)
        assert psnr(net(image, level / 255), photo) > psnr(image, photo) + 1


@pytest.mark.parametrize("name", SHIPPED)
def test_results_do_not_depend_on_the_batch(name: str) -> None:
    net = denoiser(name)
    images = torch.rand(3, net.channels, 40, 33)
    sigma = torch.tensor([0.05, 0.1, 0.15])
    together = net(images, sigma)
    for index in range(3):
        alone = net(images[index : index + 1], sigma[index])
        assert torch.allclose(together[index : index + 1], alone, atol=1e-4)
