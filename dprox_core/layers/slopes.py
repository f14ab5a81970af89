"""The derivative of a prox as small blocks: one for each element, or for each group of a few.

The prox of a closed convex function has a symmetric derivative D, 0 ≤ D ≤ 1: the Hessian of an
envelope (J.-J. Moreau, Proximité et dualité dans un espace hilbertien, 1965). Which elements it
ties together is seen from products with it, and so checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import torch

from dprox_core.compiler.model import Penalty
from dprox_core.proxfns.base import Step

__all__ = ["Slopes", "real_view", "slopes_of"]

# Groups of at most so many numbers.
_GROUP = 16
# An eigenvalue of D below is zero.
_FLAT = 1e-9


@dataclass(frozen=True)
class Slopes:
    """D of one split term, over the real numbers of its argument.

    Attributes:
        hard: where D is zero, so that the argument's image stays where it is.
        bend: D⁻¹ (1 − D), zero where D is: how the term bends.
        inverse: D⁻¹, zero where D is.
        rest: 1 − D.
    """

    hard: torch.Tensor
    bend: Blocks
    inverse: Blocks
    rest: Blocks


@dataclass(frozen=True)
class Blocks:
    """A block-diagonal map of real tensors.

    Attributes:
        axes: those along which the numbers of a block lie, none for a diagonal.
        matrices: the diagonal; or (…, m, m), those axes taken out and put last as one.
    """

    axes: tuple[int, ...]
    matrices: torch.Tensor

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        """The image of y, which may be complex."""
        real = real_view(y)
        if not self.axes:
            found = self.matrices * real
        else:
            moved = _last(real, self.axes)
            mapped = (self.matrices @ moved[..., None])[..., 0]
            found = _back(mapped, self.axes, real.shape)
        return torch.view_as_complex(found.contiguous()) if y.is_complex() else found

    def places(self, shape: torch.Size) -> torch.Tensor:
        """Which numbers of a flattened tensor lie in each block, along the last axis."""
        numbers = torch.arange(math.prod(shape)).reshape(shape)
        return _last(numbers, self.axes) if self.axes else numbers[..., None]

    def weighed(self, factor: Step, like: torch.Tensor) -> torch.Tensor:
        """The matrices (…, m, m), each times a number, or its own of those that broadcast."""
        factors = torch.as_tensor(factor, dtype=like.dtype, device=like.device).expand(like.shape)
        if not self.axes:
            return (self.matrices * factors)[..., None, None]
        return self.matrices * _last(factors, self.axes)[..., :1, None]


def real_view(tensor: torch.Tensor) -> torch.Tensor:
    """Real and imaginary parts along a last axis."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def slopes_of(penalty: Penalty, v: torch.Tensor, step: Step) -> Slopes | None:
    """D at v; None where it ties too many numbers together.

    Args:
        penalty: a convex h.
        v: where its prox is taken.
        step: that of the prox.
    """
    with torch.enable_grad():
        point = v.detach().clone().requires_grad_()
        image = penalty.dual_prox(point, step)

    def product(w: torch.Tensor) -> torch.Tensor:
        if not image.requires_grad:
            return torch.zeros_like(w)
        given = torch.view_as_complex(w.contiguous()) if v.is_complex() else w
        (found,) = torch.autograd.grad(
            image, point, given, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return real_view(found)

    rest = _blocks(product, real_view(v.detach()))
    return None if rest is None else _from(rest, image.shape + (2,) * image.is_complex())


def _blocks(product: Callable[[torch.Tensor], torch.Tensor], like: torch.Tensor) -> Blocks | None:
    generator = torch.Generator().manual_seed(0)
    probe = torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)
    expected = product(probe)
    allowed = 1e3 * torch.finfo(like.dtype).eps * float(probe.norm())
    long = [axis for axis in range(like.ndim) if like.shape[axis] > 1]
    groups = [g for count in range(len(long) + 1) for g in combinations(long, count)]
    sizes = {g: math.prod(like.shape[axis] for axis in g) for g in groups}
    for axes in sorted((g for g in groups if sizes[g] <= _GROUP), key=lambda g: sizes[g]):
        found = Blocks(axes, _columns(product, like, axes))
        if float((found(probe) - expected).norm()) <= allowed:
            return found
    return None


def _columns(
    product: Callable[[torch.Tensor], torch.Tensor], like: torch.Tensor, axes: tuple[int, ...]
) -> torch.Tensor:
    if not axes:
        return product(torch.ones_like(like))
    moved = _last(torch.zeros_like(like), axes)
    columns = []
    for index in range(moved.shape[-1]):
        unit = torch.zeros_like(moved)
        unit[..., index] = 1.0
        columns.append(_last(product(_back(unit, axes, like.shape)), axes))
    return torch.stack(columns, dim=-1)


def _from(rest: Blocks, shape: torch.Size) -> Slopes:
    axes, matrices = rest.axes, rest.matrices
    if not axes:
        slopes = 1.0 - matrices
        hard = slopes <= _FLAT
        inverse = torch.where(hard, 0.0, 1.0 / torch.where(hard, 1.0, slopes))
        return Slopes(hard, Blocks((), inverse * matrices), Blocks((), inverse), rest)
    values, vectors = torch.linalg.eigh(0.5 * (matrices + matrices.mT))
    slopes = 1.0 - values
    # Where it is zero along some of a group only, the group is very stiff there.
    flat = (slopes <= _FLAT).all(-1, keepdim=True).expand_as(slopes)
    slopes = slopes.clamp_min(_FLAT)
    inverse = torch.where(flat, 0.0, 1.0 / torch.where(flat, 1.0, slopes))

    def with_values(given: torch.Tensor) -> Blocks:
        return Blocks(axes, (vectors * given[..., None, :]) @ vectors.mT)

    hard = _back(flat, axes, shape)
    return Slopes(hard, with_values(inverse * values), with_values(inverse), rest)


def _last(tensor: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """With some axes put last, as one."""
    count = len(axes)
    return tensor.movedim(axes, tuple(range(-count, 0))).flatten(-count)


def _back(tensor: torch.Tensor, axes: tuple[int, ...], shape: torch.Size) -> torch.Tensor:
    """What ``_last`` was made of."""
    extents = [shape[axis] for axis in axes]
    return tensor.unflatten(-1, extents).movedim(tuple(range(-len(axes), 0)), axes)
