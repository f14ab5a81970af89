"""Convolution with a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.base import LinOp, Transfer, apply, magnitude_squared, register
from dprox_core.linops.estimate import near_norm
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Conv", "ConvDoe", "conv", "conv_doe"]

_BOUNDARIES = ("circular", "zero", "valid")


@register
class Conv(LinOp):
    """A x = k ∗ x over the last two axes.

    What is not circular is computed circularly on a larger image, of which a window is kept.
    """

    name = "conv"
    operand_names: ClassVar[tuple[str, ...]] = ("kernel",)

    def __init__(self, domain: Space, kernel: torch.Tensor, boundary: str = "circular") -> None:
        self.full = domain.is_complex or kernel.is_complex()
        small = (kernel.shape[-2], kernel.shape[-1])
        super().__init__(
            domain,
            domain.as_complex(self.full).with_shape(_result(domain.shape, small, boundary)),
        )
        self.circular = boundary == "circular"
        height, width = domain.shape[-2:]
        extra = (small[0] - 1, small[1] - 1) if boundary == "zero" else (0, 0)
        self.size = (height + extra[0], width + extra[1])
        start = [n - 1 - n // 2 for n in small] if boundary == "valid" else [0, 0]
        rows, columns = self.range.shape[-2:]
        self._window = (slice(start[0], start[0] + rows), slice(start[1], start[1] + columns))
        self.spectrum = kernel_spectrum(kernel, self.size, self.full)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape, smaller by the kernel where only whole products are kept.

        Raises:
            ParameterError: the boundary has no such name.
            ShapeError: there are no two spatial axes, the kernel is larger than they are, or its
                leading axes do not match the argument's.
        """
        boundary = options.get("boundary", "circular")
        if boundary not in _BOUNDARIES:
            raise ParameterError(
                f'{cls.name}: boundary must be "circular", "zero" or "valid", not {boundary!r}.',
                expected=_BOUNDARIES,
                got=boundary,
                where="boundary",
            )
        kernel = operands[0]
        image, small = argument.shape, kernel.shape
        if image is None or small is None:
            return image
        if len(image) < 2 or len(small) < 2:
            raise ShapeError(
                f"conv takes an image (..., H, W) and a kernel (k, k): {argument.describe()} has "
                f"shape {image} and {kernel.describe()} has shape {small}. A signal is an image of "
                "one row, (1, N), and its kernel (1, k).",
                expected="(..., H, W) and (k, k)",
                got=(image, small),
                where="conv",
            )
        if small[-2] > image[-2] or small[-1] > image[-1]:
            raise ShapeError(
                f"conv: {kernel.describe()} ({small[-2]} × {small[-1]}) is larger than "
                f"{argument.describe()} ({image[-2]} × {image[-1]}): take a smaller kernel or a "
                "larger image.",
                expected=f"at most {image[-2:]}",
                got=small[-2:],
                where=kernel.describe(),
            )
        leading = small[:-2]
        against = image[:-2][len(image[:-2]) - len(leading) :]
        if len(leading) > len(image) - 2 or any(
            a not in (1, b) for a, b in zip(leading, against, strict=True)
        ):
            raise ShapeError(
                f"conv: {kernel.describe()} of shape {small} does not match "
                f"{argument.describe()} of shape {image}: give one kernel (k, k), or one per "
                "channel (C, k, k).",
                expected="(k, k) or (C, k, k)",
                got=small,
                where=kernel.describe(),
            )
        return _result(image, (small[-2], small[-1]), boundary)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``conv(x, kernel)``, with a boundary that is not circular."""
        boundary = options.get("boundary", "circular")
        shown = "" if boundary == "circular" else f', boundary="{boundary}"'
        return f"conv({argument}, {operands[0]}{shown})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The image whose spectrum is that of x times that of the kernel."""
        if not self.circular:
            x = _placed(x, self.size, (0, 0))
        product = fourier.multiply(fourier.forward(x, self.full), self.spectrum)
        image = fourier.inverse(product, self.size, self.full)
        return image if self.circular else image[(..., *self._window)]

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Correlation: the spectrum times the conjugate of the kernel's."""
        if not self.circular:
            y = _placed(y, self.size, (self._window[0].start, self._window[1].start))
        spectrum = fourier.forward(y, self.full or y.is_complex())
        factors = self.spectrum
        if y.is_complex() and not self.full:
            # A real operator inside a complex sum is given complex values.
            factors = whole_spectrum(factors, self.size)
        product = fourier.multiply(spectrum, factors, conjugate_b=True)
        image = self.to_domain(fourier.inverse(product, self.size, self.full or y.is_complex()))
        height, width = self.domain.shape[-2:]
        return image if self.circular else image[..., :height, :width]

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The kernel's spectrum."""
        return (self.spectrum,)

    def transfer(self) -> Transfer | None:
        """The kernel's spectrum, unless a complex kernel makes a real image complex."""
        if not self.circular or (self.full and not self.domain.is_complex):
            return None
        return Transfer(self.spectrum, 0, self.full)

    @property
    def by_frequencies(self) -> bool:
        """Unless the boundary asks for a larger image."""
        return self.circular

    def gram_spectrum(self) -> torch.Tensor | None:
        """|k̂|²; on a real image its even part, which is all that a real part lets through."""
        return self._powers() if self.circular else None

    def _powers(self) -> torch.Tensor:
        squared = magnitude_squared(self.spectrum)
        if not self.full or self.domain.is_complex:
            return squared
        mirrored = squared.flip((-2, -1)).roll((1, 1), (-2, -1))
        half = fourier.spectrum_shape(self.size, full=False)[1]
        return (0.5 * (squared + mirrored))[..., :half]

    def norm_bound(self) -> float:
        """max |k̂|, the largest factor of any frequency; a window makes it no larger."""
        return math.sqrt(float(self._powers().detach().max()))

    def tight_norm(self) -> float:
        """What is left of that behind a window, where the boundary is not circular."""
        return self.norm_bound() if self.circular else near_norm(self, self.norm_bound())


@register
class ConvDoe(Conv):
    """A x = p ∗ x with the point spread function p of a lens, one per channel."""

    name = "conv_doe"
    operand_names = ("psf",)

    def __init__(self, domain: Space, psf: torch.Tensor, circular: bool = True) -> None:
        super().__init__(domain, psf, boundary="circular" if circular else "zero")

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape, under the conditions of ``conv``."""
        boundary = "circular" if options.get("circular", True) else "zero"
        return super().infer(argument, operands, boundary=boundary)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``conv_doe(x, psf)``."""
        shown = "" if options.get("circular", True) else ", circular=False"
        return f"conv_doe({argument}, {operands[0]}{shown})"


def _result(shape: Sequence[int], small: tuple[int, int], boundary: str) -> tuple[int, ...]:
    if boundary != "valid":
        return tuple(shape)
    return (*shape[:-2], shape[-2] - small[0] + 1, shape[-1] - small[1] + 1)


def _placed(image: torch.Tensor, size: tuple[int, int], start: tuple[int, int]) -> torch.Tensor:
    """An image inside a larger one of zeros."""
    top, left = start
    height, width = image.shape[-2:]
    margins = (left, size[1] - left - width, top, size[0] - top - height)
    return torch.nn.functional.pad(image, margins)


def whole_spectrum(half: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """All frequencies of a real image from the half that is kept."""
    missing = size[1] - half.shape[-1]
    mirrored = half[..., 1 : 1 + missing].flip((-2, -1)).roll(1, -2).conj()
    return torch.cat([half, mirrored], dim=-1)


def kernel_spectrum(kernel: torch.Tensor, size: tuple[int, int], full: bool) -> torch.Tensor:
    """The spectrum of a kernel placed in an image, its centre (k // 2, k // 2) at the origin."""
    rows, columns = kernel.shape[-2:]
    placed = torch.nn.functional.pad(kernel, (0, size[1] - columns, 0, size[0] - rows))
    placed = torch.roll(placed, shifts=(-(rows // 2), -(columns // 2)), dims=(-2, -1))
    return fourier.forward(placed, full)


@overload
def conv(x: torch.Tensor, kernel: torch.Tensor, boundary: str = "circular") -> torch.Tensor: ...
@overload
def conv(x: Expression, kernel: object, boundary: str = "circular") -> Expression: ...
def conv(x: Any, kernel: Any, boundary: str = "circular") -> Any:
    """Convolution with a kernel over the last two axes, circular unless told otherwise.

    (k ∗ x)[i, j] = Σ_{p,q} k[p, q] · x[i − p + p₀, j − q + q₀], indices modulo the image's size,
    with the kernel's centre (p₀, q₀) = (k // 2, k // 2). Each frequency is multiplied by the
    kernel's spectrum, so problems with conv are solved exactly by one pair of FFTs.

    Args:
        x: an expression or a tensor (..., H, W).
        kernel: (k, k) for all channels, or with leading axes that match those of x, such as
            (C, k, k) for one kernel per channel, (B, 1, k, k) for one per sample; a tensor or a
            placeholder; real or complex.
        boundary: what lies beyond the edge: "circular" the other side, "zero" nothing; "valid"
            keeps only the pixels for which no value from beyond is needed.

    Returns:
        An expression, or a tensor where x is one, in the shape of x; (..., H − k + 1, W − k + 1)
        for "valid".

    Raises:
        ShapeError: the kernel is larger than the image, or its channels do not match.
        ParameterError: there is no boundary of that name.

    Example:
        >>> import dprox_core as dp
        >>> photo = dp.load_image("sample:camera", size=64)
        >>> blurred = dp.conv(photo, dp.gaussian_psf(size=9, sigma=2.0))
        >>> abs(float(blurred.mean() - photo.mean())) < 1e-4
        True

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing, the convolution theorem.
    """
    return apply(Conv, x, kernel, boundary=boundary)


@overload
def conv_doe(x: torch.Tensor, psf: torch.Tensor, circular: bool = True) -> torch.Tensor: ...
@overload
def conv_doe(x: Expression, psf: object, circular: bool = True) -> Expression: ...
def conv_doe(x: Any, psf: Any, circular: bool = True) -> Any:
    """What a camera with the point spread function of a diffractive lens sees: psf ∗ x.

    The same as conv, under the name and with the defaults that end-to-end optics knows; gradients
    reach the point spread function, and through it the lens.

    Args:
        x: an expression or a tensor (..., C, H, W).
        psf: (k, k), (C, k, k) or (1, C, k, k), its centre at k // 2; as large as the image at most;
            a tensor or a placeholder.
        circular: whether the image continues on the other side; otherwise it is black beyond the
            edge, computed on an image that is larger by the psf.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: the psf is larger than the image, or its channels do not match.

    Example:
        >>> import torch, dprox_core as dp
        >>> psf = torch.full((1, 3, 3, 3), 1 / 9)
        >>> dp.conv_doe(torch.ones(1, 3, 8, 8), psf, circular=False)[0, 0, 0, 0]
        tensor(0.4444)

    References:
        V. Sitzmann et al., End-to-end optimization of optics and image processing, 2018.
    """
    return apply(ConvDoe, x, psf, circular=circular)
