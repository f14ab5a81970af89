"""Values that each use of a group has for itself, and uses that get a definition of their own."""

from __future__ import annotations

import json

import pytest

from nodes.checks import check
from nodes.commands import AddNode, Detach, Expose, MakeGroup, SetParameter, Ungroup, new_use
from nodes.document import Document, Node
from nodes.errors import DocumentError, FileError
from nodes.files import dumps, loads
from nodes.groups import GROUP
from nodes.script import generate
from tests.nodes.graphs import Graph, tv_problem


def _twice() -> tuple[Graph, dict[str, Node], Node, Node]:
    """The penalty of the deconvolution as a group that is used twice."""
    graph, n = tv_problem()
    inside = [n["grad"].id, n["smoothness"].id]
    graph.history.do(MakeGroup(inside, "Prior", name="first"))
    first = graph.document.by_name("first")
    assert first is not None
    second = new_use(graph.document, str(first.parameters["of"]))
    graph.history.do(AddNode(second))
    assert first.spec is not None
    graph.wire(n["x"], graph.document.node(second.id), first.spec.inputs[0].name)
    graph.wire(graph.document.node(second.id), n["problem"], "terms")
    return graph, n, first, graph.document.node(second.id)


def _weights(document: Document) -> list[str]:
    lines = generate(document, strict=False).text.splitlines()
    return [line.split("=")[1].split("*")[0].strip() for line in lines if "norm1(" in line]


def _key(n: dict[str, Node]) -> str:
    return f"{n['smoothness'].id}.weight"


def test_each_use_has_its_value_or_follows_the_definition() -> None:
    graph, n, first, second = _twice()
    document, history = graph.document, graph.history
    before = dumps(document)
    with pytest.raises(DocumentError, match="no parameter"):
        history.do(SetParameter(second.id, _key(n), 0.5))
    history.do(Expose(n["smoothness"].id, "weight"))
    spec = document.node(second.id).spec
    assert spec is not None
    assert [(p.title, p.default) for p in spec.parameters] == [("weight λ of smoothness", 0.01)]
    assert document.node(first.id).value(_key(n)) == 0.01
    history.do(SetParameter(second.id, _key(n), 0.5))
    assert _weights(document) == ["0.01", "0.5"]
    history.do(SetParameter(n["smoothness"].id, "weight", 0.02))
    assert _weights(document) == ["0.02", "0.5"]
    history.do(SetParameter(second.id, _key(n), 0.02))  # the same as the definition: follows it
    history.do(SetParameter(n["smoothness"].id, "weight", 0.03))
    assert _weights(document) == ["0.03", "0.03"]
    after = dumps(document)
    assert dumps(loads(after)) == after
    assert _weights(loads(after)) == _weights(document)
    history.do(SetParameter(second.id, _key(n), 0.5))
    history.do(Expose(n["smoothness"].id, "weight", on=False))
    assert _weights(document) == ["0.03", "0.03"]
    assert _key(n) not in document.node(second.id).parameters
    history.undo()
    assert _weights(document) == ["0.03", "0.5"]
    history.go_to(history.count - 6)
    assert dumps(document) == before


def test_a_value_out_of_range_is_told_on_the_use_and_mended_there() -> None:
    graph, n, _, second = _twice()
    graph.history.do(Expose(n["smoothness"].id, "weight"))
    graph.history.do(SetParameter(second.id, _key(n), -1.0))
    issue = next(i for i in check(graph.document) if "weight" in i.sentence)
    assert issue.node == f"{second.id}/{n['smoothness'].id}"
    graph.history.do(issue.fixes[0].command)
    assert graph.document.node(n["smoothness"].id).value("weight") == 0.01
    assert not [i for i in check(graph.document) if "must be" in i.sentence]


def test_groups_hand_values_through_groups() -> None:
    graph, n, first, second = _twice()
    document, history = graph.document, graph.history
    history.do(Expose(n["smoothness"].id, "weight"))
    history.do(SetParameter(second.id, _key(n), 0.5))
    history.do(MakeGroup([first.id], "Outer", name="outer"))
    history.do(Expose(first.id, _key(n)))
    outer = document.by_name("outer")
    assert outer is not None
    history.do(SetParameter(outer.id, f"{first.id}.{_key(n)}", 0.25))
    assert sorted(_weights(document)) == ["0.25", "0.5"]
    history.do(Ungroup(outer.id))
    history.do(Ungroup(first.id))
    history.do(Ungroup(second.id))
    assert not [node for node in document.nodes if node.type == GROUP]
    assert sorted(_weights(document)) == ["0.25", "0.5"]


def test_a_use_made_independent_means_the_same_and_changes_alone() -> None:
    graph, n, first, second = _twice()
    document, history = graph.document, graph.history
    history.do(Expose(n["smoothness"].id, "weight"))
    history.do(SetParameter(second.id, _key(n), 0.5))
    before, whole = _weights(document), dumps(document)
    wires = [wire.ends for wire in document.wires if second.id in wire.ends]
    history.do(Detach(second.id))
    assert _weights(document) == before
    assert [group.title for group in document.groups] == ["Prior", "Prior 2"]
    assert len([w for w in document.wires if second.id in w.ends]) == len(wires)
    assert not [i for i in check(document) if i.severity == "error"]
    assert dumps(loads(dumps(document))) == dumps(document)
    history.do(SetParameter(n["smoothness"].id, "weight", 0.7))
    assert _weights(document) == ["0.7", "0.5"]
    with pytest.raises(DocumentError, match="the only use"):
        history.do(Detach(first.id))
    history.undo()
    history.undo()
    assert dumps(document) == whole


def test_a_damaged_list_of_values_is_said() -> None:
    graph, n, _, _ = _twice()
    graph.history.do(Expose(n["smoothness"].id, "weight"))
    content = json.loads(dumps(graph.document))
    content["groups"][0]["exposed"] = [["gone", "weight"], [n["smoothness"].id, "nothing"]]
    document = loads(json.dumps(content))
    use = document.by_name("first")
    assert use is not None
    assert use.spec is not None
    assert use.spec.parameters == ()  # what is not there is not offered
    content["groups"][0]["exposed"] = ["weight"]
    with pytest.raises(FileError, match="exposed"):
        loads(json.dumps(content))
