"""The canvas mirrors the document and turns gestures into commands."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent

from app.canvas.ports import port_shape
from app.panes.palette import MIME
from nodes import files
from nodes.commands import AddNode, Connect, RemoveNodes, new_node
from nodes.document import Node
from tests.app.gestures import add, ends
from tests.app.support import LEFT, Person


def _small(person: Person) -> None:
    """photo → noisy → fidelity, and a variable, laid out with room between."""
    add(person, "load_image", "photo", 0, 0)
    add(person, "add_noise", "noisy", 260, 0)
    add(person, "variable", "x", 0, 260)
    add(person, "sum_squares", "fidelity", 520, 120)
    add(person, "problem", "problem", 780, 120)
    person.window.canvas.fit()


def _drawn(person: Person) -> set[tuple[str, str, str, str]]:
    names = {node.id: node.name for node in person.document.nodes}
    return {
        (
            names[pipe.output_port.node.id],
            pipe.output_port.name,
            names[pipe.input_port.node.id],
            pipe.input_port.name,
        )
        for pipe in person.window.canvas.mirror.wires.values()
    }


def test_a_dragged_wire_becomes_a_wire_of_the_document_and_undoes(person: Person) -> None:
    _small(person)
    person.wire("photo", "image", "noisy", "image")
    assert ends(person) == _drawn(person) == {("photo", "image", "noisy", "image")}
    person.push("edit.undo")
    assert ends(person) == _drawn(person) == set()
    person.push("edit.redo")
    assert ends(person) == _drawn(person) == {("photo", "image", "noisy", "image")}


def test_a_wire_can_be_dragged_from_the_input_too(person: Person) -> None:
    _small(person)
    person.drag(person.port_at("noisy", "image", True), person.port_at("photo", "image", False))
    assert ends(person) == {("photo", "image", "noisy", "image")}


def test_what_does_not_fit_is_refused_with_a_sentence_beside_the_pointer(person: Person) -> None:
    _small(person)
    canvas = person.window.canvas
    person.drag(
        person.port_at("photo", "image", False), person.port_at("problem", "terms", True), False
    )
    assert canvas.hint.isVisible()
    assert "penalty" in canvas.hint.text()
    viewport = canvas.viewer.viewport()
    person.bot.mouseRelease(viewport, LEFT, pos=person.port_at("problem", "terms", True))
    assert ends(person) == set()
    assert person.window.status.text.text() == canvas.hint.text()


def test_a_loop_is_refused(person: Person) -> None:
    add(person, "conv", "first", 0, 0)
    add(person, "grad", "second", 260, 0)
    person.window.canvas.fit()
    person.wire("first", "output", "second", "x")
    person.wire("second", "output", "first", "x")
    assert ends(person) == {("first", "output", "second", "x")}
    assert "loop" in person.window.status.text.text()


def test_a_wire_taken_from_an_input_moves_or_is_cut(person: Person) -> None:
    _small(person)
    person.wire("photo", "image", "noisy", "image")
    # Put back where it was: nothing happened.
    steps = person.window.session.history.undo_text
    person.drag(person.port_at("noisy", "image", True), person.port_at("noisy", "image", True))
    assert person.window.session.history.undo_text == steps
    person.drag(person.port_at("noisy", "image", True), person.port_at("x", "like", True))
    assert ends(person) == _drawn(person) == {("photo", "image", "x", "like")}
    person.push("edit.undo")
    assert ends(person) == {("photo", "image", "noisy", "image")}
    empty = person.port_at("noisy", "image", True) + QPoint(-40, 160)
    person.drag(person.port_at("noisy", "image", True), empty)
    assert ends(person) == _drawn(person) == set()


def test_a_wire_dropped_on_a_node_finds_the_input_that_fits(person: Person) -> None:
    _small(person)
    person.drag(person.port_at("noisy", "image", False), person.body_at("fidelity"))
    assert ends(person) == {("noisy", "image", "fidelity", "target")}


def test_a_wire_dropped_on_empty_canvas_offers_only_what_fits(person: Person) -> None:
    _small(person)
    offers = []
    person.window.canvas.quick_add.disconnect()
    person.window.canvas.quick_add.connect(lambda *args: offers.append(args))
    start = person.port_at("fidelity", "term", False)
    person.drag(start, start + QPoint(10, 130))
    assert len(offers) == 1
    _, scene, wire = offers[0]
    person.window.commands.add_node("problem", scene, wire)
    assert ("fidelity", "term", "problem2", "terms") in ends(person)


def test_moving_a_node_is_one_step(person: Person) -> None:
    _small(person)
    before = person.node("noisy").position
    start = person.body_at("noisy")
    person.drag(start, start + QPoint(60, 45))
    after = person.node("noisy").position
    assert after[0] > before[0]
    assert after[1] > before[1]
    person.push("edit.undo")
    assert person.node("noisy").position == before
    item = person.window.canvas.mirror.items[person.node("noisy").id]
    assert (item.x(), item.y()) == before


def test_a_box_selects_and_delete_removes_with_wires_in_one_step(person: Person) -> None:
    _small(person)
    person.wire("photo", "image", "noisy", "image")
    view = person.window.canvas.viewer
    start = view.mapFromScene(-18, -18)
    end = view.mapFromScene(425, 100)
    person.drag(start, end)
    chosen = {person.document.node(i).name for i in person.window.session.selection}
    assert chosen == {"photo", "noisy"}
    person.press(Qt.Key.Key_Delete)
    assert {node.name for node in person.document.nodes} == {"x", "fidelity", "problem"}
    person.push("edit.undo")
    assert ends(person) == _drawn(person) == {("photo", "image", "noisy", "image")}


def test_click_selects_and_ctrl_click_adds(person: Person) -> None:
    _small(person)
    person.click("photo")
    assert person.window.session.selection == [person.node("photo").id]
    person.click("noisy", Qt.KeyboardModifier.ControlModifier)
    assert set(person.window.session.selection) == {
        person.node("photo").id,
        person.node("noisy").id,
    }


def test_delete_removes_a_selected_wire(person: Person) -> None:
    _small(person)
    person.wire("photo", "image", "noisy", "image")
    (pipe,) = person.window.canvas.mirror.wires.values()
    middle = person.window.canvas.viewer.mapFromScene(pipe.path().pointAtPercent(0.5))
    person.bot.mouseClick(person.window.canvas.viewer.viewport(), LEFT, pos=middle)
    assert [w.ends for w in person.window.canvas.selected_wires] == [pipe.wire.ends]
    person.press(Qt.Key.Key_Delete)
    assert ends(person) == set()


def test_a_dropped_palette_entry_appears_where_it_was_dropped(person: Person) -> None:
    viewer = person.window.canvas.viewer
    mime = QMimeData()
    mime.setData(MIME, b"grad")
    place = QPointF(300, 200)
    event = QDropEvent(place, Qt.DropAction.CopyAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
    viewer.dropEvent(event)
    (node,) = person.document.nodes
    assert node.type == "grad"
    scene = viewer.mapToScene(place.toPoint())
    assert abs(node.position[0] - scene.x()) < 200
    assert abs(node.position[1] - scene.y()) < 200


def test_foreign_things_dropped_do_nothing(person: Person) -> None:
    mime = QMimeData()
    mime.setData(MIME, b"no such type")
    assert person.window.canvas.viewer.accepts_mime(mime)
    person.window._on_dropped(mime, QPointF(0, 0))
    assert len(person.document) == 0


def test_zoom_has_ends_and_fit_shows_everything(person: Person) -> None:
    _small(person)
    viewer = person.window.canvas.viewer
    for _ in range(60):
        viewer.zoom_by(1.4)
    assert viewer.zoom <= 2.5
    for _ in range(120):
        viewer.zoom_by(0.7)
    assert viewer.zoom >= 0.15
    person.press(Qt.Key.Key_F)
    shown = viewer.mapToScene(viewer.viewport().rect()).boundingRect()
    assert shown.contains(person.window.canvas.content_rect())


def test_new_nodes_cover_no_other(person: Person) -> None:
    for _ in range(8):
        person.window.commands.add_node("load_image")
    items = list(person.window.canvas.mirror.items.values())
    rects = [item.mapRectToScene(item.body()) for item in items]
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[i + 1 :])


def test_operators_show_what_flows_through_them(person: Person) -> None:
    _small(person)
    add(person, "grad", "edges", 260, 260)
    session = person.window.session
    item = person.window.canvas.mirror.items[person.node("edges").id]
    port = item.port("output", False)
    session.do(Connect(person.node("photo").id, "image", person.node("edges").id, "x"))
    person.until(lambda: port.kind == "image")
    session.do(Connect(person.node("x").id, "variable", person.node("edges").id, "x"))
    person.until(lambda: port.kind == "expression")


def test_every_type_has_a_shape_of_its_own() -> None:
    kinds = ("image", "kernel", "mask", "expression", "term", "problem", "solution")
    shapes = {
        tuple(
            (round(e.x, 3), round(e.y, 3)) for e in map(path.elementAt, range(path.elementCount()))
        )
        for path in map(port_shape, kinds)
    }
    assert len(shapes) == len(kinds)


def test_a_placeholder_keeps_its_wires_in_sight(person: Person) -> None:
    odd = Node("f" * 32, "odd", "from_the_future", 9, {}, (0, 0))
    session = person.window.session
    session.do(AddNode(odd))
    from nodes.document import Document, Wire

    photo = new_node(session.document, "load_image", "photo", (-300, 0))
    document = Document([photo, odd], [Wire(photo.id, "image", odd.id, "something")])
    session.history.mark_clean()
    session.replace(document)
    assert _drawn(person) == {("photo", "image", "odd", "something")}
    session.do(RemoveNodes([odd.id]))
    assert _drawn(person) == set()
    session.undo()
    assert _drawn(person) == {("photo", "image", "odd", "something")}


def test_thousands_of_edits_leave_no_items_behind(person: Person) -> None:
    _small(person)
    session = person.window.session
    scene = person.window.canvas.viewer.scene()
    before = len(scene.items())
    for _ in range(30):
        session.do(RemoveNodes([node.id for node in person.document.nodes]))
        session.undo()
    assert len(scene.items()) == before


def test_the_overview_appears_when_needed_and_leads_there(person: Person) -> None:
    _small(person)
    canvas = person.window.canvas
    assert not canvas.minimap.isVisible()
    for _ in range(6):
        canvas.viewer.zoom_by(1.4)
    assert canvas.minimap.isVisible()
    before = canvas.centre()
    person.bot.mouseClick(canvas.minimap, LEFT, pos=QPoint(10, 10))
    after = canvas.centre()
    assert after.x() < before.x()
    canvas.minimap.grab()
    person.press(Qt.Key.Key_F)
    assert not canvas.minimap.isVisible()


def test_the_cards_of_every_example_stand_apart(person: Person) -> None:
    """With all the rooms for pictures, so that a run covers nothing."""
    for name in files.examples():
        assert person.window.session.open(f"example:{name}")
        bodies = [
            item.mapRectToScene(item.body()) for item in person.window.canvas.mirror.items.values()
        ]
        crossing = [(a, b) for i, a in enumerate(bodies) for b in bodies[:i] if a.intersects(b)]
        assert not crossing, name
