"""A U-Net from pictures to pictures."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from dprox_core.priors.denoisers.unet import _Down, _Scale

__all__ = ["U_Net"]


class U_Net(nn.Module):
    """A U-Net over five scales, for pictures of any size.

    Args:
        in_ch: channels of the input.
        out_ch: channels of the output.
        widths: feature channels at the five scales.

    References:
        O. Ronneberger, P. Fischer, T. Brox, U-Net: Convolutional Networks for Biomedical Image
        Segmentation, 2015.
    """

    def __init__(
        self,
        in_ch: int = 3,
        out_ch: int = 3,
        widths: tuple[int, ...] = (64, 128, 256, 512, 1024),
    ) -> None:
        super().__init__()
        self.first = _Scale(in_ch, widths[0])
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(_Down(a, b) for a, b in pairs)
        self.up = nn.ModuleList(_Scale(a + b, a) for a, b in reversed(pairs))
        self.last = nn.Conv2d(widths[0], out_ch, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The picture made of a picture (B, in_ch, H, W)."""
        rows, columns = x.shape[-2:]
        multiple = 2 ** len(self.down)
        x = functional.pad(x, (0, -columns % multiple, 0, -rows % multiple), mode="replicate")
        skips = [self.first(x)]
        for down in self.down:
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in self.up:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = up(torch.cat([skips.pop(), x], 1))
        image: torch.Tensor = self.last(x)
        return image[..., :rows, :columns]
