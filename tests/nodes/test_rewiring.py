"""Commands that keep wires while nodes come and go, and what a graph means with nodes off."""

from __future__ import annotations

import pytest

from nodes.checks import check
from nodes.commands import (
    AddNode,
    ChangeType,
    Disconnect,
    Dissolve,
    History,
    PutFrame,
    RemoveFrames,
    RemoveNodes,
    Rename,
    SetMode,
    SetParameter,
    new_node,
    splice,
)
from nodes.document import Document
from nodes.errors import DocumentError, FileError
from nodes.files import dumps, load, loads
from nodes.formula import objective
from nodes.frames import Frame
from nodes.modes import effective, through
from nodes.script import generate


@pytest.fixture
def document() -> Document:
    return load("example:deconvolution")


def _id(document: Document, name: str) -> str:
    node = document.by_name(name)
    assert node is not None
    return node.id


def _ends(document: Document) -> list[tuple[str, str, str, str]]:
    names = {node.id: node.name for node in document.nodes}
    return [(names[w.source], w.output, names[w.target], w.input) for w in document.wires]


def test_a_node_in_a_wire_takes_over_its_flow_and_keeps_the_order_of_terms(
    document: Document,
) -> None:
    history = History(document)
    noise = new_node(document, "add_noise", "more")
    history.do(AddNode(noise))
    wire = document.wires_into(_id(document, "blurred"), "image")[0]
    before = _ends(document)
    command = splice(document, wire, noise)
    assert command is not None
    history.do(command)
    after = _ends(document)
    place = before.index(("photo", "image", "blurred", "image"))
    assert after[place] == ("more", "image", "blurred", "image")
    assert after[-1] == ("photo", "image", "more", "image")
    assert not [i for i in check(document) if i.severity == "error"]
    history.undo()
    assert _ends(document) == before


def test_what_does_not_fit_into_a_wire_is_not_put_there(document: Document) -> None:
    history = History(document)
    kernel = new_node(document, "disk_psf")
    history.do(AddNode(kernel))
    for wire in document.wires:
        assert splice(document, wire, kernel) is None
        source = document.node(wire.source)
        assert splice(document, wire, source) is None


def test_dissolving_joins_what_the_node_stood_between(document: Document) -> None:
    history = History(document)
    before = dumps(document)
    history.do(Dissolve(_id(document, "blurred")))
    assert ("photo", "image", "observed", "image") in _ends(document)
    history.undo()
    assert dumps(document) == before
    with pytest.raises(DocumentError, match="hands nothing through"):
        history.do(Dissolve(_id(document, "smoothness")))


def test_another_type_keeps_wires_whose_ports_have_other_names(document: Document) -> None:
    history = History(document)
    grad = document.by_name("grad")
    assert grad is not None
    history.do(ChangeType(grad.id, "conv"))
    assert ("x", "variable", "grad", "x") in _ends(document)
    assert any(end[0] == "grad" and end[2] == "smoothness" for end in _ends(document))
    kernel = _id(document, "kernel")
    history.do(ChangeType(kernel, "load_image"))
    # The output is called "image" there, and an image may stand for a kernel.
    assert ("kernel", "image", "conv", "kernel") in _ends(document), _ends(document)


def test_a_penalty_switched_off_drops_out_of_script_and_formula(document: Document) -> None:
    history = History(document)
    assert "norm1" in generate(document).text
    history.do(SetMode((_id(document, "smoothness"),), "off"))
    script = generate(document).text
    assert "norm1" not in script
    assert "∇" not in objective(document).text
    history.undo()
    assert "norm1" in generate(document).text


def test_a_node_passed_by_hands_its_input_through(document: Document) -> None:
    history = History(document)
    history.do(SetMode((_id(document, "blurred"),), "bypass"))
    text = generate(document).text
    assert "dp.blur" not in text
    assert "dp.add_noise(photo" in text
    # Two in a row are passed by as well.
    history.do(SetMode((_id(document, "observed"),), "bypass"))
    sources = {w.source for w in effective(document).wires_into(_id(document, "fidelity"))}
    assert _id(document, "photo") in sources


def test_what_hands_nothing_through_cannot_be_passed_by(document: Document) -> None:
    assert through(document.node(_id(document, "smoothness")).spec) is None
    with pytest.raises(DocumentError, match="switch it off instead"):
        History(document).do(SetMode((_id(document, "positivity"),), "bypass"))


def test_modes_and_frames_survive_a_file_and_unused_ones_leave_no_trace(document: Document) -> None:
    plain = dumps(document)
    assert '"mode":' not in plain
    assert '"frames":' not in plain
    history = History(document)
    history.do(SetMode((_id(document, "grad"),), "bypass"))
    history.do(PutFrame(Frame("a", "note", "**λ** is too large", (0, 0, 200, 80), "green")))
    text = dumps(document)
    again = loads(text)
    assert dumps(again) == text
    assert again.node(_id(document, "grad")).mode == "bypass"
    assert again.frames == document.frames
    history.do(RemoveFrames(("a",)))
    history.go_to(0)
    assert dumps(document) == plain


def test_a_damaged_mode_or_frame_is_said(document: Document) -> None:
    history = History(document)
    history.do(SetMode((_id(document, "grad"),), "off"))
    with pytest.raises(FileError, match='"maybe" is not a mode'):
        loads(dumps(document).replace('"mode": "off"', '"mode": "maybe"'))
    history.do(PutFrame(Frame("a", rect=(0, 0, 200, 80))))
    with pytest.raises(FileError, match="frame 1: A frame is at least"):
        loads(dumps(document).replace("[0, 0, 200, 80]", "[0, 0, 2, 80]"))
    with pytest.raises(DocumentError, match="not one of the colours"):
        history.do(PutFrame(Frame("b", colour="red")))


def test_the_history_can_be_walked_to_any_step(document: Document) -> None:
    history = History(document)
    states = [dumps(document)]
    for name in ("smoothness", "positivity", "grad"):
        history.do(SetMode((_id(document, name),), "off"))
        states.append(dumps(document))
    assert history.texts == ["Switch off"] * 3
    assert history.subjects == ["smoothness", "positivity", "grad"]
    for count in (0, 3, 1, 2, 99):
        history.go_to(count)
        assert dumps(document) == states[min(count, 3)]
    assert len(history.texts) == 3


def test_a_step_says_what_it_was_about(document: Document) -> None:
    history = History(document)
    smoothness, photo = _id(document, "smoothness"), _id(document, "photo")
    for value in (0.5, 0.25):
        history.do(SetParameter(smoothness, "weight", value, merge="drag"))
        assert history.subjects == [f"smoothness: {value}"]
    history.do(Rename(photo, "cup"))
    wire = next(w for w in document.wires if w.source == photo)
    target = document.node(wire.target).name
    history.do(Disconnect(*wire.ends))
    history.do(RemoveNodes((photo,)))
    assert history.subjects[1:] == ["before: photo", f"cup → {target}", "cup"]
    history.go_to(0)
    assert len(history.subjects) == 4


def test_a_linear_program_that_comes_whole_is_written_in_letters() -> None:
    formula = objective(load("example:energy"))
    assert formula.text.startswith("minimize over x: c · x subject to l ≤ A x ≤ u")
    assert formula.tex.startswith(r"\min_{x} \; c^\top x")
    system = next(node for node in load("example:energy").nodes if node.type == "energy_system")
    assert [node for node, _ in formula.parts] == [system.id]
