"""FFDNet: fast, and told the noise level through a map beside the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dprox_core.priors.denoisers.base import Denoiser, sigma_map

__all__ = ["FFDNet"]


class FFDNet(Denoiser):
    """FFDNet works on the four half-size phases of the image, with the noise level as a fifth.

    x̂ = shuffle(C_n … ReLU(C_1 [unshuffle(y), σ])): plain 3×3 convolutions with bias.

    Args:
        channels: 1 for grey images, 3 for colour.
        width: feature channels; 64 (grey) and 96 (colour) in the paper.
        depth: convolutions; 15 (grey) and 12 (colour) in the paper.

    Shapes:
        image (B, channels, H, W) of any size, sigma a number or (B,); the result is like the image.

    Example:
        >>> import torch
        >>> from dprox_core.priors.denoisers.ffdnet import FFDNet
        >>> FFDNet(channels=1, width=8, depth=4)(torch.zeros(1, 1, 7, 9), 0.1).shape
        torch.Size([1, 1, 7, 9])

    Reference:
        Zhang, Zuo and Zhang, "FFDNet: toward a fast and flexible solution for CNN-based image
        denoising", IEEE TIP 2018.
    """

    multiple = 2

    def __init__(self, channels: int = 1, width: int = 64, depth: int = 15) -> None:
        super().__init__(channels)
        layers: list[nn.Module] = [nn.Conv2d(4 * channels + 1, width, 3, padding=1)]
        for _ in range(depth - 2):
            layers += [nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)]
        layers += [nn.ReLU(inplace=True), nn.Conv2d(width, 4 * channels, 3, padding=1)]
        self.model = nn.Sequential(*layers)

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        phases = F.pixel_unshuffle(image, 2)
        return F.pixel_shuffle(self.model(torch.cat([phases, sigma_map(phases, sigma)], 1)), 2)
