"""Other libraries, the ADMM written by hand and ours, in one run to a small gap.

All take turns of a few iterations, so that whatever else the machine does hits them alike. What
counts are processor seconds of one thread; the objective is judged between turns, outside of them.
Peers run in processes of their own, with the interpreter that has them.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from benchmarks.television import WEIGHT, ByHand, Contestant, Instance, Ours

__all__ = ["PEERS", "Absent", "Runner", "race", "table"]

PEERS = ("dprox", "deepinv", "pyproximal", "odl")
TURN = 10


class Absent(Exception):
    """A peer that is not installed; its text is the sentence that says so."""


@dataclass
class Runner:
    """How far one of them has come.

    Attributes:
        name: what the table calls it.
        about: its method and the versions its speed depends on.
        seconds: processor seconds of each turn.
        needed: the iterations after which its gap was small enough; None while it is not.
    """

    name: str
    about: str
    seconds: list[float] = field(default_factory=list)
    needed: int | None = None

    @property
    def total(self) -> float:
        """Processor seconds so far."""
        return sum(self.seconds)

    @property
    def step(self) -> float:
        """Processor seconds of one iteration, median over the turns."""
        return statistics.median(self.seconds) / TURN

    def advance(self) -> None:
        """One turn."""
        raise NotImplementedError

    def iterate(self) -> torch.Tensor:
        """What it has."""
        raise NotImplementedError

    def close(self) -> None:
        """It is not needed any more."""


class _Here(Runner):
    """A contestant in this process."""

    def __init__(self, contestant: Contestant) -> None:
        super().__init__(contestant.name, "ADMM")
        self._contestant = contestant
        contestant.advance(3)
        contestant.restart()

    def advance(self) -> None:
        begun = time.process_time()
        self._contestant.advance(TURN)
        self.seconds.append(time.process_time() - begun)

    def iterate(self) -> torch.Tensor:
        return self._contestant.iterate()


class _There(Runner):
    """A peer in a process of its own.

    Raises:
        Absent: its library is not there.
    """

    def __init__(self, name: str, data: Instance, python: str, folder: Path) -> None:
        super().__init__(name, "")
        self._folder = folder / name
        self._folder.mkdir()
        np.savez(
            self._folder / "data.npz",
            kernel=data.kernel.numpy(),
            observed=data.observed[0].numpy(),
            weight=WEIGHT,
        )
        root = str(Path(__file__).parent.parent)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.peers.serve", name, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **threads, "PYTHONPATH": root},
        )
        word, _, rest = self._answer().partition(" ")
        if word != "ready":
            self.close()
            raise Absent(f"{name} is left out: {rest or 'it could not be started'}.")
        self.about = rest
        self._ask(f"advance {TURN}")
        self._ask("restart")

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if not answer:
            raise RuntimeError(f"{self.name} ended in the middle of a run.")
        return answer

    def advance(self) -> None:
        self.seconds.append(float(self._ask(f"advance {TURN}")))

    def iterate(self) -> torch.Tensor:
        self._ask("iterate")
        return torch.from_numpy(np.load(self._folder / "iterate.npy"))[None]

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)


def race(
    data: Instance,
    python: str,
    names: tuple[str, ...],
    gap: float,
    limit: int,
    patience: float = math.inf,
) -> tuple[list[Runner], list[str]]:
    """Everyone to the gap, or to a number of iterations.

    Args:
        data: the problem.
        python: the interpreter that has the peers.
        names: which peers.
        gap: relative to the least objective.
        limit: the most iterations.
        patience: who has taken so many times as long as ours gives up.

    Returns:
        The runners, and a sentence for each peer that is not there.
    """
    long_run = Ours(data)
    long_run.advance(2000)
    best = data.objective(long_run.iterate())
    absent = []
    with tempfile.TemporaryDirectory() as folder:
        runners: list[Runner] = [_Here(Ours(data)), _Here(ByHand(data))]
        for name in names:
            try:
                runners.append(_There(name, data, python, Path(folder)))
            except Absent as error:
                absent.append(str(error))
        racing = list(runners)
        for turn in range(1, limit // TURN + 1):
            for runner in list(racing):
                runner.advance()
                if data.objective(runner.iterate()) - best <= gap * best:
                    runner.needed = turn * TURN
                    racing.remove(runner)
                elif runners[0].needed and runner.total > patience * runners[0].total:
                    racing.remove(runner)
            if not racing:
                break
        for runner in runners:
            runner.close()
    return runners, absent


def table(problem: str, runners: list[Runner]) -> list[str]:
    """The rows, ours first."""
    ours = runners[0]
    rows = [
        "| problem | | ms / iteration | iterations to 1e-4 | s to 1e-4 | / ours |",
        "|---|---|---|---|---|---|",
    ]
    for runner in runners:
        reached = runner.needed is not None
        more = "" if reached else "> "
        share = f"{runner.total / ours.total:.1f}" if ours.needed else "–"
        rows.append(
            f"| {problem} | {runner.name} ({runner.about}) | {1e3 * runner.step:.2f} | "
            f"{runner.needed if reached else 'not reached'} | "
            f"{more}{runner.total:.2f} | {more}{share} |"
        )
    return rows
