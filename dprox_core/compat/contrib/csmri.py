"""A slice for compressive magnetic resonance imaging, simulated from a photograph."""

from __future__ import annotations

import torch

import dprox_core

__all__ = ["sample"]


def sample(
    acceleration: float = 4.0, sigma: float = 0.01, size: int = 128, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A start, k-space samples, the truth and the mask.

    Lines of k-space are drawn at random around a full centre; frequencies are in the order of the
    fast Fourier transform, the transform is unitary.

    Args:
        acceleration: how much fewer lines than all are measured, from 1.
        sigma: standard deviation of the noise in k-space.
        size: pixels a side.
        seed: any whole number from 0.

    Returns:
        x0 (1, 1, H, W) complex, y0 complex, the truth in 0…1, and the mask (1, 1, H, W).
    """
    truth = dprox_core.load_image("sample:camera", size=size)[:, :1].cpu()
    height, width = truth.shape[-2:]
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.fft.fftfreq(width).abs() * 2.0
    likely = torch.exp(-4.0 * frequency)
    likely = likely * (width / acceleration) / likely.sum()
    lines = (torch.rand(width, generator=generator) < likely) | (frequency < 0.08)
    mask = lines.to(torch.float32).expand(1, 1, height, width).clone()
    noise = torch.randn(truth.shape, generator=generator, dtype=torch.complex64)
    samples = mask * (torch.fft.fft2(truth, norm="ortho") + sigma * noise)
    return torch.fft.ifft2(samples, norm="ortho"), samples, truth, mask
