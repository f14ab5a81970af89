"""DnCNN and its noise-conditioned kin: a plain stack of convolutions."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from dprox_core.priors.denoisers.base import Denoiser, sigma_map

__all__ = ["DnCNN", "Padding"]

Padding = Literal["zeros", "circular"]


class DnCNN(Denoiser):
    """DnCNN estimates the noise with a stack of 3×3 convolutions and subtracts it: x̂ = y − N(y).

    The original was trained for one noise level, or blindly for a range, and does not read σ. With
    ``conditioned`` the level enters as a further image channel, x̂ = y − N(y, σ); FDnCNN is that
    with ``residual=False``, x̂ = N(y, σ). Batch normalisation is worked into the convolutions when
    weights are loaded.

    Args:
        channels: 1 for grey images, 3 for colour.
        width: feature channels; 64 in the paper.
        depth: convolutions; 17, or 20 for the blind and colour releases.
        conditioned: whether the network reads the noise level.
        residual: whether the network gives the noise (True) or the image (False).
        padding: ``"zeros"`` or ``"circular"``, as the weights were trained.
        clip: cut the input to 0…1 first, for weights trained on noisy images that were cut so.

    Shapes:
        image (B, channels, H, W) of any size, sigma a number or (B,); the result is like the image.

    Example:
        >>> import torch
        >>> from dprox_core.priors.denoisers.dncnn import DnCNN
        >>> DnCNN(channels=1, width=8, depth=3)(torch.zeros(1, 1, 7, 9), 0.1).shape
        torch.Size([1, 1, 7, 9])

    Reference:
        Zhang, Zuo, Chen, Meng and Zhang, "Beyond a Gaussian denoiser: residual learning of deep CNN
        for image denoising", IEEE TIP 2017.
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 64,
        depth: int = 17,
        conditioned: bool = False,
        residual: bool = True,
        padding: Padding = "zeros",
        clip: bool = False,
    ) -> None:
        super().__init__(channels)
        self.blind = not conditioned
        self.residual = residual
        self.clip = clip
        widths = [channels + conditioned, *[width] * (depth - 1), channels]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers.append(nn.Conv2d(before, after, 3, padding=1, padding_mode=padding))
            layers.append(nn.ReLU(inplace=True))
        self.model = nn.Sequential(*layers[:-1])

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        if self.clip:
            image = image.clamp(0, 1)
        seen = image if self.blind else torch.cat([image, sigma_map(image, sigma)], 1)
        out = self.model(seen)
        return image - out if self.residual else out
