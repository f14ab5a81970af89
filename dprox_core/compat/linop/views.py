"""A whole expression as one operator that stands alone: forward, adjoint, transpose, gram."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.graph import eval as value_of
from dprox_core.compat.linop.graph import pull_back

__all__ = ["Gram", "Whole"]


class Whole(LinOp):
    """The operator of an expression of one variable, its data as parameters.

    Data of the topmost node that is a plain tensor becomes a parameter of the view under its own
    name, so that gradients with respect to it can be asked for; the kernel of ``conv`` is a fixed
    one.

    Args:
        end: the expression.
        transposed: whether this is its adjoint.
    """

    def __init__(self, end: LinOp, transposed: bool = False) -> None:
        super().__init__()
        name = getattr(end, "data_name", "")
        held = getattr(end, name) if name else None
        if isinstance(held, torch.Tensor) and not held.requires_grad:
            end = end.clone()
            trains = bool(getattr(end, "trains", False))
            if name in end.__dict__:
                del end.__dict__[name]
            setattr(end, name, nn.Parameter(held.detach().clone(), requires_grad=trains))
        self.end = end
        self.transposed = transposed
        if name:
            setattr(self, name, getattr(end, name))

    def forward(self, x: Any) -> Any:
        """A x, or Aᴴ x where transposed."""
        if self.transposed:
            return self._back(x)
        return value_of(self.end, x)

    def adjoint(self, y: Any) -> Any:
        """Aᴴ y, or A y where transposed."""
        if self.transposed:
            return value_of(self.end, y)
        return self._back(y)

    def _back(self, y: Any) -> Any:
        found = pull_back(self.end, y)
        (variable,) = self.end.variables
        return found[variable]

    @property
    def T(self) -> LinOp:
        """The adjoint, on the same parameters."""
        return Whole(self.end, not self.transposed)


class Gram(Whole):
    """Aᴴ A of an expression, which is its own adjoint."""

    def forward(self, x: Any) -> Any:
        """Aᴴ A x."""
        return self._back(value_of(self.end, x))

    def adjoint(self, y: Any) -> Any:
        """Aᴴ A y."""
        return self.forward(y)

    @property
    def T(self) -> LinOp:
        """Itself."""
        return self
