"""Every example of the gallery gives, at full size, what its note promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import dprox_core as dp
from nodes import files
from nodes.checks import check
from nodes.script import generate
from nodes.spec import Form

PROMISE = re.compile(r"PSNR rises from ([\d.]+) dB.*? to about ([\d.]+) dB", re.S)
WITH_TRUTH = [
    name
    for name in files.examples()
    for document in [files.load(f"example:{name}")]
    if any(wire.input == "truth" for wire in document.wires)
]


@pytest.mark.parametrize("name", files.examples())
def test_it_opens_without_issues_and_says_what_it_is(name: str) -> None:
    document = files.load(f"example:{name}")
    assert check(document) == []
    assert document.title
    assert len(document.note) > 80
    assert any(n.spec is not None and n.spec.form is Form.SOLVE for n in document.nodes)


@pytest.mark.parametrize("name", WITH_TRUTH)
def test_it_raises_psnr_as_promised(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = files.load(f"example:{name}")
    promise = PROMISE.search(document.note)
    assert promise is not None, "the note states from where PSNR rises and to where"
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    exec(generate(document).text, space)
    photo, observed, result = space["photo"], space["observed"], space["result"]
    assert isinstance(result, dp.Result)
    assert result.status in (dp.Status.CONVERGED, dp.Status.FINISHED)
    before, after = dp.psnr(observed, photo), result.metrics["psnr"]  # type: ignore[arg-type]
    assert float(before) == pytest.approx(float(promise[1]), abs=0.06)
    assert after == pytest.approx(float(promise[2]), abs=0.3)
    assert (tmp_path / "x.png").stat().st_size > 10_000


def test_robust_pca_finds_the_background_as_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = files.load("example:robust_pca")
    promise = re.search(r"rises from ([\d.]+) dB.*? to about ([\d.]+) dB", document.note)
    assert promise is not None
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(generate(document).text, space)
    result, background = space["result"], space["background"]
    before, after = (dp.psnr(v, background) for v in (space["observed"], result["scene"]))
    assert float(before) == pytest.approx(float(promise[1]), abs=0.06)
    assert float(after) == pytest.approx(float(promise[2]), abs=1.0)
    # The specks are where pixels are dead, and nowhere else.
    dead = space["intact"].expand_as(background) == 0
    found = result["specks"].abs() > 0.05
    assert float((found == dead).float().mean()) > 0.99
    assert {p.name for p in tmp_path.iterdir()} == {"scene.png", "specks.png", "observed.png"}
