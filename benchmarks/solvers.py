"""How fast a step is, and how soon a solve is done, beside what one would write by hand.

    python -m benchmarks.solvers [--sizes 512x1 1024x3] [--solve 512x1] [--threads 1 2]
    python -m benchmarks.solvers --peers [NAME ...] [--peer-python PATH] [--peer-size 512x1]
                                [--patience 40]

Total-variation deconvolution with x ≥ 0 (benchmarks/television.py). Contestants take turns, so that
whatever else the machine does hits all of them alike; medians of the rounds, and ratios to the
floor and to the ADMM written by hand. Sizes named by ``--solve`` are also solved to a relative gap
of 1e-4. Times are processor seconds of all threads; ``--clock elapsed`` is for a machine at rest.

With ``--peers`` other libraries solve the same problem to that gap beside ours
(benchmarks/race.py): those installed for the interpreter ``--peer-python``, the others are left
out in words. Whoever has taken ``--patience`` times as long as ours gives up.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.race import PEERS, race, table
from benchmarks.television import ByHand, Contestant, Floor, Instance, Ours, instance

__all__ = ["Outcome", "main", "measure"]

STEP_TARGET, SOLVE_TARGET, PEER_TARGET = 1.3, 1.3, 4.0
GAP = 1e-4

Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"processor": time.process_time, "elapsed": time.perf_counter}


@dataclass(frozen=True)
class Outcome:
    """What one contestant took.

    Attributes:
        step: seconds for one iteration, median.
        iterations: to a relative gap of 1e-4, None where it was not reached.
        solve: seconds for those, median.
    """

    step: float
    iterations: int | None
    solve: float | None


def measure(
    contestants: list[Contestant], needed: dict[str, int], steps: int, rounds: int, clock: Clock
) -> dict[str, Outcome]:
    """All contestants on one problem, taking turns.

    Args:
        contestants: who takes part.
        needed: how many iterations each takes to the gap.
        steps: iterations timed in one turn.
        rounds: turns.
        clock: what tells the time.
    """
    times: dict[str, list[float]] = {c.name: [] for c in contestants}
    solves: dict[str, list[float]] = {c.name: [] for c in contestants}
    for turn in range(rounds):
        for contestant in contestants:
            contestant.restart()
            contestant.advance(3)
            times[contestant.name].append(_timed(contestant, steps, clock) / steps)
            count = needed.get(contestant.name)
            if count is not None and turn < 3:
                contestant.restart()
                solves[contestant.name].append(_timed(contestant, count, clock))
    return {
        c.name: Outcome(
            statistics.median(times[c.name]),
            needed.get(c.name),
            statistics.median(solves[c.name]) if solves[c.name] else None,
        )
        for c in contestants
    }


def _timed(contestant: Contestant, iterations: int, clock: Clock) -> float:
    begun = clock()
    contestant.advance(iterations)
    return clock() - begun


def iterations_needed(data: Instance, contestants: list[Contestant]) -> dict[str, int]:
    """For each, the first multiple of twenty whose gap is small enough; looked for untimed."""
    long_run = Ours(data)
    long_run.advance(1500)
    best = data.objective(long_run.iterate())
    needed = {}
    for contestant in contestants:
        contestant.restart()
        for count in range(20, 1501, 20):
            contestant.advance(20)
            if data.objective(contestant.iterate()) - best <= GAP * best:
                needed[contestant.name] = count
                break
    return needed


def main() -> int:
    """Measure, print the tables, and say by the exit code whether the targets were met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", nargs="+", default=["512x1", "1024x3"], metavar="SIDExCHANNELS")
    parser.add_argument("--solve", nargs="*", default=["512x1"], metavar="SIDExCHANNELS")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="processor")
    parser.add_argument("--peers", nargs="*", choices=PEERS, metavar="NAME")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--peer-size", default="512x1", metavar="SIDExCHANNELS")
    parser.add_argument("--patience", type=float, default=40.0, metavar="TIMES")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, torch "
          f"{torch.__version__}")  # fmt: skip
    if options.peers is not None:
        names = tuple(options.peers) or PEERS
        size, channels = (int(part) for part in options.peer_size.split("x"))
        return _beside_peers(size, channels, options.peer_python, names, options.patience)
    print("| problem | threads | | ms / iteration | / floor | iterations to 1e-4 | s | / by hand |")
    print("|---|---|---|---|---|---|---|---|")
    met = True
    for text in options.sizes:
        size, channels = (int(part) for part in text.split("x"))
        data = instance(size, channels)
        contestants: list[Contestant] = [Floor(data), ByHand(data), Ours(data)]
        torch.set_num_threads(max(options.threads))
        # The floor takes the same iterations as the ADMM written by hand.
        needed = iterations_needed(data, contestants[1:]) if text in options.solve else {}
        for threads in options.threads:
            torch.set_num_threads(threads)
            # Whole tens, for residuals are measured at every tenth.
            steps = 40 if size * size * channels <= 2**19 else 10
            found = measure(contestants, needed, steps, options.rounds, CLOCKS[options.clock])
            met &= _print(f"{size}² × {channels}", threads, found)
    words = f"a step at most {STEP_TARGET} × the floor, a solve at most {SOLVE_TARGET} × by hand"
    print(f"targets: {words}:", "met" if met else "MISSED")
    return 0 if met else 1


def _beside_peers(
    size: int, channels: int, python: str, names: tuple[str, ...], patience: float
) -> int:
    torch.set_num_threads(1)
    runners, absent = race(instance(size, channels), python, names, GAP, 3000, patience)
    print("\n".join(table(f"{size}² × {channels}", runners)))
    for sentence in absent:
        print(sentence)
    ours = runners[0]
    # One that had not come to the gap had at least taken so long.
    met = ours.needed is not None and all(
        runner.total >= PEER_TARGET * ours.total for runner in runners[2:]
    )
    print(f"target: every peer at least {PEER_TARGET:g} × as long:", "met" if met else "MISSED")
    return 0 if met else 1


def _print(problem: str, threads: int, found: dict[str, Outcome]) -> bool:
    floor, by_hand = found[Floor.name], found[ByHand.name]
    for name, outcome in found.items():
        solve, share = "–", "–"
        if outcome.solve is not None:
            solve = f"{outcome.solve:.2f}"
            share = "–" if by_hand.solve is None else f"{outcome.solve / by_hand.solve:.2f}"
        print(
            f"| {problem} | {threads} | {name} | {1e3 * outcome.step:.2f} | "
            f"{outcome.step / floor.step:.2f} | {outcome.iterations or '–'} | {solve} | {share} |"
        )
    ours = found[Ours.name]
    soon = ours.solve is None or (
        by_hand.solve is None or ours.solve <= SOLVE_TARGET * by_hand.solve
    )
    return soon and ours.step <= STEP_TARGET * floor.step


if __name__ == "__main__":
    sys.exit(main())
