"""Norms of rows for each sample of a batch whose samples never meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.space import Space
from dprox_core.linsolve.base import Gram
from dprox_core.linsolve.direct import beside, direct_kind

__all__ = ["Shared", "norms_of_samples", "treats_alike"]

# Products that agree to so many roundings are the same.
_ROUNDINGS = 1e3
_STEPS = 40
_MARGIN = 1.02


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
    the Lanczos process as ``largest_eigenvalue``, with a margin of 2 %.
    """
    batch, axes = space.shape[0], len(space.shape)
    total = torch.zeros((batch, *(1,) * (axes - 1)), dtype=torch.float64, device=space.device)
    if not parts:
        return total.reshape(batch).cpu()
    grams = [Gram(part.row.entries[0][1], part.metric) for part in parts]
    kind = direct_kind(grams)
    if kind is None:
        return _found(lambda v: _sum(parts, v), space.random(5))
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


def _inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.conj() * b).real.reshape(len(a), -1).double().sum(dim=1).cpu()


def _found(gram: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor) -> torch.Tensor:
    """The largest eigenvalue for each sample."""
    v = start / _along(_inner(start, start).sqrt(), start)
    previous, held = torch.zeros_like(v), torch.zeros(len(v), dtype=torch.float64)
    diagonal: list[torch.Tensor] = []
    beneath: list[torch.Tensor] = []
    estimate, settled = held, 0
    for _ in range(_STEPS):
        w = gram(v)
        alpha = _inner(v, w)
        w = w - _along(alpha, v) * v - _along(held, v) * previous
        diagonal.append(alpha)
        last, estimate = estimate, _largest(diagonal, beneath)
        settled = settled + 1 if bool(((estimate - last).abs() <= 1e-4 * estimate).all()) else 0
        if settled == 2:
            break
        held = _inner(w, w).sqrt()
        # Where nothing is left to find, what follows are zeros.
        held = torch.where(held > 1e-7 * estimate, held, 0.0)
        beneath.append(held)
        inverse = torch.where(held > 0.0, 1.0 / held, 0.0)
        previous, v = v, w * _along(inverse, w)
    return _MARGIN * estimate.clamp_min(0.0)


def _largest(diagonal: list[torch.Tensor], beneath: list[torch.Tensor]) -> torch.Tensor:
    matrix = torch.diag_embed(torch.stack(diagonal, dim=1))
    if len(diagonal) > 1:
        off = torch.stack(beneath[: len(diagonal) - 1], dim=1)
        matrix = matrix + torch.diag_embed(off, 1) + torch.diag_embed(off, -1)
    return torch.linalg.eigvalsh(matrix)[:, -1]
