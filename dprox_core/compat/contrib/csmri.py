"""Compressive magnetic resonance imaging: a slice to try it on, and a solver to tune.

As in the rest of the published reference, k-space has its frequency 0 in the middle: it is that of
``utils.fft2``. A star import also brings torch, NumPy and the transforms, as there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import dprox_core
from dprox_core.compat.algo.published import ADMM
from dprox_core.compat.contrib.slices import (
    CSMRIDataset,
    CSMRIEvalDataset,
    EvalDataset,
    TrainDataset,
)
from dprox_core.compat.utils.misc import fft2, ifft2, to_torch_tensor
from dprox_core.errors import ParameterError

__all__ = [
    "ADMM",
    "CSMRIDataset",
    "CSMRIEvalDataset",
    "CustomADMM",
    "EvalDataset",
    "TrainDataset",
    "complex2channel",
    "complex2real",
    "custom_policy_ob_pack_fn",
    "fft2",
    "ifft2",
    "np",
    "sample",
    "to_torch_tensor",
    "torch",
    "view_as_complex",
]


def sample(
    name: str = "Bust.jpg",
    acceleration: float = 4.0,
    sigma: float = 0.01,
    size: int = 128,
    seed: int = 0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A start, k-space samples, the truth and the mask, simulated from a photograph.

    Lines of k-space are drawn at random around a full centre.

    Args:
        name: kept for old scripts: the published slices are downloads, a shipped photograph stands
            in.
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
    frequency = torch.fft.fftshift(torch.fft.fftfreq(width)).abs() * 2.0
    likely = torch.exp(-4.0 * frequency)
    likely = likely * (width / acceleration) / likely.sum()
    lines = (torch.rand(width, generator=generator) < likely) | (frequency < 0.08)
    mask = lines.to(torch.float32).expand(1, 1, height, width).clone()
    noise = torch.randn(truth.shape, generator=generator, dtype=torch.complex64)
    samples = mask * (fft2(truth) + sigma * noise)
    return ifft2(samples), samples, truth, mask


class CustomADMM(ADMM):
    """ADMM in the order of the tuned solver for this problem: the prox, the solve, the dual.

    x = prox(z − u), (AᴴA + ρ I) z = Aᴴ b + ρ (x + u), u += x − z. State: x, [z], [u].
    """

    def _iter(self, state: list[Any], rho: Any, lam: Any) -> list[Any]:
        if len(self.psi_fns) != 1:
            raise ParameterError(
                f"CustomADMM has one prox, of x itself, not {len(self.psi_fns)}: take ADMM.",
                expected="one function",
                got=len(self.psi_fns),
                where="psi_fns",
            )
        _, (z,), (u,) = state
        (function,) = self.psi_fns
        x = function.prox(z - u, lam[function])
        z = self.least_square.solve([x + u], rho)
        return [x, [z], [u + x - z]]


def custom_policy_ob_pack_fn(
    variables: torch.Tensor, x0: torch.Tensor, T: torch.Tensor, aux_state: torch.Tensor
) -> torch.Tensor:
    """What a policy may look at, side by side as channels: the state, the start, time, the rest."""
    listed = (variables, x0, T, aux_state)
    return torch.cat([complex2channel(t) if t.is_complex() else t for t in listed], dim=1)


def complex2real(x: torch.Tensor) -> torch.Tensor:
    """The real part of a complex tensor, of one with real and imaginary part last as well."""
    return x.real if x.is_complex() else x[..., 0]


def complex2channel(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W, 2), or (N, C, H, W) complex, as (N, 2C, H, W)."""
    pairs = torch.view_as_real(x) if x.is_complex() else x
    n, c, h, w, _ = pairs.shape
    return pairs.permute(0, 1, 4, 2, 3).reshape(n, 2 * c, h, w)


def view_as_complex(x: torch.Tensor) -> torch.Tensor:
    """(..., 2) as complex numbers; complex tensors as they are."""
    return x if x.is_complex() else torch.view_as_complex(x.contiguous())
