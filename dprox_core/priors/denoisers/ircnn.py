"""IRCNN: twenty-five small dilated networks, one for each noise level."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dprox_core.priors.denoisers.base import Denoiser

__all__ = ["IRCNN"]

DILATIONS = (1, 2, 3, 4, 3, 2, 1)


class IRCNN(Denoiser):
    """IRCNN holds a network for each noise level 2, 4 … 50 (of 255) and takes the next one up.

    x̂ = y − N_k(y), k = ⌈255·σ / 2⌉, seven 3×3 convolutions with dilations 1, 2, 3, 4, 3, 2, 1.

    Args:
        channels: 1 for grey images, 3 for colour.
        width: feature channels; 64 in the paper.
        levels: how many networks there are; network k stands for σ = 2·(k + 1)/255. A single one
            is used at every level.

    Shapes:
        image (B, channels, H, W) of any size, sigma a number or (B,); the result is like the image.

    Example:
        >>> import torch
        >>> from dprox_core.priors.denoisers.ircnn import IRCNN
        >>> IRCNN(channels=1, width=4)(torch.zeros(1, 1, 7, 9), 0.1).shape
        torch.Size([1, 1, 7, 9])

    Reference:
        Zhang, Zuo, Gu and Zhang, "Learning deep CNN denoiser prior for image restoration",
        CVPR 2017.
    """

    def __init__(self, channels: int = 1, width: int = 64, levels: int = 25) -> None:
        super().__init__(channels)
        self.blind = levels == 1
        self.networks = nn.ModuleList(_network(channels, width) for _ in range(levels))

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        chosen = torch.ceil(sigma.flatten().float() * (255 / 2) - 1e-4).long() - 1
        chosen = chosen.clamp(0, len(self.networks) - 1).expand(image.shape[0])
        kinds = chosen.unique().tolist()
        if len(kinds) == 1:
            return image - self.networks[kinds[0]](image)
        out = torch.empty_like(image)
        for kind in kinds:
            rows = chosen == kind
            out[rows] = image[rows] - self.networks[kind](image[rows])
        return out


def _network(channels: int, width: int) -> nn.Module:
    widths = [channels, *[width] * (len(DILATIONS) - 1), channels]
    layers: list[nn.Module] = []
    for before, after, dilation in zip(widths, widths[1:], DILATIONS, strict=False):
        layers.append(nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers[:-1])
