"""Random actions of a person: no exception, nothing left, no document that differs from its reload.

    DPROX_SOAK=10000 python -m pytest tests/journeys/test_soak.py

The suite does a few dozen; the variable asks for more. ``DPROX_SOAK_SEED`` repeats a run.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from app import theme
from app.chooser import Chooser
from benchmarks.endurance import resident
from nodes import files
from nodes.catalogue import CATALOGUE
from nodes.commands import ChangeType, Connect, MoveNodes, Rename, SetParameter
from nodes.errors import FileError
from nodes.files import dumps
from nodes.groups import GROUP
from nodes.parameter import Json, Parameter
from tests.app.support import Person, sweep

ACTIONS = int(os.environ.get("DPROX_SOAK", "60"))
SEED = int(os.environ.get("DPROX_SOAK_SEED", "1"))
_KEYED = (
    "edit.undo", "edit.redo", "edit.copy", "edit.cut", "edit.paste", "edit.duplicate",
    "edit.duplicate_wired", "edit.delete", "edit.dissolve", "edit.off", "edit.bypass",
    "edit.select_all", "edit.walk_left", "edit.walk_right", "edit.walk_up", "edit.walk_down",
    "edit.move_left", "edit.move_down", "edit.align_left", "edit.align_top", "edit.spread_across",
    "edit.spread_down", "edit.backdrop", "edit.note", "view.fit", "view.zoom_in", "view.zoom_out",
    "view.build", "view.watch", "view.present", "view.snap", "view.keep_place", "view.next_place",
    "view.dark", "view.contrast", "help.welcome", "edit.find", "edit.replace", "edit.connect",
    "help.commands", "help.node", "group.make", "group.make", "group.ungroup", "group.open",
    "group.leave", "group.input", "group.output", "group.make", "group.open", "group.open",
)  # fmt: skip


class Monkey:
    """Does something at random that a person could do."""

    def __init__(self, person: Person, folder: Path, seed: int) -> None:
        self.person, self.window = person, person.window
        self.random = random.Random(seed)
        self.folder = folder
        self.log: list[str] = []

    def act(self) -> None:
        """One action; edits are the likeliest."""
        choices: list[tuple[int, Callable[[], None]]] = [
            (30, self.command),
            (22, self.add),
            (22, self.connect),
            (14, self.parameter),
            (10, self.select),
            (8, self.move),
            (8, self.group),
            (5, self.retype),
            (4, self.rename),
            (4, self.run),
            (3, self.stop),
            (2, self.pause),
            (3, self.save_and_reload),
            (1, self.bundle),
            (2, self.look),
            (2, self.open),
            (1, self.kill),
        ]
        action = self.random.choices([c for _, c in choices], [w for w, _ in choices])[0]
        self.log.append(action.__name__)
        action()
        for popup in QApplication.topLevelWidgets():
            if isinstance(popup, Chooser) and popup.isVisible():
                popup.close()
        QApplication.processEvents()

    def node(self) -> str | None:
        nodes = self.person.document.nodes
        if nodes and self.random.random() < 0.8:
            nodes = self.window.session.levels.nodes or nodes
        return self.random.choice(nodes).id if nodes else None

    def command(self) -> None:
        identifier = self.random.choice(_KEYED)
        self.log[-1] += f" {identifier}"
        action = self.window.action(identifier)
        if len(self.person.document) > 60 and "dupl" in identifier + "paste":
            identifier = "edit.undo"
        if action.isEnabled():
            action.trigger()

    def add(self) -> None:
        if len(self.person.document) < 60:
            place = QPointF(self.random.uniform(-900, 900), self.random.uniform(-500, 500))
            self.window.commands.add_node(self.random.choice(sorted(CATALOGUE)), place)

    def connect(self) -> None:
        one, other = self.node(), self.node()
        if one is None or other is None:
            return
        source, target = (self.person.document.node(i).spec for i in (one, other))
        if source and target and source.outputs and target.inputs:
            output = self.random.choice(source.outputs).name
            self.window.session.do(
                Connect(one, output, other, self.random.choice(target.inputs).name)
            )

    def value(self, parameter: Parameter) -> Json:
        wild: list[Json] = [-1.0, 0, 1, 2.5, "nonsense", None, True, 10**9, ""]
        tame: list[Json] = [parameter.default, *parameter.choices]
        return self.random.choice(tame if self.random.random() < 0.7 else wild)

    def parameter(self) -> None:
        node = self.node()
        spec = self.person.document.node(node).spec if node else None
        if node and spec and spec.parameters:
            parameter = self.random.choice(spec.parameters)
            self.window.session.do(SetParameter(node, parameter.name, self.value(parameter)))

    def select(self) -> None:
        nodes = [n.id for n in self.window.session.levels.nodes]
        self.window.session.select(self.random.sample(nodes, min(len(nodes), 3)))

    def move(self) -> None:
        node = self.node()
        if node:
            place = (float(self.random.randint(-900, 900)), float(self.random.randint(-500, 500)))
            self.window.session.do(MoveNodes({node: place}))

    def group(self) -> None:
        """Group a few nodes that are wired, or open or use a group there is."""
        document, levels = self.person.document, self.window.session.levels
        if document.groups and self.random.random() < 0.4:
            group = self.random.choice(document.groups)
            place = QPointF(self.random.uniform(-900, 900), self.random.uniform(-500, 500))
            if len(document) < 60:
                self.window.commands.add_node(f"group:{group.id}", place)
            return
        uses = [n.id for n in levels.nodes if n.type == GROUP]
        if uses and self.random.random() < 0.4:
            levels.enter(self.random.choice(uses))
            return
        wires = levels.drawn.wires
        if wires:
            wire = self.random.choice(wires)
            self.window.session.select([wire.source, wire.target])
            self.window.action("group.make").trigger()

    def retype(self) -> None:
        node = self.node()
        if node:
            self.window.session.do(ChangeType(node, self.random.choice(sorted(CATALOGUE))))

    def rename(self) -> None:
        node = self.node()
        if node:
            self.window.session.do(Rename(node, self.random.choice(["a", "b", "x", "if", "", "ü"])))

    def run(self) -> None:
        self.window.action("run.run").trigger()

    def stop(self) -> None:
        self.window.action("run.stop").trigger()

    def pause(self) -> None:
        self.window.action("run.pause").trigger()
        self.window.action("run.step").trigger()

    def save_and_reload(self) -> None:
        path = self.folder / "soak.dprox"
        assert self.window.session.save(path)
        assert dumps(files.load(path)) == dumps(self.person.document)

    def bundle(self) -> None:
        path = self.folder / "soak.dproxz"
        assert self.window.session.save(path)
        assert dumps(files.load(path)) == dumps(self.person.document)

    def look(self) -> None:
        self.window.action("run.look").trigger()

    def open(self) -> None:
        self.window.session.history.mark_clean()
        name = self.random.choice([*files.examples(), "there is none"])
        self.window.session.open(f"example:{name}")

    def kill(self) -> None:
        pid = self.window.runner.engine.pid
        if pid is not None:
            os.kill(pid, 9)


def _report(step: int, person: Person) -> None:
    """A line of a long run: how much memory there is, and how much the undo stack holds of it."""
    sweep()
    print(
        f"{step} actions: {resident():.0f} MB, {len(gc.get_objects())} objects, "
        f"{person.window.session.history.count} edits to take back",
        file=sys.__stderr__,
        flush=True,
    )


@pytest.mark.timeout(120 + 3 * ACTIONS)
def test_random_actions_raise_nothing_and_lose_nothing(hooked: Person, tmp_path: Path) -> None:
    monkey = Monkey(hooked, tmp_path, SEED)
    window = hooked.window
    raised: list[str] = []
    before = sys.excepthook
    sys.excepthook = lambda kind, error, trace: (
        raised.append(repr(error)),  # type: ignore[func-returns-value]
        before(kind, error, trace),
    )
    window.session.open("example:deconvolution")
    try:
        for step in range(ACTIONS):
            monkey.act()
            if ACTIONS > 1000 and step % 250 == 0:
                _report(step, hooked)
            assert not raised, (raised, SEED, step, monkey.log[-8:])
            document = hooked.document
            if step % 10 == 0:
                assert dumps(files.loads(dumps(document))) == dumps(document), monkey.log[-12:]
                drawn, shown = set(window.canvas.mirror.items), window.session.levels.drawn
                assert drawn == {node.id for node in shown.nodes}, monkey.log[-12:]
                assert set(window.canvas.mirror.wires) == set(shown.wires), monkey.log[-12:]
    except FileError as error:
        raise AssertionError(f"{error} after {monkey.log[-12:]} (seed {SEED})") from error
    finally:
        sys.excepthook = before
        theme.apply("dark")
        window.show_welcome(False)
    # Everything can be taken back, and done again.
    last = dumps(hooked.document)
    count = window.session.history.count
    window.session.history.go_to(0)
    window.session.history.go_to(count)
    assert dumps(hooked.document) == last
    internal = [s for s in window.problems.sentences if "inside the studio" in s]
    assert not internal, (internal, monkey.log[-12:])
    window.action("run.stop").trigger()
    hooked.until(lambda: not window.runner.busy, 30)
