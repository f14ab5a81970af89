"""What every denoising network is: called with an image and a noise level, for any size."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dprox_core.errors import ParameterError, ShapeError

Net = TypeVar("Net", bound=nn.Module)

__all__ = ["Denoiser", "channels_last", "sigma_map"]


class Denoiser(nn.Module):
    """A network that estimates a clean image from a noisy one: x̂ = D(y, σ), y = x + σ·n.

    Sizes that the network's strides do not divide are padded at the bottom and right by repeating
    the edge, and cropped again. A network for one channel treats the channels of a colour image one
    by one.

    Attributes:
        channels: how many image channels the network was made for, 1 or 3.
        multiple: height and width that the network itself sees are multiples of this.
        blind: True where the network does not read the noise level.

    Reference:
        Zhang, Zuo, Chen, Meng and Zhang, "Beyond a Gaussian denoiser", IEEE TIP 2017.
    """

    multiple: int = 1
    blind: bool = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, image: Tensor, sigma: float | Tensor) -> Tensor:
        """Denoise a batch.

        Args:
            image: (B, C, H, W), values usually 0…1; C is the network's, or anything if that is 1.
            sigma: standard deviation of the noise in the image's units, one number or (B,).

        Returns:
            The estimate, shaped like ``image``.

        Raises:
            ShapeError: the image is not a batch of pictures with the network's channels, or
                ``sigma`` holds neither one value nor one for each picture.
            ParameterError: ``sigma`` is negative or not finite.
        """
        if image.dim() != 4:
            raise ShapeError(
                f"A denoising network takes a batch shaped (B, C, H, W); this image is shaped "
                f"{tuple(image.shape)}. Add the missing axes with image[None].",
                expected="(B, C, H, W)",
                got=tuple(image.shape),
                where="image",
            )
        batch, channels, height, width = image.shape
        level = _levels(sigma, image)
        split = self.channels == 1 and channels != 1
        if split:
            image = image.reshape(batch * channels, 1, height, width)
            if level.numel() > 1:
                level = level.repeat_interleave(channels)
        elif channels != self.channels:
            raise ShapeError(
                f"This network was made for images with {self.channels} channels and the image "
                f"has {channels}: take the grey network of the same family, or convert the image.",
                expected=self.channels,
                got=channels,
                where="image",
            )
        bottom, right = -height % self.multiple, -width % self.multiple
        padded = F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image
        out = self.restore(padded, level.view(-1, 1, 1, 1))[..., :height, :width]
        return out.reshape(batch, channels, height, width) if split else out

    def restore(self, image: Tensor, sigma: Tensor) -> Tensor:
        """The network itself, on sizes it can take; ``sigma`` is (1, 1, 1, 1) or (B, 1, 1, 1)."""
        raise NotImplementedError


def _levels(sigma: float | Tensor, image: Tensor) -> Tensor:
    level = torch.as_tensor(sigma, dtype=image.dtype, device=image.device).reshape(-1)
    if level.numel() not in (1, image.shape[0]):
        raise ShapeError(
            f"sigma holds {level.numel()} values for a batch of {image.shape[0]}: give one "
            "number, or one for each picture.",
            expected=f"1 or {image.shape[0]} values",
            got=level.numel(),
            where="sigma",
        )
    if not isinstance(sigma, Tensor) and not (0 <= float(sigma) < float("inf")):
        raise ParameterError(
            f"sigma is a standard deviation and cannot be {sigma}: give a number from 0 up, "
            "such as 25/255.",
            expected="≥ 0",
            got=sigma,
            where="sigma",
        )
    return level


def sigma_map(image: Tensor, sigma: Tensor) -> Tensor:
    """The noise level as one constant image channel, (B, 1, H, W), to stand beside ``image``."""
    return sigma.to(image.dtype).expand(image.shape[0], 1, *image.shape[-2:])


def channels_last(net: Net) -> Net:
    """The same network with its weights laid out for the faster convolutions on a CPU."""
    return net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
