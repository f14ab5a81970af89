"""Two pictures against each other: modes, levels, region, profile, files."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from skimage.io import imread
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from app import dialogs, export, measure
from app.pictures import to_pixmap
from app.results import Picture
from tests.app.support import LEFT, Person

RANDOM = np.random.default_rng(0)


def test_numbers_agree_with_those_of_scikit_image() -> None:
    a, b = RANDOM.random((40, 30, 3)), RANDOM.random((40, 30, 3))
    assert measure.psnr(a, b) == pytest.approx(peak_signal_noise_ratio(a, b, data_range=1.0))
    expected = structural_similarity(a, b, data_range=1.0, channel_axis=2)
    # scikit-image averages over windows that lie inside, as we do.
    assert measure.ssim(a, b) == pytest.approx(expected, abs=1e-6)
    assert measure.ssim(a, a) == pytest.approx(1.0)
    assert measure.psnr(a, a) == math.inf
    assert measure.psnr(a, b[:20]) is None


def test_a_spectrum_has_its_peaks_where_the_wave_has_its_frequency() -> None:
    rows = np.arange(64)[:, None]
    wave = np.cos(2 * np.pi * 8 * rows / 64) * np.ones((1, 64))
    found = measure.spectrum(wave.astype(np.float32))
    peaks = {tuple(p) for p in np.argwhere(found > 0.9)}
    assert peaks == {(32 - 8, 32), (32 + 8, 32)}


def test_a_profile_of_a_plane_is_a_straight_line() -> None:
    rows, columns = np.mgrid[0:20, 0:30].astype(float)
    plane = 2.0 * rows + 3.0 * columns
    x, values = measure.profile(plane, (1.0, 2.0), (13.0, 7.0))
    assert x[-1] == pytest.approx(13.0)
    assert values == pytest.approx(np.linspace(8.0, 47.0, len(x)))
    colour = np.stack([plane, -plane, plane * 0], axis=2)
    assert measure.profile(colour, (0, 0), (5, 5))[1].shape == (8, 3)
    # One that leaves the picture ends at its edge.
    assert np.isfinite(measure.profile(plane, (-5, -5), (90, 90))[1]).all()


def test_statistics_leave_out_what_is_no_number() -> None:
    found = measure.statistics(np.array([[1.0, np.nan], [3.0, np.inf]]))
    assert (found.count, found.mean, found.deviation, found.low, found.high) == (4, 2, 1, 1, 3)
    assert math.isnan(measure.statistics(np.full((2, 2), np.nan)).mean)
    counts, low, high = measure.histogram(np.array([0.0, 0.0, 1.0, np.nan]), 2)
    assert (counts.tolist(), low, high) == ([2, 1], 0.0, 1.0)


@pytest.mark.parametrize("shape", [(7, 5), (6, 4, 3)])
def test_values_are_read_back_as_they_were(tmp_path: Path, shape: tuple[int, ...]) -> None:
    data = RANDOM.standard_normal(shape).astype(np.float32)
    for name in ("a.npy", "a.tif"):
        export.write_values(tmp_path / name, data)
    assert np.array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), data)
    assert np.array_equal(imread(tmp_path / "a.tif"), data)
    if data.ndim == 2:
        export.write_values(tmp_path / "a.csv", data)
        assert np.allclose(np.loadtxt(tmp_path / "a.csv", delimiter=","), data, rtol=1e-7)
    else:
        with pytest.raises(ValueError, match="does not fit into one table"):
            export.write_values(tmp_path / "a.csv", data)
    with pytest.raises(ValueError, match=r"not as “\.xyz”"):
        export.write_values(tmp_path / "a.xyz", data)


def test_a_table_leaves_gaps_empty() -> None:
    text = export.table({"iteration": np.array([1.0, 2.0]), "psnr": np.array([np.nan, 30.25])})
    assert text.splitlines() == ["iteration,psnr", "1,", "2,30.25"]
    assert np.genfromtxt(io.StringIO(text), delimiter=",", skip_header=1).shape == (2, 2)


def _hold(person: Person, name: str, data: np.ndarray) -> None:
    node, runner = person.node(name), person.window.runner
    data = data.astype(np.float32)
    runner.pictures[node.id] = Picture(
        node.id, data, float(data.min()), float(data.max()), data.shape, "float32", 1,
        to_pixmap(data),
    )  # fmt: skip
    runner.node_changed.emit(node.id)


def _two(person: Person) -> None:
    person.example("deconvolution")
    person.window.show_dock("compare")
    ramp = np.tile(np.linspace(0, 1, 60), (40, 1))
    _hold(person, "photo", ramp)
    _hold(person, "observed", 1 - ramp)
    person.window.compare.choose(person.node("photo").id, person.node("observed").id)
    person.bot.wait(20)


def test_side_by_side_has_linked_zoom_and_common_levels(person: Person) -> None:
    _two(person)
    pane = person.window.compare
    pane.choose("", "", "Side by side")
    person.bot.wait(20)
    assert pane.view_b.isVisible()
    pane.view_a.zoom_by(3.0)
    pane.view_a.moved.emit()
    assert pane.view_b.scale == pytest.approx(pane.view_a.scale)
    assert "PSNR" in pane.caption.text()
    assert "SSIM" in pane.caption.text()
    pane.choose("", "", "Alone")
    assert not pane.view_b.isVisible()


def test_a_wipe_is_dragged_across(person: Person) -> None:
    _two(person)
    pane = person.window.compare
    pane.choose("", "", "Wipe")
    person.bot.wait(20)
    view = pane.view_a
    right = view._target()
    y = int(right.center().y())
    at = view._wipe_x()
    # Left of the line A (a ramp up), right of it B (a ramp down).
    image = view.grab().toImage()
    inside = int(right.left() + 4), int(right.right() - 4)
    assert image.pixelColor(inside[0], y).lightness() < 60
    assert image.pixelColor(inside[1], y).lightness() < 60
    person.bot.mousePress(view, LEFT, pos=QPoint(int(at), y))
    person.bot.mouseMove(view, QPoint(int(right.left() + 2), y))
    person.bot.mouseRelease(view, LEFT, pos=QPoint(int(right.left() + 2), y))
    assert view.wipe < 0.05
    image = view.grab().toImage()
    assert image.pixelColor(inside[0] + 6, y).lightness() > 190  # B begins bright


def test_a_difference_keeps_its_sign_and_blinking_changes_places(person: Person) -> None:
    _two(person)
    pane = person.window.compare
    pane.choose("", "", "Difference")
    shown = pane.shown()[0]
    assert shown is not None
    assert (shown[0, 0], shown[0, -1]) == (-1.0, 1.0)
    assert pane.bar.levels == (-1.0, 1.0)
    picture = pane.view_a.image
    assert picture is not None
    assert picture.pixelColor(0, 0) != picture.pixelColor(picture.width() - 1, 0)
    pane.choose("", "", "Blink")
    first = pane.shown()[0]
    person.until(lambda: pane.shown()[0] is not first, 5)
    pane.choose("", "", "Alone")
    assert not pane._blink.isActive()


def test_pictures_of_different_size_are_not_subtracted(person: Person) -> None:
    _two(person)
    _hold(person, "observed", np.zeros((3, 3)))
    pane = person.window.compare
    pane.choose("", "", "Difference")
    assert pane.view_a.image is None
    assert "different sizes" in pane.view_a._empty
    assert "differ in size" in pane.caption.text()


def test_levels_are_dragged_in_the_histogram_and_stay_by_hand(person: Person) -> None:
    _two(person)
    pane = person.window.compare
    bar = pane.bar
    start = QPoint(int(bar.x_of(bar.levels[1])), 20)
    target = QPoint(int(bar.x_of(0.5)), 20)
    person.bot.mousePress(bar, LEFT, pos=start)
    person.bot.mouseMove(bar, target)
    person.bot.mouseRelease(bar, LEFT, pos=target)
    assert bar.levels[1] == pytest.approx(0.5, abs=0.03)
    picture = pane.view_a.image
    assert picture is not None
    assert picture.pixelColor(45, 5).lightness() == 255
    # A new picture, as during a run, leaves them as they are.
    _hold(person, "photo", np.full((40, 60), 0.25))
    assert pane._levels == bar.levels
    assert bar.levels[1] == pytest.approx(0.5, abs=0.03)
    person.bot.mouseDClick(bar, LEFT, pos=QPoint(40, 20))
    assert pane._levels is None


def test_a_region_and_a_line_are_measured(person: Person) -> None:
    _two(person)
    pane = person.window.compare
    pane.choose("", "", "Alone")
    view = pane.view_a
    target = view._target()

    def at(column: float, row: float) -> QPoint:
        place = QPointF(target.x() + column * view.scale, target.y() + row * view.scale)
        return place.toPoint()

    for modifier in (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier):
        person.bot.mousePress(view, LEFT, modifier, pos=at(10, 10))
        person.bot.mouseMove(view, at(50, 30))
        person.bot.mouseRelease(view, LEFT, modifier, pos=at(50, 30))
        if modifier == Qt.KeyboardModifier.ShiftModifier:
            assert "mean 0.5" in pane.region.text()
        else:
            assert pane.plot.isVisible()
            assert pane.plot._values[-1, 0] - pane.plot._values[0, 0] == pytest.approx(
                40 / 59, abs=0.03
            )


def test_what_is_shown_is_saved(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two(person)
    pane = person.window.compare
    pane.choose("", "", "Difference")
    monkeypatch.setattr(dialogs, "ask_values_target", lambda *_: tmp_path / "d.npy")
    pane.view_a.values_wanted.emit()
    assert np.load(tmp_path / "d.npy")[0, 0] == -1.0
    monkeypatch.setattr(dialogs, "ask_values_target", lambda *_: tmp_path / "no" / "d.npy")
    pane.view_a.values_wanted.emit()
    assert "not written" in person.window.problems.sentences[0]


def test_a_fourier_transform_and_a_map_are_shown(person: Person) -> None:
    _two(person)
    pane = person.window.compare
    pane.choose("", "", "Alone")
    person.bot.mouseClick(pane.fft, LEFT)
    shown = pane.shown()[0]
    assert shown is not None
    assert shown.argmax() == np.ravel_multi_index((20, 30), (40, 60))
    pane.map.setCurrentText("Viridis")
    pane.refresh()
    picture = pane.view_a.image
    assert picture is not None
    assert not picture.isGrayscale()


def test_the_iterate_is_compared_with_the_truth_until_someone_chooses(person: Person) -> None:
    compare = person.window.compare
    person.example("deconvolution")
    person.window.docks.show("compare")
    assert (compare.first.currentText(), compare.second.currentText()) == ("The iterate", "photo")
    compare.choose("", person.node("observed").id)
    person.window.session.derive()
    assert compare.second.currentText() == "observed"
    person.window.session.history.mark_clean()
    person.example("plug_and_play")
    assert compare.second.currentText() == "photo"


def test_blinking_keeps_the_levels_and_a_difference_is_seen_beside_outliers(
    person: Person,
) -> None:
    person.example("deconvolution")
    compare, runner = person.window.compare, person.window.runner
    person.window.docks.show("compare")
    photo, kernel = person.node("photo").id, person.node("kernel").id
    first = np.linspace(0, 1, 40 * 50, dtype=np.float32).reshape(40, 50)
    second = first + RANDOM.normal(0, 0.01, first.shape).astype(np.float32)
    second[3, 4] = 9.0
    for node, data in ((photo, first), (kernel, second * 0.01)):
        runner.pictures[node] = Picture(
            node, data, 0.0, 1.0, data.shape, "float32", "", to_pixmap(data)
        )
    compare.choose(photo, kernel, "Blink")
    levels = []
    for _ in range(2):
        compare._on_blink()
        levels.append(compare.bar.levels)
    assert levels == [(0.0, 1.0)] * 2
    runner.pictures[kernel] = Picture(
        kernel, second, 0.0, 9.0, second.shape, "float32", "", to_pixmap(second)
    )
    compare.choose(photo, kernel, "Difference")
    low, high = compare.bar.levels
    assert low == -high
    assert 0.02 < high < 0.1
