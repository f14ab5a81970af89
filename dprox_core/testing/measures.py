"""What generic tests measure: dense matrices, dot products, what a prox leaves to be gained."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy import optimize

from dprox_core.errors import ParameterError
from dprox_core.expressions.base import Expression
from dprox_core.expressions.binding import Binding
from dprox_core.linops.base import LinOp
from dprox_core.linops.space import Space
from dprox_core.proxfns.base import Objective, ProxFn, bind

__all__ = [
    "dense",
    "dense_adjoint",
    "dot_error",
    "function_of",
    "gain",
    "operator_of",
    "random_in",
]


def operator_of(expression: Expression) -> LinOp:
    """The operator in front of an expression's only variable, numbers in place."""
    affine = Binding([expression]).affine(expression)
    if len(affine.operators) != 1:
        raise ParameterError(f"{expression.describe()} has {len(affine.operators)} variables.")
    return next(iter(affine.operators.values()))


def function_of(objective: Objective) -> ProxFn:
    """The function of an objective's only term, numbers in place."""
    (term,) = objective.terms
    binding = Binding(term.expressions())
    return bind(term.function, binding, term.expression, term.operands, term.options)


def random_in(space: Space, seed: int = 0) -> torch.Tensor:
    """A random tensor of a space."""
    return space.random(seed)


def dot_error(operator: LinOp, seed: int = 0) -> float:
    """|⟨A x, y⟩ − ⟨x, Aᴴ y⟩| / (‖A x‖ ‖y‖) for random x and y."""
    x, y = random_in(operator.domain, seed), random_in(operator.range, seed + 1)
    image, back = operator.forward(x), operator.adjoint(y)
    left, right = _inner(image, y), _inner(x, back)
    size = float(torch.linalg.vector_norm(image) * torch.linalg.vector_norm(y))
    return abs(left - right) / size if size else abs(right)


def dense(operator: LinOp) -> torch.Tensor:
    """The matrix over the reals, complex values as pairs: an oracle that knows no structure."""
    return _columns(operator.forward, operator.domain)


def dense_adjoint(operator: LinOp) -> torch.Tensor:
    """The matrix of the adjoint over the reals."""
    return _columns(operator.adjoint, operator.range)


def gain(
    value: Callable[[torch.Tensor], torch.Tensor], v: torch.Tensor, p: torch.Tensor, step: float
) -> float:
    """By how much a brute-force minimizer started at p brings f(u) + ‖u − v‖²/(2 step) down.

    Args:
        value: f.
        v: where the prox is taken.
        p: the claimed prox.
        step: the step.

    Returns:
        The gain, 0 for a local minimum that neither a simplex search nor random steps improve.
    """
    shape, is_complex = p.shape, p.is_complex()
    flat_v = _flat(v).numpy()

    def cost(point: np.ndarray) -> float:
        u = _restored(torch.from_numpy(np.asarray(point)), shape, is_complex)
        distance = float(np.sum((point - flat_v) ** 2))
        return float(value(u)) + distance / (2.0 * step)

    start = _flat(p).numpy()
    first = cost(start)
    best = optimize.minimize(
        cost,
        start,
        method="Nelder-Mead",
        options={"maxfev": min(40 * start.size, 240), "xatol": 1e-9},
    ).fun
    generator = np.random.default_rng(0)
    for scale in (3.0, 0.5, 0.05, 1e-3):
        for _ in range(12):
            trial = start + scale * generator.standard_normal(start.size)
            best = min(best, cost(trial))
        for other in (flat_v, np.zeros_like(start)):
            best = min(best, cost(start + min(scale, 1.0) * (other - start)))
    return first - best if math.isfinite(first) else math.inf


def _inner(a: torch.Tensor, b: torch.Tensor) -> float:
    dtype = torch.complex128 if a.is_complex() or b.is_complex() else torch.float64
    return float((a.to(dtype).conj() * b.to(dtype)).real.sum())


def _columns(apply: Callable[[torch.Tensor], torch.Tensor], space: Space) -> torch.Tensor:
    count = space.numel * (2 if space.is_complex else 1)
    basis = torch.eye(count, dtype=space.precision)
    columns = [
        _flat(apply(_restored(basis[i], torch.Size(space.shape), space.is_complex)))
        for i in range(count)
    ]
    return torch.stack(columns, dim=1)


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.detach().reshape(-1).clone()


def _restored(flat: torch.Tensor, shape: torch.Size, is_complex: bool) -> torch.Tensor:
    if is_complex:
        return torch.view_as_complex(flat.reshape(*shape, 2).contiguous())
    return flat.reshape(shape)
