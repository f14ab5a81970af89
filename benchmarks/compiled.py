"""Plain steps through ``torch.compile`` against the same steps as they are.

    python -m benchmarks.compiled [--device cuda] [--sizes 512x1 512x3] [--rounds 5]

ADMM on total-variation deconvolution with x ≥ 0, and plug-and-play ADMM with a denoiser of the
catalogue, both with a ρ that stays: the steps between two checks, which nine of ten are. What is
compiled is the step of a solver that takes gradients, which overwrites nothing, in one graph; what
it is compared with is the step that a solve takes. On a GPU compilation is asked for CUDA graphs
(``mode="reduce-overhead"``), and time is the clock's between two synchronizations; elsewhere it is
processor time of one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

import dprox_core as dp
from benchmarks.television import instance
from dprox_core.solver import Solver

__all__ = ["main", "ratio", "traced"]

Step = Callable[[Any], Any]
RHO = 0.1


def plug_and_play(size: int, channels: int) -> dp.Problem:
    """A deconvolution with a small denoiser of the catalogue."""
    observed = torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(0))
    x = dp.Variable("x", observed.shape)
    misfit = dp.sum_squares(dp.conv(x, dp.gaussian_psf(size=15, sigma=1.6)) - observed)
    name = "drunet_small_color" if channels == 3 else "drunet_small"
    return dp.Problem(misfit + dp.deep_prior(x, name, sigma=0.03))


def solvers(problem: dp.Problem, device: str) -> tuple[Solver, Solver]:
    """One that steps in place, and one whose steps overwrite nothing, with the same ρ."""
    plain = problem.compile("admm", rho=RHO, device=device)
    with torch.enable_grad():
        wanted = torch.tensor(RHO, requires_grad=True)
        return plain, problem.compile("admm", rho=wanted, device=device)


def traced(solver: Solver, **options: Any) -> Step:
    """A solver's plain step through ``torch.compile``, in one graph.

    Raises:
        torch._dynamo.exc.Unsupported: something in it cannot be traced.
    """
    algorithm = solver.algorithm
    compiled = torch.compile(lambda state: algorithm.step(state, False), fullgraph=True, **options)

    def step(state: Any) -> Any:
        # With CUDA graphs the memory of the last step's results is used anew from here on.
        torch.compiler.cudagraph_mark_step_begin()
        return compiled(state)

    return step


def copied(state: Any) -> Any:
    """A state with memory of its own, but the same ρ: another makes factors anew."""
    return replace(state.clone(), rho=state.rho)


def ratio(mine: Step, other: Step, states: tuple[Any, Any], steps: int, rounds: int) -> float:
    """The median ratio of the two's times for so many steps, taken in turns."""

    def timed(step: Step, state: Any) -> float:
        begun = _now(state.x[0].device)
        for _ in range(steps):
            state = step(state)
        return _now(state.x[0].device) - begun

    return statistics.median(
        timed(mine, copied(states[0])) / timed(other, copied(states[1])) for _ in range(rounds)
    )


def _now(device: torch.device) -> float:
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


@torch.no_grad()
def _row(what: str, problem: dp.Problem, size: str, given: argparse.Namespace) -> str:
    plain, free = solvers(problem, given.device)
    options = {"mode": "reduce-overhead"} if given.device.startswith("cuda") else {}
    states = [solver.init() for solver in (plain, free)]
    for index, solver in enumerate((plain, free)):
        for _ in range(3):
            states[index] = solver.step(states[index])
    step = traced(free, **options)
    begun = time.perf_counter()
    try:
        found = step(copied(states[1]))
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "no reason given")
        return f"| {what} | {size} | not compiled: {reason:.90} | | |"
    first = time.perf_counter() - begun
    apart = float((found.x[0] - plain.step(copied(states[0])).x[0]).abs().max())
    value = ratio(step, plain.step, (states[1], states[0]), given.steps, given.rounds)
    return f"| {what} | {size} | {value:.2f} | {first:.0f} | {apart:.0e} |"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.compiled", description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--sizes", nargs="*", default=["128x1", "512x1", "512x3"])
    parser.add_argument("--steps", type=int, default=9, help="plain steps between two checks")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--prior-size", default="128x3", help="for plug-and-play")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*complex operators.*")
    print(
        "| step | size | compiled / as it is | first call, s | difference |\n|---|---|---|---|---|"
    )
    for size in given.sizes:
        side, channels = (int(part) for part in size.split("x"))
        print(
            _row("ADMM, total variation", instance(side, channels).problem()[0], size, given),
            flush=True,
        )
    side, channels = (int(part) for part in given.prior_size.split("x"))
    print(
        _row("ADMM, deep prior", plug_and_play(side, channels), given.prior_size, given), flush=True
    )


if __name__ == "__main__":
    main()
