"""Colours: filter arrays in front of a sensor, mixtures of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.matrix import Matrix
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Mosaic", "MulColor", "mosaic", "mul_color"]

_LETTERS = "RGB"

Pattern = str | Sequence[str] | Sequence[Sequence[int]] | torch.Tensor


@register
class Mosaic(LinOp):
    """A x keeps one channel per pixel, as a sensor under a colour filter array does."""

    name = "mosaic"

    def __init__(self, domain: Space, pattern: Pattern = "RGGB") -> None:
        super().__init__(domain)
        channels, height, width = domain.shape[-3:]
        mask = cfa_mask(_cell(pattern), channels, (height, width))
        self._mask = mask.to(device=domain.device, dtype=domain.precision)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ParameterError: the pattern is none.
            ShapeError: the argument lacks channels that the pattern names.
        """
        pattern = options.get("pattern", "RGGB")
        cell = _cell(pattern)
        shape = argument.shape
        if isinstance(pattern, str):
            if shape is not None and (len(shape) < 3 or shape[-3] != 3):
                raise ShapeError(
                    f"mosaic takes a colour image (..., 3, H, W): {argument.describe()} has shape "
                    f"{shape}.",
                    expected="(..., 3, H, W)",
                    got=shape,
                    where=argument.describe(),
                )
        elif shape is not None:
            needed = 1 + max(max(row) for row in cell)
            if len(shape) < 3 or shape[-3] < needed:
                raise ShapeError(
                    f"mosaic: the pattern names {needed} channels, but {argument.describe()} has "
                    f"shape {shape}: give an image (..., C, H, W) with so many.",
                    expected=f"(..., {needed}, H, W)",
                    got=shape,
                    where=argument.describe(),
                )
        return shape

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``mosaic(x, "RGGB")``."""
        pattern = options.get("pattern", "RGGB")
        shown = f'"{pattern}"' if isinstance(pattern, str) else f"{pattern}"
        return f"mosaic({argument}, {shown})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The measured channel of each pixel, zero in the others."""
        return x * self._mask

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """The same: the mask is real."""
        return self.to_domain(y * self._mask)

    def diagonal(self) -> torch.Tensor:
        """The mask, (C, H, W)."""
        return self._mask

    def norm_bound(self) -> float:
        """1."""
        return 1.0


@register
class MulColor(Matrix):
    """(A x)[..., o, :, :] = Σ_c M[o, c] x[..., c, :, :]."""

    name = "mul_color"
    operand_names = ("response",)

    def __init__(self, domain: Space, response: torch.Tensor) -> None:
        super().__init__(domain, response, axis=-3)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape with as many channels as the matrix has rows.

        Raises:
            ShapeError: the matrix has other columns than the argument has channels.
        """
        return super().infer(argument, operands, axis=-3)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``mul_color(x, response)``."""
        return f"mul_color({argument}, {operands[0]})"


def _cell(pattern: object) -> list[list[int]]:
    """The channel of each pixel in the repeating cell.

    Raises:
        ParameterError: the pattern is neither four letters, nor rows of letters, nor numbers.
    """
    if isinstance(pattern, str):
        rows = [pattern[:2], pattern[2:]] if len(pattern) == 4 else pattern.split("/")
        if pattern and not set("".join(rows)) - set(_LETTERS) and len({len(r) for r in rows}) == 1:
            cell = [[_LETTERS.index(letter) for letter in row] for row in rows]
            if len(cell) > 1 or len(pattern) != 4:
                return cell
    elif isinstance(pattern, (list, tuple)) and pattern:
        numbers = all(
            isinstance(row, (list, tuple))
            and row
            and all(isinstance(c, int) and c >= 0 for c in row)
            for row in pattern
        )
        if numbers and len({len(row) for row in pattern}) == 1:
            return [list(row) for row in pattern]
    raise ParameterError(
        "mosaic: a pattern is four of the letters R, G, B, row by row, such as "
        f'"RGGB", rows of them such as "RGB/GBR/BRG", or rows of channel numbers; {pattern!r} '
        "is not.",
        expected='such as "RGGB"',
        got=pattern,
        where="pattern",
    )


def cfa_mask(cell: list[list[int]], channels: int, size: tuple[int, int]) -> torch.Tensor:
    """Ones where a channel is measured, (C, H, W)."""
    tile = torch.tensor(cell)
    height, width = size
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]))
    chosen = tile.repeat(repeats)[:height, :width]
    return (chosen == torch.arange(channels)[:, None, None]).to(torch.float32)


@overload
def mosaic(x: torch.Tensor, pattern: Pattern = "RGGB") -> torch.Tensor: ...
@overload
def mosaic(x: Expression, pattern: Pattern = "RGGB") -> Expression: ...
def mosaic(x: Any, pattern: Pattern = "RGGB") -> Any:
    """What a sensor sees through a colour filter array: one colour per pixel, zero elsewhere.

    Args:
        x: an expression or a tensor (..., 3, H, W), channels red, green, blue; or (..., C, H, W)
            with a pattern of channel numbers.
        pattern: the colours of the repeating cell, row by row: "RGGB" for 2 × 2, rows with "/"
            between them, or a list of rows, for any other, such as X-Trans's six; or rows of
            channel numbers, such as [[0, 1], [2, 3]], a tensor of them too.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: x has not the channels that the pattern names.
        ParameterError: the pattern is none of these.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.mosaic(torch.ones(1, 3, 2, 2)).sum(dim=(2, 3))
        tensor([[1., 2., 1.]])

    References:
        B. E. Bayer, Color imaging array, US patent 3971065, 1976.
    """
    if isinstance(pattern, (torch.Tensor, np.ndarray)):
        pattern = pattern.tolist()
    elif isinstance(pattern, (list, tuple)) and all(isinstance(row, str) for row in pattern):
        pattern = "/".join(pattern)
    return apply(Mosaic, x, pattern=pattern)


@overload
def mul_color(x: torch.Tensor, response: torch.Tensor) -> torch.Tensor: ...
@overload
def mul_color(x: Expression, response: object) -> Expression: ...
def mul_color(x: Any, response: Any) -> Any:
    """Mix the channels of each pixel by a matrix: y[o] = Σ_c M[o, c] x[c].

    With the spectral response of a camera, (3, C), a spectral cube becomes a colour image.

    Args:
        x: an expression or a tensor (..., C, H, W).
        response: M, (O, C), a tensor or a placeholder.

    Returns:
        An expression, or a tensor where x is one, (..., O, H, W).

    Raises:
        ShapeError: M has other columns than x has channels.

    Example:
        >>> import torch, dprox_core as dp
        >>> grey = torch.full((1, 3), 1 / 3)
        >>> dp.mul_color(torch.ones(1, 3, 2, 2), grey).shape
        torch.Size([1, 1, 2, 2])

    References:
        Q. Wei, J. Bioucas-Dias, N. Dobigeon, J.-Y. Tourneret, Hyperspectral and multispectral
        image fusion based on a sparse representation, 2015, equation 2.
    """
    return apply(MulColor, x, response)
