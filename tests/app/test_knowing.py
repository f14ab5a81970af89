"""Help, links between formula, node and code, several nodes at once, numbers as expressions."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtWidgets import QTextBrowser

from app.engine.protocol import NodeFinished
from app.helpwindow import HelpWindow
from app.nodehelp import examples_of, help_page
from nodes.arithmetic import evaluate
from nodes.catalogue import CATALOGUE
from nodes.commands import AddNode, SetParameter, new_node
from nodes.files import dumps
from tests.app.support import Person


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/4", 0.25),
        ("2*pi", 6.283185307179586),
        ("1e-2 * sqrt(4)", 0.02),
        ("-(3 - 1)^2", -4.0),
        ("log10(1000)", 3.0),
        ("7 // 2", 3.0),
    ],
)
def test_arithmetic_is_evaluated(text: str, value: float) -> None:
    assert evaluate(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["1/0", "10**400", "__import__('os')", "(lambda: 1)()", "photo", "1 if 1 else 2", "[1]", "'a'",
     "sqrt(-1)", "9**9**9**9", "(" * 300, "", "True", "--1", "sqrt(1, 2)", "a.b"],
)  # fmt: skip
def test_what_is_no_arithmetic_is_no_number(text: str) -> None:
    assert evaluate(text) is None


def test_a_number_field_takes_an_expression(person: Person) -> None:
    person.example("deconvolution")
    person.click("smoothness")
    editor = person.window.inspector.editors["weight"]
    person.type_into(editor.line, "1/8")  # type: ignore[attr-defined]
    assert person.node("smoothness").value("weight") == 0.125
    person.type_into(editor.line, "1/0")  # type: ignore[attr-defined]
    assert editor.problem.isVisible()
    person.push("edit.undo")
    assert person.node("smoothness").value("weight") == 0.125


def test_several_nodes_are_set_at_once_as_one_step(person: Person) -> None:
    person.example("deconvolution")
    person.click("smoothness")
    person.click("fidelity", Qt.KeyboardModifier.ShiftModifier)
    editors = person.window.inspector.editors
    assert list(editors) == ["weight"]
    assert "Now" in editors["weight"].problem.text()  # they differ
    before = dumps(person.document)
    person.type_into(editors["weight"].line, "0.25")  # type: ignore[attr-defined]
    assert {person.node(n).value("weight") for n in ("smoothness", "fidelity")} == {0.25}
    person.push("edit.undo")
    assert dumps(person.document) == before
    person.click("photo", Qt.KeyboardModifier.ShiftModifier)
    assert person.window.inspector.editors == {}


def test_help_tells_ranges_defaults_and_opens_an_example(person: Person) -> None:
    node = new_node(person.document, "motion_psf")
    person.window.session.do(AddNode(node))
    person.window.session.select([node.id])
    person.bot.keyClick(person.window, Qt.Key.Key_F1)
    window = person.window.findChild(HelpWindow)
    assert window is not None
    assert window.isVisible()
    assert window.windowTitle() == "Help on Motion kernel"
    assert "Parameters" in window.page.toPlainText()
    other = new_node(person.document, "grad")
    person.window.session.do(AddNode(other))
    person.window.session.select([other.id])
    assert window.windowTitle() == "Help on Gradient"
    assert "∇x" in window.page.toPlainText()
    person.window.session.history.mark_clean()
    window.page.anchorClicked.emit(QUrl("example:deconvolution"))
    assert "Deconvolution" in person.document.title
    person.bot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
    page = help_page(CATALOGUE["gaussian_psf"])
    assert re.search(r"default .*px", page)
    assert "Switched off (M)" in page
    assert ("deconvolution", "Deconvolution by total variation") in examples_of("gaussian_psf")
    person.window.session.history.mark_clean()
    person.example("denoising")
    person.click("x")
    browser = person.window.inspector.findChild(QTextBrowser, "help")
    assert isinstance(browser, QTextBrowser)
    assert "Open an example" in browser.toPlainText()
    browser.anchorClicked.emit("example:deconvolution")
    assert "Deconvolution" in person.document.title


def test_every_node_has_a_page_of_help() -> None:
    for spec in CATALOGUE.values():
        page = help_page(spec)
        for parameter in spec.parameters:
            assert parameter.range_text, (spec.type, parameter.name)
            assert parameter.title in page.replace("&#x27;", "'"), (spec.type, parameter.name)


def test_a_term_its_node_and_its_line_light_each_other(person: Person) -> None:
    person.example("deconvolution")
    window, node = person.window, person.node("smoothness")
    item = window.canvas.mirror.items[node.id]
    plain = window.formula.html
    # The formula first.
    window.formula._text.linkHovered.emit(node.id)
    assert item.lit
    assert window.formula.html != plain
    line = window.session.script.statement_of(node.id)
    assert line is not None
    marked = [s.cursor.blockNumber() + 1 for s in window.code.view.extraSelections()]
    assert line.first_line in marked
    window.formula._text.linkHovered.emit("")
    assert not item.lit
    assert window.formula.html == plain
    # The node.
    person.bot.mouseMove(window.canvas.viewer.viewport(), person.body_at("smoothness"))
    assert window.formula.html != plain
    person.bot.mouseMove(window.canvas.viewer.viewport(), QPoint(3, 3))
    assert window.formula.html == plain
    # The line of code.
    block = window.code.view.document().findBlockByNumber(line.first_line - 1)
    window.code._reveal(line.first_line)
    place = window.code.view.blockBoundingGeometry(block).translated(
        window.code.view.contentOffset()
    )
    person.bot.mouseMove(window.code.view.viewport(), QPoint(20, int(place.center().y())))
    assert item.lit


def test_a_node_tells_how_long_it_took(person: Person) -> None:
    person.example("deconvolution")
    runner, node = person.window.runner, person.node("blurred")
    runner._preview_run = 7
    runner._receive(NodeFinished(7, node.id, 0.0123))
    item = person.window.canvas.mirror.items[node.id]
    assert "Computed in 12.3 ms" in item.toolTip()
    # After an edit upstream it is not the time of what is shown any more.
    person.window.session.do(SetParameter(person.node("kernel").id, "sigma", 2.0))
    assert "Computed" not in item.toolTip()
