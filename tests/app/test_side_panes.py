"""History, outline and shortcuts."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication

from app.canvas.versions import LooseVersion
from app.command_table import COMMANDS
from app.shortcuts import ShortcutDialog, apply_keys
from nodes.commands import RemoveNodes, Rename, SetMode, SetParameter, SetTitle
from nodes.files import dumps
from tests.app.support import LEFT, Person

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


def test_a_click_in_the_history_goes_to_that_step(person: Person) -> None:
    person.example("deconvolution")
    session, pane = person.window.session, person.window.history
    person.window.show_dock("history")
    states = [dumps(person.document)]
    for value in (0.1, 0.2, 0.3):
        session.do(SetParameter(person.node("smoothness").id, "weight", value))
        states.append(dumps(person.document))
    assert pane.list.count() == 4
    for row in (1, 3, 0, 2):
        rect = pane.list.visualItemRect(pane.list.item(row))
        person.bot.mouseClick(pane.list.viewport(), LEFT, pos=rect.center())
        assert dumps(person.document) == states[row]
        assert pane.list.currentRow() == row
    assert "taken back" in pane.list.item(3).text()
    # A new step forgets what was taken back; a drag of a slider is one line.
    token = object()
    for value in (0.4, 0.5, 0.6):
        session.do(SetParameter(person.node("smoothness").id, "weight", value, merge=token))
    assert pane.list.count() == 4
    assert "taken back" not in pane.list.item(3).text()


def test_selection_is_not_in_the_history(person: Person) -> None:
    person.example("deconvolution")
    person.click("kernel")
    person.click("photo")
    person.window.show_dock("history")
    assert person.window.history.list.count() == 1


def test_the_outline_mirrors_the_graph_and_selects(person: Person) -> None:
    person.example("deconvolution")
    window = person.window
    window.show_dock("outline")
    outline = window.outline
    tops = outline.tops()
    names = [item.text(0).split(" — ")[0] for item in tops]
    assert sorted(names) == sorted(node.name for node in person.document.nodes)
    for wire in person.document.wires:  # every node stands below what it needs
        source, target = (person.document.node(i).name for i in (wire.source, wire.target))
        assert names.index(source) < names.index(target)
    blurred = tops[names.index("blurred")]
    assert {blurred.child(i).text(0) for i in range(blurred.childCount())} == {
        "image ← photo",
        "kernel ← kernel",
    }
    outline.tree.setCurrentItem(tops[names.index("kernel")])
    person.bot.keyClick(outline.tree, KEY.Key_Down)
    chosen = person.document.node(window.session.selection[0]).name
    assert chosen == names[names.index("kernel") + 1]
    person.click("photo")
    assert [i.text(0).split(" — ")[0] for i in outline.tree.selectedItems()] == ["photo"]
    window.session.do(SetMode((person.node("kernel").id,), "off"))
    window.session.derive()
    assert any("switched off" in item.text(0) for item in outline.tops())
    assert any("error" in item.text(0) for item in outline.tops())


def _dialog() -> ShortcutDialog:
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, ShortcutDialog))


def test_shortcuts_are_seen_changed_and_kept(person: Person) -> None:
    person.push("help.keys")
    dialog = _dialog()
    assert dialog.table.rowCount() == len(COMMANDS)
    row = [c.id for c in COMMANDS].index("view.watch")
    dialog.table.setCurrentCell(row, 0)
    dialog.keys.setKeySequence(QKeySequence("Ctrl+Alt+W"))
    person.bot.mouseClick(dialog.assign, LEFT)
    dialog.close()
    assert person.window.action("view.watch").shortcut().toString() == "Ctrl+Alt+W"
    person.window.activateWindow()
    person.bot.wait(50)
    person.press(KEY.Key_W, CTRL | Qt.KeyboardModifier.AltModifier)
    assert not person.window.inspector.isVisible()
    # The next window has them as well.
    person.window.action("view.watch").setShortcuts([])
    apply_keys(person.window.actions_by_id, person.window.settings)
    assert person.window.action("view.watch").shortcut().toString() == "Ctrl+Alt+W"


def test_a_key_that_is_taken_or_would_be_stolen_is_refused(person: Person) -> None:
    person.push("help.keys")
    dialog = _dialog()
    dialog.table.setCurrentCell([c.id for c in COMMANDS].index("run.run"), 0)
    for keys, words in (("Ctrl+Z", "already means “Undo”"), ("Q", "taken from text fields")):
        dialog.keys.setKeySequence(QKeySequence(keys))
        person.bot.mouseClick(dialog.assign, LEFT)
        assert words in dialog.said.text()
    assert person.window.action("run.run").shortcut().toString() == "F5"
    dialog.keys.setKeySequence(QKeySequence("Ctrl+Alt+R"))
    person.bot.mouseClick(dialog.assign, LEFT)
    assert person.window.action("run.run").shortcut().toString() == "Ctrl+Alt+R"
    person.bot.mouseClick(dialog.restore, LEFT)
    assert person.window.action("run.run").shortcut().toString() == "F5"
    dialog.close()


def test_a_category_of_the_palette_closes_and_opens_by_a_click(person: Person) -> None:
    tree = person.window.palette_pane.tree
    top = tree.topLevelItem(0)
    assert top is not None
    assert top.isExpanded()
    assert top.text(0).split()[-1] == str(top.childCount())
    person.bot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(top).center())
    assert not top.isExpanded()
    # It stays closed when the theme changes, and opens for what a search finds in it.
    person.push("view.dark")
    top = tree.topLevelItem(0)
    assert top is not None
    assert not top.isExpanded()
    person.bot.keyClicks(person.window.palette_pane.search, "load image")
    assert top.isExpanded()


def test_the_script_pane_is_the_script_after_every_edit(person: Person) -> None:
    """Only the lines that differ are written anew; together they must be all of it."""
    person.example("deconvolution")
    session = person.window.session
    for command in (
        SetParameter(person.node("smoothness").id, "weight", 0.3),
        SetTitle("Another title"),
        Rename(person.node("kernel").id, "psf"),
        RemoveNodes((person.node("positivity").id,)),
        SetParameter(person.node("photo").id, "source", "sample:camera"),
    ):
        assert session.do(command)
        session.derive()
        assert person.window.code.text == session.script.text
    for _ in range(5):
        session.undo()
        session.derive()
        assert person.window.code.text == session.script.text


def test_versions_are_compared_as_numbers() -> None:
    assert LooseVersion("5.9") < LooseVersion("5.10") <= LooseVersion("5.10")
    assert LooseVersion("6.11.3") >= LooseVersion("5.10")
