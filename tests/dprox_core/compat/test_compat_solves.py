"""Problems under the published names: optima, schedules, callbacks, specialization, training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cvxpy
import numpy as np
import pytest
import torch

import dprox_core.compat as dp
from dprox_core.errors import DproxError

GENERATOR = torch.Generator().manual_seed(8)
B = torch.rand(1, 1, 6, 5, generator=GENERATOR, dtype=torch.float64)


def television(x: dp.Variable) -> list[dp.ProxFn]:
    return [dp.norm1(dp.grad(x, dim=0)), dp.norm1(dp.grad(x, dim=1))]


def optimum(weight: float, squares: float) -> np.ndarray:
    """argmin squares ‖x − b‖² + weight TV₁(x), circular, by CVXPY."""
    u, b = cvxpy.Variable((6, 5)), B[0, 0].numpy()
    down = cvxpy.vstack([u[1:], u[:1]]) - u
    right = cvxpy.hstack([u[:, 1:], u[:, :1]]) - u
    cost = squares * cvxpy.sum_squares(u - b) + weight * (cvxpy.norm1(down) + cvxpy.norm1(right))
    cvxpy.Problem(cvxpy.Minimize(cost)).solve(solver="CLARABEL")
    return np.asarray(u.value)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "ladmm", "pc"])
def test_the_objective_is_minimized_as_written(method: str) -> None:
    x = dp.Variable()
    down, right = television(x)
    problem = dp.Problem(dp.sum_squares(x - B) + 0.1 * down + 0.1 * right)
    found = problem.solve(method=method, x0=B, max_iter=3000)
    assert np.allclose(found[0, 0], optimum(0.1, 1.0), atol=2e-4)


def test_pgd_needs_no_step_size() -> None:
    x = dp.Variable()
    found = dp.Problem(dp.sum_squares(3 * x - B) + 0.2 * dp.norm1(x)).solve(method="pgd", x0=B)
    assert torch.allclose(found, (B / 3 - 0.2 / 18).clamp_min(0.0), atol=1e-5)


@pytest.mark.parametrize("rho", [1.0, 0.5])
def test_rhos_and_lams_mean_what_the_published_admm_makes_of_them(rho: float) -> None:
    """½‖x − b‖² + ρ λ TV, which its admm reached for ρ = 1 and λ = 0.1."""
    x = dp.Variable()
    down, right = television(x)
    problem = dp.Problem(dp.sum_squares(x - B) + down + right)
    lams = {down: 0.1, right: [0.4, 0.1]}
    found = problem.solve(method="admm", x0=B, rhos=rho, lams=lams, max_iter=400)
    assert np.allclose(found[0, 0], optimum(rho * 0.1, 0.5), atol=1e-5)
    assert found.result.iterations == 400
    everywhere = problem.solve(method="admm", x0=B, rhos=rho, lams=0.1, max_iter=400)
    assert torch.allclose(found, everywhere, atol=1e-6)


def test_without_a_start_the_data_tell_the_shape() -> None:
    x = dp.Variable()
    problem = dp.Problem(dp.sum_squares(dp.conv(2 * x, torch.ones(1, 1)) - B), [x >= 0.5])
    assert torch.allclose(problem.solve(), (B / 2).clamp_min(0.5), atol=1e-4)
    assert torch.allclose(x.value, problem.solve(), atol=1e-4)


def test_the_solution_is_a_tensor_that_knows_its_solve() -> None:
    x = dp.Variable()
    b = B.clone().requires_grad_()
    found = dp.compile(dp.sum_squares(x - b) + dp.sum_squares(x)).solve()
    assert isinstance(found, torch.Tensor)
    assert type(found * 2) is torch.Tensor
    assert found.result.status.name == "CONVERGED"
    assert torch.equal(found.solve(x0=B), found)
    found.sum().backward()
    assert b.grad is not None
    assert torch.allclose(b.grad, torch.full_like(B, 0.5))


def test_two_variables() -> None:
    x, y = dp.Variable(), dp.Variable()
    terms = dp.sum_squares(x + y - B) + dp.sum_squares(x) + 2 * dp.sum_squares(y)
    found = dp.Problem(terms).solve(x0=[B, B])
    assert torch.allclose(found[0], B * 0.4, atol=1e-4)
    assert torch.allclose(found[1], B * 0.2, atol=1e-4)


def test_the_published_least_squares() -> None:
    x = dp.Variable((3, 3))
    rhs = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    for term in (dp.sum_squares(2 * x - rhs), dp.sum_squares(2 * x, rhs)):
        dp.Problem(term).solve("admm", x0=np.zeros((3, 3)))
        assert (x.value.cpu().numpy() == rhs / 2).all()
    x = dp.Variable((3, 3, 1))
    kernel = np.ones((2, 2)) / 4
    dp.Problem(dp.sum_squares(dp.conv(x, kernel) - rhs[None])).solve("admm", x0=np.zeros((3, 3, 1)))
    out = dp.eval(dp.conv(x, kernel) - rhs[None], x.value, zero_out_constant=False)
    assert (out.abs() < 1e-5).all()


def test_a_callback_hears_every_iteration() -> None:
    x = dp.Variable()
    heard: list[tuple[int, float]] = []

    def callback(iter: int, state: Any, rho: Any, lam: Any) -> None:
        assert state[0].shape == B.shape
        heard.append((iter, rho))

    problem = dp.Problem(dp.sum_squares(x - B) + dp.norm1(x))
    out, states = problem.solve(
        x0=B, rhos=[2.0, 1.0], max_iter=5, callback=callback, pbar=True, return_full_states=True
    )
    assert heard == [(0, 2.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]
    assert torch.equal(states[0], out)
    assert len(states) > 1


def test_csmri_with_two_more_terms_is_the_closed_form() -> None:
    x0, y0, _, mask = dp.contrib.csmri.sample(size=32)
    x, y = dp.Variable(), dp.Placeholder()
    y.value = y0
    terms = dp.csmri(x, mask, y) + 0.1 * dp.sum_squares(x) + 0.2 * dp.sum_squares(x - 1.0)
    found = dp.Problem(terms).solve(x0=x0, abs_tol=0.0, rel_tol=1e-10)
    spectrum = dp.utils.fft2(torch.full_like(x0, 0.2)) + mask * y0
    exact = dp.utils.ifft2(spectrum / (mask + 0.3))
    assert torch.allclose(found, exact, atol=1e-5)


def test_sisr_is_solved() -> None:
    kernel = dp.contrib.point_spread_function(3, 1.0)
    x = dp.Variable()
    small = torch.rand(1, 1, 4, 5, generator=GENERATOR, dtype=torch.float64)
    term = dp.sisr(x, small, kernel, 2)
    found = dp.Problem(term + 0.1 * dp.sum_squares(x)).solve(max_iter=2000)
    assert found.shape == (1, 1, 8, 10)
    free = found.detach().clone().requires_grad_()
    low, _ = dp.contrib.downsampling(free, kernel, 2)
    ((low - small).square().sum() + 0.1 * free.square().sum()).backward()
    assert free.grad is not None
    assert float(free.grad.abs().max()) < 1e-4


def test_other_measurements_are_solved() -> None:
    x = dp.Variable()
    codes = torch.rand(3, 4, 5, generator=GENERATOR, dtype=torch.float64)
    snapshot = torch.rand(1, 4, 5, generator=GENERATOR, dtype=torch.float64)
    found = dp.Problem(dp.compress_sensing(x, codes, snapshot) + 0.1 * dp.sum_squares(x)).solve()
    exact = codes * (snapshot / (codes.square().sum(0) + 0.1))[:, None]
    assert torch.allclose(found, exact, atol=1e-4)
    frames = [torch.full((1, 1, 4, 4), value, dtype=torch.float64) for value in (1.0, 3.0)]
    found = dp.Problem(dp.misr(x, frames) + 1e-6 * dp.sum_squares(x)).solve()
    assert found.shape == (1, 1, 8, 8)
    assert float(found[..., ::2, ::2].mean()) == pytest.approx(2.0, abs=1e-3)
    ones = torch.tensor([3.0, 0.0, 1.0], dtype=torch.float64)
    found = dp.Problem(dp.spi(x, 4, ones)).solve(max_iter=3000)
    assert torch.allclose(found, -4.0 * torch.log1p(-ones / 4.0), atol=1e-2)
    prox = dp.phase_ret(x, torch.tensor([2.0])).prox(torch.tensor([3.0 + 4.0j]), 0.5)
    assert torch.allclose(prox, torch.tensor([2.1 + 2.8j]))


def shrink(v: torch.Tensor, sigma: Any) -> torch.Tensor:
    return v / (1.0 + sigma)


@pytest.mark.parametrize("method", ["admm", "admm_vxu", "ladmm", "hqs", "pc", "pgd"])
def test_every_method_takes_a_prior(method: str) -> None:
    x = dp.Variable()
    prior = dp.deep_prior(x, shrink)
    rhos, sigmas = dp.log_descent(35, 30, 6, sqrt=True)
    problem = dp.Problem(dp.sum_squares(x - B) + prior + dp.nonneg(x))
    out = problem.solve(method=method, x0=B, rhos=rhos, lams={prior: sigmas}, max_iter=6)
    assert torch.allclose(out, B, atol=0.1)
    assert out.result.iterations == 6


def test_log_descent_is_that_of_its_paper() -> None:
    rhos, sigmas = dp.log_descent(49, 7.65, 8, sigma=0.03, sqrt=True)
    assert np.allclose(sigmas[[0, -1]], [49 / 255, 0.03])
    assert np.allclose(sigmas.log().diff(), np.log(7.65 / 49) / 7)
    assert np.allclose(rhos, 0.23 * 0.03**2 / sigmas**2)
    assert np.allclose(dp.log_descent(49, 7.65, 8)[1], sigmas**2)
    assert np.allclose(dp.log_descent_origin(49, 7.65, 8, sigma=0.03), rhos)


def test_unrolling_trains_rho_and_lambda(tmp_path: Path) -> None:
    x, b = dp.Variable(), dp.Placeholder()
    solver = dp.compile(dp.sum_squares(x - b) + dp.norm1(x), method="admm")
    layer = dp.specialize(solver, method="unroll", max_iter=4, learned_params=True, lams=0.3)

    def step(truth: torch.Tensor) -> Any:
        b.value = truth
        return truth, truth, layer.solve(x0=truth)

    data = [torch.rand(1, 4, 4, generator=GENERATOR) for _ in range(2)]
    before = float(layer.lams.detach()[-1])
    dp.train(layer, step, data, savedir=tmp_path, epochs=3, lr=0.05)
    assert float(layer.lams.detach()[-1]) < before
    assert (tmp_path / "best.pth").exists()
    dp.train(layer, step, data, savedir=tmp_path, epochs=4, lr=0.05, resume=tmp_path / "last.pth")


def test_without_sharing_each_iteration_has_its_own_network() -> None:
    x = dp.Variable()
    network = torch.nn.Conv2d(1, 1, 3, padding=1)

    class Denoiser(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network

        def forward(self, v: torch.Tensor, sigma: Any) -> torch.Tensor:
            return v + 0.1 * self.inner(v)

    prior = dp.deep_prior(x, Denoiser(), trainable=True)
    solver = dp.compile(dp.sum_squares(x - B.float()) + prior)
    layer = dp.specialize(solver, method="unroll", max_iter=3, share=False)
    assert len(list(layer.parameters())) == 3 * len(list(network.parameters()))
    layer.solve(x0=B.float(), rhos=1.0, lams={prior: 0.1}).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_the_gradient_at_equilibrium_is_that_of_the_solution() -> None:
    weight = torch.tensor(0.2, dtype=torch.float64, requires_grad=True)
    b = B.clone().requires_grad_()
    x = dp.Variable()
    prior = dp.deep_prior(x, shrink)
    layer = dp.specialize(dp.compile(dp.sum_squares(x - b) + prior), method="deq")
    found = layer.solve(x0=B, rhos=1.0, lams={prior: weight})
    found.sum().backward()
    # x = z and z (1 + σ) = x + u, 2 (x − b) + 2 u = 0: x = b / (1 + σ).
    assert torch.allclose(found, B / 1.2, atol=1e-4)
    assert b.grad is not None
    assert torch.allclose(b.grad, torch.full_like(B, 1 / 1.2), atol=1e-3)
    assert weight.grad is not None
    assert float(weight.grad) == pytest.approx(-float(B.sum()) / 1.44, rel=1e-3)


def test_a_policy_learns_rho_and_noise_levels(tmp_path: Path) -> None:
    x, b = dp.Variable(), dp.Placeholder()
    prior = dp.deep_prior(x, shrink)
    solver = dp.compile(dp.sum_squares(x - b) + prior, method="admm")
    tuned = dp.specialize(solver, method="rl", action_pack=2, max_episode_step=2)
    data = [{"b": B.float(), "gt": 0.9 * B.float(), "x0": B.float()}]
    before = {name: p.clone() for name, p in tuned.policy.named_parameters()}
    quality = tuned.train(data, placeholders={"b": b}, log_dir=tmp_path, epochs=2)
    assert any(not torch.equal(p, before[name]) for name, p in tuned.policy.named_parameters())
    assert quality > 10.0
    other = dp.AutoTuneSolver(solver, action_pack=2, max_episode_step=2)
    judged = other.eval(tmp_path / "actor.pth", {"set": data}, {"b": b})
    assert judged["set"] == pytest.approx(quality)
    heard: list[int] = []
    out = other.solve(B.float(), callback=lambda iter, **_: heard.append(iter))
    assert out.shape == B.shape
    assert heard == list(range(len(heard)))
    with pytest.raises(DproxError, match="has no 'gt'"):
        tuned.train([{"b": B}], placeholders={"b": b})


def test_what_is_not_there_is_told() -> None:
    x = dp.Variable()
    term = dp.sum_squares(x - B)
    with pytest.raises(DproxError, match="no specialization"):
        dp.specialize(dp.compile(term), method="magic")
    with pytest.raises(dp.MissingError, match="downloads"):
        dp.utils.hf.load_checkpoint("csmri/unet.pt")
    with pytest.raises(DproxError, match="no method"):
        dp.compile(term, method="newton")
    with pytest.raises(DproxError, match="no term of this problem"):
        dp.Problem(term).solve(lams={dp.norm1(x): 1.0})
    with pytest.raises(DproxError, match="minimize a penalty"):
        dp.Problem(2 * x)
    with pytest.raises(DproxError, match="nothing to train"):
        dp.train(torch.nn.Identity(), lambda t: (t, t, t), [B])


@pytest.mark.skipif(torch.cuda.is_available(), reason="the device is there")
def test_a_device_that_is_not_there_becomes_the_cpu() -> None:
    x = dp.Variable()
    with pytest.warns(UserWarning, match="runs on the CPU"):
        dp.Problem(dp.sum_squares(x - B)).solve(device="cuda", x0=B)


def _blurred_and_weighted() -> tuple[object, torch.Tensor]:
    x = dp.Variable()
    weights = torch.linspace(0.5, 1.5, 36).reshape(1, 1, 6, 6).double()
    b = torch.linspace(-1, 1, 36).reshape(1, 1, 6, 6).double()
    kernel = np.array([[0.1, 0.2], [0.3, 0.4]])
    seen = dp.mul_elementwise(dp.conv(dp.mul_elementwise(x, weights), kernel), weights)
    return dp.sum_squares(seen - b) + dp.norm1(dp.grad(x, dim=0)) + dp.norm1(x), b


def test_a_linear_solve_config_takes_effect() -> None:
    objective, b = _blurred_and_weighted()
    tight = dp.Problem(objective).solve(x0=b)
    seen = {}
    for kind in ("cg", "minres"):
        config = dp.linalg.LinearSolveConfig(rtol=1e-9, max_iters=500, solver_type=kind)
        found = dp.Problem(objective, linear_solve_config=config).solve(x0=b)
        seen[kind] = found.result.plan.linear_solver
        torch.testing.assert_close(found, tight, atol=1e-3, rtol=0)
    assert seen == {"cg": "cg", "minres": "minres"}
    # One step a system is not enough, and it shows.
    config = dp.linalg.LinearSolveConfig(max_iters=1)
    poor = dp.Problem(objective, linear_solve_config=config).solve(x0=b, rhos=1.0, max_iter=3)
    good = dp.Problem(objective).solve(x0=b, rhos=1.0, max_iter=3)
    assert float((poor - good).abs().max()) > 1e-4
    # A method without a linear system, and a system in closed form, do without.
    dp.Problem(objective, linear_solve_config=config).solve("pc", x0=b, max_iter=3)
    x = dp.Variable()
    easy = dp.Problem(dp.sum_squares(x - b) + dp.norm1(x), linear_solve_config=config)
    assert easy.solve(x0=b).result.plan.linear_solver == "diagonal"


def test_merging_and_absorbing_can_be_switched_off() -> None:
    x = dp.Variable()
    b = torch.tensor([3.0, -2.0, 0.1])
    objective = dp.sum_squares(x - b) + dp.norm1(2 * x) + dp.nonneg(x)

    def passes(problem: object) -> set[str]:
        found = problem.solve(x0=b)  # type: ignore[attr-defined]
        torch.testing.assert_close(found, torch.tensor([2.0, 0.0, 0.0]), atol=1e-3, rtol=0)
        return {record.name for record in found.result.plan.passes}

    assert "absorb" in passes(dp.Problem(objective))
    assert "absorb" not in passes(dp.Problem(objective, absorb=False))
    assert "absorb" in passes(dp.compile(dp.optimize(objective, absorb=True)))
    assert "absorb" not in passes(dp.compile(dp.optimize(objective, merge=True)))
    twice = dp.sum_squares(x - b) + dp.sum_squares(x - b) + dp.norm1(4 * x)
    twice = twice + dp.nonneg(x)
    assert "merge_quadratics" in passes(dp.Problem(twice))
    assert "merge_quadratics" not in passes(dp.Problem(twice, merge=False))


def test_pictures_of_numpy_become_batches_of_one() -> None:
    x = dp.Variable()
    picture = np.random.default_rng(0).random((6, 5, 3))
    found = dp.Problem(dp.sum_squares(x - picture) + dp.nonneg(x)).solve(x0=picture)
    assert found.shape == (1, 3, 6, 5)
    assert np.allclose(found[0].permute(1, 2, 0), picture, atol=1e-4)
    place = dp.Placeholder()
    place.value = picture
    assert place.value.shape == (1, 3, 6, 5)


def test_a_module_with_denoise_is_trained() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.strength = torch.nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

        def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return v / (1.0 + self.strength * sigma)

    x, net = dp.Variable(), Net()
    prior = dp.deep_prior(x, net, trainable=True)
    solver = dp.compile(dp.sum_squares(x - B) + prior)
    layer = dp.specialize(solver, method="unroll", max_iter=3)
    assert any(p is net.strength for p in layer.parameters())
    layer.solve(x0=B, rhos=1.0, lams={prior: 0.2}).sum().backward()
    assert float(net.strength.grad or 0.0) != 0.0
    assert repr(solver.psi_fns[0]) == "deep_prior(Variable)"


def test_training_at_equilibrium_tells_each_epoch(tmp_path: Path) -> None:
    from dprox_core.compat.algo.specialization.deq.training import train_deq

    x, b = dp.Variable(), dp.Placeholder()
    scaled = dp.LearnedLinOp(x, torch.nn.Conv2d(1, 1, 1, bias=False))
    solver = dp.compile(dp.sum_squares(scaled - b) + 0.1 * dp.sum_squares(x))
    layer = dp.specialize(solver, method="deq")

    def step(truth: torch.Tensor) -> Any:
        b.value = 0.5 * truth
        return truth, b.value, layer.solve(x0=truth)

    heard: list[int] = []
    data = [torch.rand(1, 4, 4, generator=GENERATOR)]
    options = {"savedir": tmp_path, "epochs": 3, "lr": 0.05, "further": "ignored"}
    train_deq(options, data, layer, step, on_epoch_end=lambda: heard.append(1))
    assert len(heard) == 3
    assert (tmp_path / "last.pth").exists()
