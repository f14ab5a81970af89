"""Whole stories: the window as a person uses it, the solver running behind it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer

from app import dialogs, theme
from app.main_window import MainWindow
from nodes import files
from nodes.script import generate
from tests.app.support import Person


def test_a_graph_built_by_hand_runs_to_a_better_picture(person: Person) -> None:
    window = person.window
    person.add("load image", "add noise", "variable", "sum of squares", "gradient", "l1 norm")
    person.add("problem", "admm", "view")
    names = [node.name for node in person.document.nodes]
    assert names == [
        "photo", "noisy", "x", "fidelity", "grad", "sparsity", "problem", "result", "view",
    ]  # fmt: skip
    person.push("edit.arrange")
    person.wire("photo", "image", "noisy", "image")
    person.wire("noisy", "image", "x", "like")
    person.wire("x", "variable", "fidelity", "input")
    person.wire("noisy", "image", "fidelity", "target")
    person.wire("x", "variable", "grad", "x")
    person.wire("grad", "output", "sparsity", "input")
    person.wire("fidelity", "term", "problem", "terms")
    person.wire("sparsity", "term", "problem", "terms")
    person.wire("problem", "problem", "result", "problem")
    person.wire("photo", "image", "result", "truth")
    person.wire("result", "solution", "view", "image")
    assert len(person.document.wires) == 11
    for node, parameter, value in (
        ("photo", "size", "96"),
        ("noisy", "sigma", "0.1"),
        ("sparsity", "weight", "0.15"),
        ("result", "max_iter", "40"),
    ):
        person.click(node)
        person.type_into(window.inspector.editors[parameter].line, value)
    person.until(lambda: window.session.issues == [])
    # The data shows before anything has run.
    person.until(lambda: person.node("noisy").id in window.runner.pictures)
    assert window.canvas.mirror.items[person.node("noisy").id].card.thumbnail is not None
    person.press(Qt.Key.Key_F5)
    person.until(lambda: not window.runner.busy and bool(window.runner.outcome))
    rows = person.rows
    assert 1 <= len(rows) <= 40
    assert np.isfinite(rows[:, 2]).all()
    noisy = window.runner.pictures[person.node("noisy").id].data
    photo = window.runner.pictures[person.node("photo").id].data
    result = window.runner.pictures[person.node("view").id].data
    assert result.shape == photo.shape
    assert np.mean((result - photo) ** 2) < 0.5 * np.mean((noisy - photo) ** 2)
    # PSNR on the curve is that of the picture.
    assert rows[-1, 5] == pytest.approx(-10 * np.log10(np.mean((result - photo) ** 2)), abs=0.3)
    assert window.runner.node_states[person.node("result").id] == "done"


def test_run_pause_step_resume_stop(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.click("result")
    person.type_into(window.inspector.editors["max_iter"].line, "100000")
    person.type_into(window.inspector.editors["rel_tol"].line, "1e-8")
    person.type_into(window.inspector.editors["abs_tol"].line, "1e-8")
    person.push("run.run")
    assert not window.action("run.run").isEnabled()
    person.run_to(5)
    person.push("run.pause")
    person.until(lambda: window.runner.engine.holding)
    person.until(lambda: window.action("run.run").text() == "Resume")
    person.bot.wait(200)
    held = window.runner.progress.iteration
    person.bot.wait(300)
    assert window.runner.progress.iteration == held
    assert window.iterate.view.image is not None
    # The view of the solution shows it on its way, too.
    assert window.canvas.mirror.items[person.node("view").id].card.thumbnail is not None
    person.push("run.step")
    person.until(lambda: window.runner.progress.iteration == held + 1)
    person.bot.wait(200)
    assert window.runner.progress.iteration == held + 1
    person.push("run.run")
    person.run_to(held + 10)
    assert window.progress.text.text().startswith("iteration")
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)
    assert window.iterate.view.image is not None
    assert "topped" in window.runner.outcome
    # And again: nothing of the stopped run is in the way.
    person.push("run.run")
    person.run_to(3)
    assert person.rows[0, 0] <= 1
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)


def test_step_from_rest_does_one_iteration(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.push("run.step")
    person.until(lambda: window.runner.progress.iteration == 1)
    person.bot.wait(300)
    assert window.runner.progress.iteration == 1
    assert window.runner.state == "paused"
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)


def test_killing_the_worker_leaves_the_window_with_the_last_iterate(hooked: Person) -> None:
    person, window = hooked, hooked.window
    person.example("deconvolution")
    person.click("result")
    person.type_into(window.inspector.editors["max_iter"].line, "100000")
    person.type_into(window.inspector.editors["rel_tol"].line, "1e-8")
    person.push("run.run")
    person.run_to(5)
    person.until(lambda: window.runner.last_iterate is not None)
    first = window.runner.engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    person.until(lambda: any(n.source == "worker" for n in window.session.notices))
    assert window.isVisible()
    assert window.iterate.view.image is not None
    assert len(person.rows) >= 5
    assert any("solver" in sentence.lower() for sentence in window.problems.sentences)
    assert window.status.text.text()
    person.ready()
    assert window.runner.engine.pid not in (None, first)
    # The new worker is as good as the old one.
    person.push("run.run")
    person.run_to(3)
    assert not any(n.source == "worker" for n in window.session.notices)
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)


def test_deleting_the_data_term_is_an_issue_on_the_node_and_undoes(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.until(lambda: window.session.issues == [])
    terms = [w for w in person.document.wires if w.input == "terms"]
    for wire in terms:
        person.click(person.document.node(wire.source).name)
        person.press(Qt.Key.Key_Delete)
    person.until(lambda: bool(window.session.errors()))
    issue = next(i for i in window.session.errors() if i.node == person.node("problem").id)
    assert issue.sentence in window.problems.sentences
    item = window.canvas.mirror.items[person.node("problem").id]
    assert item.card.severity == "error"
    # Run says what stands in the way and points at it.
    person.push("run.run")
    assert not window.runner.busy
    assert window.session.selection
    assert window.status.text.text()
    # A click on the issue selects the node.
    window.session.select([])
    row = next(r for r in window.problems.rows if r.entry.sentence == issue.sentence)
    person.bot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert window.session.selection == [issue.node]
    for _ in terms:
        person.push("edit.undo")
    person.until(lambda: window.session.issues == [])
    assert item.card.severity == ""


def test_a_wire_that_does_not_fit_is_refused_with_a_sentence(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    before = set(person.document.wires)
    person.wire("photo", "image", "problem", "terms")
    assert set(person.document.wires) == before
    assert "problem takes a term" in window.status.text.text()
    assert window.canvas.hint.isVisible()


def test_unsaved_work_is_asked_about_on_every_way_out(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = person.window
    asked: list[str] = []
    answers: list[dialogs.Answer] = []

    def ask(_parent: object, title: str) -> dialogs.Answer:
        asked.append(title)
        return answers.pop(0)

    monkeypatch.setattr(dialogs, "ask_unsaved", ask)
    target = tmp_path / "mine.dprox"
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: target)
    person.example("deconvolution")
    assert asked == []
    person.click("smoothness")
    person.type_into(window.inspector.editors["weight"].line, "0.02")
    assert "•" in window.windowTitle()
    # Cancel keeps everything: closing, new, another example.
    answers += [dialogs.Answer.CANCEL] * 3
    window.close()
    assert window.isVisible()
    person.push("file.new")
    window.commands.open_path("example:deconvolution")
    assert len(asked) == 3
    assert person.node("smoothness").value("weight") == 0.02
    # Save asks for a name, since an example is not overwritten, and goes on.
    answers.append(dialogs.Answer.SAVE)
    person.push("file.new")
    assert len(person.document) == 0
    saved = files.load(target)
    found = saved.by_name("smoothness")
    assert found is not None
    assert found.value("weight") == 0.02
    # Once saved, nothing is asked; and the recent list knows it.
    assert window.commands.open_path(target)
    assert window.settings.recent == [target]
    assert "•" not in window.windowTitle()
    person.push("file.new")
    assert len(asked) == 4
    # Discard loses what it says.
    person.add("load image")
    answers.append(dialogs.Answer.DISCARD)
    person.push("file.new")
    assert len(person.document) == 0


def test_the_exported_script_is_the_code_pane(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = person.window
    person.example("deconvolution")
    target = tmp_path / "script.py"
    monkeypatch.setattr(dialogs, "ask_script_target", lambda *_: target)
    person.push("file.export")
    assert target.read_text(encoding="utf-8") == window.code.text
    assert window.code.text == generate(person.document).text
    compile(window.code.text, "script.py", "exec")


def test_the_code_pane_and_the_nodes_point_at_each_other(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.click("smoothness")
    marks = window.code.view.extraSelections()
    lines = {mark.cursor.blockNumber() + 1 for mark in marks}
    statement = window.session.script.statement_of(person.node("smoothness").id)
    assert statement is not None
    assert lines == {statement.first_line}
    other = window.session.script.statement_of(person.node("kernel").id)
    assert other is not None
    window.code.view.clicked.emit(other.first_line, 2)
    assert window.session.selection == [person.node("kernel").id]


def test_dark_and_light_switch_while_a_run_goes_on(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.push("run.run")
    person.run_to(3)
    person.push("view.dark")
    assert theme.current().name == "light"
    assert window.settings.theme == "light"
    light = window.grab().toImage().pixelColor(600, 300)
    person.push("view.dark")
    dark = window.grab().toImage().pixelColor(600, 300)
    assert light.lightness() > dark.lightness() + 80
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)


def test_an_exception_anywhere_is_shown_and_closes_nothing(hooked: Person) -> None:
    window = hooked.window

    def fail() -> None:
        raise RuntimeError("a deliberate mistake")

    QTimer.singleShot(0, fail)
    hooked.until(lambda: any("a deliberate mistake" in s for s in window.problems.sentences))
    row = next(r for r in window.problems.rows if "deliberate" in r.entry.sentence)
    assert "RuntimeError" in row.entry.details
    assert window.isVisible()


def test_a_missing_picture_is_a_sentence_on_its_node(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.click("photo")
    person.type_into(window.inspector.editors["source"].line, "nowhere/at-all.png")
    person.until(
        lambda: window.canvas.mirror.items[person.node("photo").id].card.severity == "error"
    )
    assert any("at-all.png" in sentence for sentence in window.problems.sentences)
    person.push("edit.undo")
    person.until(lambda: window.canvas.mirror.items[person.node("photo").id].card.severity == "")


def test_files_that_are_no_documents_lose_nothing(person: Person, tmp_path: Path) -> None:
    window: MainWindow = person.window
    person.example("deconvolution")
    nodes = len(person.document)
    newer = b'{"format": "dprox-studio", "schema": 99}'
    for number, content in enumerate((b"", b"{", b"[1, 2]", b"\xff\xfe\x00", newer)):
        path = tmp_path / f"broken{number}.dprox"
        path.write_bytes(content)
        assert not window.commands.open_path(path)
        assert len(person.document) == nodes
        assert any(path.name in sentence for sentence in window.problems.sentences)


def test_saving_where_nothing_can_be_written_is_a_sentence(
    person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    window = person.window
    person.example("deconvolution")
    monkeypatch.setattr(dialogs, "ask_target", lambda *_: tmp_path / "no" / "folder" / "x.dprox")
    person.push("file.save_as")
    assert window.session.path is None
    assert any("x.dprox" in sentence for sentence in window.problems.sentences)
