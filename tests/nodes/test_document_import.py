"""Scripts become documents: what was generated comes back, what cannot be drawn names its line."""

from __future__ import annotations

import textwrap

import pytest
from graphs import tv_problem, whole_documents
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.checks import check
from nodes.commands import SetTitle
from nodes.document import Document
from nodes.errors import ImportScriptError
from nodes.files import dumps, examples, load, loads
from nodes.importer import import_script
from nodes.layout import places
from nodes.script import generate


def shape_of(document: Document) -> list[object]:
    """What a document says, apart from ids, names nobody chose, and places."""
    order = {node.id: index for index, node in enumerate(document.nodes)}
    return [
        (
            n.type,
            dict(n.parameters),
            [(w.input, order[w.source]) for w in document.wires_into(n.id)],
        )
        for n in document.nodes
    ]


@settings(max_examples=80, deadline=None)
@given(whole_documents())
def test_what_was_generated_comes_back(document: Document) -> None:
    text = generate(document).text
    again = import_script(text)
    assert generate(again).text == text
    assert len(again) == len(document)
    assert len(again.wires) == len(document.wires)
    assert not [issue for issue in check(again) if issue.severity == "error"]
    assert dumps(loads(dumps(again))) == dumps(again)
    once_more = import_script(generate(again).text)
    assert shape_of(once_more) == shape_of(again)


@pytest.mark.parametrize("name", examples())
def test_every_example_comes_back_from_its_script(name: str) -> None:
    document = load(f"example:{name}")
    script = generate(document)
    again = import_script(script.text, document.path)
    assert generate(again).text == script.text
    assert again.title == document.title


@pytest.mark.parametrize("title", ["Deblurring", "What now?", "A. B. Made", "", "x " * 70])
def test_the_title_comes_back(title: str) -> None:
    graph, _ = tv_problem()
    graph.history.do(SetTitle(title))
    assert import_script(generate(graph.document).text).title == title.strip()


def test_what_a_person_writes_in_the_same_words() -> None:
    text = textwrap.dedent(
        '''
        """By hand."""
        from __future__ import annotations
        import dprox_core as prox

        b = prox.load_image(colour="grey", source="sample:camera", size=64)
        k = prox.gaussian_psf(9, 1.5)
        x = prox.Variable("x", b.shape)
        half = x / 2
        loss = 2 * prox.sum_squares(prox.conv(x, kernel=k), b) + prox.norm1(prox.grad(-x)) * 0.5
        p = prox.Problem(loss, [prox.box(half, 0, upper=1)])
        r = p.solve("fista", max_iter=10, rho=None, x0=b) if False else None
        '''
    )
    with pytest.raises(ImportScriptError) as caught:
        import_script(text)
    assert caught.value.line == 12
    good = text.replace("fista", "admm").replace(" if False else None", "")
    document = import_script(good + 'prox.save_image("deblurred.png", r[x], (0, 1))\n')
    assert [node.name for node in document.nodes] == [
        "b", "k", "x", "half", "conv", "fidelity", "scaled", "grad", "sparsity", "bounds", "p", "r",
        "deblurred",
    ]  # fmt: skip
    named = {node.name: node for node in document.nodes}
    assert named["k"].parameters == {"size": 9, "sigma": 1.5}
    assert named["half"].value("factor") == 0.5
    assert named["scaled"].value("factor") == -1.0
    assert named["fidelity"].value("weight") == 2
    assert named["sparsity"].value("weight") == 0.5
    assert named["deblurred"].is_view
    assert named["deblurred"].value("label") is None
    terms = document.wires_into(named["p"].id, "terms")
    assert [document.node(w.source).name for w in terms] == ["fidelity", "sparsity", "bounds"]
    assert document.wires_into(named["fidelity"].id, "target")[0].source == named["b"].id
    assert not [issue for issue in check(document) if issue.severity == "error"]


def test_a_term_without_a_factor_weighs_one() -> None:
    for function in ("sum_squares", "norm1", "entropy", "deep_prior"):
        document = import_script(f"{HEAD}{VARIABLE}term = dp.{function}(x)\n")
        assert document.by_name("term").value("weight") == 1  # type: ignore[union-attr]


HEAD = 'import dprox_core as dp\nphoto = dp.load_image("sample:coffee")\n'
VARIABLE = 'x = dp.Variable("x", shape=photo.shape)\n'
MODEL = HEAD + VARIABLE + "fit = dp.sum_squares(x - photo)\n"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("x = (", 1, "this is not valid Python"),
        ("\0", 1, "Python"),
        ("import numpy as np\n", 1, "only “import dprox_core as dp” is understood"),
        ("photo = dp.load_image('a.png')\n", 1, "“import dprox_core as dp” is missing before"),
        (HEAD + "for i in range(3):\n    pass\n", 3, "kind “for” has no node"),
        (HEAD + "a, b = photo, photo\n", 3, "kind “assign” has no node"),
        (HEAD + "photo = dp.disk_psf()\n", 3, "photo is assigned a second time"),
        (HEAD + "dp.disk_psf()\n", 3, "the value of this call is not kept"),
        (HEAD + "y = dp.fancy(photo)\n", 3, "there is no node for dp.fancy"),
        (HEAD + "y = print(photo)\n", 3, "“print” is not a function of the library"),
        (HEAD + "y = dp.blur(photo, z)\n", 3, "z has no value yet"),
        (HEAD + "y = dp.blur(photo, psf=photo)\n", 3, "blur has no argument psf"),
        (HEAD + "y = dp.blur(photo, photo, photo)\n", 3, "blur takes at most 2 arguments"),
        (HEAD + "y = dp.blur(**photo)\n", 3, "blur has no argument **"),
        (HEAD + "y = dp.add_noise(photo, sigma=photo)\n", 3, "sigma must be written as a number"),
        (HEAD + "y = dp.add_noise(photo, sigma=1e999)\n", 3, "sigma must be a finite number"),
        (HEAD + "y = photo * photo\n", 3, "a product needs a number on one side"),
        (HEAD + "y = photo ** 2\n", 3, "is nothing that a node can say"),
        (HEAD + "y = photo / 0\n", 3, "this divides by zero"),
        (HEAD + "y = 3\n", 3, "“3” is nothing that a node can say"),
        (HEAD + "lambda_ = [1]\n", 3, "is nothing that a node can say"),
        (
            HEAD + 'y = dp.Variable("x", shape=photo.shape)\n',
            3,
            "called by the name it is assigned",
        ),
        (HEAD + 'x = dp.Variable("x", shape=(1, 3, -4, 4))\n', 3, "Variable takes NAME.shape here"),
        (HEAD + "y = dp.norm1(photo)\n", 3, "y takes an expression at its input"),
        (HEAD + "y = photo[photo]\n", 3, "only the result of a solve can be indexed"),
        (HEAD + 'dp.save_image("a.tif", photo)\n', 3, "a view writes NAME.png beside the script"),
        (HEAD + 'dp.save_image("out/a.png", photo)\n', 3, "a view writes NAME.png beside"),
        (HEAD + 'dp.save_image("a.png", photo, levels=(0, 2))\n', 3, 'takes (0.0, 1.0) or "auto"'),
        (MODEL + "p = dp.Problem(fit - fit)\n", 5, "a term can only be added to other terms"),
        (MODEL + "p = dp.Problem(2 * fit)\n", 5, "give a term its weight where it is made"),
        (
            MODEL + "p = dp.Problem(3 * dp.nonneg(x))\n",
            5,
            "nonneg is a constraint and has no weight",
        ),
        (MODEL + "p = dp.Problem(fit, fit, fit)\n", 5, "a problem takes a sum of terms"),
        (MODEL + "p = dp.Problem(fit, fit)\n", 5, "written as a list"),
        (MODEL + "p = dp.Problem(x)\n", 5, "p takes a term at its input"),
        (MODEL + "y = dp.grad(fit + fit)\n", 5, "a sum of terms belongs into a Problem"),
        (MODEL + 'r = dp.Problem(fit).solve("newton")\n', 5, 'no node for the method "newton"'),
        (MODEL + "r = dp.Problem(fit).solve(device='cuda')\n", 5, "has no place for device"),
        (MODEL + "r = dp.Problem(fit).solve('admm', x)\n", 5, "with their names"),
        (
            MODEL + 'r = dp.Problem(fit).solve()\ny = dp.Variable("y", shape=photo.shape)\n'
            'dp.save_image("y.png", r[y])\n',
            7,
            "y is not the variable that this result was solved for",
        ),
    ],
)
def test_what_cannot_be_drawn_names_its_line(text: str, line: int, sentence: str) -> None:
    with pytest.raises(ImportScriptError) as caught:
        import_script(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"Line {line}: ")
    assert sentence in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_scrambled_scripts_never_give_a_traceback(data: st.DataObject) -> None:
    text = generate(load("example:deconvolution")).text
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    filling = data.draw(
        st.sampled_from(["", "(", "x", " + x", "dp.", "3", ".shape", "\n", "-" * 9])
    )
    try:
        document = import_script(text[:start] + filling + text[end:])
    except ImportScriptError:
        return
    check(document)
    assert dumps(loads(dumps(document))) == dumps(document)


@settings(max_examples=40, deadline=None)
@given(whole_documents())
def test_the_layout_runs_from_left_to_right_without_overlaps(document: Document) -> None:
    found = places(document)
    assert set(found) == {node.id for node in document.nodes}
    for wire in document.wires:
        assert found[wire.source][0] + 200 < found[wire.target][0]
    boxes = list(found.values())
    for index, (x, y) in enumerate(boxes):
        for other_x, other_y in boxes[index + 1 :]:
            assert abs(x - other_x) >= 260 or abs(y - other_y) >= 130


def test_what_a_script_leaves_out_means_what_the_library_takes() -> None:
    head = (
        "import dprox_core as dp\n"
        'photo = dp.load_image("sample:camera")\n'
        'x = dp.Variable("x", shape=photo.shape)\n'
    )
    with pytest.raises(ImportScriptError, match="write the axes"):
        import_script(head + "total = dp.sum_over(x)\n")
    document = import_script(head + "first, second = dp.split(x, [1, 2])\n")
    axes = [n.parameters["axis"] for n in document.nodes if n.type == "split"]
    assert axes
    assert set(axes) == {0}
