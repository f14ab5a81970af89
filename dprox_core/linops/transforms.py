"""Orthogonal transforms in which images are sparse: wavelets and cosines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch

from dprox_core.arguments import whole_number
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.arguments import image_shape
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Dct", "Wavelet", "dct", "wavelet"]

_WAVELETS = {"haar": 1, "db2": 2, "db3": 3, "db4": 4}


class _Orthogonal(LinOp):
    """What keeps lengths."""

    @property
    def is_orthogonal(self) -> bool:
        """Always."""
        return True

    def gram_diagonal(self) -> torch.Tensor:
        """One: A is orthogonal."""
        return torch.ones((), dtype=torch.float64)

    def gram_spectrum(self) -> torch.Tensor | None:
        """One at every frequency."""
        return torch.ones((), dtype=torch.float64)


@register
class Dct(_Orthogonal):
    """The orthonormal discrete cosine transform (DCT-II) over the last two axes."""

    name = "dct"

    def __init__(self, domain: Space) -> None:
        super().__init__(domain)
        self._rows, self._columns = (
            cosine_matrix(n).to(device=domain.device, dtype=domain.precision)
            for n in domain.shape[-2:]
        )

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
        """C x Cᵀ."""
        return self._rows.to(x.dtype) @ x @ self._columns.to(x.dtype).mT

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Cᵀ y C."""
        return self.to_domain(self._rows.to(y.dtype).mT @ y @ self._columns.to(y.dtype))


def cosine_matrix(n: int) -> torch.Tensor:
    """C[k, i] = √(2/n) cos(π k (2i + 1) / 2n), the first row divided by √2."""
    k = torch.arange(n, dtype=torch.float64)
    matrix = torch.cos(math.pi / (2 * n) * torch.outer(k, 2 * k + 1)) * math.sqrt(2.0 / n)
    matrix[0] /= math.sqrt(2.0)
    return matrix


@register
class Wavelet(_Orthogonal):
    """An orthogonal wavelet transform with circular boundaries, each level in the last one's
    corner of coarse values."""

    name = "wavelet"

    def __init__(self, domain: Space, kind: str = "haar", levels: int = 1) -> None:
        super().__init__(domain)
        self._levels = levels
        low = torch.tensor(daubechies(_WAVELETS[kind]), dtype=torch.float64)
        self._low = low.to(device=domain.device, dtype=domain.precision)
        signs = (-1.0) ** torch.arange(len(low), dtype=torch.float64)
        self._high = (signs * low.flip(0)).to(device=domain.device, dtype=domain.precision)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ParameterError: there is no such wavelet, or the levels are no whole number from 1.
            ShapeError: the sizes cannot be halved so often.
        """
        kind, levels = options.get("kind", "haar"), options.get("levels", 1)
        if kind not in _WAVELETS:
            raise ParameterError(
                f"wavelet: kind must be one of {', '.join(_WAVELETS)}, not {kind!r}.",
                expected=list(_WAVELETS),
                got=kind,
                where="kind",
            )
        whole_number("wavelet: levels", levels, "levels")
        shape = image_shape(cls.name, argument)
        if shape is not None and any(n % 2**levels for n in shape[-2:]):
            raise ShapeError(
                f"wavelet: {argument.describe()} of shape {shape} cannot be halved {levels} times: "
                f"pad or crop it to a multiple of {2**levels}, or take fewer levels.",
                expected=f"multiples of {2**levels}",
                got=shape[-2:],
                where=argument.describe(),
            )
        return shape

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``wavelet(x, "haar", 3)``."""
        return f'wavelet({argument}, "{options.get("kind")}", {options.get("levels")})'

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Coarse values first along both axes, details behind them, level by level."""
        result = x.clone()
        height, width = x.shape[-2:]
        for _ in range(self._levels):
            block = result[..., :height, :width]
            block = self._analysed(self._analysed(block, -1), -2)
            result = _replaced(result, block)
            height, width = height // 2, width // 2
        return result

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The image with these coefficients: the inverse."""
        result = y.clone()
        for level in reversed(range(self._levels)):
            height, width = (n >> level for n in y.shape[-2:])
            block = result[..., :height, :width]
            block = self._composed(self._composed(block, -2), -1)
            result = _replaced(result, block)
        return self.to_domain(result)

    def _analysed(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        parts = []
        for taps in (self._low, self._high):
            total = sum(tap * x.roll(-n, axis) for n, tap in enumerate(taps))
            assert isinstance(total, torch.Tensor)
            parts.append(_even(total, axis))
        return torch.cat(parts, dim=axis)

    def _composed(self, y: torch.Tensor, axis: int) -> torch.Tensor:
        total = torch.zeros_like(y)
        for taps, half in zip((self._low, self._high), y.chunk(2, dim=axis), strict=True):
            spread = torch.stack([half, torch.zeros_like(half)], dim=axis % y.ndim + 1)
            spread = spread.reshape(y.shape)
            for n, tap in enumerate(taps):
                total = total + tap * spread.roll(n, axis)
        return total


def _even(x: torch.Tensor, axis: int) -> torch.Tensor:
    return x[..., ::2] if axis == -1 else x[..., ::2, :]


def _replaced(whole: torch.Tensor, block: torch.Tensor) -> torch.Tensor:
    height, width = block.shape[-2:]
    if (height, width) == tuple(whole.shape[-2:]):
        return block
    upper = torch.cat([block, whole[..., :height, width:]], dim=-1)
    return torch.cat([upper, whole[..., height:, :]], dim=-2)


@lru_cache
def daubechies(moments: int) -> tuple[float, ...]:
    """The low-pass filter with so many vanishing moments and extremal phase, of norm one.

    From the roots inside the unit circle of Σ_k C(p − 1 + k, k) y^k with
    y = (2 − z − 1/z) / 4 (I. Daubechies, Ten Lectures on Wavelets, 1992, section 6.1).
    """
    half = [math.comb(moments - 1 + k, k) for k in range(moments)]
    filter_ = np.array([1.0])
    for _ in range(moments):
        filter_ = np.convolve(filter_, [1.0, 1.0])
    for y in np.roots(half[::-1]) if moments > 1 else []:
        # z + 1/z = 2 − 4y.
        pair = np.roots([1.0, 4.0 * y - 2.0, 1.0])
        filter_ = np.convolve(filter_, [1.0, -pair[np.argmin(np.abs(pair))]])
    filter_ = np.real(filter_)
    return tuple(float(tap) for tap in filter_ * math.sqrt(2.0) / filter_.sum())


@overload
def dct(x: torch.Tensor) -> torch.Tensor: ...
@overload
def dct(x: Expression) -> Expression: ...
def dct(x: Any) -> Any:
    """The orthonormal discrete cosine transform (DCT-II) over the last two axes.

    Args:
        x: an expression or a tensor (..., H, W).

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: x has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.dct(torch.ones(2, 2)).abs().sum().round()
        tensor(2.)

    References:
        N. Ahmed, T. Natarajan, K. R. Rao, Discrete cosine transform, 1974.
    """
    return apply(Dct, x)


@overload
def wavelet(x: torch.Tensor, kind: str = "haar", levels: int = 1) -> torch.Tensor: ...
@overload
def wavelet(x: Expression, kind: str = "haar", levels: int = 1) -> Expression: ...
def wavelet(x: Any, kind: str = "haar", levels: int = 1) -> Any:
    """An orthogonal wavelet transform over the last two axes, in which photographs are sparse.

    Coefficients lie in one image: coarse values in the top left corner, details around them.

    Args:
        x: an expression or a tensor (..., H, W), both sizes a multiple of 2^levels.
        kind: "haar", "db2", "db3" or "db4", by the number of vanishing moments.
        levels: how often the coarse values are transformed again, from 1.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ParameterError: there is no such wavelet.
        ShapeError: the sizes cannot be halved so often.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.wavelet(torch.ones(2, 2)).round().tolist()
        [[2.0, 0.0], [0.0, 0.0]]

    References:
        S. Mallat, A theory for multiresolution signal decomposition, 1989; I. Daubechies, Ten
        Lectures on Wavelets, 1992.
    """
    return apply(Wavelet, x, kind=kind, levels=levels)
