"""Two-dimensional Fourier transforms over the last two axes, and products of spectra.

Measured with torch 2.13 and MKL: transforms give the same bits on any number of threads, complex
multiplication does not (its vectorized middle uses fused multiply-add, its scalar tail does not,
and where the tail lies depends on the number of threads). So spectra are multiplied here in parts
that are too short for torch to share them out among threads: at 512² in a fifth of the time that
real arithmetic takes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

__all__ = [
    "forward",
    "forward_in_columns",
    "in_columns",
    "inverse",
    "multiply",
    "paired",
    "real_pairs",
    "spectrum_shape",
    "worth_columns",
]

# Pixels of an image from which on the inverse copies between its two transforms, and of images of
# which there are several from which on each is transformed by itself.
_TURNED, _APART = 65536, 524288
_LEAST_SIDE = 128
# Columns of so many numbers, or a multiple, begin at addresses that share a few lines of the cache.
_CROWDED = 128
# Numbers between two columns that no longer crowd.
_GAP = 8
# Numbers that torch multiplies by one thread, however many there are: fewer than its grain, 32768.
_AT_ONCE = 16384


def forward(image: torch.Tensor, full: bool) -> torch.Tensor:
    """The spectrum over the last two axes: all frequencies, or the half that real images need."""
    return torch.fft.fft2(image) if full else torch.fft.rfft2(image)


def forward_in_columns(image: torch.Tensor) -> torch.Tensor:
    """The half spectrum of real images, each of its columns in one piece; the same bits.

    ``inverse`` takes these in three quarters of the time, where all beside them lies so as well.
    """
    return torch.fft.fft(torch.fft.rfft(image, dim=-1), dim=-2)


def in_columns(values: torch.Tensor) -> torch.Tensor:
    """The same values, each column in one piece."""
    return values.transpose(-1, -2).contiguous().transpose(-1, -2)


def inverse(
    spectrum: torch.Tensor,
    size: tuple[int, int],
    full: bool,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """The image (..., H, W) with this spectrum; the inverse of ``forward``."""
    if full:
        return torch.fft.ifft2(spectrum, out=out)
    turn = several = False
    if _by_images(spectrum, size, out):
        turn = _worth_turning(spectrum.dtype, size)
        several = size[0] * size[1] >= _APART and spectrum.shape[:-2].numel() > 1
    if not (turn or several):
        return torch.fft.irfft2(spectrum, s=size, out=out)
    if out is None:
        real = spectrum.real.dtype
        out = torch.empty((*spectrum.shape[:-2], *size), dtype=real, device=spectrum.device)
    if turn and spectrum.shape[:-2].numel() == 1:
        return _turned(spectrum, size, out)
    images, targets = spectrum.reshape(-1, *spectrum.shape[-2:]), out.view(-1, *size)
    for image, target in zip(images, targets, strict=True):
        if turn:
            _turned(image, size, target)
        else:
            torch.fft.irfft2(image, s=size, out=target)
    return out


def _turned(spectrum: torch.Tensor, size: tuple[int, int], out: torch.Tensor) -> torch.Tensor:
    """irfft2 of one spectrum, copied between its two transforms.

    The first leaves each column in one piece, and the second is slow on rows that are not. Where
    columns lie at multiples of 1024 bytes they crowd into a few lines of the cache, and a plain
    copy takes four times as long as it should. One thread copies a matrix, of two axes, in tiles,
    which several cannot share; they do with a copy in between whose columns lie further apart.
    """
    columns = torch.fft.ifft(spectrum, dim=-2)
    height, width = columns.shape[-2:]
    matrix = columns.view(height, width)
    if torch.get_num_threads() > 1:
        apart = matrix.new_empty(width, height + _GAP)[:, :height]
        matrix = apart.copy_(matrix.T).T
    rows = torch.empty(columns.shape, dtype=columns.dtype)
    rows.view(height, width).copy_(matrix)
    return torch.fft.irfft(rows, n=size[1], dim=-1, out=out)


def _worth_turning(dtype: torch.dtype, size: tuple[int, int]) -> bool:
    """Whether the copy pays: measured, where columns crowd into a few lines of the cache.

    Threads share small images out better. Rows of 64 would be transformed by several threads to
    other bits than by one.
    """
    pixels = size[0] * size[1]
    least = _TURNED if torch.get_num_threads() == 1 else 4 * _TURNED
    most = math.inf if dtype == torch.complex64 else 8 * _TURNED
    return least <= pixels <= most and min(size) >= _LEAST_SIDE and size[0] % _CROWDED == 0


def worth_columns(dtype: torch.dtype, shape: Sequence[int], device: torch.device) -> bool:
    """Whether images (..., H, W) of a real dtype are better transformed into columns."""
    pixels = shape[-2] * shape[-1]
    return (
        device.type == "cpu"
        and dtype == torch.float32
        and math.prod(shape) == pixels
        and _TURNED <= pixels <= 4 * _TURNED
        and min(shape[-2:]) >= _LEAST_SIDE
        and shape[-2] % _CROWDED == 0
    )


def _by_images(spectrum: torch.Tensor, size: tuple[int, int], out: torch.Tensor | None) -> bool:
    """Whether images may be transformed one after the other, into memory."""
    return (
        not torch.compiler.is_compiling()
        and spectrum.device.type == "cpu"
        and spectrum.shape[-2] == size[0]
        and not (spectrum.requires_grad and torch.is_grad_enabled())
        and not _has_tangent(spectrum)
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
    if torch.is_grad_enabled() and (a.requires_grad or b.requires_grad):
        product: torch.Tensor = _Product.apply(a, b, conjugate_b)
        return product
    return _product(a, b, conjugate_b)


class _Product(torch.autograd.Function):
    """``multiply`` of complex tensors with derivatives either way, and derivatives of these."""

    generate_vmap_rule = True

    @staticmethod
    def forward(a: torch.Tensor, b: torch.Tensor, conjugate_b: bool) -> torch.Tensor:
        return _product(a, b, conjugate_b)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[torch.Tensor, torch.Tensor, bool], output: torch.Tensor
    ) -> None:
        a, b, ctx.conjugate_b = inputs
        ctx.save_for_backward(a, b)
        ctx.save_for_forward(a, b)

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        a, b = ctx.saved_tensors
        of_a = of_b = None
        if ctx.needs_input_grad[0]:
            of_a = multiply(slope, b, not ctx.conjugate_b).sum_to_size(a.shape)
        if ctx.needs_input_grad[1]:
            first, second = (a, slope) if ctx.conjugate_b else (slope, a)
            of_b = multiply(first, second, conjugate_b=True).sum_to_size(b.shape)
        return of_a, of_b, None

    @staticmethod
    def jvp(ctx: Any, of_a: torch.Tensor, of_b: torch.Tensor, _: None) -> torch.Tensor:
        a, b = ctx.saved_tensors
        return multiply(of_a, b, ctx.conjugate_b) + multiply(a, of_b, ctx.conjugate_b)


def _has_tangent(values: torch.Tensor) -> bool:
    """Whether a derivative is carried along forward, which writing into memory would lose."""
    return forward_ad.unpack_dual(values).tangent is not None


def _product(a: torch.Tensor, b: torch.Tensor, conjugate_b: bool) -> torch.Tensor:
    shape = a.shape if a.shape == b.shape else torch.broadcast_shapes(a.shape, b.shape)
    if shape.numel() <= _AT_ONCE or a.device.type != "cpu" or torch.compiler.is_compiling():
        return a * (b.conj() if conjugate_b else b)
    if _has_tangent(a) or _has_tangent(b):
        product: torch.Tensor = _Product.apply(a, b, conjugate_b)
        return product
    if a.shape != b.shape and shape[-2:].numel() < _AT_ONCE // 8:
        return _by_parts(a, b, conjugate_b)
    dtype = torch.promote_types(a.dtype, b.dtype)
    out = a.new_empty(shape, dtype=dtype)
    for x, y, z in _matching(a.to(dtype).resolve_conj(), b.to(dtype).resolve_conj(), out):
        torch.mul(x, y.conj() if conjugate_b else y, out=z)
    return out


def _by_parts(a: torch.Tensor, b: torch.Tensor, conjugate_b: bool) -> torch.Tensor:
    """In real arithmetic, where each operation rounds alike in the middle and in the tail."""
    a_re, a_im, b_re, b_im = a.real, a.imag, b.real, b.imag
    if conjugate_b:
        return torch.complex(a_re * b_re + a_im * b_im, a_im * b_re - a_re * b_im)
    return torch.complex(a_re * b_re - a_im * b_im, a_im * b_re + a_re * b_im)


def _matching(
    a: torch.Tensor, b: torch.Tensor, out: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Parts too short to be shared out among threads: of all, or of one image after the other."""
    alike = a.shape == b.shape
    places = [()] if alike else itertools.product(*(range(n) for n in out.shape[:-2]))
    a, b = a.expand(out.shape), b.expand(out.shape)
    for place in places:
        flat = (t[place].reshape(-1).split(_AT_ONCE) for t in (a, b, out))
        yield from zip(*flat, strict=True)


def real_pairs(spectrum: torch.Tensor) -> torch.Tensor:
    """A complex tensor seen as real, with a last axis (real, imaginary)."""
    return torch.view_as_real(spectrum.resolve_conj())


def paired(factors: torch.Tensor) -> torch.Tensor:
    """Real factors beside the numbers of ``real_pairs``: repeating them on the fly takes four times
    as long."""
    if factors.requires_grad:
        return factors.unsqueeze(-1).expand(*factors.shape, 2)
    return torch.view_as_real(torch.complex(factors, factors))
