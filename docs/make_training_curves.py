"""Draws ``docs/training/curves.png``: PSNR on held-out photographs over minutes of training.

    python -m docs.make_training_curves

One curve for each ``docs/training/NETWORK.csv`` that ``dprox_core.training.denoiser`` wrote.
"""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import resources

FOLDER = Path(__file__).parent / "training"
SIZE, LEFT, TOP, RIGHT, BOTTOM = (960, 540), 80, 60, 40, 70
# Okabe and Ito, without the yellow that white paper swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
INK, GRID = "#222222", "#DDDDDD"

Curve = list[tuple[float, float]]


def curves(level: int = 25) -> dict[str, Curve]:
    """Network → (minutes, PSNR in dB at σ = level/255)."""
    found: dict[str, Curve] = {}
    for path in sorted(FOLDER.glob("*.csv")):
        with path.open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        if rows and "seconds" in rows[0]:
            key = f"psnr{level}"
            found[path.stem] = [(float(r["seconds"]) / 60, float(r[key])) for r in rows]
    return found


def draw(found: dict[str, Curve]) -> Image.Image:
    """The picture."""
    picture = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(resources.path("fonts/Inter-Regular.otf")), 16)
    points = [point for curve in found.values() for point in curve]
    end = max(minutes for minutes, _ in points)
    low, high = int(min(p for _, p in points)), int(max(p for _, p in points)) + 1

    def place(minutes: float, psnr: float) -> tuple[float, float]:
        across = LEFT + (SIZE[0] - LEFT - RIGHT) * minutes / end
        down = SIZE[1] - BOTTOM - (SIZE[1] - TOP - BOTTOM) * (psnr - low) / (high - low)
        return across, down

    for psnr in range(low, high + 1):
        _, y = place(0, psnr)
        pen.line([(LEFT, y), (SIZE[0] - RIGHT, y)], fill=GRID)
        pen.text((LEFT - 12, y), f"{psnr}", font=font, fill=INK, anchor="rm")
    for minutes in range(0, int(end) + 1, 20):
        x, y = place(minutes, low)
        pen.text((x, y + 12), f"{minutes}", font=font, fill=INK, anchor="ma")
    pen.text((LEFT, 16), "PSNR in dB at σ = 25/255 on 16 held-out photographs", font=font, fill=INK)
    middle = (LEFT + SIZE[0] - RIGHT) / 2
    pen.text((middle, SIZE[1] - 16), "minutes of training", font=font, fill=INK, anchor="ms")
    for index, (name, curve) in enumerate(found.items()):
        colour = COLOURS[index % len(COLOURS)]
        pen.line([place(*point) for point in curve], fill=colour, width=3)
        x, y = LEFT + 420, SIZE[1] - BOTTOM - 30 - 26 * index
        pen.line([(x, y), (x + 30, y)], fill=colour, width=3)
        pen.text((x + 40, y), f"{name}, {curve[-1][1]:.2f} dB", font=font, fill=INK, anchor="lm")
    return picture


def main() -> None:
    path = FOLDER / "curves.png"
    draw(curves()).save(path)
    print(f"Wrote {path.name}.")


if __name__ == "__main__":
    main()
