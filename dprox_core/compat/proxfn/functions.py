"""Functions with counterparts in our language."""

from __future__ import annotations

from typing import Any

import torch

import dprox_core
from dprox_core.compat.linop.base import LinOp
from dprox_core.compat.linop.leaves import Constant, Variable
from dprox_core.compat.linop.nodes import as_node
from dprox_core.compat.linop.operators import mul_elementwise
from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.errors import ParameterError
from dprox_core.proxfns.base import Objective

__all__ = ["nonneg", "norm1", "norm2", "soft_threshold", "sum_squares", "weighted_sum_squares"]


class sum_squares(ProxFn):
    """‖A x − b‖², in the x-update as in the prox.

    Args:
        linop: the expression.
        b: data to subtract.
        eps: kept for old scripts; no use is made of it.
    """

    is_square = True

    def __init__(self, linop: Any, b: Any = None, eps: float = 1e-7, **scales: float) -> None:
        node = as_node(linop)
        super().__init__(node if b is None else node - as_node(b), **scales)
        self.eps = eps

    def _function(self, expression: Any) -> Objective:
        objective = dprox_core.sum_squares(expression)
        assert isinstance(objective, Objective)
        return objective


class weighted_sum_squares(sum_squares):
    """‖w ⊙ (A x) − b‖².

    Args:
        linop: the expression A x.
        weight: w, a tensor; or an operator on the same variable, such as ``mosaic(x)``, which is
            then applied to A x.
        b: data to subtract.
        eps: kept for old scripts; no use is made of it.
    """

    def __init__(
        self, linop: Any, weight: Any, b: Any = None, eps: float = 0, **scales: float
    ) -> None:
        node = as_node(linop)
        if isinstance(weight, LinOp) and not isinstance(weight, Constant):
            if len(weight.input_nodes) != 1:
                raise ParameterError(
                    "weighted_sum_squares: the weight must be a tensor, or one operator on a "
                    "variable, such as mosaic(x).",
                    expected="a tensor or an operator",
                    got=type(weight).__name__,
                    where="weight",
                )
            weighted = weight.clone()
            weighted._modules["input_nodes"] = torch.nn.ModuleList([node])
        else:
            weighted = mul_elementwise(node, weight)
        super().__init__(weighted, b, eps, **scales)


class norm1(ProxFn):
    """‖A x‖₁ = Σ |(A x)_i|, real or complex."""

    def _function(self, expression: Any) -> Objective:
        objective = dprox_core.norm1(expression)
        assert isinstance(objective, Objective)
        return objective


class norm2(sum_squares):
    """‖A x‖²: here norm2 is the squared norm, as its published prox v / (1 + 2 lam) says.

    It is split off like other penalties. The norm itself is ``dprox_core.norm2``.
    """

    is_square = False

    def __init__(self, linop: Any = None, **scales: float) -> None:
        super().__init__(Variable() if linop is None else linop, None, **scales)


class nonneg(ProxFn):
    """The constraint A x ≥ 0."""

    def _function(self, expression: Any) -> Objective:
        objective = dprox_core.nonneg(expression)
        assert isinstance(objective, Objective)
        return objective


def soft_threshold(v: torch.Tensor, lam: Any) -> torch.Tensor:
    """argmin λ ‖x‖₁ + ½ ‖x − v‖², real or complex: every modulus less λ, at least 0."""
    size = v.abs()
    return v * ((size - lam).clamp_min(0.0) / size.clamp_min(torch.finfo(size.dtype).tiny))
