"""Charts as pictures, drawn with Pillow: stacked areas, lines, bars; and their numbers as CSV."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dprox_core.imaging import save_image
from dprox_core.sessions import current

__all__ = ["Chart", "bars", "lines", "save_chart", "stacked"]

Array = NDArray[np.float64]
Colour = tuple[int, int, int]

# Okabe and Ito, "Color Universal Design", 2008: told apart by everybody.
COLOURS: tuple[Colour, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (0, 114, 178),
    (213, 94, 0),
    (153, 153, 153),
    (240, 228, 66),
)
_WIDTH, _HEIGHT = 1200, 600
_LEFT, _RIGHT, _TOP, _BOTTOM = 110, 30, 60, 90
_INK, _GRID = (40, 40, 40), (222, 222, 222)


@dataclass
class Chart:
    """A picture with axes, and the numbers in it.

    Attributes:
        picture: RGB.
        columns: name → numbers, of one length each, for the CSV file.
    """

    picture: Image.Image
    columns: Mapping[str, Sequence[float] | Sequence[str] | Array]


class _Canvas:
    """Axes: from data to pixels, with ticks and a legend."""

    def __init__(
        self,
        title: str,
        unit: str,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        log: bool = False,
    ) -> None:
        self.picture = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
        self.draw = ImageDraw.Draw(self.picture)
        self.font, self.big = ImageFont.load_default(16), ImageFont.load_default(22)
        self._log = log
        self._x, self._y = x_range, self._scaled(np.array(y_range))
        self.draw.text((_LEFT, 14), f"{title}, {unit}" if unit else title, _INK, self.big)

    def _scaled(self, y: Array) -> Array:
        return np.log10(np.maximum(y, 1e-300)) if self._log else y

    def x(self, value: Array | float) -> Array:
        """Horizontal pixels."""
        low, high = self._x
        share = (np.asarray(value, float) - low) / max(high - low, 1e-300)
        return np.asarray(_LEFT + share * (_WIDTH - _LEFT - _RIGHT))

    def y(self, value: Array | float) -> Array:
        """Vertical pixels."""
        low, high = self._y
        share = (self._scaled(np.asarray(value, float)) - low) / max(float(high - low), 1e-300)
        return np.asarray(_HEIGHT - _BOTTOM - np.clip(share, 0, 1) * (_HEIGHT - _TOP - _BOTTOM))

    def axes(self, x_label: str, x_ticks: Mapping[float, str] | None = None) -> None:
        """Grid, numbers and the name of the horizontal axis."""
        low, high = float(self._y[0]), float(self._y[1])
        values = np.arange(np.ceil(low), high + 0.5) if self._log else _ticks(low, high)
        for tick in values:
            value = 10.0**tick if self._log else tick
            level = float(self.y(value))
            self.draw.line((_LEFT, level, _WIDTH - _RIGHT, level), _GRID)
            text = f"1e{int(tick)}" if self._log else f"{tick:g}"
            self.draw.text((_LEFT - 8, level), text, _INK, self.font, anchor="rm")
        base = _HEIGHT - _BOTTOM
        marks = {t: f"{t:g}" for t in _ticks(*self._x)} if x_ticks is None else x_ticks
        for tick, text in marks.items():
            self.draw.text((float(self.x(tick)), base + 8), text, _INK, self.font, anchor="mt")
        self.draw.line((_LEFT, base, _WIDTH - _RIGHT, base), _INK, 2)
        self.draw.text((_WIDTH - _RIGHT, base + 30), x_label, _INK, self.font, anchor="rt")

    def legend(self, names: Sequence[str]) -> None:
        """Colours with their names, below."""
        at = float(_LEFT)
        for name, colour in zip(names, COLOURS * 3, strict=False):
            top = _HEIGHT - 32
            self.draw.rectangle((at, top, at + 16, top + 16), colour, _INK)
            self.draw.text((at + 22, top + 8), name, _INK, self.font, anchor="lm")
            at += 44 + self.draw.textlength(name, self.font)


def _ticks(low: float, high: float) -> list[float]:
    """Four to nine round numbers between two values."""
    span = max(high - low, 1e-300)
    step = 10.0 ** np.floor(np.log10(span / 4))
    step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 8)
    first = np.ceil(low / step - 1e-9)
    return [round(float((first + i) * step), 12) for i in range(int(span / step + 1e-9) + 1)]


def stacked(
    title: str, unit: str, x_label: str, areas: Mapping[str, Array], line: tuple[str, Array]
) -> Chart:
    """Areas on top of each other, positive ones upwards and negative ones downwards, and a line.

    Args:
        title, unit, x_label: words.
        areas: name → values at 0, 1, 2, ….
        line: name and values drawn over them in black.
    """
    values = np.array(list(areas.values()))
    above, below = values.clip(min=0).sum(0), values.clip(max=0).sum(0)
    low, high = min(float(below.min()), 0.0), max(float(above.max()), float(line[1].max()), 1e-9)
    n = values.shape[1]
    canvas = _Canvas(title, unit, (0, max(n - 1, 1)), (low, high))
    canvas.axes(x_label)
    x = canvas.x(np.arange(n, dtype=float))
    for part in (values.clip(min=0), values.clip(max=0)):
        base = np.zeros(n)
        for row, colour in zip(part, COLOURS * 3, strict=False):
            if row.any():
                outline = np.concatenate([canvas.y(base), canvas.y(base + row)[::-1]])
                points = zip(np.concatenate([x, x[::-1]]).tolist(), outline.tolist(), strict=True)
                canvas.draw.polygon(list(points), colour)
            base = base + row
    canvas.draw.line(list(zip(x.tolist(), canvas.y(line[1]).tolist(), strict=True)), _INK, 2)
    canvas.legend([*areas])
    canvas.draw.text((_WIDTH - _RIGHT, 20), f"line: {line[0]}", _INK, canvas.font, anchor="rt")
    return Chart(canvas.picture, {**areas, line[0]: line[1]})


def lines(
    title: str, unit: str, x_label: str, x: Array, curves: Mapping[str, Array], log: bool = False
) -> Chart:
    """Curves over a common x; with ``log`` on a logarithmic scale."""
    values = np.array(list(curves.values()))
    known = values[np.isfinite(values) & ((values > 0) | (not log))]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.1, 1.0)
    if log:
        low, high = 10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high))
        high = high if high > low else 10 * low
    else:
        low, high = min(low, 0.0), high if high > min(low, 0.0) else 1.0
    canvas = _Canvas(title, unit, (float(x.min()), float(x.max())), (low, high), log)
    canvas.axes(x_label)
    for row, colour in zip(values, COLOURS * 3, strict=False):
        good = np.isfinite(row)
        points = zip(canvas.x(x[good]).tolist(), canvas.y(row[good]).tolist(), strict=True)
        canvas.draw.line(list(points), colour, 3, joint="curve")
    canvas.legend([*curves])
    return Chart(canvas.picture, {x_label: x, **curves})


def bars(title: str, unit: str, groups: Sequence[str], series: Mapping[str, Array]) -> Chart:
    """Bars side by side in groups.

    Args:
        title, unit: words.
        groups: names below the groups.
        series: name → one value for each group.
    """
    values = np.array(list(series.values()))
    canvas = _Canvas(title, unit, (-0.6, len(groups) - 0.4), (0.0, max(float(values.max()), 1e-9)))
    canvas.axes("", {float(i): name for i, name in enumerate(groups)})
    width = 0.8 / len(series)
    for k, (row, colour) in enumerate(zip(values, COLOURS * 3, strict=False)):
        for i, value in enumerate(row):
            left = i - 0.4 + k * width
            corners = (canvas.x(left), canvas.y(value), canvas.x(left + width), canvas.y(0.0))
            canvas.draw.rectangle([float(c) for c in corners], colour)
    canvas.legend([*series])
    return Chart(canvas.picture, {"": list(groups), **series})


def save_chart(path: str | os.PathLike[str], chart: Chart) -> Path:
    """Write a chart as PNG, and its numbers beside it as CSV.

    Args:
        path: of the picture, ending in .png; relative to the session's output folder.
        chart: what to write.

    Returns:
        The path of the picture.

    Raises:
        ImageError: the ending is another one, or the folder cannot be written.
    """
    pixels = torch.from_numpy(np.array(chart.picture)).permute(2, 0, 1)[None].double() / 255
    written = save_image(path, pixels)
    out = current().out
    target = written.with_suffix(".csv")
    if out is not None and not target.is_absolute():
        target = out / target
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*chart.columns])
        writer.writerows(zip(*chart.columns.values(), strict=True))
    return written
