"""Editing as in other node editors, by mouse and by keyboard, through real events."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF

from nodes import files
from nodes.files import dumps
from tests.app.gestures import ALT, CTRL, KEY, SHIFT, add, choose, ends, open_chooser
from tests.app.support import LEFT, Person


def _pair(person: Person) -> None:
    """photo → noisy, far apart."""
    add(person, "load_image", "photo", 0, 0)
    add(person, "add_noise", "noisy", 700, 0)
    person.window.canvas.fit()
    person.wire("photo", "image", "noisy", "image")


def test_a_double_click_on_empty_canvas_offers_nodes_there(person: Person) -> None:
    viewport = person.window.canvas.viewer.viewport()
    person.bot.mouseDClick(viewport, LEFT, pos=QPoint(200, 150))
    choose(person, "gauss")
    assert [n.type for n in person.document.nodes] == ["gaussian_psf"]
    place = person.window.canvas.viewer.mapFromScene(QPointF(*person.document.nodes[0].position))
    assert (place - QPoint(200, 150)).manhattanLength() < 300


def test_what_is_used_often_is_offered_first(person: Person) -> None:
    for _ in range(3):
        person.press(KEY.Key_Tab)
        choose(person, "motion")
    person.press(KEY.Key_Space)
    popup = open_chooser()
    assert popup.list.item(0).text() == "Motion kernel"
    # Habit puts it before its equals when a word is typed that both have, not before a better one.
    person.bot.keyClicks(popup.search, "kernel")
    assert popup.list.item(0).text() == "Motion kernel"
    popup.search.clear()
    person.bot.keyClicks(popup.search, "gaussian")
    assert popup.list.item(0).text() == "Gaussian kernel"
    person.bot.keyClick(popup.search, KEY.Key_Escape)
    assert not popup.isVisible()


def test_a_node_dropped_on_a_wire_is_inserted_as_one_step(person: Person) -> None:
    _pair(person)
    add(person, "blur", "soft", 300, 300)
    before = dumps(person.document)
    start = person.body_at("soft")
    wire = next(iter(person.window.canvas.mirror.wires.values()))
    middle = wire.path().pointAtPercent(0.5)
    item = person.window.canvas.mirror.items[person.node("soft").id]
    grip = QPointF(item.body().center().x(), 16)
    target = person.window.canvas.viewer.mapFromScene(middle + grip - item.body().center())
    person.drag(start, target)
    assert ends(person) == {
        ("photo", "image", "soft", "image"),
        ("soft", "image", "noisy", "image"),
    }
    person.push("edit.undo")
    assert dumps(person.document) == before


def test_a_node_from_the_palette_dropped_on_a_wire_is_inserted(person: Person) -> None:
    _pair(person)
    wire = next(iter(person.window.canvas.mirror.wires.values()))
    person.window.commands.add_node("blur", wire.path().pointAtPercent(0.5))
    assert ("photo", "image", "blurred", "image") in ends(person)
    assert ("blurred", "image", "noisy", "image") in ends(person)
    # What does not fit into the wire is only put there.
    wires = ends(person)
    wire = next(iter(person.window.canvas.mirror.wires.values()))
    person.window.commands.add_node("problem", wire.path().pointAtPercent(0.5))
    assert ends(person) == wires


def test_wires_are_cut_by_a_stroke(person: Person) -> None:
    _pair(person)
    wire = next(iter(person.window.canvas.mirror.wires.values()))
    middle = person.window.canvas.viewer.mapFromScene(wire.path().pointAtPercent(0.5))
    viewport = person.window.canvas.viewer.viewport()
    start, end = middle - QPoint(0, 60), middle + QPoint(0, 60)
    person.bot.mousePress(viewport, LEFT, ALT | SHIFT, pos=start)
    for step in range(1, 6):
        person.bot.mouseMove(viewport, start + (end - start) * step / 5)
    person.bot.mouseRelease(viewport, LEFT, ALT | SHIFT, pos=end)
    assert ends(person) == set()


def test_a_node_is_replaced_by_another_type_and_keeps_its_wires(person: Person) -> None:
    person.example("deconvolution")
    person.click("kernel")
    person.press(KEY.Key_R)
    choose(person, "disk")
    assert person.node("kernel").type == "disk_psf"
    assert ("kernel", "kernel", "conv", "kernel") in ends(person)
    assert person.window.session.errors() == []
    person.push("edit.undo")
    assert person.node("kernel").type == "gaussian_psf"


def test_removing_can_rejoin(person: Person) -> None:
    person.example("deconvolution")
    person.click("blurred")
    person.press(KEY.Key_Delete, CTRL)
    assert ("photo", "image", "observed", "image") in ends(person)


def test_duplicates_can_keep_their_inputs(person: Person) -> None:
    person.example("deconvolution")
    person.click("blurred")
    person.press(KEY.Key_D, CTRL | ALT)
    copy = person.document.node(person.window.session.selection[0])
    assert copy.type == "blur"
    into = {(w.source, w.input) for w in person.document.wires_into(copy.id)}
    assert into == {(person.node("photo").id, "image"), (person.node("kernel").id, "kernel")}
    person.push("edit.undo")
    assert len(person.document) == len(files.load("example:deconvolution"))


def test_a_node_is_switched_off_and_on_by_one_letter(person: Person) -> None:
    person.example("deconvolution")
    person.click("smoothness")
    person.press(KEY.Key_M)
    assert person.node("smoothness").mode == "off"
    assert "norm1" not in person.window.code.text or person.window.session.derive() is None
    person.window.session.derive()
    assert "norm1" not in person.window.code.text
    assert "∇" not in person.window.formula.html
    item = person.window.canvas.mirror.items[person.node("smoothness").id]
    assert "Switched off" in item.toolTip()
    person.press(KEY.Key_M)
    assert person.node("smoothness").mode == ""
    person.press(KEY.Key_B)
    assert person.node("smoothness").mode == ""
    assert "cannot be passed by" in person.window.status.text.text()
    person.click("blurred")
    person.press(KEY.Key_B)
    assert person.node("blurred").mode == "bypass"


def test_letters_typed_into_a_field_stay_letters(person: Person) -> None:
    person.example("deconvolution")
    person.click("smoothness")
    before = dumps(person.document)
    field = person.window.palette_pane.search
    field.setFocus()
    person.bot.keyClicks(field, "mbcrnf")
    assert field.text() == "mbcrnf"
    assert dumps(person.document) == before


def test_a_node_is_found_by_its_name(person: Person) -> None:
    person.example("deconvolution")
    person.bot.keyClick(person.window, KEY.Key_F, CTRL)
    choose(person, "smooth")
    assert person.window.session.selection == [person.node("smoothness").id]


def test_every_command_is_found_in_the_palette_of_commands(person: Person) -> None:
    person.bot.keyClick(person.window, KEY.Key_P, CTRL | SHIFT)
    popup = open_chooser()
    assert popup.list.count() > 20
    choose(person, "watch")
    assert not person.window.inspector.isVisible()
