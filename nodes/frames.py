"""What stands on the canvas besides nodes: backdrops behind a group of them, and notes."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["COLOURS", "SMALLEST", "Frame"]

#: Names of the colours a frame can have; what they look like is the theme's business.
COLOURS = ("grey", "blue", "green", "orange", "purple")
#: Width and height of the smallest frame.
SMALLEST = (80.0, 48.0)


@dataclass(frozen=True)
class Frame:
    """A rectangle with words. It never changes: a document replaces it.

    Attributes:
        id: uuid hex.
        kind: "backdrop", behind nodes that move with it, or "note", which holds only words.
        text: a backdrop's title, or a note's Markdown.
        rect: left, top, width, height on the canvas.
        colour: one of ``COLOURS``.
        group: id of the group in whose definition it stands; "" stands in the graph itself.
    """

    id: str
    kind: str = "backdrop"
    text: str = ""
    rect: tuple[float, float, float, float] = (0, 0, 320, 200)
    colour: str = "grey"
    group: str = ""

    def problem(self) -> str | None:
        """Why this cannot stand in a document, as a sentence; None if it can."""
        if self.kind not in ("backdrop", "note"):
            return f'"{self.kind}" is neither a backdrop nor a note.'
        if self.colour not in COLOURS:
            return f'"{self.colour}" is not one of the colours {", ".join(COLOURS)}.'
        if len(self.rect) != 4 or not all(
            isinstance(c, int | float) and not isinstance(c, bool) and math.isfinite(c)
            for c in self.rect
        ):
            return "The place of a frame is four finite numbers."
        if self.rect[2] < SMALLEST[0] or self.rect[3] < SMALLEST[1]:
            return f"A frame is at least {SMALLEST[0]:g} wide and {SMALLEST[1]:g} high."
        return None

    def holds(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether a box lies inside, so that it moves with the frame."""
        left, top, wide, high = self.rect
        return left <= x and top <= y and x + width <= left + wide and y + height <= top + high
