"""What is worked out of an answer: values, gradients and bends, once, and in few transforms."""

from __future__ import annotations

import pytest
import torch
from solver_cases import noise
from test_work_per_iteration import counted, deconvolution

import dprox_core as dp
from dprox_core.algorithms.standing import Standing
from dprox_core.doubt import Doubt

SHAPES = [(2, 3, 7, 5), (1, 1, 6, 8), (1, 1, 4, 1), (4, 2), (5, 3)]


def misfits(x: dp.Variable, values: torch.dtype) -> list[dp.Expression]:
    rows, columns = (min(3, n) for n in x.shape[-2:])
    kernel = noise(1, (rows, columns)).to(values)
    if values.is_complex:
        kernel = kernel + 1j * noise(2, (rows, columns))
    data = noise(3, x.shape).to(torch.complex128 if x.dtype.is_complex else values)
    once = dp.conv(x, kernel)
    return [once - data, 3.0 * once - data, dp.conv(once, kernel), once - 1.5]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("unknown", [torch.float64, torch.complex128], ids=str)
@pytest.mark.parametrize("kernel", [torch.float64, torch.complex128], ids=str)
def test_squares_told_in_frequency_are_those_in_space(
    shape: tuple[int, ...], unknown: torch.dtype, kernel: torch.dtype
) -> None:
    x = dp.Variable("x", shape, dtype=unknown)
    for misfit in misfits(x, kernel):
        problem = dp.Problem(2.0 * dp.sum_squares(misfit))
        solver, point = problem.compile("fista"), noise(4, shape).to(unknown)
        (term,) = solver.model.terms
        # A complex kernel makes a real image complex, whose spectrum is no half.
        assert (term.in_frequency is None) == (kernel.is_complex and not unknown.is_complex)
        expected = problem.value(point)
        assert solver.objective((point,)) == pytest.approx(float(expected), rel=1e-12)
        standing = Standing(solver.model.terms, (point,))
        assert standing.value == pytest.approx(float(expected), rel=1e-12)
        slope = standing.slope[0]
        way, step = noise(5, shape).to(unknown), 1e-5
        ahead, behind = (solver.objective((point + s * way,)) for s in (step, -step))
        found = float((slope.conj() * way).real.sum())
        assert found == pytest.approx((ahead - behind) / (2.0 * step), rel=1e-7, abs=1e-7)


def test_the_result_has_the_objective_of_its_values() -> None:
    problem = deconvolution()
    for options in ({"max_iter": 10}, {"max_iter": 13}, {"max_iter": 500}):
        result = problem.solve(**options)
        assert result.objective == pytest.approx(float(problem.value(result["x"])), rel=1e-6)


def test_a_look_at_a_batch_takes_as_many_transforms_as_one_at_an_image() -> None:
    counts = []
    for batch in (1, 4):
        solver = deconvolution(batch=batch).compile("admm")
        state = solver.init()
        for _ in range(30):
            state = solver.step(state, measure=True)
        doubt = Doubt(solver, batch)
        with counted() as counter:
            doubt.clear(state, solver.algorithm.answer(state), [True] * batch)
        counts.append(counter.transforms / batch)
    # The spectrum of the data, f and its gradient at x, a step ahead; f and the objective at the
    # answer and the size at zero.
    assert counts[0] <= 9
    # Sizes of several samples are taken in space.
    assert counts[1] <= counts[0] + 2


def test_what_was_looked_at_is_not_looked_at_again_for_the_certificate() -> None:
    solver = deconvolution().compile("admm")
    result = solver.solve()
    assert result.converged
    counts = []
    for again in (False, True):
        doubt, state = Doubt(solver, 1), result.state
        answer = solver.algorithm.answer(state)
        doubt.note(answer, answer)
        with counted() as counter:
            if again:
                assert doubt.clear(state, answer, [True]) == [True]
            evidence = doubt.evidence(state)
            assert evidence is not None
            _ = evidence.bends(), evidence.at(answer).slope
        counts.append(counter.transforms)
    # The size of the objective at the answer, which a solve knows.
    assert counts[1] <= counts[0] + 1
