"""Norms of rows for each sample of a batch whose samples never meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.estimate import largest_eigenvalues
from dprox_core.linops.space import Space
from dprox_core.linsolve.base import Gram
from dprox_core.linsolve.direct import beside, direct_kind

__all__ = ["Shared", "norms_of_samples", "treats_alike"]

# Products that agree to so many roundings are the same.
_ROUNDINGS = 1e3


@dataclass(frozen=True)
class Shared:
    """c_b Kᴴ W K, one summand, for sample b.

    Attributes:
        row: K, of one variable.
        weights: c, from 0, one for each sample.
        metric: W, positive semi-definite; None for the identity.
    """

    row: Row
    weights: torch.Tensor
    metric: LinOp | None = None


@torch.no_grad()
def treats_alike(row: Row, metric: LinOp | None, space: Space) -> bool:
    """Whether Kᴴ W K does the same to every sample: it commutes with handing them on."""
    if row.is_identity and metric is None:
        return True
    x = space.random(5)
    first = _product(row, metric, x).roll(1, 0)
    second = _product(row, metric, x.roll(1, 0))
    size = max(float(first.abs().max()), float(second.abs().max()))
    return float((second - first).abs().max()) <= _ROUNDINGS * size * _epsilon(first)


@torch.no_grad()
def norms_of_samples(parts: Sequence[Shared], space: Space) -> torch.Tensor:
    """‖Σ_j c_bj K_jᴴ W_j K_j‖ for each sample b of one variable, in double precision.

    Exact where the sum is diagonal in space or in frequency; else found for all samples at once by
    the Lanczos process, with a margin of 2 %.
    """
    batch, axes = space.shape[0], len(space.shape)
    total = torch.zeros((batch, *(1,) * (axes - 1)), dtype=torch.float64, device=space.device)
    if not parts:
        return total.reshape(batch).cpu()
    grams = [Gram(part.row.entries[0][1], part.metric) for part in parts]
    kind = direct_kind(grams)
    if kind is None:
        return largest_eigenvalues(lambda v: _sum(parts, v), space.random(5))
    for gram, part in zip(grams, parts, strict=True):
        values = gram.diagonal() if kind == "diagonal" else gram.spectrum()
        assert values is not None, "the kind was chosen because all have it"
        total = total + values.detach().to(space.device) * beside(part.weights, axes, space.device)
    return total.reshape(batch, -1).amax(dim=1).double().cpu()


def _epsilon(like: torch.Tensor) -> float:
    return float(torch.finfo(like.dtype).eps)


def _product(row: Row, metric: LinOp | None, x: torch.Tensor) -> torch.Tensor:
    operator = row.entries[0][1]
    image = operator.forward(x)
    return operator.adjoint(image if metric is None else metric.forward(image))


def _sum(parts: Sequence[Shared], x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros_like(x)
    for part in parts:
        pulled = _product(part.row, part.metric, x)
        total = total + pulled * _along(part.weights, x)
    return total


def _along(numbers: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return numbers.to(like.device, like.real.dtype).reshape(-1, *(1,) * (like.ndim - 1))
