"""DRUNet: a U-Net of residual blocks without biases, the strongest prior here."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dprox_core.priors.denoisers.base import Denoiser, sigma_map

__all__ = ["DRUNet"]


class DRUNet(Denoiser):
    """DRUNet: residual blocks at four scales, noise level as a further input channel, no biases.

    Without biases the network is homogeneous, D(t·y, t·σ) = t·D(y, σ) for t > 0, and so carries
    over to noise levels it has not seen.

    Args:
        channels: 1 for grey images, 3 for colour.
        widths: feature channels at the four scales; (64, 128, 256, 512) in the paper.
        blocks: residual blocks at each scale, down and up; 4 in the paper.

    Shapes:
        image (B, channels, H, W) of any size, sigma a number or (B,); the result is like the image.

    Example:
        >>> import torch
        >>> from dprox_core.priors.denoisers.drunet import DRUNet
        >>> DRUNet(channels=1, widths=(4, 4, 4, 4), blocks=1)(torch.zeros(1, 1, 9, 17), 0.1).shape
        torch.Size([1, 1, 9, 17])

    Reference:
        Zhang, Li, Zuo, Zhang, Van Gool and Timofte, "Plug-and-play image restoration with deep
        denoiser prior", IEEE TPAMI 2021.
    """

    multiple = 8

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (64, 128, 256, 512),
        blocks: int = 4,
    ) -> None:
        super().__init__(channels)
        a, b, c, d = widths
        self.m_head = nn.Conv2d(channels + 1, a, 3, padding=1, bias=False)
        self.m_down1 = nn.Sequential(*_blocks(a, blocks), nn.Conv2d(a, b, 2, 2, bias=False))
        self.m_down2 = nn.Sequential(*_blocks(b, blocks), nn.Conv2d(b, c, 2, 2, bias=False))
        self.m_down3 = nn.Sequential(*_blocks(c, blocks), nn.Conv2d(c, d, 2, 2, bias=False))
        self.m_body = nn.Sequential(*_blocks(d, blocks))
        self.m_up3 = nn.Sequential(nn.ConvTranspose2d(d, c, 2, 2, bias=False), *_blocks(c, blocks))
        self.m_up2 = nn.Sequential(nn.ConvTranspose2d(c, b, 2, 2, bias=False), *_blocks(b, blocks))
        self.m_up1 = nn.Sequential(nn.ConvTranspose2d(b, a, 2, 2, bias=False), *_blocks(a, blocks))
        self.m_tail = nn.Conv2d(a, channels, 3, padding=1, bias=False)

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        head = self.m_head(torch.cat([image, sigma_map(image, sigma)], 1))
        half = self.m_down1(head)
        quarter = self.m_down2(half)
        eighth = self.m_down3(quarter)
        x = self.m_up3(self.m_body(eighth) + eighth)
        x = self.m_up2(x + quarter)
        x = self.m_up1(x + half)
        return self.m_tail(x + head)


class ResidualBlock(nn.Module):
    """x + C₂ ReLU(C₁ x), 3×3 convolutions without bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.res = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.res(x)


def _blocks(width: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(width) for _ in range(count)]
