"""Denoisers after gradient steps: against closed forms, other methods, and by their levels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_plug_and_play import SHAPE, Gain, Recorder, curved, soft

import dprox_core as dp
from dprox_core.priors.schedule import BALANCE, FINISH, START

METHODS = ("pgd", "fista")
EXACT: dict[str, Any] = {"abs_tol": 1e-10, "rel_tol": 1e-10, "max_iter": 3000}


def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    kernel = dp.gaussian_psf(size=3, sigma=0.8).double()
    return torch.rand(SHAPE, generator=generator, dtype=torch.float64), kernel


@pytest.mark.parametrize("method", METHODS)
def test_a_denoiser_that_is_a_prox_gives_the_minimizer(method: str) -> None:
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b) + 0.1 * dp.sum_squares(x)
    expected = dp.Problem(fidelity + 0.3 * dp.norm1(x) + dp.box(x, 0.1, 0.6)).solve(**EXACT)[x]
    prior = 0.3 * dp.deep_prior(x, soft)
    # The level that belongs to the step: σ² = τ w is the step of the prox.
    problem = dp.Problem(fidelity + prior + dp.box(x, 0.1, 0.6))
    result = problem.solve(method, step=0.3, **EXACT)
    assert result.status is dp.Status.CONVERGED
    torch.testing.assert_close(result[x], expected, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_fixed_points_are_those_of_admm_with_the_same_step(method: str) -> None:
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b) + dp.sum_squares(x)
    problem = dp.Problem(fidelity + 0.02 * dp.deep_prior(x, curved))
    ours = problem.solve(method, step=0.2, **EXACT)
    splitting = problem.solve("admm", rho=1.0 / 0.2, **EXACT)
    torch.testing.assert_close(ours[x], splitting[x], atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ({}, dp.log_descent(START, 0.03 * FINISH["pgd"], steps=24)),
        ({"max_iter": 6}, dp.log_descent(START, 0.03 * FINISH["pgd"], steps=6)),
        ({"steps": 4, "step": 0.1}, dp.log_descent(START, 0.03 * FINISH["pgd"], steps=4)),
        ({"sigmas": [0.2, 0.1]}, [0.2, 0.1]),
        ({"step": 0.25, "max_iter": 2}, [0.5, 0.5]),
    ],
    ids=str,
)
def test_noise_levels_fall_along_a_course_or_belong_to_the_step(
    options: dict[str, Any], levels: list[float]
) -> None:
    b, _ = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    denoiser = Recorder()
    problem = dp.Problem(dp.sum_squares(x - b) + dp.deep_prior(x, denoiser, sigma=0.03))
    result = problem.solve("fista", **options)
    assert denoiser.levels == pytest.approx(levels)
    assert result.plan.parameters["first_sigma"] == pytest.approx(levels[0])
    assert result.plan.parameters["last_sigma"] == pytest.approx(
        0.03 * FINISH["pgd"] if options == {"max_iter": 6} else levels[-1]
    )
    role = "gradient step" if "step" in options else "linear solve"
    assert [term.role for term in result.plan.terms] == [role, "denoiser"]
    assert result.certificate is None


@pytest.mark.parametrize("method", METHODS)
def test_beside_squares_a_course_is_that_of_hqs(method: str) -> None:
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b) + 0.1 * dp.sum_squares(dp.grad(x))
    problem = dp.Problem(fidelity + dp.deep_prior(x, curved, sigma=0.05))
    ours, other = problem.solve(method), problem.solve("hqs")
    torch.testing.assert_close(ours[x], other[x], atol=1e-12, rtol=0)
    assert ours.plan.linear_solver == other.plan.linear_solver == "fourier"
    rho = other.plan.parameters["rho"]
    assert ours.plan.parameters["step"] == pytest.approx(1.0 / rho)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("first", [0.5, 0.02])
def test_a_step_minimizes_squares_and_the_linear_model_of_the_rest(
    first: float, method: str
) -> None:
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b) + 0.3 * dp.huber(x - 0.5, 0.2)
    problem = dp.Problem(fidelity + dp.deep_prior(x, lambda v, s: v, sigma=0.05))
    start = 0.2 * torch.ones(SHAPE, dtype=torch.float64) + 0.1 * b
    result = problem.solve(method, sigmas=[first], x0=start)
    found, point = result[x], start
    strength = 1.0 / result.plan.parameters["step"]
    # Huber's curvature is at most its weight, rounded up a little; ρ counts where it is larger.
    rho = 2 * BALANCE[method] * 0.05**2 / first**2
    assert strength == pytest.approx(rho if rho > 0.32 else 0.31, abs=1e-9 if rho > 0.32 else 0.01)
    slope = 0.3 * (point - 0.5).clamp(-0.2, 0.2)
    moved = found.clone().requires_grad_()
    model = (
        (dp.conv(moved, kernel) - b).square().sum()
        + (slope * moved).sum()
        + 0.5 * strength * (moved - point).square().sum()
    )
    (rest,) = torch.autograd.grad(model, moved)
    assert float(rest.abs().max()) < 1e-10
    assert [term.role for term in result.plan.terms] == [
        "linear solve",
        "gradient step",
        "denoiser",
    ]


def test_a_penalty_on_another_variable_is_weighed_like_the_squares() -> None:
    """One step for x of the prior and y of the norm: squares, then the prox with the same ρ."""
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    y = dp.Variable("y", SHAPE, dtype=torch.float64)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b) + dp.sum_squares(y - b)
    problem = dp.Problem(fidelity + dp.huber(y, 1.0) + 0.4 * dp.norm1(y) + prior_of(x))
    result = problem.solve("pgd", sigmas=[0.5], x0={x: b, y: b})
    strength = 1.0 / result.plan.parameters["step"]
    assert strength == pytest.approx(1.01, abs=0.04)  # Huber's curvature, above ρ
    # (2 + s) y = 2 b + s (b − ∇h(b) / s), then soft thresholding by 0.4 / s.
    solved = (2 * b + strength * b - b.clamp(-1, 1)) / (2 + strength)
    expected = (solved - 0.4 / strength).clamp_min(0) - (-solved - 0.4 / strength).clamp_min(0)
    torch.testing.assert_close(result[y], expected, atol=1e-9, rtol=0)


def prior_of(x: dp.Variable) -> dp.Objective:
    """A denoiser that does nothing."""
    return dp.deep_prior(x, lambda image, level: image, sigma=0.05)


def test_steps_too_short_for_the_levels_are_warned_of() -> None:
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    misfit, prior = dp.conv(x, kernel) - b, dp.deep_prior(x, curved, sigma=0.05)
    (warning,) = dp.Problem(dp.huber(misfit, 0.1) + prior).compile("pgd").plan.warnings
    assert warning.startswith(
        "Gradient steps for huber(conv(x, kernel) - b, delta=0.1) are at most"
    )
    assert 'Method "admm"' in warning
    assert dp.Problem(dp.sum_squares(misfit) + prior).compile("pgd").plan.warnings == ()


def test_a_denoiser_that_stretches_is_held_back() -> None:
    b, kernel = data()
    x = dp.Variable("x", SHAPE, dtype=torch.float64)
    fidelity = dp.sum_squares(dp.conv(x, kernel) - b)
    prior = dp.deep_prior(x, Gain(3.0), sigma=0.03)
    free = dp.Problem(fidelity).solve("pgd", **EXACT)[x]
    result = dp.Problem(fidelity + prior).solve("pgd", x0=free, sigmas=[0.1, 0.05, 0.02] * 8)
    assert result.status is dp.Status.FINISHED
    # A gradient step brings no two points further apart, a denoising moves by two levels at most.
    moved = float((result[x] - free).square().mean().sqrt())
    assert moved <= 2 * 8 * (0.1 + 0.05 + 0.02) + 1e-9


def test_gradients_through_a_course_against_finite_differences() -> None:
    b, kernel = data()

    def loss(data: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", SHAPE, dtype=torch.float64)
        fidelity = dp.sum_squares(dp.conv(x, kernel) - data)
        problem = dp.Problem(fidelity + dp.deep_prior(x, curved, sigma=0.05))
        return problem.solve("fista", steps=3)[x].square().sum()

    assert torch.autograd.gradcheck(loss, (b.requires_grad_(),), fast_mode=True)


def test_what_does_not_go_with_a_denoiser_is_refused() -> None:
    x = dp.Variable("x", SHAPE)
    whole = dp.Problem(dp.sum_squares(x - 1) + dp.deep_prior(x, soft))
    accepted = {c.method for c in dp.candidates(whole) if c.accepts}
    assert accepted == {c.method for c in dp.candidates(whole)}
    with pytest.raises(dp.ParameterError, match="step and the noise level belong together"):
        whole.solve("pgd", backtracking=True)
    with pytest.raises(dp.CompileError, match="takes one penalty on x"):
        dp.Problem(dp.sum_squares(x - 1) + dp.deep_prior(x, soft) + dp.norm1(x)).compile("pgd")
    with pytest.raises(dp.ParameterError, match="steps belongs to deep priors"):
        dp.Problem(dp.sum_squares(x - 1) + dp.norm1(x)).compile("fista", steps=4)
