"""Turn folders of photographs into one archive of patches, the same bytes every time.

    python -m dprox_core.training.prepare --photos FOLDER --copyright FILE --out DATA

A photograph is used only if the Debian copyright file (DEP-5) puts it in the public domain. About
one in twelve, chosen by a hash of the file's name, is held out and never trained on.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import logging
import re
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["PublicDomain", "cut", "held_out", "main"]

log = logging.getLogger(__name__)

PATCH = 96
SCALES = (1.0, 0.7, 0.5)


class PublicDomain:
    """What a Debian copyright file says of each path; as in DEP-5, the last match counts.

    Args:
        text: the contents of the copyright file.
    """

    def __init__(self, text: str) -> None:
        self.stanzas: list[tuple[list[str], str, str]] = []
        for stanza in re.split(r"\n\s*\n", text):
            fields = {
                m[1].lower(): m[2].strip()
                for m in re.finditer(r"(?ms)^([A-Za-z-]+):(.*?)(?=^[A-Za-z-]+:|\Z)", stanza)
            }
            if "files" in fields:
                # Later lines of a licence are its text; the first is its short name.
                licence = fields.get("license", "").split("\n")[0].strip()
                self.stanzas.append((fields["files"].split(), licence, fields.get("license", "")))

    def source(self, path: str) -> str | None:
        """Where a path comes from if it is in the public domain, else None."""
        found: tuple[str, str] = ("", "")
        for patterns, licence, text in self.stanzas:
            if any(fnmatchcase(path, pattern) for pattern in patterns):
                found = licence, text
        if found[0] != "public-domain":
            return None
        for name in ("NASA", "USGS", "Library of Congress", "US Army", "unsplash", "morgue"):
            if name in found[1]:
                return {"morgue": "morguefile"}.get(name, name)
        return "public domain"


def held_out(name: str) -> bool:
    """Whether a photograph is kept for validation: decided by its name alone."""
    return hashlib.sha256(name.encode()).digest()[0] < 21


def cut(photo: Image.Image, patch: int = PATCH) -> np.ndarray:
    """The patches of one photograph at several scales, the flat ones thinned out.

    Args:
        photo: an RGB image.
        patch: the side of a patch in pixels.

    Returns:
        uint8 array (N, 3, patch, patch).
    """
    patches = []
    for scale in SCALES:
        size = (round(photo.width * scale), round(photo.height * scale))
        pixels = np.asarray(photo.resize(size, Image.Resampling.LANCZOS) if scale < 1 else photo)
        rows, columns = pixels.shape[0] // patch, pixels.shape[1] // patch
        for r in range(rows):
            for c in range(columns):
                piece = pixels[r * patch : (r + 1) * patch, c * patch : (c + 1) * patch]
                # The mean absolute step from pixel to pixel: sky teaches little, and there is
                # much of it, so of the smooth patches one in four stays.
                grey = piece.mean(axis=2)
                detail = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
                if detail > 4.0 or (r + 2 * c) % 4 == 0:
                    patches.append(piece.transpose(2, 0, 1))
    return np.stack(patches) if patches else np.empty((0, 3, patch, patch), np.uint8)


def prepare(folder: Path, copyright_file: Path, out: Path) -> None:
    """Write ``patches.npy``, ``held_out/*.png`` and ``files.csv`` to ``out``."""
    licences = PublicDomain(copyright_file.read_text(encoding="utf-8"))
    (out / "held_out").mkdir(parents=True, exist_ok=True)
    rows, pieces = [], []
    for path in sorted(folder.glob("images/land/*.jpg")) + sorted(
        folder.glob("images/scene/*.jpg")
    ):
        name = path.relative_to(folder).as_posix()
        source = licences.source(name)
        # A name such as "beach9-harro@2x" tells of an author with a licence of his own.
        if source is None or re.search(r"-[a-z]{3,}", path.stem):
            continue
        photo = Image.open(path).convert("RGB")
        keep = held_out(name)
        if keep:
            half = photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.LANCZOS)
            half.save(out / "held_out" / f"{path.stem.replace('@', '_')}.png")
        else:
            pieces.append(cut(photo))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append((name, source, "held out" if keep else "trained on", digest))
        log.info("%s (%s): %s", name, source, rows[-1][2])
    patches = np.concatenate(pieces)
    np.random.default_rng(0).shuffle(patches)
    np.save(out / "patches.npy", patches)
    with (out / "files.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("file", "source", "use", "sha256"))
        writer.writerows(rows)
    log.info("%d patches of %d photographs.", len(patches), len(pieces))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="dprox_core.training.prepare", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder that holds images/land")
    parser.add_argument("--copyright", type=Path, required=True, help="the DEP-5 copyright file")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    prepare(given.photos, given.copyright, given.out)


if __name__ == "__main__":
    main()
