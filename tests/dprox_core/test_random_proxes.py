"""Every function at random data, points, steps, weights and sizes: what it declares is true.

DPROX_FUZZ_FUNCTIONS="100 200" takes these seeds in place of one.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator

import pytest
import torch

import dprox_core as dp
from dprox_core.compiler.model import Penalty
from dprox_core.proxfns.base import ProxFn
from dprox_core.testing import PROX_CASES, ProxCase
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import function_of, gain

_SEEDS = range(*map(int, os.environ.get("DPROX_FUZZ_FUNCTIONS", "0 1").split()))
_KINDS = [
    pytest.param(case, shape, is_complex, seed, id=f"{case.id}-{len(shape)}d-{is_complex}-{seed}")
    for case in PROX_CASES
    for shape in case.shapes
    for is_complex in (False, True)
    if (case.complex if is_complex else case.real)
    for seed in _SEEDS
]
every_kind = pytest.mark.parametrize(("case", "shape", "is_complex", "seed"), _KINDS)


class Setting:
    """A function with random data, and points as they come: scattered, equal, whole, zero."""

    def __init__(self, case: ProxCase, shape: tuple[int, ...], is_complex: bool, seed: int) -> None:
        self.case, self.shape, self.is_complex = case, shape, is_complex
        self.choose, self._make = random.Random(seed), Maker(seed)
        self.data = case.data(shape, Maker(seed + 1000))
        self.close = max(case.tolerance, 1e-9)
        self.f = self.function(torch.float64)

    def function(self, dtype: torch.dtype) -> ProxFn:
        """The function in a precision."""
        complexed = dtype.to_complex()
        data = tuple(t.to(complexed if t.is_complex() else dtype) for t in self.data)
        x = dp.Variable("x", self.shape, dtype=complexed if self.is_complex else dtype)
        return function_of(self.case.call(x, *data))

    def point(self, scale: float = 1.0) -> torch.Tensor:
        v = scale * self.case.sample(self.shape, self._make)
        if self.is_complex:
            v = torch.complex(v, scale * self.case.sample(self.shape, self._make))
        kind = self.choose.random()
        if kind < 0.15:
            parts = torch.view_as_real(v) if self.is_complex else v
            return torch.view_as_complex(parts.round()) if self.is_complex else parts.round()
        if kind < 0.25:
            return torch.full_like(v, v.flatten()[0].item())
        return torch.zeros_like(v) if kind < 0.3 else v

    def inside(self) -> torch.Tensor:
        if self.case.inside is None:
            return self.point()
        return self.case.inside(self.shape, self._make, *self.data).to(self.f.space.dtype)

    def between(self, low: float, high: float) -> float:
        """A number whose logarithm is uniform."""
        return 10.0 ** self.choose.uniform(low, high)

    def value(self, v: torch.Tensor) -> float:
        return float(self.case.formula(v, *self.data))

    def others(self, p: torch.Tensor) -> Iterator[torch.Tensor]:
        """Points of the domain, far from p and near it."""
        for share in (1.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-5):
            far = self.point(self.between(-2, 2))
            inside = self.choose.random() < 0.7
            z = self.inside() if inside else self.f.prox(far, self.between(-3, 3))
            yield p + share * (z - p)


def inner(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.conj() * b).real.sum())


def size_of(v: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(v))


@every_kind
def test_the_prox_is_the_minimizer(
    case: ProxCase, shape: tuple[int, ...], is_complex: bool, seed: int
) -> None:
    at = Setting(case, shape, is_complex, seed)
    v, step = at.point(at.between(-2, 2)), at.between(-5, 5)
    p = at.f.prox(v, step)
    low = at.value(p)
    assert math.isfinite(low)
    if not case.brittle:
        assert float(at.f.value(p)) == pytest.approx(low, rel=1e-7, abs=1e-7)
    near = 1e-10 * (1.0 + float(v.abs().max())) + case.tolerance
    assert torch.allclose(p + at.f.dual_prox(v, step), v, atol=near, rtol=1e-8)
    if not case.convex:
        scale = 1.0 + abs(low) + size_of(v - p) ** 2 / step
        formula = lambda z: case.formula(z, *at.data)  # noqa: E731
        assert gain(formula, v, p, step) <= 1e2 * at.close * scale
        return
    slope = (v - p) / step
    for z in at.others(p):
        there = at.value(z)
        if math.isfinite(there):
            scale = 1.0 + abs(low) + abs(there) + size_of(slope) * size_of(z - p)
            assert there - low - inner(slope, z - p) >= -1e2 * at.close * scale
    if at.f.lipschitz is not None:
        near = 1e-6 * (1.0 + float(slope.abs().max()))
        assert torch.allclose(at.f.grad(p), slope, atol=near, rtol=1e-6)
    if at.f.slope is not None:
        rounding = 1e-9 * float(v.abs().max()) / step
        assert float(slope.abs().max()) <= at.f.slope * (1 + 1e-7) + rounding


@every_kind
def test_what_is_declared_is_true(
    case: ProxCase, shape: tuple[int, ...], is_complex: bool, seed: int
) -> None:
    at = Setting(case, shape, is_complex, seed)
    for _ in range(4):
        a, b, share = at.inside(), at.inside(), at.choose.random()
        ends = float(at.f.value(a)), float(at.f.value(b))
        if case.convex and all(map(math.isfinite, ends)):
            middle = float(at.f.value(share * a + (1 - share) * b))
            assert middle <= share * ends[0] + (1 - share) * ends[1] + 1e-8 * (
                1 + sum(map(abs, ends))
            )
        if at.f.lipschitz is not None:
            change = size_of(at.f.grad(a) - at.f.grad(b))
            assert change <= at.f.lipschitz * size_of(a - b) * (1 + 1e-9) + 1e-12
        if at.f.homogeneous:
            factor = at.between(-2, 2)
            assert float(at.f.value(factor * a)) == pytest.approx(factor * ends[0], rel=1e-8)
        if case.convex:
            v, w, step = at.point(at.between(-2, 2)), at.point(), at.between(-5, 5)
            p, q = at.f.prox(v, step), at.f.prox(w, step)
            moved = size_of(p - q) ** 2
            rounding = 1e-10 * size_of(v - w) ** 2 + case.tolerance * 1e2
            assert moved <= inner(p - q, v - w) + 1e-7 * (1 + moved) + rounding


@every_kind
def test_weights_scales_offsets_and_steps(
    case: ProxCase, shape: tuple[int, ...], is_complex: bool, seed: int
) -> None:
    at = Setting(case, shape, is_complex, seed)
    v, offset = at.point(), at.point()
    scale = at.choose.choice([-1, 1]) * at.between(-1, 1)
    weight, step = at.between(-2, 2), at.between(-2, 2)
    penalty = Penalty(at.f, weight, torch.tensor(scale, dtype=torch.float64), offset)
    inside = scale * v + offset
    whole = step * scale**2 * (1.0 if at.f.is_indicator else weight)
    expected, found = at.f.prox(inside, whole), scale * penalty.prox(v, step) + offset
    assert torch.allclose(found, expected, atol=1e-9 * (1 + float(inside.abs().max())), rtol=1e-7)
    if at.f.separable:
        steps = torch.rand(shape, dtype=torch.float64) + 1e-3
        place = at.choose.randrange(v.numel())
        alone = at.f.prox(v, float(steps.flatten()[place])).flatten()[place]
        assert torch.allclose(at.f.prox(v, steps).flatten()[place], alone, atol=1e-8)
    # A step of zero leaves what is in the domain where it is.
    within = at.f.finite(at.f.prox(v, 1.0))
    for nothing in (0.0, torch.tensor(0.0, dtype=torch.float64), 1e-300):
        assert torch.allclose(at.f.prox(within, nothing), within, atol=1e-7 + case.tolerance)


@every_kind
def test_single_precision_and_extreme_sizes(
    case: ProxCase, shape: tuple[int, ...], is_complex: bool, seed: int
) -> None:
    at = Setting(case, shape, is_complex, seed)
    single = at.function(torch.float32)
    v, step = at.point(at.between(-2, 2)), at.between(-4, 2)
    p, rough = at.f.prox(v, step), single.prox(v.to(single.space.dtype), step)
    assert rough.dtype == single.space.dtype
    if not case.brittle:
        size = float(v.abs().max()) + float(p.abs().max()) + 1e-3
        assert float((rough.to(p.dtype) - p).abs().max()) <= 2e-3 * size
    for function, scales in ((at.f, (1e-300, 1e-30, 1e30, 1e100)), (single, (1e-38, 1e-30, 1e30))):
        for scale in scales:
            point = at.point(scale).to(function.space.dtype)
            for length in (1e-8, step, 1e8):
                found = function.prox(point, length)
                assert bool(torch.isfinite(found.abs()).all()), scale
                # Smaller numbers have no phase.
                if scale > 1e-38:
                    exact = at.f.prox(point.to(at.f.space.dtype), length)
                    size = float(point.abs().max()) + float(exact.abs().max())
                    assert float((found.to(exact.dtype) - exact).abs().max()) <= 2e-3 * size


@pytest.mark.parametrize("case", PROX_CASES, ids=lambda case: case.id)
def test_what_is_not_finite_stays_so_without_an_error(case: ProxCase) -> None:
    """A solve ends with a status then, not with an error from inside a decomposition."""
    at = Setting(case, case.shapes[0], not case.real, 0)
    for wrong in (math.nan, math.inf, -math.inf):
        v = at.inside().clone()
        v.view(-1)[0] = wrong
        p, cost = at.f.prox(v, 0.7), float(at.f.value(v))
        if math.isnan(wrong):
            assert not bool(torch.isfinite(p.abs()).all())
            assert not math.isfinite(cost)
        elif at.f.is_indicator and not math.isfinite(float(at.f.violation(v))):
            assert cost == math.inf
