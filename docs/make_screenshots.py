"""Screenshots of the real window in the middle of a run.

    python -m docs.make_screenshots [--out docs/screenshots] [--iteration 60]

Opens the deconvolution example as a person would, presses Run, and saves the window as it looks
after some iterations: dark and light, 1280 × 800 and 1920 × 1080; then the comparison of pictures,
presenting, high contrast, the welcome page and the tour. Needs no display.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from app import theme
from app.main_window import MainWindow
from app.window import make_application

SIZES = ((1280, 800), (1920, 1080))
_NODE = "smoothness"  # what the inspector shows


def _wait(condition: Callable[[], bool], seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        if condition():
            return True
        time.sleep(0.005)
    return False


def _pause(seconds: float) -> None:
    end = time.monotonic() + seconds
    _wait(lambda: time.monotonic() >= end, seconds + 5)


def _take(window: MainWindow, name: str, size: tuple[int, int], iteration: int) -> None:
    """Run the example afresh in a theme and a size, and leave it running."""
    theme.apply(name)
    window.resize(*size)
    _pause(0.3)
    window.arrange("build")
    window.canvas.fit()
    window.docks.show("script")
    window.commands.run_run()
    window.code.view.verticalScrollBar().setValue(0)
    node = window.session.document.by_name(_NODE)
    window.session.select([node.id] if node else [])
    if not _wait(lambda: window.runner.progress.iteration >= iteration or not window.runner.busy):
        raise SystemExit("The solver did not get there in two minutes.")


def _save(window: MainWindow, path: Path) -> None:
    _pause(1.0)
    window.grab().save(str(path))
    print(path)


def _others(window: MainWindow, out: Path) -> None:
    """Welcome, tour, comparison, contrast, a group: after a run, so that there is something."""
    theme.apply("dark")
    window.resize(1280, 800)
    window.arrange("watch")
    window.docks.show("compare")
    ids = {node.name: node.id for node in window.session.document.nodes}
    window.compare.choose("iterate", ids["observed"], "Wipe")
    _save(window, out / "compare.png")
    window.docks.show("iterate")
    window.arrange("present")
    _save(window, out / "present.png")
    window.arrange("build")
    window.docks.show("iterate")
    theme.apply("contrast")
    window.docks.show("history")
    _save(window, out / "contrast.png")
    theme.apply("dark")
    window.docks.show("script")
    window.session.select([ids["blurred"], ids["observed"]])
    window.commands.group_make()
    window.commands.group_open()
    window.canvas.fit()
    _wait(lambda: len(window.runner.pictures) > 3, 20)
    _save(window, out / "group.png")
    window.session.history.go_to(0)
    theme.apply("light")
    window.welcome.open()
    _save(window, out / "welcome.png")
    window.session.history.mark_clean()
    window.commands.help_tour()
    if window.tour is not None:
        for _ in range(2):
            window.tour.perform()
            window.tour.go_on()
        _save(window, out / "tour.png")
        window.tour.end()


def main() -> int:
    """Make all screenshots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "screenshots")
    parser.add_argument("--iteration", type=int, default=60)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as settings:
        os.environ["XDG_CONFIG_HOME"] = settings
        make_application([])
        theme.apply("dark")
        window = MainWindow()
        window.show()
        window.session.open("example:deconvolution")
        if not _wait(lambda: window.runner.state == "idle"):
            raise SystemExit("The solver process did not start.")
        for name in ("dark", "light"):
            for size in SIZES:
                _take(window, name, size, options.iteration)
                path = options.out / f"{name}-{size[0]}x{size[1]}.png"
                window.grab().save(str(path))
                print(path)
                window.runner.stop()
                _wait(lambda: not window.runner.busy)
        _others(window, options.out)
        window.session.history.mark_clean()
        window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
