"""What is inferred without the library, held against what the library does."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from graphs import Graph, whole_documents
from hypothesis import given, settings
from PIL import Image

import dprox_core as dp
from nodes.analysis import Analysis
from nodes.checks import check
from nodes.checks.problems import CHAINABLE
from nodes.document import Document
from nodes.imagefiles import MAX_PIXELS, read_header, scaled
from nodes.importer import import_script
from nodes.script import generate
from nodes.shapes import Shapes
from nodes.spec import Form


class Zeros:
    """Stands for a result where only its shapes matter."""

    def __getitem__(self, variable: dp.Variable) -> torch.Tensor:
        assert variable.shape is not None
        return torch.zeros(variable.shape)


def run_but_for_solving(document: Document, folder: Path) -> dict[str, Any]:
    """Execute a script statement by statement; solves are compiled, not carried out."""
    script = generate(document)
    values: dict[str, Any] = {}
    with dp.session(device="cpu", out=folder):
        for statement in ast.parse(script.text).body:
            node_id = script.node_at(statement.lineno)
            spec = document.node(node_id).spec if node_id else None
            if node_id is not None and spec is not None and spec.form is Form.SOLVE:
                source = Analysis(document).source(node_id, "problem")
                assert source is not None
                # A linear program is ready as it is; there is nothing to compile.
                if isinstance(problem := values[source.name], dp.Problem):
                    problem.compile(spec.constants["method"])
                values[document.node(node_id).name] = Zeros()
                continue
            code = compile(ast.Module([statement], []), "script", "exec")
            exec(code, values)
    return values


@settings(max_examples=60, deadline=None)
@given(whole_documents())
def test_what_passes_the_checks_runs_and_has_the_inferred_shapes(document: Document) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        values = run_but_for_solving(document, Path(folder))
        pictures = {path.name for path in Path(folder).iterdir()}
    shapes = Shapes(Analysis(document)).of
    compared = 0
    for node in document.nodes:
        value = values.get(node.name)
        if isinstance(value, torch.Tensor | dp.Expression):
            assert tuple(value.shape) == shapes[node.id], node
            compared += 1
    assert compared
    views = [node for node in document.nodes if node.type == "view_image"]
    assert len(pictures) == len(views)


TERMS = (
    "plain",
    "scaled",
    "shifted",
    "masked",
    "weighted",
    "convolved",
    "edges",
    "cosines",
    "masked cosines",
    "cosines of masked",
    "flat",
    "turned",
    "picked",
    "stacked",
)
PENALTIES = ("norm1", "group_norm1", "nonneg", "box", "huber", "scad", "norm2", "entropy")


def combinations() -> Iterator[tuple[tuple[str, str], ...]]:
    singles = [(penalty, term) for penalty in PENALTIES for term in TERMS]
    yield from ((single,) for single in singles)
    few = [("norm1", "plain"), ("group_norm1", "plain"), ("nonneg", "plain"), ("box", "plain")]
    few += [
        ("norm1", "cosines"),
        ("nonneg", "scaled"),
        ("box", "masked"),
        ("norm1", "masked"),
        ("norm1", "shifted"),
        ("box", "flat"),
    ]
    yield from itertools.combinations(few, 2)
    numbered = ("hinge", "logistic", "linear", "weighted_norm1", "equal", "halfspace")
    numbered += ("weighted_sum_squares", "quad_form", "affine_set")
    yield from (((name, "plain"),) for name in numbered)
    yield from (((name, "masked"),) for name in numbered)
    yield from (((name, "turned"),) for name in numbered[:-2])
    yield from (((name, "plain"), other) for name in numbered for other in few[:4])
    more = ("elastic_net", "linf_ball", "l0", "huber", "maximum", "quantile")
    yield from (((name, "plain"), other) for name in more for other in few[:3])
    yield from itertools.combinations(few[:4], 3)


def beside(graph: Graph, penalty: str) -> dict[str, Any]:
    """The numbers that a term needs beside its expression."""
    if penalty.startswith("weighted"):
        return {"weights": graph.add("array", values="2")}
    eye = "; ".join(", ".join("2" if i == j else "0" for j in range(16)) for i in range(16))
    if penalty == "quad_form":
        return {"P": graph.add("array", values=eye)}
    if penalty == "affine_set":
        return {"A": graph.add("array", values=eye), "b": graph.add("array", values="1")}
    return {}


@pytest.mark.parametrize(
    "terms", list(combinations()), ids=lambda t: "+".join("-".join(p) for p in t)
)
def test_fista_is_refused_by_the_checks_exactly_where_the_compiler_refuses_it(
    terms: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:coffee", size=16)
    kernel = graph.add("gaussian_psf", "kernel", size=3, sigma=1.0)
    mask = graph.add("random_mask", "mask", like=photo)
    x = graph.add("variable", "x", like=photo)
    made = [graph.add("sum_squares", "fidelity", input=x, target=photo)]
    for index, (penalty, term) in enumerate(terms):
        argument = {
            "plain": lambda: x,
            "scaled": lambda: graph.add("scale", x=x, factor=-2.0),
            "shifted": lambda: graph.add("subtract", a=x, b=photo),
            "masked": lambda: graph.add("mask", x=x, m=mask),
            "weighted": lambda: graph.add("mul_elementwise", x=x, w=kernel_like(graph, photo)),
            "convolved": lambda: graph.add("conv", x=x, kernel=kernel),
            "edges": lambda: graph.add("grad", x=x),
            "cosines": lambda: graph.add("dct", x=graph.add("scale", x=x, factor=2.0)),
            "masked cosines": lambda: graph.add("mask", x=graph.add("dct", x=x), m=mask),
            "cosines of masked": lambda: graph.add("dct", x=graph.add("mask", x=x, m=mask)),
            "flat": lambda: graph.add("reshape", x=x, shape="4, -1"),
            "turned": lambda: graph.add("permute", x=graph.add("mask", x=x, m=mask)),
            "picked": lambda: graph.add("index", x=x, where="..., 0:5"),
            "stacked": lambda: graph.add("vstack", parts=[x, photo]),
        }[term]()
        made.append(graph.add(penalty, f"term{index}", input=argument, **beside(graph, penalty)))
    problem = graph.add("problem", terms=made)
    solver = graph.add("fista", "result", problem=problem)
    graph.add("view_image", image=solver)
    refused = [issue for issue in check(graph.document) if issue.severity == "error"]
    assert [issue.code for issue in refused] in ([], ["fista"])
    undecided = sum(name in CHAINABLE and term == "plain" for name, term in terms) > 1
    if not refused:
        try:
            run_but_for_solving(graph.document, tmp_path)
        except dp.CompileError:
            assert undecided
        return
    graph.history.do(refused[0].fixes[0].command)
    values = run_but_for_solving(graph.document, tmp_path)
    with pytest.raises(dp.CompileError):
        values["problem"].compile("fista")


def kernel_like(graph: Graph, photo: Any) -> Any:
    return graph.add("add_noise", "factor", image=photo, sigma=0.1)


def pictures() -> Iterator[tuple[str, Any]]:
    random = np.random.default_rng(0)
    grey = random.integers(0, 255, (30, 47), np.uint8)
    colour = random.integers(0, 255, (31, 20, 3), np.uint8)
    yield "grey.png", Image.fromarray(grey)
    yield "colour.png", Image.fromarray(colour)
    yield "alpha.png", Image.fromarray(np.dstack([colour, colour[..., 0]]))
    yield "greyalpha.png", Image.fromarray(np.dstack([grey, grey]))
    yield "palette.png", Image.fromarray(colour).quantize(9)
    yield "bits.png", Image.fromarray(grey).convert("1")
    yield "deep.png", Image.fromarray(random.integers(0, 65535, (12, 40), np.uint16))
    yield "photo.jpg", Image.fromarray(colour)
    yield "float.tif", Image.fromarray(random.random((25, 13)).astype(np.float32))
    yield "cmyk.jpg", Image.fromarray(colour).convert("CMYK")
    yield "strip.png", Image.fromarray(random.integers(0, 255, (3, 700), np.uint8))
    yield "grey.npy", random.random((17, 8))
    yield "colour.npy", random.random((17, 8, 3)).astype(np.float32)
    yield "whole.npy", random.integers(0, 255, (17, 8), np.uint8)


@pytest.mark.parametrize(("name", "picture"), list(pictures()), ids=lambda part: str(part)[:14])
def test_headers_tell_the_shape_that_loading_gives(name: str, picture: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    np.save(path, picture) if name.endswith(".npy") else picture.save(path)
    for size, colour in itertools.product((None, 1, 7, 16, 40, 500), ("auto", "grey", "colour")):
        graph = Graph()
        graph.add("load_image", "photo", source=str(path), size=size, colour=colour)
        shapes = Shapes(Analysis(graph.document))
        assert not shapes.faults
        loaded = dp.load_image(path, size=size, colour=colour)
        assert shapes.of[graph.document.nodes[0].id] == tuple(loaded.shape)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_measured_as_it_stands(orientation: int, tmp_path: Path) -> None:
    picture = Image.new("RGB", (40, 24))
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "turned.jpg", exif=exif)
    header = read_header("turned.jpg", tmp_path)
    loaded = dp.load_image(tmp_path / "turned.jpg")
    assert (1, header.channels, header.height, header.width) == tuple(loaded.shape)


def test_sixteen_bit_colour_is_read_as_colour(tmp_path: Path) -> None:
    import png

    rows = np.random.default_rng(0).integers(0, 65535, (9, 14 * 3)).tolist()
    with (tmp_path / "deep.png").open("wb") as file:
        png.Writer(14, 9, bitdepth=16, greyscale=False).write(file, rows)
    header = read_header("deep.png", tmp_path)
    assert (header.channels, header.height, header.width) == (3, 9, 14)
    assert tuple(dp.load_image(tmp_path / "deep.png").shape) == (1, 3, 9, 14)


def test_the_limits_are_the_librarys() -> None:
    from dprox_core.imaging import reading

    assert reading.MAX_PIXELS == MAX_PIXELS
    assert scaled(100, 50, 10) == (10, 5)


def test_graphs_of_data_terms_run(tmp_path: Path) -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:coffee", size=48, colour="grey")
    kernel = graph.add("gaussian_psf", "kernel", size=3, sigma=1.0)
    whole = graph.add("crop", "whole", x=photo, bottom=2)
    coarse = graph.add("downsample", "coarse", x=whole, kernel=kernel)
    x = graph.add("variable", "x", like=whole)
    terms = [
        graph.add("sisr", "fine", input=x, y=coarse, kernel=kernel),
        graph.add("poisson", "photons", input=x, y=whole, weight=0.1),
    ]
    problem = graph.add("problem", terms=terms)
    graph.add("view_image", image=graph.add("admm", "result", problem=problem))
    shape = Shapes(Analysis(graph.document)).of[whole.id]
    assert all(n % 2 == 0 for n in shape[-2:]), shape
    assert not [issue for issue in check(graph.document) if issue.severity == "error"]
    run_but_for_solving(graph.document, tmp_path)
    text = generate(graph.document).text
    assert generate(import_script(text)).text == text
