"""A whole problem without touching the mouse."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.chooser import Chooser
from nodes.document import Document
from nodes.files import load
from tests.app.support import Person

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


class Typist:
    """Hands that never leave the keyboard."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def popup(self) -> Chooser:
        def found() -> list[Chooser]:
            tops = QApplication.topLevelWidgets()
            return [w for w in tops if isinstance(w, Chooser) and w.isVisible()]

        self.person.until(lambda: len(found()) == 1, 5)
        return found()[0]

    def choose(self, text: str) -> None:
        popup = self.popup()
        self.person.bot.keyClicks(popup.search, text)
        self.person.bot.keyClick(popup.search, KEY.Key_Return)

    def add(self, title: str) -> str:
        self.person.press(KEY.Key_Space)
        self.choose(title)
        return self.person.document.nodes[-1].name

    def go_to(self, name: str) -> None:
        self.person.press(KEY.Key_Home, Qt.KeyboardModifier.NoModifier)
        self.person.bot.keyClick(self.person.window, KEY.Key_F, CTRL)
        self.choose(name)

    def wire(self, source: str, target: str, port: str) -> None:
        self.go_to(source)
        self.person.press(KEY.Key_C)
        spec = self.person.node(source).spec
        assert spec is not None
        if len(spec.outputs) + len(spec.inputs) > 1:
            self.choose(spec.outputs[0].title)
        self.choose(f"{target} · {port}")


def test_a_problem_is_built_and_run_by_keyboard_alone(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Typist(person)
    names = {
        title: hands.add(title)
        for title in ("Load image", "Add noise", "Variable", "Sum of squares", "Gradient",
                      "L1 norm", "Problem", "ADMM")
    }  # fmt: skip
    for source, target, port in (
        ("Load image", "Add noise", "image"),
        ("Add noise", "Variable", "shape of"),
        ("Variable", "Sum of squares", "expression"),
        ("Add noise", "Sum of squares", "minus"),
        ("Variable", "Gradient", "input"),
        ("Gradient", "L1 norm", "expression"),
        ("Sum of squares", "Problem", "terms"),
        ("L1 norm", "Problem", "terms"),
        ("Problem", "ADMM", "problem"),
    ):
        hands.wire(names[source], names[target], port)
    assert len(person.document.wires) == 9
    assert person.window.session.errors() == []
    sent: list[str] = []
    monkeypatch.setattr(
        person.window.runner.engine, "run", lambda script, **_: sent.append(script.text) or 1
    )
    person.bot.keyClick(person.window, KEY.Key_F5)
    assert "dp.Problem(" in sent[0]
    assert "norm1(dp.grad(" in sent[0]
    person.window.runner._run = None


def test_the_deconvolution_graph_is_built_by_keyboard_alone(person: Person) -> None:
    hands = Typist(person)
    titles = (
        "Load image", "Gaussian kernel", "Blur", "Add noise", "Variable", "Convolution",
        "Sum of squares", "Gradient", "L1 norm", "Not negative", "Problem", "ADMM", "View",
    )  # fmt: skip
    names = {title: hands.add(title) for title in titles}
    for source, target, port in (
        ("Load image", "Blur", "image"),
        ("Gaussian kernel", "Blur", "kernel"),
        ("Blur", "Add noise", "image"),
        ("Add noise", "Variable", "shape of"),
        ("Variable", "Convolution", "input"),
        ("Gaussian kernel", "Convolution", "kernel"),
        ("Convolution", "Sum of squares", "expression"),
        ("Add noise", "Sum of squares", "minus"),
        ("Variable", "Gradient", "input"),
        ("Gradient", "L1 norm", "expression"),
        ("Variable", "Not negative", "expression"),
        ("Sum of squares", "Problem", "terms"),
        ("L1 norm", "Problem", "terms"),
        ("Not negative", "Problem", "terms"),
        ("Problem", "ADMM", "problem"),
        ("Add noise", "ADMM", "start"),
        ("Load image", "ADMM", "ground truth"),
        ("ADMM", "View", "image"),
    ):
        hands.wire(names[source], names[target], port)

    def shape(document: Document) -> list[tuple[str, str, str, str]]:
        kinds = {node.id: node.type for node in document.nodes}
        return sorted((kinds[w.source], w.output, kinds[w.target], w.input) for w in document.wires)

    assert shape(person.document) == shape(load("example:deconvolution"))
    assert person.window.session.errors() == []
    person.window.session.derive()
    assert "∇" in (person.window.session.formula.text if person.window.session.formula else "")
