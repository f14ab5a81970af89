"""Norms that make things sparse."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from dprox_core.errors import ParameterError
from dprox_core.linops.arguments import refuse_axes
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = [
    "GroupNorm1",
    "Norm1",
    "cut_off",
    "group_norm1",
    "norm1",
    "share_within",
    "soft_threshold",
]

# Groups of so many are summed member by member.
_FEW = 8


@register
class Norm1(ProxFn):
    """f(v) = Σ |v_i|."""

    name = "norm1"
    separable = True
    elementwise = True
    homogeneous = True
    slope = 1.0

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ |v_i|."""
        return reductions.norm1(v)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Soft thresholding."""
        return soft_threshold(v, step)

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """v with magnitudes cut off at the step."""
        return cut_off(v, step, out)


@register
class GroupNorm1(ProxFn):
    """f(v) = Σ over groups of ‖v over the axes of a group‖₂."""

    name = "group_norm1"
    slope = 1.0
    homogeneous = True

    def __init__(self, space: Space, axis: int | Sequence[int] = -1) -> None:
        super().__init__(space)
        self._axes = _normalized(axis, len(space.shape))
        self.sums_samples = 0 not in self._axes

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """The axes must be there, each once.

        Raises:
            ParameterError: an axis is no whole number.
            ShapeError: the argument has no such axis, or an axis is named twice.
        """
        axis = options["axis"]
        shape = argument.shape
        try:
            axes = [operator.index(a) for a in (axis if isinstance(axis, Sequence) else [axis])]
        except TypeError:
            axes = []
        if not axes:
            raise ParameterError(
                f"group_norm1: axis must be a whole number or several, such as -1 or (-1, -4), "
                f"not {axis!r}.",
                expected="whole numbers",
                got=axis,
                where="axis",
            )
        if shape is not None:
            refuse_axes(cls.name, argument.describe(), shape, axes, "axis")

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``group_norm1(grad(x), axis=-1)``."""
        axis = options["axis"]
        return f"{cls.name}({argument})" if axis == -1 else f"{cls.name}({argument}, axis={axis})"

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The sum of the groups' lengths."""
        return reductions.total(self._lengths(v))

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """Each group keeps its direction and loses the step in length, down to zero."""
        return v - self.dual_prox(v, step)

    def dual_prox(
        self, v: torch.Tensor, step: Step, out: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Each group cut off at the step in length."""
        return torch.mul(v, share_within(self._lengths(v), step), out=out)

    def follows(self, first: ProxFn) -> bool:
        """After what is positively homogeneous inside each group: shortening a group keeps its
        subgradients there (Yu 2013, corollary 4; R. Jenatton et al., 2011, for nested groups)."""
        if isinstance(first, GroupNorm1):
            return set(first._axes) < set(self._axes)
        return first.homogeneous and first.separable and first.convex

    def _lengths(self, v: torch.Tensor) -> torch.Tensor:
        """The groups' lengths. torch's own norm takes a hundred times as long along axes that do
        not lie next to each other in memory, as the two of a gradient do not."""
        few = len(self._axes) == 1 and v.shape[self._axes[0]] <= _FEW
        if few and not v.is_complex() and not v.requires_grad:
            first, *others = v.split(1, dim=self._axes[0])
            squares = first.square()
            for other in others:
                squares.addcmul_(other, other)
            return squares.sqrt_()
        parts = torch.view_as_real(v.resolve_conj()) if v.is_complex() else v.unsqueeze(-1)
        squares = parts.square().sum(dim=(*self._axes, v.ndim), keepdim=True).squeeze(-1)
        # The root has no gradient at zero; the norm's is zero there.
        zero = squares == 0.0
        return torch.where(zero, 1.0, squares).sqrt() * ~zero


def soft_threshold(v: torch.Tensor, by: Step) -> torch.Tensor:
    """v with magnitudes less ``by``, down to zero: the prox of Σ |v_i|."""
    if v.is_complex() or isinstance(by, torch.Tensor):
        cut = cut_off(v, by)
        return torch.sub(v, cut, out=cut if _reusable() else None)
    return torch.nn.functional.softshrink(v, by)


def cut_off(v: torch.Tensor, at: Step, out: torch.Tensor | None = None) -> torch.Tensor:
    """v with magnitudes cut off, what soft thresholding takes away: the projection |v_i| ≤ at."""
    if v.is_complex():
        return torch.mul(v, share_within(v.abs(), at), out=out)
    if not isinstance(at, torch.Tensor):
        return torch.clamp(v, -at, at, out=out)
    if not (v.requires_grad or at.requires_grad):
        # A clamp between tensors takes four times as long.
        above = torch.maximum(v, -at, out=out)
        return torch.minimum(above, at, out=above if _reusable() else out)
    # Where bounds coincide at zero, a clamp would share the gradient between them; what is zero
    # itself is not cut off there, so that a weight of zero leaves all as it is. By products, whose
    # gradients are cheaper than those of a choice, a clamp's by five times.
    held = v.detach()
    inside = held.abs() < at.detach()
    return v * inside + at * (held.sign() * ~inside)


def _reusable() -> bool:
    """Whether results in between may be written over: no gradients, and no graph to be traced."""
    return not (torch.is_grad_enabled() or torch.compiler.is_compiling())


def share_within(lengths: torch.Tensor, step: Step) -> torch.Tensor:
    """min(1, step / length), zero where both are zero."""
    tiny = torch.finfo(lengths.dtype).tiny
    if isinstance(step, torch.Tensor):
        return step / torch.maximum(lengths, step).clamp_min(tiny)
    return step / lengths.clamp_min(max(step, tiny))


def _normalized(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    axes = axis if isinstance(axis, Sequence) else (axis,)
    return tuple(sorted(a % ndim for a in axes))


def norm1(e: Expression | torch.Tensor) -> Objective | Any:
    """Sum of magnitudes, Σ |eᵢ|: favours values that are exactly zero.

    Args:
        e: an expression, real or complex (or a tensor, of which the value is returned).

    Returns:
        An objective. norm1(grad(x)) is anisotropic total variation.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(3,))
        >>> dp.Problem(2 * dp.norm1(x)).value(torch.tensor([1.0, -2.0, 0.0]))
        6.0

    References:
        N. Parikh, S. Boyd, Proximal Algorithms, 2014, section 6.5.2.
    """
    return make(Norm1, e)


def group_norm1(e: Expression | torch.Tensor, axis: int | tuple[int, ...] = -1) -> Objective | Any:
    """Sum of the lengths of groups, Σ ‖e over axis‖₂: favours groups that are zero as a whole.

    With e = grad(x), axis −1 groups both differences of a pixel (isotropic total variation) and
    axis (−1, −4) those of all its channels too (colour total variation: edges at the same place
    in all colours).

    Args:
        e: an expression (or a tensor, of which the value is returned).
        axis: the axis, or axes, along which the elements of one group lie.

    Returns:
        An objective.

    Raises:
        ShapeError: e has no such axis.

    Example:
        >>> import torch, dprox_core as dp
        >>> x = dp.Variable("x", shape=(2, 2))
        >>> dp.Problem(dp.group_norm1(x)).value(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
        6.0

    References:
        X. Bresson, T. Chan, Fast dual minimization of the vectorial total variation norm, 2008.
    """
    return make(GroupNorm1, e, axis=axis)
