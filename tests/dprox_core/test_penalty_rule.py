"""ρ that ADMM finds by itself is near the one that needs the fewest iterations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

import dprox_core as dp

SIZE = 24
GAP = 1e-4


def photo() -> torch.Tensor:
    """A step and a disk: flat areas with edges, as in images."""
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    disk = (rows - 12).square() + (columns - 14).square() < 60
    return (0.2 + 0.5 * disk + 0.2 * (columns > 22)).double()


def noisy(image: torch.Tensor, sigma: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return image + sigma * torch.randn(image.shape, generator=generator, dtype=image.dtype)


def denoising(x: dp.Variable) -> dp.Objective:
    return dp.sum_squares(x - noisy(photo(), 0.1)) + 0.2 * dp.norm1(dp.grad(x))


def isotropic_denoising(x: dp.Variable) -> dp.Objective:
    return dp.sum_squares(x - noisy(photo(), 0.1)) + 0.2 * dp.group_norm1(dp.grad(x))


def inpainting(x: dp.Variable) -> dp.Objective:
    known = (torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(1)) < 0.4).double()
    seen = known * photo()
    return (
        dp.sum_squares(dp.mul_elementwise(x, known) - seen)
        + 0.02 * dp.norm1(dp.grad(x))
        + dp.nonneg(x)
    )


def deconvolution(x: dp.Variable) -> dp.Objective:
    kernel = dp.gaussian_psf(size=7, sigma=1.5).double()
    blurred = noisy(dp.blur(photo(), kernel), 0.03)
    return dp.sum_squares(dp.conv(x, kernel) - blurred) + 0.05 * dp.norm1(dp.grad(x))


def coils(x: dp.Variable) -> dp.Objective:
    """Four coils see every third line or so; coarse coefficients are large and found at once."""
    drawn = torch.rand(SIZE, 1, generator=torch.Generator().manual_seed(2)) < 0.4
    mask = drawn.expand(SIZE, SIZE).double().clone()
    mask[:3] = mask[-3:] = 1.0
    rows, columns = torch.meshgrid(*[torch.linspace(-1, 1, SIZE).double()] * 2, indexing="ij")
    near = [(rows - i).square() + (columns - j).square() for i in (-1, 1) for j in (-1, 1)]
    maps = torch.exp(-torch.stack(near) / 2)
    maps = maps / maps.square().sum(0).sqrt()
    seen = mask * torch.fft.fft2(noisy(maps * photo(), 0.01), norm="ortho")
    misfit = dp.fourier_sampling(x, mask, maps) - seen
    return dp.sum_squares(misfit) + 0.005 * dp.norm1(dp.wavelet(x, levels=2))


def robust(x: dp.Variable) -> dp.Objective:
    """A fifth of the pixels is white."""
    lost = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(3)) < 0.2
    b = noisy(photo(), 0.02).masked_fill(lost, 1.0)
    return dp.norm1(x - b) + 0.4 * dp.norm1(dp.grad(x))


def iterations(solver: dp.Solver, best: float, limit: int) -> int:
    """How many until the objective is within the gap, looked at every tenth."""
    state = solver.init()
    for count in range(1, limit + 1):
        measure = count % 10 == 0
        state = solver.step(state, measure)
        if measure:
            state = solver.algorithm.adapt(state)
            if solver.objective(solver.algorithm.answer(state)) - best <= GAP * best:
                return count
    return limit + 1


@pytest.mark.parametrize(
    ("written", "rho"),
    [
        (denoising, 6.4),
        (isotropic_denoising, 6.4),
        (inpainting, 0.8),
        (deconvolution, 0.4),
        (coils, 0.5),
        (robust, 4.0),
    ],
)
def test_the_penalty_found_needs_few_more_iterations_than_the_best(
    written: Callable[[dp.Variable], dp.Objective], rho: float
) -> None:
    """The best of 0.2, 0.4, …, 6.4, where the worst take five times as many or more."""
    shape = (1, SIZE, SIZE) if written is coils else (SIZE, SIZE)
    x = dp.Variable("x", shape, dtype=torch.float64)
    problem = dp.Problem(written(x))
    best = problem.solve("admm", max_iter=400, rho=rho, abs_tol=0.0, rel_tol=1e-12).objective
    least = iterations(problem.compile("admm", rho=rho), best, 400)
    assert iterations(problem.compile("admm"), best, 3 * least) <= 3 * least


def test_a_number_within_a_norm_counts_as_one_before_it() -> None:
    x = dp.Variable("x", (SIZE, SIZE), dtype=torch.float64)
    fit = dp.sum_squares(x - noisy(photo(), 0.1))
    outside = dp.Problem(fit + 4.0 * dp.norm1(dp.grad(x))).compile("admm")
    within = dp.Problem(fit + dp.norm1(4.0 * dp.grad(x))).compile("admm")
    assert within.plan.parameters["rho"] == outside.plan.parameters["rho"]
    loss = dp.Problem(dp.sum_squares(x) + dp.norm1(dp.grad(x)) + dp.norm1(8.0 * (x - photo())))
    other = dp.Problem(dp.sum_squares(x) + dp.norm1(dp.grad(x)) + 8.0 * dp.norm1(x - photo()))
    rhos = [problem.compile("admm").plan.parameters["rho"] for problem in (loss, other)]
    assert rhos[0] == rhos[1]
