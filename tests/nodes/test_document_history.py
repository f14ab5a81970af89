"""Commands and undo: what is taken back was never there, what is done again is as it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from graphs import Graph, identifiers, json_values, tv_problem
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nodes.catalogue import CATALOGUE
from nodes.commands import (
    AddNode,
    ChangeType,
    Command,
    Connect,
    Disconnect,
    Dissolve,
    DropParameter,
    History,
    Macro,
    MoveNodes,
    PutFrame,
    RemoveFrames,
    RemoveNodes,
    Rename,
    SetMode,
    SetNote,
    SetParameter,
    SetTitle,
    new_node,
    splice,
)
from nodes.document import (
    Document,
    DocumentChanged,
    Event,
    Node,
    NodeAdded,
    NodeChanged,
    NodeRemoved,
    Wire,
    WireAdded,
    WireRemoved,
)
from nodes.errors import DocumentError
from nodes.files import dumps, loads
from nodes.frames import Frame


class Mirror:
    """Follows a document through its events alone, as the canvas does."""

    def __init__(self, document: Document) -> None:
        self.nodes: dict[str, Node] = {}
        self.wires: set[Wire] = set()
        self.header = (document.title, document.note)
        document.subscribe(self.follow)

    def follow(self, event: Event) -> None:
        match event:
            case NodeAdded(node):
                assert node.id not in self.nodes
                self.nodes[node.id] = node
            case NodeRemoved(node):
                assert not [w for w in self.wires if node.id in (w.source, w.target)]
                del self.nodes[node.id]
            case NodeChanged(node, what):
                old = self.nodes[node.id]
                fields = ("parameters", "name", "position", "note", "mode")
                assert what in fields
                same = [f for f in fields if f != what and getattr(old, f) == getattr(node, f)]
                assert len(same) == len(fields) - 1
                self.nodes[node.id] = node
            case WireAdded(wire):
                assert wire.source in self.nodes
                assert wire.target in self.nodes
                self.wires.add(wire)
            case WireRemoved(wire):
                self.wires.remove(wire)
            case DocumentChanged(title, note):
                self.header = (title, note)


types = st.sampled_from([*sorted(CATALOGUE), "no_such_type"])
picks = st.integers(0, 30)
tokens = st.sampled_from([None, "drag", "tick"])


class Editing(RuleBasedStateMachine):
    """Random edits; ``states[i]`` is the document as it was when i steps could be taken back."""

    def __init__(self) -> None:
        super().__init__()
        self.document = Document()
        self.history = History(self.document)
        self.mirror = Mirror(self.document)
        self.states = [dumps(self.document)]

    @initialize(start=st.booleans())
    def start(self, start: bool) -> None:
        if start:
            for type in (
                "load_image",
                "gaussian_psf",
                "variable",
                "conv",
                "sum_squares",
                "problem",
            ):
                self.do(AddNode(new_node(self.document, type)))

    def do(self, command: Command) -> None:
        before, count = dumps(self.document), self.history.count
        redo = self.history.can_redo
        try:
            self.history.do(command)
        except DocumentError:
            assert dumps(self.document) == before
            assert (self.history.count, self.history.can_redo) == (count, redo)
            return
        after = dumps(self.document)
        if self.history.count == count and after == before:
            return
        self.states = [*self.states[: self.history.count], after]

    def node(self, pick: int) -> Node | None:
        nodes = self.document.nodes
        return nodes[pick % len(nodes)] if nodes else None

    def splice(self, one: Node, other: Node, pick: int) -> Command:
        wires = self.document.wires_out_of(other.id)
        found = splice(self.document, wires[pick % len(wires)], one) if wires else None
        return found or Dissolve(other.id)

    def command(self, kind: int, a: int, b: int, text: str, value: object) -> Command | None:
        one, other = self.node(a), self.node(b)
        if one is None or other is None:
            return None
        spec, other_spec = one.spec, other.spec
        assert spec is not None
        assert other_spec is not None
        outputs = [p.name for p in spec.outputs] or ["nowhere"]
        inputs = [p.name for p in other_spec.inputs] or ["nowhere"]
        parameters = [*spec.defaults(), "nothing"]
        choices: Sequence[Command] = (
            Connect(one.id, outputs[0], other.id, inputs[b % len(inputs)]),
            RemoveNodes(tuple({one.id, other.id}) if a % 2 else (one.id,)),
            SetParameter(one.id, parameters[b % len(parameters)], value),  # type: ignore[arg-type]
            Rename(one.id, text),
            SetNote(one.id if a % 3 else None, text),
            MoveNodes({one.id: (a * 10.5, b), other.id: (0.0, a)}),
            ChangeType(one.id, sorted(CATALOGUE)[b % len(CATALOGUE)]),
            DropParameter(one.id, parameters[b % len(parameters)]),
            SetMode((one.id, other.id), ("", "off", "bypass")[b % 3]),
            Dissolve(one.id),
            PutFrame(Frame(f"f{b % 3}", ("backdrop", "note")[a % 2], text, (a, b, 99.5, 60 + a))),
            RemoveFrames((f"f{a % 3}",)),
            self.splice(one, other, b),
        )
        return choices[kind % len(choices)]

    @rule(type=types, name=st.one_of(st.none(), identifiers, st.text(max_size=5)), index=picks)
    def add(self, type: str, name: str | None, index: int) -> None:
        try:
            node = new_node(self.document, type, name, position=(index, -index))
        except DocumentError:
            assert type not in CATALOGUE
            return
        self.do(AddNode(node, index if index % 2 else None))

    @rule(kind=picks, a=picks, b=picks, text=identifiers, value=json_values)
    def edit(self, kind: int, a: int, b: int, text: str, value: object) -> None:
        command = self.command(kind, a, b, text, value)
        if command is not None:
            self.do(command)

    @rule(a=picks, b=picks)
    def connect_what_fits(self, a: int, b: int) -> None:
        self.edit(0, a, b, "x", None)

    @rule(pick=picks)
    def disconnect(self, pick: int) -> None:
        wires = self.document.wires
        if wires:
            self.do(Disconnect(*wires[pick % len(wires)].ends))
        else:
            self.do(Disconnect("a", "b", "c", "d"))

    @rule(a=picks, ticks=st.lists(st.floats(0.1, 9), min_size=1, max_size=6), token=tokens)
    def slide(self, a: int, ticks: list[float], token: str | None) -> None:
        node = self.node(a)
        spec = node.spec if node else None
        if node is None or spec is None or not spec.parameters:
            return
        for tick in ticks:
            self.do(SetParameter(node.id, spec.parameters[0].name, tick, merge=token))

    @rule(a=picks, ticks=st.lists(st.integers(-50, 50), min_size=1, max_size=6), token=tokens)
    def drag(self, a: int, ticks: list[int], token: str | None) -> None:
        node = self.node(a)
        if node is not None:
            for tick in ticks:
                self.do(MoveNodes({node.id: (tick, tick / 2)}, merge=token))

    @rule(
        parts=st.lists(st.tuples(picks, picks, picks, identifiers, json_values), max_size=4),
        title=st.text(max_size=8),
    )
    def several(self, parts: list[tuple[int, int, int, str, object]], title: str) -> None:
        commands = [c for part in parts if (c := self.command(*part)) is not None]
        self.do(Macro("Several things", (SetTitle(title), *commands)))

    @precondition(lambda self: self.history.can_undo)
    @rule()
    def undo(self) -> None:
        self.history.undo()
        assert dumps(self.document) == self.states[self.history.count]

    @precondition(lambda self: self.history.can_redo)
    @rule()
    def redo(self) -> None:
        self.history.redo()
        assert dumps(self.document) == self.states[self.history.count]

    @rule()
    def save(self) -> None:
        self.history.mark_clean()
        assert self.history.is_clean

    @invariant()
    def the_mirror_follows(self) -> None:
        assert self.mirror.nodes == {node.id: node for node in self.document.nodes}
        assert self.mirror.wires == set(self.document.wires)
        assert self.mirror.header == (self.document.title, self.document.note)

    @invariant()
    def names_and_inputs_are_sound(self) -> None:
        # A view may be called like the value it shows, and like nothing else.
        names = [(node.name, node.is_view) for node in self.document.nodes]
        assert len(names) == len(set(names))
        for node in self.document.nodes:
            assert node.spec is not None
            for port in node.spec.inputs:
                assert port.multiple or len(self.document.wires_into(node.id, port.name)) <= 1

    def teardown(self) -> None:
        final, count = dumps(self.document), self.history.count
        assert dumps(loads(final)) == final
        while self.history.can_undo:
            self.history.undo()
        assert dumps(self.document) == self.states[0]
        for _ in range(count):
            self.history.redo()
        assert dumps(self.document) == final


TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_slider_is_one_step_and_a_second_one_another() -> None:
    graph, n = tv_problem()
    history, weight = graph.history, n["smoothness"].id
    start, count = dumps(graph.document), history.count
    for gesture in ("first", "second"):
        for tick in range(50):
            history.do(SetParameter(weight, "weight", 0.01 + tick / 1000, merge=gesture))
    assert history.count == count + 2
    history.undo()
    assert graph.document.node(weight).value("weight") == 0.01 + 49 / 1000
    history.undo()
    assert dumps(graph.document) == start


def test_ticks_do_not_merge_into_a_saved_step_nor_across_another() -> None:
    graph, n = tv_problem()
    history, node = graph.history, n["kernel"].id
    count = history.count
    history.do(SetParameter(node, "sigma", 1.0, merge="g"))
    history.mark_clean()
    history.do(SetParameter(node, "sigma", 2.0, merge="g"))
    assert history.count == count + 2
    assert not history.is_clean
    history.do(Rename(node, "k"))
    history.do(SetParameter(node, "sigma", 3.0, merge="g"))
    assert history.count == count + 4
    history.end_merge()
    history.do(SetParameter(node, "sigma", 4.0, merge="g"))
    assert history.count == count + 5


def test_a_refused_command_changes_nothing_and_says_why() -> None:
    graph, n = tv_problem()
    before, steps = dumps(graph.document), graph.history.count
    refused: list[tuple[Command, str]] = [
        (Rename(n["x"].id, "photo"), "There is already a node named photo: choose another name."),
        (Rename(n["x"].id, "2x"), '"2x" cannot be a name'),
        (Rename(n["x"].id, "lambda"), '"lambda" has a meaning of its own in a script'),
        (Rename(n["x"].id, "dp"), '"dp" has a meaning of its own in a script'),
        (
            SetParameter(n["x"].id, "weight", 1),
            'x has no parameter "weight". Its parameters: dtype',
        ),
        (SetParameter(n["kernel"].id, "sigma", float("nan")), "must be a finite number or text"),
        (MoveNodes({n["x"].id: (float("inf"), 0)}), "A position is two finite numbers."),
        (
            Connect(n["photo"].id, "image", n["smoothness"].id, "input"),
            "smoothness takes an expression at its input “expression”, but photo gives an image: "
            "wire a variable, or an operator on a variable, into it.",
        ),
        (
            Macro("two", (Rename(n["x"].id, "u"), Rename(n["photo"].id, "u"))),
            "There is already a node named u: choose another name.",
        ),
    ]
    for command, sentence in refused:
        with pytest.raises(DocumentError) as caught:
            graph.history.do(command)
        assert sentence in str(caught.value)
        assert dumps(graph.document) == before
        assert graph.history.count == steps


def test_a_view_may_be_called_like_what_it_shows_and_nothing_else_may() -> None:
    graph, n = tv_problem()
    assert [node.id for node in graph.document.named("x")] == [n["x"].id, n["view"].id]
    assert graph.document.by_name("x") == n["x"]
    other = graph.add("view_image", "photo", image=n["photo"])
    for command in (
        Rename(other.id, "x"),
        Rename(n["photo"].id, "x"),
        ChangeType(other.id, "disk_psf"),
        AddNode(new_node(graph.document, "variable", "x")),
        AddNode(new_node(graph.document, "view_image", "x")),
    ):
        with pytest.raises(DocumentError, match="There is already a node named"):
            graph.history.do(command)


def test_connecting_to_an_occupied_input_changes_its_wire_in_one_step() -> None:
    graph, n = tv_problem()
    before = dumps(graph.document)
    other = graph.add("disk_psf", "other")
    graph.wire(other, n["conv"], "kernel")
    wires = graph.document.wires_into(n["conv"].id, "kernel")
    assert [w.source for w in wires] == [other.id]
    graph.history.undo()
    graph.history.undo()
    assert dumps(graph.document) == before


def test_terms_keep_the_order_in_which_they_were_wired() -> None:
    graph, n = tv_problem()
    assert [w.source for w in graph.document.wires_into(n["problem"].id, "terms")] == [
        n["fidelity"].id,
        n["smoothness"].id,
        n["positivity"].id,
    ]
    graph.history.do(RemoveNodes((n["smoothness"].id,)))
    graph.history.undo()
    assert [w.source for w in graph.document.wires_into(n["problem"].id, "terms")][1] == (
        n["smoothness"].id
    )


def test_a_listener_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    graph = Graph()
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("broken pane")

    graph.document.subscribe(broken)
    end = graph.document.subscribe(heard.append)
    graph.add("load_image")
    assert len(heard) == 1
    assert "broken pane" in caplog.text
    end()
    graph.history.undo()
    assert len(heard) == 1


def test_values_that_python_calls_equal_are_still_different_edits() -> None:
    graph = Graph()
    node = graph.add("add_noise", sigma=1)
    graph.history.do(SetParameter(node.id, "sigma", True))
    assert graph.document.node(node.id).value("sigma") is True
    graph.history.do(SetParameter(node.id, "sigma", 1.0))
    assert '"sigma": 1.0' in dumps(graph.document)
