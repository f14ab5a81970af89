"""Problems with several unknowns: drawn, solved, and each unknown taken out by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from graphs import Graph

import dprox_core as dp
from nodes.checks import check
from nodes.document import Node
from nodes.formula import objective
from nodes.importer import import_script
from nodes.issues import Issue
from nodes.script import generate


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts write their pictures where they are run."""
    monkeypatch.chdir(tmp_path)


def decomposition(method: str = "admm") -> tuple[Graph, dict[str, Node]]:
    """Smooth plus sparse."""
    graph = Graph()
    n: dict[str, Node] = {}
    n["photo"] = graph.add("load_image", "photo", source="sample:camera", size=16)
    n["smooth"] = graph.add("variable", "smooth", like=n["photo"])
    n["spots"] = graph.add("variable", "spots", like=n["photo"])
    n["sum"] = graph.add("add", a=n["smooth"], b=n["spots"])
    terms = [
        graph.add("sum_squares", "fit", input=n["sum"], target=n["photo"]),
        graph.add("sum_squares", "flat", input=graph.add("grad", x=n["smooth"]), weight=1.0),
        graph.add("norm1", "sparse", input=n["spots"], weight=0.1),
    ]
    n["problem"] = graph.add("problem", "problem", terms=terms)
    n["result"] = graph.add(method, "result", problem=n["problem"], max_iter=400)
    return graph, n


def errors(graph: Graph) -> list[Issue]:
    return [issue for issue in check(graph.document) if issue.severity == "error"]


@pytest.mark.parametrize("method", ["admm", "fista", "pdhg"])
def test_each_unknown_is_taken_out_by_name(method: str) -> None:
    graph, n = decomposition(method)
    for name in ("smooth", "spots"):
        part = graph.add("recovered", solution=n["result"], variable=n[name])
        graph.add("view_image", image=part)
    assert not errors(graph)
    assert (
        "minimize over smooth, spots: ‖smooth + spots − photo‖²" in objective(graph.document).text
    )
    text = generate(graph.document).text
    assert 'dp.save_image("smooth.png", result[smooth])' in text
    assert 'dp.save_image("spots.png", result[spots])' in text
    assert generate(import_script(text)).text == text
    values: dict[str, Any] = {}
    exec(text, values)
    photo, result = values["photo"], values["result"]
    smooth, spots = result["smooth"], result["spots"]
    # For a given smooth part the sparse one is its soft threshold.
    left = photo - smooth
    expected = left.sign() * (left.abs() - 0.05).clamp_min(0)
    assert torch.allclose(spots, expected, atol=5e-3)


def test_a_named_unknown_can_be_worked_on() -> None:
    graph, n = decomposition()
    part = graph.add("recovered", "background", solution=n["result"], variable=n["smooth"])
    graph.add("view_image", image=graph.add("scale", "half", x=part, factor=0.5))
    text = generate(graph.document).text
    assert "background = result[smooth]" in text
    assert "half = 0.5 * background" in text
    assert generate(import_script(text)).text == text
    exec(text, {})


def test_a_solution_of_several_unknowns_is_no_picture_and_says_how_to_choose() -> None:
    graph, n = decomposition()
    view = graph.add("view_image", "view", image=n["result"])
    (issue,) = errors(graph)
    assert issue.sentence == (
        "view: result holds several unknowns (smooth and spots): put a “One unknown” node in "
        "between, which says which is meant."
    )
    assert (issue.node, issue.port) == (view.id, "image")
    assert [fix.title for fix in issue.fixes] == ["Take smooth", "Take spots"]
    graph.history.do(issue.fixes[1].command)
    assert not errors(graph)
    assert "result[spots]" in generate(graph.document).text


def test_starts_and_truths_are_of_one_unknown() -> None:
    graph, n = decomposition()
    graph.wire(n["photo"], n["result"], "x0")
    (issue,) = errors(graph)
    assert "result: its input “start” is of one unknown, and there are several" in issue.sentence
    with pytest.raises(dp.ParameterError):
        exec(generate(graph.document, strict=False).text, {})
    graph.history.do(issue.fixes[0].command)
    assert not errors(graph)


def test_what_is_no_unknown_of_the_solution_is_refused() -> None:
    graph, n = decomposition()
    other = graph.add("variable", "other", like=n["photo"])
    part = graph.add("recovered", "part", solution=n["result"], variable=other)
    graph.add("view_image", image=part)
    (issue,) = errors(graph)
    assert "part: other is none of the unknowns that result was solved for" in issue.sentence
    graph, n = decomposition()
    part = graph.add("recovered", "part", solution=n["result"], variable=n["sum"])
    graph.add("view_image", image=part)
    (issue,) = errors(graph)
    assert "is no variable: wire the variable itself into it." in issue.sentence


def test_fista_refuses_a_term_of_several_unknowns() -> None:
    graph, n = decomposition("fista")
    graph.wire(graph.add("norm1", "joint", input=n["sum"]), n["problem"], "terms")
    issue = next(issue for issue in errors(graph) if issue.code == "fista")
    assert "joint in one unknown, and it depends on several" in issue.sentence
    with pytest.raises(dp.CompileError):
        exec(generate(graph.document, strict=False).text, {})
