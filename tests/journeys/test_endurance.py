"""Nothing grows over runs, nor over nodes made and deleted; the long form is a benchmark."""

from __future__ import annotations

import gc
from collections import Counter

from app.canvas.node_item import NodeCardItem
from app.canvas.ports import PortItem
from benchmarks.endurance import churn, resident, runs, small_problem
from tests.app.support import Person, sweep


def _alive() -> Counter[str]:
    sweep()
    return Counter(type(thing).__name__ for thing in gc.get_objects())


def _grown(before: Counter[str]) -> set[str]:
    """The kinds of which there are twenty more than before."""
    return {kind for kind, count in (_alive() - before).items() if count >= 20}


def test_runs_leave_nothing_behind_in_window_and_worker(person: Person) -> None:
    window = person.window
    small_problem(window)
    for _ in runs(window, 6):
        pass
    before, worker = _alive(), resident(window.runner.engine.pid)
    for _ in runs(window, 20):
        pass
    grown = _grown(before)
    if grown:
        # Something made once, such as a menu, is there once; what every run keeps comes again.
        before = _alive()
        for _ in runs(window, 20):
            pass
        grown = grown & _grown(before)
    assert grown == set()
    assert resident(window.runner.engine.pid) < worker + 30
    assert window.runner.progress.iteration > 0


def test_nodes_made_and_deleted_leave_no_items(person: Person) -> None:
    window = person.window
    for _ in churn(window, 20):
        pass
    sweep()
    before = _alive()
    for _ in churn(window, 60):
        pass
    window.session.derive()
    grown = _alive() - before
    items = [kind.__name__ for kind in (NodeCardItem, PortItem)]
    assert [grown[kind] for kind in items] == [0, 0]
    # The history keeps the two nodes of each step, and the edits that take them back.
    assert grown["Node"] <= 130
    assert window.canvas.mirror.items == {}
