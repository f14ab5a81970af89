"""Every function of the table against a second formula, brute force and autograd."""

from __future__ import annotations

import math

import pytest
import torch

import dprox_core as dp
from dprox_core.compiler.model import Penalty
from dprox_core.errors import DproxError
from dprox_core.proxfns.base import PROXFNS, ProxFn
from dprox_core.testing import PROX_CASES, ProxCase
from dprox_core.testing.cases import Maker
from dprox_core.testing.measures import function_of, gain

Kind = tuple[ProxCase, tuple[int, ...], bool]

KINDS: list[Kind] = [
    (case, shape, is_complex)
    for case in PROX_CASES
    for shape in case.shapes
    for is_complex in (False, True)
    if (case.complex if is_complex else case.real)
]


def name_of(kind: Kind) -> str:
    case, shape, is_complex = kind
    return f"{case.id}-{'x'.join(map(str, shape))}-{'complex' if is_complex else 'real'}"


every_kind = pytest.mark.parametrize("kind", KINDS, ids=name_of)
convex_kinds = pytest.mark.parametrize("kind", [k for k in KINDS if k[0].convex], ids=name_of)


class Setting:
    """A function with its data, and points around which it is tested."""

    def __init__(self, kind: Kind, seed: int = 1) -> None:
        self.case, self.shape, self.is_complex = kind
        self.make = Maker(seed)
        self.data = self.case.data(self.shape, Maker(1))
        dtype = torch.complex128 if self.is_complex else torch.float64
        self.function: ProxFn = function_of(
            self.case.call(dp.Variable("x", self.shape, dtype=dtype), *self.data)
        )

    def point(self) -> torch.Tensor:
        real = self.case.sample(self.shape, self.make)
        return (
            torch.complex(real, self.case.sample(self.shape, self.make))
            if self.is_complex
            else real
        )

    def inside(self) -> torch.Tensor:
        if self.case.inside is None:
            return self.point()
        found = self.case.inside(self.shape, self.make, *self.data)
        return found.to(self.function.space.dtype)

    def value(self, v: torch.Tensor) -> torch.Tensor:
        return self.case.formula(v, *self.data)


def real_inner(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.conj() * b).real.sum())


@every_kind
def test_the_value_is_that_of_the_formula(kind: Kind) -> None:
    at = Setting(kind)
    close = max(1e-9, at.case.tolerance)
    for v in [at.inside(), at.inside(), at.function.prox(at.point(), 1.0)]:
        expected = pytest.approx(float(at.value(v)), rel=close, abs=close)
        assert float(at.function.value(v)) == expected
    far = 50.0 * at.point()
    found, expected = float(at.function.value(far)), float(at.value(far))
    assert found == expected or found == pytest.approx(expected, rel=1e-9)
    assert at.function.value(far).dtype == torch.float64


@every_kind
def test_no_minimizer_improves_on_the_prox(kind: Kind) -> None:
    at = Setting(kind)
    for step in at.case.steps:
        v = at.point()
        p = at.function.prox(v, step)
        size = 1.0 + float(v.abs().square().sum()) / step
        assert gain(at.value, v, p, step) <= max(at.case.tolerance, 1e-9) * size


@convex_kinds
def test_the_prox_leaves_a_subgradient(kind: Kind) -> None:
    """f(z) ≥ f(p) + ⟨(v − p)/t, z − p⟩ for all z: what makes p the prox of a convex f."""
    at = Setting(kind)
    for step in at.case.steps:
        v = at.point()
        p = at.function.prox(v, step)
        slope = (v - p) / step
        low = float(at.value(p))
        assert math.isfinite(low)
        for scale in (1.0, 1.0, 1e-1, 1e-2, 1e-3):
            z = at.inside()
            z = p + scale * (z - p)
            slack = float(at.value(z)) - low - real_inner(slope, z - p)
            size = 1.0 + abs(low) + float(slope.abs().square().sum())
            assert slack >= -max(at.case.tolerance, 1e-9) * size


@convex_kinds
def test_moreaus_identity(kind: Kind) -> None:
    """f(p) + f*(q) = ⟨p, q⟩ at q = (v − p)/t, with f* found from points of the domain."""
    at = Setting(kind)
    for step in at.case.steps:
        v = at.point()
        p = at.function.prox(v, step)
        dual = at.function.dual_prox(v, step)
        close = 1e-12 + at.case.tolerance
        assert torch.allclose(p + dual, v, atol=close, rtol=1e-9)
        out = torch.full_like(v, torch.nan)
        assert torch.allclose(at.function.dual_prox(v, step, out=out), dual, atol=close)
        q = dual / step
        equal = real_inner(p, q) - float(at.value(p))
        for _ in range(5):
            z = at.inside()
            assert real_inner(z, q) - float(at.value(z)) <= equal + close * (1 + abs(equal)) * 1e2


@convex_kinds
def test_the_declared_curvature_holds(kind: Kind) -> None:
    """μ-strong convexity is ⟨p − q, a − b⟩ ≥ (1 + t μ) ‖p − q‖² for proxes p, q of points a, b."""
    setting = Setting(kind)
    f, step = setting.function, 0.7
    for _ in range(5):
        a, b = setting.point(), setting.point()
        moved = f.prox(a, step) - f.prox(b, step)
        along = float((moved.conj() * (a - b)).sum().real)
        least = (1.0 + step * f.modulus) * float(moved.abs().square().sum())
        assert along >= least * (1 - 1e-6) - 1e-9
        if f.lipschitz is not None:
            slopes = f.grad(a) - f.grad(b)
            assert float(slopes.norm()) <= f.lipschitz * float((a - b).norm()) * (1 + 1e-9) + 1e-12


@convex_kinds
def test_the_prox_is_firmly_nonexpansive(kind: Kind) -> None:
    at = Setting(kind)
    for step in at.case.steps:
        a, b = at.point(), at.point()
        p, q = at.function.prox(a, step), at.function.prox(b, step)
        moved = float((p - q).abs().square().sum())
        assert moved <= real_inner(p - q, a - b) + at.case.tolerance * (1 + moved) * 10


@every_kind
def test_scaling_and_translation_are_one_mechanism(kind: Kind) -> None:
    at = Setting(kind)
    c = 0.3 * at.point()
    for scale in (-1.5, 0.5):
        penalty = Penalty(at.function, 2.0, torch.tensor(scale, dtype=torch.float64), c)
        weight = 1.0 if at.function.is_indicator else 2.0

        def value(z: torch.Tensor, scale: float = scale, weight: float = weight) -> torch.Tensor:
            return weight * at.value(scale * z + c)

        v = at.point()
        p = penalty.prox(v, 0.7)
        if at.case.brittle:
            inner = at.function.prox(scale * v + c, 0.7 * weight * scale**2)
            assert torch.allclose(scale * p + c, inner)
            continue
        size = 1.0 + float(v.abs().square().sum())
        assert float(penalty.value(p)) == pytest.approx(float(value(p)), rel=1e-6, abs=1e-6)
        assert gain(value, v, p, 0.7) <= max(at.case.tolerance, 1e-9) * size * 10


@every_kind
def test_nothing_given_is_written_into(kind: Kind) -> None:
    at = Setting(kind)
    v = at.point()
    kept = v.clone()
    at.function.prox(v, 0.5)
    at.function.dual_prox(v, 0.5)
    at.function.value(v)
    assert torch.equal(v, kept)


@every_kind
def test_single_precision_gives_single_precision(kind: Kind) -> None:
    at = Setting(kind)
    case = at.case
    dtype = torch.complex64 if at.is_complex else torch.float32
    data = tuple(t.to(torch.complex64 if t.is_complex() else torch.float32) for t in at.data)
    function = function_of(case.call(dp.Variable("x", at.shape, dtype=dtype), *data))
    v = at.point()
    p = function.prox(v.to(dtype), 0.7)
    assert p.dtype == dtype
    assert torch.allclose(p.to(v.dtype), at.function.prox(v, 0.7), atol=2e-4, rtol=2e-4)
    if function.is_indicator:
        assert float(function.value(p)) == 0.0


@every_kind
def test_a_step_may_be_a_tensor(kind: Kind) -> None:
    at = Setting(kind)
    v = at.point()
    step = torch.tensor(0.7, dtype=torch.float64)
    assert torch.allclose(at.function.prox(v, step), at.function.prox(v, 0.7), atol=1e-10)
    if at.function.separable:
        steps = torch.tensor([0.2, 1.0, 5.0][: at.shape[0]], dtype=torch.float64)
        steps = steps.reshape(-1, *([1] * (len(at.shape) - 1)))
        p = at.function.prox(v, steps)
        for index in range(at.shape[0]):
            alone = at.function.prox(v, float(steps[index]))
            assert torch.allclose(p[index], alone[index], atol=1e-10)


@every_kind
def test_samples_that_are_summed_never_meet(kind: Kind) -> None:
    setting = Setting(kind)
    function, v = setting.function, setting.point()
    if not function.samplewise or v.ndim < 2:
        return
    steps = torch.linspace(0.3, 2.0, len(v), dtype=torch.float64)
    found = function.prox(v, steps.reshape(-1, *(1,) * (v.ndim - 1)))
    for index in range(len(v)):
        others = torch.where(torch.arange(len(v)) == index, 1.0, 3.0)
        moved = v * others.reshape(-1, *(1,) * (v.ndim - 1))
        alone = function.prox(moved, float(steps[index]))[index]
        torch.testing.assert_close(found[index], alone, rtol=1e-7, atol=1e-7)


@every_kind
def test_gradients_of_the_prox(kind: Kind) -> None:
    at = Setting(kind)
    if not at.case.differentiable:
        pytest.skip("the prox of this function is found by a search")
    step = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    inputs = (at.point().requires_grad_(), step)
    assert torch.autograd.gradcheck(at.function.prox, inputs, atol=1e-5, fast_mode=True)


@convex_kinds
def test_the_gradient_along_a_step_of_zero_is_that_from_above(kind: Kind) -> None:
    """Weights that are learned may begin at zero."""
    at = Setting(kind)
    if at.function.is_indicator:
        return  # no step there
    v, weights = at.inside(), Maker(3).normal(*at.shape)
    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    start = (at.function.prox(v, step).real * weights).sum()
    (slope,) = torch.autograd.grad(start, step)
    near = (at.function.prox(v, torch.tensor(1e-7, dtype=torch.float64)).real * weights).sum()
    assert float(slope) == pytest.approx(float(near - start.detach()) / 1e-7, rel=1e-4, abs=1e-4)


@every_kind
def test_gradients_along_a_step_of_zero_are_finite(kind: Kind) -> None:
    """Also outside of a domain, and at its edge."""
    at = Setting(kind)
    for v in (at.point(), -at.inside(), torch.zeros_like(at.point())):
        step = torch.zeros((), dtype=torch.float64, requires_grad=True)
        total = at.function.prox(v.requires_grad_(), step).abs().square().sum()
        slopes = torch.autograd.grad(total, (v, step), allow_unused=True)
        for slope in slopes:
            assert slope is None or bool((slope.abs() < 1e9).all())


@every_kind
def test_gradients_at_unusual_points_are_finite(kind: Kind) -> None:
    """At zero, at the smallest and large numbers, in ties, and for data of nothing but zeros."""
    case, shape, is_complex = kind
    x = dp.Variable("x", shape, dtype=torch.complex64 if is_complex else torch.float32)
    given = case.data(shape, Maker(1))
    single = tuple(t.to(torch.complex64 if t.is_complex() else torch.float32) for t in given)
    unit = torch.zeros(shape, dtype=x.dtype)
    unit.view(-1)[:1] = 2.0
    for data in (single, tuple(map(torch.zeros_like, single))):
        try:
            function = function_of(case.call(x, *data))
        except DproxError:
            continue  # labels are 1 or −1
        for value in (0.0, 1.0, -1.0, 1e-30, -1e-30, 1e12, -1e12):
            v = (unit if value == 0.0 else torch.full_like(unit, value)).requires_grad_()
            # The modulus of the smallest complex numbers has no derivative that torch finds.
            found = function.prox(v, 0.7).sum()
            (gradient,) = torch.autograd.grad(found.real + found.imag if is_complex else found, v)
            assert torch.isfinite(gradient).all(), value


@every_kind
def test_long_steps_keep_their_digits_in_single_precision(kind: Kind) -> None:
    at = Setting(kind)
    if at.case.brittle or not at.case.convex:
        return
    dtype = torch.complex64 if at.is_complex else torch.float32
    data = tuple(t.to(torch.complex64 if t.is_complex() else torch.float32) for t in at.data)
    function = function_of(at.case.call(dp.Variable("x", at.shape, dtype=dtype), *data))
    v = at.point()
    for step in (4e4, 1e7):
        p = at.function.prox(v, step)
        off = (function.prox(v.to(dtype), step).to(p.dtype) - p).abs().max()
        assert float(off) <= 1e-4 * float(torch.maximum(p.abs().max(), v.abs().max()))


@every_kind
def test_gradients_of_the_value(kind: Kind) -> None:
    at = Setting(kind)
    v = at.inside()
    if at.function.is_indicator or not at.case.differentiable:
        assert at.function.lipschitz is None or not at.function.is_indicator
        return
    assert torch.autograd.gradcheck(
        at.function.value, (v.clone().requires_grad_(),), fast_mode=True
    )
    assert at.case.smooth == (at.function.lipschitz is not None)
    if at.function.lipschitz is None:
        return
    point = v.clone().requires_grad_()
    (slope,) = torch.autograd.grad(at.function.value(point), point)
    assert at.function.grad(v).shape == v.shape
    assert torch.allclose(at.function.grad(v), slope, atol=1e-9)
    for scale in (1e-3, 1e-1, 1.0, 10.0):
        other = v + scale * (at.inside() - v)
        change = float(torch.linalg.vector_norm(at.function.grad(other) - slope))
        limit = at.function.lipschitz * float(torch.linalg.vector_norm(other - v))
        assert change <= limit * (1 + 1e-9)


@every_kind
def test_slopes_bound_the_dual(kind: Kind) -> None:
    at = Setting(kind)
    if at.function.slope is None:
        return
    v = 20.0 * at.point()
    q = at.function.dual_prox(v, 0.5) / 0.5
    assert float(q.abs().max()) <= at.function.slope * (1 + 1e-9)


@pytest.mark.parametrize("case", PROX_CASES, ids=lambda case: case.id)
def test_convexity_is_declared(case: ProxCase) -> None:
    at = Setting((case, case.shapes[0], not case.real))
    assert at.function.convex == case.convex
    values = {float(at.function.value(scale * at.point())) for scale in (0.01, 1.0, 50.0)}
    assert at.function.is_indicator == (values <= {0.0, math.inf})


@pytest.mark.parametrize(
    "wrong", [w for case in PROX_CASES for w in case.wrong], ids=lambda w: w.text[:40]
)
def test_wrong_calls_are_refused_in_a_sentence(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(wrong.error) as caught:
        wrong.call()
    assert isinstance(caught.value, DproxError)
    assert wrong.text in str(caught.value)


@pytest.mark.parametrize("step", [1e3, 1e8, 1e14])
def test_long_steps_of_spi_lead_to_the_most_likely_brightness(step: float) -> None:
    # −K/α log(1 − n/K), which a long step leaves only by what the start weighs against it.
    seen = torch.tensor([1.0, 2.0, 3.0])
    spi = function_of(dp.spi(dp.Variable("v", (3,)), seen, jots=4, gain=2.0))
    likely = -2.0 * torch.log1p(-seen / 4)
    found = spi.prox(torch.ones(3), step)
    assert torch.allclose(found, likely, rtol=1e-5 + 3.0 / step, atol=0.0)


def test_every_registered_function_has_a_row() -> None:
    # A denoiser in the place of a prox belongs to no known function: priors/test_plug_and_play.py.
    known = {name for name, function in PROXFNS.items() if function.has_value}
    assert known == {case.name for case in PROX_CASES}


def test_every_row_is_about_the_function_it_names() -> None:
    for case in PROX_CASES:
        assert Setting((case, case.shapes[0], not case.real)).function.name == case.name
