"""Where things stand and how one gets about: keys, edges, backdrops, bookmarks, dropped files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF

from app.canvas.places import aligned, neighbour, spread
from nodes import files
from nodes.commands import MoveNodes, new_node
from nodes.files import dumps
from nodes.script import generate
from tests.app.gestures import CTRL, KEY, add, choose, ends
from tests.app.support import LEFT, Person


def test_edges_are_lined_up_and_gaps_made_equal(person: Person) -> None:
    for index, name in enumerate(("a", "b", "c")):
        add(person, "variable", name, 40 * index, (0, 130, 600)[index])
    person.push("edit.select_all")
    person.push("edit.align_left")
    assert {node.position[0] for node in person.document.nodes} == {0}
    person.push("edit.spread_down")
    tops = [node.position[1] for node in person.document.nodes]
    assert tops == [0, 300, 600]
    person.push("edit.undo")
    person.push("edit.undo")
    assert [n.position[0] for n in person.document.nodes] == [0, 40, 80]


def test_alignment_and_spreading_on_paper() -> None:
    boxes = {"a": (0.0, 0.0, 10.0, 10.0), "b": (5.0, 50.0, 20.0, 10.0)}
    assert aligned(boxes, "right") == {"a": (15.0, 0.0), "b": (5.0, 50.0)}
    assert aligned(boxes, "bottom") == {"a": (0.0, 50.0), "b": (5.0, 50.0)}
    close = {"a": (0.0, 0.0, 10.0, 10.0), "b": (1.0, 0.0, 10.0, 10.0)}
    across = spread(close, True)
    assert across["b"][0] >= across["a"][0] + 10  # never on top of each other
    assert spread({}, True) == {}


def test_moved_nodes_snap_where_that_is_wanted(person: Person) -> None:
    add(person, "variable", "x", 0, 0)
    person.window.canvas.fit()
    person.push("view.snap")
    start = person.body_at("x")
    person.drag(start, start + QPoint(31, 17))
    x, y = person.node("x").position
    assert (x % 12, y % 12) == (0, 0)
    assert (x, y) != (0, 0)
    item = person.window.canvas.mirror.items[person.node("x").id]
    assert (item.x(), item.y()) == (x, y)


def test_the_arrow_keys_walk_along_wires(person: Person) -> None:
    person.example("deconvolution")
    person.click("grad")
    way = []
    for key in (KEY.Key_Right, KEY.Key_Right, KEY.Key_Right, KEY.Key_Left):
        person.press(key)
        way.append(person.document.node(person.window.session.selection[0]).name)
    for here, there in zip(["grad", *way], way[:3], strict=False):
        assert {here, there} in [
            {person.document.node(w.source).name, person.document.node(w.target).name}
            for w in person.document.wires
        ]
    place = person.document.node(person.window.session.selection[0]).position
    person.press(KEY.Key_Right, CTRL)
    moved = person.document.node(person.window.session.selection[0]).position
    assert moved == (place[0] + 12, place[1])


def test_walking_up_and_down_takes_the_nearest(person: Person) -> None:
    top = add(person, "variable", "top", 0, 0)
    far = add(person, "variable", "far", 900, 100)
    below = add(person, "variable", "below", 10, 200)
    document = person.document
    assert neighbour(document, top.id, "down") == below.id
    assert neighbour(document, below.id, "up") == top.id
    assert neighbour(document, None, "right") == top.id
    assert neighbour(document, far.id, "right") is None


def test_a_wire_is_made_by_keyboard_alone(person: Person) -> None:
    add(person, "load_image", "photo", 0, 0)
    add(person, "add_noise", "noisy", 300, 0)
    person.window.session.select([person.node("photo").id])
    person.press(KEY.Key_C)
    choose(person, "noisy")  # a load image has but one port
    assert ends(person) == {("photo", "image", "noisy", "image")}
    person.press(KEY.Key_C)
    choose(person, "new")
    choose(person, "blur")
    assert ("photo", "image", "blurred", "image") in ends(person)


def test_a_backdrop_is_drawn_behind_nodes_and_moves_them(person: Person) -> None:
    add(person, "load_image", "photo", 0, 0)
    add(person, "add_noise", "noisy", 300, 0)
    person.push("edit.select_all")
    person.press(KEY.Key_G, CTRL)
    editor = person.window.canvas.frames.editor
    assert editor is not None
    person.bot.keyClicks(editor, "Data")
    person.bot.keyClick(editor, KEY.Key_Return)
    frame = person.document.frames[0]
    assert frame.text == "Data"
    person.window.canvas.fit()
    before = [node.position for node in person.document.nodes]
    viewer = person.window.canvas.viewer
    start = viewer.mapFromScene(QPointF(frame.rect[0] + 150, frame.rect[1] + 12))
    person.drag(start, start + QPoint(40, 25))
    after = [node.position for node in person.document.nodes]
    moved = {(b[0] - a[0], b[1] - a[1]) for a, b in zip(before, after, strict=True)}
    assert len(moved) == 1
    assert moved != {(0, 0)}
    new = person.document.frames[0].rect
    assert (new[0] - frame.rect[0], new[1] - frame.rect[1]) in moved
    person.push("edit.undo")
    assert [node.position for node in person.document.nodes] == before
    # It is saved, and read again.
    again = files.loads(dumps(person.document))
    assert again.frames == person.document.frames
    # Deleting it leaves the nodes.
    person.bot.mouseClick(viewer.viewport(), LEFT, pos=start)
    person.press(KEY.Key_Delete)
    assert person.document.frames == ()
    assert len(person.document) == 2


def test_a_note_is_written_and_resized(person: Person) -> None:
    person.press(KEY.Key_N)
    frames = person.window.canvas.frames
    assert frames.editor is not None
    person.bot.keyClicks(frames.editor, "**Try** a larger weight")
    person.bot.keyClick(frames.editor, KEY.Key_Escape)
    frame = person.document.frames[0]
    assert (frame.kind, frame.text) == ("note", "**Try** a larger weight")
    viewer = person.window.canvas.viewer
    corner = viewer.mapFromScene(
        QPointF(frame.rect[0] + frame.rect[2] - 4, frame.rect[1] + frame.rect[3] - 4)
    )
    person.drag(corner, corner + QPoint(60, 30))
    assert person.document.frames[0].rect[2] > frame.rect[2]
    assert person.document.frames[0].rect[:2] == frame.rect[:2]


def test_a_note_grows_with_its_words_and_is_written_in_a_field_one_can_read(person: Person) -> None:
    person.window.canvas.viewer.zoom_by(0.3)
    person.press(KEY.Key_N)
    frames = person.window.canvas.frames
    assert frames.editor is not None
    assert frames.editor.width() >= 260
    assert frames.editor.height() >= 120
    for _ in range(8):
        person.bot.keyClicks(frames.editor, "- a line that must be seen, long enough to be wrapped")
        person.bot.keyClick(frames.editor, KEY.Key_Return)
    person.bot.keyClick(frames.editor, KEY.Key_Escape)
    frame = person.document.frames[0]
    item = frames.items[frame.id]
    assert frame.rect[3] >= item.height_of(frame.text) > 200
    person.push("edit.undo")
    assert person.document.frames[0].rect[3] == 90


def test_a_wire_says_what_flows_through_it(person: Person) -> None:
    person.example("deconvolution")
    canvas = person.window.canvas
    wire = next(w for w in person.document.wires if w.source == person.node("photo").id)
    words = canvas.facts.wire(person.document, wire, "float32")
    assert "image" in words
    assert "400 × 600" in words
    assert "float32" in words
    assert "400 × 600 × 3 · real" in canvas.facts.wire(person.document, wire)
    pipe = canvas.mirror.wires[wire]
    for percent in range(5, 100, 5):  # another wire may cross it somewhere
        place = canvas.viewer.mapFromScene(pipe.path().pointAtPercent(percent / 100))
        person.bot.mouseMove(canvas.viewer.viewport(), place)
        if canvas.hint.isVisible() and "photo → " in canvas.hint.text():
            break
    assert "photo → " in canvas.hint.text()
    person.bot.mouseMove(canvas.viewer.viewport(), QPoint(5, 5))
    assert not canvas.hint.isVisible()


def test_bookmarks_come_back_to_a_view(person: Person) -> None:
    person.example("deconvolution")
    viewer = person.window.canvas.viewer
    viewer.zoom_by(1.8)
    kept = viewer.mapToScene(viewer.viewport().rect()).boundingRect()
    person.push("view.keep_place")
    person.push("view.fit")
    person.push("view.next_place")
    shown = viewer.mapToScene(viewer.viewport().rect()).boundingRect()
    assert (shown.center() - kept.center()).manhattanLength() < 3
    assert shown.width() == pytest.approx(kept.width(), rel=0.02)


def test_a_script_dropped_on_the_window_becomes_a_graph(person: Person, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(generate(files.load("example:denoising")).text, encoding="utf-8")
    person.window.commands.drop_files([script], QPointF(0, 0))
    assert person.document.by_name("photo") is not None
    assert not person.window.session.is_clean  # it lies in no file yet
    person.window.session.history.mark_clean()
    bad = tmp_path / "bad.py"
    bad.write_text("while True: pass\n", encoding="utf-8")
    person.window.commands.drop_files([bad], QPointF(0, 0))
    assert "cannot become a graph" in person.window.problems.sentences[0]
    assert person.document.by_name("photo") is not None


def test_nodes_copied_from_another_window_are_pasted_here(person: Person) -> None:
    person.example("denoising")
    person.push("edit.select_all")
    person.push("edit.copy")
    count = len(person.document)
    person.window.session.history.mark_clean()
    person.push("file.new")
    assert len(person.document) == 0
    person.push("edit.paste")
    assert len(person.document) == count
    assert len(person.document.wires) == len(files.load("example:denoising").wires)


def test_a_run_can_end_at_a_node(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    person.example("deconvolution")
    sent: list[str] = []
    monkeypatch.setattr(
        person.window.runner.engine, "run", lambda script, **_: sent.append(script.text) or 1
    )
    person.click("blurred")
    person.bot.keyClick(person.window, KEY.Key_F5, CTRL)
    assert len(sent) == 1
    assert "dp.blur(photo, kernel)" in sent[0]
    assert "Problem" not in sent[0]
    person.window.runner._run = None


def test_arranging_survives_a_thousand_nodes_in_a_diamond(person: Person) -> None:
    from app.canvas.arrange import arrange
    from nodes.document import Document, Wire

    nodes = [new_node(Document(), "add", f"n{i}") for i in range(1000)]
    wires = [
        Wire(nodes[i].id, "output", nodes[j].id, name)
        for i in range(998)
        for j, name in ((i + 1, "a"), (i + 2, "b"))
    ]
    places = arrange(Document(nodes, wires), {})
    assert len(set(places.values())) == 1000
    loop = Document(nodes[:2], [Wire(nodes[0].id, "output", nodes[1].id, "a"),
                                Wire(nodes[1].id, "output", nodes[0].id, "a")])  # fmt: skip
    assert len(set(arrange(loop, {}).values())) == 2
    assert MoveNodes(places).edits  # it is a command like any other


def test_a_walk_along_wires_takes_the_next_node_not_the_far_end(person: Person) -> None:
    person.example("deconvolution")
    walk = person.node("photo").id
    names = []
    while (step := neighbour(person.document, walk, "right")) is not None:
        walk = step
        names.append(person.document.node(walk).name)
    assert names[:2] == ["blurred", "observed"]
    assert names[-1] == "view"
