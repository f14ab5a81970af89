"""How soon the window is there.

    python -m benchmarks.startup [--rounds 9]

Fresh processes, one after the other in turns: a bare PySide6 window with NodeGraphQt imported, the
same without what the studio spares NodeGraphQt (``app.canvas.versions``), and the studio as
``dprox-studio`` opens it (on the welcome page, before the solver's process begins), each to its
first painted frame. Processor seconds are compared, since those do not depend on what
else the machine does; bytecode is compiled beforehand for both, as after any first start. The
studio's own time is told by what it went into.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

__all__ = ["main", "startup"]

_HEAD = """
import json, os, time
os.environ.setdefault("QT_PREFERRED_BINDING", "PySide6")
wall, last, spent = time.perf_counter(), time.process_time(), {}
def done(what):
    global last
    now = time.process_time()
    spent[what], last = now - last, now
def tell():
    print(json.dumps({"wall": time.perf_counter() - wall, "spent": spent}), flush=True)
    os._exit(0)
"""
_BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
done("Qt")
import NodeGraphQt
done("imports")
window = QMainWindow(); window.resize(1440, 900); window.show()
done("building")
window.grab()
done("painting")
tell()
"""
_STUDIO = """
import PySide6.QtWidgets
done("Qt")
import app.window
done("imports")
application, window = app.window.assemble()
done("building")
window.grab()
done("painting")
tell()
"""
_LEAN = _BARE.replace(
    "import NodeGraphQt",
    "from app.canvas.versions import lent\nwith lent():\n    import NodeGraphQt",
)
_PARTS = ("Qt", "imports", "building", "painting")


def _once(code: str, environment: dict[str, str]) -> dict[str, float]:
    found = subprocess.run(
        [sys.executable, "-c", _HEAD + code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    told = json.loads(found.stdout.splitlines()[-1])
    return {**told["spent"], "all": sum(told["spent"].values()), "wall": told["wall"]}


def startup(rounds: int) -> list[dict[str, float]]:
    """Medians over interleaved starts of the two bare windows and of the studio, in seconds.

    Returns:
        For each the processor time of its parts and of ``"all"``, and ``"wall"``.
    """
    found: list[list[dict[str, float]]] = [[], [], []]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
            "XDG_CONFIG_HOME": folder,
            "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"),
        }
        for number in range(rounds + 1):
            for runs, code in zip(found, (_BARE, _LEAN, _STUDIO), strict=True):
                run = _once(code, environment)
                if number:  # the first start compiles
                    runs.append(run)
    return [_medians(runs) for runs in found]


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def main() -> int:
    """Print the table; the exit code says whether the goal was met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    found = startup(parser.parse_args().rounds)
    print("| to the first painted frame, processor ms | " + " | ".join(_PARTS) + " | all | wall |")
    print("|---" * (len(_PARTS) + 3) + "|")
    names = ("bare window with NodeGraphQt", "the same without Qt.py and distutils", "studio")
    for name, parts in zip(names, found, strict=True):
        cells = [f"{1000 * parts[part]:.0f}" for part in (*_PARTS, "all", "wall")]
        print(f"| {name} | " + " | ".join(cells) + " |")
    bare, lean, studio = (parts["all"] for parts in found)
    met = studio / bare < 1.5
    print(f"ratio {studio / bare:.2f} ({studio / lean:.2f} to the second), goal under 1.5: "
          f"{'met' if met else 'MISSED'}")  # fmt: skip
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
