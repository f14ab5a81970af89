"""Denoisers for proxes: solutions against closed forms, courses of noise levels, gradients."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dprox_core as dp
from dprox_core.priors.schedule import BALANCE, FINISH, START

SHAPE = (1, 1, 9, 10)
KIN = ("admm", "admm_vxu", "dr", "pdhg", "pd3o", "ladmm")
METHODS = ("hqs", *KIN)


def shrink(image: Tensor, sigma: Any) -> Tensor:
    """The prox of ½‖·‖² at step σ²."""
    return image / (1 + sigma**2)


def soft(image: Tensor, sigma: Any) -> Tensor:
    """The prox of ‖·‖₁ at step σ²."""
    return image.sign() * (image.abs() - sigma**2).clamp_min(0)


def curved(image: Tensor, sigma: Any) -> Tensor:
    """Something smooth that is no prox of anything."""
    return image - sigma * torch.tanh(image - image.roll(1, -1))


class Recorder:
    """A denoiser that notes the levels it is asked for."""

    def __init__(self) -> None:
        self.levels: list[float] = []

    def __call__(self, image: Tensor, sigma: Any) -> Tensor:
        self.levels.append(float(sigma))
        return shrink(image, sigma)


class Gain(nn.Module):
    """A network with one number: gain · image, whatever the noise."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, image: Tensor, sigma: Any) -> Tensor:
        return self.gain * image


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    kernel = dp.gaussian_psf(size=3, sigma=0.8).double()
    return torch.rand(SHAPE, generator=generator, dtype=torch.float64), kernel


def test_one_step_of_hqs_by_hand(data: tuple[Tensor, Tensor]) -> None:
    b, _ = data
    x = dp.Variable("x", shape=SHAPE)
    start = torch.full(SHAPE, 0.5, dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(x - b) + 2 * dp.deep_prior(x, shrink, sigma=0.05))
    result = problem.solve(method="hqs", x0=start, sigmas=[0.1], max_iter=1)
    rho = 2 * BALANCE["hqs"] * 2 * 0.05**2 / 0.1**2
    quadratic = (2 * b + rho * start) / (2 + rho)
    assert torch.allclose(result[x], shrink(quadratic, 0.1), atol=1e-12)
    assert result.history[-1].rho == pytest.approx(rho)


@pytest.mark.parametrize("method", METHODS)
def test_levels_fall_to_the_noise_and_rho_rises(method: str, data: tuple[Tensor, Tensor]) -> None:
    b, _ = data
    x, denoiser = dp.Variable("x", shape=SHAPE), Recorder()
    problem = dp.Problem(dp.sum_squares(x - b) + 1.5 * dp.deep_prior(x, denoiser, sigma=0.03))
    with dp.monitor(lambda event: None):
        result = problem.solve(method=method, abs_tol=0, rel_tol=0)
    last = 0.03 * FINISH[method]
    levels = dp.log_descent(START, last, steps=24)
    assert denoiser.levels == pytest.approx(levels)
    assert [row.rho for row in result.history] == pytest.approx(
        [2 * BALANCE[method] * 1.5 * 0.03**2 / level**2 for level in levels]
    )
    assert result.status is dp.Status.FINISHED
    assert not result.converged
    assert result.plan.parameters["last_sigma"] == pytest.approx(last)
    assert "noise" not in result.plan.automatic


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_iter": 6}, dp.log_descent(START, 0.03 * FINISH["hqs"], steps=6)),
        ({"steps": 4}, dp.log_descent(START, 0.03 * FINISH["hqs"], steps=4)),
        ({"sigmas": [0.2, 0.1, 0.05]}, [0.2, 0.1, 0.05]),
        ({"sigmas": torch.tensor([0.2, 0.1], dtype=torch.float64)}, [0.2, 0.1]),
        ({"rho": 4.0, "max_iter": 3}, [0.5] * 3),
        ({"rho": [1.0, 4.0, 16.0]}, [1.0, 0.5, 0.25]),
        ({"rho": [1.0, 4.0], "sigmas": [0.3, 0.1]}, [0.3, 0.1]),
        ({"weight": [1.0, 4.0], "method": "pdhg"}, [1.0, 0.5]),
        ({"rho": [1.0, 4.0], "method": "dr"}, [1.0, 0.5]),
    ],
    ids=str,
)
def test_courses_as_asked_for(
    options: dict[str, Any], expected: list[float], data: tuple[Tensor, Tensor]
) -> None:
    b, _ = data
    x, denoiser = dp.Variable("x", shape=SHAPE), Recorder()
    problem = dp.Problem(dp.sum_squares(x - b) + dp.deep_prior(x, denoiser, sigma=0.03))
    problem.solve(**{"method": "hqs", **options})
    assert denoiser.levels == pytest.approx(expected)


def test_the_noise_level_is_measured_in_the_data() -> None:
    photo = dp.load_image("sample:camera", size=128)
    x = dp.Variable("x", shape=photo.shape)
    for sigma in (0.01, 0.05):
        observed = dp.add_noise(photo, sigma=sigma)
        plan = dp.Problem(dp.sum_squares(x - observed) + dp.deep_prior(x, shrink)).compile().plan
        assert plan.parameters["noise"] == pytest.approx(sigma, rel=0.35)
        assert "noise" in plan.automatic
    mask = dp.random_mask(photo.shape, keep=0.5)
    observed = dp.mask(dp.add_noise(photo, sigma=0.05), mask)
    fidelity = dp.sum_squares(dp.mask(x, mask) - observed)
    problem = dp.Problem(fidelity + dp.deep_prior(x, shrink))
    plan = problem.compile().plan
    assert plan.parameters["noise"] == pytest.approx(0.05, rel=0.35)


@pytest.mark.parametrize("method", METHODS)
def test_gradients_to_data_weight_and_levels(method: str) -> None:
    generator = torch.Generator().manual_seed(0)
    b = torch.rand((1, 1, 4, 5), generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    levels = torch.tensor([0.3, 0.2, 0.1], dtype=torch.float64, requires_grad=True)
    kernel = dp.gaussian_psf(size=3, sigma=0.8).double()

    def solve(b: Tensor, weight: Tensor, levels: Tensor) -> Tensor:
        x = dp.Variable("x", shape=b.shape)
        prior = dp.deep_prior(x, curved, sigma=0.1)
        problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - b) + weight * prior)
        return problem.solve(method=method, sigmas=levels, x0=torch.zeros_like(b))[x]

    assert torch.autograd.gradcheck(solve, (b, weight, levels), atol=1e-6)


@pytest.mark.parametrize("given", [False, True])
def test_gradients_through_the_start_of_an_automatic_course(given: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    b = torch.rand((1, 1, 4, 5), generator=generator, dtype=torch.float64, requires_grad=True)
    mask = (torch.rand((4, 5), generator=generator) < 0.7).double()

    def solve(b: Tensor) -> Tensor:
        x = dp.Variable("x", shape=b.shape)
        prior = dp.deep_prior(x, curved, sigma=0.1)
        problem = dp.Problem(dp.sum_squares(dp.mask(x, mask) - b * mask) + prior)
        return problem.solve(method="hqs", steps=2, x0=b if given else None)[x]

    assert torch.autograd.gradcheck(solve, (b,), atol=1e-5)


def test_a_network_is_trained_only_where_asked(data: tuple[Tensor, Tensor]) -> None:
    b, _ = data
    b = b.float()

    def loss(net: Gain, trainable: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = dp.Variable("x", shape=SHAPE)
        prior = dp.deep_prior(x, net, sigma=0.1, trainable=trainable)
        problem = dp.Problem(dp.sum_squares(x - b) + prior)
        value = problem.solve(method="hqs", steps=4, x0=torch.zeros(SHAPE))[x].square().sum()
        return value, problem.parameters()

    net = Gain(0.9)
    value, parameters = loss(net, trainable=True)
    value.backward()
    assert parameters == (net.gain,)
    step = 1e-2
    slope = (loss(Gain(0.9 + step), False)[0] - loss(Gain(0.9 - step), False)[0]) / (2 * step)
    assert float(net.gain.grad) == pytest.approx(float(slope), rel=1e-3)
    value, parameters = loss(Gain(0.9), trainable=False)
    assert not value.requires_grad
    assert parameters == ()


@pytest.mark.parametrize("method", ["hqs", "dr", "pdhg"])
def test_unrolled_priors_have_a_network_for_each_step(
    method: str, data: tuple[Tensor, Tensor]
) -> None:
    b, _ = data
    x = dp.Variable("x", shape=SHAPE)
    net = Gain(0.9)
    problem = dp.Problem(dp.sum_squares(x - b.float()) + dp.unrolled_prior(x, net, steps=3))
    result = problem.solve(method=method)
    assert result.iterations == 3
    result[x].sum().backward()
    parameters = problem.parameters()
    assert len(parameters) == 3
    assert len({float(p.grad) for p in parameters}) == 3


@pytest.mark.parametrize("method", METHODS)
def test_a_denoiser_that_stretches_does_not_make_it_diverge(
    method: str, data: tuple[Tensor, Tensor]
) -> None:
    b, kernel = data
    x = dp.Variable("x", shape=SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b)
    result = dp.Problem(fidelity + dp.deep_prior(x, Gain(1.5))).solve(method=method)
    assert result.status is dp.Status.FINISHED
    assert float(result[x].square().mean().sqrt()) < 10
    spread = [row.dual_residual for row in result.history if row.iteration in (20, 24)]
    assert spread[1] < spread[0]
    warning = next(iter(result.plan.warnings))
    assert "stretches small changes by up to 1.50" in warning
    assert warning in result.plan.explain()
    calm = dp.Problem(fidelity + dp.deep_prior(x, Gain(1.5), averaged=0.01)).compile(method)
    assert not dp.Problem(fidelity + dp.deep_prior(x, Gain(0.9))).compile(method).plan.warnings
    assert not calm.plan.warnings


def test_without_a_start_gaps_are_filled_smoothly() -> None:
    photo = dp.load_image("sample:camera", size=64)
    mask = dp.random_mask(photo.shape, keep=0.5)
    x = dp.Variable("x", shape=photo.shape)
    fidelity = dp.sum_squares(dp.mask(x, mask) - dp.mask(photo, mask))
    solver = dp.Problem(fidelity + dp.deep_prior(x, shrink)).compile("hqs")
    start = solver.values(solver.init())["x"]
    assert dp.psnr(start, photo) > dp.psnr(dp.mask(photo, mask), photo) + 10
    holes = solver.values(solver.init(dp.mask(photo, mask)))["x"]
    assert dp.psnr(holes, photo) > dp.psnr(start, photo) - 0.5
    ones = torch.ones_like(photo)
    by_hand = dp.Problem(fidelity + dp.deep_prior(x, shrink)).compile("hqs", sigmas=[0.1])
    assert torch.equal(by_hand.values(by_hand.init(ones))["x"], ones)


@pytest.mark.parametrize("method", METHODS)
def test_bounds_beside_a_prior_are_met_exactly(method: str, data: tuple[Tensor, Tensor]) -> None:
    b, _ = data
    x = dp.Variable("x", shape=SHAPE)
    problem = dp.Problem(dp.sum_squares(x - b) + dp.deep_prior(x, curved) + dp.box(x, 0.3, 0.6))
    result = problem.solve(method=method)
    assert float(result[x].min()) >= 0.3
    assert float(result[x].max()) <= 0.6
    assert result.objective == pytest.approx(float((result[x] - b).square().sum()))


@pytest.mark.parametrize("method", METHODS)
def test_steps_in_place_give_what_others_give(method: str, data: tuple[Tensor, Tensor]) -> None:
    b, kernel = data
    kept: list[tuple[Tensor, Tensor]] = []

    def keeps(image: Tensor, sigma: Any) -> Tensor:
        kept.append((image.detach(), image.detach().clone()))
        return curved(image, sigma)

    def solve(b: Tensor, **options: Any) -> Tensor:
        x = dp.Variable("x", shape=SHAPE)
        terms = dp.sum_squares(dp.conv(x, kernel) - b) + dp.deep_prior(x, keeps, sigma=0.05)
        terms = terms + dp.nonneg(x) + 0.01 * dp.norm1(dp.grad(x))
        return dp.Problem(terms).solve(method=method, max_iter=12, **options)[x]

    # Where a gradient is wanted, nothing is overwritten.
    there = solve(b.clone().requires_grad_())
    assert torch.allclose(solve(b), there, atol=1e-12)
    if method in ("dr", "pdhg"):
        there = solve(b.clone().requires_grad_(), relaxation=1.4)
        assert torch.allclose(solve(b, relaxation=1.4), there, atol=1e-12)
    assert all(torch.equal(image, copy) for image, copy in kept)


def test_a_batch_gives_what_its_samples_give(data: tuple[Tensor, Tensor]) -> None:
    b, kernel = data
    batch = torch.cat([b, b.flip(-1), b.flip(-2)])

    def solve(b: Tensor) -> Tensor:
        x = dp.Variable("x", shape=b.shape)
        prior = dp.deep_prior(x, curved, sigma=0.05)
        return dp.Problem(dp.sum_squares(dp.conv(x, kernel) - b) + prior).solve("admm")[x]

    together = solve(batch)
    for index in range(3):
        assert torch.allclose(together[index], solve(batch[index : index + 1])[0], atol=1e-9)


def test_scalings_in_front_of_a_denoiser_scale_the_noise(data: tuple[Tensor, Tensor]) -> None:
    b, _ = data
    x, denoiser = dp.Variable("x", shape=SHAPE), Recorder()
    problem = dp.Problem(dp.sum_squares(x - b) + dp.deep_prior(2 * x - 1, denoiser))
    result = problem.solve(rho=1.0, max_iter=400, abs_tol=1e-11, rel_tol=1e-11)
    assert set(denoiser.levels) == {2.0}
    # ½‖2x − 1‖² beside ‖x − b‖²: 2 (x − b) + 2 (2x − 1) = 0.
    assert torch.allclose(result[x], (b + 1) / 3, atol=1e-9)


def test_a_solve_goes_on_from_its_state(data: tuple[Tensor, Tensor]) -> None:
    b, _ = data
    x = dp.Variable("x", shape=SHAPE)
    problem = dp.Problem(dp.sum_squares(x - b) + dp.deep_prior(x, curved, sigma=0.05))
    solver = problem.compile("admm", steps=6)
    first = solver.solve(max_iter=4)
    assert first.status is dp.Status.ITERATION_LIMIT
    rest = solver.solve(max_iter=2, state=first.state)
    assert rest.status is dp.Status.FINISHED
    assert torch.equal(rest[x], solver.solve(max_iter=6)[x])


def test_symmetries_in_turn_and_root(data: tuple[Tensor, Tensor]) -> None:
    seen: list[Tensor] = []

    def watch(image: Tensor, sigma: Any) -> Tensor:
        seen.append(image)
        return image

    b, _ = data
    x = dp.Variable("x", shape=SHAPE)
    dp.Problem(dp.sum_squares(x - b) + dp.deep_prior(x, watch, x8="cycle")).solve("hqs", steps=2)
    assert seen[1].shape == (1, 1, 10, 9)
    denoiser = Recorder()
    prior = dp.deep_prior(x, denoiser, sqrt=False)
    dp.Problem(dp.sum_squares(x - b) + prior).solve("hqs", rho=4.0, max_iter=1)
    assert denoiser.levels == [0.25]


def _errors() -> list[tuple[str, type[dp.DproxError], Any]]:
    x = dp.Variable("x", shape=SHAPE)
    z = dp.Variable("z", shape=SHAPE, dtype=torch.complex64)
    fit = dp.sum_squares(x - 1)
    return [
        ("real pictures", dp.ParameterError, lambda: dp.deep_prior(z, shrink)),
        ("choose the grey network", dp.ShapeError, lambda: dp.deep_prior(x, _Colour())),
        (
            "noise level of the data",
            dp.ParameterError,
            lambda: dp.deep_prior(x, shrink, sigma=-1.0),
        ),
        ("call denoise", dp.ParameterError, lambda: dp.deep_prior(torch.zeros(SHAPE), shrink)),
        ("is no denoiser", dp.ParameterError, lambda: dp.deep_prior(x, "median")),
        ("steps must be", dp.ParameterError, lambda: dp.unrolled_prior(x, Gain(1.0), steps=0)),
        (
            'fista cannot take .*use method "admm" or "hqs" or "admm_vxu" or "dr" or "pdhg"',
            dp.CompileError,
            lambda: dp.Problem(fit + dp.unrolled_prior(x, Gain(1.0), steps=2)).solve("fista"),
        ),
        (
            "step would change the one without the other: leave step out, or give weight",
            dp.ParameterError,
            lambda: dp.Problem(fit + dp.deep_prior(x, shrink)).solve("pc", step=0.1),
        ),
        ("sigmas belongs", dp.ParameterError, lambda: dp.Problem(fit).solve(sigmas=[1.0])),
        (
            "sigmas is empty",
            dp.ParameterError,
            lambda: dp.Problem(fit + dp.deep_prior(x, shrink)).solve(sigmas=[]),
        ),
        (
            "rho must be a number above 0",
            dp.ParameterError,
            lambda: dp.Problem(fit + dp.deep_prior(x, shrink)).solve(rho=[1.0, -1.0]),
        ),
        (
            "steps must be a whole number",
            dp.ParameterError,
            lambda: dp.Problem(fit + dp.deep_prior(x, shrink)).solve(steps=0.5),
        ),
        (
            "must return a tensor of the same shape",
            dp.ShapeError,
            lambda: dp.Problem(fit + dp.deep_prior(x, lambda v, s: v[..., 1:])).solve(),
        ),
    ]


class _Colour(nn.Module):
    channels = 3


@pytest.mark.parametrize("index", range(13))
def test_what_cannot_be_is_refused_in_a_sentence(index: int) -> None:
    words, kind, call = _errors()[index]
    with pytest.raises(kind, match=words):
        call()


def test_levels_are_finite_for_data_without_noise() -> None:
    x = dp.Variable("x", shape=SHAPE)
    problem = dp.Problem(dp.sum_squares(x - torch.zeros(SHAPE)) + dp.deep_prior(x, shrink))
    result = problem.solve("hqs")
    assert math.isfinite(result.plan.parameters["last_sigma"])
    assert float(result[x].abs().max()) < 1e-6
