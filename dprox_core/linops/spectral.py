"""Fourier transforms as operators: unitary, and sampled as an MRI scanner does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

import torch

from dprox_core.errors import ShapeError
from dprox_core.expressions.base import broadcasts_into
from dprox_core.linops.arguments import image_shape
from dprox_core.linops.base import LinOp, apply, magnitude_squared, register
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Fft", "FourierSampling", "Ifft", "fft", "fourier_sampling", "ifft"]


class _Spectral(LinOp):
    """What transforms of images into their spectra have in common."""

    @classmethod
    def is_complex_for(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> bool:
        """Always: a spectrum is complex."""
        return True

    def even_half(self, factors: torch.Tensor) -> torch.Tensor:
        """Factors of frequencies as the domain sees them: their even part for real images."""
        size = (self.domain.shape[-2], self.domain.shape[-1])
        factors = factors.expand(*factors.shape[:-2], *size) if factors.ndim >= 2 else factors
        if self.domain.is_complex or factors.ndim < 2:
            return factors
        mirrored = factors.flip((-2, -1)).roll((1, 1), (-2, -1))
        half = fourier.spectrum_shape(size, full=False)[1]
        return (0.5 * (factors + mirrored))[..., :half]


@register
class Fft(_Spectral):
    """A x = F x, unitary, over the last two axes."""

    name = "fft"

    def __init__(self, domain: Space) -> None:
        super().__init__(domain, domain.as_complex())

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: the argument has fewer than two axes.
        """
        return image_shape(cls.name, argument)

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The spectrum, the frequency zero at [0, 0]."""
        return torch.fft.fft2(x, norm="ortho")

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The inverse transform."""
        return self.to_domain(torch.fft.ifft2(y, norm="ortho"))

    @property
    def is_orthogonal(self) -> bool:
        """For complex images; the spectra of real ones do not fill their space."""
        return self.domain.is_complex

    def gram_diagonal(self) -> torch.Tensor:
        """One: A is unitary."""
        return torch.ones((), dtype=torch.float64)

    def gram_spectrum(self) -> torch.Tensor:
        """One at every frequency."""
        return torch.ones((), dtype=torch.float64)

    def weighted_gram_spectrum(self, weights: torch.Tensor) -> torch.Tensor | None:
        """The weights themselves, one for each frequency."""
        return self.even_half(weights)


@register
class Ifft(Fft):
    """A x = F⁻¹ x, unitary, over the last two axes."""

    name = "ifft"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The image of a spectrum that has the frequency zero at [0, 0]."""
        return torch.fft.ifft2(x, norm="ortho")

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The transform."""
        return self.to_domain(torch.fft.fft2(y, norm="ortho"))

    def weighted_gram_spectrum(self, weights: torch.Tensor) -> torch.Tensor | None:
        """None: weights of pixels are not diagonal in frequency."""
        return None


@register
class FourierSampling(_Spectral):
    """A x = m ⊙ F (s ⊙ x): the measured frequencies, seen by each coil."""

    name = "fourier_sampling"
    operand_names: ClassVar[tuple[str, ...]] = ("m",)

    def __init__(
        self, domain: Space, mask: torch.Tensor, coils: torch.Tensor | None = None
    ) -> None:
        shape = domain.shape
        if coils is not None:
            shape = (*shape[:-3], coils.shape[-3], *shape[-2:])
        super().__init__(domain, domain.as_complex().with_shape(shape))
        self.mask = mask
        self.coils = coils

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape, with as many channels as there are coils.

        Raises:
            ShapeError: the mask does not match the image, or there is more than one channel where
                coils see it.
        """
        shape, mask = argument.shape, operands[0].shape
        if shape is None or mask is None:
            return shape
        if len(operands) > 1:
            coils = operands[1].shape
            if coils is None:
                return None
            fine = len(shape) >= 3 and shape[-3] == 1 and len(coils) >= 3
            if not fine or not broadcasts_into((*coils[:-3], 1, *coils[-2:]), shape):
                raise ShapeError(
                    f"fourier_sampling: the coil maps {operands[1].describe()} of shape {coils} do "
                    f"not match {argument.describe()} of shape {shape}: give maps (coils, H, W) "
                    "and an image (B, 1, H, W).",
                    expected=("coils", *shape[-2:]),
                    got=coils,
                    where=operands[1].describe(),
                )
            shape = (*shape[:-3], coils[-3], *shape[-2:])
        if len(shape) < 2 or not broadcasts_into(mask, shape):
            raise ShapeError(
                f"fourier_sampling: the mask {operands[0].describe()} of shape {mask} does not "
                f"match the frequencies of {argument.describe()}, of shape {shape}.",
                expected=shape,
                got=mask,
                where=operands[0].describe(),
            )
        return shape

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The measured frequencies."""
        if self.coils is not None:
            x = x * self.coils
        return torch.fft.fft2(x, norm="ortho") * self.mask

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The inverse transform of what was measured, each coil's with its own weight."""
        image = torch.fft.ifft2(y * self.mask.conj(), norm="ortho")
        if self.coils is not None:
            image = (image * self.coils.conj()).sum(dim=-3, keepdim=True)
        return self.to_domain(image)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Mask and coil maps."""
        return (self.mask,) if self.coils is None else (self.mask, self.coils)

    def factored(self) -> tuple[torch.Tensor, LinOp]:
        """The mask, and the transform of what each coil sees."""
        inner = Fft(self.domain) if self.coils is None else CoilTransform(self.domain, self.coils)
        return self.mask, inner

    def gram_diagonal(self) -> torch.Tensor | None:
        """|m|² Σ |s|² where the mask weighs all frequencies alike, as in full sampling."""
        if self.mask.requires_grad or (self.mask.numel() > 1 and self.coils is None):
            return None
        weights = magnitude_squared(self.mask)
        if float(weights.max()) != float(weights.min()):
            return None
        share = weights.reshape(-1)[0]
        return share if self.coils is None else share * _sum_of_squares(self.coils)

    def mean_gram_diagonal(self) -> torch.Tensor | None:
        """The mean of |m|² over the frequencies times |s|², summed over coils."""
        weights = magnitude_squared(self.mask.detach())
        if weights.ndim >= 2:
            weights = weights.mean(dim=(-2, -1), keepdim=True)
        if self.coils is None:
            return weights
        return (magnitude_squared(self.coils.detach()) * weights).sum(dim=-3, keepdim=True)

    def gram_spectrum(self) -> torch.Tensor | None:
        """|m|², where no coils stand in between."""
        return None if self.coils is not None else self.even_half(magnitude_squared(self.mask))

    def weighted_gram_spectrum(self, weights: torch.Tensor) -> torch.Tensor | None:
        """|m|² times the weights, where no coils stand in between."""
        if self.coils is not None:
            return None
        return self.even_half(magnitude_squared(self.mask) * weights)


class CoilTransform(_Spectral):
    """A x = F (s ⊙ x): all frequencies, seen by each coil.

    Args:
        domain: the space of the image.
        coils: the sensitivities s.
    """

    name = "coil_transform"

    def __init__(self, domain: Space, coils: torch.Tensor) -> None:
        shape = (*domain.shape[:-3], coils.shape[-3], *domain.shape[-2:])
        super().__init__(domain, domain.as_complex().with_shape(shape))
        self.coils = coils

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Each coil's spectrum."""
        return torch.fft.fft2(x * self.coils, norm="ortho")

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The coils' images, each with its own weight."""
        image = torch.fft.ifft2(y, norm="ortho") * self.coils.conj()
        return self.to_domain(image.sum(dim=-3, keepdim=True))

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The coil maps."""
        return (self.coils,)

    def gram_diagonal(self) -> torch.Tensor:
        """Σ |s|² over the coils."""
        return _sum_of_squares(self.coils)

    def gram_spectrum(self) -> torch.Tensor | None:
        """Σ |s|² where that is the same everywhere, as for normalized maps."""
        if self.coils.requires_grad:
            return None
        squares = _sum_of_squares(self.coils)
        spread = float(squares.max() - squares.min())
        slack = 16 * torch.finfo(self.domain.precision).eps
        return squares.mean() if spread <= slack * float(squares.max()) else None


def _sum_of_squares(coils: torch.Tensor) -> torch.Tensor:
    return magnitude_squared(coils).sum(dim=-3, keepdim=True)


@register
class CoilSampling(FourierSampling):
    """A x = m ⊙ F (s ⊙ x), with coil maps s."""

    name = "coil_sampling"
    operand_names = ("m", "coils")

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """As it is written, with the coil maps as one argument more."""
        return FourierSampling.describe_call(argument, operands, options)


@overload
def fft(x: torch.Tensor) -> torch.Tensor: ...
@overload
def fft(x: Expression) -> Expression: ...
def fft(x: Any) -> Any:
    """The unitary Fourier transform over the last two axes.

    (F x)[u, v] = Σ x[i, j] exp(−2πi (u i / H + v j / W)) / √(H W), the frequency zero at [0, 0].

    Args:
        x: an expression or a tensor (..., H, W), real or complex.

    Returns:
        A complex expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: x has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.fft(torch.ones(2, 2)).real
        tensor([[2., 0.],
                [0., 0.]])

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing, section 4.5.
    """
    return apply(Fft, x)


@overload
def ifft(x: torch.Tensor) -> torch.Tensor: ...
@overload
def ifft(x: Expression) -> Expression: ...
def ifft(x: Any) -> Any:
    """The inverse of the unitary Fourier transform over the last two axes.

    (F⁻¹ x)[i, j] = Σ x[u, v] exp(2πi (u i / H + v j / W)) / √(H W), the frequency zero at [0, 0].
    Of frequencies that an MRI scanner measured it is the zero-filled image.

    Args:
        x: an expression or a tensor (..., H, W), real or complex.

    Returns:
        A complex expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: x has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.real(dp.ifft(dp.fft(torch.ones(2, 2))))
        tensor([[1., 1.],
                [1., 1.]])

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing, section 4.5.
    """
    return apply(Ifft, x)


@overload
def fourier_sampling(
    x: torch.Tensor, m: torch.Tensor, coils: torch.Tensor | None = None
) -> torch.Tensor: ...
@overload
def fourier_sampling(x: Expression, m: object, coils: object = None) -> Expression: ...
def fourier_sampling(x: Any, m: Any, coils: Any = None) -> Any:
    """What an MRI scanner measures: some frequencies of the image, seen by each coil.

    y = m ⊙ F (s ⊙ x) with the unitary Fourier transform F.

    Args:
        x: an expression or a tensor (..., H, W), real or complex; (B, 1, H, W) with coils.
        m: the mask, one where a frequency is measured, the frequency zero at [0, 0] (take
            torch.fft.ifftshift of a mask that has it in the middle); broadcasts to the result.
        coils: the coils' sensitivities s, (coils, H, W), complex; None for one coil that sees all
            alike.

    Returns:
        A complex expression, or a tensor where x is one, in the shape of x, with one channel per
        coil.

    Raises:
        ShapeError: mask or coils do not match x.

    Example:
        >>> import torch, dprox_core as dp
        >>> coils = torch.ones(4, 8, 8, dtype=torch.complex64)
        >>> dp.fourier_sampling(dp.Variable("x", (1, 1, 8, 8)), torch.ones(8, 8), coils).shape
        (1, 4, 8, 8)

    References:
        K. P. Pruessmann, M. Weiger, M. B. Scheidegger, P. Boesiger, SENSE: sensitivity encoding
        for fast MRI, 1999.
    """
    if coils is None:
        return apply(FourierSampling, x, m)
    return apply(CoilSampling, x, m, coils)
