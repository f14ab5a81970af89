"""Editing a node's parameters: by typing, by sliding, and by mistake."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QSlider

from app.panes.editors import make_editor
from app.panes.scales import from_slider, to_slider
from nodes.assets import portable
from nodes.catalogue import CATALOGUE
from nodes.commands import AddNode, new_node
from nodes.document import Node
from nodes.parameter import Parameter
from tests.app.support import Person

SLIDERS = [
    parameter
    for spec in CATALOGUE.values()
    for parameter in spec.parameters
    if parameter.kind in ("float", "int")
    and (parameter.soft or None not in (parameter.minimum, parameter.maximum))
]


def _show(person: Person, kind: str, **values: object) -> Node:
    node = new_node(person.document, kind, **values)  # type: ignore[arg-type]
    person.window.session.do(AddNode(node))
    person.window.session.select([node.id])
    return node


def _line(person: Person, parameter: str) -> QLineEdit:
    return person.window.inspector.editors[parameter].line


def _value(person: Person, node: Node, parameter: str) -> object:
    return person.document.node(node.id).value(parameter)


def test_typing_a_number_changes_the_document_and_the_script_at_once(person: Person) -> None:
    node = _show(person, "gaussian_psf")
    person.type_into(_line(person, "sigma"), "2.5")
    assert _value(person, node, "sigma") == 2.5
    person.until(lambda: "sigma=2.5" in person.window.code.text)


def test_typing_is_one_step_of_undo(person: Person) -> None:
    node = _show(person, "gaussian_psf")
    person.type_into(_line(person, "sigma"), "1.25")
    assert _value(person, node, "sigma") == 1.25
    person.push("edit.undo")
    assert _value(person, node, "sigma") == 3.0
    assert _line(person, "sigma").text() == "3"


def test_nonsense_gives_a_sentence_and_an_issue_and_no_traceback(person: Person) -> None:
    node = _show(person, "gaussian_psf")
    editor = person.window.inspector.editors["sigma"]
    item = person.window.canvas.mirror.items[node.id]
    session = person.window.session
    for text in ("abc", "", "1,2,3", "inf", "nan", "--1", "0x10", "1e999", "3.5x"):
        person.type_into(_line(person, "sigma"), text)
        assert editor.problem.isVisible(), text
        assert editor.problem.text().endswith("."), text
        person.until(lambda: any(i.parameter == "sigma" for i in session.issues))
        assert item.card.severity == "error", text
        person.type_into(_line(person, "sigma"), "2")
        assert not editor.problem.isVisible(), text
        person.until(lambda: not any(i.parameter == "sigma" for i in session.issues))


def test_numbers_out_of_range_are_kept_and_explained(person: Person) -> None:
    for kind, name, text, value in (
        ("norm1", "weight", "-1", -1.0),
        ("admm", "max_iter", "0", 0),
        ("admm", "max_iter", "2.5", 2.5),
        ("gaussian_psf", "size", "4", 4),
    ):
        node = _show(person, kind)
        person.type_into(_line(person, name), text)
        assert _value(person, node, name) == value
        person.until(
            lambda p=name, n=node: any(
                i.parameter == p and i.node == n.id for i in person.window.session.issues
            )
        )


def test_a_decimal_comma_is_understood(person: Person) -> None:
    node = _show(person, "gaussian_psf")
    person.type_into(_line(person, "sigma"), "2,5")
    assert _value(person, node, "sigma") == 2.5


def test_reset_brings_the_default_back(person: Person) -> None:
    node = _show(person, "gaussian_psf")
    editor = person.window.inspector.editors["sigma"]
    assert not editor.reset.isEnabled()
    person.type_into(_line(person, "sigma"), "7")
    assert editor.reset.isEnabled()
    person.bot.mouseClick(editor.reset, Qt.MouseButton.LeftButton)
    assert _value(person, node, "sigma") == 3.0
    assert _line(person, "sigma").text() == "3"
    assert not editor.reset.isEnabled()


def test_an_optional_number_is_automatic_when_empty(person: Person) -> None:
    node = _show(person, "admm", rho=2.0)
    person.type_into(_line(person, "rho"), "")
    assert _value(person, node, "rho") is None
    assert _line(person, "rho").placeholderText() == "automatic"


def test_a_slider_drag_is_one_step_of_undo(person: Person) -> None:
    node = _show(person, "norm1")
    slider: QSlider = person.window.inspector.editors["weight"].slider
    groove = slider.rect()
    start = QPoint(int(groove.width() * slider.value() / slider.maximum()), groove.height() // 2)
    person.bot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 20):
        person.bot.mouseMove(slider, start + QPoint(step * 2, 0))
    person.bot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(38, 0))
    moved = _value(person, node, "weight")
    assert isinstance(moved, float)
    assert moved > 0.01
    person.push("edit.undo")
    assert _value(person, node, "weight") == 0.01
    person.push("edit.undo")
    assert node.id not in person.document


def test_the_wheel_scrolls_and_does_not_change_what_it_passes(person: Person) -> None:
    node = _show(person, "load_image")
    box: QComboBox = person.window.inspector.editors["colour"].box
    box.clearFocus()
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    event = QWheelEvent(
        QPointF(5, 5), box.mapToGlobal(QPointF(5, 5)), QPoint(0, -120), QPoint(0, -120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(box, event)
    assert _value(person, node, "colour") == "auto"


def test_names_follow_the_rules_of_the_script(person: Person) -> None:
    node = _show(person, "load_image")
    name = person.window.inspector.name
    assert name is not None
    person.type_into(name, "not a name")
    assert person.document.node(node.id).name == "photo"
    name = person.window.inspector.name
    assert name is not None
    person.type_into(name, "scene")
    assert person.document.node(node.id).name == "scene"
    person.until(lambda: "scene = " in person.window.code.text)


def test_undo_shows_in_the_fields(person: Person) -> None:
    node = _show(person, "load_image")
    editor = person.window.inspector.editors["colour"]
    editor.box.setCurrentIndex(1)
    editor.box.activated.emit(1)
    assert _value(person, node, "colour") == "grey"
    person.push("edit.undo")
    assert editor.box.currentText() == "auto"


def test_samples_are_offered(person: Person) -> None:
    node = _show(person, "load_image")
    editor = person.window.inspector.editors["source"]
    names = [action.text() for action in editor.samples.menu().actions()]
    assert {"Astronaut", "Camera", "Chelsea", "Coffee"} <= set(names)
    editor.samples.menu().actions()[names.index("Camera")].trigger()
    assert _value(person, node, "source") == "sample:camera"


def test_every_node_type_can_be_inspected_and_every_control_is_named(person: Person) -> None:
    inspector = person.window.inspector
    for kind, spec in CATALOGUE.items():
        _show(person, kind)
        assert set(inspector.editors) == {p.name for p in spec.parameters}
        for control in inspector.findChildren(QLineEdit) + inspector.findChildren(QComboBox):
            assert control.accessibleName(), (kind, control)


def test_unknown_nodes_say_that_they_are_kept(person: Person) -> None:
    odd = Node("f" * 32, "odd", "from_the_future", 9, {}, (0, 0))
    person.window.session.do(AddNode(odd))
    person.window.session.select([odd.id])
    assert person.window.inspector.node == odd
    assert person.window.inspector.editors == {}


@given(parameter=st.sampled_from(SLIDERS), position=st.integers(0, 1000))
def test_sliders_give_valid_values_and_find_them_again(parameter: Parameter, position: int) -> None:
    value = from_slider(parameter, position)
    assert parameter.validate(value) is None
    # An integer slider has fewer values than steps; a value's own position gives the value back.
    again = from_slider(parameter, to_slider(parameter, float(value)))
    assert math.isclose(float(again), float(value), rel_tol=0.02, abs_tol=1e-12)


def test_the_ends_of_a_slider_are_the_ends_of_its_range() -> None:
    for parameter in SLIDERS:
        low, high = parameter.soft or (parameter.minimum, parameter.maximum)
        assert low is not None
        assert high is not None
        assert to_slider(parameter, float(low)) == 0
        assert to_slider(parameter, float(high)) == 1000


def test_paths_beside_the_document_are_kept_relative(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert portable(tmp_path / "a" / "b.png", tmp_path) == "a/b.png"
    assert portable(tmp_path / "b.png", tmp_path / "a") == (tmp_path / "b.png").as_posix()
    assert portable(tmp_path / "b.png", None) == (tmp_path / "b.png").as_posix()


def test_an_editor_is_made_for_every_kind(qtbot) -> None:  # type: ignore[no-untyped-def]
    for kind, default in (
        ("float", 1.0), ("int", 1), ("bool", True), ("choice", "a"), ("path", "x"), ("text", "t"),
    ):  # fmt: skip
        editor = make_editor(Parameter("p", "parameter", kind, default, choices=("a", "b")))
        qtbot.addWidget(editor)
        editor.set_value(default)
        heard: list[object] = []
        editor.edited.connect(lambda value, _token, h=heard: h.append(value))
        editor.set_value(default)
        assert heard == []


def test_values_that_differ_are_told_until_they_agree_and_again_after_undo(person: Person) -> None:
    first = _show(person, "norm1", weight=0.1)
    second = _show(person, "norm1", weight=0.2)
    person.window.session.select([first.id, second.id])
    assert person.window.inspector.editors["weight"].problem.text() == "Now 0.1, 0.2"
    person.type_into(_line(person, "weight"), "0.5")
    problem = person.window.inspector.editors["weight"].problem
    person.until(problem.isHidden)
    person.push("edit.undo")
    person.until(lambda: problem.text() == "Now 0.1, 0.2")
    assert problem.property("muted")
    person.type_into(_line(person, "weight"), "much")
    person.until(lambda: "must be a number" in problem.text())
    assert problem.property("error")
    assert not problem.property("muted")
