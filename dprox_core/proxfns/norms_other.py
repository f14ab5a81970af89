"""Norms of a whole tensor, weighted norms, mixtures of norms, and the norm of singular values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dprox_core.numerics import reductions
from dprox_core.numerics.spectral import low_rank
from dprox_core.proxfns import checks
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register
from dprox_core.proxfns.losses import SumSquares
from dprox_core.proxfns.norms import Norm1, cut_off, share_within, soft_threshold
from dprox_core.proxfns.pointwise import Weighted
from dprox_core.proxfns.projections import onto_l1_ball

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "ElasticNet",
    "Huber",
    "Norm2",
    "NormInf",
    "NuclearNorm",
    "WeightedNorm1",
    "elastic_net",
    "huber",
    "norm2",
    "norm_inf",
    "nuclear_norm",
    "weighted_norm1",
]


@register
class WeightedNorm1(Weighted):
    """f(v) = Σ w_i |v_i|."""

    name = "weighted_norm1"
    homogeneous = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ w_i |v_i|."""
        return reductions.total(self.data * v.abs())

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Soft thresholding, each element with its own threshold."""
        return soft_threshold(v, step * self.data)

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v with magnitudes cut off, each at its own threshold."""
        return cut_off(v, step * self.data, out)


@register
class Norm2(ProxFn):
    """f(v) = (Σ |v_i|²)^½."""

    name = "norm2"
    slope = 1.0
    homogeneous = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """‖v‖₂."""
        squared = reductions.squared_norm(v)
        # The root has no gradient at zero; a subgradient there is zero.
        zero = squared == 0.0
        return torch.where(zero, 1.0, squared).sqrt() * ~zero

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The direction stays, the length loses the step, down to zero."""
        return v * (1.0 - self._share(v, step)).to(v.real.dtype)

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v, its length cut off at the step."""
        return torch.mul(v, self._share(v, step).to(v.real.dtype), out=out)

    def _share(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """min(1, step / ‖v‖), in double precision: squares neither overflow nor vanish there."""
        dtype = torch.complex128 if v.is_complex() else torch.float64
        return share_within(torch.linalg.vector_norm(v, dtype=dtype), step)

    def follows(self, first: ProxFn) -> bool:
        """After all that is positively homogeneous: shortening keeps its subgradients."""
        return first.homogeneous and first.convex


@register
class NormInf(ProxFn):
    """f(v) = max |v_i|."""

    name = "norm_inf"
    slope = 1.0
    homogeneous = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The largest magnitude."""
        return v.abs().max().double()

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """What the projection onto the ℓ₁ ball of radius step leaves."""
        return v - onto_l1_ball(v, step)


@register
class ElasticNet(ProxFn):
    """f(v) = Σ |v_i| + (γ/2) |v_i|²."""

    name = "elastic_net"
    separable = True

    def __init__(self, space: Space, gamma: float = 1.0) -> None:
        super().__init__(space)
        self._gamma = self.modulus = gamma

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """γ must be from 0.

        Raises:
            ParameterError: it is not.
        """
        checks.positive(cls.name, "gamma", options["gamma"], strict=False)

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ |v_i| + (γ/2) |v_i|²."""
        return reductions.norm1(v) + 0.5 * self._gamma * reductions.squared_norm(v)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Soft thresholding, then scaling."""
        return soft_threshold(v, step) / (1.0 + self._gamma * step)

    def summands(self) -> tuple[tuple[float, ProxFn, str], ...]:
        """The norm and the squares."""
        if self._gamma == 0.0:
            return ((1.0, Norm1(self.space), "norm"),)
        squares = (0.5 * self._gamma, SumSquares(self.space), "squares")
        return ((1.0, Norm1(self.space), "norm"), squares)


@register
class Huber(ProxFn):
    """f(v) = Σ |v_i|²/2 where |v_i| ≤ δ, else δ (|v_i| − δ/2)."""

    name = "huber"
    separable = True
    lipschitz = 1.0

    def __init__(self, space: Space, delta: float = 1.0) -> None:
        super().__init__(space)
        self._delta = delta
        self.slope = delta

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """δ must be above 0.

        Raises:
            ParameterError: it is not.
        """
        checks.positive(cls.name, "delta", options["delta"])

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Squares near zero, magnitudes far from it."""
        size = v.abs()
        inner = size.clamp_max(self._delta)
        return reductions.total(inner * (size - 0.5 * inner))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Scaled near zero, moved by δ step far from it."""
        # Where squares end the share of δ is step / (1 + step), which is that of all below.
        return v * (1.0 - step * self._delta / v.abs().clamp_min(self._delta * (1.0 + step)))

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """v, cut off at magnitude δ."""
        return v * (self._delta / v.abs().clamp_min(self._delta))


@register
class NuclearNorm(ProxFn):
    """f(v) = Σ σ_i(V) over the matrices V of the last two axes."""

    name = "nuclear_norm"
    slope = 1.0
    homogeneous = True

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.sums_samples = len(space.shape) > 2

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """There must be matrices.

        Raises:
            ShapeError: the argument has fewer than two axes.
        """
        checks.matrices(cls.name, argument)

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The sum of the singular values."""
        if not bool(torch.isfinite(v).all()):
            return v.abs().sum().double() * torch.nan
        return torch.linalg.svdvals(v).sum().double()

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Singular values less the step, down to zero."""
        return low_rank(v, step)


def weighted_norm1(e: Expression | torch.Tensor, weights: object) -> Objective | Any:
    """Sum of weighted magnitudes, Σ wᵢ |eᵢ|.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        weights: from 0, a number, a tensor or a placeholder that broadcasts to e.

    Returns:
        An objective.

    Raises:
        ShapeError: the weights do not broadcast to e.
        ParameterError: a weight is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.weighted_norm1(torch.tensor([1.0, -2.0]), torch.tensor([3.0, 0.5])))
        4.0

    References:
        E. J. Candès, M. B. Wakin, S. P. Boyd, Enhancing sparsity by reweighted l1 minimization,
        2008.
    """
    return make(WeightedNorm1, e, weights)


def norm2(e: Expression | torch.Tensor) -> Objective | Any:
    """The Euclidean norm of the whole, ‖e‖₂ = (Σ |eᵢ|²)^½; sum_squares is its square.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).

    Returns:
        An objective.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.norm2(torch.tensor([3.0, 4.0])))
        5.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.5.1.
    """
    return make(Norm2, e)


def norm_inf(e: Expression | torch.Tensor) -> Objective | Any:
    """The largest magnitude, ‖e‖∞ = max |eᵢ|.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).

    Returns:
        An objective.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.norm_inf(torch.tensor([3.0, -4.0])))
        4.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.5.3.
    """
    return make(NormInf, e)


def elastic_net(e: Expression | torch.Tensor, gamma: float = 1.0) -> Objective | Any:
    """Magnitudes and squares together, Σ |eᵢ| + (γ/2) |eᵢ|²: sparse, and strongly convex.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        gamma: γ, how much the squares count, from 0.

    Returns:
        An objective.

    Raises:
        ParameterError: γ is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(float(dp.elastic_net(torch.tensor([2.0, -1.0]), gamma=2.0)), 3)
        8.0

    References:
        H. Zou, T. Hastie, Regularization and variable selection via the elastic net, 2005.
    """
    return make(ElasticNet, e, gamma=gamma)


def huber(e: Expression | torch.Tensor, delta: float = 1.0) -> Objective | Any:
    """Squares for small values, magnitudes for large ones: a data term that outliers do not pull.

    Σ |eᵢ|²/2 where |eᵢ| ≤ δ, and δ (|eᵢ| − δ/2) elsewhere.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        delta: δ, where squares end, above 0.

    Returns:
        An objective.

    Raises:
        ParameterError: δ is not above 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.huber(torch.tensor([1.0, 3.0])))
        3.0

    References:
        P. J. Huber, Robust estimation of a location parameter, 1964.
    """
    return make(Huber, e, delta=delta)


def nuclear_norm(e: Expression | torch.Tensor) -> Objective | Any:
    """Sum of singular values of the matrices in the last two axes: favours low rank.

    Args:
        e: an expression (..., M, N), real or complex (or a tensor, of which the value is returned).

    Returns:
        An objective.

    Raises:
        ShapeError: e has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.nuclear_norm(torch.diag(torch.tensor([3.0, 1.0]))))
        4.0

    References:
        J.-F. Cai, E. J. Candès, Z. Shen, A singular value thresholding algorithm for matrix
        completion, 2010.
    """
    return make(NuclearNorm, e)
