"""Scripts: what a person would have written, formatted, and every part traced to its node."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from graphs import Graph, broken_documents, tv_problem, whole_documents
from hypothesis import given, settings
from hypothesis import strategies as st

import nodes
from nodes.commands import MoveNodes, RemoveNodes, Rename, SetParameter, SetTitle
from nodes.document import Document
from nodes.errors import ScriptError
from nodes.files import load, save
from nodes.importer import import_script
from nodes.script import Script, generate

ROOT = Path(__file__).resolve().parents[2]
LINT = ["--select", "E,F,W,I,UP,B,SIM,RET,RUF", "--ignore", "E501,E741,RUF001,RUF002,RUF003"]


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Ruff as a user has it: no settings but the line length."""
    config = ["--isolated", "--config", "line-length = 100"]
    command = [sys.executable, "-m", "ruff", arguments[0], *config, *arguments[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def assert_tidy(texts: list[str]) -> None:
    """The formatter would change nothing, and the linter has nothing to say."""
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            (Path(folder) / f"script{number}.py").write_text(text, encoding="utf-8")
        formatted = ruff("format", "--diff", folder)
        assert formatted.returncode == 0, formatted.stdout
        checked = ruff("check", *LINT, folder)
        assert checked.returncode == 0, checked.stdout


def test_the_deconvolution_example_is_the_script_of_the_design() -> None:
    expected = '''"""Deconvolution by total variation. MADE."""

import dprox_core as dp

photo = dp.load_image("sample:coffee")
kernel = dp.gaussian_psf(size=15, sigma=3.0)
observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.01, seed=0)

x = dp.Variable("x", shape=observed.shape)
fidelity = dp.sum_squares(dp.conv(x, kernel) - observed)
smoothness = WEIGHT * dp.norm1(dp.grad(x))
positivity = dp.nonneg(x)

problem = dp.Problem(fidelity + smoothness + positivity)
result = problem.solve(method="admm", x0=observed, max_iter=200, truth=photo)

'''
    text = generate(load("example:deconvolution")).text
    weight = load("example:deconvolution").by_name("smoothness").value("weight")  # type: ignore[union-attr]
    made = "Made by dprox-studio 0.1 from deconvolution.dprox"
    assert text.startswith(expected.replace("WEIGHT", repr(weight)).replace("MADE", made))
    assert 'dp.save_image("x.png", result[x])\n' in text


def test_the_version_in_the_header_is_the_one_installed() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{nodes.__version__}"\n' in pyproject


@settings(max_examples=25, deadline=None)
@given(st.lists(whole_documents(), min_size=8, max_size=8))
def test_scripts_of_random_documents_are_tidy(documents: list[Document]) -> None:
    texts = []
    for document in documents:
        script = generate(document)
        assert generate(document).text == script.text
        assert generate(document, strict=False).text == script.text
        check_source_map(document, script)
        texts.append(script.text)
    assert_tidy(texts)


def check_source_map(document: Document, script: Script) -> None:
    """Every statement of the syntax tree belongs to the node that its target names."""
    module = ast.parse(script.text)
    body = [s for s in module.body if isinstance(s, ast.Assign) or not _is_docstring(s)]
    body = [s for s in body if not isinstance(s, ast.Import)]
    assert len(body) == len(script.statements)
    for statement, source in zip(body, script.statements, strict=True):
        assert (statement.lineno, statement.end_lineno) == (source.first_line, source.last_line)
        assert script.node_at(statement.lineno) == source.node
        if isinstance(statement, ast.Assign):
            assert isinstance(statement.targets[0], ast.Name)
            assert document.node(source.node).name == statement.targets[0].id
    written = {span.node for span in script.spans}
    assert written == {node.id for node in document.nodes}
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            found = script.node_at(
                call.lineno, call.col_offset, call.end_lineno, call.end_col_offset, utf8=True
            )
            assert found is not None
            spec = document.node(found).spec
            assert spec is not None
            assert spec.function.split(".")[-1] == call.func.attr


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@settings(max_examples=100, deadline=None)
@given(broken_documents())
def test_what_is_incomplete_becomes_a_comment(document: Document) -> None:
    script = generate(document, strict=False)
    ast.parse(script.text)
    assert script.text.endswith("\n")
    for statement in script.statements:
        assert statement.node in document


def test_scripts_of_broken_documents_are_tidy() -> None:
    texts: list[str] = []

    @settings(max_examples=60, deadline=None, database=None)
    @given(broken_documents())
    def collect(document: Document) -> None:
        texts.append(generate(document, strict=False).text)

    collect()
    assert_tidy(texts)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=4, max_size=4),
    st.text(max_size=120),
    st.floats(1e-300, 1e300),
    st.integers(1, 14),
)
def test_long_names_texts_and_sums_are_broken_as_the_formatter_does(
    lengths: list[int], text: str, weight: float, terms: int
) -> None:
    graph, n = tv_problem()
    names = ["a" * lengths[0], "b" * lengths[1], "c" * lengths[2], "d" * lengths[3]]
    for node, name in zip(("observed", "x", "smoothness", "result"), names, strict=True):
        graph.history.do(Rename(n[node].id, name))
    graph.history.do(SetParameter(n["smoothness"].id, "weight", weight))
    graph.history.do(SetParameter(n["photo"].id, "source", f"folder of {text}.png"))
    graph.history.do(SetTitle(text))
    for index in range(terms):
        scaled = graph.add("scale", x=n["x"], factor=-weight)
        shifted = graph.add("subtract", a=scaled, b=n["observed"])
        term = graph.add(
            "norm1", f"t{'t' * (lengths[0] // 2)}{index}", input=shifted, weight=weight
        )
        graph.wire(term, n["problem"], "terms")
    second = graph.add("add", a=n["result"], b=n["result"])
    graph.add("view_image", image=second, label="v" * lengths[3], levels="auto")
    assert_tidy([generate(graph.document, strict=False).text])


def test_wide_characters_count_twice() -> None:
    graph, n = tv_problem()
    graph.history.do(Rename(n["observed"].id, "観測された画像" * 2))
    graph.history.do(Rename(n["result"].id, "結果" * 5))
    graph.history.do(SetTitle("ぼけの除去 " * 9))
    assert_tidy([generate(graph.document).text])


@pytest.mark.parametrize(
    "title", ['"', '"""', "\\", "a\nb\tc", 'ends with "', "\u202e x", "%s {0}"]
)
def test_any_title_makes_a_docstring(title: str) -> None:
    graph, _ = tv_problem()
    graph.history.do(SetTitle(title))
    text = generate(graph.document).text
    assert "Made by dprox-studio" in (ast.get_docstring(ast.parse(text)) or "")
    assert_tidy([text])


def test_operators_are_written_inside_only_while_nobody_named_them() -> None:
    graph, n = tv_problem()
    assert "dp.sum_squares(dp.conv(x, kernel) - observed)" in generate(graph.document).text
    graph.history.do(Rename(n["conv"].id, "model"))
    text = generate(graph.document).text
    assert "model = dp.conv(x, kernel)\nfidelity = dp.sum_squares(model - observed)" in text
    graph.history.do(Rename(n["conv"].id, "conv7"))
    graph.add("norm1", input=n["conv"])
    assert "conv7 = dp.conv(x, kernel)\n" in generate(graph.document).text


def test_the_source_map_finds_the_inner_node() -> None:
    graph, n = tv_problem()
    script = generate(graph.document)
    lines = script.text.split("\n")
    line = next(i for i, text in enumerate(lines, 1) if text.startswith("fidelity"))
    text = lines[line - 1]
    inner = text.index("dp.conv")
    assert script.node_at(line) == n["fidelity"].id
    assert script.node_at(line, 0) == n["fidelity"].id
    assert script.node_at(line, text.index("dp.sum_squares")) == n["fidelity"].id
    assert script.node_at(line, inner, line, inner + len("dp.conv(x, kernel)")) == n["conv"].id
    # The whole difference begins where the convolution does, and belongs to the penalty.
    assert script.node_at(line, inner, line, text.index(")", inner + 20)) == n["fidelity"].id
    assert script.node_at(1) is None
    assert script.node_at(99) is None
    statement = script.statement_of(n["conv"].id)
    assert statement is not None
    assert statement.name == "fidelity"


def test_relative_paths_follow_the_script(tmp_path: Path) -> None:
    graph = Graph()
    photo = graph.add("load_image", source="pictures/cat.png")
    graph.add("view_image", image=photo)
    (tmp_path / "work").mkdir()
    save(graph.document, tmp_path / "work" / "cat.dprox")

    def line(base: Path | None) -> str:
        text = generate(graph.document, base=base, strict=False).text
        return next(part for part in text.split("\n") if part.startswith("photo"))

    assert line(None) == 'photo = dp.load_image("pictures/cat.png")'
    assert line(tmp_path / "work") == 'photo = dp.load_image("pictures/cat.png")'
    assert line(tmp_path) == 'photo = dp.load_image("work/pictures/cat.png")'
    assert line(tmp_path / "else") == 'photo = dp.load_image("../work/pictures/cat.png")'
    for fixed in ("/data/cat.png", "sample:camera", "C:\\data\\cat.png"):
        graph.history.do(SetParameter(photo.id, "source", fixed))
        assert line(tmp_path / "else") == line(None)


def test_a_document_with_errors_gives_no_script() -> None:
    graph, n = tv_problem()
    graph.history.do(RemoveNodes((n["conv"].id,)))
    with pytest.raises(ScriptError) as caught:
        generate(graph.document)
    assert str(caught.value) == (
        "fidelity needs an expression: wire a variable or an operator into its input “expression”."
    )
    assert caught.value.issues[0].node == n["fidelity"].id
    text = generate(graph.document, strict=False).text
    assert "# fidelity = dp.sum_squares(… - observed)\n" in text
    assert "# problem = dp.Problem(fidelity + smoothness + positivity)\n" in text
    assert '# result = problem.solve(method="admm"' in text
    assert "\nsmoothness = 0.01 * dp.norm1(dp.grad(x))\n" in text


def test_a_node_that_nothing_depends_on_cannot_stop_the_script() -> None:
    graph, _ = tv_problem()
    before = generate(graph.document).text
    graph.add("conv", "loose")
    assert generate(graph.document).text == before
    assert "# loose = dp.conv(…, …)" in generate(graph.document, strict=False).text


def test_positions_and_notes_change_nothing() -> None:
    graph, n = tv_problem()
    before = generate(graph.document).text
    graph.history.do(MoveNodes({n["x"].id: (500.0, 500.0)}))
    assert generate(graph.document).text == before


def test_an_empty_document_has_an_empty_script() -> None:
    text = generate(Document(title="Nothing yet")).text
    assert text == '"""Nothing yet. Made by dprox-studio 0.1."""\n'
    assert_tidy([text])


def test_a_solution_can_be_the_data_of_a_second_problem() -> None:
    graph, n = tv_problem()
    y = graph.add("variable", "y", like=n["result"])
    near = graph.add("sum_squares", "near", input=y, target=n["result"])
    second = graph.add("problem", "second", terms=[near])
    graph.add("fista", "again", problem=second, x0=n["result"])
    text = generate(graph.document).text
    assert 'y = dp.Variable("y", shape=result[x].shape)\n' in text
    assert "near = dp.sum_squares(y - result[x])\n" in text
    assert 'again = second.solve(method="fista", x0=result[x], max_iter=200)\n' in text
    assert text.index("result = problem") < text.index("y = dp.Variable")


def test_hundreds_of_operators_in_a_row() -> None:
    graph, n = tv_problem()
    last = n["x"]
    for _ in range(300):
        last = graph.add("scale", x=last, factor=0.5)
    term = graph.add("norm1", "deep", input=last)
    graph.wire(term, n["problem"], "terms")
    text = generate(graph.document).text
    assert text.count("0.5 * ") == 300
    assert_tidy([text])


@pytest.mark.parametrize("count", [1, 3, 20])
def test_long_lists_are_laid_out_as_the_formatter_does(count: int) -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:camera", size=16)
    row = ", ".join(["1/3"] * count)
    square = graph.add("array", "square", values="; ".join([row] * count) + ";")
    double = graph.add("array", "double", values=row, precision="float64")
    x = graph.add("variable", "x", like=photo)
    more = [graph.add("scale", f"a_long_name_of_a_part_{i}", x=x) for i in range(count)]
    both = graph.add("vstack", "both", parts=[x, *more], axis=2)
    terms = [graph.add("sum_squares", input=x, target=photo), graph.add("norm1", input=both)]
    terms += [graph.add("weighted_norm1", input=x, weights=w) for w in (square, double)]
    graph.add("admm", problem=graph.add("problem", terms=terms))
    text = generate(graph.document, strict=False).text
    assert_tidy([text])
    assert generate(import_script(text), strict=False).text == text
