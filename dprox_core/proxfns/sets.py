"""Sets to stay in, as functions: the simplex, planes, cones, a point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops.arguments import refuse_axes, whole_number
from dprox_core.numerics.spectral import positive_part
from dprox_core.proxfns import checks
from dprox_core.proxfns.balls import SetIndicator
from dprox_core.proxfns.base import Objective, make, register
from dprox_core.proxfns.projections import onto_simplex

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "AffineSet",
    "Equal",
    "HalfSpace",
    "PsdCone",
    "Simplex",
    "affine_set",
    "equal",
    "halfspace",
    "psd_cone",
    "simplex",
]


@register
class Simplex(SetIndicator):
    """f(v) = 0 where v ≥ 0 and Σ v = total, else ∞."""

    name = "simplex"
    real_only = True

    def __init__(self, space: Space, total: float = 1.0, axis: int | None = None) -> None:
        super().__init__(space)
        self._total = total
        self._axis = axis
        self.sums_samples = axis is not None and axis % len(space.shape) != 0

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """The total must be above 0, the argument real and have the axis.

        Raises:
            ParameterError: total or argument is not so.
            ShapeError: there is no such axis.
        """
        super().check(argument, operands, **options)
        checks.positive(cls.name, "total", options["total"])
        axis, shape = options["axis"], argument.shape
        axis = None if axis is None else whole_number(cls.name, "axis", axis)
        if axis is not None and shape is not None:
            refuse_axes(cls.name, argument.describe(), shape, (axis,), "axis")

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """All elements lose a common amount, down to zero."""
        if self._axis is None:
            return onto_simplex(v.reshape(-1), self._total).reshape(v.shape)
        return onto_simplex(v.movedim(self._axis, -1), self._total).movedim(-1, self._axis)


@register
class AffineSet(SetIndicator):
    """f(v) = 0 where A v = b for the vectors v of the last axis, else ∞."""

    name = "affine_set"
    operand_names: ClassVar[tuple[str, ...]] = ("A", "b")

    def __init__(self, space: Space, A: torch.Tensor, b: torch.Tensor | float) -> None:
        super().__init__(space)
        self.sums_samples = len(space.shape) > 1
        if space.is_complex:
            A = A.to(space.dtype)
        elif A.is_complex() or (isinstance(b, torch.Tensor) and b.is_complex()):
            # Of a real vector, the real and the imaginary parts of the equations.
            target = torch.as_tensor(b, device=A.device).expand(A.shape[0]).to(A.dtype.to_complex())
            A = A.to(target.dtype)
            A, b = torch.cat([A.real, A.imag]), torch.cat([target.real, target.imag])
        self._matrix = A
        self._inverse = torch.linalg.pinv(A)
        self._target = torch.as_tensor(b, dtype=space.dtype, device=space.device)
        point = self._target.expand(A.shape[0]) @ self._inverse.mT
        off = float((point @ A.mT - self._target).detach().abs().max())
        if off > 1e3 * torch.finfo(space.precision).eps * (
            1.0 + float(self._target.detach().abs().max())
        ):
            raise ParameterError(
                f"affine_set: no point meets A v = b; the nearest misses by {off:.3g}.",
                expected="equations that agree",
                got=off,
                where="b",
            )

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """A must have as many columns as the last axis has elements, b as many as A has rows.

        Raises:
            ShapeError: one of them has not.
        """
        shape, matrix, target = argument.shape, operands[0].shape, operands[1].shape
        if shape is None or matrix is None or target is None:
            return
        if len(matrix) != 2 or not shape or matrix[1] != shape[-1]:
            raise ShapeError(
                f"affine_set: {operands[0].describe()} of shape {matrix} does not match "
                f"{argument.describe()} of shape {shape}: give (rows, {shape[-1:]}).",
                expected=f"(rows, {shape[-1:]})",
                got=matrix,
                where="A",
            )
        if target not in ((), (1,), (matrix[0],)):
            raise ShapeError(
                f"affine_set: {operands[1].describe()} of shape {target} does not match the "
                f"{matrix[0]} rows of {operands[0].describe()}.",
                expected=(matrix[0],),
                got=target,
                where="b",
            )

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """v − A⁺ (A v − b)."""
        return v - (v @ self._matrix.mT - self._target) @ self._inverse.mT


@register
class HalfSpace(SetIndicator):
    """f(v) = 0 where Σ a_i v_i ≤ b, else ∞."""

    name = "halfspace"
    operand_names: ClassVar[tuple[str, ...]] = ("a", "b")
    real_only = True

    def __init__(
        self, space: Space, a: torch.Tensor | float, b: torch.Tensor | float = 0.0
    ) -> None:
        super().__init__(space)
        normal = torch.as_tensor(a, dtype=space.precision, device=space.device).expand(space.shape)
        size = float(normal.detach().abs().max())
        if size == 0.0:
            raise ParameterError(
                "halfspace: a is zero, which bounds nothing.",
                expected="an element other than 0",
                got=0.0,
                where="a",
            )
        # In units in which squares neither overflow nor vanish.
        self._a = normal / size
        self._b = (b.reshape(()) if isinstance(b, torch.Tensor) else b) / size

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """a must fit, b be one number, all of them real.

        Raises:
            ParameterError: something is complex.
            ShapeError: a does not broadcast to the argument, or b is not one number.
        """
        super().check(argument, operands, **options)
        checks.fitting(cls.name, "a", operands[0], argument)
        for role, operand in zip(cls.operand_names, operands, strict=True):
            checks.real_data(cls.name, role, operand)
        given = operands[1].shape
        if given is not None and math.prod(given) != 1:
            raise ShapeError(
                f"halfspace: b must be one number, not of shape {given}.",
                expected="one number",
                got=given,
                where="b",
            )

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """Back along a by what is too much."""
        excess = ((self._a * v).sum() - self._b).clamp_min(0.0)
        return v - self._a * (excess / self._a.square().sum())


@register
class PsdCone(SetIndicator):
    """f(v) = 0 where the matrices of the last two axes are positive semi-definite, else ∞."""

    name = "psd_cone"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.sums_samples = len(space.shape) > 2

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """There must be square matrices.

        Raises:
            ShapeError: there are none.
        """
        checks.matrices(cls.name, argument, square=True)

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """The symmetric part, with its negative eigenvalues left out."""
        return positive_part(v)


@register
class Equal(SetIndicator):
    """f(v) = 0 where v = b, else ∞."""

    name = "equal"
    operand_names: ClassVar[tuple[str, ...]] = ("b",)
    separable = True

    def __init__(self, space: Space, b: torch.Tensor | float = 0.0) -> None:
        super().__init__(space)
        self._b = torch.as_tensor(b, dtype=space.dtype, device=space.device).expand(space.shape)

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """b must fit.

        Raises:
            ParameterError: it is complex and the argument is real.
            ShapeError: it does not broadcast to the argument.
        """
        checks.fitting(cls.name, "b", operands[0], argument)
        if operands[0].is_complex and not argument.is_complex:
            raise ParameterError(
                f"{argument.describe()} is real and can never equal {operands[0].describe()}, "
                "which is complex.",
                expected="real values, or a complex expression",
                got="complex values",
                where="b",
            )

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """b."""
        # A sum, so that the result depends on v as autograd sees it.
        return self._b + 0.0 * v


def simplex(
    e: Expression | torch.Tensor, total: float = 1.0, axis: int | None = None
) -> Objective | Any:
    """The constraint that values are from 0 and sum to a total, as probabilities do.

    Args:
        e: a real expression (or a tensor, of which the value is returned).
        total: the sum, above 0.
        axis: along which axis; None for all elements together, such as those of a blur kernel.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: e is complex, or the total is not above 0.
        ShapeError: e has no such axis.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.simplex(torch.tensor([0.25, 0.75])))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.5.
    """
    return make(Simplex, e, total=total, axis=axis)


def affine_set(e: Expression | torch.Tensor, A: object, b: object) -> Objective | Any:
    """The constraint A e = b for the vectors e of the last axis, by an exact projection.

    Args:
        e: an expression (..., N) (or a tensor, of which the value is returned).
        A: (M, N), a tensor or a placeholder.
        b: (M,), a tensor, a number or a placeholder.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ShapeError: A or b do not match e.
        ParameterError: no point meets the equations.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.affine_set(torch.tensor([1.0, 2.0]), torch.ones(1, 2), 3.0))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.1.
    """
    return make(AffineSet, e, A, b)


def halfspace(e: Expression | torch.Tensor, a: object = 1.0, b: object = 0.0) -> Objective | Any:
    """The constraint Σ aᵢ eᵢ ≤ b.

    Args:
        e: a real expression (or a tensor, of which the value is returned).
        a: the normal, a number, a tensor or a placeholder that broadcasts to e; not zero.
        b: one number.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: e is complex, or a is zero.
        ShapeError: a does not broadcast to e, or b is not one number.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.halfspace(torch.tensor([1.0, 2.0]), torch.tensor([1.0, -1.0])))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.3.
    """
    return make(HalfSpace, e, a, b)


def psd_cone(e: Expression | torch.Tensor) -> Objective | Any:
    """The constraint that the matrices of the last two axes are positive semi-definite.

    Args:
        e: an expression (..., N, N) (or a tensor, of which the value is returned).

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ShapeError: e holds no square matrices.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.psd_cone(torch.eye(2)))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.3.3.
    """
    return make(PsdCone, e)


def equal(e: Expression | torch.Tensor, b: object = 0.0) -> Objective | Any:
    """The constraint e = b for every element; ``e == b`` writes the same in a list of constraints.

    Args:
        e: an expression (or a tensor, of which the value is returned).
        b: a number, or a tensor or placeholder that broadcasts to e.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ShapeError: b does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.equal(torch.ones(2), 1.0))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.2.1.
    """
    return make(Equal, e, b)
