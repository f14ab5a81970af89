"""From a tensor to the picture that a person sees of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from app.engine.protocol import NodeImage

__all__ = ["Picture", "draw", "node_image", "picture_of"]

_LARGEST = 4_000_000  # pixels of a picture that is handed over; more are averaged over blocks
_THUMBNAIL = 256  # the longer side of a thumbnail
_STRIP = 32  # rows
# Complex values whose largest is so many times the median are a spectrum; its thumbnail shows so
# many powers of ten.
_SPECTRAL, _DECADES = 50.0, 3.0


class Picture(NamedTuple):
    """A picture ``(C, H, W)`` with one or three channels, and by how much it was made smaller."""

    values: torch.Tensor
    reduction: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array that shows it: ``(H, W)`` or ``(H, W, 3)``."""
        channels, height, width = self.values.shape
        return (height, width) if channels == 1 else (height, width, channels)


def picture_of(value: object, largest: int = _LARGEST) -> Picture | None:
    """The picture of a value, or None if it is not an image.

    An image is a tensor ``(..., H, W)``. Of a batch the first sample is shown; three channels are
    colour, of any other number the first is shown. Complex values and gradients (a last axis of
    length 2 after five or more) are shown by their modulus.
    """
    if not isinstance(value, torch.Tensor) or value.dim() < 2 or value.numel() == 0:
        return None
    image = value.detach()
    if image.dim() > 4 and image.shape[-1] == 2:
        image = torch.linalg.vector_norm(image, dim=-1)
    while image.dim() > 3:
        image = image[0]
    if image.dim() == 2:
        image = image[None]
    if image.shape[0] != 3:
        image = image[:1]
    if image.is_complex():
        image = image.abs()
    image = image.to(torch.float32)
    height, width = image.shape[-2:]
    reduction = 1
    while -(-height // reduction) * -(-width // reduction) > largest:
        reduction += 1
    return Picture(_averaged(image, reduction), reduction)


def _averaged(image: torch.Tensor, block: int) -> torch.Tensor:
    if block == 1:
        return image
    return torch.nn.functional.avg_pool2d(image[None], block, ceil_mode=True)[0]


def draw(picture: Picture, display: npt.NDArray[np.uint8], values: npt.NDArray[np.float32]) -> None:
    """Write a picture into arrays of its shape: as bytes for 0…1, and as it is."""
    image = _pixels(picture.values.cpu())
    shown, kept = torch.from_numpy(display), torch.from_numpy(values)
    # In strips that stay in the processor's cache: a third of the time of whole images.
    for start in range(0, image.shape[0], _STRIP):
        strip = kept[start : start + _STRIP]
        strip.copy_(image[start : start + _STRIP])
        levels = strip.mul(255.0).add_(0.5).clamp_(0.0, 255.0).nan_to_num_(nan=0.0)
        shown[start : start + _STRIP].copy_(levels)


def _pixels(image: torch.Tensor) -> torch.Tensor:
    return image[0] if image.shape[0] == 1 else image.permute(1, 2, 0)


def _array(image: torch.Tensor) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = _pixels(image).contiguous().cpu().numpy()
    return array


def _phase(value: torch.Tensor, picture: Picture) -> npt.NDArray[np.float32]:
    """The phase of what the picture shows the modulus of; of a block, that of its first pixel."""
    image = value.detach()
    if not image.is_complex():
        return np.empty((0, 0), np.float32)
    while image.dim() > 2:
        image = image[0]
    block = picture.reduction
    angle: npt.NDArray[np.float32] = image[::block, ::block].angle().to(torch.float32).cpu().numpy()
    return np.ascontiguousarray(angle)


def _thumbnail(values: torch.Tensor, is_complex: bool) -> npt.NDArray[np.float32]:
    """The picture made small; a spectrum, of which one would see a single dot, in decibels."""
    small = _averaged(values, -(-max(values.shape[-2:]) // _THUMBNAIL))
    peak = small.max()
    if (
        is_complex
        and bool(torch.isfinite(peak))
        and float(peak) > _SPECTRAL * float(small.median())
    ):
        small = 1.0 + torch.log10(small / peak + 10.0**-_DECADES) / _DECADES
    return _array(small)


def node_image(run: int, node: str, value: object) -> NodeImage | None:
    """The message that shows the value of a node, or None if it is not an image."""
    picture = picture_of(value)
    if picture is None or not isinstance(value, torch.Tensor):
        return None
    finite = picture.values[torch.isfinite(picture.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 0.0)
    return NodeImage(
        run=run,
        node=node,
        array=_thumbnail(picture.values, value.is_complex()),
        full=_array(picture.values),
        reduction=picture.reduction,
        low=low,
        high=high,
        shape=tuple(value.shape),
        dtype=str(value.dtype).removeprefix("torch."),
        phase=_phase(value, picture),
    )
