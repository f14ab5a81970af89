"""What is kept from one state of a document to the next is what would be worked out anew."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.analysis import Analysis
from nodes.catalogue import CATALOGUE
from nodes.checks import check
from nodes.commands import (
    AddNode,
    Connect,
    MakeGroup,
    MoveNodes,
    RemoveNodes,
    Rename,
    SetMode,
    SetParameter,
    Ungroup,
    new_node,
)
from nodes.errors import NodesError
from nodes.files import dumps, loads
from nodes.formula import objective
from nodes.script import generate
from tests.nodes.graphs import tv_problem


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


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_issues_script_and_formula_are_those_of_a_fresh_document(seed: int) -> None:
    graph, _ = tv_problem()
    dice, document = random.Random(seed), graph.document

    def node() -> str:
        return dice.choice(document.nodes).id

    for _step in range(8):
        found = document.node(node())
        spec = found.spec
        parameter = dice.choice(spec.parameters) if spec and spec.parameters else None
        commands = [
            SetParameter(found.id, parameter.name, dice.choice([0, 0.5, -1.0, None, "x"]))
            if parameter
            else MoveNodes({found.id: (1.0, 2.0)}),
            SetMode((found.id,), dice.choice(["", "off", "bypass"])),
            Rename(found.id, dice.choice(["a", "b", "c"])),
            RemoveNodes((found.id,)),
            AddNode(new_node(document, dice.choice(["grad", "norm1", "blur", *CATALOGUE]))),
            Connect(node(), "output", node(), "x"),
            MakeGroup([node(), node()]),
            Ungroup(found.id),
        ]
        try:
            graph.history.do(dice.choice(commands))
        except NodesError:
            continue
        if dice.random() < 0.2:
            graph.history.undo()
        if not len(document):
            break
        fresh = loads(dumps(document))
        assert [(i.node, i.sentence) for i in check(document)] == [
            (i.node, i.sentence) for i in check(fresh)
        ]
        assert generate(document, strict=False).text == generate(fresh, strict=False).text
        assert objective(document) == objective(fresh)
