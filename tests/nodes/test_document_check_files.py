"""Checks of image files: what is wrong with each is said before a run."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from graphs import tv_problem
from PIL import Image

from nodes.checks import check
from nodes.commands import SetParameter


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


def write_cut_png(path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 80), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])


def write_cut_jpeg(path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 80, 3), np.uint8)
    Image.fromarray(noise).save(path, format="JPEG")
    path.write_bytes(path.read_bytes()[:3000])


def write_wide_png(path: Path) -> None:
    path.write_bytes(png_header(20_000, 8_000))


def write_huge_png(path: Path) -> None:
    path.write_bytes(png_header(200_000, 200_000))


BAD_FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing.png", lambda path: None, 'there is no file "missing.png"'),
    ("folder.png", lambda path: path.mkdir(), '"folder.png" is a folder'),
    ("empty.png", lambda path: path.touch(), '"empty.png" is empty'),
    ("text.png", lambda path: path.write_text("hello"), '"text.png" is not an image'),
    ("cut.png", write_cut_png, '"cut.png" is damaged or cut short'),
    ("cut.jpg", write_cut_jpeg, '"cut.jpg" is damaged or cut short'),
    ("wide.png", write_wide_png, "20000 × 8000 pixels, more than the 50 megapixels"),
    ("huge.png", write_huge_png, "claims more pixels than can be held in memory"),
    ("bad.npy", lambda path: path.write_bytes(b"\x93NUMPY"), '"bad.npy" is damaged'),
    ("line.npy", lambda path: np.save(path, np.zeros(4)), "holds an array of shape (4,)"),
    ("words.npy", lambda path: np.save(path, np.array([["a"]])), "an image needs real numbers"),
    ("complex.npy", lambda path: np.save(path, np.zeros((4, 4), complex)), "needs real numbers"),
]


@pytest.mark.parametrize(("name", "write", "sentence"), BAD_FILES, ids=lambda part: str(part)[:12])
def test_image_files_that_cannot_be_used(
    name: str, write: Callable[[Path], object], sentence: str, tmp_path: Path
) -> None:
    write(tmp_path / name)
    graph, n = tv_problem()
    graph.history.do(SetParameter(n["photo"].id, "size", None))
    graph.history.do(SetParameter(n["photo"].id, "source", name))
    issues = [i for i in check(graph.document, tmp_path) if i.node == n["photo"].id]
    assert [i.severity for i in issues] == ["error"]
    assert sentence in issues[0].sentence
    graph.history.do(issues[0].fixes[0].command)
    assert not [
        i
        for i in check(graph.document, tmp_path)
        if i.node == n["photo"].id and i.code == issues[0].code
    ]
