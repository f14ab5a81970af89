"""Data terms of imaging whose prox has a closed form though an operator stands inside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.conv import Conv
from dprox_core.linops.resampling import Subsample, downsample
from dprox_core.linops.spectral import fourier_sampling
from dprox_core.linops.warping import warp
from dprox_core.numerics import fourier, reductions
from dprox_core.proxfns import checks
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register
from dprox_core.proxfns.losses import sum_squares

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "CompressSensing",
    "Sisr",
    "compress_sensing",
    "csmri",
    "misr",
    "sisr",
]


class _Misfit(ProxFn):
    """f(v) = ‖A v − y‖², where A Aᴴ is easily inverted.

    By Woodbury's identity prox = v − 2t Aᴴ (I + 2t A Aᴴ)⁻¹ (A v − y). From v + 2t Aᴴ y, as it is
    often written, what a long step adds would have to cancel again.
    """

    _y: torch.Tensor

    @abstractmethod
    def _forward(self, v: torch.Tensor) -> torch.Tensor:
        """A v."""

    @abstractmethod
    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Aᴴ y."""

    @abstractmethod
    def _damped(self, y: torch.Tensor, step: Step) -> torch.Tensor:
        """(I + 2 step A Aᴴ)⁻¹ y."""

    @classmethod
    def _refuse_complex(cls, argument: Expression, data: Expression, role: str, alike: str) -> None:
        """Of a real argument, A Aᴴ is easily inverted for real data only."""
        if data.is_complex and not argument.is_complex:
            raise ParameterError(
                f"{cls.name}: {role} is complex and {argument.describe()} is real: declare that "
                f"complex, or write {alike}.",
                expected=f"a real {role}, or a complex argument",
                got=f"a complex {role}",
                where=role,
            )

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """‖A v − y‖²."""
        return reductions.squared_norm(self._forward(v) - self._y)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """v − 2 step Aᴴ (I + 2 step A Aᴴ)⁻¹ (A v − y)."""
        missing = self._forward(v) - self._y
        return v - 2.0 * step * self._adjoint(self._damped(missing, step))

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """2 Aᴴ (A v − y)."""
        return 2.0 * self._adjoint(self._forward(v) - self._y)


@register
class Sisr(_Misfit):
    """f(v) = ‖(k ∗ v)↓s − y‖².

    With A = S K, A Aᴴ is a circular convolution of the coarse image: its spectrum is |k̂|² averaged
    over the s² frequencies that become one (N. Zhao et al., Fast single image super-resolution
    using a new analytical solution for l2-l2 problems, 2016).
    """

    name = "sisr"
    operand_names: ClassVar[tuple[str, ...]] = ("y", "kernel")

    def __init__(
        self, space: Space, y: torch.Tensor, kernel: torch.Tensor, factor: int = 2
    ) -> None:
        super().__init__(space)
        self._conv = Conv(space, kernel)
        self._subsample = Subsample(space, factor)
        self._y = y
        height, width = space.shape[-2:]
        full = self._conv.spectrum
        placed = fourier.inverse(full, (height, width), self._conv.full)
        powers = torch.fft.fft2(placed).abs().square()
        # Frequencies u, u + H/s, u + 2H/s … of the fine grid are one on the coarse grid.
        coarse = powers.unflatten(-2, (factor, height // factor))
        coarse = coarse.unflatten(-1, (factor, width // factor))
        self._powers = coarse.mean(dim=(-4, -2))
        self.lipschitz = 2.0 * float(self._powers.detach().max())

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Sizes must be multiples of the factor, y have the coarse size.

        Raises:
            ParameterError: the factor is no whole number from 1, or the kernel is complex and the
                argument is not.
            ShapeError: a size is no multiple of it, or y or the kernel do not match.
        """
        factor = options["factor"]
        Subsample.infer(argument, (), factor=factor)
        Conv.infer(argument, operands[1:])
        alike = f"sum_squares(subsample(conv(x, kernel), {factor}) - y)"
        cls._refuse_complex(argument, operands[1], "kernel", alike)
        shape, given = argument.shape, operands[0].shape
        if shape is None:
            return
        if any(n % factor for n in shape[-2:]):
            raise ShapeError(
                f"sisr: {argument.describe()} of shape {shape} is no multiple of the factor "
                f"{factor} in height and width: choose such a shape.",
                expected=f"multiples of {factor}",
                got=shape[-2:],
                where=argument.describe(),
            )
        wanted = (*shape[:-2], shape[-2] // factor, shape[-1] // factor)
        if given is not None and tuple(given) != wanted:
            raise ShapeError(
                f"sisr: the data {operands[0].describe()} of shape {given} do not match "
                f"{argument.describe()} of shape {shape}: with the factor {factor} they must have "
                f"shape {wanted}.",
                expected=wanted,
                got=given,
                where="y",
            )

    def _forward(self, v: torch.Tensor) -> torch.Tensor:
        return self._subsample.forward(self._conv.forward(v))

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return self._conv.adjoint(self._subsample.adjoint(y))

    def _damped(self, y: torch.Tensor, step: Step) -> torch.Tensor:
        found = torch.fft.ifft2(torch.fft.fft2(y) / (1.0 + 2.0 * step * self._powers))
        return found if y.is_complex() else found.real


@register
class CompressSensing(_Misfit):
    """f(v) = ‖Σ_c m_c ⊙ v_c − y‖² over the channels c of axis −3; A Aᴴ = Σ_c |m_c|² is diagonal."""

    name = "compress_sensing"
    operand_names: ClassVar[tuple[str, ...]] = ("y", "masks")

    def __init__(self, space: Space, y: torch.Tensor, masks: torch.Tensor) -> None:
        super().__init__(space)
        self._y = y
        self._masks = masks
        full = torch.broadcast_shapes(masks.shape, (space.shape[-3], 1, 1))
        self._powers = masks.abs().square().expand(full).sum(dim=-3)
        self.lipschitz = 2.0 * float(self._powers.detach().max())

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Masks must fit, y be one image.

        Raises:
            ParameterError: the masks are complex and the argument is not.
            ShapeError: one of them does not match.
        """
        shape, given = argument.shape, operands[0].shape
        if shape is None:
            return
        if len(shape) < 3:
            raise ShapeError(
                f"compress_sensing takes an image (..., C, H, W): {argument.describe()} has shape "
                f"{shape}.",
                expected="(..., C, H, W)",
                got=shape,
                where=argument.describe(),
            )
        checks.fitting(cls.name, "masks", operands[1], argument)
        alike = "sum_squares(sum_over(mul_elementwise(x, masks), -3) - y)"
        cls._refuse_complex(argument, operands[1], "masks", alike)
        wanted = (*shape[:-3], *shape[-2:])
        if given is not None and tuple(given) != wanted:
            raise ShapeError(
                f"compress_sensing: the data {operands[0].describe()} of shape {given} do not "
                f"match {argument.describe()} of shape {shape}: they must have shape {wanted}.",
                expected=wanted,
                got=given,
                where="y",
            )

    def _forward(self, v: torch.Tensor) -> torch.Tensor:
        return (v * self._masks).sum(dim=-3)

    def _adjoint(self, y: torch.Tensor) -> torch.Tensor:
        # Also where one mask serves several channels.
        found = y.unsqueeze(-3).expand(self.space.shape) * self._masks.conj()
        return found if self.space.is_complex else found.real

    def _damped(self, y: torch.Tensor, step: Step) -> torch.Tensor:
        return y / (1.0 + 2.0 * step * self._powers)


def sisr(
    e: Expression | torch.Tensor, y: object, kernel: object, factor: int = 2
) -> Objective | Any:
    """The data term of super-resolution from one image, ‖(k ∗ e)↓s − y‖², with an exact prox.

    Args:
        e: an expression (..., H, W), usually a variable (or a tensor, of which the value is
            returned); H and W multiples of the factor.
        y: the coarse image (..., H/s, W/s), a tensor or a placeholder.
        kernel: the blur before, as for conv.
        factor: s, a whole number from 1.

    Returns:
        An objective.

    Raises:
        ParameterError: the factor is no whole number from 1, or the kernel is complex and e is not.
        ShapeError: sizes are no multiples of the factor, or y or the kernel do not match.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", (1, 1, 8, 8))
        >>> dp.sisr(x, torch.ones(1, 1, 4, 4), dp.gaussian_psf(5, 1.0)).describe()
        'sisr(x, y, kernel)'

    References:
        N. Zhao et al., Fast single image super-resolution using a new analytical solution for
        l2-l2 problems, 2016, equation 21.
    """
    return make(Sisr, e, y, kernel, factor=factor)


def misr(
    e: Expression,
    ys: Sequence[object],
    flows: Sequence[object],
    kernel: object = None,
    factor: int = 2,
) -> Objective | Any:
    """The data term of super-resolution from several images, Σ_j ‖(k ∗ warp(e, flow_j))↓s − y_j‖².

    Args:
        e: an expression (..., H, W).
        ys: the coarse images (..., ⌈H/s⌉, ⌈W/s⌉), tensors or placeholders.
        flows: for each of them the displacement from e, (H, W, 2), as for warp; None for none.
        kernel: the blur before, as for downsample.
        factor: s, a whole number from 1.

    Returns:
        An objective.

    Raises:
        ParameterError: there are not as many flows as images, or none.
        ShapeError: an image or a flow does not match e.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", (1, 1, 8, 8))
        >>> frames = [torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4)]
        >>> len(dp.misr(x, frames, [None, torch.zeros(8, 8, 2)]).terms)
        2

    References:
        S. Farsiu, M. D. Robinson, M. Elad, P. Milanfar, Fast and robust multiframe super
        resolution, 2004.
    """
    lists = [list(given) if isinstance(given, Iterable) else [] for given in (ys, flows)]
    counts = [len(given) for given in lists]
    if counts[0] == 0 or counts[0] != counts[1]:
        raise ParameterError(
            f"misr: {counts[0]} images and {counts[1]} flows: give a list of images, and one flow "
            "(or None) for each.",
            expected="one flow per image",
            got=tuple(counts),
            where="flows",
        )
    total: Any = None
    for y, flow in zip(*lists, strict=True):
        seen = e if flow is None else warp(e, flow)
        term = sum_squares(downsample(seen, kernel, factor), y)
        total = term if total is None else total + term
    return total


def csmri(e: Expression, mask: object, y: object, coils: object = None) -> Objective | Any:
    """The data term of compressed-sensing MRI, ‖m ⊙ F (s ⊙ e) − y‖².

    A sum of squares of fourier_sampling: any number of other terms may stand beside it, and
    without coils its solve is exact in frequency.

    Args:
        e: an expression (..., H, W), real or complex.
        mask: m, one where a frequency is measured, the frequency zero at [0, 0].
        y: the measured frequencies, zero elsewhere.
        coils: the coils' sensitivities (coils, H, W); None for one coil.

    Returns:
        An objective.

    Raises:
        ShapeError: mask, coils or y do not match e.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", (1, 1, 8, 8), dtype=torch.complex64)
        >>> y = torch.zeros(1, 1, 8, 8, dtype=torch.complex64)
        >>> dp.csmri(x, torch.ones(8, 8), y).describe()
        'sum_squares(fourier_sampling(x, m) - b)'

    References:
        M. Lustig, D. Donoho, J. M. Pauly, Sparse MRI, 2007.
    """
    return sum_squares(fourier_sampling(e, mask, coils), y)


def compress_sensing(e: Expression | torch.Tensor, y: object, masks: object) -> Objective | Any:
    """The data term of a snapshot of many channels, ‖Σ_c m_c ⊙ e_c − y‖², with an exact prox.

    Args:
        e: an expression (..., C, H, W) (or a tensor, of which the value is returned).
        y: the snapshot (..., H, W), a tensor or a placeholder.
        masks: the code of each channel, (C, H, W).

    Returns:
        An objective.

    Raises:
        ParameterError: the masks are complex and e is not.
        ShapeError: masks or y do not match e.

    Example:
        >>> import torch, dprox_core as dp
        >>> cube = dp.Variable("x", (1, 4, 8, 8))
        >>> dp.compress_sensing(cube, torch.ones(1, 8, 8), torch.ones(4, 8, 8)).describe()
        'compress_sensing(x, y, masks)'

    References:
        X. Yuan, Generalized alternating projection based total variation minimization for
        compressive sensing, 2016.
    """
    return make(CompressSensing, e, y, masks)
