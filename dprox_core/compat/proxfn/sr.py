"""Super-resolution, and what it is made of, under the names of the published reference."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dprox_core.compat.proxfn.measured import misr, sisr
from dprox_core.compat.utils.mosaics import single2tensor4
from dprox_core.errors import ShapeError

__all__ = ["misr", "p2o", "single2tensor4", "sisr", "splits", "upsample"]


def splits(a: torch.Tensor, sf: int) -> torch.Tensor:
    """The sf × sf blocks of pictures (N, C, H, W), one column of blocks after the other.

    Returns:
        (N, C, H/sf, W/sf, sf²).

    Raises:
        ShapeError: the sides are no multiples of sf.
    """
    height, width = a.shape[-2:]
    if height % sf or width % sf:
        raise ShapeError(
            f"splits takes pictures whose sides are multiples of {sf}, not {height} × {width}.",
            expected=f"multiples of {sf}",
            got=(height, width),
            where="a",
        )
    blocks = a.unflatten(-1, (sf, width // sf)).unflatten(-3, (sf, height // sf))
    # (…, block row, h, block column, w)
    return blocks.movedim((-2, -4), (-2, -1)).flatten(-2)


def upsample(x: torch.Tensor, sf: int = 3) -> torch.Tensor:
    """Pictures (N, C, H, W) with sf − 1 zeros after each pixel, along both sides."""
    found = x.new_zeros((*x.shape[:-2], x.shape[-2] * sf, x.shape[-1] * sf))
    found[..., ::sf, ::sf] = x
    return found


def p2o(psf: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """The transfer function of a kernel (N, C, h, w) whose middle is element n // 2.

    Args:
        psf: the kernel.
        shape: (H, W) of the pictures.
    """
    whole = psf.new_zeros((*psf.shape[:-2], *shape))
    whole[..., : psf.shape[-2], : psf.shape[-1]] = psf
    middle = [-(n // 2) for n in psf.shape[-2:]]
    return torch.fft.fft2(whole.roll(middle, (-2, -1)))
