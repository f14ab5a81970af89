"""Complex values in a graph: followed, and refused where only real ones have a meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import Graph

import dprox_core as dp
from nodes.analysis import Analysis
from nodes.checks import check
from nodes.complexity import complex_nodes
from nodes.document import Node
from nodes.formula import objective
from nodes.importer import import_script
from nodes.issues import Issue
from nodes.script import generate


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts write their pictures where they are run."""
    monkeypatch.chdir(tmp_path)


def errors(graph: Graph) -> list[Issue]:
    return [issue for issue in check(graph.document) if issue.severity == "error"]


def base(dtype: str = "real") -> tuple[Graph, Node, Node]:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:camera", size=16)
    return graph, photo, graph.add("variable", "x", like=photo, dtype=dtype)


def test_what_is_complex_is_what_the_library_gives(tmp_path: Path) -> None:
    graph, photo, x = base()
    z = graph.add("variable", "z", like=photo, dtype="complex")
    mask = graph.add("fourier_mask", "mask", like=photo)
    coils = graph.add("coil_maps", "coils", like=photo)
    spectrum = graph.add("fft", "spectrum", x=photo)
    like = graph.add("variable", "like", like=spectrum)
    np.save(tmp_path / "c.npy", np.ones((16, 16)) * 1j)
    made = [x, z, mask, coils, spectrum, like]
    made += [
        graph.add("load_array", "file", source=str(tmp_path / "c.npy")),
        graph.add("real", "re", x=spectrum),
        graph.add("modulus", "mod", image=spectrum),
        graph.add("ifft", "back", x=spectrum),
        graph.add("add_noise", "noisy", image=spectrum),
        graph.add("add", "sum", a=x, b=spectrum),
        graph.add("grad", "grad", x=z),
        graph.add("imag", "im", x=z),
        graph.add("fourier_sampling", "scan", x=x, m=mask, coils=coils),
    ]
    found = complex_nodes(Analysis(graph.document))
    values: dict[str, Any] = {}
    exec(generate(graph.document).text, values)
    for node in made:
        value = values[node.name]
        is_complex = value.is_complex if isinstance(value, dp.Expression) else value.is_complex()
        assert (node.id in found) == is_complex, node.name


@pytest.mark.parametrize(
    ("type", "port", "sentence"),
    [
        ("nonneg", "input", "term: z is complex, and only real values have a meaning here"),
        ("maximum", "input", "term: z is complex, and only real values have a meaning here"),
        ("deep_prior", "input", "term: z is complex, and only real values have a meaning here"),
    ],
)
def test_terms_of_real_values_refuse_complex_ones(type: str, port: str, sentence: str) -> None:
    graph, photo, _ = base()
    z = graph.add("variable", "z", like=photo, dtype="complex")
    term = graph.add(type, "term", input=z)
    fit = graph.add("sum_squares", input=z, target=photo)
    graph.add("admm", problem=graph.add("problem", terms=[fit, term]))
    (issue,) = [issue for issue in errors(graph) if issue.code == "complex-values"]
    assert (issue.node, issue.port) == (term.id, port)
    assert sentence in issue.sentence
    with pytest.raises(dp.DproxError):
        exec(generate(graph.document, strict=False).text, {})
    graph.history.do(issue.fixes[0].command)
    assert not [issue for issue in errors(graph) if issue.code == "complex-values"]


def test_a_real_unknown_neither_starts_at_nor_is_compared_with_complex_values() -> None:
    graph, photo, x = base()
    spectrum = graph.add("fft", "spectrum", x=photo)
    fit = graph.add("sum_squares", "fit", input=x, target=spectrum)
    problem = graph.add("problem", terms=[fit])
    graph.add("admm", "result", problem=problem, x0=spectrum)
    assert [issue.sentence for issue in errors(graph)] == [
        "fit: spectrum is complex, and x is real: compare it with the Real part.",
        "result: spectrum is complex, and what is solved for is real: start from its Real part.",
    ]


def test_a_complex_unknown_is_written_imported_and_solved_for() -> None:
    graph, photo, z = base("complex")
    mask = graph.add("fourier_mask", "mask", like=photo, keep=0.5)
    scan = graph.add("fourier_sampling", "scan", x=photo, m=mask)
    data = graph.add("csmri", "fit", input=z, mask=mask, y=scan)
    smooth = graph.add("norm1", "smooth", input=graph.add("grad", x=z), weight=1e-3)
    result = graph.add("admm", "result", problem=graph.add("problem", terms=[data, smooth]))
    graph.add("view_image", "phase", image=result, part="phase", levels="auto")
    assert not errors(graph)
    text = generate(graph.document).text
    assert 'x = dp.Variable("x", shape=photo.shape, dtype="complex64")' in text
    assert 'dp.save_image("phase.png", result[x], levels="auto", part="phase")' in text
    assert generate(import_script(text)).text == text
    assert "‖mask ⊙ F x − scan‖²" in objective(graph.document).text
    values: dict[str, Any] = {}
    exec(text, values)
    found = values["result"]["x"]
    assert found.is_complex()
    assert float(dp.psnr(found.real, values["photo"])) > 20


@pytest.mark.parametrize(
    ("type", "given", "sentence"),
    [
        ("csmri", {"mask": (15, 16), "y": (16, 16)}, "the mask my_mask (15 × 16) does not match"),
        ("csmri", {"mask": (16, 16), "y": (16, 15)}, "my_y (16 × 15) must be 16 × 16 for x."),
        ("csmri", {"mask": (16, 16), "y": (16, 16), "coils": (16, 16)}, "do not match x"),
        ("phase_ret", {"y": (16, 15)}, "my_y (16 × 15) must be 16 × 16 for x."),
        ("compress_sensing", {"y": (16, 16), "masks": (1, 16, 16)}, "must be 1 × 16 × 16, x"),
        ("compress_sensing", {"y": (1, 16, 16), "masks": (3, 16, 16)}, "the codes my_masks"),
        ("misr", {"ys": (8, 7)}, "my_ys (8 × 7) must be 8 × 8."),
        ("misr", {"ys": (8, 8), "flows": (16, 16, 3)}, "must be 16 × 16 × 2."),
    ],
)
def test_measurements_of_the_wrong_size_are_named(
    type: str, given: dict[str, tuple[int, ...]], sentence: str, tmp_path: Path
) -> None:
    graph, photo, x = base()
    wired = {}
    for port, shape in given.items():
        np.save(tmp_path / f"{port}.npy", np.ones(shape))
        wired[port] = graph.add("load_array", f"my_{port}", source=str(tmp_path / f"{port}.npy"))
    term = graph.add(type, "term", input=x, **wired)
    fit = graph.add("sum_squares", input=x, target=photo)
    graph.add("admm", problem=graph.add("problem", terms=[fit, term]), max_iter=1)
    found = errors(graph)
    assert [issue.node for issue in found] == [term.id]
    assert sentence in found[0].sentence
    with pytest.raises((dp.DproxError, IndexError)):
        exec(generate(graph.document, strict=False).text, {})
