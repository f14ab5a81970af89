"""Groups mean what they hold: script, formula and checks are those of the graph written out."""

from __future__ import annotations

import json

import pytest

from nodes import migrations
from nodes.checks import check
from nodes.commands import (
    AddNode,
    Connect,
    Macro,
    MakeGroup,
    RemoveNodes,
    Rename,
    RenameGroup,
    SetMode,
    SetParameter,
    Ungroup,
    new_node,
)
from nodes.document import Document, Node
from nodes.errors import DocumentError, FileError
from nodes.files import dumps, load, loads
from nodes.flatten import flatten
from nodes.formula import objective
from nodes.groups import ENTRY, EXIT, GROUP
from nodes.history import History
from nodes.script import generate
from tests.nodes.graphs import Graph, tv_problem


def _grouped(*names: str) -> tuple[Graph, dict[str, Node], Node]:
    graph, n = tv_problem()
    graph.history.do(MakeGroup([n[name].id for name in names], "Forward model", name="forward"))
    use = graph.document.by_name("forward")
    assert use is not None
    return graph, n, use


def _code(document: Document) -> list[str]:
    """The statements of the script: no comments, no empty lines."""
    lines = generate(document).text.splitlines()[1:]
    return [line for line in lines if line and not line.startswith("#")]


def _ports(use: Node) -> tuple[list[str], list[str]]:
    assert use.spec is not None
    return [p.title for p in use.spec.inputs], [p.title for p in use.spec.outputs]


def test_a_group_means_what_it_holds() -> None:
    graph, n = tv_problem()
    before, formula = _code(graph.document), objective(graph.document).tex
    graph.history.do(MakeGroup([n["blurred"].id, n["observed"].id], "Forward model"))
    assert sorted(_code(graph.document)) == sorted(before)
    assert "# Forward model (group)" in generate(graph.document).text
    assert objective(graph.document).tex == formula
    assert [i for i in check(graph.document) if i.severity == "error"] == []


def test_what_crosses_the_border_becomes_a_port() -> None:
    _, _, use = _grouped("blurred", "observed")
    assert _ports(use) == (["photo", "kernel"], ["observed"])
    spec = use.spec
    assert spec is not None
    assert [str(p.type) for p in spec.inputs] == ["image", "kernel"]
    assert [str(p.type) for p in spec.outputs] == ["image"]


def test_many_terms_enter_a_grouped_problem_in_order() -> None:
    graph, n = tv_problem()
    formula = objective(graph.document).text
    graph.history.do(MakeGroup([n["problem"].id, n["result"].id], "Solve", name="solving"))
    assert objective(graph.document).text == formula
    graph.history.do(MakeGroup([n["smoothness"].id], "Prior", name="prior"))
    assert objective(graph.document).text == formula


def test_undo_and_redo_are_exact() -> None:
    graph, n = tv_problem()
    before = dumps(graph.document)
    graph.history.do(MakeGroup([n["grad"].id, n["smoothness"].id], "Prior", name="prior"))
    grouped = dumps(graph.document)
    assert graph.history.undo_text == "Group 2 nodes"
    graph.history.undo()
    assert dumps(graph.document) == before
    graph.history.redo()
    assert dumps(graph.document) == grouped
    use = graph.document.by_name("prior")
    assert use is not None
    graph.history.do(Ungroup(use.id))
    assert graph.document.groups == ()
    assert {n.name for n in graph.document.nodes} == {n.name for n in loads(before).nodes}
    assert _code(graph.document) == _code(loads(before))
    graph.history.undo()
    assert dumps(graph.document) == grouped


def _second_use(graph: Graph, use: Node) -> Node:
    again = Node("second", "again", GROUP, parameters=dict(use.parameters))
    commands = [AddNode(again)]
    for port in use.spec.inputs if use.spec else ():
        for wire in graph.document.wires_into(use.id, port.name):
            commands.append(Connect(wire.source, wire.output, again.id, port.name))  # type: ignore[arg-type]
    view = new_node(graph.document, "view_image", "second_view")
    commands += [AddNode(view)]  # type: ignore[list-item]
    assert use.spec is not None
    commands += [Connect(again.id, use.spec.outputs[0].name, view.id, "image")]  # type: ignore[list-item]
    graph.history.do(Macro("Use it again", commands))
    return graph.document.node("second")


def test_one_definition_many_uses() -> None:
    graph, n, use = _grouped("blurred", "observed")
    _second_use(graph, use)
    text = generate(graph.document).text
    assert "observed = dp.add_noise(" in text
    assert "observed2 = dp.add_noise(" in text
    graph.history.do(SetParameter(n["observed"].id, "sigma", 0.25))
    assert generate(graph.document).text.count("sigma=0.25") == 2
    # One use written out leaves the other as it is.
    code = len(_code(graph.document))
    graph.history.do(Ungroup("second"))
    assert len(graph.document.groups) == 1
    assert len(_code(graph.document)) == code
    graph.history.undo()
    graph.history.do(RemoveNodes(("second",)))
    assert len(graph.document.groups) == 1
    graph.history.do(RemoveNodes((use.id,)))
    assert graph.document.groups == ()
    assert graph.document.by_name("observed") is None
    graph.history.undo()
    assert graph.document.by_name("observed") is not None


def test_a_port_that_is_renamed_keeps_its_wires() -> None:
    graph, _, use = _grouped("blurred", "observed")
    code = _code(graph.document)
    entry = next(m for m in graph.document.nodes if m.type == ENTRY and m.name == "photo")
    graph.history.do(Rename(entry.id, "scene"))
    assert _ports(graph.document.node(use.id))[0] == ["scene", "kernel"]
    assert _code(graph.document) == code
    with pytest.raises(DocumentError, match="already a node named kernel"):
        graph.history.do(Rename(entry.id, "kernel"))
    graph.history.do(RemoveNodes((entry.id,)))
    assert _ports(graph.document.node(use.id))[0] == ["kernel"]
    assert len(graph.document.wires_into(use.id)) == 1


def test_issues_inside_name_the_group_and_their_fixes_work() -> None:
    graph, n, use = _grouped("blurred", "observed")
    graph.history.do(SetParameter(n["observed"].id, "sigma", -1.0))
    issue = next(i for i in check(graph.document) if i.severity == "error")
    assert issue.node == f"{use.id}/{n['observed'].id}"
    assert flatten(graph.document).path(issue.node) == (use.id, n["observed"].id)
    assert issue.sentence.startswith("Inside forward: observed")
    graph.history.do(issue.fixes[0].command)
    assert [i for i in check(graph.document) if i.severity == "error"] == []


def test_a_group_is_switched_off_and_passed_by_as_one() -> None:
    graph, _, use = _grouped("blurred", "observed")
    graph.history.do(SetMode((use.id,), "bypass"))
    text = generate(graph.document).text
    assert "add_noise" not in text
    assert "dp.sum_squares(dp.conv(x, kernel) - photo)" in text
    graph.history.do(SetMode((use.id,), "off"))
    assert any(i.severity == "error" for i in check(graph.document))


def test_groups_nest_and_never_hold_themselves() -> None:
    graph, n, use = _grouped("blurred", "observed")
    code = sorted(_code(graph.document))
    graph.history.do(MakeGroup([use.id, n["kernel"].id], "Scene", name="scene"))
    assert sorted(_code(graph.document)) == code
    outer = graph.document.by_name("scene")
    inner = graph.document.node(use.id)
    assert outer is not None
    assert inner.group == outer.parameters["of"]
    loop = Node("loop", "loop", GROUP, parameters=dict(outer.parameters), group=str(inner.group))
    with pytest.raises(DocumentError, match="cannot stand inside itself"):
        graph.history.do(AddNode(loop))
    graph.history.do(Ungroup(outer.id))
    assert sorted(_code(graph.document)) == code
    assert len(graph.document.groups) == 1


def test_a_group_with_a_gap_is_refused_in_words() -> None:
    graph, n = tv_problem()
    with pytest.raises(DocumentError, match="blurred lies between nodes of the group"):
        graph.history.do(MakeGroup([n["photo"].id, n["observed"].id]))


def test_wires_stay_within_a_group() -> None:
    graph, n, _ = _grouped("blurred", "observed")
    with pytest.raises(DocumentError, match="stand in different groups"):
        graph.history.do(Connect(n["photo"].id, "image", n["blurred"].id, "image"))


def test_a_file_keeps_groups_and_refuses_broken_ones() -> None:
    graph, _, use = _grouped("blurred", "observed")
    graph.history.do(RenameGroup(str(use.parameters["of"]), "Camera"))
    text = dumps(graph.document)
    again = loads(text)
    assert dumps(again) == text
    assert _code(again) == _code(graph.document)
    assert again.node(use.id).title == "Camera"
    raw = json.loads(text)
    raw["groups"] = []
    with pytest.raises(FileError, match="stands in a group"):
        loads(json.dumps(raw))
    raw = json.loads(text)
    node = next(item for item in raw["nodes"] if item["type"] == "blur")
    node |= {"type": "group", "parameters": {"of": raw["groups"][0]["id"]}}
    with pytest.raises(FileError, match="holds itself"):
        loads(json.dumps(raw))


def test_a_document_of_schema_1_keeps_what_it_called_groups() -> None:
    """They were unknown words then, kept as they were; they must not turn into groups now."""
    raw = json.loads(dumps(load("example:deconvolution")))
    raw |= {"schema": 1, "groups": ["mine"]}
    raw["nodes"][0]["group"] = "team"
    document = loads(json.dumps(raw))
    assert document.groups == ()
    assert '"groups_of_schema_1": ["mine"]' in dumps(document)
    assert '"group_of_schema_1": "team"' in dumps(document)
    assert migrations.SCHEMA >= 2


def test_a_port_takes_what_all_its_wires_inside_take() -> None:
    graph, _, use = _grouped("conv", "fidelity")
    ports = {p.title: p for p in use.spec.inputs} if use.spec else {}
    assert str(ports["x"].type) == "expression"
    graph.history.do(AddNode(new_node(graph.document, "nonneg", "term")))
    term = graph.document.by_name("term")
    assert term is not None
    with pytest.raises(DocumentError, match="takes a kernel at its input “kernel”"):
        graph.history.do(Connect(term.id, "term", use.id, ports["kernel"].name))
    exits = [m for m in graph.document.nodes if m.type == EXIT]
    assert [m.name for m in exits] == ["fidelity"]


def test_a_use_of_an_unknown_group_is_kept_as_a_placeholder() -> None:
    document = Document([Node("a", "lost", GROUP, parameters={"of": "nowhere"})])
    assert document.node("a").is_placeholder
    assert dumps(loads(dumps(document))) == dumps(document)
    assert check(document)
    History(document).do(RemoveNodes(("a",)))
