"""What a person does at the wrong moment: other documents, edits, new windows in mid-run."""

from __future__ import annotations

from PySide6.QtCore import Qt

from app.main_window import MainWindow
from tests.app.support import Person, close


def test_another_document_in_mid_run_starts_clean(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.push("run.run")
    person.run_to(3)
    person.example("deconvolution")
    assert not window.runner.busy or window.runner.state == "stopping"
    assert len(person.rows) == 0
    assert window.iterate.view.image is None
    person.ready()
    assert all(state in ("idle", "done") for state in window.runner.node_states.values())
    person.push("run.run")
    person.run_to(2)
    assert person.rows[0, 0] <= 1
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)


def test_the_graph_may_be_edited_while_it_runs(person: Person) -> None:
    window = person.window
    person.example("deconvolution")
    person.click("result")
    person.type_into(window.inspector.editors["max_iter"].line, "100000")
    person.type_into(window.inspector.editors["rel_tol"].line, "1e-8")
    person.push("run.run")
    person.run_to(3)
    person.click("photo")
    person.press(Qt.Key.Key_Delete)
    person.click("result")
    person.press(Qt.Key.Key_Delete)
    before = window.runner.progress.iteration
    person.run_to(before + 3)
    person.push("edit.undo")
    person.push("edit.undo")
    person.push("run.stop")
    person.until(lambda: not window.runner.busy)
    assert window.session.issues == []
    assert not [n for n in window.session.notices if n.severity == "error"]


def test_the_window_comes_back_as_it_was_left(person: Person) -> None:
    window = person.window
    window.docks.docks["palette"].hide()
    person.push("view.dark")
    window.settings.keep_window(window.saveGeometry(), window.saveState())
    again = MainWindow()
    kept = again.settings.window()
    assert kept is not None
    assert again.restoreGeometry(kept[0])
    again.show()
    assert again.restoreState(kept[1])
    person.bot.wait(20)
    assert not again.palette_pane.isVisible()
    assert again.inspector.isVisible()
    assert again.settings.theme == "light"
    close(again)
