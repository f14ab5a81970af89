"""The inspector of a prior shows what it does to a noisy patch, through the real worker."""

from __future__ import annotations

import re
from pathlib import Path

from nodes.commands import AddNode, new_node
from nodes.document import Node
from tests.app.support import Person


def _show(person: Person, kind: str, **values: object) -> Node:
    node = new_node(person.document, kind, **values)  # type: ignore[arg-type]
    person.window.session.do(AddNode(node))
    person.window.session.select([node.id])
    return node


def _words(person: Person) -> str:
    trial = person.window.inspector.trial
    return "" if trial is None else trial.words.text()


def _gain(words: str) -> float:
    found = re.search(r"([\d.]+) → <b>([\d.]+) dB", words)
    assert found is not None
    return float(found[2]) - float(found[1])


def test_a_prior_is_tried_and_tried_again_when_its_sigma_changes(person: Person) -> None:
    node = _show(person, "deep_prior", denoiser="ffdnet_color")
    person.until(lambda: "dB" in _words(person))
    trial = person.window.inspector.trial
    assert trial is not None
    assert not trial.after.pixmap().isNull()
    assert _words(person).startswith("σ = 25/255")
    assert _gain(_words(person)) > 6.0
    assert "stretches" in _words(person)
    person.type_into(person.window.inspector.editors["sigma"].line, "0.2")
    assert person.document.node(node.id).value("sigma") == 0.2
    person.until(lambda: _words(person).startswith("σ = 51/255"))
    assert _gain(_words(person)) > 8.0
    person.window.session.select([])
    assert person.window.inspector.trial is None


def test_weights_that_do_not_fit_are_said_there(person: Person, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_bytes(b"no weights at all")
    _show(person, "denoise", denoiser="ffdnet", weights=str(wrong))
    person.until(lambda: "wrong.safetensors" in _words(person))
    trial = person.window.inspector.trial
    assert trial is not None
    assert trial.words.property("error")


def test_a_node_without_a_denoiser_has_no_trial(person: Person) -> None:
    _show(person, "norm1")
    assert person.window.inspector.trial is None
