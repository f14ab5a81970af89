"""Random convex functions, in our words and in those of CVXPY."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
import torch
from random_maps import Dice, dense, flat

import dprox_core as dp

__all__ = ["FUNCTIONS", "LATER", "Draw", "Penalty", "Said", "Write", "double", "like", "real"]

Write = Callable[[Any], Any]


@dataclass(frozen=True)
class Said:
    """An expression in CVXPY's words.

    Attributes:
        v: its values in one row, complex ones as pairs.
        shape: as we shape it.
        is_complex: whether values are pairs.
    """

    v: Any
    shape: tuple[int, ...]
    is_complex: bool

    @property
    def count(self) -> int:
        """How many values there are."""
        return math.prod(self.shape)

    def at(self, where: Any) -> Any:
        """The values at some flat positions."""
        where = np.asarray(where).reshape(-1)
        if self.is_complex:
            where = np.stack([2 * where, 2 * where + 1], axis=1).reshape(-1)
        return self.v[where]

    @property
    def size(self) -> Any:
        """|v|, value by value."""
        if not self.is_complex:
            return cp.abs(self.v)
        return cp.norm(cp.reshape(self.v, (self.count, 2), order="C"), 2, axis=1)

    def groups(self, axis: int | tuple[int, ...]) -> list[np.ndarray]:
        """The flat positions of all that differ only along some axes."""
        axes = (axis,) if isinstance(axis, int) else axis
        axes = tuple(a % len(self.shape) for a in axes)
        positions = np.arange(self.count).reshape(self.shape)
        moved = np.moveaxis(positions, axes, tuple(range(-len(axes), 0)))
        length = math.prod(self.shape[a] for a in axes)
        return list(moved.reshape(-1, length))


@dataclass(frozen=True)
class Penalty:
    """One function or set.

    Attributes:
        name: what it is called.
        write: our objective, or constraint, of an expression.
        state: CVXPY's cost and constraints of the same.
    """

    name: str
    write: Write
    state: Callable[[Said], tuple[Any, list[Any]]]


Draw = Callable[[Dice, torch.Tensor], Penalty | None]


def _cost(name: str, write: Write, cost: Callable[[Said], Any]) -> Penalty:
    return Penalty(name, write, lambda said: (cost(said), []))


def like(dice: Dice, z: torch.Tensor, spread: float = 1.0) -> torch.Tensor:
    return z + spread * dice.normal(*z.shape, is_complex=z.is_complex())


def _sum_squares(dice: Dice, z: torch.Tensor) -> Penalty:
    b = like(dice, z)
    return _cost(
        "sum_squares", lambda e: dp.sum_squares(e - b), lambda s: cp.sum_squares(s.v - flat(b))
    )


def _weighted_sum_squares(dice: Dice, z: torch.Tensor) -> Penalty:
    w, b = dice.uniform(*z.shape, high=2.0), like(dice, z)
    if dice.chance(0.4):
        w = w * (dice.uniform(*z.shape) < 0.5)
    roots = np.sqrt(flat(w)).repeat(2 if z.is_complex() else 1)
    return _cost(
        "weighted_sum_squares",
        lambda e: dp.weighted_sum_squares(e, w, b),
        lambda s: cp.sum_squares(cp.multiply(roots, s.v - flat(b))),
    )


def _quad_form(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if not z.shape:
        return None
    n = z.shape[-1]
    root = dice.normal(dice.whole(1, n), n)
    return _cost(
        "quad_form",
        lambda e: dp.quad_form(e, root.mT @ root),
        lambda s: cp.sum_squares(
            dense(lambda v: v @ root.mT.to(v.dtype), s.shape, s.is_complex, double(s)) @ s.v
        ),
    )


def double(said: Said) -> torch.dtype:
    return torch.complex128 if said.is_complex else torch.float64


def _norm1(dice: Dice, z: torch.Tensor) -> Penalty:
    b = like(dice, z) if dice.chance(0.4) else torch.zeros_like(z)
    return _cost(
        "norm1",
        lambda e: dp.norm1(e - b),
        lambda s: cp.sum(Said(s.v - flat(b), s.shape, s.is_complex).size),
    )


def _weighted_norm1(dice: Dice, z: torch.Tensor) -> Penalty:
    w = dice.uniform(*z.shape, high=2.0) * (dice.uniform(*z.shape) < 0.8)
    return _cost(
        "weighted_norm1", lambda e: dp.weighted_norm1(e, w), lambda s: flat(w.double()) @ s.size
    )


def _group_norm1(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if not z.ndim:
        return None
    count = dice.whole(1, min(2, z.ndim))
    axes = tuple(int(a) - z.ndim for a in dice.rng.choice(z.ndim, count, replace=False))
    return _cost(
        f"group_norm1{axes}",
        lambda e: dp.group_norm1(e, axes),
        lambda s: cp.sum(cp.hstack([cp.norm(s.at(g), 2) for g in s.groups(axes)])),
    )


def _elastic_net(dice: Dice, z: torch.Tensor) -> Penalty:
    gamma = dice.size(0.1, 3)
    return _cost(
        "elastic_net",
        lambda e: dp.elastic_net(e, gamma),
        lambda s: cp.sum(s.size) + 0.5 * gamma * cp.sum_squares(s.v),
    )


def _huber(dice: Dice, z: torch.Tensor) -> Penalty:
    delta, b = dice.size(0.1, 3), like(dice, z)
    return _cost(
        "huber",
        lambda e: dp.huber(e - b, delta),
        lambda s: 0.5 * cp.sum(cp.huber(Said(s.v - flat(b), s.shape, s.is_complex).size, delta)),
    )


def _nuclear(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim < 2 or z.is_complex():
        return None
    rows, columns = z.shape[-2:]
    return _cost(
        "nuclear_norm",
        dp.nuclear_norm,
        lambda s: sum(
            cp.normNuc(cp.reshape(s.at(g), (rows, columns), order="C")) for g in s.groups((-2, -1))
        ),
    )


def real(make: Draw) -> Draw:
    return lambda dice, z: None if z.is_complex() else make(dice, z)


def _poisson(dice: Dice, z: torch.Tensor) -> Penalty:
    shift = float(f"{1.0 - min(0.0, float(z.min())):.3g}")
    y = (3 * dice.uniform(*z.shape)).floor()
    return Penalty(
        "poisson",
        lambda e: dp.poisson(e + shift, y),
        lambda s: (_kl(s.v + shift, flat(y)), [s.v + shift >= 0]),
    )


def _kl(v: Any, y: np.ndarray) -> Any:
    counted = np.flatnonzero(y > 0)
    cost = cp.sum(v) - y.sum()
    if counted.size:
        cost += (y[counted] * np.log(y[counted])).sum() - y[counted] @ cp.log(v[counted])
    return cost


def _entropy(dice: Dice, z: torch.Tensor) -> Penalty:
    shift = float(f"{1.0 - min(0.0, float(z.min())):.3g}")
    return _cost(
        "entropy", lambda e: dp.entropy(e + shift), lambda s: -cp.sum(cp.entr(s.v + shift))
    )


def _spi(dice: Dice, z: torch.Tensor) -> Penalty:
    shift = float(f"{1.0 - min(0.0, float(z.min())):.3g}")
    n, gain = (4 * dice.uniform(*z.shape)).floor(), dice.size(0.3, 3)
    lit = np.flatnonzero(flat(n) > 0)

    def cost(s: Said) -> tuple[Any, list[Any]]:
        rate = gain * (s.v + shift) / 4
        total = (4 - flat(n)) @ rate
        if lit.size:
            total += -(flat(n)[lit] @ cp.log(1 - cp.exp(-rate[lit])))
        return total, [s.v + shift >= 0]

    return Penalty("spi", lambda e: dp.spi(e + shift, n, jots=4, gain=gain), cost)


def _labels(dice: Dice, z: torch.Tensor) -> torch.Tensor:
    return torch.where(dice.uniform(*z.shape) < 0.5, -1.0, 1.0).to(z.dtype)


def _logistic(dice: Dice, z: torch.Tensor) -> Penalty:
    y = _labels(dice, z)
    return _cost(
        "logistic",
        lambda e: dp.logistic(e, y),
        lambda s: cp.sum(cp.logistic(-cp.multiply(flat(y), s.v))),
    )


def _hinge(dice: Dice, z: torch.Tensor) -> Penalty:
    y = _labels(dice, z)
    return _cost(
        "hinge",
        lambda e: dp.hinge(e, y),
        lambda s: cp.sum(cp.pos(1 - cp.multiply(flat(y), s.v))),
    )


def _quantile(dice: Dice, z: torch.Tensor) -> Penalty:
    q, b = dice.number(0.05, 0.95), like(dice, z)
    return _cost(
        "quantile",
        lambda e: dp.quantile(e - b, q),
        lambda s: cp.sum(cp.maximum(q * (s.v - flat(b)), (q - 1) * (s.v - flat(b)))),
    )


def _linear(dice: Dice, z: torch.Tensor) -> Penalty:
    c = 0.3 * dice.normal(*z.shape)
    return _cost("linear", lambda e: dp.linear(e, c), lambda s: flat(c) @ s.v)


def _sisr(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim < 2 or z.shape[-2] % 2 or z.shape[-1] % 2:
        return None
    k = dice.normal(2, 2)

    def seen(v: torch.Tensor) -> torch.Tensor:
        return dp.subsample(dp.conv(v, k.to(v.real.dtype)), 2)

    y = like(dice, seen(z))
    return _cost(
        "sisr",
        lambda e: dp.sisr(e, y, k),
        lambda s: cp.sum_squares(dense(seen, s.shape, s.is_complex, double(s)) @ s.v - flat(y)),
    )


def _compress(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim < 3 or z.is_complex():
        return None
    masks = dice.uniform(*z.shape[-3:])

    def seen(v: torch.Tensor) -> torch.Tensor:
        return (v * masks.to(v.dtype)).sum(-3)

    y = like(dice, seen(z))
    return _cost(
        "compress_sensing",
        lambda e: dp.compress_sensing(e, y, masks),
        lambda s: cp.sum_squares(dense(seen, s.shape, False, torch.float64) @ s.v - flat(y)),
    )


def _csmri(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim < 2:
        return None
    m, coils = (dice.uniform(*z.shape[-2:]) < 0.6).double(), None
    if dice.wide and z.ndim >= 3 and z.shape[-3] == 1 and dice.chance(0.5):
        coils = dice.normal(dice.whole(1, 3), *z.shape[-2:], is_complex=True)

    def seen(v: torch.Tensor) -> torch.Tensor:
        return dp.fourier_sampling(v, m, coils)

    y = like(dice, seen(z)) * m
    return _cost(
        "csmri",
        lambda e: dp.csmri(e, m, y, coils),
        lambda s: cp.sum_squares(dense(seen, s.shape, s.is_complex, double(s)) @ s.v - flat(y)),
    )


def _misr(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim < 2:
        return None
    count, k = dice.whole(1, 2), dice.normal(*(min(2, n) for n in z.shape[-2:]))
    flows = [dice.normal(*z.shape[-2:], 2) if dice.chance(0.7) else None for _ in range(count)]

    def seen(v: torch.Tensor, flow: torch.Tensor | None) -> torch.Tensor:
        moved = v if flow is None else dp.warp(v, flow.to(v.real.dtype))
        return dp.downsample(moved, k.to(v.real.dtype), 2)

    ys = [like(dice, seen(z, flow)) for flow in flows]

    def cost(s: Said) -> Any:
        parts = []
        for y, flow in zip(ys, flows, strict=True):
            matrix = dense(lambda v, flow=flow: seen(v, flow), s.shape, s.is_complex, double(s))
            parts.append(cp.sum_squares(matrix @ s.v - flat(y)))
        return sum(parts)

    return _cost("misr", lambda e: dp.misr(e, ys, flows, k, 2), cost)


FUNCTIONS: dict[str, Draw] = {
    "sum_squares": _sum_squares,
    "weighted_sum_squares": _weighted_sum_squares,
    "quad_form": _quad_form,
    "norm1": _norm1,
    "weighted_norm1": _weighted_norm1,
    "group_norm1": _group_norm1,
    "norm2": lambda dice, z: _cost("norm2", dp.norm2, lambda s: cp.norm(s.v, 2)),
    "norm_inf": lambda dice, z: _cost("norm_inf", dp.norm_inf, lambda s: cp.max(s.size)),
    "elastic_net": _elastic_net,
    "huber": _huber,
    "nuclear_norm": _nuclear,
    "poisson": real(_poisson),
    "entropy": real(_entropy),
    "spi": real(_spi),
    "logistic": real(_logistic),
    "hinge": real(_hinge),
    "quantile": real(_quantile),
    "maximum": real(lambda d, z: _cost("maximum", dp.maximum, lambda s: cp.max(s.v))),
    "linear": real(_linear),
    "sisr": _sisr,
    "compress_sensing": _compress,
    "csmri": _csmri,
}
LATER: dict[str, Draw] = {"misr": _misr, "csmri": _csmri}
"""What joined later, for seeds that draw it."""
