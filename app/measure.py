"""Numbers about pictures: difference, spectrum, statistics, profiles, PSNR, SSIM. Plain NumPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating]
else:
    np = late("numpy")


__all__ = [
    "Statistics",
    "common",
    "difference",
    "histogram",
    "profile",
    "psnr",
    "spectrum",
    "ssim",
    "statistics",
]


@dataclass(frozen=True)
class Statistics:
    """What is said about a region."""

    count: int
    mean: float
    deviation: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """One line."""
        return (
            f"{self.count} px  ·  mean {self.mean:.4g}  ·  σ {self.deviation:.4g}  ·  "
            f"{self.low:.4g} … {self.high:.4g}"
        )


def common(a: Array, b: Array) -> tuple[Array, Array] | None:
    """Two pictures in one shape: a grey one meets a colour one in each channel.

    Returns:
        None where height or width differ: there is no pixel to compare with which.
    """
    if a.shape[:2] != b.shape[:2]:
        return None
    if a.ndim != b.ndim:
        a = a if a.ndim == 3 else np.repeat(a[..., None], b.shape[2], axis=2)
        b = b if b.ndim == 3 else np.repeat(b[..., None], a.shape[2], axis=2)
    return a, b


def difference(a: Array, b: Array) -> Array | None:
    """a − b, signed; colours are averaged, so that the sign stays one. None if sizes differ."""
    pair = common(a, b)
    if pair is None:
        return None
    found = pair[0] - pair[1]
    return found.mean(axis=2) if found.ndim == 3 else found


def spectrum(data: Array) -> Array:
    """log₁₀(1 + |F|) of the centred discrete Fourier transform, channels averaged, from 0 to 1."""
    grey = data.mean(axis=2) if data.ndim == 3 else data
    grey = np.nan_to_num(np.asarray(grey, dtype=np.float64))
    found = np.log10(1.0 + np.abs(np.fft.fftshift(np.fft.fft2(grey))))
    top = float(found.max())
    return (found / top if top > 0 else found).astype(np.float32)


def statistics(region: Array) -> Statistics:
    """Mean, standard deviation and range of the finite values of a region."""
    values = np.asarray(region)[np.isfinite(region)]
    count = int(np.prod(region.shape[:2]))
    if values.size == 0:
        return Statistics(count, math.nan, math.nan, math.nan, math.nan)
    return Statistics(
        count, float(values.mean()), float(values.std()), float(values.min()), float(values.max())
    )


def profile(
    data: Array, start: tuple[float, float], end: tuple[float, float]
) -> tuple[Array, Array]:
    """Values along a line between two points (row, column), one sample a pixel, bilinear.

    Returns:
        The distance from the start in pixels ``(N,)`` and the values ``(N,)`` or ``(N, C)``.
    """
    height, width = data.shape[:2]
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    count = max(2, int(length) + 1)
    rows = np.clip(np.linspace(start[0], end[0], count), 0, height - 1)
    columns = np.clip(np.linspace(start[1], end[1], count), 0, width - 1)
    top = np.minimum(rows.astype(int), max(height - 2, 0))
    left = np.minimum(columns.astype(int), max(width - 2, 0))
    down, across = rows - top, columns - left
    if data.ndim == 3:
        down, across = down[:, None], across[:, None]
    below, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    values = (
        data[top, left] * (1 - down) * (1 - across)
        + data[below, left] * down * (1 - across)
        + data[top, right] * (1 - down) * across
        + data[below, right] * down * across
    )
    return np.linspace(0.0, length, count), values


def histogram(data: Array, bins: int = 128) -> tuple[NDArray[np.int64], float, float]:
    """Counts of the finite values between the smallest and the largest, and those two."""
    values = data[np.isfinite(data)]
    if values.size == 0:
        return np.zeros(bins, dtype=np.int64), 0.0, 1.0
    if values.size > 500_000:  # a histogram of every n-th pixel looks the same
        values = values[:: values.size // 250_000]
    low, high = float(values.min()), float(values.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(values, bins, (low, high))
    return counts.astype(np.int64), low, high


def psnr(a: Array, b: Array) -> float | None:
    """Peak signal-to-noise ratio for a peak of 1, in dB; infinite for equal pictures."""
    pair = common(a, b)
    if pair is None:
        return None
    error = float(np.mean((pair[0].astype(np.float64) - pair[1]) ** 2))
    return math.inf if error == 0 else -10.0 * math.log10(error)


def _box(data: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Means over windows of ``size`` × ``size``, where they lie inside."""
    total = np.pad(data, ((1, 0), (1, 0), (0, 0))).cumsum(0).cumsum(1)
    found: NDArray[np.float64] = (
        total[size:, size:] - total[:-size, size:] - total[size:, :-size] + total[:-size, :-size]
    ) / size**2
    return found


def ssim(a: Array, b: Array, size: int = 7) -> float | None:
    """Structural similarity with uniform windows, for a peak of 1; channels averaged.

    Reference: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, Image quality assessment:
    from error visibility to structural similarity, IEEE Trans. Image Processing 13(4), 2004, (13).
    """
    pair = common(a, b)
    if pair is None or min(a.shape[:2]) < size:
        return None
    x, y = (np.asarray(p, dtype=np.float64) for p in pair)
    if x.ndim == 2:
        x, y = x[..., None], y[..., None]
    unbiased = size**2 / (size**2 - 1)
    mx, my = _box(x, size), _box(y, size)
    vx = unbiased * (_box(x * x, size) - mx * mx)
    vy = unbiased * (_box(y * y, size) - my * my)
    vxy = unbiased * (_box(x * y, size) - mx * my)
    c1, c2 = 0.01**2, 0.03**2
    found = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(found.mean())
