"""Data terms of counts and classes, and other functions with a one-dimensional prox."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.arguments import in_range, refuse_unless
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.numerics.roots import increasing_root
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register
from dprox_core.proxfns.pointwise import Pointwise

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "Entropy",
    "Hinge",
    "Logistic",
    "Poisson",
    "Quantile",
    "entropy",
    "hinge",
    "logistic",
    "poisson",
    "quantile",
]


def above_zero(v: torch.Tensor, strictly: torch.Tensor) -> torch.Tensor:
    """v, but not below 0, and where said above it: by rounding of the largest value."""
    info = torch.finfo(v.dtype)
    least = info.eps * v.detach().abs().max().clamp_min(info.tiny / info.eps)
    return torch.maximum(v, torch.where(strictly, least, torch.zeros_like(least)))


@register
class Poisson(Pointwise):
    """f(v) = Σ v_i − y_i + y_i log(y_i / v_i) for v > 0, with 0 log 0 = 0; else ∞."""

    name = "poisson"
    has_domain = True
    operand_names: ClassVar[tuple[str, ...]] = ("y",)
    real_only = True
    data_from_zero = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The Kullback-Leibler divergence of v from the counts."""
        y = self.data
        infinite = torch.full((), torch.inf, dtype=v.dtype, device=v.device)
        counted = y > 0
        safe_v = torch.where(v > 0, v, torch.ones_like(v))
        logs = torch.where(counted, y, 1.0).log() - safe_v.log()
        costs = v - y + torch.where(counted, y * logs, torch.zeros_like(logs))
        outside = (v < 0) | ((v == 0) & counted)
        return reductions.total(torch.where(outside, infinite, costs))

    def finite(self, v: torch.Tensor) -> torch.Tensor:
        """Not below 0, and above it where something was counted."""
        return above_zero(v, self.data > 0)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The positive root of u² − (v − step) u − step y = 0."""
        shifted = v - step
        y = self.data
        # In units in which the square of a large sum does not overflow.
        unit = shifted.detach().abs().clamp_min(1.0)
        inside = (shifted / unit).square() + 4.0 * step * (y / unit) / unit
        root = torch.where(inside > 0, inside, torch.ones_like(inside)).sqrt() * unit
        root = torch.where(inside > 0, root, torch.zeros_like(root))
        # For a negative sum the other form of the root loses no digits.
        below = torch.where(shifted < 0, root - shifted, torch.ones_like(root))
        return torch.where(shifted < 0, 2.0 * step * y / below, 0.5 * (shifted + root))


@register
class Entropy(ProxFn):
    """f(v) = Σ v_i log v_i for v ≥ 0, with 0 log 0 = 0; else ∞."""

    name = "entropy"
    has_domain = True
    real_only = True
    separable = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ v_i log v_i."""
        infinite = torch.full((), torch.inf, dtype=v.dtype, device=v.device)
        return reductions.total(torch.where(v < 0, infinite, torch.xlogy(v, v.clamp_min(0.0))))

    def finite(self, v: torch.Tensor) -> torch.Tensor:
        """Not below 0."""
        return v.clamp_min(0.0)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """u with u + step (log u + 1) = v, found through s = log u."""
        size = torch.as_tensor(step, dtype=v.dtype, device=v.device)
        # So small a step is lost beside v: its prox is the projection, and what it starts to do
        # there. The root below would divide by it.
        lost = size <= torch.finfo(v.dtype).tiny ** 0.5
        used = torch.where(lost, torch.ones_like(size), size)

        def equation(s: torch.Tensor) -> torch.Tensor:
            return s.exp() + used * (s + 1.0) - v

        # At v / step − 1, and at log v or −1, whichever is larger, the left side is not below v.
        least = 0.25 * torch.finfo(v.dtype).min
        over = (v / used).clamp_min(least) - 1.0
        high = torch.minimum(v.clamp_min(math.exp(-1.0)).log(), over)
        # Where v is much larger than the step, rounding in v − exp(log v) is all there is.
        low = torch.minimum(((v - high.exp()) / used).clamp_min(least) - 1.0, high)
        low = torch.where(v > math.exp(-1.0), low.clamp_min(-1.0), low)
        root = increasing_root(equation, lambda s: s.exp() + used, low, high).exp()
        if not bool(lost.any()):
            return root
        inside = v > 0
        first = v - size * (torch.where(inside, v, torch.ones_like(v)).log() + 1.0)
        return torch.where(lost, torch.where(inside, first, torch.zeros_like(v)), root)


class _Labelled(Pointwise):
    """A loss of margins y_i v_i, with labels y_i of −1 and 1."""

    operand_names: ClassVar[tuple[str, ...]] = ("y",)
    real_only = True

    def __init__(self, space: Space, labels: torch.Tensor | float = 1.0) -> None:
        super().__init__(space, labels)
        given = self.data.detach()
        if bool((given.abs() != 1.0).any()):
            raise ParameterError(
                f"{self.name}: the labels y must be 1 or −1.",
                expected="1 or −1",
                got=given.flatten()[:8].tolist(),
                where="y",
            )


@register
class Logistic(_Labelled):
    """f(v) = Σ log(1 + exp(−y_i v_i))."""

    name = "logistic"
    lipschitz = 0.25
    slope = 1.0

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The negative logarithm of the likelihood."""
        return reductions.total(torch.nn.functional.softplus(-self.data * v, threshold=50.0))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """u with u − v = step y σ(−y u)."""
        y = self.data

        def equation(m: torch.Tensor) -> torch.Tensor:
            return m - y * v - step * torch.sigmoid(-m)

        def slope(m: torch.Tensor) -> torch.Tensor:
            half = torch.sigmoid(-m)
            return 1.0 + step * half * (1.0 - half)

        margin = y * v
        return y * increasing_root(equation, slope, margin, margin + step)

    def grad(self, v: torch.Tensor) -> torch.Tensor:
        """−y σ(−y v)."""
        return -self.data * torch.sigmoid(-self.data * v)


@register
class Hinge(_Labelled):
    """f(v) = Σ max(0, 1 − y_i v_i)."""

    name = "hinge"
    slope = 1.0

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """What is missing to a margin of one."""
        return reductions.total((1.0 - self.data * v).clamp_min(0.0))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The margin grows by the step, up to one."""
        margin = self.data * v
        grown = torch.minimum(margin + step, torch.ones_like(margin))
        return self.data * torch.where(margin < 1.0, grown, margin)


@register
class Quantile(ProxFn):
    """f(v) = Σ max(q v_i, (q − 1) v_i)."""

    name = "quantile"
    real_only = True
    separable = True
    slope = 1.0

    def __init__(self, space: Space, q: float = 0.5) -> None:
        super().__init__(space)
        self._q = q

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """q must lie between 0 and 1, the argument be real.

        Raises:
            ParameterError: one of both is not so.
        """
        super().check(argument, operands, **options)
        q = options["q"]
        refuse_unless(in_range(q, 0.0, 1.0), cls.name, "q", "between 0 and 1", q)

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The tilted sum of magnitudes."""
        return reductions.total(torch.maximum(self._q * v, (self._q - 1.0) * v))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Positive values shrink by q step, negative ones by (1 − q) step."""
        held, q = v.detach(), self._q
        inside = (held < q * step) & (held > (q - 1.0) * step)
        # Zeros are on neither side, so that a step of zero leaves them as they are.
        sign = held.sign()
        slope = (q - 0.5) * sign.square() + 0.5 * sign
        return v * ~inside - step * (slope * ~inside)


def poisson(e: Expression | torch.Tensor, y: object) -> Objective | Any:
    """The data term of photon counts: Σ eᵢ − yᵢ + yᵢ log(yᵢ/eᵢ), the Kullback-Leibler divergence.

    Up to a constant the negative log-likelihood of counts y that are Poisson with mean e.

    Args:
        e: a real expression (or a tensor, of which the value is returned); infinite where e < 0.
        y: the counts, from 0; a number, a tensor or a placeholder that broadcasts to e.

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex, or a count is below 0.
        ShapeError: y does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.poisson(torch.tensor([3.0, 2.0]), torch.tensor([3.0, 0.0])))
        2.0

    References:
        M. A. T. Figueiredo, J. M. Bioucas-Dias, Restoration of Poissonian images using alternating
        direction optimization, 2010.
    """
    return make(Poisson, e, y)


def entropy(e: Expression | torch.Tensor) -> Objective | Any:
    """Negative entropy, Σ eᵢ log eᵢ: favours values that are alike.

    Args:
        e: a real expression (or a tensor, of which the value is returned); infinite where e < 0.

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.entropy(torch.tensor([1.0, 0.0])))
        0.0

    References:
        S. Boyd, L. Vandenberghe, Convex Optimization, 2004, section 3.1.5.
    """
    return make(Entropy, e)


def logistic(e: Expression | torch.Tensor, y: object = 1.0) -> Objective | Any:
    """The data term of classes, Σ log(1 + exp(−yᵢ eᵢ)), smooth.

    Args:
        e: a real expression, the scores (or a tensor, of which the value is returned).
        y: the classes, 1 or −1; a number, a tensor or a placeholder that broadcasts to e.

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex, or y holds something else.
        ShapeError: y does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(float(dp.logistic(torch.zeros(2))), 3)
        1.386

    References:
        S. Boyd, L. Vandenberghe, Convex Optimization, 2004, section 7.1.1.
    """
    return make(Logistic, e, y)


def hinge(e: Expression | torch.Tensor, y: object = 1.0) -> Objective | Any:
    """What is missing to a margin of one, Σ max(0, 1 − yᵢ eᵢ).

    Args:
        e: a real expression, the scores (or a tensor, of which the value is returned).
        y: the classes, 1 or −1; a number, a tensor or a placeholder that broadcasts to e.

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex, or y holds something else.
        ShapeError: y does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.hinge(torch.tensor([0.5, 3.0])))
        0.5

    References:
        C. Cortes, V. Vapnik, Support-vector networks, 1995.
    """
    return make(Hinge, e, y)


def quantile(e: Expression | torch.Tensor, q: float = 0.5) -> Objective | Any:
    """The tilted sum of magnitudes, Σ max(q eᵢ, (q − 1) eᵢ): fits the quantile q.

    Args:
        e: a real expression (or a tensor, of which the value is returned).
        q: the quantile, from 0 to 1; 0.5 gives half the sum of magnitudes.

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex, or q is outside.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.quantile(torch.tensor([2.0, -2.0]), q=0.25))
        2.0

    References:
        R. Koenker, G. Bassett, Regression quantiles, 1978.
    """
    return make(Quantile, e, q=q)
