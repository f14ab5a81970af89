"""Matrices, dense or sparse, along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.arguments import refuse_axes
from dprox_core.linops.base import LinOp, apply, magnitude_squared, register
from dprox_core.linops.space import Space

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression, Shape

__all__ = ["Matrix", "matrix"]


@register
class Matrix(LinOp):
    """A x = M x along one axis of x."""

    name = "matrix"
    operand_names: ClassVar[tuple[str, ...]] = ("M",)
    keeps_sparse = True

    def __init__(
        self, domain: Space, matrix: torch.Tensor, axis: int = -1, product: bool = False
    ) -> None:
        ndim = len(domain.shape)
        self._axis = axis % ndim - ndim
        shape = list(domain.shape)
        # One row alone takes its axis away, as a product of a vector with a vector does.
        self._vector = matrix.ndim == 1
        if self._vector:
            del shape[self._axis]
        else:
            shape[self._axis] = matrix.shape[0]
        is_complex = domain.is_complex or matrix.is_complex()
        super().__init__(domain, domain.as_complex(is_complex).with_shape(tuple(shape)))
        if matrix.layout not in (torch.strided, torch.sparse_coo):
            # Compressed rows have no transpose of their own kind.
            matrix = matrix.to_sparse_coo()
        self.matrix = matrix
        self._rows = matrix[None] if self._vector else matrix

    @classmethod
    def infer(
        cls, argument: Expression, operands: tuple[Expression, ...], **options: Any
    ) -> Shape | None:
        """The argument's shape, with as many elements along the axis as the matrix has rows.

        Raises:
            ParameterError: the axis is no whole number.
            ShapeError: the matrix is none, or has other columns than the axis has elements.
        """
        axis = options.get("axis", -1)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ParameterError(
                f"{cls.name}: axis must be a whole number, such as -1, not {axis!r}.",
                expected="a whole number",
                got=axis,
                where="axis",
            )
        shape, given = argument.shape, operands[0].shape
        if shape is None or given is None:
            return None
        name = operands[0].describe()
        if len(given) not in (1, 2):
            raise ShapeError(
                f"{cls.name}: {name} of shape {given} is no matrix: give (rows, columns), or "
                "(columns,) for one row.",
                expected="(rows, columns)",
                got=given,
                where=name,
            )
        refuse_axes(cls.name, argument.describe(), shape, (axis,), "axis")
        if given[-1] != shape[axis]:
            raise ShapeError(
                f"{cls.name}: {name} of shape {given} has {given[-1]} columns, but "
                f"{argument.describe()} of shape {shape} has {shape[axis]} elements along axis "
                f"{axis}.",
                expected=f"{shape[axis]} columns",
                got=given[-1],
                where=name,
            )
        result = list(shape)
        if len(given) == 1:
            del result[axis]
        else:
            result[axis] = given[0]
        return tuple(result)

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``M @ x``."""
        inner = f"({argument})" if " " in argument and not argument.endswith(")") else argument
        if options.get("product", False):
            return f"{operands[0]} @ {inner}"
        axis = options.get("axis", -1)
        return f"matrix({argument}, {operands[0]}{'' if axis == -1 else f', axis={axis}'})"

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """M x."""
        result = _along(self._rows, x, self._axis)
        return result.squeeze(self._axis) if self._vector else result

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Mᴴ y."""
        if self._vector:
            y = y.unsqueeze(self._axis)
        return self.to_domain(_along(_adjoint(self._rows), y, self._axis))

    @property
    def axis(self) -> int:
        """The axis along which it acts, from the end."""
        return self._axis

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """The matrix."""
        return (self.matrix,)

    def along(self) -> tuple[int, torch.Tensor]:
        """Its own axis and rows."""
        return self._axis, self._rows

    def mean_gram_diagonal(self) -> torch.Tensor | None:
        """The squared lengths of the columns, where the matrix is dense."""
        if self._rows.layout is not torch.strided:
            return None
        lengths = magnitude_squared(self._rows).sum(dim=0)
        return lengths.reshape(-1, *([1] * (-self._axis - 1)))

    @property
    def decomposed(self) -> bool:
        """Whether its norm is found from its singular values: it is small enough for that."""
        rows = self._rows
        complex_out_of_real = rows.is_complex() and not self.domain.is_complex
        return rows.layout is torch.strided and not complex_out_of_real and min(rows.shape) <= 512

    def norm_bound(self) -> float:
        """The largest singular value, where the matrix is small enough to look."""
        if not self.decomposed:
            return super().norm_bound()
        return float(torch.linalg.matrix_norm(self._rows.detach(), ord=2))


def _along(matrix: torch.Tensor, x: torch.Tensor, axis: int) -> torch.Tensor:
    dtype = torch.promote_types(matrix.dtype, x.dtype)
    matrix, columns = matrix.to(dtype), x.movedim(axis, 0).to(dtype)
    flat = columns.reshape(columns.shape[0], -1)
    product = torch.sparse.mm(matrix, flat) if matrix.layout is not torch.strided else matrix @ flat
    return product.reshape(-1, *columns.shape[1:]).movedim(0, axis)


def _adjoint(matrix: torch.Tensor) -> torch.Tensor:
    if matrix.layout is torch.strided:
        return matrix.mH
    turned = matrix.transpose(0, 1).coalesce()
    if not turned.is_complex():
        return turned
    return torch.sparse_coo_tensor(turned.indices(), turned.values().conj(), turned.shape)


@overload
def matrix(x: torch.Tensor, M: torch.Tensor, axis: int = -1) -> torch.Tensor: ...
@overload
def matrix(x: Expression, M: object, axis: int = -1) -> Expression: ...
def matrix(x: Any, M: Any, axis: int = -1) -> Any:
    """A matrix applied along one axis: (A x)[..., i] = Σ_j M[i, j] x[..., j].

    ``M @ x`` writes the same for vectors x and, along the last axis but one, for matrices x.

    Args:
        x: an expression or a tensor with N elements along the axis.
        M: (R, N), dense or sparse (torch or scipy), or (N,) for one row, whose product has the
            axis no more; a tensor, an array or a placeholder; real or complex.
        axis: the axis along which it acts.

    Returns:
        An expression, or a tensor where x is one, with R elements along the axis.

    Raises:
        ShapeError: M has other columns than x has elements along the axis.

    Example:
        >>> import torch, dprox_core as dp
        >>> dp.matrix(torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 1.0], [0.0, 3.0]]))
        tensor([3., 6.])

    References:
        G. H. Golub, C. F. Van Loan, Matrix Computations, section 1.1.
    """
    return apply(Matrix, x, M, axis=axis)
