"""What the command line keeps of a run: images, history, report."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.cli.progress import Progress
from app.engine.worker_run import Observer

__all__ = ["Recorder", "Solve"]

COLUMNS = ("iteration", "seconds", "objective", "primal_residual", "dual_residual")


@dataclass
class Solve:
    """One solve of the script."""

    name: str
    plan: dict[str, Any]
    max_iter: int
    rows: list[tuple[float | None, ...]] = field(default_factory=list)
    residuals: dict[str, float | None] = field(default_factory=dict)
    result: Any = None

    @property
    def status(self) -> str:
        """The status as a word: converged, iteration_limit, stopped, diverged, not_finite."""
        return str(self.result.status.value) if self.result is not None else "unfinished"

    @property
    def failed(self) -> bool:
        """Whether its result is of no use."""
        return self.status in ("diverged", "not_finite")


class Recorder(Observer):
    """Shows progress, and writes what came out into a folder.

    Args:
        folder: where to write.
        names: node id → name.
        progress: the bar.
        stop: whether the person has asked to stop.
    """

    def __init__(
        self,
        folder: Path,
        names: Mapping[str, str],
        progress: Progress,
        stop: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._names = names
        self._progress = progress
        self._stop = stop
        self.solves: list[Solve] = []
        self.images: dict[str, tuple[int, ...]] = {}

    def should_stop(self) -> bool:
        """Whether the person has asked to stop."""
        return self._stop()

    def solve_started(self, node: str | None, event: Any) -> None:
        """Begin a history."""
        name = self._names.get(node or "", "solve")
        self.solves.append(Solve(name, event.plan.to_dict(), int(event.max_iter)))
        self._progress.start(name, int(event.max_iter))

    def iteration(self, event: Any) -> None:
        """Keep the row and move the bar."""
        solve = self.solves[-1]
        solve.rows.append(
            (
                event.iteration,
                event.seconds,
                event.objective,
                event.primal_residual,
                event.dual_residual,
                event.psnr,
            )
        )
        solve.residuals = {
            "primal": _finite(event.primal_residual),
            "dual": _finite(event.dual_residual),
            "primal_tolerance": _finite(event.primal_tolerance),
            "dual_tolerance": _finite(event.dual_tolerance),
        }
        objective = math.nan if event.objective is None else event.objective
        self._progress.update(event.iteration, event.seconds, objective, event.psnr)

    def solve_finished(self, node: str | None, event: Any) -> None:
        """Keep the result and say how the solve ended."""
        solve = self.solves[-1]
        solve.result = event.result
        self._progress.finish(event.result.status.sentence)

    def output(self, node: str | None, event: Any) -> None:
        """Write the values beside the picture that the script has just written."""
        values = as_array(event.image)
        path = Path(event.path)
        # NumPy does not say why a file could not be written; the system does.
        data = io.BytesIO()
        np.save(data, values, allow_pickle=False)
        path.with_suffix(".npy").write_bytes(data.getbuffer())
        self.images[path.stem] = values.shape

    def write(self, script: str, report: Mapping[str, Any]) -> None:
        """Write script, report and histories.

        Raises:
            OSError: the disk is full.
        """
        (self._folder / "script.py").write_text(script, encoding="utf-8")
        for index, solve in enumerate(self.solves):
            last = index == len(self.solves) - 1
            self._write_history(solve, "history.csv" if last else f"history-{solve.name}.csv")
        text = json.dumps(self.report() | dict(report), indent=2, ensure_ascii=False)
        (self._folder / "report.json").write_text(text + "\n", encoding="utf-8")

    def report(self) -> dict[str, Any]:
        """What there is to say about the last solve, and in short about those before it."""
        if not self.solves:
            return {"status": None, "converged": None}
        return self._of(self.solves[-1]) | {
            "earlier_solves": [self._of(solve) for solve in self.solves[:-1]]
        }

    def _of(self, solve: Solve) -> dict[str, Any]:
        result = solve.result
        return {
            "solver": solve.name,
            "status": solve.status,
            "sentence": result.status.sentence,
            "converged": bool(result.converged),
            "iterations": int(result.iterations),
            "objective": _finite(result.objective),
            "residuals": solve.residuals,
            "metrics": {str(k): _finite(v) for k, v in dict(result.metrics).items()},
            "seconds": _finite(result.seconds),
            "device": str(result.device),
            "plan": _plain(solve.plan),
        }

    def _write_history(self, solve: Solve, name: str) -> None:
        with_psnr = any(row[-1] is not None for row in solve.rows)
        width = len(COLUMNS) + with_psnr
        with (self._folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow((*COLUMNS, "psnr")[:width])
            writer.writerows(row[:width] for row in solve.rows)


def as_array(image: Any) -> npt.NDArray[Any]:
    """The values of an image tensor as (H, W) or (H, W, C); a batch keeps its axis in front."""
    array: npt.NDArray[Any] = np.asarray(image.detach().cpu().numpy())
    if array.ndim >= 3:
        array = np.moveaxis(array, -3, -1)
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim >= 3 and array.shape[-1] == 1:
        array = array[..., 0]
    return np.ascontiguousarray(array)


def _finite(value: Any) -> float | None:
    """A number that JSON knows; NaN and infinity are none."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
