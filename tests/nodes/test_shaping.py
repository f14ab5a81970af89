"""Operators that take a shape, an order or an index: what people type, checked and written out."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import Graph
from hypothesis import given
from hypothesis import strategies as st

import dprox_core as dp
from nodes.analysis import Analysis
from nodes.checks import check
from nodes.errors import ImportScriptError
from nodes.formula import objective
from nodes.grammars import GRAMMARS, indices, numbers, whole_numbers
from nodes.importer import import_script
from nodes.script import generate
from nodes.shapes import Shapes

HEAD = 'import dprox_core as dp\nphoto = dp.load_image("sample:coffee", size=24)\n'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts write their pictures where they are run."""
    monkeypatch.chdir(tmp_path)


@given(st.lists(st.integers(-8, 10**6), min_size=1, max_size=8))
def test_whole_numbers_mean_what_python_reads(values: list[int]) -> None:
    text = ", ".join(map(str, values))
    assert whole_numbers(text) == tuple(values) == whole_numbers(f"({text},)")


def entries() -> st.SearchStrategy[Any]:
    ends = st.one_of(st.none(), st.integers(-9, 9))
    cuts = st.builds(slice, ends, ends, st.one_of(st.none(), st.integers(1, 4)))
    return st.lists(st.one_of(st.integers(-9, 9), cuts), min_size=1, max_size=4)


@given(entries(), st.booleans())
def test_an_index_picks_what_python_picks(items: list[Any], dots: bool) -> None:
    where = [*items[:1], *([...] if dots else []), *items[1:]]
    array = np.arange(3**5).reshape((3,) * 5)
    source = GRAMMARS["index"].source(
        ", ".join(
            "..."
            if item is ...
            else str(item)
            if isinstance(item, int)
            else ":".join("" if n is None else str(n) for n in (item.start, item.stop, item.step))
            for item in where
        )
    )
    assert indices(source) == tuple(where)
    tree = ast.parse(f"x[{source}]", mode="eval").body
    assert isinstance(tree, ast.Subscript)
    assert GRAMMARS["index"].text(tree.slice) == source
    try:
        expected = array[tuple(where)]
    except IndexError:
        return
    assert np.array_equal(eval(f"x[{source}]", {"x": array}), expected)


@given(
    st.lists(
        st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=2),
        min_size=1,
        max_size=4,
    )
)
def test_a_matrix_comes_back_from_the_script(rows: list[list[float]]) -> None:
    text = "; ".join(", ".join(map(repr, row)) for row in rows) + ";"
    source = GRAMMARS["numbers"].source(text)
    assert ast.literal_eval(source) == rows
    again = GRAMMARS["numbers"].text(ast.parse(source, mode="eval").body)
    assert again is not None
    assert numbers(again) == rows


@pytest.mark.parametrize(
    ("grammar", "text", "sentence"),
    [
        ("shape", "", "must be whole numbers such as 1, 3, 64, not empty"),
        ("shape", "3, x", 'must be whole numbers such as 1, 3, 64, not "3, x"'),
        ("shape", "-1, -1", "one of them -1 for what is left, not -1, -1"),
        ("shape", "0, 4", "must be whole numbers from 1"),
        ("shape", "1," * 12, "at most 8 numbers, not 12"),
        ("order", "0, 0, 1", "must name each axis once, not 0, 0, 1"),
        ("index", "1.5", "must be whole numbers and ranges"),
        ("index", "__import__('os')", "must be whole numbers and ranges"),
        ("index", "::0", "must step forward"),
        ("index", "::-1", "must be whole numbers and ranges"),
        ("index", "..., ...", "must hold ... once at most"),
        ("pieces", "0", "must be whole numbers from 1"),
        ("numbers", "1, 2; 3", "they have 2, 1 numbers"),
        ("numbers", "a b", "“a” is none"),
        ("numbers", " ", "at least one number"),
    ],
)
def test_what_cannot_be_read_says_why(grammar: str, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"must .") as caught:
        GRAMMARS[grammar].source(text)
    assert sentence.replace("“", '"').replace("”", '"') in str(caught.value)


def shaped(tmp_path: Path) -> dict[str, Any]:
    """A graph with every operator of the kind, run."""
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:coffee", size=24)
    x = graph.add("variable", "x", like=photo)
    flat = graph.add("reshape", "flat", x=x, shape="3, -1")
    turned = graph.add("permute", "turned", x=flat, axes="1, 0")
    some = graph.add("index", "some", x=graph.add("add", a=x, b=photo), where="0, :, 2:9, ::2")
    both = graph.add("vstack", "both", parts=[x, photo, graph.add("scale", x=x)], axis=1)
    last = graph.add("split", "last", x=both, sizes="3, 4, 2", axis=1, piece=2)
    bands = graph.add("sum_over", "bands", x=x, axes="-1, 1")
    columns = graph.add("sum_over", "columns", x=x, axes="-2", keepdim=True)
    copies = graph.add("broadcast_to", "copies", x=some, shape="2, 3, 7, 12")
    known = graph.add("index", "known", x=photo, where="..., 0:4")
    graph.add("view_image", image=known)
    terms = [graph.add("sum_squares", input=x, target=photo)]
    terms += [
        graph.add("norm1", input=e)
        for e in (flat, turned, some, both, last, bands, columns, copies)
    ]
    graph.add("admm", problem=graph.add("problem", terms=terms))
    assert not [issue for issue in check(graph.document) if issue.severity == "error"]
    text = generate(graph.document).text
    assert generate(import_script(text)).text == text
    values: dict[str, Any] = {"text": text, "document": graph.document}
    with dp.session(device="cpu", out=tmp_path):
        exec(text.replace(".solve(", ".compile(").replace("max_iter=200", ""), values)
    return values


def test_every_shape_is_inferred(tmp_path: Path) -> None:
    values = shaped(tmp_path)
    shapes = Shapes(Analysis(values["document"]))
    assert not shapes.faults
    for name in ("flat", "turned", "some", "both", "last", "bands", "columns", "copies", "known"):
        node = values["document"].by_name(name)
        assert shapes.of[node.id] == tuple(values[name].shape), name
    assert "some = (x + photo)[0, :, 2:9, ::2]" in values["text"]
    assert "bands = dp.sum_over(x, axes=(-1, 1))" in values["text"]
    assert "both = dp.vstack([x, photo, 2.0 * x], axis=1)" in values["text"]
    assert "last = dp.split(both, sizes=[3, 4, 2], axis=1)[2]" in values["text"]
    assert "[<i>x</i>; photo; 2 <i>x</i>]" in objective(values["document"]).html


@pytest.mark.parametrize(
    ("type", "given", "sentence"),
    [
        ("reshape", {"shape": "7, -1"}, "which do not fill the shape 7, -1."),
        ("permute", {"axes": "0, 1"}, "has 4 axes: the order must name each from 0 to 3 once"),
        ("sum_over", {"axes": "0, -4"}, "some of -4 to 3, each once, not 0, -4."),
        ("broadcast_to", {"shape": "2, 3, 16, 25"}, "cannot be repeated to the shape 2, 3, 16, 25"),
        ("broadcast_to", {"shape": "-1, 3, 16, 24"}, "cannot be repeated to the shape -1, 3, 16"),
        ("sum_over", {"axes": "4"}, "some of -4 to 3, each once, not 4."),
        ("index", {"where": "0, 3"}, "has nothing at [0, 3]."),
        ("index", {"where": "0, 0, 0, 0, 0"}, "has nothing at [0, 0, 0, 0, 0]."),
        ("split", {"sizes": "2", "axis": 1}, "cannot be cut into 2 along axis 1, which is 3 long."),
        ("split", {"sizes": "1, 2", "axis": 1, "piece": 2}, "has 2 pieces, 0 to 1, and no piece 2"),
        ("split", {"axis": 4}, "has 4 axes, so there is no axis 4."),
    ],
)
def test_shapes_that_cannot_work_are_told_before_a_run(
    type: str, given: dict[str, Any], sentence: str
) -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:coffee", size=24)
    node = graph.add(type, "node", x=photo, **given)
    graph.add("view_image", image=node)
    (issue,) = [issue for issue in check(graph.document) if issue.severity == "error"]
    assert issue.node == node.id
    assert issue.sentence.startswith("node: photo (16 × 24 × 3) ")
    assert sentence in issue.sentence
    with pytest.raises((dp.ShapeError, dp.ParameterError, IndexError)):
        exec(generate(graph.document, strict=False).text, {})


def test_parts_that_differ_cannot_be_stacked() -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:coffee", size=24)
    part = graph.add("index", "part", x=photo, where="..., 0:4")
    node = graph.add("vstack", "both", parts=[photo, part], axis=1)
    graph.add("view_image", image=node)
    (issue,) = [issue for issue in check(graph.document) if issue.severity == "error"]
    assert issue.sentence == (
        "both: photo (16 × 24 × 3) and part (16 × 4 × 3) must have the same size but along axis 1."
    )


def test_what_has_no_plane_is_refused_where_planes_are_needed() -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:coffee", size=24)
    flat = graph.add("reshape", "flat", x=photo)
    for type in ("laplacian", "dct", "pad", "radon"):
        graph.add("view_image", image=graph.add(type, f"my_{type}", x=flat))
    errors = [issue for issue in check(graph.document) if issue.severity == "error"]
    assert [issue.sentence for issue in errors] == [
        f"my_{type}: flat (1152 values) has no height and width: give it two axes with a Reshape "
        "node."
        for type in ("laplacian", "dct", "pad", "radon")
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("a = dp.split(photo, 3, axis=1)", "several pieces: write dp.split(photo, 3, axis=1)"),
        ("a = photo[1.5]", "where takes whole numbers and ranges such as 0, 2:5"),
        ("a = photo[[0, 1]]", "where takes whole numbers and ranges"),
        ("a = dp.reshape(photo, shape=photo)", "shape takes extents such as 1, 3, -1"),
        ("a = dp.vstack(photo)", "vstack takes a list here"),
    ],
)
def test_what_has_no_node_is_refused_with_its_line(line: str, sentence: str) -> None:
    with pytest.raises(ImportScriptError) as caught:
        import_script(HEAD + line + "\n")
    assert caught.value.line == 3
    assert sentence in str(caught.value)


def test_an_index_written_as_a_call_is_the_same_node() -> None:
    first = import_script(HEAD + "a = dp.index(photo, (0, ..., slice(2, 5), slice(4)))\n")
    assert first.by_name("a").value("where") == "0, ..., 2:5, :4"  # type: ignore[union-attr]
    assert "a = photo[0, ..., 2:5, :4]" in generate(first).text


def test_pieces_named_together_are_a_node_each() -> None:
    text = HEAD + "low, high = dp.split(photo, [1, 2], axis=1)\nboth = low + high\n"
    document = import_script(text)
    low, high = document.by_name("low"), document.by_name("high")
    assert low is not None
    assert high is not None
    assert (low.value("piece"), high.value("piece")) == (0, 1)
    assert "high = dp.split(photo, sizes=[1, 2], axis=1)[1]" in generate(document).text
    with pytest.raises(ImportScriptError) as caught:
        import_script(HEAD + "a, b = dp.blur(photo, photo)\n")
    assert caught.value.line == 3
