"""Looking: at what a wire carries, at a kernel, at complex values, at mathematics in a note."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from app.canvas.facts import PICTURED
from app.commands.run import LOOKABLE
from app.pictures import to_pixmap
from app.results import Picture, picture_of
from nodes.spectral import spectra
from nodes.tex import notes_html, tex_html
from tests.app.support import LEFT, Person

KEY = Qt.Key


def _show(person: Person, name: str, phase: np.ndarray | None = None) -> Picture:
    """Let the worker's picture of a node arrive."""
    runner, node = person.window.runner, person.node(name).id
    data = np.linspace(0, 1, 15 * 20, dtype=np.float32).reshape(15, 20)
    picture = Picture(node, data, 0.0, 1.0, (1, 1, 15, 20), "complex64", 1, to_pixmap(data), phase)
    runner.pictures[node] = picture
    runner.node_changed.emit(node)
    return picture


def _wire_at(person: Person, source: str, target: str) -> QPoint:
    wires = person.window.canvas.mirror.wires
    ends = (person.node(source).id, person.node(target).id)
    pipe = next(p for w, p in wires.items() if (w.source, w.target) == ends)
    return person.window.canvas.viewer.mapFromScene(pipe.path().pointAtPercent(0.5))


def _double_click(person: Person, place: QPoint) -> None:
    person.bot.mouseDClick(person.window.canvas.viewer.viewport(), LEFT, pos=place)


def test_a_double_click_on_a_wire_shows_what_it_carries(person: Person) -> None:
    person.example("deconvolution")
    person.bot.wait(20)
    _show(person, "blurred")
    _double_click(person, _wire_at(person, "blurred", "observed"))
    pane = person.window.pictures
    assert pane.isVisible()
    assert pane.node == person.node("blurred").id
    assert pane.view.image is not None


def test_what_is_not_computed_yet_is_run_up_to(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.example("deconvolution")
    person.bot.wait(20)
    wanted: list[str] = []
    runner = person.window.runner
    monkeypatch.setattr(runner, "run", lambda target: wanted.append(target) or True)
    place = _wire_at(person, "photo", "result")
    person.bot.mouseClick(person.window.canvas.viewer.viewport(), LEFT, pos=place)
    person.press(KEY.Key_L)
    assert wanted == [person.node("photo").id]
    assert person.window.pictures.node == person.node("photo").id
    person.click("result")
    person.press(KEY.Key_L)
    assert wanted[-1] == person.node("result").id


def test_a_wire_without_pixels_says_what_it_carries(person: Person) -> None:
    person.example("deconvolution")
    person.bot.wait(20)
    said: list[str] = []
    person.window.session.said.connect(lambda _, sentence: said.append(sentence))
    _double_click(person, _wire_at(person, "grad", "smoothness"))
    assert "carries an expression, which has no pixels" in said[-1]
    person.window.session.select([])
    person.window.canvas.viewer.scene().clearSelection()
    person.press(KEY.Key_L)
    assert said[-1] == "Click a wire, then press L to look at it."
    assert {str(kind) for kind in LOOKABLE} == set(PICTURED)


def test_complex_values_are_read_as_modulus_and_phase(person: Person) -> None:
    person.example("deconvolution")
    phase = np.full((15, 20), np.pi / 2, dtype=np.float32)
    picture = _show(person, "blurred", phase)
    person.click("blurred")
    person.window.show_dock("pictures")
    person.bot.wait(20)
    pane = person.window.pictures
    assert pane.part.isVisible()
    person.bot.mouseMove(pane.view, pane.view.rect().center())
    row, column = (
        int(n) for n in pane.value.text().replace(",", " ").replace(":", "").split()[1:4:2]
    )
    assert (
        f"modulus {picture.data[row, column]:.4f}, phase +1.571 rad (+90.0°)" in pane.value.text()
    )
    before = pane.view.image
    pane.part.setFocus()
    person.bot.keyClick(pane.part, KEY.Key_Down)
    pane.part.activated.emit(pane.part.currentIndex())
    assert pane.part.currentText() == "Phase"
    assert pane.view.image != before
    _show(person, "observed")
    person.click("observed")
    assert not pane.part.isVisible()


def test_a_kernel_has_its_picture_in_the_inspector(person: Person) -> None:
    person.example("deconvolution")
    person.click("kernel")
    preview = person.window.inspector.preview
    assert preview is not None
    assert preview.words == "The picture appears here."
    _show(person, "kernel")
    assert preview.words.startswith("15 × 20")
    person.click("photo")
    assert person.window.inspector.preview is not None
    person.click("smoothness")
    assert person.window.inspector.preview is None


def test_tex_in_a_note_is_mathematics(person: Person) -> None:
    person.push("edit.note")
    field = person.window.canvas.frames.editor
    assert field is not None
    person.bot.keyClicks(field, r"We **minimize** $\|k \ast x - b\|_2^2 + \lambda\|\nabla x\|_1$.")
    person.bot.keyClick(field, KEY.Key_Escape)
    item = next(iter(person.window.canvas.frames.items.values()))
    assert item._page.toPlainText() == "We minimize ‖k ∗ x − b‖22 + λ‖∇x‖1."
    html = item._page.toHtml()
    assert "vertical-align:super" in html
    assert "vertical-align:sub" in html
    assert "font-weight" in html


@pytest.mark.parametrize(
    ("tex", "html"),
    [
        (r"x^{k+1}", "<i>x</i><sup><i>k</i>+1</sup>"),
        (r"\sigma=0.01", "<i>σ</i> = 0.01"),
        (r"\frac{1}{2}", "1⁄2"),
        (r"\frac{a}{b+c}", "<i>a</i>⁄(<i>b</i>+<i>c</i>)"),
        (r"x \in \mathbb{R}^n", "<i>x</i> ∈ ℝ<sup><i>n</i></sup>"),
        (r"a < b & c", "<i>a</i> &lt; <i>b</i> &amp; <i>c</i>"),
        (r"\unheard{x}", r"\unheard<i>x</i>"),
        ("{{{", ""),
        ("}^", "<sup></sup>"),
        ("", ""),
    ],
)
def test_tex_becomes_rich_text_and_loses_no_word(tex: str, html: str) -> None:
    assert tex_html(tex) == html


def test_spectra_are_shown_with_the_frequency_zero_in_the_middle(person: Person) -> None:
    person.example("compressive_mri")
    names = {person.document.node(node).name for node in spectra(person.document)}
    # Two views are called like what they show: one of a mask, one of an image.
    assert names == {"frequencies", "spectrum", "noisy", "scan"}
    views = [n for n in person.document.nodes if n.type == "view_image"]
    assert [v.name for v in views if v.id in spectra(person.document)] == ["frequencies"]
    mask = np.zeros((6, 8), np.float32)
    mask[:2, :2] = 1.0
    message = SimpleNamespace(
        node="m", full=mask, low=0.0, high=1.0, shape=(6, 8), dtype="float32", reduction=1,
        array=mask, phase=np.empty((0,), np.float32),
    )  # fmt: skip
    picture = picture_of(message, spectral=True)
    assert picture.data[3:5, 4:6].all()
    assert picture.data.sum() == 4
    assert (picture.values == mask).all()
    assert picture.words.endswith("frequency zero in the middle")
    assert (picture_of(message, spectral=False).data == mask).all()


def test_money_is_not_mathematics() -> None:
    assert notes_html("It costs 5$ or 6 $ a day.") == "It costs 5$ or 6 $ a day."
    assert notes_html("{" * 200 + "$" + "{" * 200 + "$")


def test_a_run_without_a_picture_says_where_its_charts_are(person: Person) -> None:
    """A linear program has rows of a history and no iterate to look at."""
    pane, runner = person.window.iterate, person.window.runner
    person.window.session.open("example:energy")
    runner.finished.emit("It failed before the first step.")
    assert "Press Run" in pane.view.sentence
    runner._append(np.full((1, 8), 1.0))
    runner.finished.emit("Optimal.")
    assert "no picture of its own" in pane.view.sentence
    person.window.session.open("example:deconvolution")
    assert "Press Run" in pane.view.sentence
