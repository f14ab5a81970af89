"""Convolution with a kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ShapeError
from dprox_core.linops.base import LinOp, Transfer, apply, magnitude_squared, register
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Conv", "conv"]


@register
class Conv(LinOp):
    """A x = k ∗ x, circular, over the last two axes."""

    name = "conv"
    operand_names = ("kernel",)

    def __init__(self, domain: Space, kernel: torch.Tensor) -> None:
        self.full = domain.is_complex or kernel.is_complex()
        super().__init__(domain, domain.as_complex(self.full))
        self.size = (domain.shape[-2], domain.shape[-1])
        self.spectrum = kernel_spectrum(kernel, self.size, self.full)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: there are no two spatial axes, the kernel is larger than they are, or its
                leading axes do not match the argument's.
        """
        kernel = operands[0]
        image, small = argument.shape, kernel.shape
        if image is None or small is None:
            return image
        if len(image) < 2 or len(small) < 2:
            raise ShapeError(
                f"conv takes an image (..., H, W) and a kernel (k, k): {argument.describe()} has "
                f"shape {image} and {kernel.describe()} has shape {small}.",
                expected="(..., H, W) and (k, k)",
                got=(image, small),
                where="conv",
            )
        if small[-2] > image[-2] or small[-1] > image[-1]:
            raise ShapeError(
                f"The kernel {kernel.describe()} ({small[-2]} × {small[-1]}) is larger than "
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
                f"The kernel {kernel.describe()} of shape {small} does not match "
                f"{argument.describe()} of shape {image}: give one kernel (k, k), or one per "
                "channel (C, k, k).",
                expected="(k, k) or (C, k, k)",
                got=small,
                where=kernel.describe(),
            )
        return image

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The image whose spectrum is that of x times that of the kernel."""
        product = fourier.multiply(fourier.forward(x, self.full), self.spectrum)
        return fourier.inverse(product, self.size, self.full)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Correlation: the spectrum times the conjugate of the kernel's."""
        spectrum = fourier.forward(y, self.full)
        product = fourier.multiply(spectrum, self.spectrum, conjugate_b=True)
        return self.to_domain(fourier.inverse(product, self.size, self.full))

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The kernel's spectrum."""
        return (self.spectrum,)

    def transfer(self) -> Transfer | None:
        """The kernel's spectrum, unless a complex kernel makes a real image complex."""
        if self.full and not self.domain.is_complex:
            return None
        return Transfer(self.spectrum, 0, self.full)

    def gram_spectrum(self) -> torch.Tensor:
        """|k̂|²; on a real image its even part, which is all that a real part lets through."""
        squared = magnitude_squared(self.spectrum)
        if not self.full or self.domain.is_complex:
            return squared
        mirrored = squared.flip((-2, -1)).roll((1, 1), (-2, -1))
        half = fourier.spectrum_shape(self.size, full=False)[1]
        return (0.5 * (squared + mirrored))[..., :half]

    def norm_bound(self) -> float:
        """max |k̂|, the largest factor of any frequency."""
        return math.sqrt(float(self.gram_spectrum().detach().max()))


def kernel_spectrum(kernel: torch.Tensor, size: tuple[int, int], full: bool) -> torch.Tensor:
    """The spectrum of a kernel placed in an image, its centre (k // 2, k // 2) at the origin."""
    rows, columns = kernel.shape[-2:]
    placed = torch.nn.functional.pad(kernel, (0, size[1] - columns, 0, size[0] - rows))
    placed = torch.roll(placed, shifts=(-(rows // 2), -(columns // 2)), dims=(-2, -1))
    return fourier.forward(placed, full)


@overload
def conv(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor: ...
@overload
def conv(x: Expression, kernel: object) -> Expression: ...
def conv(x: Any, kernel: Any) -> Any:
    """Circular convolution with a kernel over the last two axes.

    (k ∗ x)[i, j] = Σ_{p,q} k[p, q] · x[i − p + p₀, j − q + q₀], indices modulo the image's size,
    with the kernel's centre (p₀, q₀) = (k // 2, k // 2). Each frequency is multiplied by the
    kernel's spectrum, so problems with conv are solved exactly by one pair of FFTs.

    Args:
        x: an expression or a tensor (..., H, W).
        kernel: (k, k) for all channels, or with leading axes that match those of x, such as
            (C, k, k) for one kernel per channel; a tensor or a placeholder; real or complex.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: the kernel is larger than the image, or its channels do not match.

    Example:
        >>> import dprox_core as dp
        >>> photo = dp.load_image("sample:camera", size=64)
        >>> blurred = dp.conv(photo, dp.gaussian_psf(size=9, sigma=2.0))
        >>> abs(float(blurred.mean() - photo.mean())) < 1e-4
        True

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing, the convolution theorem.
    """
    return apply(Conv, x, kernel)
