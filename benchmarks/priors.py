"""Plug-and-play with default parameters against total variation at its best weight.

    python -m benchmarks.priors [--denoiser drunet_small_color] [--side 128] [--method hqs]

Each photograph is measured as the task says (blur, missing pixels, a Bayer mosaic), with noise, and
recovered twice: by ``sum_squares(…) + deep_prior(x, …)`` with nothing set by hand, not even the
noise level, and by colour total variation, ``sum_squares(…) + λ group_norm1(grad(x), (-1, -4))``,
with the λ that gives *each photograph* its highest PSNR. The gain is what a person wins who takes
the prior as it comes over a person who knew the answer when setting λ.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import dprox_core as dp
import resources
from dprox_core.compiler.methods import METHODS

__all__ = ["TASKS", "Task", "main", "plug_and_play", "total_variation"]

LAMBDAS = (1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3, 3.2e-3, 6.4e-3, 1.3e-2, 2.6e-2, 5e-2)


@dataclass(frozen=True)
class Task:
    """One way of measuring a photograph.

    Attributes:
        name: for the table.
        operator: photograph's shape → the operator, on tensors as on expressions.
        sigma: the noise, 0…1.
    """

    name: str
    operator: Callable[[tuple[int, ...]], Callable[[Any], Any]]
    sigma: float


def _blur(kernel: Tensor) -> Callable[[tuple[int, ...]], Callable[[Any], Any]]:
    return lambda shape: lambda x: dp.conv(x, kernel)


def _coarse(factor: int, sigma: float) -> Callable[[tuple[int, ...]], Callable[[Any], Any]]:
    kernel = dp.gaussian_psf(size=9, sigma=sigma)
    return lambda shape: lambda x: dp.downsample(x, kernel, factor)


def _holes(shape: tuple[int, ...]) -> Callable[[Any], Any]:
    mask = dp.random_mask(shape, keep=0.5, seed=1)
    return lambda x: dp.mask(x, mask)


KERNELS = {
    "Gaussian 1.6": dp.gaussian_psf(size=15, sigma=1.6),
    "motion 15": dp.motion_psf(length=15, angle=30),
    "disk 4": dp.disk_psf(radius=4),
}
TASKS = (
    *(
        Task(f"deconvolution, {name}, σ = {level:g}", _blur(kernel), level / 255)
        for name, kernel in KERNELS.items()
        for level in (2.55, 7.65)
    ),
    Task("×2 super-resolution", _coarse(2, 1.0), 2.55 / 255),
    Task("×3 super-resolution", _coarse(3, 1.6), 2.55 / 255),
    Task("Bayer demosaicking", lambda shape: dp.mosaic, 2.55 / 255),
    Task("inpainting, half missing", _holes, 2.55 / 255),
)


def load(photos: Path | None, side: int, count: int) -> list[tuple[str, Tensor]]:
    """The middle of each photograph; those that come along where no folder is named."""
    folder = photos if photos is not None else Path(resources.path("images"))
    found = []
    for path in sorted(folder.glob("*.png")):
        photo = dp.load_image(str(path))
        if photo.shape[1] != 3:
            continue
        top, left = ((extent - side) // 2 for extent in photo.shape[-2:])
        found.append((path.stem, photo[..., top : top + side, left : left + side].contiguous()))
    return found[:: max(1, len(found) // count)][:count]


def plug_and_play(
    task: Task, photo: Tensor, observed: Tensor, prior: Callable[[Any], Any], **options: Any
) -> float:
    """PSNR in dB of the recovery with default parameters."""
    x = dp.Variable("x", shape=photo.shape)
    fidelity = dp.sum_squares(task.operator(photo.shape)(x) - observed)
    return dp.psnr(dp.Problem(fidelity + prior(x)).solve(**options)[x].clamp(0, 1), photo)


def total_variation(task: Task, photo: Tensor, observed: Tensor) -> float:
    """PSNR in dB of colour total variation at the λ that is best for this photograph."""
    x = dp.Variable("x", shape=photo.shape)
    fidelity = dp.sum_squares(task.operator(photo.shape)(x) - observed)
    variation = dp.group_norm1(dp.grad(x), axis=(-1, -4))
    best, falls, start = 0.0, 0, None
    for weight in LAMBDAS:
        problem = dp.Problem(fidelity + weight * variation)
        result = problem.solve(max_iter=300, x0=start)
        start = result[x]
        value = dp.psnr(start.clamp(0, 1), photo)
        falls = 0 if value > best else falls + 1
        best = max(best, value)
        if falls == 2:
            break
    return best


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.priors", description=__doc__)
    parser.add_argument("--denoiser", default="drunet_small_color")
    parser.add_argument("--weights", help="a file of weights instead of those that come along")
    parser.add_argument("--photos", type=Path, help="a folder of .png photographs")
    parser.add_argument("--side", type=int, default=128, help="side of the middle that is used")
    parser.add_argument("--count", type=int, default=8, help="photographs at most")
    parser.add_argument("--method", default="hqs", choices=tuple(METHODS))
    parser.add_argument("--only", default="", help="tasks whose name holds this")
    parser.add_argument("--csv", type=Path, help="write the rows too")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    photos = load(given.photos, given.side, given.count)
    rows: list[tuple[str, float, float, float, float]] = []
    print(f"{given.denoiser}, {given.method}, {len(photos)} photographs of {given.side}²")
    print("| task | measured, dB | TV at its best λ, dB | prior, dB | gain, dB | s a photograph |")
    print("|---|---|---|---|---|---|")
    for task in TASKS:
        if given.only not in task.name:
            continue
        tv, pnp, raw, seconds = [], [], [], 0.0
        for index, (_, photo) in enumerate(photos):
            observed = task.operator(photo.shape)(photo)
            # Only what was measured holds noise.
            noise = dp.add_noise(torch.zeros_like(photo), task.sigma, seed=index + 10)
            observed = observed + (
                noise[..., : observed.shape[-2], : observed.shape[-1]]
                if observed.shape != photo.shape
                else task.operator(photo.shape)(torch.ones_like(photo)).gt(0.5) * noise
            )
            raw.append(
                dp.psnr(observed.clamp(0, 1), photo) if observed.shape == photo.shape else 0.0
            )
            tv.append(total_variation(task, photo, observed))
            begun = time.perf_counter()

            def prior(x: Any) -> Any:
                return dp.deep_prior(x, given.denoiser, given.weights)

            pnp.append(plug_and_play(task, photo, observed, prior, method=given.method))
            seconds += time.perf_counter() - begun
        count = len(photos)
        means = [sum(values) / count for values in (raw, tv, pnp)]
        rows.append((task.name, *means, seconds / count))  # type: ignore[arg-type]
        shown = "" if means[0] == 0.0 else f"{means[0]:.2f}"
        print(
            f"| {task.name} | {shown} | {means[1]:.2f} | {means[2]:.2f} | "
            f"{means[2] - means[1]:+.2f} | {seconds / count:.1f} |",
            flush=True,
        )
    gain = sum(row[3] - row[2] for row in rows) / len(rows)
    print(f"| mean | | | | {gain:+.2f} | |")
    if given.csv is not None:
        with given.csv.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("task", "measured", "tv", "prior", "seconds"))
            writer.writerows(rows)


if __name__ == "__main__":
    main()
