"""Windows of an image as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.arguments import whole_number
from dprox_core.errors import ShapeError
from dprox_core.linops.arguments import image_shape
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Patches", "patches"]


@register
class Patches(LinOp):
    """All k × k windows with a stride, each as a column: (..., k², windows)."""

    name = "patches"

    def __init__(self, domain: Space, size: int = 8, stride: int = 1) -> None:
        shape = _patched(domain.shape, size, stride)
        super().__init__(domain, domain.with_shape(shape))
        self._size, self._stride = size, stride

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """(..., k², windows).

        Raises:
            ParameterError: size or stride is no whole number from 1.
            ShapeError: the image is smaller than a window.
        """
        size, stride = options.get("size", 8), options.get("stride", 1)
        for name, number in (("size", size), ("stride", stride)):
            whole_number(f"patches: {name}", number, name)
        shape = image_shape(cls.name, argument)
        if shape is None:
            return None
        if size > min(shape[-2:]):
            raise ShapeError(
                f"patches: windows of {size} × {size} do not fit into {argument.describe()} of "
                f"shape {shape}: take smaller ones.",
                expected=f"at most {min(shape[-2:])}",
                got=size,
                where="size",
            )
        return _patched(shape, size, stride)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``patches(x, 8, 1)``."""
        return f"patches({argument}, {options.get('size')}, {options.get('stride')})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The windows, row by row."""
        windows = x.unfold(-2, self._size, self._stride).unfold(-2, self._size, self._stride)
        return windows.flatten(-4, -3).flatten(-2).mT.contiguous()

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Every value added to the pixel that it came from."""
        if y.is_complex():
            if self.domain.is_complex:
                return torch.complex(self._folded(y.real), self._folded(y.imag))
            y = y.real
        return self._folded(y)

    def _folded(self, y: torch.Tensor) -> torch.Tensor:
        height, width = self.domain.shape[-2:]
        columns = y.reshape(-1, *y.shape[-2:])
        image = torch.nn.functional.fold(
            columns, (height, width), kernel_size=self._size, stride=self._stride
        )
        return image.reshape(self.domain.shape)

    @property
    def is_selection(self) -> bool:
        """Always."""
        return True

    def gram_diagonal(self) -> torch.Tensor:
        """In how many windows each pixel lies."""
        height, width = self.domain.shape[-2:]
        space = Space((height, width), False, self.domain.precision, self.domain.device)
        alone = Patches(space, self._size, self._stride)
        return alone.adjoint(torch.ones(alone.range.shape, dtype=space.dtype, device=space.device))


def _patched(shape: Sequence[int], size: int, stride: int) -> tuple[int, ...]:
    rows, columns = ((n - size) // stride + 1 for n in shape[-2:])
    return (*shape[:-2], size * size, rows * columns)


@overload
def patches(x: torch.Tensor, size: int = 8, stride: int = 1) -> torch.Tensor: ...
@overload
def patches(x: Expression, size: int = 8, stride: int = 1) -> Expression: ...
def patches(x: Any, size: int = 8, stride: int = 1) -> Any:
    """All square windows of an image, each as a column.

    nuclear_norm(patches(x)) and group_norm1(patches(x), axis=-2) act on windows as a whole.

    Args:
        x: an expression or a tensor (..., H, W).
        size: k, the side of a window, from 1.
        stride: how far apart windows begin, from 1.

    Returns:
        An expression, or a tensor where x is one, (..., k², windows).

    Raises:
        ParameterError: size or stride is below 1.
        ShapeError: the image is smaller than a window.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.patches(torch.arange(6.0).reshape(2, 3), size=2)
        tensor([[0., 1.],
                [1., 2.],
                [3., 4.],
                [4., 5.]])

    References:
        M. Elad, M. Aharon, Image denoising via sparse and redundant representations over learned
        dictionaries, 2006.
    """
    return apply(Patches, x, size=size, stride=stride)
