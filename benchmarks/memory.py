"""How much memory one gradient through a solve takes, by engine and number of steps.

    python -m benchmarks.memory [--size 256] [--steps 10 40 160]

Total-variation denoising by ADMM, float32, one gradient with respect to the data. The figures are
the most bytes of live tensors at once (not the resident set), data included, in MB.
"""

from __future__ import annotations

import argparse
import sys

import torch

import dprox_core as dp
from benchmarks.live import LiveBytes
from dprox_core.layers import ENGINES

__all__ = ["main", "peak"]


def peak(engine: str, size: int, steps: int) -> int:
    """The most bytes alive while a gradient through ``steps`` steps is taken."""
    shape = (1, 1, size, size)
    b = dp.Placeholder("b", shape=shape)
    x = dp.Variable("x", shape)
    problem = dp.Problem(dp.sum_squares(x - b) + 0.1 * dp.norm1(dp.grad(x)))
    layer = dp.specialize(
        problem,
        "deq" if engine == "implicit" else "unroll",
        max_iter=steps,
        engine=engine,
        rho=1.0,
        abs_tol=0.0,
        rel_tol=0.0,
    )
    generator = torch.Generator().manual_seed(0)
    data = torch.rand(shape, generator=generator).requires_grad_()
    with LiveBytes() as record:
        layer({b: data}).square().sum().backward()
    return record.peak


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", nargs="+", type=int, default=[10, 40, 160])
    options = parser.parse_args()
    print("| engine | " + " | ".join(f"{steps} steps" for steps in options.steps) + " |")
    print("|---" * (1 + len(options.steps)) + "|")
    for engine in ENGINES:
        figures = [peak(engine, options.size, steps) / 1e6 for steps in options.steps]
        print(f"| {engine} | " + " | ".join(f"{figure:.0f}" for figure in figures) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
