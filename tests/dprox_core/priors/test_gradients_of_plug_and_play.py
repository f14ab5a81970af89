"""Data, kernel, weight and network of plug-and-play against finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import dprox_core as dp

SHAPE = (2, 1, 4, 5)


class Net(nn.Module):
    """A small denoiser whose strength grows with the noise level."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        weights = 0.4 * torch.randn(1, 1, 3, 3, generator=generator, dtype=torch.float64)
        self.weights = nn.Parameter(weights)

    def forward(self, x: torch.Tensor, sigma: torch.Tensor | float) -> torch.Tensor:
        level = sigma if isinstance(sigma, float) else torch.as_tensor(sigma).reshape(-1, 1, 1, 1)
        return x - 0.3 * level * torch.tanh(nn.functional.conv2d(x, self.weights, padding=1))


@pytest.mark.parametrize("sigma", [0.1, None])
@pytest.mark.parametrize("engine", ["solve", "recompute", "implicit"])
@pytest.mark.parametrize(
    "method", ["admm", "hqs", "pgd", "fista", "admm_vxu", "dr", "pdhg", "pd3o"]
)
def test_levels_of_its_own_choice(method: str, engine: str, sigma: float | None) -> None:
    """Levels and ρ that follow from data stay where small changes of the data leave them."""
    if engine == "implicit" and method in ("hqs", "fista", "pd3o"):
        pytest.skip("as with admm, pgd and pdhg")
    net, generator = Net(), torch.Generator().manual_seed(2)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    b, k, w = dp.Placeholder("b", SHAPE), dp.Placeholder("k", (3, 3)), dp.Placeholder("w", ())
    x = dp.Variable("x", SHAPE)
    prior = dp.deep_prior(x, net, sigma=sigma, trainable=True)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, k) - b) + w * prior)
    kernel = torch.tensor([[0.0, 0.1, 0.0], [0.1, 0.7, 0.1], [0.0, 0.1, 0.0]]).double()
    values = [0.5 + 0.2 * normal(*SHAPE), kernel, torch.tensor(0.8, dtype=torch.float64)]
    weights = normal(*SHAPE)

    def total() -> torch.Tensor:
        given = dict(zip((b, k, w), values, strict=True))
        if engine == "solve":
            for place, value in given.items():
                place.value = value
            return (problem.solve(method, max_iter=3)[x] * weights).sum()
        if engine == "recompute":
            layer = dp.specialize(problem, algorithm=method, max_iter=3, engine=engine)
        else:
            layer = dp.specialize(
                problem, "deq", algorithm=method, max_iter=4000, abs_tol=1e-10, rel_tol=1e-10
            )
        return (layer(given) * weights).sum()

    values = [v.requires_grad_() for v in values]
    leaves = [*values, net.weights]
    # With levels of their own choice the gradient methods do not look at the prior's weight.
    unused = method in ("pgd", "fista")
    gradients = torch.autograd.grad(total(), leaves, allow_unused=unused, materialize_grads=unused)
    for leaf, gradient in zip(leaves, gradients, strict=True):
        direction = normal(*leaf.shape)
        found = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                leaf.add_(sign * 1e-5 * direction)
                found.append(float(total()))
                leaf.sub_(sign * 1e-5 * direction)
        expected = (found[0] - found[1]) / 2e-5
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-4, abs=1e-6)
