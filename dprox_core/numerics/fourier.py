"""Two-dimensional Fourier transforms over the last two axes, and products of spectra.

Measured with torch 2.13 and MKL: transforms give the same bits on any number of threads, complex
multiplication does not (its vectorized middle uses fused multiply-add, its scalar tail does not,
and where the tail lies depends on the number of threads). So spectra are multiplied here in real
arithmetic, where each operation rounds alike in both places.
"""

from __future__ import annotations

import torch

__all__ = ["forward", "inverse", "multiply", "paired", "real_pairs", "spectrum_shape"]

# Pixels of an image from which on the inverse copies between its two transforms.
_TURNED = 65536
_LEAST_SIDE = 128


def forward(image: torch.Tensor, full: bool) -> torch.Tensor:
    """The spectrum over the last two axes: all frequencies, or the half that real images need."""
    return torch.fft.fft2(image) if full else torch.fft.rfft2(image)


def inverse(
    spectrum: torch.Tensor,
    size: tuple[int, int],
    full: bool,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The image (..., H, W) with this spectrum; the inverse of ``forward``."""
    if full:
        return torch.fft.ifft2(spectrum, out=out)
    if not _worth_turning(spectrum, size, out):
        return torch.fft.irfft2(spectrum, s=size, out=out)
    if out is None:
        real = spectrum.real.dtype
        out = torch.empty((*spectrum.shape[:-2], *size), dtype=real, device=spectrum.device)
    images = spectrum.reshape(-1, *spectrum.shape[-2:])
    for image, target in zip(images, out.view(-1, *size), strict=True):
        _turned(image, size, target)
    return out


def _turned(spectrum: torch.Tensor, size: tuple[int, int], out: torch.Tensor) -> torch.Tensor:
    """irfft2 of one spectrum, copied between its two transforms.

    The first leaves each column in one piece, and the second is so slow on rows that are not that
    copying them takes less: at 512² two thirds of ``irfft2``'s time, at 1024² × 3 a quarter.
    """
    columns = torch.fft.ifft(spectrum, dim=-2)
    return torch.fft.irfft(columns.contiguous(), n=size[1], dim=-1, out=out)


def _worth_turning(spectrum: torch.Tensor, size: tuple[int, int], out: torch.Tensor | None) -> bool:
    """Whether images are large enough that the copy pays; threads share small ones out better.

    Rows of 64 would be transformed by several threads to other bits than by one.
    """
    least = _TURNED if torch.get_num_threads() == 1 else 4 * _TURNED
    return (
        size[0] * size[1] >= least
        and min(size) >= _LEAST_SIDE
        and spectrum.device.type == "cpu"
        and spectrum.shape[-2] == size[0]
        and not (spectrum.requires_grad and torch.is_grad_enabled())
        and (out is None or out.is_contiguous())
    )


def spectrum_shape(size: tuple[int, int], full: bool) -> tuple[int, int]:
    """How many frequencies ``forward`` gives along each axis for images of this size."""
    return size if full else (size[0], size[1] // 2 + 1)


def multiply(a: torch.Tensor, b: torch.Tensor, conjugate_b: bool = False) -> torch.Tensor:
    """a · b, or a · conj(b), the same bits on any number of threads; either may be real."""
    if not a.is_complex() and not b.is_complex():
        return a * b
    if not b.is_complex():
        return torch.view_as_complex(real_pairs(a) * b.unsqueeze(-1))
    if not a.is_complex():
        return torch.view_as_complex(real_pairs(b.conj() if conjugate_b else b) * a.unsqueeze(-1))
    a_re, a_im, b_re, b_im = a.real, a.imag, b.real, b.imag
    if conjugate_b:
        return torch.complex(a_re * b_re + a_im * b_im, a_im * b_re - a_re * b_im)
    return torch.complex(a_re * b_re - a_im * b_im, a_im * b_re + a_re * b_im)


def real_pairs(spectrum: torch.Tensor) -> torch.Tensor:
    """A complex tensor seen as real, with a last axis (real, imaginary)."""
    return torch.view_as_real(spectrum.resolve_conj())


def paired(factors: torch.Tensor) -> torch.Tensor:
    """Real factors beside the numbers of ``real_pairs``: repeating them on the fly takes four times
    as long."""
    if factors.requires_grad:
        return factors.unsqueeze(-1).expand(*factors.shape, 2)
    return torch.view_as_real(torch.complex(factors, factors))
