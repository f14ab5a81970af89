"""Random sets around a planted point, in our words and in those of CVXPY."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np
import torch
from random_functions import Draw, Penalty, Said, Write, double, like, real
from random_maps import Dice, dense, flat

import dprox_core as dp

__all__ = ["SETS"]


def made(name: str, write: Write, conditions: Callable[[Said], list[Any]]) -> Penalty:
    return Penalty(name, write, lambda said: (0.0, conditions(said)))


def _nonneg(dice: Dice, z: torch.Tensor) -> Penalty:
    shift = dice.uniform(*z.shape, high=0.5) - z
    return made("nonneg", lambda e: dp.nonneg(e + shift), lambda s: [s.v + flat(shift) >= 0])


def _at_least(dice: Dice, z: torch.Tensor) -> Penalty:
    bound = float(f"{float(z.min()) - 0.01:.3g}") if dice.chance(0.5) else 0.0
    if bound > float(z.min()):
        z = z - z.min() + 0.01
        shift = z
        return made(">=", lambda e: e + shift >= bound, lambda s: [s.v + flat(shift) >= bound])
    return made(">=", lambda e: e >= bound, lambda s: [s.v >= bound])


def _at_most(dice: Dice, z: torch.Tensor) -> Penalty:
    bound = z + dice.uniform(*z.shape, high=0.5) * (dice.uniform(*z.shape) < 0.7)
    return made("<=", lambda e: e <= bound, lambda s: [s.v <= flat(bound)])


def _box(dice: Dice, z: torch.Tensor) -> Penalty:
    low, high = z - dice.uniform(*z.shape, high=0.7), z + dice.uniform(*z.shape, high=0.7)
    return made(
        "box", lambda e: dp.box(e, low, high), lambda s: [s.v >= flat(low), s.v <= flat(high)]
    )


def _equal(dice: Dice, z: torch.Tensor) -> Penalty:
    return made("==", lambda e: e == z, lambda s: [s.v == flat(z)])


def _few_equal(dice: Dice, z: torch.Tensor) -> Penalty:
    count = z.numel()
    rows = dice.normal(dice.whole(1, max(1, count // 2)), count)
    if dice.chance(0.3):  # one of them twice
        rows = torch.cat([rows, rows[:1]])
    b = rows.to(z.dtype) @ z.reshape(-1)
    return made(
        "A e ==",
        lambda e: dp.matrix(dp.reshape(e, (-1,)), rows) == b,
        lambda s: [
            dense(lambda v: rows.to(v.dtype) @ v.reshape(-1), s.shape, s.is_complex, double(s))
            @ s.v
            == flat(b)
        ],
    )


def _simplex(dice: Dice, z: torch.Tensor) -> Penalty | None:
    axis = dice.pick([None, *range(-z.ndim, 0)])
    total = dice.size(0.3, 10)
    inside = dice.uniform(*z.shape) + 0.01
    inside = total * inside / (inside.sum() if axis is None else inside.sum(axis, keepdim=True))
    shift = inside - z

    def conditions(s: Said) -> list[Any]:
        v = Said(s.v + flat(shift), s.shape, False)
        groups = [np.arange(s.count)] if axis is None else v.groups(axis)
        return [v.v >= 0, *(cp.sum(v.at(g)) == total for g in groups)]

    return made("simplex", lambda e: dp.simplex(e + shift, total, axis), conditions)


def _ball(dice: Dice, z: torch.Tensor) -> Penalty:
    kind = dice.pick(["l1", "l2", "linf", "noise"])
    b = like(dice, z, 0.5)
    away = flat((z - b).abs())
    length = {"l1": away.sum(), "linf": away.max()}.get(kind, math.sqrt(float((away**2).sum())))
    radius = float(f"{1.001 * length + dice.number(0, 0.5):.6g}")

    def conditions(s: Said) -> list[Any]:
        v = Said(s.v - flat(b), s.shape, s.is_complex)
        if kind == "l1":
            return [cp.sum(v.size) <= radius]
        return [v.size <= radius] if kind == "linf" else [cp.norm(v.v, 2) <= radius]

    write = {"l1": dp.l1_ball, "l2": dp.l2_ball, "linf": dp.linf_ball}.get(kind)
    if write is None:
        sigma = radius / math.sqrt(z.numel())
        return made("noise_ball", lambda e: dp.noise_ball(e, b, sigma), conditions)
    return made(f"{kind}_ball", lambda e: write(e - b, radius), conditions)


def _affine(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim != 1:
        return None
    A = dice.normal(dice.whole(1, max(1, z.numel() - 1)), z.numel())
    b = A @ z
    return made("affine_set", lambda e: dp.affine_set(e, A, b), lambda s: [A.numpy() @ s.v == b])


def _halfspace(dice: Dice, z: torch.Tensor) -> Penalty:
    a = dice.normal(*z.shape)
    b = float(f"{float((a * z).sum()) + dice.number(0.01, 1):.6g}")
    return made("halfspace", lambda e: dp.halfspace(e, a, b), lambda s: [flat(a) @ s.v <= b])


def _psd(dice: Dice, z: torch.Tensor) -> Penalty | None:
    if z.ndim < 2 or z.shape[-1] != z.shape[-2]:
        return None
    n = z.shape[-1]
    root = dice.normal(*z.shape)
    shift = root @ root.mT / n - z

    def conditions(s: Said) -> list[Any]:
        v = Said(s.v + flat(shift), s.shape, False)
        made = [cp.reshape(v.at(g), (n, n), order="C") for g in v.groups((-2, -1))]
        return [c for m in made for c in (m == m.T, 0.5 * (m + m.T) >> 0)]

    return made("psd_cone", lambda e: dp.psd_cone(e + shift), conditions)


SETS: dict[str, Draw] = {
    "nonneg": real(_nonneg),
    ">=": real(_at_least),
    "<=": real(_at_most),
    "box": real(_box),
    "==": _equal,
    "A e ==": _few_equal,
    "simplex": real(_simplex),
    "ball": _ball,
    "affine_set": real(_affine),
    "halfspace": real(_halfspace),
    "psd_cone": real(_psd),
}
