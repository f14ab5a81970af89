"""Functions under the published names: prox, value, conjugate, weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import dprox_core.compat as dp
from dprox_core.errors import DproxError

GENERATOR = torch.Generator().manual_seed(2)
V = torch.randn(7, generator=GENERATOR, dtype=torch.float64)
B = torch.randn(7, generator=GENERATOR, dtype=torch.float64)

FUNCTIONS: dict[str, Callable[[Any], dp.ProxFn]] = {
    "sum_squares": dp.sum_squares,
    "sum_squares of b": lambda x: dp.sum_squares(x, B),
    "norm1": dp.norm1,
    "norm1 of a shift": lambda x: dp.norm1(x - B),
    "norm2": dp.norm2,
    "nonneg": dp.nonneg,
    "a scaled one": lambda x: 2 * (3 * dp.norm1(x)),
    "beta": lambda x: dp.norm1(x, beta=-2.0),
    "all of it": lambda x: 0.5 * dp.norm1(x - B, beta=3.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("lam", [0.3, torch.tensor(1.7, dtype=torch.float64)])
def test_the_prox_cannot_be_improved(name: str, lam: Any) -> None:
    function = FUNCTIONS[name](dp.Variable(7))
    found = function.prox(V, lam)

    def cost(u: torch.Tensor) -> float:
        return float(function.eval(u) + (u - V).square().sum() / (2.0 * lam))

    best = cost(found)
    for size in (1.0, 1e-2, 1e-4):
        for _ in range(20):
            step = size * torch.randn(7, generator=GENERATOR, dtype=torch.float64)
            assert cost(found + step) >= best - 1e-12


@pytest.mark.parametrize("is_complex", [False, True])
def test_the_prox_of_csmri_is_taken_in_the_image(is_complex: bool) -> None:
    shape, lam = (1, 1, 5, 6), 0.7
    kind = torch.complex128 if is_complex else torch.float64
    v = torch.randn(shape, generator=GENERATOR, dtype=kind).requires_grad_()
    mask = (torch.rand(5, 6, generator=GENERATOR) < 0.5).double()
    y = mask * torch.randn(shape, generator=GENERATOR, dtype=torch.complex128)
    function = dp.csmri(dp.Variable(), mask, y)
    u = function.prox(v.detach(), lam).requires_grad_()
    ((u - v.detach()).abs().square().sum() / (2 * lam) + function.eval(u)).backward()
    assert u.grad is not None
    assert float(u.grad.abs().max()) < 1e-10
    w = v.detach().clone().requires_grad_()
    function.eval(w).backward()
    assert w.grad is not None
    assert torch.allclose(function.grad(v.detach()), w.grad)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_moreaus_identity_holds(name: str) -> None:
    function, lam = FUNCTIONS[name](dp.Variable(7)), 0.4
    conjugate = function.convex_conjugate_prox(V, lam)
    assert torch.allclose(conjugate + lam * function.prox(V / lam, 1 / lam), V)


def test_the_conjugate_of_norm1_is_a_projection() -> None:
    found = dp.norm1(dp.Variable(7)).convex_conjugate_prox(3 * V, 0.7)
    assert torch.allclose(found, (3 * V).clamp(-1, 1))


def test_gradients_of_smooth_functions() -> None:
    v = V.clone().requires_grad_()
    function = 3 * dp.sum_squares(dp.Variable(7) - B)
    (expected,) = torch.autograd.grad(function.eval(v), v)
    assert torch.allclose(function.grad(V), expected)


def test_scaling_multiplies_and_leaves_the_function_alone() -> None:
    function = dp.norm1(dp.Variable(7))
    scaled = 2 * (3 * function)
    assert (function.alpha, scaled.alpha) == (1.0, 6.0)
    assert scaled.known_as(function)
    with pytest.raises(DproxError, match="not convex"):
        -1 * function


def test_weighted_sum_squares_has_the_square_of_the_weight() -> None:
    x = dp.Variable((2, 3, 4, 5))
    w = torch.rand(2, 3, 4, 5, generator=GENERATOR, dtype=torch.float64)
    b = torch.rand(2, 3, 4, 5, generator=GENERATOR, dtype=torch.float64)
    found = dp.Problem(dp.weighted_sum_squares(x, w, b) + dp.sum_squares(x)).solve()
    assert torch.allclose(found, w * b / (w.square() + 1))
    y = dp.mosaic(x).forward(b)
    seen = dp.Problem(dp.weighted_sum_squares(x, dp.mosaic(x), y) + dp.sum_squares(x)).solve()
    assert torch.allclose(seen, y / 2)


def test_least_squares_counts_weights() -> None:
    x = dp.Variable()
    for weight in (1.0, 10.0):
        solver = dp.least_squares([weight * dp.sum_squares(x - B)], [dp.norm1(2 * x)])
        found = solver.solve([V], rho=0.5)
        assert torch.allclose(found, (weight * B + V) / (weight + 2.0))


def test_a_function_of_ones_own() -> None:
    class ball(dp.ProxFn):
        def _prox(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
            return v / torch.linalg.vector_norm(v).clamp_min(1.0)

    x = dp.Variable()
    found = dp.Problem(dp.sum_squares(x - 5 * B) + ball(x)).solve()
    assert torch.allclose(found, B / torch.linalg.vector_norm(B), atol=1e-4)


def test_deep_priors_take_objects_functions_and_names() -> None:
    class Mean:
        def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return v * (1 - sigma)

    image = torch.rand(1, 1, 8, 8)
    assert torch.allclose(dp.deep_prior(dp.Variable(), Mean()).prox(image, 0.25), image * 0.75)
    root = dp.deep_prior(dp.Variable(), Mean(), sqrt=True)
    assert torch.allclose(root.prox(image, 0.25), image * 0.5)
    assert dp.deep_prior(dp.Variable(), "tv").prox(image, 0.1).shape == image.shape
    with pytest.raises(DproxError, match="no denoiser"):
        dp.deep_prior(dp.Variable(), "nothing")


def test_a_prior_is_a_module_and_its_step_has_a_gradient() -> None:
    with pytest.warns(UserWarning, match="stands in"):
        prior = dp.deep_prior(dp.Variable(), denoiser="grunet").to("cpu")
    sigma = torch.nn.Parameter(torch.tensor(0.1))
    prior.prox(torch.rand(1, 1, 16, 16), sigma).square().mean().backward()
    assert sigma.grad is not None
    assert prior.state_dict()


def test_nlm_takes_grey_and_colour() -> None:
    for channels in (1, 3):
        image = torch.rand(1, channels, 12, 12)
        assert dp.patch_nlm(dp.Variable()).prox(image, 0.01).shape == image.shape


@pytest.mark.parametrize("kind", ["frequency", "space", "neither"])
def test_a_rho_for_each_sample_is_solved_for_at_once(kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    b, v = torch.rand(2, 3, 1, 8, 8, generator=generator, dtype=torch.float64)
    mask = (torch.arange(8) % 3 != 0).double()
    products = [0]

    def seen(x: torch.Tensor, step: int | None = None) -> torch.Tensor:
        products[0] += 1
        return mask * x.roll(1, -1) + 0.5 * x

    def back(y: torch.Tensor, step: int | None = None) -> torch.Tensor:
        return (mask * y).roll(-1, -1) + 0.5 * y

    def solved(part: slice, rho: torch.Tensor) -> torch.Tensor:
        x = dp.Variable()
        kernel = np.ones((3, 3, 1)) / 9.0
        quadratic, couplings = {
            "frequency": (
                dp.sum_squares(dp.conv(x, kernel), b[part]),
                [dp.grad(x)],
            ),
            "space": (dp.sum_squares(dp.mul_elementwise(x, mask), b[part]), [x, 2 * x]),
            "neither": (dp.sum_squares(dp.LinOpFactory(seen, back)(x), b[part]), [dp.grad(x)]),
        }[kind]
        update = dp.least_squares([quadratic], [dp.norm1(k) for k in couplings])
        return update.solve([v[part]] * len(couplings), rho)

    rhos = torch.tensor([0.1, 2.0, 30.0], dtype=torch.float64, requires_grad=True)
    found = solved(slice(None), rhos)
    together, most = products[0], 0
    (slope,) = torch.autograd.grad(found.square().sum(), rhos)
    for index in range(3):
        rho = rhos[index].detach().requires_grad_()
        products[0] = 0
        alone = solved(slice(index, index + 1), rho)
        most = max(most, products[0])
        torch.testing.assert_close(found[index], alone[0], rtol=1e-7, atol=1e-9)
        (own,) = torch.autograd.grad(alone.square().sum(), rho)
        torch.testing.assert_close(slope[index], own, rtol=1e-6, atol=1e-9)
    # As many products as the sample that needs the most, and not as all of them one by one.
    assert together <= most + 10


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "hqs", "ladmm", "pc", "pgd"])
def test_a_denoiser_of_ones_own_is_called_once_an_iteration(method: str) -> None:
    class Counting(torch.nn.Module):
        calls = 0

        def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return 0.9 * v

    x, b, denoiser = dp.Variable(), torch.rand(1, 1, 8, 8), Counting()
    problem = dp.Problem(dp.sum_squares(x, b) + dp.deep_prior(x, denoiser=denoiser))
    problem.solve(method=method, device="cpu", x0=b, max_iter=6, rhos=1.0, lams=0.02)
    assert denoiser.calls == 6
