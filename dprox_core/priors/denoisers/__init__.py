"""Denoising networks by name, ready to be called with (image, sigma)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dprox_core.errors import ParameterError

if TYPE_CHECKING:
    from dprox_core.priors.denoisers.base import Denoiser

__all__ = ["NAMES", "SHIPPED", "denoiser"]

SHIPPED = {
    "dncnn": "dncnn.safetensors",
    "drunet_small": "drunet_small.safetensors",
    "drunet_small_color": "drunet_small_color.safetensors",
    "ffdnet": "ffdnet.safetensors",
    "ffdnet_color": "ffdnet_color.safetensors",
}
"""The names whose weights come with the package, and their files in ``resources/weights``."""

NAMES = (
    "dncnn",
    "dncnn_color",
    "drunet",
    "drunet_color",
    "drunet_small",
    "drunet_small_color",
    "fdncnn",
    "fdncnn_color",
    "ffdnet",
    "ffdnet_color",
    "ircnn",
    "ircnn_color",
    "unet",
)
"""The names that ``denoiser`` knows; those outside ``SHIPPED`` need a file."""


def denoiser(name: str, weights: str | os.PathLike[str] | None = None) -> Denoiser:
    """The bare network: an nn.Module called with (image, sigma), in evaluation mode.

    x̂ = D(y, σ): ``image`` (B, C, H, W) of any size, ``sigma`` one number or one for each picture.

    Args:
        name: those in ``SHIPPED`` come with their weights, such as ``"drunet_small_color"``; the
            other names in ``NAMES`` need a file.
        weights: a file of weights: ``.pth``, ``.safetensors`` or MatConvNet's ``.mat``. Its widths
            are read off the file; that it holds the network named is checked.

    Raises:
        ParameterError: the name is unknown, or has no shipped weights and no file was given.
        WeightsError: the file is missing, damaged, or holds something else.

    Example:
        >>> import torch
        >>> import dprox_core as dp
        >>> dp.denoiser("drunet_small_color")(torch.rand(1, 3, 32, 32), 0.1).shape
        torch.Size([1, 3, 32, 32])

    Reference:
        The networks' own pages name their papers: FFDNet, DRUNet, DnCNN, IRCNN, UNet.
    """
    from dprox_core.priors.weights import load

    if name not in NAMES:
        raise ParameterError(
            f'There is no denoiser called "{name}": choose one of {", ".join(sorted(NAMES))}.',
            expected=", ".join(sorted(NAMES)),
            got=name,
            where="name",
        )
    if weights is not None:
        return load(weights, network=name)
    if name not in SHIPPED:
        raise ParameterError(
            f'"{name}" comes without weights: give a file, weights="…", download it once with '
            f'weights.fetch("{name}"), or take one of {", ".join(SHIPPED)}.',
            expected="a file of weights",
            got=None,
            where="weights",
        )
    import resources

    return load(Path(resources.path(f"weights/{SHIPPED[name]}")), network=name)
