"""Gradients of the solution of a linear program with respect to its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from dprox_core.expressions.binding import Binding
from dprox_core.expressions.leaves import Constant, Placeholder
from dprox_core.lp.presolve import Basis
from dprox_core.numerics.once import once

if TYPE_CHECKING:
    from dprox_core.lp.language import Written

__all__ = ["attach", "parameters"]

Array = NDArray[np.float64]


def parameters(written: Written) -> tuple[torch.Tensor, ...]:
    """The tensors in a program's data that want a gradient, each once."""
    found: dict[int, torch.Tensor] = {}
    for expression in written.expressions():
        for node in expression.walk():
            if isinstance(node, Constant):
                tensor: torch.Tensor | None = node.tensor
            else:
                tensor = node.value if isinstance(node, Placeholder) else None
            if tensor is not None and tensor.requires_grad:
                found[id(tensor)] = tensor
    return tuple(found.values())


def attach(
    written: Written, basis: Basis, sign: float, held: Sequence[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Variables and duals of a vertex, attached to the data they depend on.

    At a vertex the basic variables and the duals of the rows at a limit solve
    A_RF x_F = b_R − A_RN x_N and A_RFᵀ y_R = c_F; the implicit function theorem differentiates
    both. Where the program is degenerate, this is the derivative along the basis found.

    Args:
        written: the program with its expressions.
        basis: of its minimization.
        sign: −1 where it is a maximization.
        held: the tensors that want a gradient.

    References:
        A. Agrawal et al., Differentiable Convex Optimization Layers, 2019.
    """
    x, y = _Vertex.apply(_System(written, basis, sign), *held)
    return x, y


class _System:
    """The equations of a vertex and their adjoint."""

    def __init__(self, written: Written, basis: Basis, sign: float) -> None:
        self.written = written
        self.x, self.y = basis.x, sign * basis.y
        self.free, self.active = np.flatnonzero(basis.columns), np.flatnonzero(~basis.rows)
        square = written.program.A[self.active][:, self.free].tocsc()
        self._factors = splu(square) if square.shape[0] else None
        # Which limit each row is at.
        activity = written.program.A @ basis.x
        low = np.abs(activity - written.program.row_lower)
        self.at_lower = low <= np.abs(activity - written.program.row_upper)

    def adjoint(self, gx: Array, gy: Array) -> tuple[Array, Array]:
        """The multipliers (u, v) of both equations."""
        u, v = np.zeros(self.x.size), np.zeros(self.y.size)
        if self._factors is not None:
            u[self.free] = -self._factors.solve(gy[self.active])
            v[self.active] = self._factors.solve(gx[self.free], trans="T")
        return u, v

    def pairing(self, written: Written, u: Array, v: Array) -> torch.Tensor:
        """−[u · (c − Aᵀ y) + v · (A x − b)] as a function of the data."""
        total = written.cost(u)
        for (_, _, place), limit in zip(written.constraints, written.limits, strict=True):
            image = written.image(limit, u)
            rest = written.image(limit, self.x, offset=True) - written.limit(
                limit, self.at_lower[place]
            )
            total = total - (torch.from_numpy(self.y[place].copy()) * image).sum()
            total = total + (torch.from_numpy(v[place].copy()) * rest).sum()
        return -total


class _Vertex(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, system: _System, *held: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.system, ctx.held = system, held
        return torch.from_numpy(system.x.copy()), torch.from_numpy(system.y.copy())

    @staticmethod
    def backward(ctx: Any, gx: torch.Tensor, gy: torch.Tensor) -> tuple[Any, ...]:
        u, v = ctx.system.adjoint(gx.detach().numpy(), gy.detach().numpy())
        with torch.enable_grad():
            cut = _Cut(ctx.system.written, ctx.held)
            pairing = ctx.system.pairing(replace(ctx.system.written, binding=cut), u, v)
            grads = torch.autograd.grad(pairing, cut.copies, allow_unused=True)
        return (None, *once(grads, "the vertex of a linear program", ctx.held, (gx, gy)))


class _Cut(Binding):
    """The same numbers, with those that want a gradient as leaves of a graph of their own."""

    def __init__(self, written: Written, held: Sequence[torch.Tensor]) -> None:
        super().__init__(written.expressions(), device="cpu")
        self.dtype = torch.float64
        self.copies = tuple(tensor.detach().requires_grad_() for tensor in held)
        self._replaced = {id(t): copy for t, copy in zip(held, self.copies, strict=True)}

    def _leaf(self, leaf: Constant | Placeholder, infinite: bool) -> torch.Tensor:
        tensor = leaf.tensor if isinstance(leaf, Constant) else leaf.value
        copy = self._replaced.get(id(tensor))
        return super()._leaf(leaf, infinite) if copy is None else self.cast(copy)
