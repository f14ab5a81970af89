"""Linear and quadratic functions, weighted squares, the largest element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.algebra import difference
from dprox_core.linops.matrix import Matrix
from dprox_core.linops.sampling import MulElementwise
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Objective, ProxFn, Quadratic, Step, make, register
from dprox_core.proxfns.pointwise import Pointwise, Weighted
from dprox_core.proxfns.projections import onto_simplex

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "Linear",
    "Maximum",
    "QuadForm",
    "WeightedSumSquares",
    "linear",
    "maximum",
    "quad_form",
    "weighted_sum_squares",
]


@register
class Linear(Pointwise):
    """f(v) = Σ c_i v_i."""

    name = "linear"
    operand_names: ClassVar[tuple[str, ...]] = ("c",)
    real_only = True
    lipschitz = 0.0

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ c_i v_i."""
        return reductions.total(self.data * v)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """v − step c."""
        return v - step * self.data

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """c."""
        return self.data.expand(v.shape)

    def quadratic(self) -> Quadratic:
        """W = 0, g = c."""
        return Quadratic(slope=self.data.expand(self.space.shape), curved=False)


@register
class Maximum(ProxFn):
    """f(v) = max v_i."""

    name = "maximum"
    real_only = True
    slope = 1.0

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The largest element."""
        return v.max().double()

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """What the projection onto the simplex of sum step leaves."""
        return v - onto_simplex(v.reshape(-1), step).reshape(v.shape)


@register
class WeightedSumSquares(Weighted):
    """f(v) = Σ w_i |v_i|²."""

    name = "weighted_sum_squares"

    def __init__(self, space: Space, weights: torch.Tensor | float) -> None:
        super().__init__(space, weights)
        self.lipschitz = 2.0 * float(self.data.detach().max())
        self.modulus = 2.0 * float(self.data.detach().min())

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ w_i |v_i|²."""
        squared = v.real.square() + v.imag.square() if v.is_complex() else v.square()
        return reductions.total(self.data * squared)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """v / (1 + 2 step w)."""
        return v / (1.0 + 2.0 * step * self.data)

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """2 w v."""
        return 2.0 * self.data * v

    def quadratic(self) -> Quadratic:
        """W = diag(w)."""
        return Quadratic(MulElementwise(self.space, self.data))


@register
class QuadForm(ProxFn):
    """f(v) = Σ vᴴ P v over the vectors v of the last axis, with P positive semi-definite."""

    name = "quad_form"
    operand_names: ClassVar[tuple[str, ...]] = ("P",)

    def __init__(self, space: Space, P: torch.Tensor) -> None:
        super().__init__(space)
        matrix = 0.5 * (P + P.mH)
        # Real vectors see only the real part of a Hermitian matrix.
        self._matrix = matrix if space.is_complex or not matrix.is_complex() else matrix.real
        # In double precision: a long step makes much of what rounding leaves of a zero.
        exact = torch.complex128 if self._matrix.is_complex() else torch.float64
        values, vectors = torch.linalg.eigh(self._matrix.detach().to(exact))
        slack = 64 * torch.finfo(space.precision).eps * float(values.abs().max())
        if float(values.min()) < -slack or float((P - P.mH).detach().abs().max()) > slack:
            raise ParameterError(
                "quad_form: P must be symmetric and positive semi-definite; its smallest "
                f"eigenvalue is {float(values.min()):.3g}, its asymmetry "
                f"{float((P - P.mH).detach().abs().max()):.3g}.",
                expected="a positive semi-definite matrix",
                got=float(values.min()),
                where="P",
            )
        self.lipschitz = 2.0 * float(values.max())
        self.modulus = 2.0 * max(0.0, float(values.min()) - slack)
        # What rounding left below zero would make a long step's prox unbounded.
        basis = values.clamp_min(0.0).to(space.precision), vectors.to(self._matrix.dtype)
        self._basis = None if P.requires_grad else basis
        self.sums_samples = len(space.shape) > 1 and self._basis is not None

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """P must be square and as large as the last axis.

        Raises:
            ShapeError: it is not.
        """
        shape, given = argument.shape, operands[0].shape
        if shape is None or given is None:
            return
        wanted = (shape[-1], shape[-1]) if shape else None
        if tuple(given) != wanted:
            raise ShapeError(
                f"quad_form: {operands[0].describe()} has shape {given}, but for "
                f"{argument.describe()} of shape {shape} it must have shape {wanted}.",
                expected=wanted,
                got=given,
                where="P",
            )

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ vᴴ P v."""
        return reductions.inner(v, self.grad(v)) / 2.0

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """(I + 2 step P)⁻¹ v."""
        if self._basis is not None:
            values, vectors = self._basis
            dtype = torch.promote_types(v.dtype, vectors.dtype)
            turned = v.to(dtype) @ vectors.conj().to(dtype)
            return turned / (1.0 + 2.0 * step * values) @ vectors.mT.to(dtype)
        eye = torch.eye(self._matrix.shape[0], dtype=self._matrix.dtype, device=v.device)
        dtype = torch.promote_types(v.dtype, self._matrix.dtype)
        system = (eye + 2.0 * step * self._matrix).to(dtype)
        flat = v.to(dtype).reshape(-1, v.shape[-1]).mT
        return torch.linalg.solve(system, flat).mT.reshape(v.shape)

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """2 P v."""
        dtype = torch.promote_types(v.dtype, self._matrix.dtype)
        return 2.0 * (v.to(dtype) @ self._matrix.to(dtype).mT)

    def quadratic(self) -> Quadratic:
        """W = P along the last axis."""
        return Quadratic(Matrix(self.space, self._matrix))


def linear(e: Expression | torch.Tensor, c: object = 1.0) -> Objective | Any:
    """A linear cost, Σ cᵢ eᵢ; the sum of all elements where no c is given.

    Args:
        e: a real expression (or a tensor, of which the value is returned).
        c: the cost of each element, a number, a tensor or a placeholder that broadcasts to e.

    Returns:
        An objective.

    Raises:
        ParameterError: e or c is complex.
        ShapeError: c does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.linear(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -1.0])))
        1.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.1.1.
    """
    return make(Linear, e, c)


def maximum(e: Expression | torch.Tensor) -> Objective | Any:
    """The largest element, max eᵢ.

    Args:
        e: a real expression (or a tensor, of which the value is returned).

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.maximum(torch.tensor([1.0, -5.0])))
        1.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.4.1.
    """
    return make(Maximum, e)


def weighted_sum_squares(
    e: Expression | torch.Tensor, weights: object, b: object = None
) -> Objective | Any:
    """Weighted sum of squares, Σ wᵢ |eᵢ − bᵢ|²: data of different certainty.

    The weights multiply the squares: with wᵢ = 1/(2 σᵢ²) this is the data term of Gaussian noise
    of standard deviation σᵢ.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        weights: from 0, a number, a tensor or a placeholder that broadcasts to e.
        b: what is subtracted, in the shape of e; None for nothing.

    Returns:
        An objective.

    Raises:
        ShapeError: weights or b do not match e.
        ParameterError: a weight is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.weighted_sum_squares(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 0.5])))
        5.0

    References:
        A. C. Aitken, On least squares and linear combinations of observations, 1935.
    """
    return make(WeightedSumSquares, e if b is None else difference(e, b), weights)


def quad_form(e: Expression | torch.Tensor, P: object) -> Objective | Any:
    """A quadratic form, Σ eᴴ P e over the vectors of the last axis.

    Args:
        e: an expression (..., N), real or complex (or a tensor, of which the value is returned).
        P: a positive semi-definite matrix (N, N), symmetric; a tensor or a placeholder.

    Returns:
        An objective.

    Raises:
        ShapeError: P has another shape.
        ParameterError: P is not symmetric, or has an eigenvalue below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.quad_form(torch.tensor([1.0, 2.0]), torch.diag(torch.tensor([1.0, 3.0]))))
        13.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.1.1.
    """
    return make(QuadForm, e, P)
