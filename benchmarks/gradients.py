"""How long an implicit gradient takes, beside the solve whose result it belongs to.

    python -m benchmarks.gradients [--size 128 256] [--method admm]

Deconvolution by total variation, of differences or of gradients' lengths, with x ≥ 0 at default
tolerances, float64, one thread: the solve, the layer's way there (on to where the fixed point is
exact) and the way back (to data and weight), in seconds of processor time, after a first run.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from itertools import pairwise

import torch

import dprox_core as dp
from dprox_core.layers import Specialized
from dprox_core.layers.settling import Settled

__all__ = ["main", "measured"]


def measured(size: int, method: str, isotropic: bool) -> tuple[list[float], Settled]:
    """Seconds for the solve, the way there and the way back, and how well these went."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.linspace(0, 1, size, dtype=torch.float64)
    down, across = rows[:, None], rows[None]
    truth = ((across - 0.4).square() + (down - 0.45).square() < 0.06) + 0.3 * across
    truth = (truth + 0.5 * ((across > 0.55) & (down > 0.5) & (down < 0.85)))[None, None]
    kernel = dp.gaussian_psf(9, 2.0).double()
    noise = torch.randn(truth.shape, generator=generator, dtype=torch.float64)
    b, w = dp.Placeholder("b", tuple(truth.shape)), dp.Placeholder("w", ())
    values = {b: dp.blur(truth, kernel) + 0.01 * noise, w: torch.tensor(0.005).double()}
    for leaf, value in values.items():
        leaf.value = value
    x = dp.Variable("x", tuple(truth.shape))
    variation = dp.group_norm1(dp.grad(x)) if isotropic else dp.norm1(dp.grad(x))
    penalty = w * variation + dp.nonneg(x)
    problem = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - b) + penalty)
    plain = dp.Problem(dp.sum_squares(dp.conv(x, kernel) - values[b]) + penalty)
    layer = dp.specialize(problem, "deq", algorithm=method)
    assert isinstance(layer, Specialized)
    times = [time.process_time()]
    plain.solve(method=method)
    times.append(time.process_time())
    given = {leaf: value.clone().requires_grad_() for leaf, value in values.items()}
    loss = (layer(given) - truth).square().sum()
    times.append(time.process_time())
    loss.backward()
    times.append(time.process_time())
    assert layer.settled is not None
    return [after - before for before, after in pairwise(times)], layer.settled


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", nargs="+", type=int, default=[128, 256])
    parser.add_argument("--method", default="admm")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    measured(32, options.method, True)
    print("| size | variation | solve | there | back | refinements | products | uncertainty |")
    print("|---" * 8 + "|")
    for size in options.size:
        for kind in ("anisotropic", "isotropic"):
            times, told = measured(size, options.method, kind == "isotropic")
            figures = " | ".join(f"{seconds:.2f}" for seconds in times)
            counts = f"{told.refinements} | {told.products} | {told.uncertainty:.1g}"
            print(f"| {size}² | {kind} | {figures} | {counts} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
