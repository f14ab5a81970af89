"""Groups as a person meets them: made, opened, changed, used again, undone, all by events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QToolButton

from app.canvas import clipboard
from app.canvas.node_item import NodeCardItem
from app.chooser import Chooser
from app.main_window import MainWindow
from nodes.commands import Expose, SetParameter
from nodes.document import Node
from nodes.files import dumps, loads
from nodes.groups import ENTRY, EXIT, GROUP
from tests.app.support import LEFT, Person, close

CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
KEY = Qt.Key


def _statements(text: str) -> list[str]:
    return sorted(line for line in text.splitlines() if line and not line.startswith("#"))


def _drawn(person: Person) -> set[str]:
    items = person.window.canvas.mirror.items
    return {person.document.node(i).name for i in items}


def _select(person: Person, *names: str) -> None:
    person.window.canvas.fit()
    person.click(names[0])
    for name in names[1:]:
        person.click(name, CTRL)


@pytest.fixture
def grouped(person: Person) -> Person:
    """The deconvolution example with its forward model grouped by keyboard."""
    person.example("deconvolution")
    _select(person, "blurred", "observed")
    person.press(KEY.Key_G, CTRL | SHIFT)
    assert "group" in _drawn(person)
    return person


def _ports_drawn(person: Person) -> list[NodeCardItem]:
    items, document = person.window.canvas.mirror.items, person.document
    return [item for i, item in items.items() if document.node(i).type in (ENTRY, EXIT)]


def _double_click(person: Person, name: str) -> None:
    viewport = person.window.canvas.viewer.viewport()
    person.bot.mouseDClick(viewport, LEFT, pos=person.body_at(name))


def test_a_selection_becomes_one_node_and_the_script_stays(person: Person) -> None:
    person.example("deconvolution")
    before, drawn = person.window.session.script.text, _drawn(person)
    whole = dumps(person.document)
    _select(person, "blurred", "observed")
    person.press(KEY.Key_G, CTRL | SHIFT)
    person.window.session.derive()
    assert _drawn(person) == (drawn - {"blurred", "observed"}) | {"group"}
    assert _statements(person.window.session.script.text) == _statements(before)
    assert person.window.problems.sentences == []
    use = person.node("group")
    item = person.window.canvas.mirror.items[use.id]
    assert [p.title for p in item.card.inputs] == ["photo", "kernel"]
    assert [p.title for p in item.card.outputs] == ["observed"]
    items = person.window.canvas.mirror.items
    mine = items[use.id].sceneBoundingRect()
    assert not any(o is not items[use.id] and mine.intersects(o.sceneBoundingRect())
                   for o in items.values())  # fmt: skip
    person.press(KEY.Key_Z, CTRL)
    assert dumps(person.document) == whole
    assert _drawn(person) == drawn
    person.press(KEY.Key_Y, CTRL)
    assert "group" in _drawn(person)


def test_a_group_is_opened_and_left(grouped: Person) -> None:
    outside = _drawn(grouped)
    _double_click(grouped, "group")
    assert _drawn(grouped) == {"blurred", "observed", "photo", "kernel"}
    crumbs = grouped.window.canvas.crumbs
    assert not crumbs.isHidden()
    assert [step.text() for step in crumbs.steps] == ["Graph", "Group (group)"]
    assert all(crumbs.rect().contains(step.geometry()) for step in crumbs.steps)
    assert crumbs.width() > 120
    assert not any(i.card.pictured for i in _ports_drawn(grouped))
    grouped.bot.mouseClick(crumbs.steps[0], LEFT)
    assert _drawn(grouped) == outside
    grouped.click("group")
    grouped.press(KEY.Key_Return)
    assert "observed" in _drawn(grouped)
    grouped.press(KEY.Key_Return, SHIFT)
    assert _drawn(grouped) == outside
    assert grouped.window.session.selection == [grouped.node("group").id]
    assert crumbs.isHidden()


def test_what_is_saved_does_not_depend_on_what_is_open(grouped: Person) -> None:
    text = dumps(grouped.document)
    _double_click(grouped, "group")
    assert dumps(grouped.document) == text
    assert dumps(loads(text)) == text


def test_an_edit_inside_changes_every_use_and_is_undone_where_it_was(grouped: Person) -> None:
    grouped.click("group")
    grouped.press(KEY.Key_D, CTRL)
    uses = [n for n in grouped.document.nodes if n.type == GROUP]
    assert len(uses) == 2
    assert len(grouped.document.groups) == 1
    grouped.window.canvas.fit()
    _double_click(grouped, "group")
    grouped.click("observed")
    editor = grouped.window.inspector.editors["sigma"]
    grouped.type_into(editor.findChild(type(grouped.window.inspector.name)), "0.07")
    grouped.window.session.derive()
    text = grouped.window.session.script.text
    assert "observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.07" in text
    grouped.press(KEY.Key_Return, SHIFT)
    assert "group2" in _drawn(grouped)
    grouped.press(KEY.Key_Z, CTRL)
    # The step back is shown where it took place.
    assert "observed" in _drawn(grouped)
    assert grouped.node("observed").value("sigma") != 0.07


def test_nodes_and_wires_made_inside_stay_inside(grouped: Person) -> None:
    _double_click(grouped, "group")
    grouped.add("denoise")
    assert grouped.document.nodes[-1].group == grouped.document.groups[0].id
    name = grouped.document.nodes[-1].name
    grouped.window.canvas.fit()
    grouped.wire("blurred", "image", name, "image")
    assert grouped.document.wires_into(grouped.document.nodes[-1].id)
    assert name in _drawn(grouped)
    grouped.press(KEY.Key_Return, SHIFT)
    assert name not in _drawn(grouped)


def test_a_port_is_added_inside_and_renamed_in_the_inspector(grouped: Person) -> None:
    _double_click(grouped, "group")
    grouped.push("group.output")
    added = grouped.document.nodes[-1]
    grouped.window.canvas.fit()
    grouped.wire("blurred", "image", added.name, "value")
    grouped.press(KEY.Key_Return, SHIFT)
    item = grouped.window.canvas.mirror.items[grouped.node("group").id]
    assert {p.title for p in item.card.outputs} == {"observed", added.name}
    editor = grouped.window.inspector.group
    assert editor is not None
    grouped.type_into(editor.ports[added.name], "sharp")
    grouped.bot.wait(20)
    item = grouped.window.canvas.mirror.items[grouped.node("group").id]
    assert {p.title for p in item.card.outputs} == {"observed", "sharp"}
    assert grouped.window.session.history.undo_text == "Rename to sharp"


def test_the_title_of_a_group_is_typed_in_the_inspector(grouped: Person) -> None:
    grouped.click("group")
    editor = grouped.window.inspector.group
    assert editor is not None
    assert editor.title is not None
    grouped.type_into(editor.title, "Camera")
    grouped.bot.wait(20)
    assert grouped.window.canvas.mirror.items[grouped.node("group").id].card.title == "Camera"
    grouped.window.session.derive()
    assert "# Camera (group)" in grouped.window.code.text


def test_ungroup_gives_back_the_nodes(grouped: Person) -> None:
    grouped.click("group")
    grouped.press(KEY.Key_G, CTRL | ALT)
    assert {"blurred", "observed"} <= _drawn(grouped)
    assert grouped.document.groups == ()
    chosen = {grouped.document.node(n).name for n in grouped.window.session.selection}
    assert chosen == {"blurred", "observed"}


def test_a_copy_in_another_document_brings_the_definition(grouped: Person) -> None:
    grouped.click("group")
    grouped.press(KEY.Key_C, CTRL)
    grouped.window.session.history.mark_clean()
    grouped.push("file.new")
    grouped.press(KEY.Key_V, CTRL)
    grouped.press(KEY.Key_V, CTRL)
    assert len(grouped.document.groups) == 1
    assert len([n for n in grouped.document.nodes if n.type == GROUP]) == 2
    assert len([n for n in grouped.document.nodes if n.type == "add_noise"]) == 1
    grouped.press(KEY.Key_Z, CTRL)
    grouped.press(KEY.Key_Z, CTRL)
    assert len(grouped.document) == 0
    assert grouped.document.groups == ()
    QApplication.clipboard().clear()


def test_a_group_is_offered_among_the_nodes_but_not_inside_itself(grouped: Person) -> None:
    grouped.press(KEY.Key_Tab)
    popup = next(w for w in QApplication.topLevelWidgets() if isinstance(w, Chooser))
    grouped.bot.keyClicks(popup.search, "group")
    grouped.bot.keyClick(popup.search, KEY.Key_Return)
    assert len([n for n in grouped.document.nodes if n.type == GROUP]) == 2
    grouped.window.session.levels.go([grouped.node("group").id])
    assert grouped.window.canvas.groups_on_offer(None) == []


def test_an_issue_inside_points_to_the_group_and_inside_to_the_node(grouped: Person) -> None:
    _double_click(grouped, "group")
    entry = next(n for n in grouped.document.nodes if n.type == ENTRY and n.name == "photo")
    grouped.window.session.select([entry.id])
    grouped.press(KEY.Key_Delete)
    grouped.window.session.derive()
    items = grouped.window.canvas.mirror.items
    assert items[grouped.node("blurred").id].card.severity == "error"
    grouped.press(KEY.Key_Return, SHIFT)
    assert items[grouped.node("group").id].card.severity == "error"
    assert any(s.startswith("Inside group: blurred") for s in grouped.window.problems.sentences)
    row = next(r for r in grouped.window.problems.rows if "Inside group" in r.entry.sentence)
    grouped.bot.mouseClick(row, LEFT, pos=QPoint(4, 4))
    assert grouped.window.session.selection == [grouped.node("group").id]


def test_a_line_of_the_script_lights_its_group(grouped: Person) -> None:
    session = grouped.window.session
    session.derive()
    statement = next(s for s in session.script.statements if s.name == "observed")
    session.hover(statement.node)
    items = grouped.window.canvas.mirror.items
    assert items[grouped.node("group").id].lit
    session.select([statement.node])
    assert session.selection == [grouped.node("group").id]


def test_undoing_the_group_from_inside_leaves_it(grouped: Person) -> None:
    _double_click(grouped, "group")
    grouped.press(KEY.Key_Z, CTRL)
    assert grouped.window.session.levels.inside == ()
    assert {"blurred", "observed"} <= _drawn(grouped)
    assert set(grouped.window.canvas.mirror.wires) == set(grouped.document.wires)


def test_backdrops_and_notes_stand_where_they_were_put(grouped: Person) -> None:
    _double_click(grouped, "group")
    grouped.push("edit.note")
    field = grouped.window.canvas.frames.editor
    assert field is not None
    grouped.bot.keyClicks(field, "inside")
    grouped.bot.keyClick(field, KEY.Key_Escape)
    assert len(grouped.window.canvas.frames.items) == 1
    grouped.press(KEY.Key_Return, SHIFT)
    assert grouped.window.canvas.frames.items == {}


def test_nodes_are_copied_from_one_window_into_another(grouped: Person) -> None:
    grouped.click("group")
    grouped.window.session.select([grouped.node("group").id, grouped.node("kernel").id])
    grouped.press(KEY.Key_C, CTRL)
    window = MainWindow()
    window.resize(1000, 700)
    window.show()
    grouped.bot.waitExposed(window)
    try:
        other = Person(window, grouped.bot)
        other.press(KEY.Key_V, CTRL)
        assert {n.name for n in other.document.members("")} == {"group", "kernel"}
        assert len(other.document.wires_into(other.node("group").id)) == 1
        assert [g.title for g in other.document.groups] == ["Group"]
        # What is changed there stays there.
        assert other.window.session.do(SetParameter(other.node("observed").id, "sigma", 0.5))
        assert grouped.node("observed").value("sigma") != 0.5
        other.press(KEY.Key_X, CTRL)
        assert len(other.document) == 0
        grouped.window.session.select([])
        grouped.press(KEY.Key_V, CTRL)
        # It differs by now, so it is a group of its own.
        assert len(grouped.document.groups) == 2
    finally:
        close(window)
        QApplication.clipboard().clear()


def _second_use(grouped: Person) -> Node:
    """A copy of the group, fed like the first."""
    grouped.click("group")
    grouped.press(KEY.Key_D, CTRL | ALT)
    (second,) = grouped.window.session.selection
    return grouped.document.node(second)


def _pin(grouped: Person, node: str, parameter: str) -> QToolButton:
    grouped.window.canvas.fit()
    grouped.click(node)
    inspector = grouped.window.inspector
    title = inspector.editors[parameter].parameter.title
    buttons = inspector.editors[parameter].findChildren(QToolButton)
    return next(b for b in buttons if b.accessibleName() == f"{title} on every use of the group")


def test_a_pin_puts_a_value_on_every_use_and_each_has_its_own(grouped: Person) -> None:
    second = _second_use(grouped)
    grouped.press(KEY.Key_Return)
    grouped.bot.mouseClick(_pin(grouped, "observed", "sigma"), LEFT)
    grouped.until(lambda: _pin(grouped, "observed", "sigma").isChecked())
    grouped.press(KEY.Key_Return, SHIFT)
    window = grouped.window
    (key,) = window.inspector.editors
    assert window.inspector.editors[key].parameter.title == "σ of observed"
    grouped.type_into(window.inspector.editors[key].line, "0.25")
    window.session.derive()
    assert "sigma=0.25" in window.session.script.text
    assert "sigma=0.01" in window.session.script.text
    assert grouped.document.node(second.id).value(key) == 0.25
    grouped.push("edit.undo")
    window.inspector.editors[key].reset.click()
    window.session.derive()
    assert "sigma=0.25" not in window.session.script.text
    # It goes while its values are shown.
    window.session.select([])
    window.session.select([second.id])
    assert window.inspector.editors
    grouped.press(KEY.Key_Delete)
    window.inspector._renew()
    grouped.bot.wait(20)
    assert second.id not in grouped.document
    assert window.session.notices == []


def test_a_use_is_made_independent_by_its_button(grouped: Person) -> None:
    second = _second_use(grouped)
    window = grouped.window
    window.session.derive()
    before = _statements(window.session.script.text)
    assert window.inspector.group is not None
    grouped.bot.mouseClick(window.inspector.group.detach, LEFT)
    window.session.derive()
    assert _statements(window.session.script.text) == before
    assert [group.title for group in grouped.document.groups] == ["Group", "Group 2"]
    grouped.until(lambda: window.inspector.group.detach.isHidden())  # type: ignore[union-attr]
    assert window.session.selection == [second.id]
    grouped.push("edit.undo")
    assert len(grouped.document.groups) == 1


def test_a_copy_elsewhere_keeps_its_values(grouped: Person) -> None:
    second, sigma = _second_use(grouped), f"{grouped.node('observed').id}.sigma"
    do = grouped.window.session.do
    do(Expose(grouped.node("observed").id, "sigma"))
    do(SetParameter(second.id, sigma, 0.5))
    pasted = clipboard.read(clipboard.copied(grouped.document, [second.id]))
    assert pasted is not None
    # The definition has changed since: the copy brings the old one under new ids.
    do(SetParameter(grouped.node("observed").id, "sigma", 0.9))
    made = clipboard.paste(grouped.document, pasted, (0, 0))
    assert made is not None
    do(made[0])
    use = grouped.document.node(made[1][second.id])
    assert use.spec is not None
    assert [(p.name == sigma, use.value(p.name)) for p in use.spec.parameters] == [(False, 0.5)]
