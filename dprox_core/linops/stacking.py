"""Several expressions behind each other."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dprox_core.linops.base import LinOp
from dprox_core.linops.estimate import near_norm
from dprox_core.linops.space import Space

__all__ = ["Stack"]


class Stack(LinOp):
    """A x = (A_1 x, A_2 x, …) along an axis, zeros where a part does not depend on x.

    Args:
        parts: the A_i, None for zero.
        spaces: the spaces of the parts' results.
        axis: the axis along which they lie behind each other, from 0.
    """

    name = "stack"

    def __init__(self, parts: Sequence[LinOp | None], spaces: Sequence[Space], axis: int) -> None:
        self._parts = tuple(parts)
        self._spaces = tuple(spaces)
        self._axis = axis
        known = next(part for part in parts if part is not None)
        shape = list(spaces[0].shape)
        shape[axis] = sum(space.shape[axis] for space in spaces)
        is_complex = any(space.is_complex for space in spaces)
        super().__init__(known.domain, spaces[0].with_shape(tuple(shape)).as_complex(is_complex))

    def forward(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """The parts' results behind each other."""
        images = [
            x.new_zeros(space.shape) if part is None else part.forward(x)
            for part, space in zip(self._parts, self._spaces, strict=True)
        ]
        return torch.cat(images, dim=self._axis).to(self.range.dtype)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        """Σ A_iᴴ y_i."""
        sizes = [space.shape[self._axis] for space in self._spaces]
        total: torch.Tensor | None = None
        for part, piece in zip(self._parts, y.split(sizes, dim=self._axis), strict=True):
            if part is not None:
                back = part.adjoint(piece)
                total = back if total is None else total + back
        assert total is not None, "some part depends on the argument"
        return self.to_domain(total)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Those of all parts."""
        return tuple(t for part in self._parts if part is not None for t in part.tensors())

    def gram_diagonal(self) -> torch.Tensor | None:
        """The sum of the parts'."""
        return _summed([p.gram_diagonal() for p in self._parts if p is not None])

    def gram_spectrum(self) -> torch.Tensor | None:
        """The sum of the parts'."""
        return _summed([p.gram_spectrum() for p in self._parts if p is not None])

    def norm_bound(self) -> float:
        """(Σ ‖A_i‖²)^½, or the exact norm where a diagonal form is known."""
        known = self.exact_norm()
        if known is not None:
            return known
        return sum(p.norm_bound() ** 2 for p in self._parts if p is not None) ** 0.5

    def tight_norm(self) -> float:
        """The norm as the Lanczos process finds it, where no diagonal form is known."""
        bound = self.norm_bound()
        return bound if self.exact_norm() is not None else near_norm(self, bound)


def _summed(grams: list[torch.Tensor | None]) -> torch.Tensor | None:
    known = [gram for gram in grams if gram is not None]
    return sum(known[1:], known[0]) if len(known) == len(grams) else None
