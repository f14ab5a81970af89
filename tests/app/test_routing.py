"""No wire is hidden behind a node where it can go round."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRectF

from app.canvas.routing import Lane, lane
from nodes.commands import MoveNodes, new_node
from nodes.document import Document, Wire
from nodes.files import examples
from tests.app.support import Person


def _hidden(person: Person) -> list[tuple[str, str, str]]:
    """Wires that pass behind a node: where from, where to, and the node."""
    mirror, document = person.window.canvas.mirror, person.document
    found = []
    for wire, pipe in mirror.wires.items():
        points = [pipe.path().pointAtPercent(step / 80) for step in range(81)]
        for identifier, item in mirror.items.items():
            box = item.mapRectToScene(item.body()).adjusted(4, 4, -4, -4)
            if any(map(box.contains, points)):
                names = (document.node(i).name for i in (wire.source, wire.target, identifier))
                found.append(tuple(names))
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("name", examples())
def test_every_wire_of_an_example_can_be_seen(person: Person, name: str) -> None:
    person.example(name)
    person.bot.wait(20)
    assert _hidden(person) == []
    person.push("edit.arrange")
    person.bot.wait(20)
    assert _hidden(person) == []


def test_wires_give_way_to_a_node_that_is_dropped_on_them(person: Person) -> None:
    person.example("deconvolution")
    person.bot.wait(20)
    start = person.body_at("view")
    target = person.body_at("problem") - QPoint(0, 130)
    person.drag(start, target)
    person.bot.wait(20)
    assert _hidden(person) == []
    # The wires are hit where they are drawn.
    wire, pipe = next(iter(person.window.canvas.mirror.wires.items()))
    assert person.window.canvas.wire_at(pipe.path().pointAtPercent(0.5)) is not None
    assert wire in person.document.wires


def test_the_nearest_free_lane_is_taken_and_shared_only_by_one_output() -> None:
    boxes = [(100.0, -50.0, 260.0, 50.0), (304.0, -20.0, 464.0, 200.0)]
    first = lane((0.0, 0.0), (600.0, 0.0), boxes, source="a")
    assert first is not None
    assert first.y == -62
    again = lane((0.0, 0.0), (600.0, 0.0), boxes, taken=[first], source="a")
    assert again == first
    other = lane((0.0, 0.0), (600.0, 0.0), boxes, taken=[first], source="b")
    assert other is not None
    assert abs(other.y - first.y) >= 5
    assert not other.crowds(first)


def test_a_wire_that_leads_back_goes_round_its_own_nodes() -> None:
    own = [(400.0, 0.0, 560.0, 100.0), (0.0, 20.0, 160.0, 80.0)]
    way = lane((560.0, 50.0), (0.0, 50.0), [], own)
    assert way == Lane(0.0, 560.0, way.y if way else 0.0, "", True)
    assert not 0 <= way.y <= 100
    assert lane((0.0, 0.0), (40.0, 0.0), [(10.0, -900.0, 30.0, 900.0)]) is None


def test_in_a_large_graph_wires_go_round_nodes_where_they_are_seen(person: Person) -> None:
    document = Document()
    places = [("variable", "x", (0, 0)), ("grad", "between", (300, 0)), ("nonneg", "set", (600, 0))]
    places += [("variable", f"far{i}", (i % 20 * 300, 4000 + i // 20 * 200)) for i in range(160)]
    for kind, name, place in places:
        document.insert_node(len(document), new_node(document, kind, name, position=place))
    ends = [document.by_name(name) for name in ("x", "set")]
    assert ends[0] is not None
    assert ends[1] is not None
    document.insert_wire(0, Wire(ends[0].id, "variable", ends[1].id, "input"))
    person.window.session.replace(document)
    canvas = person.window.canvas
    person.bot.wait(250)
    assert _hidden(person) == [("x", "set", "between")]  # too small to be told apart
    canvas.viewer.show_rect(QRectF(-100, -200, 1000, 600))
    person.until(lambda: _hidden(person) == [], 20)
    # What comes into the way later is passed as well.
    path = canvas.mirror.wires[document.wires[0]].path()
    y = path.pointAtPercent(0.5).y()
    assert person.window.session.do(MoveNodes({person.node("between").id: (300, y - 40)}))
    person.until(lambda: _hidden(person) == [], 20)
    assert canvas.mirror.wires[document.wires[0]].path() != path
