"""The U-Net denoiser of the tuning-free plug-and-play release."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dprox_core.priors.denoisers.base import Denoiser, sigma_map

__all__ = ["UNet"]


class UNet(Denoiser):
    """A U-Net over five scales, three convolutions at each, noise level as a further channel.

    x̂ = y + U(y, σ): max pooling down, bilinear interpolation up, skips joined as channels, leaky
    ReLU of slope 0.2.

    Args:
        channels: 1 for grey images, 3 for colour.
        widths: feature channels at the five scales; (32, 64, 128, 256, 512) in the release.

    Shapes:
        image (B, channels, H, W) of any size, sigma a number or (B,); the result is like the image.

    Example:
        >>> import torch
        >>> from dprox_core.priors.denoisers.unet import UNet
        >>> UNet(channels=1, widths=(4, 4, 4, 4, 4))(torch.zeros(1, 1, 17, 20), 0.1).shape
        torch.Size([1, 1, 17, 20])

    Reference:
        Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015; as a denoiser: Wei, Aviles-Rivero,
        Liang, Fu, Schönlieb and Huang, "Tuning-free plug-and-play proximal algorithm for inverse
        imaging problems", ICML 2020.
    """

    multiple = 16

    def __init__(self, channels: int = 1, widths: Sequence[int] = (32, 64, 128, 256, 512)) -> None:
        super().__init__(channels)
        a, b, c, d, e = widths
        self.inc = _Scale(channels + 1, a)
        self.down1, self.down2 = _Down(a, b), _Down(b, c)
        self.down3, self.down4 = _Down(c, d), _Down(d, e)
        self.up1, self.up2 = _Scale(d + e, d), _Scale(c + d, c)
        self.up3, self.up4 = _Scale(b + c, b), _Scale(a + b, a)
        # The release names it outc.conv.
        self.outc = nn.Sequential(OrderedDict[str, nn.Module](conv=nn.Conv2d(a, channels, 1)))

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        skips = [self.inc(torch.cat([image, sigma_map(image, sigma)], 1))]
        for down in (self.down1, self.down2, self.down3, self.down4):
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in (self.up1, self.up2, self.up3, self.up4):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = up(torch.cat([skips.pop(), x], 1))
        return image + self.outc(x)


def _convolutions(before: int, after: int) -> nn.Sequential:
    # The names are those of the public file: conv-0.conv2d.weight and so on.
    layers = OrderedDict[str, nn.Module]()
    for index in range(3):
        conv = nn.Conv2d(before if index == 0 else after, after, 3, padding=1)
        layers[f"conv-{index}"] = nn.Sequential(
            OrderedDict[str, nn.Module](conv2d=conv, act=nn.LeakyReLU(0.2))
        )
    return nn.Sequential(layers)


class _Scale(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = _convolutions(before, after)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Down(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.mpconv = nn.Sequential(nn.MaxPool2d(2), _convolutions(before, after))

    def forward(self, x: Tensor) -> Tensor:
        return self.mpconv(x)
