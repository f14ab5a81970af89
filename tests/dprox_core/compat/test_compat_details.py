"""What scripts of the published names rely on beside values: steps, shapes, courses, kinds."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dprox_core.compat as dp
from dprox_core import ParameterError
from dprox_core.compat.contrib.csmri import CustomADMM

GENERATOR = torch.Generator().manual_seed(5)
DOUBLE: Any = {"generator": GENERATOR, "dtype": torch.float64}
B = torch.rand(2, 3, 6, 5, **DOUBLE)


class Shrink(dp.ProxFn):
    """A function of one's own that looks at its step size and at the iteration."""

    def __init__(self, linop: Any) -> None:
        super().__init__(linop)
        self.seen: list[tuple[int, tuple[int, ...]]] = []

    def _prox(self, v: torch.Tensor, lam: torch.Tensor) -> torch.Tensor:
        self.seen.append((self.step, tuple(lam.shape)))
        return v / (1.0 + torch.sqrt(lam))


class Scale(dp.LinOp):
    """An operator of one's own that looks at the iteration."""

    def __init__(self, arg: Any) -> None:
        super().__init__([arg])
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor, **options: Any) -> torch.Tensor:
        self.seen.append(self.step)
        return 2.0 * x

    def adjoint(self, y: torch.Tensor, **options: Any) -> torch.Tensor:
        return 2.0 * y


def test_functions_and_operators_of_ones_own_know_the_iteration() -> None:
    x, told = dp.Variable(), []

    def forward(v: torch.Tensor, step: int) -> torch.Tensor:
        told.append(step)
        return 2.0 * v

    box = dp.LinOpFactory(forward, lambda y, step: 2.0 * y, diag=lambda v, step: 4.0)
    shrink, scale = Shrink(x), Scale(x)
    solver = dp.compile(dp.sum_squares(scale - B) + dp.sum_squares(box(x) - B) + shrink)
    for _ in range(2):
        solver.solve(x0=B, rhos=1.0, lams={shrink: 0.04}, max_iter=4)
        steps = [step for step, _ in shrink.seen]
        assert sorted(set(steps)) == sorted(set(scale.seen)) == sorted(set(told)) == [0, 1, 2, 3]
        assert steps == sorted(steps)
        assert {shape for _, shape in shrink.seen} == {()}
        assert shrink.step == scale.step == 0
        for held in (shrink.seen, scale.seen, told):
            held.clear()
    state = solver.initialize(B)
    solver.iters(state, 1.0, {shrink: 0.04}, 3)
    assert [step for step, _ in shrink.seen] == [0, 1, 2]


@pytest.mark.parametrize("method", ["admm", "hqs", "ladmm", "pc", "pgd", "admm_vxu"])
def test_each_sample_of_a_batch_follows_its_own_course(method: str) -> None:
    x = dp.Variable()
    rhos, lams = 0.5 + torch.rand(2, 4, **DOUBLE), 0.1 + torch.rand(2, 4, **DOUBLE)

    def solved(b: torch.Tensor, rho: torch.Tensor, lam: torch.Tensor) -> Any:
        f = dp.norm1(x)
        solver = dp.compile(dp.sum_squares(2 * x - b) + f, method=method)
        return solver, f, {"rhos": rho, "lams": {f: lam}, "max_iter": 4}

    solver, f, given = solved(B, rhos, lams)
    together, state = solver.solve(x0=B, **given, return_full_states=True)
    assert torch.equal(together, state[0])
    for i in range(2):
        alone, _, course = solved(B[i : i + 1], rhos[i], lams[i])
        start = alone.initialize(B[i : i + 1])
        exact = alone.iters(start, course["rhos"], course["lams"], 4)[0]
        assert torch.allclose(together[i : i + 1], exact)
    one = solver.iter(solver.initialize(B), rhos[:, 0], {f: lams[:, 0]})[0]
    first = solver.iters(solver.initialize(B), rhos[:, :1], {f: lams[:, :1]}, 1)[0]
    assert torch.equal(one, first)
    # Single images and plain numbers follow one course, as before.
    single = solver.solve(x0=B, rhos=rhos[:1], lams={f: lams[:1]}, max_iter=4)
    assert torch.equal(single, solver.solve(x0=B, rhos=rhos[0], lams={f: lams[0]}, max_iter=4))


def test_courses_of_samples_keep_single_precision_and_are_refused_elsewhere() -> None:
    x = dp.Variable()
    f, b = dp.norm1(x), B.float()
    solver = dp.compile(dp.sum_squares(x - b) + f)
    rhos = [[1.0, 2.0], [0.5, 0.5]]
    assert solver.solve(x0=b, rhos=rhos, lams={f: rhos}, max_iter=2).dtype == torch.float32
    for method, options in (("unroll", {"learned_params": True, "max_iter": 2}), ("deq", {})):
        with pytest.raises(ParameterError, match="not 2 courses"):
            dp.specialize(solver, method, rhos=rhos, **options).solve(x0=b)
    bounded = dp.Problem(dp.sum_squares(x - b) + f, [x >= 0])
    with pytest.raises(ParameterError, match="without constraints"):
        bounded.solve(x0=b, rhos=rhos)


def test_in_proximal_gradient_descent_rho_is_a_step() -> None:
    """x = prox(x − ρ Aᵀ(A x − b), λ) has the minimizer of ½‖A x − b‖² + (λ/ρ) ‖x‖₁."""
    x, rho, lam = dp.Variable(), 0.2, 0.1
    objective = dp.sum_squares(2 * x - B) + dp.norm1(x)
    found = dp.Problem(objective).solve("pgd", x0=B, rhos=rho, lams=lam, max_iter=300)
    slope = 2.0 * (2.0 * found - B)
    inside = found - rho * slope
    assert torch.allclose(found, inside.sign() * (inside.abs() - lam).clamp_min(0.0), atol=1e-8)


@pytest.mark.parametrize("shape", [(1, 2, 6, 5), (1, 1, 5, 8), (3, 1, 1, 4)])
def test_diagonals_have_the_shape_of_what_they_multiply(shape: tuple[int, ...]) -> None:
    x, v = dp.Variable(), torch.rand(shape, **DOUBLE)
    blurred = dp.conv(x, np.ones((3, 3, 1)) + np.eye(3)[..., None])
    for op in (blurred, dp.grad(x), 3 * dp.grad(x, 0), dp.grad(blurred), dp.grad(x) - x):
        assert op.is_diag(freq=True)
        factors = op.get_diag(v, freq=True)
        assert factors.shape == v.shape
        image = torch.fft.ifft2(factors * torch.fft.fft2(v))
        assert torch.allclose(image, dp.gram(op, v) + 0j)
    found = (2 * x).get_diag(v.float())
    assert torch.equal(found, torch.full(shape, 4.0))
    assert not dp.grad(x, 2).is_diag(freq=True)


def test_a_stack_of_one_part_has_one_value() -> None:
    x, v = dp.Variable(), torch.rand(1, 2, 4, 3, **DOUBLE)
    graph = dp.CompGraph(dp.vstack([dp.grad(x)]))
    image = graph.forward(v)
    assert torch.equal(image, dp.eval(dp.grad(x), v))
    assert [torch.equal(image, part) for part in graph.forward(v, return_list=True)] == [True]
    assert torch.equal(graph.adjoint(image), dp.gram(dp.grad(x), v))


def test_offsets_and_gradients_of_terms() -> None:
    """For f(A x − b) the offset is b, and the gradient that of autograd."""
    x, v = dp.Variable(value=B), torch.rand(2, 3, 6, 5, **DOUBLE).requires_grad_()
    kernel = np.random.default_rng(0).random((3, 3, 1))
    for term in (dp.sum_squares(dp.conv(x, kernel) - B), dp.sum_squares(dp.conv(x, kernel), B)):
        assert torch.allclose(term.offset, B)
        weighted = 3 * term
        exact = 3 * (dp.eval(dp.conv(x, kernel), v) - B).square().sum()
        (slope,) = torch.autograd.grad(exact, v)
        assert torch.allclose(weighted.grad(v.detach()), slope)
    assert torch.allclose(dp.norm1(x - B).offset, B)


def test_the_x_update_takes_one_more_target_and_can_go_step_by_step() -> None:
    x, kernel = dp.Variable(), np.random.default_rng(1).random((3, 3, 1))
    data, side = dp.sum_squares(dp.conv(x, kernel) - B), dp.norm1(dp.grad(x))
    update, target = dp.least_squares([data], [side]), torch.rand(2, 3, 6, 5, **DOUBLE)
    assert update.freq_diagonalizable
    assert not update.diagonalizable
    found = update.solve([target], torch.tensor(0.3), v=B)
    rest = dp.adjoint(data.linop, dp.eval(data.linop, found, zero_out_constant=False))
    rest = rest + 0.3 * (dp.adjoint(side.linop, dp.eval(side.linop, found) - target) + found - B)
    assert float(rest.abs().max()) < 1e-6
    config = dp.LinearSolveConfig(rtol=1e-12, max_iters=300)
    steps = update.solve_cg([target], 0.3, v=B, linear_solve_config=config)
    assert torch.allclose(steps, found, atol=1e-5)
    assert torch.allclose(update.solve_direct([target], 0.3, v=B), found)


def test_denoisers_take_the_real_part_of_complex_iterates() -> None:
    class Half(torch.nn.Module):
        def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            assert not v.is_complex()
            return v * (1.0 - sigma)

    x, (x0, y, _, mask) = dp.Variable(), dp.contrib.csmri.sample(size=12)
    prior = dp.deep_prior(x, Half())
    z = prior.prox(x0, torch.tensor(0.25))
    assert torch.allclose(z, 0.75 * x0.real + 0j)
    for solver in (
        dp.compile(dp.csmri(x, mask, y) + prior),
        CustomADMM([prior], [dp.csmri(x, mask, y)]),
    ):
        state = solver.iters(solver.initialize(x0), 0.5, {prior: 0.1}, 3)
        assert state[0].is_complex()


def test_symmetries_of_the_square_take_turns() -> None:
    class Sums:
        def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return v.cumsum(-1)

    prior = dp.deep_prior(dp.Variable(), Sums(), x8=True)
    v = torch.rand(1, 1, 5, 5, **DOUBLE)
    seen = []
    for k in range(8):
        prior.step = k
        seen.append(prior.prox(v, 0.1))
    assert torch.equal(seen[0], v.cumsum(-1))
    turns = [v.rot90(k, (-2, -1)) for k in range(4)]
    turns += [turn.flip(-1) for turn in turns]
    images = {round(float(t.cumsum(-1).square().sum()), 9) for t in turns}
    assert {round(float(s.square().sum()), 9) for s in seen} == images


@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize("size", [3, 4])
def test_a_kernel_acts_on_its_own_channel_around_its_middle(size: int, circular: bool) -> None:
    """A kernel that is 1 in the middle and c beside it, on channel c of a picture of one point."""
    kernel, picture = torch.zeros(1, 3, size, size), torch.zeros(1, 3, 7, 6)
    kernel[..., size // 2, size // 2] = 1.0
    kernel[0, :, size // 2, size // 2 - 1] = torch.arange(3.0)
    picture[..., 3, 4] = 1.0
    exact = torch.zeros(1, 3, 7, 6)
    exact[..., 3, 4] = 1.0
    exact[0, :, 3, 3] = torch.arange(3.0)
    for found in (
        dp.eval(dp.conv_doe(dp.Variable(), kernel, circular=circular), picture),
        dp.contrib.optic.img_psf_conv(picture, kernel, circular=circular),
    ):
        assert torch.allclose(found, exact, atol=1e-6)


@pytest.mark.parametrize("shape", [(9,), (6, 5), (3, 6, 5), (2, 3, 6, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_solutions_have_the_shape_and_precision_of_their_start(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x, b = dp.Variable(), torch.rand(shape, **DOUBLE).to(dtype)
    for start in ({"x0": b}, {}):
        found = dp.Problem(dp.sum_squares(x - b) + dp.norm1(x)).solve(**start)
        assert (found.shape, found.dtype) == (b.shape, dtype)
        assert torch.allclose(found, (b - 0.5).clamp_min(0.0), atol=1e-4)


def test_scales_move_into_functions_and_change_nothing() -> None:
    x, v = dp.Variable(), torch.randn(1, 3, 4, 5, **DOUBLE)
    written = 0.5 * dp.norm1(3 * (-2 * x)) + dp.nonneg(2 * x) + dp.norm1(dp.conv(x, np.eye(3)))
    absorbed = dp.optimize(written, absorb=True)
    assert [f.beta for f in absorbed] == [-6, 2, 1.0]
    for before, after in zip(written, absorbed, strict=True):
        image = dp.eval(before.linop, v)
        assert torch.allclose(before.eval(image), after.eval(dp.eval(after.linop, v)))
        data = dp.sum_squares(x - v)
        found = dp.compile([data, after]).solve(rhos=1.0, lams={before: 0.2}, max_iter=300)
        exact = dp.compile([data, before]).solve(rhos=1.0, lams={before: 0.2}, max_iter=300)
        assert torch.allclose(found, exact, atol=1e-6)


def test_closed_forms_are_x_updates() -> None:
    """For ‖m F x − y‖² + ρ ‖x − b‖² and a complex x every frequency is on its own."""
    x, (x0, y, _, mask) = dp.Variable(), dp.contrib.csmri.sample(size=9)
    found = dp.csmri(x, mask, y).solve([x0, 2 * x0], torch.tensor(0.5))
    spectrum = (mask * y + 0.5 * 3 * dp.utils.fft2(x0)) / (mask + 1.0)
    assert torch.allclose(found, dp.utils.ifft2(spectrum), atol=1e-6)


def test_specialized_solvers_and_priors_show_what_they_are_made_of() -> None:
    class Half(torch.nn.Module):
        def denoise(self, v: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            return 0.5 * v

    x, network = dp.Variable(), Half()
    prior = dp.deep_prior(x, network, clamp=True)
    assert prior.denoiser is network
    assert prior.clamp
    problem = dp.Problem(dp.sum_squares(x - B) + prior)
    assert list(problem.prox_fns) == list(problem.objective)
    layer = dp.specialize(dp.compile(problem), "unroll", max_iter=2)
    assert layer.psi_fns == [prior]
    state = layer.iters(layer.initialize(B), 1.0, 0.1, 2)
    assert state[0].shape == B.shape
    with pytest.raises(AttributeError):
        _ = layer.no_such_thing


def test_bounds_of_a_node_are_for_the_magnitudes_of_its_inputs() -> None:
    x = dp.Variable((1, 1, 4, 6))
    blurred = dp.conv(2 * x, np.ones((3, 3, 1)))
    assert blurred.norm_bound() == pytest.approx(18.0)
    assert blurred.norm_bound([2.0]) == pytest.approx(18.0)
    assert dp.grad(blurred).norm_bound([18.0]) == pytest.approx(36.0)
    assert (3 * blurred).norm_bound([18.0]) == pytest.approx(54.0)
    assert dp.vstack([x, 2 * x]).norm_bound([1.0, 2.0]) == pytest.approx(5**0.5)
    assert (x + blurred).norm_bound([1.0, 18.0]) == pytest.approx(19.0)
    assert x.norm_bound([1.0]) == 1.0


@pytest.mark.parametrize("method", ["admm", "hqs", "ladmm", "pc", "admm_vxu"])
def test_a_step_of_zero_leaves_a_penalty_out_and_a_condition_in(method: str) -> None:
    x, b = dp.Variable(), B - 0.5
    penalty, condition = dp.norm1(x), dp.nonneg(x)
    problem = dp.Problem(dp.sum_squares(x - b) + penalty + condition)
    lams = {penalty: 0.0, condition: 0}
    found = problem.solve(method, x0=b, rhos=0.5, lams=lams, max_iter=200)
    assert torch.allclose(found, b.clamp_min(0.0), atol=1e-6)
    with pytest.raises(ParameterError, match="lams must be numbers from 0"):
        problem.solve(method, x0=b, lams=-0.1)


def test_solutions_are_saved_and_copied_as_tensors(tmp_path: Path) -> None:
    x = dp.Variable()
    found = dp.Problem(dp.sum_squares(x - B)).solve()
    torch.save({"out": found}, tmp_path / "a.pt")
    saved = torch.load(tmp_path / "a.pt", weights_only=True)["out"]
    for other in (saved, copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert type(other) is torch.Tensor
        assert torch.equal(other, found)
