"""Sessions, settings, the clipboard, the layout of graphs, the fence around paint events."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QSettings

from app.canvas import clipboard
from app.canvas.arrange import arrange
from app.guard import guarded
from app.session import Notice, Session
from app.settings import Settings
from nodes import files
from nodes.commands import AddNode, Connect, History, MoveNodes, new_node
from nodes.document import Document, Node, Wire
from tests.app.support import Person


def _example() -> Document:
    return files.load("example:deconvolution")


# --- clipboard ---


def test_copied_nodes_come_back_wired_under_free_names() -> None:
    document = _example()
    chosen = [document.by_name(name) for name in ("photo", "kernel", "blurred")]
    mime = clipboard.copied(document, [node.id for node in chosen if node])
    pasted = clipboard.read(mime)
    assert pasted is not None
    made = clipboard.paste(document, pasted, (10, 20))
    assert made is not None
    before = files.dumps(document)
    history = History(document)
    history.do(made[0])
    assert len({node.name for node in document.nodes}) == len(document.nodes)
    assert len(made[1]) == 3
    inner = {w.ends for w in pasted.wires}
    assert len(inner) == 2
    assert len([w for w in document.wires if w.source in made[1] and w.target in made[1]]) == 2
    history.undo()
    assert files.dumps(document) == before


@pytest.mark.parametrize(
    "text", ["", "hello", "{", '{"format": "dprox-studio"}', "[" * 100_000, '{"dprox-studio": 1}']
)
def test_a_foreign_clipboard_is_harmless(person: Person, text: str) -> None:
    from PySide6.QtWidgets import QApplication

    mime = QMimeData()
    mime.setText(text)
    assert clipboard.read(mime) is None
    QApplication.clipboard().setText(text)
    person.push("edit.paste")
    assert len(person.document) == 0


def test_duplicate_and_cut_and_paste(person: Person) -> None:
    window = person.window
    window.session.open("example:deconvolution")
    count = len(person.document)
    window.session.select([person.node("photo").id, person.node("kernel").id])
    person.push("edit.duplicate")
    assert len(person.document) == count + 2
    assert {person.document.node(i).name for i in window.session.selection} == {
        "photo2",
        "kernel2",
    }
    person.push("edit.cut")
    assert len(person.document) == count
    person.push("edit.paste")
    assert len(person.document) == count + 2
    for _ in range(3):
        person.push("edit.undo")
    assert files.dumps(person.document) == files.dumps(_example())


# --- layout ---


@st.composite
def _graphs(draw: st.DrawFn) -> Document:
    count = draw(st.integers(0, 12))
    nodes = [Node(f"{i:032x}", f"n{i}", "add", 1) for i in range(count)]
    pairs = st.tuples(st.integers(0, max(0, count - 1)), st.integers(0, max(0, count - 1)))
    wires = [
        Wire(nodes[a].id, "output", nodes[b].id, port)
        for (a, b), port in draw(
            st.lists(st.tuples(pairs, st.sampled_from(["a", "b"])), max_size=20)
        )
        if count
    ]
    return Document(nodes, list(dict.fromkeys(wires)))


@given(_graphs())
def test_a_layout_covers_nothing_and_goes_from_left_to_right(document: Document) -> None:
    sizes = {node.id: (160.0, 60.0 + 10 * (i % 5)) for i, node in enumerate(document.nodes)}
    places = arrange(document, sizes)
    assert set(places) == set(sizes)
    boxes = [(x, y, *sizes[node]) for node, (x, y) in places.items()]
    for i, (x, y, w, h) in enumerate(boxes):
        for u, v, s, t in boxes[i + 1 :]:
            assert x + w <= u or u + s <= x or y + h <= v or v + t <= y
    loops = any(wire.source in document.downstream(wire.target) for wire in document.wires)
    if not loops:
        for wire in document.wires:
            assert places[wire.source][0] + 160 < places[wire.target][0]


def test_a_layout_of_a_thousand_nodes_is_no_wait() -> None:
    nodes = [Node(f"{i:032x}", f"n{i}", "add", 1) for i in range(1000)]
    # Diamonds: the number of paths doubles at each.
    wires = [
        Wire(nodes[i].id, "output", nodes[i + 1].id, port)
        for i in range(999)
        for port in ("a", "b")
    ]
    places = arrange(Document(nodes, wires), {})
    assert len(places) == 1000
    assert sorted(places.values()) == [places[node.id] for node in nodes]


def test_arranging_is_one_step_of_undo(person: Person) -> None:
    person.window.session.open("example:deconvolution")
    photo = person.node("photo").id
    person.window.session.do(MoveNodes({photo: (900, 900)}))
    before = {node.id: node.position for node in person.document.nodes}
    person.push("edit.arrange")
    assert person.document.node(photo).position != (900, 900)
    person.push("edit.undo")
    assert {node.id: node.position for node in person.document.nodes} == before


# --- session ---


def test_an_example_is_not_overwritten_by_saving(session: Session) -> None:
    assert session.open("example:deconvolution")
    assert session.path is None
    assert session.base.name == "examples"


def test_selection_forgets_what_is_gone(session: Session) -> None:
    node = new_node(session.document, "load_image")
    session.do(AddNode(node))
    session.select([node.id, "nobody"])
    assert session.selection == [node.id]
    session.undo()
    session.derive()
    assert session.selection == []


def test_a_refused_command_is_a_sentence_and_changes_nothing(session: Session) -> None:
    said: list[str] = []
    session.said.connect(lambda _severity, sentence: said.append(sentence))
    node = new_node(session.document, "load_image")
    session.do(AddNode(node))
    assert not session.do(Connect(node.id, "image", node.id, "image"))
    assert said[-1].endswith(".")
    assert len(session.document.wires) == 0


def test_notices_are_few_and_go_by_their_source(session: Session) -> None:
    for number in range(80):
        session.note(Notice("error", f"Sentence {number}.", source="run"))
    session.note(Notice("error", "It stays.", source="studio"))
    assert len(session.notices) == 50
    session.forget_notices("run")
    assert [notice.sentence for notice in session.notices] == ["It stays."]


def test_hundreds_of_edits_derive_once(session: Session, qtbot) -> None:  # type: ignore[no-untyped-def]
    derived: list[int] = []
    session.derived.connect(lambda: derived.append(1))
    for _ in range(200):
        session.do(AddNode(new_node(session.document, "load_image")))
    qtbot.waitUntil(lambda: bool(derived))
    assert len(derived) == 1


# --- settings ---


def test_settings_survive_and_forget_lost_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.dprox", tmp_path / "b.dprox"
    for path in (first, second):
        path.write_text("{}")
        Settings().add_recent(path)
    Settings().theme = "light"
    assert Settings().theme == "light"
    assert Settings().recent == [second, first]
    Settings().add_recent(first)
    assert Settings().recent == [first, second]
    first.unlink()
    assert Settings().recent == [second]
    for number in range(20):
        path = tmp_path / f"{number}.dprox"
        path.write_text("{}")
        Settings().add_recent(path)
    assert len(Settings().recent) == 8
    Settings().clear_recent()
    assert Settings().recent == []


def test_damaged_settings_are_no_reason_to_fail() -> None:
    store = QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "dprox-studio", "dprox-studio"
    )
    store.setValue("window1/geometry", "nonsense")
    store.setValue("folder", "/no/such/folder")
    store.setValue("recent", "/one/string")
    store.sync()
    settings = Settings()
    assert settings.window() is None
    assert settings.folder == Path.home()
    assert settings.recent == []


# --- guard ---


def test_a_guarded_override_reports_once_and_gives_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: seen.append(str(error)))
    mark = f"deliberate {time.time()}"

    class Thing:
        @guarded(7)
        def broken(self) -> int:
            raise ValueError(mark)

        @guarded(lambda self, value: value)
        def passes(self, value: int) -> int:
            raise TypeError(mark)

    thing = Thing()
    assert [thing.broken(), thing.broken()] == [7, 7]
    assert thing.passes(3) == 3
    assert seen == [mark, mark]
