"""Balls around zero, as functions: zero inside, infinity outside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ShapeError
from dprox_core.expressions.algebra import difference
from dprox_core.numerics import reductions
from dprox_core.proxfns import checks
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register
from dprox_core.proxfns.projections import onto_l1_ball

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "L1Ball",
    "L2Ball",
    "LinfBall",
    "SetIndicator",
    "l1_ball",
    "l2_ball",
    "linf_ball",
    "noise_ball",
]


class SetIndicator(ProxFn):
    """The indicator of a set, by its projection."""

    is_indicator = True

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """The nearest point of the set."""
        raise NotImplementedError

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """0 inside, ∞ outside; outside by no more than rounding counts as inside."""
        return self.value_within(v, 1.0)

    def value_within(self, v: torch.Tensor, size: float) -> torch.Tensor:
        """The same, with the rounding of numbers up to ``size``."""
        v = v.detach()
        size = max(1.0, size, reductions.number(v.abs().max()))
        # A projection that looks at one element alone rounds it alone.
        rounded = 8.0 if self.separable else 16.0 * max(4.0, math.sqrt(v.numel()))
        outside = reductions.number(self.violation(v))
        inside = outside <= rounded * torch.finfo(v.dtype).eps * size and math.isfinite(outside)
        return torch.tensor(0.0 if inside else math.inf, dtype=torch.float64, device=v.device)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The projection."""
        return self.project(v)


class _Ball(SetIndicator):
    """A set of the points up to a radius."""

    def __init__(self, space: Space, radius: float = 1.0) -> None:
        super().__init__(space)
        self._radius = radius

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """The radius must be from 0.

        Raises:
            ParameterError: it is not.
        """
        checks.positive(cls.name, "radius", options["radius"], strict=False)


@register
class L1Ball(_Ball):
    """f(v) = 0 where Σ |v_i| ≤ radius, else ∞."""

    name = "l1_ball"

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """Magnitudes shrink by a common amount."""
        return onto_l1_ball(v, self._radius)


@register
class L2Ball(_Ball):
    """f(v) = 0 where ‖v‖₂ ≤ radius, else ∞."""

    name = "l2_ball"

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """The direction stays."""
        length = torch.linalg.vector_norm(v)
        tiny = torch.finfo(length.dtype).tiny
        return v * (self._radius / length.clamp_min(max(self._radius, tiny)))


@register
class LinfBall(_Ball):
    """f(v) = 0 where |v_i| ≤ radius for every element, else ∞."""

    name = "linf_ball"
    separable = True

    def project(self, v: torch.Tensor) -> torch.Tensor:
        """Magnitudes cut off."""
        return v * (self._radius / v.abs().clamp_min(self._radius)) if self._radius else 0.0 * v


def l1_ball(e: Expression | torch.Tensor, radius: float = 1.0) -> Objective | Any:
    """The constraint Σ |eᵢ| ≤ radius.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        radius: from 0.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: the radius is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.l1_ball(torch.tensor([0.5, -0.5])))
        0.0

    References:
        J. Duchi et al., Efficient projections onto the l1-ball for learning in high dimensions,
        2008.
    """
    return make(L1Ball, e, radius=radius)


def l2_ball(e: Expression | torch.Tensor, radius: float = 1.0) -> Objective | Any:
    """The constraint ‖e‖₂ ≤ radius.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        radius: from 0.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: the radius is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.l2_ball(torch.tensor([3.0, 4.0]), radius=5.0))
        0.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.5.1.
    """
    return make(L2Ball, e, radius=radius)


def linf_ball(e: Expression | torch.Tensor, radius: float = 1.0) -> Objective | Any:
    """The constraint |eᵢ| ≤ radius for every element.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).
        radius: from 0.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: the radius is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.linf_ball(torch.tensor([1.0, -2.0])))
        inf

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.5.2.
    """
    return make(LinfBall, e, radius=radius)


def noise_ball(e: Expression, b: object, sigma: float) -> Objective | Any:
    """The constraint that e explains the data up to its noise: ‖e − b‖₂ ≤ σ √n.

    Args:
        e: an expression of n elements, such as conv(x, kernel).
        b: the data, in the shape of e; a tensor or a placeholder.
        sigma: σ, the standard deviation of its noise, from 0.

    Returns:
        An objective; weights leave it as it is.

    Raises:
        ParameterError: σ is below 0.
        ShapeError: b does not match e.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", (2,))
        >>> dp.Problem(dp.noise_ball(x, torch.ones(2), sigma=1.0)).value(torch.zeros(2))
        0.0

    References:
        M. V. Afonso, J. M. Bioucas-Dias, M. A. T. Figueiredo, An augmented Lagrangian approach to
        the constrained optimization formulation of imaging inverse problems, 2011.
    """
    checks.positive("noise_ball", "sigma", sigma, strict=False)
    residual = difference(e, b)
    shape = residual.shape
    if shape is None:
        raise ShapeError(
            "noise_ball: the number of data is not known yet: give the placeholder a shape.",
            expected="a known shape",
            where="b",
        )
    return make(L2Ball, residual, radius=float(sigma) * math.sqrt(math.prod(shape)))
