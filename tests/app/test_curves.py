"""Curves: crosshair, seconds, the run before, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app import dialogs
from app.runner import Runner
from tests.app.support import LEFT, Person


def _solve(person: Person, last: float, count: int = 50) -> np.ndarray:
    """A run that went through, as far as the panes can tell."""
    runner: Runner = person.window.runner
    runner._forget_solve()
    runner.started.emit()
    rows = np.full((count, 8), np.nan)
    rows[:, 0] = np.arange(1, count + 1)
    rows[:, 1] = rows[:, 0] * 0.25
    for column in (2, 3, 4):
        rows[:, column] = np.geomspace(100, last, count)
    runner._append(rows)
    person.window.curves.paint_now()
    return rows


def test_the_run_before_stays_as_a_thin_line(person: Person) -> None:
    curves = person.window.curves
    first = _solve(person, 1.0)
    assert len(curves.ghost) == 0
    _solve(person, 0.1)
    assert np.array_equal(curves.ghost, first, equal_nan=True)
    x, y = curves._ghost["objective"].getData()
    assert (x[-1], y[-1]) == (50, pytest.approx(np.log10(1.0)))
    person.bot.mouseClick(curves.ghosted, LEFT)
    assert len(curves.ghost) == 0
    person.example("denoising")
    person.bot.mouseClick(curves.ghosted, LEFT)
    assert len(curves.ghost) == 0  # another document, nothing to compare with


def test_the_axis_can_be_seconds(person: Person) -> None:
    curves = person.window.curves
    _solve(person, 1.0)
    person.bot.mouseClick(curves.by_time, LEFT)
    assert curves._curve["objective"].getData()[0][-1] == pytest.approx(12.5)


def test_the_crosshair_tells_the_values_there(person: Person) -> None:
    curves = person.window.curves
    rows = _solve(person, 1.0)
    plot = curves.objective
    person.bot.wait(150)
    scene = plot.view.mapViewToScene(QPointF(20, 1.0))
    person.bot.mouseMove(plot.viewport(), plot.mapFromScene(scene))
    assert "at 20 (5.00 s)" in curves.titles[0].text()
    assert f"{rows[19, 2]:.5g}" in curves.titles[0].text()
    assert f"{rows[19, 3]:.3g}" in curves.titles[1].text()
    assert curves.residuals._line.isVisible()
    plot.pointed.emit(float("nan"))
    assert " at " not in curves.titles[0].text()


def test_curves_are_saved(person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = person.window.curves
    rows = _solve(person, 1.0)
    monkeypatch.setattr(dialogs, "ask_table_target", lambda *_: tmp_path / "h.csv")
    curves.table_wanted.emit(curves.columns())
    table = np.genfromtxt(tmp_path / "h.csv", delimiter=",", names=True)
    assert np.allclose(table["objective"], rows[:, 2])
    for name in ("p.svg", "p.png"):
        monkeypatch.setattr(dialogs, "ask_plot_target", lambda *_, n=name: tmp_path / n)
        curves.picture_wanted.emit(curves.objective)
    assert "<svg" in (tmp_path / "p.svg").read_text()
    assert (tmp_path / "p.png").stat().st_size > 500
