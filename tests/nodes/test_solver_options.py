"""Options of methods on their nodes: in the script only where they were set, and then obeyed."""

from __future__ import annotations

from typing import Any

import pytest
from graphs import Graph, tv_problem

from nodes.catalogue import CATALOGUE
from nodes.checks import check
from nodes.importer import import_script
from nodes.script import generate
from nodes.spec import Form

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "admm": [{"relaxation": 1.2}, {"linear_solver": "cg"}, {"rho": 0.5, "anderson": 3}],
    "hqs": [{"dual_step": 0.25}, {"dual_step": 0.0}, {"linear_solver": "minres"}, {"anderson": 2}],
    "fista": [{"step": 0.25}, {"restart": False}],
    "admm_vxu": [{"linear_solver": "cg"}],
    "ladmm": [{"rho": 2.0}],
    "pdhg": [{"relaxation": 1.5, "weight": 2.0}, {"step": 1e-3, "adaptive": False},
             {"preconditioned": False}],
    "pd3o": [{"variant": "condat_vu"}, {"weight": 0.5, "adaptive": False}],
    "dr": [{"relaxation": 1.5}, {"linear_solver": "cg"}],
    "pgd": [{"step": 0.1}, {"backtracking": True}],
}  # fmt: skip
CASES = [(method, given) for method, several in OPTIONS.items() for given in several]


def problem(method: str, **given: Any) -> Graph:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:camera", size=16)
    x = graph.add("variable", "x", like=photo)
    fit = graph.add("sum_squares", input=x, target=photo)
    penalty = graph.add("norm1", input=x if method in ("fista", "pgd") else graph.add("grad", x=x))
    whole = graph.add("problem", terms=[fit, penalty])
    graph.add(method, "result", problem=whole, max_iter=4, **given)
    return graph


@pytest.mark.parametrize(("method", "given"), CASES, ids=str)
def test_an_option_is_written_comes_back_and_is_obeyed(method: str, given: dict[str, Any]) -> None:
    plain = generate(problem(method).document).text
    assert f'solve(method="{method}", max_iter=4)' in plain
    graph = problem(method, **given)
    assert not [i for i in check(graph.document) if i.severity == "error"]
    text = generate(graph.document).text
    for name in given:
        assert f"{name}=" in text
    again = import_script(text)
    assert generate(again).text == text
    node = again.by_name("result")
    assert node is not None
    assert {name: node.value(name) for name in given} == given
    values: dict[str, Any] = {}
    exec(text, values)
    result = values["result"]
    parameters = result.plan.parameters
    for name in ("rho", "step", "weight", "anderson", "relaxation", "dual_step"):
        if name in given and name in parameters:
            assert parameters[name] == pytest.approx(given[name])
            assert name not in result.plan.automatic
    if given.get("linear_solver"):
        assert result.plan.linear_solver == given["linear_solver"]


def test_every_method_has_its_row() -> None:
    methods = {
        s.type for s in CATALOGUE.values() if s.form is Form.SOLVE and s.parameter("anderson")
    }
    assert methods == set(OPTIONS)


@pytest.mark.parametrize(
    ("option", "prior", "sentence"),
    [
        ("step", True, "cannot be set, because problem has a deep prior"),
        ("steps", False, "cannot be set, because problem has no deep prior"),
        ("anderson", True, "cannot be set, because problem has a deep prior"),
        ("dual_step", True, "cannot be set, because problem has a deep prior"),
    ],
)
def test_options_that_do_not_go_with_the_problem_are_named(
    option: str, prior: bool, sentence: str
) -> None:
    graph, n = tv_problem(max_iter=2)
    if prior:
        graph.wire(graph.add("deep_prior", input=n["x"]), n["problem"], "terms")
    method = "pdhg" if option == "step" else "hqs"
    solver = graph.add(
        method, "mine", problem=n["problem"], **{option: 0 if option == "dual_step" else 5}
    )
    (issue,) = [issue for issue in check(graph.document) if issue.code == "other-option"]
    assert (issue.node, issue.parameter) == (solver.id, option)
    assert sentence in issue.sentence
    graph.history.do(issue.fixes[0].command)
    assert not [issue for issue in check(graph.document) if issue.code == "other-option"]
