"""Finite differences: the gradient and the Laplacian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.arguments import is_traced
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops import differences
from dprox_core.linops.arguments import image_shape, refuse_axes, whole_numbers
from dprox_core.linops.base import LinOp, Transfer, apply, register
from dprox_core.linops.differences import check_boundary
from dprox_core.linops.space import Space
from dprox_core.numerics import fourier
from dprox_core.numerics.views import Views

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Grad", "Laplacian", "grad", "laplacian"]

_Differences = tuple[tuple[torch.Tensor, torch.Tensor, torch.Tensor], ...]
_Sums = tuple[tuple[torch.Tensor, torch.Tensor, int], ...]


@register
class Grad(LinOp):
    """Forward differences along some axes, stacked on a new last axis.

    The differences lie in one piece each in memory, so that they are computed at full speed; the
    case of an image with a circular boundary, inside most solves, writes them without copies.
    """

    name = "grad"

    def __init__(
        self, domain: Space, axes: Sequence[int] = (-2, -1), boundary: str = "circular"
    ) -> None:
        super().__init__(domain, domain.with_shape((*domain.shape, len(axes))))
        self._axes = tuple(axis % len(domain.shape) for axis in axes)
        self._boundary = boundary
        ndim = len(domain.shape)
        self._plain = self._axes == (ndim - 2, ndim - 1) and boundary == "circular"
        self._ahead: Views[_Differences] = Views()
        self._back: Views[_Sums] = Views()

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape with a new last axis, one entry per difference.

        Raises:
            ParameterError: the boundary has no such name, or an axis is no whole number.
            ShapeError: the argument has no such axis.
        """
        check_boundary("grad", options.get("boundary", "circular"))
        axes = options.get("axes", (-2, -1))
        shape = argument.shape
        if not axes or any(isinstance(a, bool) or not isinstance(a, int) for a in axes):
            raise ParameterError(
                f"grad: axes are whole numbers, such as (-2, -1), not {axes!r}.",
                expected="whole numbers",
                got=axes,
                where="axes",
            )
        if shape is None:
            return None
        if axes == (-2, -1) and len(shape) < 2:
            raise ShapeError(
                f"grad takes an image (..., H, W): {argument.describe()} has shape {shape}. For a "
                "signal, write grad(x, axes=(-1,)).",
                expected="(..., H, W)",
                got=shape,
                where=argument.describe(),
            )
        refuse_axes("grad", argument.describe(), shape, axes, "axes")
        return (*shape, len(axes))

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``grad(x)``, with what differs from the usual."""
        axes, boundary = options.get("axes", (-2, -1)), options.get("boundary", "circular")
        text = argument if tuple(axes) == (-2, -1) else f"{argument}, axes={tuple(axes)}"
        return f"grad({text})" if boundary == "circular" else f'grad({text}, boundary="{boundary}")'

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """All differences."""
        if not self._plain:
            parts = [differences.forward(x, axis, self._boundary) for axis in self._axes]
            return torch.stack(parts).movedim(0, -1)
        if out is None and (x.requires_grad or torch.compiler.is_compiling() or is_traced(x)):
            return torch.stack([x.roll(-1, -2) - x, x.roll(-1, -1) - x]).movedim(0, -1)
        if out is None or out.dtype != x.dtype:
            out = x.new_empty((2, *x.shape)).movedim(0, -1)
        for ahead, here, target in self._ahead.of(_forward_views, x, out):
            torch.sub(ahead, here, out=target)
        return out

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Backward differences of all parts, summed: minus the divergence."""
        if not self._plain:
            back = y.new_zeros(())
            for index, axis in enumerate(self._axes):
                back = back + differences.backward(y[..., index], axis, self._boundary)
            return self.to_domain(back)
        if y.requires_grad or torch.compiler.is_compiling() or is_traced(y):
            down, right = y[..., 0], y[..., 1]
            return self.to_domain(down.roll(1, -2) - down + right.roll(1, -1) - right)
        return self.adjoint_add(y, y.new_zeros(y.shape[:-1]), in_place=True)

    def adjoint_add(self, y: torch.Tensor, into: torch.Tensor, in_place: bool) -> torch.Tensor:
        """into + Aᴴ y without an image in between."""
        if not in_place or not self._plain:
            return super().adjoint_add(y, into, in_place)
        for target, part, sign in self._back.of(_backward_views, self.to_domain(y), into):
            target.add_(part, alpha=sign)
        return into

    def transfer(self) -> Transfer | None:
        """(exp(2πi f) − 1) along each axis, a stack of them."""
        factors = self._factors(0, self.domain.is_complex)
        return None if factors is None else Transfer(factors, 1, self.domain.is_complex)

    def transfer_after(self, inner: Transfer) -> Transfer | None:
        """The same of everything that is stacked already."""
        factors = self._factors(inner.stack, inner.full)
        if factors is None:
            return None
        stacked = factors[(slice(None), slice(None), *([None] * inner.stack))]
        values = fourier.multiply(inner.values.unsqueeze(-1), stacked)
        return Transfer(values, inner.stack + 1, inner.full)

    def _factors(self, stack: int, full: bool) -> torch.Tensor | None:
        """(H, W, axes), or half of the columns, where so many axes lie behind the spatial ones."""
        if not self._is_spectral(stack):
            return None
        rows = len(self.domain.shape) - stack - 2
        height, width = self.domain.shape[rows : rows + 2]
        device = self.domain.device
        columns = fourier.spectrum_shape((height, width), full)[1]
        down = _difference_factors(height, height, device)[:, None].expand(height, columns)
        right = _difference_factors(width, columns, device)[None, :].expand(height, columns)
        return torch.stack([down if axis == rows else right for axis in self._axes], dim=-1)

    def _is_spectral(self, stack: int = 0) -> bool:
        """Whether all differences go around, along rows or columns before so many axes."""
        ndim = len(self.domain.shape) - stack
        spatial = {ndim - 2, ndim - 1}
        return self._boundary == "circular" and ndim >= 2 and set(self._axes) <= spatial

    def gram_spectrum(self) -> torch.Tensor | None:
        """4 sin²(π f) summed over the axes: minus the Laplacian's spectrum."""
        return difference_powers(self.domain, self._axes) if self._is_spectral() else None

    def norm_bound(self) -> float:
        """√8 for an image of even sizes, a little less on odd ones."""
        return math.sqrt(squared_norms(self.domain, self._axes, self._boundary))


@register
class Laplacian(LinOp):
    """A x = −Σ Dᵀ D x over the last two axes: the sum of neighbours minus the middle."""

    name = "laplacian"

    def __init__(self, domain: Space, boundary: str = "circular") -> None:
        super().__init__(domain)
        self._boundary = boundary

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ParameterError: the boundary has no such name.
            ShapeError: the argument has fewer than two axes.
        """
        check_boundary("laplacian", options.get("boundary", "circular"))
        return image_shape(cls.name, argument)

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """−Σ Dᵀ D x."""
        parts = [
            differences.backward(differences.forward(x, axis, self._boundary), axis, self._boundary)
            for axis in (-2, -1)
        ]
        return -(parts[0] + parts[1])

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The same: A is symmetric."""
        return self.to_domain(self.forward(y))

    def transfer(self) -> Transfer | None:
        """−4 sin²(π f₁) − 4 sin²(π f₂), for a circular boundary."""
        if self._boundary != "circular":
            return None
        ndim = len(self.domain.shape)
        powers = difference_powers(self.domain, (ndim - 2, ndim - 1))
        return Transfer(-powers, 0, self.domain.is_complex)

    def norm_bound(self) -> float:
        """8 at most."""
        return squared_norms(self.domain, (-2, -1), self._boundary)


def _forward_views(x: torch.Tensor, out: torch.Tensor) -> _Differences:
    """What is subtracted from what, and where to: the inside, then what wraps around."""
    down, right = out[..., 0], out[..., 1]
    return (
        (x[..., 1:, :], x[..., :-1, :], down[..., :-1, :]),
        (x[..., :1, :], x[..., -1:, :], down[..., -1:, :]),
        (x[..., 1:], x[..., :-1], right[..., :-1]),
        (x[..., :1], x[..., -1:], right[..., -1:]),
    )


def _backward_views(y: torch.Tensor, into: torch.Tensor) -> _Sums:
    """What is added to what, with which sign."""
    down, right = y[..., 0], y[..., 1]
    return (
        (into, down, -1),
        (into[..., 1:, :], down[..., :-1, :], 1),
        (into[..., :1, :], down[..., -1:, :], 1),
        (into, right, -1),
        (into[..., 1:], right[..., :-1], 1),
        (into[..., :1], right[..., -1:], 1),
    )


def squared_norms(space: Space, axes: Sequence[int], boundary: str) -> float:
    """‖D‖² of differences along several axes: the sum, for the eigenvectors are products."""
    return sum(differences.squared_norm(space.shape[axis], boundary) for axis in axes)


def difference_powers(space: Space, axes: Sequence[int]) -> torch.Tensor:
    """|exp(2πi f) − 1|² summed over some of the two spatial axes."""
    height, width = space.shape[-2:]
    columns = fourier.spectrum_shape((height, width), space.is_complex)[1]
    down = 4.0 * _half_angles(height, height, space.device).sin().square()
    right = 4.0 * _half_angles(width, columns, space.device).sin().square()
    ndim = len(space.shape)
    down = down * (ndim - 2 in axes)
    right = right * (ndim - 1 in axes)
    return down[:, None] + right[None, :]


def _half_angles(size: int, count: int, device: torch.device) -> torch.Tensor:
    return torch.arange(count, dtype=torch.float64, device=device) * (math.pi / size)


def _difference_factors(size: int, count: int, device: torch.device) -> torch.Tensor:
    angles = 2.0 * _half_angles(size, count, device)
    return torch.complex(angles.cos() - 1.0, angles.sin())


@overload
def grad(
    x: torch.Tensor, axes: Sequence[int] = (-2, -1), boundary: str = "circular"
) -> torch.Tensor: ...
@overload
def grad(
    x: Expression, axes: Sequence[int] = (-2, -1), boundary: str = "circular"
) -> Expression: ...
def grad(x: Any, axes: Sequence[int] = (-2, -1), boundary: str = "circular") -> Any:
    """Forward differences along the axes of an image: the discrete gradient.

    grad(x)[..., i, j, 0] = x[..., i+1, j] − x[..., i, j] and
    grad(x)[..., i, j, 1] = x[..., i, j+1] − x[..., i, j], the last row and column wrapping around.
    Then norm1(grad(x)) is anisotropic total variation, group_norm1(grad(x)) isotropic.

    Args:
        x: an expression or a tensor (..., H, W), or of any shape that has the axes.
        axes: along which axes, one entry of the new last axis each; (-1,) for a signal, (-3, -2,
            -1) for a volume or a video.
        boundary: what lies beyond the last element: "circular" the first one, "neumann" the last
            one again (a difference of zero), "dirichlet" zero. Circular differences along the last
            two axes are solved exactly by FFTs.

    Returns:
        An expression, or a tensor where x is one, of the shape of x and a new last axis.

    Raises:
        ShapeError: x has no such axis.
        ParameterError: there is no boundary of that name.

    Example:
        >>> import torch, dprox_core as dp
        >>> ramp = torch.arange(4.0).repeat(3, 1)
        >>> dp.grad(ramp)[0, :, 1]
        tensor([ 1.,  1.,  1., -3.])
        >>> dp.grad(ramp, axes=(-1,), boundary="neumann")[0, :, 0]
        tensor([1., 1., 1., 0.])

    References:
        L. Rudin, S. Osher, E. Fatemi, Nonlinear total variation based noise removal algorithms,
        Physica D 60, 1992.
    """
    return apply(Grad, x, axes=whole_numbers("grad", "axes", axes), boundary=boundary)


@overload
def laplacian(x: torch.Tensor, boundary: str = "circular") -> torch.Tensor: ...
@overload
def laplacian(x: Expression, boundary: str = "circular") -> Expression: ...
def laplacian(x: Any, boundary: str = "circular") -> Any:
    """The four neighbours of a pixel minus four times the pixel: minus gradᵀ grad.

    Args:
        x: an expression or a tensor (..., H, W).
        boundary: what lies beyond the edge: "circular", "neumann" or "dirichlet", as for grad.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: x has fewer than two axes.
        ParameterError: there is no boundary of that name.

    Example:
        >>> import torch, dprox_core as dp
        >>> spike = torch.zeros(3, 3)
        >>> spike[1, 1] = 1.0
        >>> dp.laplacian(spike)[1]
        tensor([ 1., -4.,  1.])

    References:
        R. C. Gonzalez and R. E. Woods, Digital Image Processing, section 3.6.
    """
    return apply(Laplacian, x, boundary=boundary)
