"""Contrast, names, shortcuts, menus: what holds for the window as a whole."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontInfo, QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QWidget

from app import theme
from app.command_table import COMMANDS
from app.commands import Commands
from app.menu_table import CANVAS_MENU, MENUS, SEPARATOR, SUBMENUS, TOOLBAR
from app.theme import CONTRAST, DARK, LIGHT, Theme, contrast, readable
from nodes.catalogue import CATEGORIES
from tests.app.support import Person, sweep

THEMES = pytest.mark.parametrize("tokens", [DARK, LIGHT, CONTRAST], ids=lambda t: t.name)


@THEMES
def test_text_can_be_read_on_every_ground_it_stands_on(tokens: Theme) -> None:
    grounds = (tokens.window, tokens.panel, tokens.raised, tokens.field, tokens.node,
               tokens.node_header, tokens.hover, tokens.canvas)  # fmt: skip
    for ground in grounds:
        assert contrast(tokens.text, ground) >= 7, ground
        assert contrast(tokens.muted, ground) >= 4.5, ground
    assert contrast(tokens.text, tokens.selection) >= 4.5
    assert contrast(tokens.on_accent, tokens.accent) >= 4.5
    for colour in (tokens.error, tokens.warning, tokens.hint, tokens.success):
        assert contrast(colour, tokens.panel) >= 4.5, colour
    for colour in tokens.syntax.values():
        assert contrast(colour, tokens.field) >= 4.5, colour
    for colour in tokens.series:
        assert contrast(colour, tokens.panel) >= 3, colour
    assert contrast(tokens.accent, tokens.panel) >= 3


@THEMES
def test_every_category_and_port_stands_out(tokens: Theme) -> None:
    from app.canvas.ports import port_colour

    for category in CATEGORIES.values():
        assert contrast(readable(category.colour, tokens.node_header), tokens.node_header) >= 3
    theme.apply(tokens.name)
    colours = [
        port_colour(kind)
        for kind in ("image", "kernel", "mask", "expression", "term", "problem", "solution")
    ]
    for colour in colours:
        assert contrast(colour, tokens.canvas) >= 3
    assert len({colour.name() for colour in colours}) == len(colours)


def test_contrast_is_the_published_measure() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")


def test_readable_keeps_what_is_readable() -> None:
    assert readable("#000000", "#ffffff") == QColor("#000000")
    assert readable("#f0e442", "#ffffff").hue() == pytest.approx(QColor("#f0e442").hue(), abs=2)


def test_every_command_has_a_handler_and_a_place_and_every_place_a_command() -> None:
    known = {command.id for command in COMMANDS}
    for command in COMMANDS:
        assert callable(getattr(Commands, command.handler)), command.id
        assert command.text[0].isupper()
        assert command.tip
    inner = (entries for _, entries in SUBMENUS.values())
    placed = set(itertools.chain(*MENUS.values(), *inner, TOOLBAR, CANVAS_MENU))
    assert {p for p in placed if p != SEPARATOR and not p.startswith("<")} == known


def test_no_two_commands_share_a_key() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    # Bare letters would be stolen from text fields anywhere but on the canvas.
    for command in COMMANDS:
        for key in command.keys:
            if len(key) == 1 or key in ("Space", "Tab", "Delete", "Backspace"):
                assert command.canvas, command.id


def test_the_bundled_type_is_used_and_has_the_signs_of_mathematics(person: Person) -> None:
    assert QFontInfo(person.window.font()).family() == "Inter"
    assert QFontInfo(theme.monospace_font()).family() == "JetBrains Mono"
    metrics = QFontMetrics(person.window.font())
    # Figures of one width: numbers that change do not make a line jump.
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1


def _visible(window: QWidget, kind: type) -> list[QWidget]:
    return [w for w in window.findChildren(kind) if w.isVisible()]


def test_every_control_has_a_name_and_a_tooltip(person: Person) -> None:
    person.window.session.open("example:deconvolution")
    person.window.session.select([person.node("smoothness").id])
    for kind in (QAbstractButton, QComboBox):
        for control in _visible(person.window, kind):
            named = control.accessibleName() or getattr(control, "text", str)()
            # Qt's own little buttons (clear a field, scroll tabs) name themselves.
            if control.objectName().startswith("qt_") or not named:
                inner = control.parentWidget()
                assert inner is not None
                continue
            assert control.toolTip(), (control, named)


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
@THEMES
def test_nothing_is_clipped(person: Person, size: tuple[int, int], tokens: Theme) -> None:
    window = person.window
    theme.apply(tokens.name)
    window.resize(*size)
    window.session.open("example:deconvolution")
    window.session.select([person.node("result").id])
    window.arrange("build")
    person.bot.wait(50)
    whole = QRect(0, 0, *size)
    for label in _visible(window, QLabel):
        assert isinstance(label, QLabel)
        if label.wordWrap() or not label.text() or "Eliding" in type(label).__name__:
            continue
        if label.textFormat() != Qt.TextFormat.PlainText and "<" in label.text():
            continue
        wanted = label.fontMetrics().horizontalAdvance(label.text())
        assert wanted <= label.contentsRect().width() + 1, label.text()
    for button in _visible(window, QAbstractButton):
        if window.inspector.isAncestorOf(button):
            continue  # that pane scrolls
        place = QRect(button.mapTo(window, button.rect().topLeft()), button.size())
        assert whole.contains(place), button
    bar = window.findChild(QWidget, "qt_toolbar_ext_button")
    assert bar is None or not bar.isVisible()


def test_the_three_arrangements_hide_and_bring_back(person: Person) -> None:
    window = person.window
    person.push("view.present")
    assert not window.palette_pane.isVisible()
    assert not window.code.isVisible()
    assert window.curves.isVisible()
    assert window.formula.isVisible()
    person.push("view.watch")
    assert not window.inspector.isVisible()
    assert window.iterate.isVisible()
    person.push("view.build")
    assert window.palette_pane.isVisible()
    assert window.inspector.isVisible()


def test_an_unknown_theme_is_no_reason_to_fail() -> None:
    assert theme.apply("sepia").name == "dark"


def test_shipped_type_is_the_one_credited() -> None:
    import hashlib
    import re

    import resources

    table = resources.path("ASSETS.md").read_text(encoding="utf-8")
    credited = dict(re.findall(r"^\| (\S+\.[ot]tf) \|.*\| ([0-9a-f]{64}) \|$", table, re.M))
    shipped = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in resources.path("fonts").glob("*.?tf")
    }
    assert shipped == credited


def test_presenting_puts_the_objective_across_the_window_in_big_type(person: Person) -> None:
    person.example("deconvolution")
    window = person.window
    sweep()
    before = window.formula.height()
    person.push("view.build")
    assert window.column.indexOf(window.formula) == window.column.indexOf(window.canvas) - 1
    person.push("view.present")
    sweep()
    assert window.stage.isVisible()
    assert window.formula.isVisible()
    assert window.formula.width() > 0.9 * window.width()
    assert window.formula.height() > 1.5 * before
    assert "font-size: 32px" in window.formula.html
    person.push("view.build")
    sweep()
    assert not window.stage.isVisible()
    assert window.formula.isVisible()
    assert window.formula.height() == before
    assert window.column.indexOf(window.formula) == window.column.indexOf(window.canvas) - 1
