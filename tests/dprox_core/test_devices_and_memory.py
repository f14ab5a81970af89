"""Where a solve runs, how much memory it takes, and what is said when there is not enough."""

from __future__ import annotations

import pytest
import torch
from solver_cases import SHAPE, noise

import dprox_core as dp
from benchmarks.live import LiveBytes
from dprox_core import memory

gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device, and this machine has none"
)


def television(size: int = 8) -> tuple[dp.Problem, dp.Variable]:
    x = dp.Variable("x", (1, 1, size, size))
    b = noise(1, (1, 1, size, size)).float()
    return dp.Problem(dp.sum_squares(x - b) + 0.1 * dp.norm1(dp.grad(x)) + dp.nonneg(x)), x


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_device_is_said_in_a_sentence() -> None:
    problem, _ = television()
    with pytest.raises(dp.DeviceError, match="No CUDA device was found"):
        problem.solve(device="cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:-1", "mps"])
def test_an_unknown_device_is_refused(name: str) -> None:
    problem, _ = television()
    with pytest.raises(dp.DproxError, match=r"device|Device"):
        problem.solve(device=name)


def test_a_solve_that_cannot_fit_is_refused_before_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem, _ = television()
    monkeypatch.setattr(memory, "available", lambda device: 100)
    with pytest.raises(dp.DeviceError, match="not enough memory on cpu") as caught:
        problem.solve()
    assert caught.value.got == 100
    assert caught.value.expected == problem.compile().plan.memory_bytes
    assert "Make the images smaller" in str(caught.value)


@pytest.mark.parametrize(
    "failure",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] can't allocate memory: you tried"),
    ],
)
def test_an_allocation_that_fails_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    problem, _ = television()
    solver = problem.compile()

    def broken(state: object, measure: bool = False) -> object:
        raise failure

    monkeypatch.setattr(solver.algorithm, "step", broken)
    with pytest.raises(dp.DeviceError, match="There is not enough memory") as caught:
        solver.solve()
    assert caught.value.__cause__ is failure


def test_other_runtime_errors_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, _ = television()
    solver = problem.compile()

    def broken(state: object, measure: bool = False) -> object:
        raise RuntimeError("something else")

    monkeypatch.setattr(solver.algorithm, "step", broken)
    with pytest.raises(RuntimeError, match="something else"):
        solver.solve()


def test_predicted_memory_grows_with_the_image() -> None:
    small, large = (television(size)[0].compile().plan.memory_bytes for size in (16, 64))
    assert 12 * small < large < 18 * small
    assert large > 6 * 64 * 64 * 4
    assert memory.bytes_text(2_500_000) == "2.5 MB"
    assert memory.bytes_text(2_500_000_000) == "2.5 GB"
    assert memory.bytes_text(1_480) == "1.5 kB"
    assert memory.bytes_text(96) == "96 bytes"


def test_precision_follows_the_data() -> None:
    x = dp.Variable("x", SHAPE)
    b = noise(2)
    for data, dtype in ((b, torch.float64), (b.float(), torch.float32), (b.half(), torch.float32)):
        result = dp.Problem(dp.sum_squares(x - data) + dp.norm1(x)).solve(max_iter=3)
        assert result[x].dtype == dtype
    declared = dp.Variable("x", SHAPE, dtype=torch.float64)
    assert dp.Problem(dp.sum_squares(declared - b.float())).solve()[declared].dtype == torch.float64


@gpu
@pytest.mark.parametrize("method", ["admm", "fista"])
def test_a_gpu_finds_the_same_minimizer(method: str) -> None:
    x = dp.Variable("x", SHAPE)
    kernel = torch.tensor([[0.2, 0.6, 0.2]], dtype=torch.float64)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - noise(3)) + 0.1 * dp.norm1(x))
    options = {"abs_tol": 1e-9, "rel_tol": 1e-9, "max_iter": 3000}
    here = problem.solve(method, device="cpu", **options)
    there = problem.solve(method, device="cuda", **options)
    assert there.device.startswith("cuda")
    assert there[x].is_cuda
    torch.testing.assert_close(there[x].cpu(), here[x], atol=1e-6, rtol=1e-6)


@gpu
def test_data_on_a_gpu_is_solved_there() -> None:
    x = dp.Variable("x", SHAPE)
    result = dp.Problem(dp.sum_squares(x - noise(4).cuda()) + dp.norm1(x)).solve()
    assert result[x].is_cuda


@gpu
def test_a_gpu_that_is_too_small_is_said_in_a_sentence() -> None:
    free = torch.cuda.mem_get_info()[0]
    side = int((free / 4) ** 0.5)
    x = dp.Variable("x", (1, 1, side, side))
    problem = dp.Problem(dp.sum_squares(x - 1.0) + dp.norm1(dp.grad(x)))
    with pytest.raises(dp.DeviceError, match="There is not enough memory on cuda"):
        problem.solve(device="cuda")


@pytest.mark.parametrize("name", ["drunet_small", "ffdnet", "dncnn"])
def test_the_memory_of_a_denoiser_is_predicted(name: str) -> None:
    x = dp.Variable("x", (1, 1, 128, 128))
    observed = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    problem = dp.Problem(dp.sum_squares(x - observed) + dp.deep_prior(x, name))
    solver = problem.compile("admm", steps=2)
    with LiveBytes() as record:
        solver.solve()
    assert solver.plan.memory_bytes == pytest.approx(record.peak, rel=0.25)
