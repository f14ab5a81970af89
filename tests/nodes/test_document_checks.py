"""Checks: every fault a document can have is named, on its node, with fixes that mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphs import Graph, broken_documents, tv_problem, whole_documents
from hypothesis import given, settings
from PIL import Image

from nodes.checks import RULES, check
from nodes.checks.context import Context
from nodes.commands import Disconnect, RemoveNodes, SetParameter
from nodes.document import Document, Node, Wire
from nodes.files import dumps, load
from nodes.formula import objective
from nodes.history import History
from nodes.issues import Issue
from nodes.script import generate


def only(document: Document, code: str, base: Path | None = None) -> Issue:
    """The one issue of a kind."""
    found = [issue for issue in check(document, base) if issue.code == code]
    assert len(found) == 1, [(i.code, i.sentence) for i in check(document, base)]
    return found[0]


def apply_first_fix(graph: Graph, issue: Issue) -> None:
    """Fixes are commands: the first one takes its issue away, and can be undone."""
    before = dumps(graph.document)
    graph.history.do(issue.fixes[0].command)
    assert issue.sentence not in [i.sentence for i in check(graph.document)]
    graph.history.undo()
    assert dumps(graph.document) == before
    graph.history.redo()


def cut(graph: Graph, target: Node, port: str) -> None:
    for wire in graph.document.wires_into(target.id, port):
        graph.history.do(Disconnect(*wire.ends))


@settings(max_examples=300, deadline=None)
@given(broken_documents())
def test_no_document_makes_a_check_fail(document: Document) -> None:
    context = Context(document)
    for rule in RULES:
        list(rule(context))
    before = dumps(document)
    for issue in check(document):
        assert issue.severity in ("error", "warning", "hint")
        assert issue.node is None or issue.node in document
        assert issue.sentence[0].isalnum() or issue.sentence[0] in '"_', issue.sentence
        assert issue.sentence.endswith(".")
        if issue.node is not None:
            assert document.node(issue.node).name in issue.sentence
    assert dumps(document) == before
    objective(document)


@settings(max_examples=100, deadline=None)
@given(broken_documents())
def test_every_offered_fix_can_be_carried_out(document: Document) -> None:
    for issue in check(document):
        for fix in issue.fixes:
            trial = document.copy()
            History(trial).do(fix.command)
            assert dumps(trial) != dumps(document)
            assert fix.title[0].isupper()


@settings(max_examples=60, deadline=None)
@given(broken_documents())
def test_without_errors_there_is_a_script(document: Document) -> None:
    if not any(issue.severity == "error" for issue in check(document)):
        compile(generate(document).text, "script", "exec")


def test_a_sound_document_has_no_issues() -> None:
    graph, _ = tv_problem()
    assert check(graph.document) == []


def test_the_sentences_a_person_meets_first() -> None:
    graph, n = tv_problem()
    cut(graph, n["fidelity"], "input")
    issue = only(graph.document, "missing-input")
    assert issue.node == n["fidelity"].id
    assert issue.port == "input"
    assert issue.severity == "error"
    assert issue.sentence == (
        "fidelity needs an expression: wire a variable or an operator into its input “expression”."
    )
    apply_first_fix(graph, issue)
    graph.history.do(RemoveNodes((n["fidelity"].id, n["smoothness"].id, n["positivity"].id)))
    assert "problem needs at least one term: wire a penalty or a constraint into its input" in (
        only(graph.document, "missing-input").sentence
    )


@pytest.mark.parametrize(
    ("node", "parameter", "value", "sentence", "mended"),
    [
        ("smoothness", "weight", -1, "smoothness: weight λ must be 0 or more, not -1.", 0.0),
        ("smoothness", "weight", "abc", 'weight λ must be a number, not "abc".', 0.01),
        ("smoothness", "weight", None, "smoothness: weight λ needs a value.", 0.01),
        ("result", "max_iter", 0, "result: iterations at most must be 1 or more, not 0.", 1),
        ("result", "max_iter", 2.5, "must be a whole number, not 2.5.", 2),
        ("result", "rho", 0, "result: penalty ρ must be above 0, not 0.", None),
        ("kernel", "size", 8, "kernel: size must be odd, so that there is a centre, not 8.", 9),
        ("kernel", "sigma", True, "kernel: σ must be a number, not true.", 3.0),
        ("observed", "sigma", -0.5, "observed: σ must be 0 or more, not -0.5.", 0.0),
        ("observed", "seed", -1, "observed: seed must be 0 or more, not -1.", 0),
        ("photo", "source", " ", "photo: file needs a file.", "sample:coffee"),
        ("photo", "colour", "red", "colour must be one of auto, grey, colour, not", "auto"),
        ("view", "levels", "loud", "levels must be one of 0…1, auto, not", "0…1"),
    ],
)
def test_values_out_of_range(
    node: str, parameter: str, value: object, sentence: str, mended: object
) -> None:
    graph, n = tv_problem()
    graph.history.do(SetParameter(n[node].id, parameter, value))  # type: ignore[arg-type]
    issue = only(graph.document, "bad-value")
    assert (issue.node, issue.parameter, issue.severity) == (n[node].id, parameter, "error")
    assert sentence in issue.sentence
    apply_first_fix(graph, issue)
    assert graph.document.node(n[node].id).value(parameter) == mended


def test_a_weight_of_zero_and_an_empty_box() -> None:
    graph, n = tv_problem()
    graph.history.do(SetParameter(n["smoothness"].id, "weight", 0))
    assert only(graph.document, "no-effect").severity == "warning"
    empty = Graph()
    x = empty.add("variable", "x", like=empty.add("load_image"))
    idle = empty.add("problem", "idle", terms=[empty.add("norm1", input=x, weight=0.0)])
    empty.add("admm", problem=idle)
    assert only(empty.document, "no-objective").sentence == (
        "idle has nothing to minimize: every term has weight 0."
    )
    box = graph.add("box", "bounds", input=n["x"], lower=1.0, upper=-1.0)
    graph.wire(box, n["problem"], "terms")
    issue = only(graph.document, "empty-box")
    assert issue.sentence.startswith("bounds: the lowest value 1 is above the highest value -1")
    apply_first_fix(graph, issue)
    assert graph.document.node(box.id).value("lower") == -1.0


def test_placeholders_and_unknown_parameters_and_ports() -> None:
    graph, n = tv_problem()
    document = graph.document
    strange = Node(id="s", name="coarse", type="curvelet", parameters={"levels": 3})
    newer = Node(id="t", name="later", type="conv", version=3)
    document.insert_node(0, strange)
    document.insert_node(0, newer)
    found = [issue for issue in check(document) if issue.code == "unknown-type"]
    assert [issue.severity for issue in found] == ["error", "error"]
    assert 'coarse is of a type that this version does not know ("curvelet")' in found[1].sentence
    assert '("conv" in version 3)' in found[0].sentence
    graph.history.do(found[0].fixes[0].command)
    graph.history.do(found[1].fixes[0].command)
    assert check(document) == []
    old = document.node(n["conv"].id)
    document.replace_node(Node(old.id, old.name, old.type, parameters={"padding": 3}))
    issue = only(document, "unknown-parameter")
    assert 'conv holds a parameter "padding" that this version does not know' in issue.sentence
    apply_first_fix(graph, issue)
    document.insert_wire(0, Wire(n["x"].id, "variable", n["conv"].id, "padding"))
    issue = only(document, "unknown-port")
    assert 'uses the input "padding" of conv' in issue.sentence
    apply_first_fix(graph, issue)


def test_wires_that_no_longer_fit() -> None:
    graph, n = tv_problem()
    graph.wire(n["photo"], n["conv"], "x")
    issue = only(graph.document, "constant-term")
    assert issue.node == n["fidelity"].id
    assert issue.sentence == (
        "fidelity does not depend on a variable: conv is an image. Wire a variable, or an "
        "operator on a variable, into it instead."
    )
    graph.history.undo()
    grad = graph.add("grad", "edges", x=n["photo"])
    noisy = graph.add("add_noise", "loud", image=grad)
    graph.add("view_image", image=noisy)
    graph.wire(n["x"], grad, "x")
    issue = only(graph.document, "misfit")
    assert issue.sentence.startswith(
        "loud takes an image at its input “image”, but edges gives an expression: an unknown has "
        "no pixels before it is solved for"
    )


def test_loops_and_doubled_wires_from_files() -> None:
    graph, n = tv_problem()
    document = graph.document
    document.insert_wire(0, Wire(n["result"].id, "solution", n["blurred"].id, "image"))
    codes = [issue.code for issue in check(document)]
    assert codes.count("loop") == 1
    assert codes.count("too-many-wires") == 1
    loop = only(document, "loop")
    assert "depends on itself (" in loop.sentence
    apply_first_fix(graph, only(document, "too-many-wires"))
    graph.history.undo()
    for fix in loop.fixes:
        graph.history.do(fix.command)
    assert check(document) == [] or "loop" not in [i.code for i in check(document)]


def test_a_problem_nobody_solves_and_a_result_nobody_sees() -> None:
    graph, n = tv_problem()
    graph.history.do(RemoveNodes((n["view"].id,)))
    issue = only(graph.document, "not-shown")
    assert issue.severity == "hint"
    apply_first_fix(graph, issue)
    graph.history.do(RemoveNodes((n["result"].id,)))
    unsolved = only(graph.document, "unsolved")
    assert unsolved.sentence == "problem is not solved: wire it into a solver."
    apply_first_fix(graph, unsolved)
    assert any(node.type == "admm" for node in graph.document.nodes)


def test_unused_nodes_and_empty_documents() -> None:
    graph, _ = tv_problem()
    spare = graph.add("disk_psf", "spare")
    issue = only(graph.document, "unused")
    assert (issue.severity, issue.node) == ("hint", spare.id)
    apply_first_fix(graph, issue)
    loose = graph.add("conv", "loose")
    severities = {i.severity for i in check(graph.document) if i.node == loose.id}
    assert severities == {"warning"}
    assert only(Document(), "empty").severity == "hint"
    lonely = Graph()
    lonely.add("load_image")
    assert only(lonely.document, "nothing-to-run").severity == "hint"


@pytest.mark.parametrize("label", ["a/b", "..", "CON", "con.txt", "x?", "", "  ", "a" * 200, "x\n"])
def test_views_need_names_that_files_can_have(label: str) -> None:
    graph, n = tv_problem()
    graph.history.do(SetParameter(n["view"].id, "label", label))
    issue = only(graph.document, "bad-view-name")
    assert issue.severity == "error"
    apply_first_fix(graph, issue)


def test_two_views_of_one_name() -> None:
    graph, n = tv_problem()
    graph.add("view_image", image=n["result"], label="X")
    issue = only(graph.document, "duplicate-view")
    assert issue.sentence == (
        'view writes the same picture "X" as x: give one of them another name.'
    )
    apply_first_fix(graph, issue)


def test_shapes_that_cannot_work() -> None:
    graph, n = tv_problem()
    graph.history.do(SetParameter(n["kernel"].id, "size", 99))
    found = [issue for issue in check(graph.document) if issue.code == "kernel-too-large"]
    assert [issue.node for issue in found] == [n["blurred"].id, n["conv"].id]
    assert found[1].sentence == (
        "conv: the kernel kernel (99 × 99) is larger than x (43 × 64): take a smaller kernel or a "
        "larger image."
    )
    graph.history.do(found[1].fixes[0].command)
    assert check(graph.document) == []

    other = graph.add("load_image", "other", source="sample:camera", size=64)
    graph.wire(other, n["result"], "truth")
    issue = only(graph.document, "shape-mismatch")
    assert issue.sentence == (
        "result: the ground truth other (64 × 64) must have the shape of x (43 × 64 × 3)."
    )
    graph.history.undo()
    graph.wire(other, n["fidelity"], "target")
    assert "fidelity: conv (43 × 64 × 3) and other (64 × 64) differ in size" in (
        only(graph.document, "shape-mismatch").sentence
    )
    graph.history.undo()
    mosaic = graph.add("mosaic", x=other)
    graph.add("view_image", image=mosaic)
    assert "mosaic needs a colour image, but other is 64 × 64" in (
        only(graph.document, "shape-mismatch").sentence
    )
    edges = graph.add("grad", x=other)
    graph.add("view_image", "edges", image=edges)
    assert "is not one grey or colour picture" in only(graph.document, "not-a-picture").sentence
    mask = graph.add("random_mask", like=other)
    graph.add("view_image", image=graph.add("mask", x=n["photo"], m=mask))
    found = [i for i in check(graph.document) if "masked" in i.sentence]
    assert "masked: mask (64 × 64) does not match photo (43 × 64 × 3)" in found[0].sentence
    colours = graph.add("group_norm1", "colours", input=n["x"], axis="-1, -4")
    graph.wire(colours, n["problem"], "terms")
    assert not [i for i in check(graph.document) if i.code == "bad-axis"]
    small = graph.add("variable", "s", like=n["kernel"])
    term = graph.add("group_norm1", "groups", input=small, axis="-3")
    second = graph.add("problem", "second", terms=[term])
    graph.add("admm", "third", problem=second)
    issue = only(graph.document, "bad-axis")
    assert "groups: s has 2 axes, so there is no axis -3" in issue.sentence
    apply_first_fix(graph, issue)


def test_paths_start_from_the_documents_folder(tmp_path: Path) -> None:
    Image.new("L", (40, 30)).save(tmp_path / "grey.png")
    graph, n = tv_problem()
    graph.history.do(SetParameter(n["photo"].id, "source", "grey.png"))
    assert only(graph.document, "bad-image").node == n["photo"].id
    graph.document.path = tmp_path / "tv.dprox"
    assert check(graph.document) == []


def test_a_sample_that_does_not_exist() -> None:
    graph, n = tv_problem()
    graph.history.do(SetParameter(n["photo"].id, "source", "sample:tea"))
    issue = only(graph.document, "bad-image")
    assert 'there is no sample "tea": choose one of astronaut, camera' in issue.sentence
    apply_first_fix(graph, issue)


def test_fista_is_told_what_it_cannot_do() -> None:
    graph, n = tv_problem("fista")
    issue = only(graph.document, "fista")
    assert issue.sentence == (
        "result: FISTA needs the proximal operator of smoothness in the variable itself, and grad "
        "stands in between. Use ADMM, which splits it off."
    )
    assert issue.node == n["result"].id
    wires = graph.document.wires
    apply_first_fix(graph, issue)
    changed = graph.document.node(n["result"].id)
    assert (changed.type, changed.name) == ("admm", "result")
    assert graph.document.wires == wires
    graph.history.undo()
    graph.history.do(RemoveNodes((n["smoothness"].id,)))
    assert not [i for i in check(graph.document) if i.code == "fista"]
    sparse = graph.add("nuclear_norm", "sparse", input=n["x"])
    graph.wire(sparse, n["problem"], "terms")
    assert "and there are 2: sparse and positivity." in only(graph.document, "fista").sentence


@settings(max_examples=20, deadline=None)
@given(whole_documents())
def test_whole_documents_have_no_errors(document: Document) -> None:
    assert not [issue for issue in check(document) if issue.severity == "error"]


def test_examples_are_free_of_issues() -> None:
    from nodes.files import examples

    for name in examples():
        assert check(load(f"example:{name}")) == []


def test_the_work_of_a_check_grows_in_proportion() -> None:
    """Counted in function calls, not in seconds, so that a busy machine changes nothing."""
    import cProfile
    import pstats

    def calls(branches: int) -> int:
        graph, n = tv_problem()
        for _ in range(branches):
            blurred = graph.add("conv", x=n["x"], kernel=n["kernel"])
            graph.wire(graph.add("norm1", input=blurred), n["problem"], "terms")
        check(graph.document)
        profile = cProfile.Profile()
        profile.runcall(check, graph.document)
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    small, large = calls(25), calls(100)
    assert large < 5 * small
    # About a microsecond a call: 200 nodes stay well below 20 ms.
    assert large < 40_000


def test_a_solver_of_linear_programs_says_what_is_not_linear() -> None:
    graph = Graph()
    costs = graph.add("array", "costs", values="1, 2, 3")
    x = graph.add("variable", "x", like=costs)
    cost = graph.add("linear", "cost", input=x, c=costs)
    rows = graph.add("limits", "rows", input=x, lower=costs)
    size = graph.add("sum_squares", "size", input=x)
    for terms, sentence in (
        ([cost, rows], None),
        ([cost, rows, size], "holds size, which is no linear cost and no limit: use ADMM."),
        ([rows], "has no linear cost: use ADMM."),
    ):
        problem = graph.add("problem", terms=terms)
        solver = graph.add("linear_solver", problem=problem)
        graph.add("plot_values", result=solver)
        found = [i.sentence for i in check(graph.document) if i.node == solver.id]
        assert len(found) == (sentence is not None)
        assert sentence is None or found[0].endswith(sentence)
