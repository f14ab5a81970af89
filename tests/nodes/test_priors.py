"""Nodes of denoisers: what they write, what comes back, what the checks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphs import Graph
from safetensors.torch import save_file

from dprox_core.priors.denoisers import NAMES, SHIPPED
from dprox_core.priors.filters import FILTERS
from dprox_core.priors.formats import WeightsError, read
from nodes.catalogue import CATALOGUE
from nodes.checks import check
from nodes.checks.priors import KINDS, shipped_networks
from nodes.document import Document
from nodes.formula import objective
from nodes.importer import import_script
from nodes.script import generate


def graph(solver: str = "hqs", source: str = "sample:camera", **settings: Any) -> Document:
    made = Graph("A prior")
    photo = made.add("load_image", "photo", source=source, size=64)
    observed = made.add("add_noise", "observed", image=photo, sigma=0.1)
    clean = made.add("denoise", image=observed, denoiser="dncnn")
    made.add("view_image", "clean", image=clean)
    x = made.add("variable", "x", like=observed)
    fidelity = made.add("sum_squares", "fidelity", input=x, target=observed)
    prior = made.add("deep_prior", "prior", input=x, **{"denoiser": "dncnn", **settings})
    problem = made.add("problem", "problem", terms=[fidelity, prior])
    result = made.add(solver, "result", problem=problem, max_iter=30)
    made.add("view_image", "seen", image=result)
    return made.document


def written(document: Document) -> str:
    line = next(x for x in generate(document).text.splitlines() if x.startswith("prior = "))
    return line.removeprefix("prior = ")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, 'dp.deep_prior(x, denoiser="dncnn")'),
        ({"weight": 2.0}, '2.0 * dp.deep_prior(x, denoiser="dncnn")'),
        ({"denoiser": "nlm", "sigma": 0.05}, 'dp.deep_prior(x, denoiser="nlm", sigma=0.05)'),
        ({"x8": "in turn"}, 'dp.deep_prior(x, denoiser="dncnn", x8="cycle")'),
        (
            {"x8": "average", "clamp": True},
            'dp.deep_prior(x, denoiser="dncnn", x8=True, clamp=True)',
        ),
        ({"averaged": 0.5, "tile": 0}, 'dp.deep_prior(x, denoiser="dncnn", averaged=0.5, tile=0)'),
    ],
    ids=str,
)
def test_a_node_is_one_call_and_comes_back(settings: dict[str, Any], line: str) -> None:
    document = graph(**settings)
    assert written(document) == line
    again = import_script(generate(document).text)
    assert generate(again).text == generate(document).text
    prior = again.by_name("prior")
    assert prior is not None
    assert all(prior.value(key) == value for key, value in settings.items())


def test_a_file_of_weights_is_written_by_its_name(tmp_path: Path) -> None:
    save_file({}, tmp_path / "mine.safetensors")
    document = graph(weights="mine.safetensors")
    document.path = tmp_path / "a.dprox"
    text = 'dp.deep_prior(x, denoiser="dncnn", weights="mine.safetensors")'
    assert written(document) == text
    again = import_script(generate(document).text)
    prior = again.by_name("prior")
    assert prior is not None
    assert prior.value("weights") == "mine.safetensors"


def test_the_objective_shows_the_prior() -> None:
    assert objective(graph(weight=2.0)).text == "minimize over x: ‖x − observed‖² + 2 R(x)"


def test_every_denoiser_of_the_library_can_be_chosen() -> None:
    choices = CATALOGUE["deep_prior"].parameter("denoiser").choices
    assert set(choices) == {*NAMES, *FILTERS}
    assert set(shipped_networks()) == set(SHIPPED)
    for kind in KINDS:
        # Not "not a kind of file that holds weights".
        with pytest.raises(WeightsError, match="There is no file of weights"):
            read(f"missing{kind}")


def test_networks_without_weights_and_missing_files_are_told() -> None:
    (issue,) = [i for i in check(graph(denoiser="drunet")) if i.severity == "error"]
    assert "drunet comes without weights" in issue.sentence
    assert issue.fixes[0].title == "Take dncnn"
    (issue,) = [i for i in check(graph(weights="gone.pth")) if i.severity == "error"]
    assert 'no file of weights "gone.pth"' in issue.sentence
    (issue,) = [i for i in check(graph(weights="photo.png")) if i.severity == "error"]
    assert "those end in .pth" in issue.sentence


@pytest.mark.parametrize("solver", ["fista", "pgd"])
def test_gradient_methods_take_a_prior_but_no_unrolled_one(solver: str) -> None:
    assert not [i for i in check(graph(solver=solver)) if i.severity == "error"]
    made = Graph("Unrolled")
    photo = made.add("load_image", "photo", source="sample:camera", size=64)
    x = made.add("variable", "x", like=photo)
    fidelity = made.add("sum_squares", "fidelity", input=x, target=photo)
    prior = made.add("unrolled_prior", "prior", input=x)
    problem = made.add("problem", "problem", terms=[fidelity, prior])
    made.add(solver, "result", problem=problem)
    sentences = [i.sentence for i in check(made.document) if i.code == "fista"]
    assert any("cannot take prior: its networks" in sentence for sentence in sentences)


def test_a_step_found_by_trial_does_not_go_with_a_prior() -> None:
    made = Graph("By trial")
    photo = made.add("load_image", "photo", source="sample:camera", size=64)
    x = made.add("variable", "x", like=photo)
    fidelity = made.add("sum_squares", "fidelity", input=x, target=photo)
    prior = made.add("deep_prior", "prior", input=x, denoiser="dncnn")
    problem = made.add("problem", "problem", terms=[fidelity, prior])
    made.add("pgd", "result", problem=problem, backtracking=True)
    (issue,) = [i for i in check(made.document) if i.code == "other-option"]
    assert "a step is its noise level: leave it off" in issue.sentence
    made.history.do(issue.fixes[0].command)
    assert not [i for i in check(made.document) if i.code == "other-option"]


def test_colour_networks_need_colour() -> None:
    issues = [i for i in check(graph(denoiser="ffdnet_color")) if i.code == "other-channels"]
    assert "choose ffdnet" in issues[0].sentence
    colour = graph(source="sample:coffee", denoiser="ffdnet_color")
    assert not [i for i in check(colour) if i.code == "other-channels"]
