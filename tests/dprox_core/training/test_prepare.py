"""Which photographs may be used, which are held out, and how they are cut."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dprox_core.training import prepare
from dprox_core.training.prepare import PublicDomain, cut, held_out

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: Somebody
License: GPL-3+

Files: images/land/*
Copyright: Various
License: public-domain
 Taken from morgue-file.com, donated.

Files:
 images/land/castle*
 images/land/temple?2*
Copyright: An author
License: CC-BY-SA-4.0
Comment: Cropped.

Files: images/land/castle9*
Copyright: NASA
License: public-domain
 From NASA, by government employees.

License: CC-BY-SA-4.0
 Files: is a word that a licence may hold.
"""


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("images/land/beach0@2x.jpg", "morguefile"),
        ("images/land/castle1.jpg", None),
        ("images/land/temple-2.jpg", None),
        ("images/land/castle9.jpg", "NASA"),
        ("images/ship/a.jpg", None),
        ("elsewhere/b.jpg", None),
    ],
)
def test_the_last_stanza_that_matches_decides(name: str, source: str | None) -> None:
    assert PublicDomain(COPYRIGHT).source(name) == source


def test_about_one_photograph_in_twelve_is_held_out_by_name() -> None:
    names = [f"images/land/photo{i}.jpg" for i in range(2000)]
    share = sum(held_out(name) for name in names) / len(names)
    assert 0.06 < share < 0.11
    assert [held_out(name) for name in names] == [held_out(name) for name in names]


def test_flat_patches_are_thinned_and_rich_ones_kept() -> None:
    rng = np.random.default_rng(0)
    rich = Image.fromarray(rng.integers(0, 256, (192, 384, 3), dtype=np.uint8))
    flat = Image.new("RGB", (384, 192), (90, 120, 200))
    kept, thinned = cut(rich, patch=32), cut(flat, patch=32)
    assert kept.dtype == np.uint8
    assert kept.shape[1:] == (3, 32, 32)
    assert 0 < len(thinned) < 0.4 * len(kept)
    # At full size the first patch is the corner itself.
    np.testing.assert_array_equal(kept[0], np.asarray(rich)[:32, :32].transpose(2, 0, 1))


def test_prepare_writes_the_same_archive_twice(tmp_path: Path) -> None:
    land = tmp_path / "photos" / "images" / "land"
    land.mkdir(parents=True)
    rng = np.random.default_rng(1)
    names = [f"beach{i}@2x.jpg" for i in range(14)]
    for name in [*names, "castle1.jpg", "cliff3-somebody@2x.jpg"]:
        pixels = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(land / name)
    (tmp_path / "copyright").write_text(COPYRIGHT)
    for out in ("a", "b"):
        prepare.main(
            [
                f"--photos={tmp_path / 'photos'}",
                f"--copyright={tmp_path / 'copyright'}",
                f"--out={tmp_path / out}",
            ]
        )
    first, second = (np.load(tmp_path / out / "patches.npy") for out in ("a", "b"))
    np.testing.assert_array_equal(first, second)
    with (tmp_path / "a" / "files.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["file"] for row in rows) == sorted(f"images/land/{name}" for name in names)
    kept = [row for row in rows if row["use"] == "held out"]
    assert len(list((tmp_path / "a" / "held_out").glob("*.png"))) == len(kept)
    assert all(held_out(row["file"]) for row in kept)
