"""Large images in pieces that meet without a seam."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

__all__ = ["reach", "tiled"]

Denoise = Callable[[Tensor], Tensor]

_PROBE = 320


def tiled(denoise: Denoise, image: Tensor, size: int, overlap: int, multiple: int = 8) -> Tensor:
    """Denoise an image piece by piece.

    Each piece is denoised with ``overlap`` more pixels on every side, which are thrown away. Where
    the denoiser sees no further than that, the result is that of the whole image.

    Args:
        denoise: image → image, same shape.
        image: (B, C, H, W).
        size: side of a piece without its overlap.
        overlap: pixels around it.
        multiple: pieces start at multiples of this, so that strides fall alike.

    Returns:
        The denoised image.
    """
    height, width = image.shape[-2:]
    if height <= size + overlap and width <= size + overlap:
        return denoise(image)
    step = max(multiple, size // multiple * multiple)
    margin = -(-overlap // multiple) * multiple
    rows = []
    for top, bottom, first, last in _pieces(height, step, margin):
        columns = []
        for left, right, start, end in _pieces(width, step, margin):
            piece = denoise(image[..., first:last, start:end])
            columns.append(piece[..., top - first : bottom - first, left - start : right - start])
        rows.append(torch.cat(columns, -1))
    return torch.cat(rows, -2)


def _pieces(extent: int, step: int, margin: int) -> Iterator[tuple[int, int, int, int]]:
    """(begin, end, begin with margin, end with margin) along one axis."""
    for begin in range(0, extent, step):
        end = min(begin + step, extent)
        yield begin, end, max(0, begin - margin), min(extent, end + margin)


def reach(network: nn.Module, channels: int, multiple: int, floor: float = 1e-3) -> int:
    """How far a network sees: at this distance no pixel moves another by more than ``floor``.

    Measured by the gradient of one pixel of the result with respect to the input, on noise, as the
    distance outside of which the gradient's absolute sum is below ``floor`` of the whole.

    Args:
        network: called with (image, sigma).
        channels: of the image.
        multiple: the result is rounded up to a multiple of this.
        floor: share of the whole that counts as nothing.

    Returns:
        A distance in pixels.
    """
    generator = torch.Generator().manual_seed(0)
    held = next(network.parameters(), torch.zeros(()))
    probe = torch.rand((1, channels, _PROBE, _PROBE), generator=generator).to(held)
    probe.requires_grad_(True)
    with torch.enable_grad():
        centre = network(probe, 0.1)[..., _PROBE // 2, _PROBE // 2].sum()
        (slope,) = torch.autograd.grad(centre, probe)
    size = slope[0].abs().sum(0)
    ring = torch.arange(_PROBE, device=size.device) - _PROBE // 2
    distance = torch.maximum(ring.abs()[:, None], ring.abs()[None, :])
    share = torch.bincount(distance.flatten(), size.flatten().double()).flip(0).cumsum(0).flip(0)
    beyond = share > floor * float(share[0])
    far = int(beyond.nonzero().max()) + 1
    return -(-far // multiple) * multiple
