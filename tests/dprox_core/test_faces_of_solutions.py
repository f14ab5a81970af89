"""The system on the face of a solution's kinks, against dense algebra and finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from solver_cases import noise

import dprox_core as dp
from dprox_core.algorithms.admm import Admm, AdmmState
from dprox_core.algorithms.packing import flat
from dprox_core.algorithms.per_sample import shaped
from dprox_core.layers.faces import face_of
from dprox_core.layers.reduced import adjoint, newton, reduced
from dprox_core.layers.slopes import real_view, slopes_of
from dprox_core.linsolve.product import pack, size_of, unpack

SHAPE = (2, 1, 5, 6)
SIDE = 20
KERNEL = dp.gaussian_psf(5, 1.2).double()


def plain(x: dp.Variable) -> dp.Objective:
    return dp.sum_squares(dp.conv(x, KERNEL) - noise(1, SHAPE))


def complex_one() -> dp.Objective:
    z = dp.Variable("z", (1, 1, 4, 5), dtype=torch.complex128)
    data = torch.complex(noise(2, z.shape), noise(3, z.shape))
    return dp.sum_squares(z - data) + 0.5 * dp.norm1(z) + 0.2 * dp.group_norm1(dp.grad(z))


def two() -> dp.Objective:
    x, y = (dp.Variable(name, (1, 1, 4, 4), dtype=torch.float64) for name in "xy")
    joined = dp.sum_squares(x + y - noise(4, x.shape)) + 0.1 * dp.sum_squares(y)
    return joined + 0.3 * dp.norm1(dp.grad(x)) + 0.2 * dp.norm1(y) + dp.nonneg(x)


def of(build: Callable[[dp.Variable], dp.Objective]) -> Callable[[], dp.Objective]:
    return lambda: build(dp.Variable("x", SHAPE, dtype=torch.float64))


PROBLEMS: dict[str, Callable[[], dp.Objective]] = {
    "differences and bounds": of(
        lambda x: plain(x) + 0.2 * dp.norm1(dp.grad(x)) + dp.box(x, -0.4, 0.5)
    ),
    "groups": of(lambda x: plain(x) + 0.2 * dp.group_norm1(dp.grad(x))),
    "moved": of(lambda x: plain(x) + 0.4 * dp.norm1(x - noise(5, SHAPE)) + dp.sum_squares(x)),
    "curved": of(lambda x: dp.huber(dp.conv(x, KERNEL) - noise(1, SHAPE)) + 0.3 * dp.norm1(x)),
    "complex": complex_one,
    "two variables": two,
}


def started(build: Callable[[], dp.Objective], steps: int) -> tuple[Admm, AdmmState]:
    algorithm, state = started_at(dp.Problem(build()))
    for _ in range(steps):
        state = algorithm.step(state, False)
    return algorithm, state


def started_at(problem: dp.Problem, **options: float) -> tuple[Admm, AdmmState]:
    solver = problem.compile("admm", **options)  # type: ignore[arg-type]
    algorithm, state = solver.algorithm, solver.init()
    assert isinstance(algorithm, Admm)
    assert isinstance(state, AdmmState)
    return algorithm, state


def dense(apply: Callable[[torch.Tensor], torch.Tensor], size: int) -> torch.Tensor:
    return torch.stack([apply(unit) for unit in torch.eye(size, dtype=torch.float64)], dim=1)


@pytest.mark.parametrize("name", PROBLEMS)
def test_slopes_are_the_derivative_of_the_prox(name: str) -> None:
    algorithm, state = started(PROBLEMS[name], 30)
    for block, v in zip(algorithm.blocks, state.v, strict=True):
        length = shaped(1.0 / state.rho, v)
        found = slopes_of(block.penalty, v, length)
        assert found is not None
        step = noise(6, tuple(real_view(v).shape))
        moved = torch.view_as_complex(step) if v.is_complex() else step
        ends = [block.penalty.prox(v + s * 1e-7 * moved, length) for s in (1.0, -1.0)]
        expected = (ends[0] - ends[1]) / 2e-7
        torch.testing.assert_close(moved - found.rest(moved), expected, atol=1e-6, rtol=1e-6)
        back = found.inverse(moved - found.rest(moved))
        kept = torch.where(found.hard, 0.0, step)
        torch.testing.assert_close(real_view(back), kept, atol=1e-7, rtol=1e-7)
        assert not bool(torch.where(found.hard, real_view(expected), 0.0).any())


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_face_is_what_rows_that_stay_send_to_zero(name: str) -> None:
    algorithm, state = started(PROBLEMS[name], 60)
    spaces = algorithm.model.spaces
    rows = [block.row for block in algorithm.blocks]
    slopes = [
        slopes_of(b.penalty, v, shaped(1.0 / state.rho, v))
        for b, v in zip(algorithm.blocks, state.v, strict=True)
    ]
    hard = [s.hard for s in slopes if s is not None]
    face = face_of(rows, hard, spaces)
    assert face is not None

    def stays(x: torch.Tensor) -> torch.Tensor:
        images = [row.forward(unpack(x, spaces)) for row in rows]
        return torch.cat([real_view(y)[mask] for y, mask in zip(images, hard, strict=True)])

    size = size_of(spaces)
    matrix = dense(stays, size)
    expected = torch.eye(size, dtype=torch.float64)
    if len(matrix):
        expected = expected - torch.linalg.pinv(matrix) @ matrix
    found = dense(lambda x: pack(face.point(face.coordinates(unpack(x, spaces)))), size)
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=0.0)
    assert len(face.sizes) == round(float(expected.trace()))


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_system_on_the_face_is_solved(name: str) -> None:
    algorithm, state = started(PROBLEMS[name], 60)
    system = reduced(algorithm, state.v, state.rho)
    assert system is not None
    spaces = algorithm.model.spaces
    a = unpack(noise(7, (size_of(spaces),)), spaces)
    # What stays is given by some image.
    image = system.images(unpack(noise(8, (size_of(spaces),)), spaces))
    q, t = system.solve(a, tuple(image), 1e-12)
    force = system.pulled(list(t))
    for h, f, given in zip(system.hessian(q), force, a, strict=True):
        torch.testing.assert_close(h + f, given, atol=1e-8, rtol=0.0)
    for s, y, dual, given in zip(system.slopes, system.images(q), t, image, strict=True):
        held = s.rest(y) - (dual - s.rest(dual))
        torch.testing.assert_close(held, given, atol=1e-8, rtol=0.0)


@pytest.mark.parametrize("name", PROBLEMS)
def test_newtons_steps_end_at_a_fixed_point(name: str) -> None:
    algorithm, state = started(PROBLEMS[name], 300)
    for _ in range(4):
        found = newton(algorithm, state, 1e-10, 500)
        assert found is not None
        state = found[0]
    before = flat(state).clone()
    after = flat(algorithm.step(state, False))
    assert float((after - before).norm()) < 1e-12 * float(before.norm())


def test_a_map_that_is_no_difference_has_no_face() -> None:
    x = dp.Variable("x", (1, 1, 6, 6), dtype=torch.float64)
    data = dp.sum_squares(x - noise(9, x.shape))
    algorithm, state = started_at(dp.Problem(data + 0.9 * dp.norm1(dp.conv(x, KERNEL))), rho=1.0)
    for _ in range(30):
        state = algorithm.step(state, False)
    assert reduced(algorithm, state.v, state.rho) is None
    # The two adjoints of Σ_j K_jᴴ are the same.
    pulled = adjoint(algorithm, list(state.v))
    torch.testing.assert_close(pulled[0], algorithm.blocks[0].row.entries[0][1].adjoint(state.v[0]))


def deconvolution(
    grouped: bool = False,
) -> tuple[dp.Problem, list[dp.Placeholder], list[torch.Tensor], torch.Tensor]:
    rows = torch.arange(float(SIDE), dtype=torch.float64)
    disc = ((rows - 8.3).square()[:, None] + (rows - 9.6).square()) < 40
    truth = (disc.double() + 0.03 * rows)[None, None]
    shape = tuple(truth.shape)
    b, w = dp.Placeholder("b", shape), dp.Placeholder("w", ())
    x = dp.Variable("x", shape)
    misfit = dp.sum_squares(dp.conv(x, KERNEL) - b)
    variation = dp.group_norm1(dp.grad(x)) if grouped else dp.norm1(dp.grad(x))
    whole = dp.Problem(misfit + w * variation + dp.nonneg(x))
    given = [dp.blur(truth, KERNEL) + 0.01 * noise(50, shape), torch.tensor(0.004).double()]
    return whole, [b, w], given, truth


@pytest.mark.parametrize(
    ("algorithm", "grouped"), [("admm", False), ("admm_vxu", False), ("admm", True)]
)
def test_a_hard_gradient_is_that_of_the_minimizer(algorithm: str, grouped: bool) -> None:
    """Where a thousand products with the step's derivative do not suffice."""
    whole, leaves, given, truth = deconvolution(grouped)
    layer = dp.specialize(whole, "deq", algorithm=algorithm)

    def loss(values: list[torch.Tensor]) -> torch.Tensor:
        found = layer(dict(zip(leaves, values, strict=True)))
        return (found - truth).square().sum()

    wanted = [v.clone().requires_grad_() for v in given]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradients = torch.autograd.grad(loss(wanted), wanted)
    assert layer.settled is not None
    assert layer.settled.products < 150
    assert layer.settled.uncertainty < 1e-4
    directions = [noise(60, tuple(given[0].shape)), torch.tensor(0.1).double()]
    ends = []
    for sign in (1.0, -1.0):
        for leaf, v, d in zip(leaves, given, directions, strict=True):
            leaf.value = v + sign * 1e-7 * d
        found = settled(whole) if grouped else exact(whole)
        ends.append(float((found - truth).square().sum()))
    expected = (ends[0] - ends[1]) / 2e-7
    slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    assert slope == pytest.approx(expected, rel=1e-4)


def settled(problem: dp.Problem) -> torch.Tensor:
    """The minimizer, by many plain steps: near groups of almost zero Newton's may go round."""
    algorithm, state = started_at(problem, rho=0.1)
    for _ in range(3000):
        state = algorithm.step(state, False)
    return algorithm.answer(state)[0]


def exact(problem: dp.Problem) -> torch.Tensor:
    """The minimizer: a point that steps leave where it is."""
    algorithm, state = started_at(problem)
    for _ in range(8):
        for _ in range(400):
            state = algorithm.step(state, False)
        found = newton(algorithm, state, 1e-10, 500)
        assert found is not None
        before = flat(found[0]).clone()
        after = algorithm.step(found[0], False)
        if float((flat(after) - before).norm()) < 1e-13 * float(before.norm()):
            return algorithm.answer(after)[0]
    raise AssertionError("no fixed point was reached")


def test_a_start_is_left_as_it_is() -> None:
    whole, leaves, given, _ = deconvolution()
    layer = dp.specialize(whole, "deq")
    start = noise(61, tuple(given[0].shape))
    kept = start.clone()
    layer(dict(zip(leaves, [given[0].clone().requires_grad_(), given[1]], strict=True)), x0=start)
    assert torch.equal(start, kept)
