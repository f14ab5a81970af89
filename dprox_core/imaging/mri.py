"""What stands between an image and a scanner's measurements: which frequencies, which coils."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from dprox_core.arguments import in_range, refuse_unless, whole_number
from dprox_core.imaging.simulate import plane, seeded
from dprox_core.sessions import default_device

__all__ = ["coil_maps", "fourier_mask"]

_PATTERNS = ("points", "lines", "radial")
# Turned by it from spoke to spoke, any number of spokes is spread evenly.
_GOLDEN_ANGLE = math.pi * (math.sqrt(5.0) - 1.0) / 2.0


def fourier_mask(
    shape: Sequence[int],
    keep: float = 0.3,
    pattern: str = "points",
    centre: float = 0.08,
    seed: int = 0,
) -> torch.Tensor:
    """Which frequencies a scanner measures: all low ones, ever fewer towards the high ones.

    Points and lines are drawn without replacement with weights (1 − r)³, where r goes from 0 at
    the frequency zero to 1 at the highest; radial spokes are turned by the golden angle.

    Args:
        shape: the image's shape, (..., H, W).
        keep: the share of frequencies measured, above 0, at most 1.
        pattern: "points" anywhere, "lines" from top to bottom, or "radial" spokes.
        centre: the share of each axis around the frequency zero that is measured whole, 0…1, as
            far as ``keep`` allows.
        seed: any whole number from 0; the same seed gives the same mask.

    Returns:
        The mask (1, ..., 1, H, W) of ones and zeros, the frequency zero at [0, 0], float32, on the
        session's device.

    Raises:
        ParameterError: a number is out of range, or the pattern is none of these.
        ShapeError: the shape has fewer than two axes.

    Example:
        >>> import dprox_core as dp
        >>> mask = dp.fourier_mask((1, 1, 40, 50), keep=0.25)
        >>> float(mask.mean()), float(mask[0, 0, 0, 0])
        (0.25, 1.0)

    References:
        M. Lustig, D. Donoho, J. M. Pauly, Sparse MRI, 2007, section 4; S. Winkelmann et al., An
        optimal radial profile order based on the golden ratio, 2007.
    """
    for name, value, low in (("keep", keep, 1e-9), ("centre", centre, 0.0)):
        refuse_unless(in_range(value, low, 1.0), "fourier_mask", name, "between 0 and 1", value)
    words = '"points", "lines" or "radial"'
    refuse_unless(pattern in _PATTERNS, "fourier_mask", "pattern", words, pattern)
    size = plane("fourier_mask", shape)
    rows, columns = (torch.fft.fftfreq(n, dtype=torch.float64).abs() * 2 for n in size[-2:])
    if pattern == "radial":
        mask = _spokes(size[-2], size[-1], keep)
    elif pattern == "lines":
        mask = _drawn(columns, columns < centre, keep, seed).expand(size[-2:])
    else:
        distance = torch.hypot(rows[:, None], columns[None, :]) / math.sqrt(2.0)
        low = (rows[:, None] < centre) & (columns[None, :] < centre)
        mask = _drawn(distance, low, keep, seed)
    mask = mask.to(torch.float32).reshape((1,) * (len(size) - 2) + size[-2:])
    return mask.contiguous().to(default_device())


def coil_maps(shape: Sequence[int], coils: int = 4) -> torch.Tensor:
    """Smooth sensitivities of receiver coils that stand in a ring around the image.

    Each is a Gaussian around its coil with a phase that grows away from it; their squares add up
    to one at every pixel: Σ_c |s_c|² = 1.

    Args:
        shape: the image's shape, (..., H, W).
        coils: how many there are, from 1.

    Returns:
        The maps (coils, H, W), complex64, on the session's device.

    Raises:
        ParameterError: there is no coil.
        ShapeError: the shape has fewer than two axes.

    Example:
        >>> import dprox_core as dp
        >>> maps = dp.coil_maps((1, 1, 8, 8), coils=6)
        >>> tuple(maps.shape), round(float((maps.abs() ** 2).sum(0).mean()), 4)
        ((6, 8, 8), 1.0)

    References:
        K. P. Pruessmann, M. Weiger, M. B. Scheidegger, P. Boesiger, SENSE: sensitivity encoding
        for fast MRI, 1999.
    """
    whole_number("coil_maps: the number of coils", coils, "coils")
    height, width = plane("coil_maps", shape)[-2:]
    down = torch.linspace(-1, 1, height, dtype=torch.float64)[:, None]
    across = torch.linspace(-1, 1, width, dtype=torch.float64)[None, :]
    maps = []
    for index in range(coils):
        angle = 2.0 * math.pi * index / coils
        y, x = down - 1.2 * math.sin(angle), across - 1.2 * math.cos(angle)
        magnitude = torch.exp(-(y.square() + x.square()) / 1.5)
        phase = 0.6 * (y * math.sin(angle) + x * math.cos(angle)) + angle
        maps.append(torch.polar(magnitude, phase))
    stacked = torch.stack(maps)
    total = stacked.abs().square().sum(dim=0).sqrt()
    return (stacked / total).to(dtype=torch.complex64, device=default_device())


def _drawn(distance: torch.Tensor, low: torch.Tensor, keep: float, seed: int) -> torch.Tensor:
    """The wanted share of places: the low ones, then others by weight, without replacement."""
    low = low.clone()
    low[(0,) * low.ndim] = True
    uniform = torch.rand(distance.shape, generator=seeded("fourier_mask", seed)).double()
    # Efraimidis and Spirakis (2006): the largest of u^(1/w) are a sample with weights w.
    weights = (1.0 - distance).clamp_min(0.0) ** 3 + 1e-3
    order = torch.log(uniform.clamp_min(1e-12)) / weights
    # Before all others; where there are too many, the lowest.
    order[low] = 2.0 - distance[low]
    count = max(1, round(keep * distance.numel()))
    mask = torch.zeros(distance.numel())
    mask[order.flatten().topk(count).indices] = 1.0
    return mask.reshape(distance.shape)


def _spokes(height: int, width: int, keep: float) -> torch.Tensor:
    """Spokes through the frequency zero until the share is reached; the zero at [0, 0]."""
    mask = torch.zeros(height, width)
    reach = torch.linspace(-0.5, 0.5, 2 * max(height, width) + 1, dtype=torch.float64)
    spoke = 0
    while mask.mean() < keep and spoke < 4 * max(height, width):
        angle = spoke * _GOLDEN_ANGLE
        # As long as the square of frequencies reaches in this direction.
        along = reach / max(abs(math.sin(angle)), abs(math.cos(angle)))
        rows = torch.round(along * math.sin(angle) * height).long() % height
        columns = torch.round(along * math.cos(angle) * width).long() % width
        mask[rows, columns] = 1.0
        spoke += 1
    return mask
