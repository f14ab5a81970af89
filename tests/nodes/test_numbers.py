"""Numbers in a graph: what files hold, and what terms cannot take, said before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from graphs import Graph

import dprox_core as dp
from nodes.arrayfiles import read_array, read_matrix
from nodes.checks import check
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


def with_term(type: str, folder: Path, **given: Any) -> Graph:
    """A small problem with one term; given are typed numbers, or arrays for a file."""
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:camera", size=16)
    x = graph.add("variable", "x", like=photo)
    wired: dict[str, Any] = {}
    for port, values in given.items():
        if isinstance(values, np.ndarray):
            np.save(folder / f"{port}.npy", values)
            node = graph.add("load_array", f"my_{port}", source=str(folder / f"{port}.npy"))
        else:
            node = graph.add("array", f"my_{port}", values=values)
        wired[port] = node
    term = graph.add(type, "term", input=x, **wired)
    fit = graph.add("sum_squares", input=x, target=photo)
    graph.add("admm", problem=graph.add("problem", terms=[fit, term]), max_iter=2)
    return graph


EYE = "; ".join(", ".join("1" if i == j else "0" for j in range(16)) for i in range(16))


@pytest.mark.parametrize(
    ("type", "given", "sentence"),
    [
        ("hinge", {"y": "1, 0"}, "my_y at its input “classes” holds 0, and a class is 1 or −1."),
        ("logistic", {"y": np.full(16, 2.0)}, "holds 2, and a class is 1 or −1."),
        ("logistic", {"y": np.ones(16) * 1j}, "my_y is complex, and only real values"),
        ("weighted_norm1", {"weights": "-1"}, "holds -1, and a weight is 0 or more."),
        ("weighted_sum_squares", {"weights": -np.ones(16)}, "holds -1, and a weight is 0 or more"),
        ("weighted_norm1", {"weights": np.array([np.inf])}, "holds NaN or infinite values"),
        ("halfspace", {"a": "0"}, "holds only zeros: a half-space needs a direction."),
        ("quad_form", {"P": EYE.replace("1", "-1")}, "has the eigenvalue -1, and none may be"),
        ("quad_form", {"P": np.triu(np.ones((16, 16)))}, "two opposite values differ by 1."),
        ("affine_set", {"A": EYE + ";" + EYE.split(";")[0], "b": ", ".join(["1"] * 16 + ["2"])},
         "term: no point meets all of its equations; the nearest misses one by 0.5."),
    ],
)  # fmt: skip
def test_numbers_that_a_term_cannot_take_are_named(
    type: str, given: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    graph = with_term(type, tmp_path, **given)
    found = [i for i in errors(graph) if i.code != "shape-mismatch"]
    assert len(found) == 1, found
    assert found[0].sentence.startswith("term: ")
    assert sentence in found[0].sentence
    # The library refuses it as well, whatever the graph says.
    with pytest.raises((dp.DproxError, TypeError)):
        exec(generate(graph.document, strict=False).text, {})


@pytest.mark.parametrize(
    ("type", "given", "formula"),
    [
        ("hinge", {}, "Σ max(0, 1 − 1 x)"),
        ("hinge", {"y": np.where(np.arange(256).reshape(16, 16) % 3, 1, -1)}, "1 − my_y x)"),
        ("logistic", {"y": "-1"}, "Σ log(1 + exp(−my_y x))"),
        ("linear", {"c": np.arange(16.0)}, "⟨my_c, x⟩"),
        ("quad_form", {"P": EYE}, "xT my_P x"),
        ("weighted_sum_squares", {"weights": np.arange(16)}, "Σ my_weights |x|²"),
        ("affine_set", {"A": EYE, "b": "0.5"}, "subject to my_A x = my_b"),
        ("equal", {}, "subject to x = 0"),
        ("halfspace", {"a": "2"}, "subject to ⟨my_a, x⟩ ≤ 0"),
    ],
)
def test_terms_with_numbers_run_and_come_back(
    type: str, given: dict[str, Any], formula: str, tmp_path: Path
) -> None:
    graph = with_term(type, tmp_path, **given)
    assert not errors(graph)
    assert formula in objective(graph.document).text
    text = generate(graph.document).text
    assert generate(import_script(text)).text == text
    exec(text, {})


def test_a_number_in_the_place_of_an_array_becomes_a_node() -> None:
    text = (
        'import dprox_core as dp\nphoto = dp.load_image("sample:camera", size=8)\n'
        'x = dp.Variable("x", shape=photo.shape)\nfixed = dp.equal(x, 0.5)\n'
        "p = dp.Problem(dp.sum_squares(x - photo) + fixed)\n"
    )
    document = import_script(text)
    (number,) = [node for node in document.nodes if node.type == "array"]
    assert number.value("values") == "0.5"
    assert "fixed = dp.equal(x, numbers)" in generate(document, strict=False).text


def test_headers_tell_what_loading_gives(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.int16))
    np.savez_compressed(tmp_path / "b.npz", one=np.ones((2, 5), np.complex64))
    for layout in ("csr", "coo", "bsr"):
        scipy.sparse.save_npz(tmp_path / f"{layout}.npz", scipy.sparse.eye(4, 6, format=layout))
    scipy.io.mmwrite(tmp_path / "m.mtx", scipy.sparse.eye(4, 6) * 1j)
    for name in ("a.npy", "b.npz"):
        header, loaded = read_array(name, tmp_path), dp.load_array(tmp_path / name)
        assert header.shape == tuple(loaded.shape)
        assert header.complex == loaded.is_complex()
    for name in ("csr.npz", "coo.npz", "bsr.npz", "m.mtx"):
        header, loaded = read_matrix(name, tmp_path), dp.load_matrix(tmp_path / name)
        assert header.shape == tuple(loaded.shape)
        assert header.complex == loaded.is_complex()


def test_files_that_cannot_be_used_are_named_on_their_node(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("words")
    np.save(tmp_path / "dense.npy", np.ones((3, 3)))
    np.savez(tmp_path / "dense.npz", a=np.ones((3, 3)))
    np.savez(tmp_path / "two.npz", a=np.ones(3), b=np.ones(3))
    scipy.sparse.save_npz(tmp_path / "sparse.npz", scipy.sparse.eye(3, format="csr"))
    (tmp_path / "bad.mtx").write_text("3 3 1\n1 1 1.0\n")
    for reader, name, sentence in (
        (read_array, "none.npy", 'there is no file "none.npy"'),
        (read_array, "text.npy", "is not an array file (.npy or .npz) that can be read"),
        (read_array, "two.npz", "holds 2 arrays, and one is needed"),
        (read_array, "sparse.npz", "holds a sparse matrix: read it with a Sparse matrix node"),
        (read_matrix, "dense.npz", "holds no sparse matrix: read it with an Array file node"),
        (read_matrix, "bad.mtx", "is no Matrix Market file"),
    ):
        assert sentence in reader(name, tmp_path).problem
    graph = Graph()
    node = graph.add("load_array", "mine", source=str(tmp_path / "two.npz"))
    graph.add("view_image", image=node)
    (issue,) = errors(graph)
    assert (issue.node, issue.parameter, issue.code) == (node.id, "source", "bad-file")


@pytest.mark.parametrize(
    ("type", "port", "shape", "sentence"),
    [
        ("matrix", "M", (3, 9), "my_M (3 × 9) must have 16 columns"),
        ("matrix", "M", (2, 2, 16), "is no matrix: it needs rows and columns"),
        ("mul_color", "response", (3, 3), "must have 1 columns"),
        ("conv_grid", "kernels", (2, 5, 5), "must hold kernels, rows × columns × height × width"),
        ("conv_grid", "kernels", (1, 1, 17, 17), "are larger than photo (16 × 16)"),
        ("warp", "flow", (16, 15, 2), "must be 16 × 16 × 2"),
        ("homography", "H", (2, 3), "my_H (2 × 3) must be 3 × 3"),
    ],
)
def test_operators_of_the_wrong_size_are_named(
    type: str, port: str, shape: tuple[int, ...], sentence: str, tmp_path: Path
) -> None:
    graph = Graph()
    photo = graph.add("load_image", "photo", source="sample:camera", size=16)
    np.save(tmp_path / "n.npy", np.ones(shape))
    numbers = graph.add("load_array", f"my_{port}", source=str(tmp_path / "n.npy"))
    node = graph.add(type, "node", x=photo, **{port: numbers})
    graph.add("view_image", image=node)
    (issue,) = errors(graph)
    assert (issue.node, issue.port) == (node.id, port)
    assert sentence in issue.sentence
    with pytest.raises(dp.ShapeError):
        exec(generate(graph.document, strict=False).text, {})
