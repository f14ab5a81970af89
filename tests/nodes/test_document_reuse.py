"""What is kept from one state of a document to the next is what would be worked out anew."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resources
from nodes.analysis import Analysis
from nodes.catalogue import CATALOGUE
from nodes.checks import Fix, Issue, check
from nodes.checks.context import Context
from nodes.checks.wiring import check_wires
from nodes.commands import (
    AddNode,
    Command,
    Connect,
    Disconnect,
    Expose,
    MakeGroup,
    MoveNodes,
    RemoveNodes,
    Rename,
    SetMode,
    SetParameter,
    SetTitle,
    Ungroup,
    new_node,
)
from nodes.document import Document, Node
from nodes.errors import NodesError
from nodes.files import dumps, loads
from nodes.flatten import flatten
from nodes.formula import objective
from nodes.groups import GROUP
from nodes.script import generate
from tests.nodes.graphs import Graph, tv_problem


def test_a_changed_parameter_leaves_order_and_types_as_they_are() -> None:
    graph, n = tv_problem()
    before = Analysis.of(graph.document)
    assert before.order
    assert before.types
    graph.history.do(SetParameter(n["smoothness"].id, "weight", 0.5))
    after = Analysis.of(graph.document)
    assert after is not before
    assert after.order is before.order
    assert after.types is before.types
    graph.history.do(SetMode((n["positivity"].id,), "off"))
    assert Analysis.of(graph.document).order is not after.order


def told(document: Document) -> list[object]:
    """All that follows from a document, fixes included, but for the ids of nodes they would add."""

    def words(fix: Fix) -> str:
        text = repr(fix.command)
        new = {i for i in re.findall(r"[0-9a-f]{32}", text) if i not in document}
        return re.sub("|".join(sorted(new)) or "$^", "new", fix.title + text)

    script = generate(document, strict=False)
    return [
        [
            (i.severity, i.node, i.sentence, i.code, i.port, i.parameter, [*map(words, i.fixes)])
            for i in check(document)
        ],
        script.text,
        script.statements,
        tuple(script.spans),
        objective(document),
    ]


def _graph(kind: int) -> Graph:
    graph, n = tv_problem()
    if kind:
        # A use of a group, a second use of it, and a second unknown.
        graph.history.do(MakeGroup([n["fidelity"].id, n["smoothness"].id]))
        (use,) = (node for node in graph.document.nodes if node.type == GROUP)
        graph.history.do(AddNode(replace(use, id="f" * 32, name="again")))
        graph.history.do(Expose(n["smoothness"].id, "weight"))
        graph.history.do(AddNode(new_node(graph.document, "variable")))
    return graph


def edits(dice: random.Random, document: Document) -> Command:
    """Something that a person might do next."""

    def node() -> Node:
        return dice.choice(document.nodes)

    found, other = node(), node()
    parameters = found.spec.parameters if found.spec else ()
    outputs = found.spec.outputs if found.spec else ()
    inputs = other.spec.inputs if other.spec else ()
    kinds = ["grad", "norm1", "blur", "recovered", "fft", "add", "view_image", *CATALOGUE]
    commands: list[Command] = [
        MoveNodes({found.id: (dice.random(), 2.0)}),
        SetMode((found.id,), dice.choice(["", "off", "bypass"])),
        Rename(found.id, dice.choice(["a", "b", "c"])),
        RemoveNodes((found.id,)),
        AddNode(new_node(document, dice.choice(kinds))),
        MakeGroup([found.id, other.id]),
        Ungroup(found.id),
        SetTitle(dice.choice(["one", "another"])),
    ]
    if document.wires:
        commands.append(Disconnect(*dice.choice(document.wires).ends))
    if parameters:
        parameter = dice.choice(parameters)
        values = [parameter.default, 0, 1, 1.0, True, 0.5, -1.0, None, "x", "sample:coffee"]
        commands += 3 * [SetParameter(found.id, parameter.name, dice.choice(values))]
        commands += [Expose(found.id, parameter.name, dice.random() < 0.8)] * (found.group != "")
    if outputs and inputs:
        ends = (found.id, outputs[0].name, other.id, dice.choice(inputs).name)
        commands += 3 * [Connect(*ends)]
    return dice.choice(commands)


@settings(max_examples=36, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 1))
def test_issues_script_and_formula_are_those_of_a_fresh_document(seed: int, kind: int) -> None:
    graph = _graph(kind)
    dice, document = random.Random(seed), graph.document
    for step in range(12):
        try:
            graph.history.do(edits(dice, document))
        except NodesError:
            continue
        for back in (graph.history.undo, graph.history.redo):
            if dice.random() < 0.15:
                back()
        if not len(document):
            break
        if step % 3 == 2:  # several edits at once as well
            assert told(document) == told(loads(dumps(document)))
        elif step % 3:
            check(document)
            objective(document)


def test_an_edit_looks_again_only_at_what_depends_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, n = tv_problem()
    check(graph.document)
    seen: list[str] = []
    looked = check_wires.of

    def look(context: Context, node: Node) -> Iterable[Issue]:
        seen.append(node.id)
        return looked(context, node)

    monkeypatch.setattr(check_wires, "of", look)
    graph.history.do(SetParameter(n["smoothness"].id, "weight", 0.5))
    check(graph.document)
    assert set(seen) == graph.document.downstream(n["smoothness"].id)
    seen.clear()
    graph.history.do(MoveNodes({n["smoothness"].id: (1.0, 2.0)}))
    check(graph.document)
    assert seen == []
    graph.history.undo()
    graph.history.undo()
    check(graph.document)
    assert set(seen) == graph.document.downstream(n["smoothness"].id)


def test_a_file_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    graph, n = tv_problem()
    graph.document.path = tmp_path / "graph.dprox"
    graph.history.do(SetParameter(n["photo"].id, "source", "photo.png"))
    assert "bad-image" in {issue.code for issue in check(graph.document)}
    shutil.copy(resources.path("images/coffee.png"), tmp_path / "photo.png")
    assert check(graph.document) == []
    (tmp_path / "photo.png").write_bytes(b"nothing")
    assert "bad-image" in {issue.code for issue in check(graph.document)}


def test_a_group_is_written_out_once_until_nodes_or_wires_come_or_go() -> None:
    graph = _graph(1)
    document = graph.document
    before = flatten(document)
    inside = next(node for node in document.nodes if node.name == "smoothness")
    graph.history.do(SetParameter(inside.id, "weight", 0.25))
    after = flatten(document)
    assert after is before
    copies = after.copies(inside.id)
    assert len(copies) == 2
    assert [after.document.node(copy).values["weight"] for copy in copies] == [0.25, 0.25]
    graph.history.do(Rename(inside.id, "another"))
    assert flatten(document) is not before
