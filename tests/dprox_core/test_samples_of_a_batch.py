"""Samples of a batch, large and small, go as each goes by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from solver_cases import goes_on_from_a_file

import dprox_core as dp
from dprox_core.algorithms.base import State
from dprox_core.compiler.model import Row
from dprox_core.linops.sampling import MulElementwise
from dprox_core.linsolve.norms_of_samples import Shared, norms_of_samples, treats_alike
from dprox_core.solver import Solver

Build = Callable[[torch.Tensor], tuple[dp.Variable, dp.Problem]]
SPLITTING = ("admm", "admm_vxu", "hqs", "dr", "ladmm", "pdhg", "pd3o")
SIZES = (1.0, 30.0, 1.0 / 30.0, 1.0)
KERNEL = torch.ones(3, 3, dtype=torch.float64) / 9.0


def images(count: int = len(SIZES), side: int = 10) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    flat = torch.zeros(count, 1, side, side, dtype=torch.float64)
    for index in range(count):
        flat[index, 0, 2 : 6 + index, 1 : 8 - index] = 0.8
        flat[index, 0, 4:, index : 4 + index] += 0.3
    noise = torch.randn(flat.shape, generator=generator, dtype=torch.float64)
    sizes = torch.tensor(SIZES[:count], dtype=torch.float64).reshape(-1, 1, 1, 1)
    return (flat + 0.03 * noise) * sizes


def deblur(b: torch.Tensor) -> tuple[dp.Variable, dp.Problem]:
    x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
    tv = dp.group_norm1(dp.grad(x))
    return x, dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.01 * tv + dp.nonneg(x))


def number_of(state: State) -> torch.Tensor:
    """ρ or ω."""
    held = state.weight if hasattr(state, "weight") else state.rho
    return torch.as_tensor(held, dtype=torch.float64).reshape(-1)


def courses(solver: Solver, checks: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """ρ and the iterate at every tenth iteration."""
    algorithm, state, found = solver.algorithm, solver.init(), []
    with torch.no_grad():
        for iteration in range(1, 10 * checks + 1):
            state = algorithm.step(state, iteration % 10 == 0)
            if iteration % 10 == 0:
                state = algorithm.adapt(state)
                found.append((number_of(state), state.x[0].clone()))
    return found


def enlarge(b: torch.Tensor) -> tuple[dp.Variable, dp.Problem]:
    shape = (*b.shape[:-2], 2 * b.shape[-2], 2 * b.shape[-1])
    x = dp.Variable("x", shape, dtype=torch.float64)
    fit = dp.sum_squares(dp.downsample(x, KERNEL, 2) - b)
    return x, dp.Problem(fit + 0.01 * dp.norm1(dp.grad(x)) + dp.nonneg(x))


@pytest.mark.parametrize("method", SPLITTING)
@pytest.mark.parametrize("build", [deblur, enlarge])
def test_every_sample_takes_the_very_steps_that_it_takes_alone(build: Build, method: str) -> None:
    b = images()
    together = courses(build(b)[1].compile(method), 6)
    assert len(set(together[-1][0].tolist())) > 1
    for index in range(len(b)):
        alone = courses(build(b[index : index + 1])[1].compile(method), 6)
        for (rhos, x), (rho, own) in zip(together, alone, strict=True):
            assert float(rhos[index]) == pytest.approx(float(rho[0]))
            torch.testing.assert_close(x[index], own[0], rtol=1e-7, atol=1e-9 * SIZES[index])


@pytest.mark.parametrize("method", SPLITTING)
def test_every_sample_ends_when_it_ends_alone(method: str) -> None:
    b = images()
    x, problem = deblur(b)
    together = problem.solve(method, max_iter=3000)
    assert together.converged
    for index, sample in enumerate(together.samples):
        v, problem = deblur(b[index : index + 1])
        alone = problem.solve(method, max_iter=3000)
        assert abs(sample.iterations - alone.iterations) <= 10
        far = (together[x][index] - alone[v][0]).norm() / alone[v].norm()
        assert far < 5e-3


@pytest.mark.parametrize("method", SPLITTING)
@pytest.mark.parametrize("place", ["data", "penalty"])
def test_weights_of_a_sample_leave_the_others_alone(place: str, method: str) -> None:
    def build(part: slice) -> tuple[dp.Variable, dp.Problem]:
        weights = torch.tensor(SIZES, dtype=torch.float64).reshape(-1, 1, 1, 1)
        b, w = (images() / weights)[part], weights[part]
        x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
        if place == "data":
            fit = dp.sum_squares(dp.mul_elementwise(dp.conv(x, KERNEL) - b, w))
            return x, dp.Problem(fit + 0.01 * dp.norm1(dp.grad(x)) + dp.nonneg(x))
        tv = dp.norm1(dp.mul_elementwise(dp.grad(x), w.unsqueeze(-1)))
        return x, dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.01 * tv + dp.nonneg(x))

    x, problem = build(slice(None))
    together = problem.solve(method, max_iter=3000)
    assert together.converged
    for index, sample in enumerate(together.samples):
        v, problem = build(slice(index, index + 1))
        alone = problem.solve(method, max_iter=3000)
        # Norms have margins, which differ a little.
        assert abs(sample.iterations - alone.iterations) <= max(20, 0.3 * alone.iterations)
        far = (together[x][index] - alone[v][0]).norm() / alone[v].norm()
        assert far < 2e-2


@pytest.mark.parametrize("kind", ["frequency", "space", "neither"])
def test_norms_of_samples_are_those_of_their_matrices(kind: str) -> None:
    shape = (3, 1, 4, 5)
    x = dp.Variable("x", shape, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    kernels = torch.rand((3, 1, 3, 3), generator=generator, dtype=torch.float64)
    weights = torch.rand(shape, generator=generator, dtype=torch.float64)
    weights[2] = 0.0
    term = {
        "frequency": dp.norm1(dp.conv(x, kernels)),
        "space": dp.norm1(dp.mul_elementwise(dp.mul_elementwise(x, weights), weights)),
        "neither": dp.norm1(dp.conv(dp.mul_elementwise(x, weights), kernels)),
    }[kind]
    model = dp.Problem(dp.sum_squares(x) + term).compile("pdhg").model
    rows = [held.row for held in model.terms if not held.row.is_identity] or [
        Row(((0, MulElementwise(model.spaces[0], weights)),))
    ]
    assert not treats_alike(rows[0], None, model.spaces[0])
    factors = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    found = norms_of_samples([Shared(rows[0], factors)], model.spaces[0])
    for index in range(3):
        columns = []
        for place in range(20):
            unit = torch.zeros(shape, dtype=torch.float64)
            unit[index].view(-1)[place] = 1.0
            columns.append(rows[0].forward((unit,)).reshape(-1))
        exact = float(torch.linalg.matrix_norm(torch.stack(columns), ord=2) ** 2 * factors[index])
        assert exact <= float(found[index]) * (1.0 + 1e-12)
        assert float(found[index]) <= 1.03 * exact + 1e-12


def test_one_bound_serves_operators_that_treat_samples_alike() -> None:
    solver = deblur(images())[1].compile("pd3o")
    assert all(isinstance(step, float) for step in solver.algorithm._rule.curvatures)


@pytest.mark.parametrize("method", SPLITTING)
def test_a_batch_of_one_and_a_number_that_is_given_stay_numbers(method: str) -> None:
    state = deblur(images(1))[1].compile(method).init()
    assert number_of(state).shape == (1,)
    assert isinstance(state.weight if hasattr(state, "weight") else state.rho, float)
    option = {"weight": 0.5} if method in ("pdhg", "pd3o") else {"rho": 0.5}
    given = deblur(images())[1].compile(method, **option).init()
    assert number_of(given).tolist() == [0.5]


@pytest.mark.parametrize("method", SPLITTING)
def test_samples_that_meet_share_one_number(method: str) -> None:
    b = images(2)
    x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
    fit = dp.sum_squares(x - b) + 0.01 * dp.norm1(dp.grad(x))
    for meeting in (dp.norm1(dp.grad(x, axes=(0,))), dp.group_norm1(x, axis=0)):
        solver = dp.Problem(fit + 0.1 * meeting).compile(method)
        assert number_of(solver.init()).shape == (1,)


@pytest.mark.parametrize("method", [*SPLITTING, "pgd", "fista"])
@pytest.mark.parametrize("place", ["operator", "all of them", "function"])
def test_samples_that_meet_end_together(place: str, method: str) -> None:
    b = images(3, 8)
    x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
    fit = dp.sum_squares(x - b)
    meeting = {
        "operator": lambda: dp.sum_squares(dp.sum_over(x, 0) - 1.0),
        "all of them": lambda: dp.sum_squares(dp.sum_over(x) - 1.0),
        "function": lambda: dp.norm2(x),
    }[place]()
    result = dp.Problem(fit + meeting).solve(method, max_iter=3000, abs_tol=1e-8, rel_tol=1e-8)
    assert result.converged
    assert not result.samples
    # The slope of the objective by hand.
    v = result[x].requires_grad_()
    value = (v - b).square().sum() + {
        "operator": lambda: (v.sum(0) - 1.0).square().sum(),
        "all of them": lambda: (v.sum() - 1.0).square(),
        "function": lambda: v.square().sum().sqrt(),
    }[place]()
    slope = torch.autograd.grad(value, v)[0]
    assert float(slope.norm()) <= 1e-5 * float(b.norm())


@pytest.mark.parametrize("method", SPLITTING)
def test_a_batch_from_a_file_goes_on_as_if_it_had_never_stopped(
    method: str, tmp_path: object
) -> None:
    b = images()
    x, problem = deblur(b)
    # Beyond the hundredth iteration, where points to extrapolate from are kept as well.
    goes_on_from_a_file(problem, x, method, f"{tmp_path}/half.safetensors", 140, 180)


@pytest.mark.parametrize("method", SPLITTING)
@pytest.mark.parametrize("kind", ["unroll", "deq"])
def test_gradients_of_a_sample_are_those_that_it_has_alone(method: str, kind: str) -> None:
    def gradient(b: torch.Tensor) -> torch.Tensor:
        x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
        p = dp.Placeholder("p", tuple(b.shape))
        tv = dp.norm1(dp.grad(x))
        problem = dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - p) + 0.01 * tv + dp.nonneg(x))
        p.value = b
        options = {} if kind == "unroll" else {"abs_tol": 1e-7, "rel_tol": 1e-7}
        steps = 4 if kind == "unroll" else 2000
        layer = dp.specialize(problem, kind, algorithm=method, max_iter=steps, **options)
        b = b.clone().requires_grad_()
        layer({p: b}).square().sum().backward()
        assert b.grad is not None
        return b.grad

    b = images(3, side=8)
    together = gradient(b)
    near = 1e-8 if kind == "unroll" else 2e-3
    for index in range(len(b)):
        alone = gradient(b[index : index + 1])[0]
        assert (together[index] - alone).norm() <= near * alone.norm()


def test_a_penalty_method_grows_every_sample_s_number() -> None:
    b = images()

    def build(b: torch.Tensor) -> dp.Problem:
        x = dp.Variable("x", tuple(b.shape), dtype=torch.float64)
        return dp.Problem(dp.sum_squares(dp.conv(x, KERNEL) - b) + 0.01 * dp.norm1(dp.grad(x)))

    together = courses(build(b).compile("hqs", dual_step=0.0), 3)
    for index in range(len(b)):
        alone = courses(build(b[index : index + 1]).compile("hqs", dual_step=0.0), 3)
        for (rhos, x), (rho, own) in zip(together, alone, strict=True):
            assert float(rhos[index]) == pytest.approx(float(rho[0]))
            torch.testing.assert_close(x[index], own[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("method", ["dr", "pdhg", "pd3o"])
def test_a_trial_that_fails_for_one_sample_holds_up_none_of_the_others(method: str) -> None:
    """Beyond iteration 100 each sample is extrapolated, and set back, by itself."""
    generator = torch.Generator().manual_seed(3)
    photo = dp.load_image("sample:camera", size=32).double()
    kernel = dp.gaussian_psf(size=9, sigma=1.5).double()
    photos = torch.cat([photo, photo.flip(-1), photo.flip(-2)])
    scales = torch.tensor([1.0, 30.0, 1 / 30], dtype=torch.float64).reshape(3, 1, 1, 1)
    noise = 0.01 * torch.randn(photos.shape, generator=generator, dtype=torch.float64)
    observed = (dp.blur(photos, kernel) + noise) * scales

    def counts(data: torch.Tensor) -> list[int]:
        x = dp.Variable("x", tuple(data.shape), dtype=torch.float64)
        terms = dp.sum_squares(dp.conv(x, kernel) - data) + 0.01 * dp.norm1(dp.grad(x))
        result = dp.Problem(terms + dp.nonneg(x)).solve(method, max_iter=3000)
        assert result.status is dp.Status.CONVERGED
        return [sample.iterations for sample in result.samples] or [result.iterations]

    alone = [counts(observed[index : index + 1])[0] for index in range(3)]
    assert max(alone) > 100
    # Norms of all operators together are estimated, of one sample and of three.
    assert counts(observed) == pytest.approx(alone, abs=20)


@pytest.mark.filterwarnings("error")
def test_one_rho_after_one_for_each_sample_gets_factors_of_its_own() -> None:
    problem = deblur(images())[1]
    solver = problem.compile("admm")
    state = solver.step(solver.step(solver.init()))
    one = solver.algorithm.with_parameter(state.clone(), 0.5)
    fresh = problem.compile("admm")
    found, expected = solver.step(one.clone()), fresh.step(one.clone())
    torch.testing.assert_close(found.x[0], expected.x[0], rtol=0.0, atol=0.0)
