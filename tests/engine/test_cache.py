"""Data is computed once, and again as soon as anything it depends on differs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.engine.worker_cache import Cache
from app.engine.worker_run import Observer, execute
from tests.engine.helpers import program

TEXT = """\
import dprox_core as dp

photo = dp.load_image("{source}", size=24)
kernel = dp.gaussian_psf(size=5, sigma={sigma})
noisy = dp.add_noise(dp.blur(photo, kernel), sigma=0.1, seed={seed})
weight = {weight}
"""


class _Told(Observer):
    def __init__(self) -> None:
        self.values: list[str] = []

    def node_value(self, node: str, value: object) -> None:
        self.values.append(node)


def _run(
    cache: Cache | None,
    base: Path | None = None,
    device: str = "cpu",
    text: str = TEXT,
    **values: object,
) -> dict[str, object]:
    filled = {"source": "sample:camera", "sigma": 1.0, "seed": 0, "weight": 0.1, **values}
    told = _Told()
    ending = execute(
        program(text.format(**filled)),
        told,
        base=base,
        device=device,
        watch_values=True,
        cache=cache,
    )
    assert ending.failure is None, ending.failure
    assert {"id-photo", "id-kernel", "id-noisy"} <= set(told.values)  # pictures are told each time
    return ending.namespace


def _same(one: dict[str, object], other: dict[str, object]) -> set[str]:
    return {name for name in ("photo", "kernel", "noisy") if one[name] is other[name]}


def test_a_change_elsewhere_computes_no_data_again() -> None:
    cache = Cache()
    first = _run(cache)
    assert _same(first, _run(cache, weight=0.2)) == {"photo", "kernel", "noisy"}


def test_what_depends_on_a_change_is_computed_again_and_nothing_else() -> None:
    cache = Cache()
    first = _run(cache)
    assert _same(first, _run(cache, sigma=2.0)) == {"photo"}
    assert _same(first, _run(cache, seed=1)) == {"photo", "kernel"}
    assert _same(first, _run(cache, source="sample:coffee")) == {"kernel"}
    assert _same(first, _run(cache, device="auto")) == set()


def test_kept_values_are_those_of_a_fresh_run_bit_for_bit() -> None:
    cache = Cache()
    _run(cache, sigma=2.0)
    kept, fresh = _run(cache, sigma=2.0), _run(None, sigma=2.0)
    for name in ("photo", "kernel", "noisy"):
        one, other = kept[name], fresh[name]
        assert isinstance(one, torch.Tensor)
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other)


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cache = Cache()
    for grey in (40, 200):
        Image.fromarray(np.full((30, 30), grey, dtype=np.uint8)).save(path)
        os.utime(path, ns=(grey, grey))
        photo = _run(cache, tmp_path, source="a.png")["photo"]
        assert isinstance(photo, torch.Tensor)
        assert float(photo.mean()) == pytest.approx(grey / 255, abs=0.01)


def test_a_tensor_changed_in_place_is_not_used_again() -> None:
    cache = Cache()
    first = _run(cache)
    photo = first["photo"]
    assert isinstance(photo, torch.Tensor)
    expected = photo.clone()
    photo.zero_()
    again = _run(cache)["photo"]
    assert isinstance(again, torch.Tensor)
    assert torch.equal(again, expected)


def test_what_draws_from_elsewhere_is_never_kept() -> None:
    cache = Cache()
    text = (
        TEXT + "import torch\nwild = torch.rand(3)\nalso = dp.add_noise(wild, sigma=0.1, seed=0)\n"
    )
    count = len(cache)
    first, second = _run(cache, text=text), _run(cache, text=text)
    assert first["also"] is not second["also"]
    assert len(cache) == count + 3


def test_the_room_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.worker_cache._MOST_BYTES", 24 * 24 * 4 * 4)
    cache = Cache()
    for seed in range(12):
        _run(cache, seed=seed)
    assert sum(k.size for k in cache._kept.values()) <= 24 * 24 * 4 * 4
