"""Solvers steered by a policy: as good as the default untrained, better when trained."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import dprox_core as dp
from dprox_core.layers.policy import Action
from dprox_core.layers.rl import _Walk

SIDE = 24
KERNEL = dp.gaussian_psf(size=5, sigma=1.2)


def smooth(v: Tensor, sigma: Tensor) -> Tensor:
    """Soft thresholding of the differences of 2 × 2 blocks, averaged over their four positions."""
    haar = torch.tensor(
        [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=v.dtype
    )
    total = torch.zeros_like(v)
    for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):
        blocks = torch.nn.functional.pixel_unshuffle(torch.roll(v, shift, (-2, -1)), 2)
        parts = torch.einsum("ij,bjhw->bihw", haar / 2, blocks)
        detail = parts[:, 1:].sign() * torch.relu(parts[:, 1:].abs() - 1.5 * sigma)
        blocks = torch.einsum("ij,bihw->bjhw", haar / 2, torch.cat([parts[:, :1], detail], 1))
        back = torch.nn.functional.pixel_shuffle(blocks, 2)
        total = total + torch.roll(back, (-shift[0], -shift[1]), (-2, -1))
    return total / 4


def picture(seed: int) -> Tensor:
    """Overlapping half-planes in 0…1."""
    chance = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.arange(SIDE) / SIDE, torch.arange(SIDE) / SIDE, indexing="ij")
    image = torch.full((SIDE, SIDE), 0.5)
    for _ in range(5):
        a, b, c, height = 2 * torch.rand(4, generator=chance) - 1
        image += 0.25 * height * ((a * (x - 0.5) + b * (y - 0.5) + 0.3 * c) > 0)
    return image.clamp(0, 1)[None, None]


def deblurring() -> tuple[dp.Problem, dp.Placeholder, dp.Variable]:
    b = dp.Placeholder("b", shape=(1, 1, SIDE, SIDE))
    x = dp.Variable("x", shape=(1, 1, SIDE, SIDE))
    return dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - b) + dp.deep_prior(x, smooth)), b, x


def pairs(b: dp.Placeholder, seeds: range) -> list[tuple[dict[dp.Placeholder, Tensor], Tensor]]:
    photos = [(seed, picture(seed)) for seed in seeds]
    blurred = [(seed, dp.blur(photo, KERNEL), photo) for seed, photo in photos]
    return [({b: dp.add_noise(y, sigma=0.03, seed=seed)}, photo) for seed, y, photo in blurred]


def quality(
    module: torch.nn.Module, data: list[tuple[dict[dp.Placeholder, Tensor], Tensor]]
) -> float:
    return sum(dp.psnr(module(inputs), photo) for inputs, photo in data) / len(data)


def test_untrained_it_solves_as_the_default_does_and_trained_better_on_unseen_pictures() -> None:
    torch.manual_seed(0)
    problem, b, x = deblurring()
    module = dp.specialize(problem, method="rl", algorithm="admm", max_iter=10)
    unseen = pairs(b, range(100, 106))
    default = 0.0
    for inputs, photo in unseen:
        b.value = inputs[b]
        default += dp.psnr(problem.solve(method="admm", steps=10, max_iter=10)[x], photo) / 6
    assert quality(module, unseen) == pytest.approx(default, abs=1e-4)
    dp.train(module, pairs(b, range(10)), epochs=4, lr=3e-3)
    assert quality(module, unseen) > default + 0.2
    assert [step for step, _, _ in module.trace] == list(range(1, len(module.trace) + 1))


def test_it_learns_to_end_where_going_on_costs_more_than_it_gains() -> None:
    torch.manual_seed(0)
    problem, b, _ = deblurring()
    module = dp.specialize(problem, method="rl", max_iter=20, pack=2, price=30.0)
    data = pairs(b, range(4))
    module(data[0][0])
    assert len(module.trace) == 20
    dp.train(module, data, epochs=8, lr=1e-2)
    module(data[0][0])
    assert len(module.trace) == 2  # the first decision is always to begin


@pytest.mark.parametrize("algorithm", ["admm", "hqs"])
def test_the_gradient_through_a_decision_is_that_of_finite_differences(algorithm: str) -> None:
    problem, b, _ = deblurring()
    ((inputs, photo),) = pairs(b, range(1))
    module = dp.specialize(problem, method="rl", algorithm=algorithm, max_iter=3, pack=3)
    b.value = inputs[b].double()

    def error(sigma: Tensor, rho: Tensor) -> Tensor:
        walk = _Walk(module, None, differentiate=True)
        walk.advance(Action(sigma, rho, torch.zeros(())))
        return (walk.answer()[0] - photo).square().sum()

    factors = [torch.tensor(v, dtype=torch.float64) for v in ([1.1, 0.9, 0.8], [0.7, 1.2, 1.0])]
    given = [factor.requires_grad_() for factor in factors]
    # So short a way that hardly any of the thresholds lies on it.
    assert torch.autograd.gradcheck(error, given, eps=1e-8, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("algorithm", ["admm", "admm_vxu", "hqs", "ladmm"])
def test_without_a_prior_it_chooses_rho(algorithm: str) -> None:
    b, x = dp.Placeholder("b", shape=(9,)), dp.Variable("x", shape=(9,))
    problem = dp.Problem(dp.sum_squares(x - b) + 0.3 * dp.norm1(dp.grad(x, axes=(-1,))))
    module = dp.specialize(problem, method="rl", algorithm=algorithm, max_iter=12)
    data = torch.randn(9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    b.value = data
    solver = problem.compile(algorithm)
    state = solver.init()
    for _ in range(12):
        state = solver.step(state)
    assert torch.allclose(module({b: data}), solver.values(state)["x"])
    losses = dp.train(module, [({b: data}, data)], epochs=2)
    assert len(losses) == 2
    assert all(level is None and rho > 0 for _, level, rho in module.trace)


def test_what_does_not_fit_is_said() -> None:
    problem, _, _ = deblurring()
    for options, words in (
        ({"algorithm": "fista"}, "no ρ that a policy could choose"),
        ({"learn": "rho"}, "takes no learn"),
        ({"pack": 0}, "pack must be a whole number"),
        ({"price": -1.0}, "price must be a number from 0"),
        ({"price": "dear"}, "price must be a number from 0"),
    ):
        with pytest.raises(dp.ParameterError, match=words):
            dp.specialize(problem, method="rl", **options)
