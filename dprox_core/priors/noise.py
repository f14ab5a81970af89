"""How much noise a measurement holds, told from the measurement alone."""

from __future__ import annotations

import math

import torch

from dprox_core.arguments import as_image, in_range, refuse_unless

__all__ = ["FALLBACK", "estimate_noise", "refuse_level"]

FALLBACK = 2.55 / 255.0
"""What is assumed where the data cannot tell: a camera's noise in good light."""

# Second differences along both axes vanish on planes and saddles. Where gaps leave no such square
# of pixels, those along one axis serve, which see more of the texture.
_ROW = (1.0, -2.0, 1.0)
_SQUARE = {(i, j): a * b for i, a in enumerate(_ROW) for j, b in enumerate(_ROW)}
# The same turned by 45°: the nearest neighbours on a checkerboard, such as the green of a mosaic.
_DIAMOND = {(i + j, i - j + 2): a * b for i, a in enumerate(_ROW) for j, b in enumerate(_ROW)}
_ACROSS = {(0, j): a for j, a in enumerate(_ROW)}
_DOWN = {(i, 0): a for i, a in enumerate(_ROW)}
_MEDIAN = 0.6744897501960817  # median of |standard normal|
_BLOCK = 32
_ENOUGH = 256
Stencil = dict[tuple[int, int], float]
_CHOICES: tuple[tuple[Stencil, int], ...] = (
    (_SQUARE, 1),
    (_DIAMOND, 1),
    (_SQUARE, 2),
    (_ACROSS, 1),
    (_DOWN, 1),
    (_SQUARE, 3),
    (_SQUARE, 4),
    (_ACROSS, 2),
)


def refuse_level(function: str, sigma: object) -> None:
    """Refuse what is no noise level, and no tensor of them.

    Raises:
        ParameterError: it is no finite number from 0.
    """
    if isinstance(sigma, torch.Tensor) and not sigma.is_complex():
        fine = bool(((sigma >= 0.0) & sigma.isfinite()).all())
    else:
        fine = in_range(sigma, 0.0)
    refuse_unless(fine, function, "sigma", "a noise level, a number from 0 such as 0.05", sigma)


@torch.no_grad()
def estimate_noise(image: torch.Tensor, observed: torch.Tensor | None = None) -> float | None:
    """The standard deviation of the noise in an image.

    Second differences in both directions leave noise and little else; their median magnitude in
    the smoother blocks of the image, divided by that of a standard normal variable, is σ.

    Args:
        image: (..., H, W), real or complex; complex noise is measured per part.
        observed: nonzero where a pixel was measured, broadcastable to the image; differences are
            taken between measured pixels only, at the least distance where there are enough.

    Returns:
        σ in the image's units, None where too few pixels are neighbours.

    Example:
        >>> import torch, dprox_core as dp
        >>> 0.045 < dp.estimate_noise(dp.add_noise(torch.zeros(1, 1, 128, 128), sigma=0.05)) < 0.055
        True

    References:
        J. Immerkær, Fast Noise Variance Estimation, 1996; the median after D. Donoho, I.
        Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage, 1994.
    """
    image = as_image("estimate_noise", image)
    if image.ndim < 2:
        return None
    if image.is_complex():
        image = torch.view_as_real(image).movedim(-1, 0)
        if observed is not None:
            observed = observed[None].expand(image.shape) if observed.ndim else observed
    planes = image.double().cpu().reshape(-1, *image.shape[-2:])
    if observed is None:
        seen = torch.ones_like(planes, dtype=torch.bool)
    else:
        seen = (observed.cpu() != 0).expand(image.shape).reshape(planes.shape)
    enough = max(_ENOUGH, planes.numel() // 200)
    for stencil, stride in _CHOICES:
        values, whole = _differences(planes, seen, stencil, stride)
        if int(whole.sum()) >= enough:
            return _robust(values, whole)
    return None


def _differences(
    planes: torch.Tensor, seen: torch.Tensor, stencil: Stencil, stride: int
) -> tuple[torch.Tensor, torch.Tensor]:
    reach = [stride * max(place[axis] for place in stencil) for axis in (0, 1)]
    height, width = planes.shape[-2] - reach[0], planes.shape[-1] - reach[1]
    if height < 1 or width < 1:
        return planes[..., :0, :0], seen[..., :0, :0]
    total = planes.new_zeros((planes.shape[0], height, width))
    whole, everywhere = torch.ones_like(total, dtype=torch.bool), bool(seen.all())
    for (i, j), factor in stencil.items():
        part = (..., slice(i * stride, i * stride + height), slice(j * stride, j * stride + width))
        total.add_(planes[part], alpha=factor)
        if not everywhere:
            whole &= seen[part]
    length = math.sqrt(sum(factor**2 for factor in stencil.values()))
    return total / length, whole


def _robust(values: torch.Tensor, whole: torch.Tensor) -> float:
    """The lower quartile over blocks of the median magnitude, as a standard deviation."""
    sizes, levels = values.abs(), list[float]()
    for rows, marks in zip(sizes.split(_BLOCK, -2), whole.split(_BLOCK, -2), strict=True):
        for blocks, held in zip(_blocks(rows), _blocks(marks), strict=True):
            if bool(held.all()):
                if blocks.shape[-1] >= _BLOCK:
                    levels += blocks.median(-1).values.tolist()
                continue
            for block, mark in zip(blocks, held, strict=True):
                kept = block[mark]
                if kept.numel() >= _BLOCK:
                    levels.append(float(kept.median()))
    if len(levels) < 4:
        levels = [float(sizes[whole].median())]
    quartile = sorted(levels)[(len(levels) - 1) // 4]
    return quartile / _MEDIAN if math.isfinite(quartile) else 0.0


def _blocks(rows: torch.Tensor) -> list[torch.Tensor]:
    """Rows (planes, height, width) cut along the width: (blocks, pixels), and what is left over."""
    whole = rows.shape[-1] // _BLOCK * _BLOCK
    parts = (
        rows[..., :whole].unflatten(-1, (-1, _BLOCK)).movedim(-2, 1),
        rows[..., None, :, whole:],
    )
    return [p.reshape(-1, p.shape[-2] * p.shape[-1]) for p in parts if p.numel()]
