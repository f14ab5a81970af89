"""With default tolerances "converged" means an objective near its minimum, whatever the method."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import pytest
import torch
from random_problems import draw

import dprox_core as dp
from dprox_core.doubt import Pace

SHAPE = (1, 1, 12, 14)
KERNEL = dp.gaussian_psf(size=5, sigma=1.0).double()


def picture(seed: int) -> torch.Tensor:
    """Rectangles of even grey."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.full(SHAPE, 0.3, dtype=torch.float64)
    for _ in range(5):
        i, j, level = torch.rand(3, generator=generator, dtype=torch.float64).tolist()
        image[..., int(8 * i) : int(8 * i) + 5, int(10 * j) : int(10 * j) + 5] = level
    return image


def noisy(image: torch.Tensor, seed: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return image + 0.01 * torch.randn(image.shape, generator=generator, dtype=image.dtype)


def deconvolution() -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, KERNEL) - noisy(dp.blur(picture(1), KERNEL)))
    return dp.Problem(fidelity + 0.003 * dp.norm1(dp.grad(x)) + dp.nonneg(x)), x


def magnetic_resonance() -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", SHAPE)
    generator = torch.Generator().manual_seed(3)
    mask = torch.rand(SHAPE[-2:], generator=generator) < 0.4
    mask[0, 0] = True
    y = mask * torch.fft.fft2(noisy(picture(2)), norm="ortho")
    return dp.Problem(dp.csmri(x, mask, y) + 0.01 * dp.norm1(dp.grad(x))), x


def smoothed_variation() -> tuple[dp.Problem, dp.Variable]:
    # The gradient at zero is a thousand times that of the regularizer at the minimum.
    x = dp.Variable("x", SHAPE)
    fidelity = dp.sum_squares(dp.conv(x, KERNEL) - noisy(dp.blur(picture(4), KERNEL)))
    return dp.Problem(fidelity + 0.02 * dp.huber(dp.grad(x), 0.02)), x


def least_squares() -> tuple[dp.Problem, dp.Variable]:
    # Rows of one sign: the objective at zero is 1e4 times the minimum.
    generator = torch.Generator().manual_seed(10)
    matrix = torch.rand(30, 20, generator=generator, dtype=torch.float64)
    truth = torch.rand(20, generator=generator, dtype=torch.float64).sub(0.4).clamp(min=0.0)
    b = matrix @ truth + 0.05 * torch.randn(30, generator=generator, dtype=torch.float64)
    x = dp.Variable("x", (20,))
    return dp.Problem(dp.sum_squares(dp.matrix(x, matrix) - b) + dp.nonneg(x)), x


Build = Callable[[], tuple[dp.Problem, dp.Variable]]
BUILDS = {b.__name__: b for b in (deconvolution, magnetic_resonance, smoothed_variation)}
BUILDS["least_squares"] = least_squares


@functools.cache
def minimum(name: str) -> float:
    """By two methods with tight tolerances, which have to agree."""
    problem, _ = BUILDS[name]()
    tight = {"abs_tol": 1e-7, "rel_tol": 1e-7, "max_iter": 5000}
    found = [problem.solve(method, **tight).objective for method in ("admm", "pdhg")]
    assert abs(found[0] - found[1]) < 1e-5 * abs(found[0])
    return min(found)


@pytest.mark.parametrize("name", BUILDS)
def test_what_has_converged_is_near_the_minimum(name: str) -> None:
    problem, x = BUILDS[name]()
    best = minimum(name)
    at_zero = problem.value(torch.zeros(x.shape, dtype=torch.float64))
    accepting = [c.method for c in dp.candidates(problem) if c.accepts]
    assert len(accepting) >= 7
    for method in accepting:
        result = problem.solve(method, max_iter=3000)
        assert result.converged, method
        assert result.objective - best < 1.5e-3 * (best + 1e-3 * at_zero), (name, method)


@pytest.mark.parametrize("method", ["pd3o", "fista"])
def test_each_sample_of_a_batch_ends_near_its_own_minimum(method: str) -> None:
    b = torch.cat([noisy(picture(1)), 3.0 * noisy(picture(2)), 0.3 * noisy(picture(3))])

    def build(data: torch.Tensor) -> tuple[dp.Problem, dp.Variable]:
        x = dp.Variable("x", tuple(data.shape))
        term = dp.huber(dp.grad(x), 0.02) if method == "fista" else dp.norm1(dp.grad(x))
        return dp.Problem(
            dp.sum_squares(dp.blur(data, KERNEL) - dp.conv(x, KERNEL)) + 0.01 * term
        ), x

    problem, x = build(b)
    whole = problem.solve(method, max_iter=2000)
    assert whole.converged
    ended = [sample.iterations for sample in whole.samples]
    assert min(ended) < max(ended) == whole.iterations
    for index in range(3):
        alone, _ = build(b[index : index + 1])
        best = alone.solve("admm", abs_tol=1e-7, rel_tol=1e-7, max_iter=5000).objective
        reached = alone.value(whole[x][index : index + 1])
        at_zero = alone.value(torch.zeros(SHAPE, dtype=torch.float64))
        assert reached - best < 1.5e-3 * (best + 1e-3 * at_zero), index


@pytest.mark.parametrize("ratio", [0.3, 0.8, 0.95])
def test_the_pace_tells_what_is_left_of_a_geometric_course(ratio: float) -> None:
    pace = Pace(1)
    course = [torch.tensor([ratio**k]) for k in range(6)]
    for before, now in itertools.pairwise(course):
        pace.note((before,), (now,))
    longest = ratio**2 * (1.0 - ratio)
    assert pace.left(0) == pytest.approx(max(ratio**5, longest), rel=1e-3)


def test_a_long_move_among_short_ones_does_not_shorten_what_is_left() -> None:
    # Extrapolation goes far at once; the short moves after it fall as slowly as before.
    pace = Pace(1)
    places = [torch.tensor([v], dtype=torch.float64) for v in (0.0, 5.0, 5.1, 5.19)]
    for before, now in itertools.pairwise(places):
        pace.note((before,), (now,))
    assert pace.left(0) == pytest.approx(5.0)
    for place in (5.271, 5.3439):
        pace.note((places[-1],), (torch.tensor([place], dtype=torch.float64),))
        places.append(torch.tensor([place], dtype=torch.float64))
    assert pace.left(0) == pytest.approx(0.9**3 * 0.9, rel=1e-6)


def test_the_pace_tells_what_is_left_where_steps_die_away_slowly() -> None:
    pace = Pace(1)
    course = [torch.tensor([1.0 / k], dtype=torch.float64) for k in range(1, 12)]
    for before, now in itertools.pairwise(course):
        pace.note((before,), (now,))
    assert 0.4 / 11 < pace.left(0) < 1.0 / 11


def test_a_problem_whose_minimum_is_zero_converges() -> None:
    x = dp.Variable("x", SHAPE)
    kernel = dp.gaussian_psf(size=3, sigma=0.5).double()
    b = dp.blur(picture(1), kernel)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - b) + dp.nonneg(x))
    for method in ("admm", "fista", "pd3o"):
        result = problem.solve(method)
        assert result.converged, method
        assert result.objective < 2e-6 * float(b.square().sum()), method


@pytest.mark.parametrize("method", ["admm", "hqs"])
def test_an_objective_too_low_beside_a_constraint_that_is_missed_has_not_converged(
    method: str,
) -> None:
    # A matrix a thousandth outside the cone, within the tolerance, saves 3 % of the objective.
    drawn = draw(85)
    best = drawn.optimum()
    assert best is not None
    result = drawn.problem.solve(method, max_iter=2000)
    assert result.converged
    assert abs(result.objective - best) < 1.5e-3 * drawn.scale(rough=False)


def test_what_is_curved_along_another_unknown_alone_casts_no_doubt() -> None:
    # Of two unknowns one is settled at once, and all that is left has no curvature.
    drawn = draw(16)
    best = drawn.optimum()
    assert best is not None
    result = drawn.problem.solve("hqs", max_iter=500)
    assert result.converged
    assert abs(result.objective - best) < 1.5e-3 * best


def test_a_faint_sample_beside_bright_ones_has_not_arrived_where_it_began() -> None:
    # The squares are split off, and with the ρ of all samples the faint one hardly moves at first.
    b = torch.cat([noisy(dp.blur(picture(seed), KERNEL)) for seed in (1, 2, 3)])
    counts = torch.tensor([0.01, 1.0, 100.0], dtype=torch.float64).reshape(3, 1, 1, 1)
    x = dp.Variable("x", tuple(b.shape))
    misfit = dp.mul_elementwise(dp.conv(x, KERNEL) - b, counts.sqrt().expand(b.shape))
    edges = dp.mul_elementwise(dp.grad(x), 0.01 * counts[..., None].expand(*b.shape, 2))
    problem = dp.Problem(dp.sum_squares(misfit) + dp.norm1(edges) + dp.box(x, 0, 1))
    result = problem.solve("admm", max_iter=2000)
    assert result.converged
    y = dp.Variable("y", SHAPE)
    alone = dp.sum_squares(dp.conv(y, KERNEL) - b[:1]) + 0.01 * dp.norm1(dp.grad(y))
    faint = dp.Problem(alone + dp.box(y, 0, 1))
    best = faint.solve("admm", abs_tol=1e-7, rel_tol=1e-7, max_iter=5000).objective
    at_zero = float(b[0].square().sum())
    assert faint.value(result[x][:1]) - best < 1.5e-3 * (best + 1e-3 * at_zero)


@pytest.mark.parametrize("method", ["ladmm", "pd3o", "fista"])
def test_what_creeps_for_thousands_of_iterations_is_not_called_converged(method: str) -> None:
    """Squares whose curvatures lie a million times apart: the last ones hardly move."""
    scales = torch.logspace(0, -3, 40, dtype=torch.float64)
    x = dp.Variable("x", (40,), dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(torch.diag(scales) @ x - 1.0) + 1e-3 * dp.norm1(x))
    # Every number by itself: |x| = t > 0 where 2 s (s t - 1) + 1e-3 = 0.
    best = ((scales - 5e-4) / scales**2).clamp_min(0.0)
    least = float((scales * best - 1.0).square().sum() + 1e-3 * best.sum())
    result = problem.solve(method, max_iter=5000)
    assert result.status is not dp.Status.CONVERGED or result.objective <= 1.01 * least


@pytest.mark.parametrize("method", ["ladmm", "pgd"])
@pytest.mark.parametrize("width", [1.5, 3.0])
def test_strong_blur_and_wavelets_are_not_called_converged_too_early(
    method: str, width: float
) -> None:
    """Gradient steps creep where blur leaves next to nothing, and extrapolation moves by leaps."""
    photo = dp.load_image("sample:camera", size=48)
    kernel = dp.gaussian_psf(size=15, sigma=width)
    observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.01, seed=0)
    x = dp.Variable("x", tuple(photo.shape))
    problem = dp.Problem(
        dp.sum_squares(dp.conv(x, kernel) - observed) + 0.003 * dp.norm1(dp.wavelet(x))
    )
    least = problem.solve("admm", abs_tol=1e-7, rel_tol=1e-7, max_iter=2000).objective
    result = problem.solve(method, max_iter=1500)
    assert result.status is not dp.Status.CONVERGED or result.objective <= 1.002 * least
