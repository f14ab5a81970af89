"""Sparsity without convexity: less bias on large values, and local minima."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dprox_core.numerics import reductions
from dprox_core.proxfns import checks
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = ["L0", "LogSum", "Scad", "l0", "log_sum", "scad"]


def _resized(v: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
    """v with its magnitudes replaced, signs and phases kept."""
    old = v.abs()
    return v * (size / old.clamp_min(torch.finfo(old.dtype).tiny))


@register
class L0(ProxFn):
    """f(v) = the number of elements other than 0."""

    name = "l0"
    convex = False
    separable = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """How many elements are not 0."""
        return reductions.total(torch.where(v.isnan(), torch.nan, (v != 0).to(v.real.dtype)))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Hard thresholding: kept where |v|² > 2 step."""
        return torch.where(v.abs().square() <= 2.0 * step, torch.zeros_like(v), v)


@register
class LogSum(ProxFn):
    """f(v) = Σ log(1 + |v_i| / ε)."""

    name = "log_sum"
    convex = False
    separable = True

    def __init__(self, space: Space, epsilon: float = 0.1) -> None:
        super().__init__(space)
        self._epsilon = epsilon

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """ε must be above 0.

        Raises:
            ParameterError: it is not.
        """
        checks.positive(cls.name, "epsilon", options["epsilon"])

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ log(1 + |v_i| / ε)."""
        return reductions.total(torch.log1p(v.abs() / self._epsilon))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The larger root of (u − |v|)(u + ε) + step = 0, or zero where that costs less."""
        size, epsilon = v.abs(), self._epsilon
        # In units in which squares do not overflow.
        unit = (size + epsilon).detach()
        inside = ((size + epsilon) / unit).square() - 4.0 * step / unit / unit
        root = (inside.clamp_min(0.0) + torch.finfo(size.dtype).tiny).sqrt() * unit
        u = (0.5 * (size - epsilon + root)).clamp_min(0.0)
        # Twice the step times the costs, so that a step of zero leaves v as it is.
        gained = u / unit * ((2.0 * size - u) / unit)
        better = (inside > 0) & (2.0 * step * torch.log1p(u / epsilon) / unit / unit < gained)
        return _resized(v, torch.where(better, u, torch.zeros_like(u)))


@register
class Scad(ProxFn):
    """The smoothly clipped absolute deviation: |v| near zero, constant far from it."""

    name = "scad"
    convex = False
    separable = True

    def __init__(self, space: Space, threshold: float = 1.0, a: float = 3.7) -> None:
        super().__init__(space)
        self._threshold = threshold
        self._a = a

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """The threshold must be above 0, a above 2.

        Raises:
            ParameterError: one of them is not.
        """
        checks.positive(cls.name, "threshold", options["threshold"])
        checks.positive(cls.name, "a", options["a"], above=2.0)

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The sum over all elements."""
        return reductions.total(self._penalty(v.abs()))

    def _penalty(self, size: torch.Tensor) -> torch.Tensor:
        t, a = self._threshold, self._a
        middle = (2.0 * a * t * size - size.square() - t * t) / (2.0 * (a - 1.0))
        far = torch.full_like(size, 0.5 * t * t * (a + 1.0))
        return torch.where(size > a * t, far, torch.where(size > t, middle, t * size))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The best of the stationary points of the three pieces."""
        size, t, a = v.abs(), self._threshold, self._a
        near = (size - step * t).clamp(0.0, t)
        bend = (a - 1.0) - step
        steep = torch.as_tensor(bend > 0, device=v.device)
        safe = torch.where(steep, torch.as_tensor(bend, dtype=size.dtype), 1.0)
        middle = (((a - 1.0) * size - step * a * t) / safe).clamp(t, a * t)
        # Where the piece bends down its best point is an end, which the other pieces hold.
        middle = torch.where(steep, middle, torch.full_like(size, t))
        found = torch.stack([near, middle, size.clamp_min(a * t)])
        cost = self._penalty(found) + (found - size).square() / (2.0 * step)
        best = cost.argmin(dim=0, keepdim=True)
        return _resized(v, found.gather(0, best)[0])


def l0(e: Expression | torch.Tensor) -> Objective | Any:
    """How many elements are not zero. Not convex: a solve finds a local minimum.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).

    Returns:
        An objective.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.l0(torch.tensor([0.0, 3.0, -1.0])))
        2.0

    References:
        T. Blumensath, M. E. Davies, Iterative thresholding for sparse approximations, 2008.
    """
    return make(L0, e)


def log_sum(e: Expression | torch.Tensor, epsilon: float = 0.1) -> Objective | Any:
    """Σ log(1 + |eᵢ|/ε): between counting and adding magnitudes. Not convex.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        epsilon: ε, the size that counts as small, above 0.

    Returns:
        An objective.

    Raises:
        ParameterError: ε is not above 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(float(dp.log_sum(torch.tensor([0.0, 1.0]), epsilon=1.0)), 3)
        0.693

    References:
        E. J. Candès, M. B. Wakin, S. P. Boyd, Enhancing sparsity by reweighted l1 minimization,
        2008.
    """
    return make(LogSum, e, epsilon=epsilon)


def scad(e: Expression | torch.Tensor, threshold: float = 1.0, a: float = 3.7) -> Objective | Any:
    """Smoothly clipped absolute deviation: like t |e| up to t, constant beyond a t. Not convex.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        threshold: t, above 0.
        a: where the penalty ends to grow, in units of t, above 2.

    Returns:
        An objective.

    Raises:
        ParameterError: t is not above 0, or a not above 2.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(float(dp.scad(torch.tensor([0.5, 100.0]))), 3)
        2.85

    References:
        J. Fan, R. Li, Variable selection via nonconcave penalized likelihood and its oracle
        properties, 2001.
    """
    return make(Scad, e, threshold=threshold, a=a)
