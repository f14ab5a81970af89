"""Small pictures in which there is something to see."""

from __future__ import annotations

import numpy as np
import torch

import dprox_core as dp
from app.engine.worker_image import node_image


def test_a_spectrum_is_more_than_one_bright_dot() -> None:
    photo = dp.load_image("sample:camera", size=96)
    image = node_image(1, "spectrum", torch.fft.fft2(photo, norm="ortho"))
    assert image is not None
    assert 0.0 < float(np.median(image.array)) < 1.0
    assert float(image.array.max()) <= 1.001
    assert image.high > 20.0  # the picture itself keeps its values
    assert float(image.full.max()) == image.high


def test_a_picture_with_a_phase_keeps_its_levels() -> None:
    phased = torch.polar(torch.full((1, 1, 8, 8), 0.5), torch.rand(1, 1, 8, 8))
    image = node_image(1, "phased", phased)
    assert image is not None
    assert np.allclose(image.array, 0.5, atol=1e-6)
