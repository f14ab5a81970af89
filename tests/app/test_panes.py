"""The panes: palette, script, issues, pictures, curves, formula, transport."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.engine.protocol import NodeImage, RunFailed
from app.panes.envelope import Envelope
from app.panes.image_view import ImageView
from app.panes.plot import _round_numbers
from app.panes.transport import duration
from app.pictures import auto_levels, to_display, to_image
from app.search import rank
from nodes.catalogue import CATALOGUE
from nodes.commands import AddNode, SetParameter, new_node
from tests.app.support import Person

# --- palette and search ---


@pytest.mark.parametrize(("query", "expected"), [
    ("blur", "blur"),
    ("convolution", "conv"),
    ("convoluton", "conv"),
    ("gaus", "gaussian_psf"),
    ("gausker", "gaussian_psf"),
    ("gaus ker", "gaussian_psf"),
    ("sumsq", "sum_squares"),
    ("inpainting", "random_mask"),
    ("bayer", "mosaic"),
    ("positivity", "nonneg"),
    ("VIEW", "view_image"),
])  # fmt: skip
def test_search_finds_what_is_meant(query: str, expected: str) -> None:
    assert expected in [spec.type for spec in rank(query, CATALOGUE.values())][:2]


def test_search_knows_every_title_and_forgives_nonsense() -> None:
    for spec in CATALOGUE.values():
        assert rank(spec.title, CATALOGUE.values())[0].title == spec.title
    assert not rank("qqqqzzzz", CATALOGUE.values())
    assert len(rank("  ", CATALOGUE.values())) == len(CATALOGUE)


@given(st.text(max_size=30))
def test_search_never_fails(query: str) -> None:
    assert len(rank(query, CATALOGUE.values())) <= len(CATALOGUE)


def test_enter_and_double_click_add_the_node_found(person: Person) -> None:
    palette = person.window.palette_pane
    person.type_into(palette.search, "gradient")
    assert [node.type for node in person.document.nodes] == ["grad"]
    item = palette.tree.currentItem()
    assert item is not None
    place = palette.tree.visualItemRect(item).center()
    person.bot.mouseClick(palette.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    person.bot.mouseDClick(palette.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [node.type for node in person.document.nodes] == ["grad", "grad"]
    person.type_into(palette.search, "qqqq")
    assert palette._nothing.isVisible()
    assert len(person.document) == 2


def test_the_palette_shows_every_type_once(person: Person) -> None:
    shown = [leaf.data(0, Qt.ItemDataRole.UserRole) for leaf in person.window.palette_pane.leaves()]
    assert sorted(shown) == sorted(CATALOGUE)


# --- letters stay in the field they are typed into ---


def test_letters_typed_into_fields_trigger_nothing(person: Person) -> None:
    window = person.window
    node = new_node(person.document, "load_image")
    window.session.do(AddNode(node))
    window.session.select([node.id])
    zoom = window.canvas.viewer.zoom
    window.canvas.viewer.zoom_by(1.5)
    changed = window.canvas.viewer.zoom
    assert changed != zoom
    field = window.palette_pane.search
    field.setFocus()
    person.bot.keyClicks(field, "f F")
    for key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Tab):
        person.bot.keyClick(field, key)
    name = window.inspector.name
    assert name is not None
    name.setFocus()
    for key in (Qt.Key.Key_F, Qt.Key.Key_Space, Qt.Key.Key_Delete):
        person.bot.keyClick(name, key)
    assert window.canvas.viewer.zoom == changed
    assert len(person.document) == 1
    assert QApplication.activePopupWidget() is None


def test_space_on_the_canvas_offers_nodes(person: Person) -> None:
    person.press(Qt.Key.Key_Space)
    popup = QApplication.activePopupWidget()
    assert popup is not None
    person.bot.keyClicks(popup.search, "mosaic")
    person.bot.keyClick(popup.search, Qt.Key.Key_Return)
    assert [node.type for node in person.document.nodes] == ["mosaic"]
    person.until(lambda: QApplication.activePopupWidget() is None)


# --- issues ---


def test_an_issue_offers_its_fixes_and_they_can_be_undone(person: Person) -> None:
    window = person.window
    window.session.open("example:deconvolution")
    problem = person.node("problem")
    fixes = []
    for wire in list(person.document.wires_into(person.node("result").id)):
        from nodes.commands import Disconnect

        window.session.do(Disconnect(*wire.ends))
    window.session.derive()
    for row in window.problems.rows:
        fixes += [(row, fix) for fix in getattr(row.entry, "fixes", ())]
    assert fixes, window.problems.sentences
    before = person.document.copy()
    row, fix = fixes[0]
    from PySide6.QtWidgets import QPushButton

    button = next(b for b in row.findChildren(QPushButton) if b.text() == fix.title)
    person.bot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert set(person.document.wires) != set(before.wires) or problem
    window.session.derive()
    assert row.entry.sentence not in window.problems.sentences
    person.push("edit.undo")
    assert list(person.document.wires) == list(before.wires)


def test_a_failed_run_is_a_sentence_on_its_node_until_it_is_edited(person: Person) -> None:
    window = person.window
    window.session.open("example:deconvolution")
    window.runner._run = 7
    node = person.node("kernel")
    window.runner._receive(RunFailed(7, node.id, "The kernel is larger than the image.", "trace"))
    assert "The kernel is larger than the image." in window.problems.sentences
    assert window.canvas.mirror.items[node.id].card.severity == "error"
    assert window.runner.node_states[node.id] == "failed"
    assert not window.runner.busy
    window.session.do(SetParameter(node.id, "size", 5))
    window.session.derive()
    assert "The kernel is larger than the image." not in window.problems.sentences


# --- pictures ---

_finite = st.floats(-10, 10, width=32)


@given(arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=_finite))
def test_levels_keep_the_order_of_values(data: np.ndarray) -> None:
    levels = to_display(data, float(data.min()), float(data.max()))
    order = np.argsort(data, axis=None, kind="stable")
    assert (np.diff(levels.ravel()[order].astype(int)) >= 0).all()


def test_levels_of_odd_values_do_not_fail() -> None:
    data = np.array([[np.nan, np.inf, -np.inf, 0.5]], dtype=np.float32)
    assert to_display(data).tolist() == [[0, 255, 0, 128]]
    assert auto_levels(np.full((2, 2), np.nan, dtype=np.float32)) == (0.0, 1.0)
    assert auto_levels(np.zeros((2, 2), dtype=np.float32)) == (-0.5, 0.5)
    constant = to_display(np.full((2, 2), 3.0, dtype=np.float32), 3.0, 3.0)
    assert constant.shape == (2, 2)


def test_a_photograph_keeps_its_levels_and_a_kernel_is_stretched() -> None:
    photo = np.linspace(-0.02, 1.03, 64, dtype=np.float32).reshape(8, 8)
    kernel = np.full((3, 3), 0.01, dtype=np.float32)
    kernel[1, 1] = 0.05
    assert auto_levels(photo) == (0.0, 1.0)
    assert auto_levels(kernel) == pytest.approx((0.01, 0.05))


def test_pixels_arrive_where_they_belong() -> None:
    levels = np.zeros((2, 3, 3), dtype=np.uint8)
    levels[0, 2] = (255, 0, 0)
    levels[1, 0] = (0, 0, 255)
    image = to_image(levels)
    assert (image.width(), image.height()) == (3, 2)
    assert image.pixelColor(2, 0).getRgb()[:3] == (255, 0, 0)
    assert image.pixelColor(0, 1).getRgb()[:3] == (0, 0, 255)
    grey = to_image(np.array([[0, 200, 0]], dtype=np.uint8)[:, ::-1][:, :2])
    assert grey.pixelColor(1, 0).red() == 200


def test_the_picture_pane_follows_the_selection(person: Person) -> None:
    window = person.window
    window.session.open("example:deconvolution")
    node = person.node("kernel")
    window.runner._preview_run = 5
    data = np.outer(np.hanning(9), np.hanning(9)).astype(np.float32) / 16
    window.runner._receive(
        NodeImage(5, node.id, data, data, 1, 0.0, float(data.max()), (9, 9), "float32")
    )
    window.show_dock("pictures")
    window.session.select([node.id])
    assert window.pictures.node == node.id
    assert window.pictures.view.image is not None
    assert window.pictures.view.image.width() == 9
    assert "9 × 9" in window.pictures.caption.text()
    # A node without a picture does not take the place of one that has it.
    window.session.select([person.node("problem").id])
    assert window.pictures.node == node.id
    # One that will have a picture says so instead of staying blank.
    window.session.select([person.node("result").id])
    assert window.pictures.view.image is None
    assert "Run" in window.pictures.view._empty


def test_the_value_under_the_pointer_is_the_pixels_own(qtbot: QtBot) -> None:
    view = ImageView("nothing yet")
    qtbot.addWidget(view)
    view.resize(408, 308)
    view.show()
    data = np.arange(12, dtype=np.float32).reshape(3, 4) / 12
    view.show_levels(to_display(data), lambda: data, smooth_now=True)
    said: list[str] = []
    view.pointed.connect(said.append)
    target = view._target()
    for row in range(3):
        for column in range(4):
            place = QPoint(
                int(target.x() + (column + 0.5) * target.width() / 4),
                int(target.y() + (row + 0.5) * target.height() / 3),
            )
            qtbot.mouseMove(view, place)
            assert said[-1] == f"row {row}, column {column}:  {data[row, column]:.4f}"
    view.zoom_by(3.0, QPointF(100, 100))
    assert view.scale > 100 / 4 or view.scale <= 64
    view.fit()
    assert view._target().width() <= view.width()
    view.clear()
    assert said[-1] == ""
    view.grab()


# --- curves ---


_maybe = st.floats(-1e6, 1e6) | st.just(float("nan"))


@given(
    st.integers(1, 800).flatmap(lambda n: arrays(np.float64, n, elements=_maybe)),
    st.lists(st.integers(0, 800), max_size=8),
)
def test_a_growing_curve_keeps_peaks_ends_and_order(y: np.ndarray, looks: list[int]) -> None:
    curve = Envelope(points=40)
    for seen in sorted(n for n in looks if n < len(y)):
        curve.follow(y[:seen])
    curve.follow(y)
    rows, finite = curve.rows, np.flatnonzero(np.isfinite(y))
    assert len(rows) <= 64
    assert (np.diff(rows) > 0).all()
    assert np.isin(rows, finite).all()
    if len(finite):
        assert y[rows].max() == y[finite].max()
        assert y[rows].min() == y[finite].min()
        assert rows[0] == finite[0]
        assert rows[-1] == finite[-1]
    curve.clear()
    assert len(curve.rows) == 0


@given(st.floats(1e-6, 1e6), st.floats(1.001, 9.9), st.integers(2, 12))
def test_ticks_are_few_round_and_inside(low: float, ratio: float, most: int) -> None:
    ticks = _round_numbers(low, low * ratio, most)
    assert len(ticks) <= most + 1
    assert all(low * 0.999 <= tick <= low * ratio * 1.001 for tick in ticks)


def test_curves_draw_whatever_comes(person: Person) -> None:
    window = person.window
    rows = np.full((50, 8), np.nan)
    rows[:, 0] = np.arange(1, 51)
    rows[:, 1] = rows[:, 0] * 0.1
    rows[:, 2] = np.linspace(1, -1, 50)
    rows[5, 2] = np.inf
    rows[:, 3] = 0.0
    window.runner._append(rows)
    window.curves.paint_now()
    window.curves.grab()
    assert not window.curves.objective.left.log10
    rows[:, 0] += 50
    rows[:, 2] = 10.0 ** np.linspace(3, -3, 50)
    rows[:, 5] = 30.0
    window.runner._forget_solve()
    window.runner._append(rows)
    window.curves.paint_now()
    window.curves.grab()
    assert window.curves.objective.left.log10
    assert "PSNR 30.00 dB" in window.curves.titles[0].text()


def test_history_grows_beyond_its_first_room(person: Person) -> None:
    runner = person.window.runner
    for start in range(0, 3000, 700):
        rows = np.zeros((700, 8))
        rows[:, 0] = np.arange(start, start + 700)
        runner._append(rows)
    assert runner.history[:, 0].tolist() == list(range(3500))


# --- the rest ---


def test_the_formula_leads_to_its_nodes(person: Person) -> None:
    window = person.window
    window.session.open("example:deconvolution")
    node = person.node("smoothness")
    assert f"href='{node.id}'" in window.formula.html
    window.formula._text.linkActivated.emit(node.id)
    assert window.session.selection == [node.id]
    window.formula.copy_tex()
    assert "\\left\\|" in QApplication.clipboard().text()


def test_durations_read_like_a_clock() -> None:
    assert [duration(s) for s in (0, 6.6, 65, 3599.7, 7325)] == [
        "0:00", "0:07", "1:05", "1:00:00", "2:02:05",
    ]  # fmt: skip


def test_no_pane_is_blank_when_there_is_nothing(person: Person) -> None:
    window = person.window
    assert window.canvas._empty.isVisible()
    assert window.iterate.view._empty
    assert window.pictures.view._empty
    assert window.code.view.placeholderText()
    assert "objective" in window.formula.html
    assert not window.problems.rows
    assert window.curves._stack.currentIndex() == 0


def test_script_export_equals_the_pane(person: Person, tmp_path: Path) -> None:
    person.window.session.open("example:deconvolution")
    person.window.code.copy()
    assert QApplication.clipboard().text() == person.window.session.script.text
