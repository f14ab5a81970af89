"""Line integrals: what a scanner with parallel rays measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import torch

from dprox_core.errors import ParameterError
from dprox_core.linops.arguments import image_shape
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Radon", "radon"]


@register
class Radon(LinOp):
    """Sums along parallel lines, for several angles.

    Each pixel's value goes to the two detector cells around its projection, by linear weights;
    the adjoint reads them back with the same weights (T. M. Peters, Algorithms for fast back- and
    re-projection in computed tomography, 1981). Nothing is stored but one angle's weights.
    """

    name = "radon"

    def __init__(self, domain: Space, angles: tuple[float, ...]) -> None:
        height, width = domain.shape[-2:]
        self._cells = detector_cells(height, width)
        super().__init__(domain, domain.with_shape((*domain.shape[:-2], len(angles), self._cells)))
        self._angles = angles

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """(..., angles, detector cells).

        Raises:
            ParameterError: the angles are no finite numbers.
            ShapeError: the argument has fewer than two axes.
        """
        angles = options["angles"]
        if not angles or not all(math.isfinite(angle) for angle in angles):
            raise ParameterError(
                f"radon: angles are numbers in degrees, at least one, not {angles!r}.",
                expected="finite numbers",
                got=angles,
                where="angles",
            )
        shape = image_shape(cls.name, argument)
        if shape is None:
            return None
        return (*shape[:-2], len(angles), detector_cells(shape[-2], shape[-1]))

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``radon(x, 180 angles)``."""
        return f"radon({argument}, {len(options['angles'])} angles)"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The projections, one angle after the other."""
        flat = x.reshape(-1, x.shape[-2] * x.shape[-1])
        rows = []
        for angle in self._angles:
            cell, part = self._places(angle)
            row = flat.new_zeros((flat.shape[0], self._cells))
            row = row.index_add(1, cell, flat * (1.0 - part))
            rows.append(row.index_add(1, cell + 1, flat * part))
        return torch.stack(rows, dim=1).reshape(self.range.shape)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Every projection smeared back over the image."""
        rows = y.reshape(-1, len(self._angles), self._cells)
        height, width = self.domain.shape[-2:]
        total = y.new_zeros((rows.shape[0], height * width))
        for index, angle in enumerate(self._angles):
            cell, part = self._places(angle)
            row = rows[:, index]
            total = total + row[:, cell] * (1.0 - part) + row[:, cell + 1] * part
        return self.to_domain(total.reshape(self.domain.shape))

    def _places(self, angle: float) -> tuple[torch.Tensor, torch.Tensor]:
        """The detector cell left of each pixel's projection, and how far right of it that lies."""
        height, width = self.domain.shape[-2:]
        device, dtype = self.domain.device, self.domain.precision
        turn = math.radians(angle)
        down = torch.arange(height, device=device, dtype=dtype) - (height - 1) / 2
        across = torch.arange(width, device=device, dtype=dtype) - (width - 1) / 2
        place = (down[:, None] * math.sin(turn) + across * math.cos(turn)).flatten()
        place = place + (self._cells - 1) / 2
        cell = place.floor()
        return cell.long(), place - cell


def detector_cells(height: int, width: int) -> int:
    """Enough cells for the diagonal and one more at either side."""
    return math.ceil(math.hypot(height, width)) + 2


@overload
def radon(x: torch.Tensor, angles: int | Sequence[float] = 180) -> torch.Tensor: ...
@overload
def radon(x: Expression, angles: int | Sequence[float] = 180) -> Expression: ...
def radon(x: Any, angles: int | Sequence[float] = 180) -> Any:
    """Sums along parallel lines: the sinogram of computed tomography.

    Row k of the result holds the projection at the angle θ_k, cell t the sum over the line
    (i − c) sin θ + (j − c) cos θ = t, in pixels from the middle.

    Args:
        x: an expression or a tensor (..., H, W).
        angles: in degrees, or how many there are, equally spaced over half a turn.

    Returns:
        An expression, or a tensor where x is one, (..., angles, cells) with as many cells as the
        image's diagonal and two more.

    Raises:
        ParameterError: there is no angle.
        ShapeError: x has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.radon(torch.ones(1, 1, 3, 3), angles=[0.0]).shape
        torch.Size([1, 1, 1, 7])
        >>> float(dp.radon(torch.ones(1, 1, 3, 3), angles=[0.0]).sum())
        9.0

    References:
        A. C. Kak, M. Slaney, Principles of Computerized Tomographic Imaging, 1988, chapter 3.
    """
    if isinstance(angles, int):
        if angles < 1:
            raise ParameterError(
                f"radon: the number of angles must be 1 or more, not {angles}.",
                expected="a whole number from 1",
                got=angles,
                where="angles",
            )
        angles = [180.0 * k / angles for k in range(angles)]
    try:
        given = tuple(float(angle) for angle in angles)
    except (TypeError, ValueError):
        raise ParameterError(
            f"radon: angles are numbers in degrees, or how many there are, not {angles!r:.60}.",
            expected="numbers",
            got=angles,
            where="angles",
        ) from None
    return apply(Radon, x, angles=given)
