"""Opens the window, where there is a display and a Qt that works; says so in a sentence if not."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from app.cli.documents import load
from app.cli.errors import CommandError, near

__all__ = ["main", "obstacle"]

_DEFAULT = "example:plug_and_play"


def main(options: argparse.Namespace, verbs: list[str]) -> int:
    """Open the window on FILE, or solve it headless where that was asked for."""
    if options.headless:
        return _headless(options.file or _DEFAULT)
    if options.file is not None and not options.file.startswith("example:"):
        _must_exist(options.file, verbs)
    sentence = obstacle()
    if sentence is None:
        from app.window import open_window

        code: int = open_window(options.file)
        return code
    if options.or_headless:
        print(f"dprox-studio: {sentence}", file=sys.stderr)
        print("dprox-studio: Solving without a window instead.", file=sys.stderr)
        return _headless(options.file or _DEFAULT)
    raise CommandError(
        sentence, "Without a window, “dprox-studio run FILE” solves, and “--help” lists the rest."
    )


def _headless(file: str) -> int:
    from app.cli.run import run

    document = load(file)
    return run(document, Path("out") / Path(file.removeprefix("example:")).stem)


def _must_exist(file: str, verbs: list[str]) -> None:
    if Path(file).is_dir():
        raise CommandError(f"“{file}” is a folder, not a document.")
    if Path(file).exists():
        return
    hint = near(file, verbs) if re.fullmatch(r"[\w-]+", file) else ""
    raise CommandError(f"There is no file “{file}”.{hint}")


def obstacle() -> str | None:
    """Why the window cannot be opened here, or None."""
    return _broken_qt() or _no_display() or _missing_libraries()


def _broken_qt() -> str | None:
    """PySide6 6.12 drops references to None on Python 3.11 and older, and dies of it."""
    try:
        version = importlib.metadata.version("PySide6-Essentials")
    except importlib.metadata.PackageNotFoundError:
        return "The window needs Qt, which is not installed: run pip install PySide6-Essentials."
    number = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if number >= (6, 12) and sys.version_info < (3, 12):
        python = ".".join(map(str, sys.version_info[:2]))
        return (
            f"PySide6 {version} crashes on Python {python}: run "
            "pip install 'PySide6-Essentials<6.12', or use Python 3.12 or newer."
        )
    return None


def _no_display() -> str | None:
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if platform and platform not in ("xcb", "wayland", "wayland-egl"):
        return None
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if not display and not wayland:
        return (
            "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so the window "
            "cannot open: start it on a desktop, through “ssh -X”, or under xvfb-run."
        )
    if (wayland and _answers_wayland(wayland)) or (display and _answers_x11(display)):
        return None
    return (
        f"The display {display or wayland} does not answer, so the window cannot open: "
        "check DISPLAY, or start it on a desktop."
    )


def _answers_wayland(name: str) -> bool:
    folder = os.environ.get("XDG_RUNTIME_DIR", "/run/user/" + str(os.getuid()))
    return _connects(socket.AF_UNIX, os.path.join(folder, name))


def _answers_x11(display: str) -> bool:
    found = re.fullmatch(r"(?:(.*)/)?([^:]*):(\d+)(?:\.\d+)?", display)
    if found is None:
        return os.path.exists(display)  # a launchd socket on macOS
    host, number = found[2], int(found[3])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return _connects(socket.AF_UNIX, path) or _connects(socket.AF_UNIX, "\0" + path)
    return _connects(socket.AF_INET, (host, 6000 + number))


def _connects(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


_DEBIAN = {
    "libxcb-cursor": "libxcb-cursor0",
    "libxcb-icccm": "libxcb-icccm4",
    "libxcb-keysyms": "libxcb-keysyms1",
    "libxcb-shape": "libxcb-shape0",
    "libxcb-xkb": "libxcb-xkb1",
    "libxkbcommon-x11": "libxkbcommon-x11-0",
    "libxkbcommon": "libxkbcommon0",
    "libGL": "libgl1",
    "libEGL": "libegl1",
    "libglib-2.0": "libglib2.0-0",
    "libgthread-2.0": "libglib2.0-0",
    "libdbus-1": "libdbus-1-3",
    "libfontconfig": "libfontconfig1",
}


def _missing_libraries() -> str | None:
    """Qt ends the process where a library of its platform plugin is missing; better to say it."""
    loader = shutil.which("ldd")
    if not sys.platform.startswith("linux") or loader is None:
        return None
    distribution = importlib.metadata.distribution("PySide6-Essentials")
    folder = Path(str(distribution.locate_file("PySide6/Qt")))
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0] or "xcb"
    if not os.environ.get("DISPLAY") and platform == "xcb":
        platform = "wayland"
    candidates = [
        folder / "plugins" / "platforms" / f"libq{platform}.so",
        folder / "lib" / "libQt6Widgets.so.6",
    ]
    missing: set[str] = set()
    for path in candidates:
        if path.exists():
            found = subprocess.run([loader, path], capture_output=True, text=True, check=False)
            missing |= set(re.findall(r"^\s*(\S+) => not found", found.stdout, re.M))
    if not missing:
        return None
    packages = sorted({_package(name) for name in missing})
    return (
        f"Qt needs libraries that this system lacks ({', '.join(sorted(missing))}): on Debian, "
        f"run apt-get install {' '.join(packages)}."
    )


def _package(library: str) -> str:
    return _DEBIAN.get(library.split(".so")[0], library)
