"""Images seen from elsewhere: displaced by a flow, or by a homography."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.base import broadcasts_into
from dprox_core.expressions.leaves import Constant
from dprox_core.linops.base import LinOp, apply, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Homography", "Warp", "homography", "warp"]


@register
class Warp(LinOp):
    """(A x)[i, j] = x at (i, j) + flow[i, j], by bilinear interpolation, zero outside."""

    name = "warp"
    operand_names: ClassVar[tuple[str, ...]] = ("flow",)

    def __init__(self, domain: Space, flow: torch.Tensor) -> None:
        super().__init__(domain)
        self._flow = flow
        height, width = domain.shape[-2:]
        rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
        columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
        self._corners = _corners(rows + flow[..., 0], columns + flow[..., 1], height, width)

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: the flow is not (..., H, W, 2).
            ParameterError: the flow is complex.
        """
        _check_real("warp", "flow", operands[0])
        shape, flow = argument.shape, operands[0].shape
        if shape is None or flow is None:
            return shape
        if len(shape) < 2 or not flow or flow[-1] != 2 or not broadcasts_into(flow[:-1], shape):
            raise ShapeError(
                f"warp: {operands[0].describe()} of shape {flow} does not match "
                f"{argument.describe()} of shape {shape}: give (H, W, 2), rows first.",
                expected=(*shape[-2:], 2),
                got=flow,
                where=operands[0].describe(),
            )
        return shape

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Each pixel from the four around its place."""
        flat = x.flatten(-2)
        total = torch.zeros_like(flat)
        for places, weights in self._corners:
            indices = places.flatten(-2).expand(flat.shape)
            total = total + flat.gather(-1, indices) * weights.flatten(-2)
        return total.reshape(x.shape)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Each pixel shared among the four that it came from."""
        flat = y.flatten(-2)
        total = torch.zeros_like(flat)
        for places, weights in self._corners:
            indices = places.flatten(-2).expand(flat.shape)
            total = total.scatter_add(-1, indices, flat * weights.flatten(-2))
        return self.to_domain(total.reshape(y.shape))

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The weights, which the flow makes."""
        return tuple(weights for _, weights in self._corners)


@register
class Homography(Warp):
    """A plane seen by a camera that moved: places by a 3 × 3 matrix in homogeneous coordinates."""

    name = "homography"
    operand_names = ("H",)

    def __init__(self, domain: Space, matrix: torch.Tensor) -> None:
        size = (domain.shape[-2], domain.shape[-1])
        _refuse_singular("H", matrix, size)
        super().__init__(domain, homography_flow(matrix, size))

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape.

        Raises:
            ShapeError: the matrix is not 3 × 3, or the argument has fewer than two axes.
            ParameterError: the matrix is complex, or singular where it is known already.
        """
        _check_real("homography", "matrix", operands[0])
        shape, matrix = argument.shape, operands[0].shape
        if shape is None or matrix is None:
            return shape
        if len(shape) < 2 or tuple(matrix) != (3, 3):
            raise ShapeError(
                f"homography takes an image (..., H, W) and a matrix (3, 3): "
                f"{argument.describe()} has shape {shape} and {operands[0].describe()} has shape "
                f"{matrix}.",
                expected=(3, 3),
                got=matrix,
                where=operands[0].describe(),
            )
        if isinstance(operands[0], Constant):
            _refuse_singular(operands[0].describe(), operands[0].tensor, (shape[-2], shape[-1]))
        return shape


Corner = tuple[torch.Tensor, torch.Tensor]


def _corners(
    rows: torch.Tensor, columns: torch.Tensor, height: int, width: int
) -> tuple[Corner, ...]:
    """The four pixels around each place, as flat indices, with their weights."""
    top, left = rows.detach().floor(), columns.detach().floor()
    down, right = rows - top, columns - left
    found = []
    for i, weight_i in ((top, 1.0 - down), (top + 1, down)):
        for j, weight_j in ((left, 1.0 - right), (left + 1, right)):
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            places = (i.clamp(0, height - 1) * width + j.clamp(0, width - 1)).long()
            found.append((places, torch.where(inside, weight_i * weight_j, 0.0)))
    return tuple(found)


def homography_flow(matrix: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """How far each pixel (i, j) is from the place H (i, j, 1), (H, W, 2)."""
    height, width = size
    rows, columns = torch.meshgrid(
        torch.arange(height, device=matrix.device, dtype=matrix.dtype),
        torch.arange(width, device=matrix.device, dtype=matrix.dtype),
        indexing="ij",
    )
    place = torch.stack([rows, columns, torch.ones_like(rows)], dim=-1) @ matrix.mT
    distance = place[..., 2:]
    # What lies at infinity is outside, as what lies far away.
    endless = distance == 0
    seen = place[..., :2] / torch.where(endless, 1.0, distance)
    seen = torch.where(endless, -2.0, seen)
    return seen - torch.stack([rows, columns], dim=-1)


def _check_real(name: str, what: str, operand: Expression) -> None:
    if operand.is_complex:
        raise ParameterError(
            f"{name}: the {what} {operand.describe()} is complex, and places in an image are real.",
            expected=f"a real {what}",
            got="complex",
            where=operand.describe(),
        )


def _refuse_singular(name: str, matrix: torch.Tensor, size: tuple[int, int]) -> None:
    """Refuse a matrix that takes the plane to a line or a point.

    Places count in sizes of the image, so that its number of pixels makes nothing singular.
    """
    held = matrix.detach()
    if not bool(torch.isfinite(held).all()):
        return  # refused as data that holds NaN or infinity
    scale = held.new_tensor([*size, 1.0], dtype=torch.float64)
    values = torch.linalg.svdvals(held.double() * scale / scale[:, None])
    precision = held.dtype if held.is_floating_point() else torch.float64
    if float(values[-1]) <= 3.0 * torch.finfo(precision).eps * float(values[0]):
        raise ParameterError(
            f"homography: the matrix {name} is singular: it takes the whole image to one line or "
            "point. Give an invertible 3 × 3 matrix, such as the identity.",
            expected="an invertible matrix",
            got=held.tolist(),
            where=name,
        )


@overload
def warp(x: torch.Tensor, flow: torch.Tensor) -> torch.Tensor: ...
@overload
def warp(x: Expression, flow: object) -> Expression: ...
def warp(x: Any, flow: Any) -> Any:
    """An image displaced by a flow: (A x)[i, j] = x[i + flow[i, j, 0], j + flow[i, j, 1]].

    Between pixels values are interpolated bilinearly; beyond the edge they are zero.

    Args:
        x: an expression or a tensor (..., H, W).
        flow: the displacement in pixels, (H, W, 2), rows first, or with leading axes that match
            those of x, such as (B, 1, H, W, 2) for one flow per sample.

    Returns:
        An expression, or a tensor where x is one, in the shape of x.

    Raises:
        ShapeError: the flow does not match x.
        ParameterError: the flow is complex.

    Example:
        >>> import torch, dprox_core as dp
        >>> right = torch.tensor([0.0, 1.0]).expand(1, 3, 2)
        >>> dp.warp(torch.tensor([[1.0, 2.0, 3.0]]), right)
        tensor([[2., 3., 0.]])

    References:
        D. Mitzel, T. Pock, T. Schoenemann, D. Cremers, Video super resolution using duality based
        TV-L1 optical flow, 2009.
    """
    return apply(Warp, x, flow)


@overload
def homography(x: torch.Tensor, H: torch.Tensor) -> torch.Tensor: ...
@overload
def homography(x: Expression, H: object) -> Expression: ...
def homography(x: Any, H: Any) -> Any:
    """A plane seen from elsewhere: (A x)[i, j] is x at the place that H takes (i, j, 1) to.

    Args:
        x: an expression or a tensor (..., H, W).
        H: (3, 3), in pixels, rows first; its third row divides.

    Returns:
        An expression, or a tensor where x is one, in the shape of x; zero beyond the edge.

    Raises:
        ShapeError: H is not 3 × 3.
        ParameterError: H is complex or singular.

    Example:
        >>> import torch, dprox_core as dp
        >>> shift = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
        >>> dp.homography(torch.tensor([[1.0, 2.0, 3.0]]), shift)
        tensor([[2., 3., 0.]])

    References:
        R. Hartley, A. Zisserman, Multiple View Geometry in Computer Vision, section 2.3.
    """
    return apply(Homography, x, H)
