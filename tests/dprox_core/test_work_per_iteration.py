"""Nothing is repeated in every iteration that could be done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import dprox_core as dp
from dprox_core.numerics import fourier

TRANSFORMS = ("_fft_r2c", "_fft_c2r", "_fft_c2c")
SIZE = 24


class _Count(TorchDispatchMode):
    """Counts transforms, one for each image and channel, and the bytes of new tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.transforms = 0.0
        self.new = 0
        self._seen: dict[int, torch.Tensor] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket._qualified_op_name.removeprefix("aten::")
        self.calls[name] += 1
        if name in TRANSFORMS:
            # Two of one axis are one of two.
            images = args[0].shape[:-2].numel() if args[0].ndim > 2 else 1
            self.transforms += images * len(args[1]) / 2
        held = {
            t.untyped_storage().data_ptr()
            for t in (*args, *(kwargs or {}).values())
            if isinstance(t, torch.Tensor)
        }
        for made in result if isinstance(result, tuple) else (result,):
            if isinstance(made, torch.Tensor) and made.numel() > 1:
                storage = made.untyped_storage()
                if storage.data_ptr() not in held:
                    self.new += storage.nbytes()
        return result


@contextmanager
def counted() -> Iterator[_Count]:
    counter = _Count()
    with counter:
        yield counter


def deconvolution(channels: int = 1, batch: int = 1) -> dp.Problem:
    shape = (batch, channels, SIZE, SIZE)
    generator = torch.Generator().manual_seed(0)
    photo = torch.rand(shape, generator=generator)
    kernel = dp.gaussian_psf(size=7, sigma=1.5)
    x = dp.Variable("x", shape)
    return dp.Problem(
        dp.sum_squares(dp.conv(x, kernel) - dp.conv(photo, kernel))
        + 0.01 * dp.norm1(dp.grad(x))
        + dp.nonneg(x)
    )


def steps(problem: dp.Problem, method: str, count: int, **options: object) -> _Count:
    solver = problem.compile(method, **options)  # type: ignore[arg-type]
    state = solver.init()
    for _ in range(3):
        # Factors and scratch memory are made in the first steps.
        state = solver.step(state)
    with counted() as counter:
        for _ in range(count):
            state = solver.step(state)
    return counter


@pytest.mark.parametrize(("channels", "batch"), [(1, 1), (3, 1), (3, 2)])
def test_a_step_of_deconvolution_takes_two_transforms_per_image_and_channel(
    channels: int, batch: int
) -> None:
    counter = steps(deconvolution(channels, batch), "admm", 10)
    assert counter.transforms == 10 * 2 * channels * batch


def test_so_it_does_where_transforms_of_large_images_are_taken_axis_by_axis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fourier, "_TURNED", SIZE * SIZE)
    monkeypatch.setattr(fourier, "_LEAST_SIDE", SIZE)
    monkeypatch.setattr(fourier, "_CROWDED", 1)
    assert steps(deconvolution(3, 2), "admm", 10).transforms == 10 * 2 * 3 * 2


def test_a_gradient_step_takes_two_transforms_per_image_and_channel() -> None:
    x = dp.Variable("x", (1, 3, SIZE, SIZE))
    kernel = dp.gaussian_psf(size=7, sigma=1.5)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - 0.5) + 0.1 * dp.norm1(x))
    assert steps(problem, "fista", 10).transforms == 10 * 2 * 3


def test_denoising_pixel_by_pixel_takes_no_transform() -> None:
    x = dp.Variable("x", (1, 1, SIZE, SIZE))
    problem = dp.Problem(dp.sum_squares(x - 0.5) + 0.1 * dp.norm1(x))
    assert steps(problem, "admm", 5).transforms == 0


def test_a_step_of_deconvolution_makes_a_spectrum_and_nothing_else_of_size() -> None:
    image = SIZE * SIZE * 4
    counter = steps(deconvolution(), "admm", 10)
    spectrum = SIZE * (SIZE // 2 + 1) * 8
    # The forward transform makes its result; the inverse one a copy of its argument, which it
    # overwrites.
    assert counter.new <= 10 * (2 * spectrum + image // 4)


def test_a_solve_measures_at_every_tenth_iteration_only() -> None:
    solver = deconvolution().compile(rho=1.0, abs_tol=0.0, rel_tol=0.0)
    with counted() as counter:
        solver.solve(max_iter=40)
    # Two for each step; the objective at four checks takes one for its convolution and the start
    # a few for spectra; the certificate at the end takes three gradients.
    assert counter.transforms <= 40 * 2 + 4 + 4 + 3 * 2


def test_numbers_are_not_read_from_the_device_in_a_step() -> None:
    counter = steps(deconvolution(), "admm", 10)
    assert counter.calls["_local_scalar_dense"] == 0


def test_shared_sub_expressions_are_bound_once() -> None:
    x = dp.Variable("x", (1, 1, SIZE, SIZE))
    blurred = dp.conv(x, dp.gaussian_psf(size=7, sigma=1.5))
    problem = dp.Problem(dp.sum_squares(blurred - 0.5) + dp.norm1(blurred) + dp.box(blurred, 0, 1))
    with counted() as counter:
        problem.compile()
    # One spectrum for the kernel; the constant part goes through the adjoint and into its basis.
    assert counter.transforms <= 4
