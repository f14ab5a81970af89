"""Kernels and their spectra as NumPy arrays, under the names of the published reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dprox_core.errors import ParameterError, ShapeError

__all__ = ["circshift", "padarray", "psf2otf"]


def circshift(array: np.ndarray, shift: Sequence[int]) -> np.ndarray:
    """The array moved by so many elements along each axis, around the end."""
    return np.roll(array, tuple(shift), tuple(range(len(shift))))


def padarray(array: np.ndarray, padsize: Sequence[int], direction: str = "post") -> np.ndarray:
    """The array with so many zeros along each axis.

    Args:
        array: any array.
        padsize: how many, for each of the first axes.
        direction: "post" for behind, "pre" for in front, "both" for either side.
    """
    sides = {"post": (0, 1), "pre": (1, 0), "both": (1, 1)}
    if direction not in sides:
        raise ParameterError(
            f'padarray: direction is "post", "pre" or "both", not {direction!r}.',
            expected=list(sides),
            got=direction,
            where="direction",
        )
    front, behind = sides[direction]
    widths = [(front * n, behind * n) for n in padsize]
    return np.pad(array, widths + [(0, 0)] * (array.ndim - len(widths)))


def psf2otf(psf: np.ndarray, outsize: Sequence[int]) -> np.ndarray:
    """The spectrum of a kernel whose middle, (h // 2, w // 2), is the origin.

    Args:
        psf: (h, w), or (h, w, C).
        outsize: (H, W), or (H, W, C), at least as large.
    """
    psf = np.asarray(psf)
    rows, columns = int(outsize[0]), int(outsize[1])
    if psf.shape[0] > rows or psf.shape[1] > columns:
        raise ShapeError(
            f"psf2otf: a kernel of {psf.shape[:2]} does not fit in {(rows, columns)}.",
            expected=f"at most {(rows, columns)}",
            got=psf.shape,
            where="psf",
        )
    padded = padarray(psf, (rows - psf.shape[0], columns - psf.shape[1]))
    middle = (-(psf.shape[0] // 2), -(psf.shape[1] // 2))
    spectrum = np.fft.fft2(circshift(padded, middle), axes=(0, 1))
    wanted = (rows, columns, *outsize[2:]) if psf.ndim == 3 else (rows, columns)
    return np.broadcast_to(spectrum, wanted).copy()
