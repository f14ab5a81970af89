"""How far a solve is, on the terminal's error stream."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TextIO

__all__ = ["Progress", "duration"]

_EVERY = 0.1  # seconds between two drawings on a terminal
_LINE_EVERY = 10.0  # seconds between two lines where there is none


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 0.4 s, 12 s, 3:07 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min"


class Progress:
    """A bar where there is a terminal, now and then a line where there is none.

    Args:
        stream: where to write; the error stream, unless given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._title = ""
        self._total = 0
        self._drawn = 0.0
        self._open = False

    def start(self, title: str, total: int) -> None:
        """Begin a solve of at most ``total`` iterations."""
        self._title, self._total = title, total
        self._drawn = time.monotonic() if not self._terminal else 0.0
        if not self._terminal:
            self.say(f"{title}: at most {total} iterations")

    def update(self, iteration: int, seconds: float, objective: float, psnr: float | None) -> None:
        """An iteration is done."""
        now = time.monotonic()
        if now - self._drawn < (_EVERY if self._terminal else _LINE_EVERY):
            return
        self._drawn = now
        left = duration(seconds / max(1, iteration) * (self._total - iteration))
        count = f"{iteration}/{self._total}"
        numbers = [f"objective {objective:.6g}"]
        if psnr is not None and not math.isnan(psnr):
            numbers.append(f"PSNR {psnr:.2f} dB")
        if self._terminal:
            self._draw(iteration / max(1, self._total), [count, f"{left} left", *numbers[::-1]])
        else:
            self.say(f"{self._title}: {', '.join([count, *numbers])}, at most {left} left")

    def finish(self, sentence: str) -> None:
        """The solve is over."""
        self.say(f"{self._title}: {sentence}")

    def say(self, line: str) -> None:
        """Write a line, where the bar was if there is one."""
        self._stream.write(("\r\033[K" if self._open else "") + line + "\n")
        self._stream.flush()
        self._open = False

    def clear(self) -> None:
        """Take the bar away."""
        if self._open:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._open = False

    def _draw(self, share: float, words: list[str]) -> None:
        """Draw the bar and as many of the words as the line has room for."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns or 80
        except (OSError, ValueError):
            columns = 80
        room = max(0, min(24, columns - len(self._title) - 40))
        filled = round(min(1.0, share) * room)
        full, empty = ("━", "─") if "utf" in (self._stream.encoding or "").lower() else ("=", "-")
        line = f"{self._title} {full * filled}{empty * (room - filled)}"
        for word in words:
            if len(line) + 2 + len(word) < columns:
                line += "  " + word
        self._stream.write("\r\033[K" + line[: columns - 1])
        self._stream.flush()
        self._open = True
