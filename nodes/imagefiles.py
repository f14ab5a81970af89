"""What an image file holds, from its header: the shape it will have, or what is wrong with it."""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import resources
from nodes.late import late

if TYPE_CHECKING:
    import numpy as np
    import PIL
    from PIL import ExifTags, Image
else:
    np, PIL = late("numpy"), late("PIL")
    ExifTags, Image = late("PIL.ExifTags"), late("PIL.Image")

__all__ = ["Header", "locate", "read_header", "sample_names", "scaled"]

_LOG = logging.getLogger(__name__)

# The limits of dprox_core.load_image; a test holds both against each other.
MAX_PIXELS = 50_000_000
MAX_PIXELS_SCALED = 400_000_000
_SAMPLE = "sample:"
# Files up to this size are read through to find out whether they are whole.
_PROBED_PIXELS = 4_000_000
_GREY = ("1", "L", "LA", "La", "I", "F")


@dataclass(frozen=True)
class Header:
    """What is known about a file without decoding all of it.

    Attributes:
        height, width, channels: as loaded without scaling; 0 where unknown.
        problem: why it cannot be used, as the end of a sentence; empty if it can.
    """

    height: int = 0
    width: int = 0
    channels: int = 0
    problem: str = ""


def sample_names() -> tuple[str, ...]:
    """The photographs that come with the studio."""
    return _names(str(resources.path("images")))


def locate(source: str, base: Path | None) -> Path:
    """The file that a source means; it need not exist."""
    if source.startswith(_SAMPLE):
        return resources.path("images") / f"{source.removeprefix(_SAMPLE)}.png"
    path = Path(source)
    try:
        path = path.expanduser()
    except RuntimeError:
        # "~name" where no such user exists.
        return path
    return path if path.is_absolute() or base is None else base / path


def read_header(source: str, base: Path | None = None) -> Header:
    """What a source holds; problems are data, nothing is raised.

    Args:
        source: ``sample:NAME`` or a path.
        base: the folder that relative paths start from; the working directory where None.
    """
    if source.startswith(_SAMPLE) and source.removeprefix(_SAMPLE) not in sample_names():
        name = source.removeprefix(_SAMPLE)
        return Header(problem=f'there is no sample "{name}": {_choose(sample_names())}')
    path = locate(source, base)
    try:
        found = path.stat()
    except FileNotFoundError:
        return Header(
            problem=f'there is no file "{source}": check the name, or choose another file'
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Header(problem=f'"{source}" cannot be read ({reason}): choose another file')
    if path.is_dir():
        return Header(problem=f'"{source}" is a folder: choose an image file')
    return _read(str(path), found.st_mtime_ns, found.st_size)


def scaled(height: int, width: int, size: int | None) -> tuple[int, int]:
    """Height and width once the longer side is no longer than ``size``, as load_image does."""
    if size is None or max(height, width) <= size:
        return height, width
    if max(height, width) > 4 * size:
        # Very large files are first reduced by a whole number, rounding up.
        factor = max(height, width) // (2 * size)
        height, width = -(-height // factor), -(-width // factor)
    if max(height, width) <= size:
        return height, width
    ratio = size / max(height, width)
    return max(1, round(height * ratio)), max(1, round(width * ratio))


def _choose(names: tuple[str, ...]) -> str:
    return f"choose one of {', '.join(names)}" if names else "none came with this installation"


@lru_cache(maxsize=8)
def _names(folder: str) -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in Path(folder).glob("*.png")))


@lru_cache(maxsize=512)
def _read(path: str, modified: int, length: int) -> Header:
    """Cached by the file's time and length: checks run after every edit."""
    name = os.path.basename(path)
    if length == 0:
        return Header(problem=f'"{name}" is empty: choose another file')
    try:
        return _read_npy(path) if path.lower().endswith(".npy") else _read_picture(path)
    except PIL.UnidentifiedImageError:
        return Header(
            problem=f'"{name}" is not an image that can be read: use PNG, JPEG, TIFF, BMP, WebP '
            "or .npy"
        )
    except Image.DecompressionBombError:
        return Header(
            problem=f'"{name}" claims more pixels than can be held in memory: scale it down first'
        )
    except Exception as error:  # decoders raise whatever they like on a damaged file
        _LOG.info("%s cannot be read: %s", path, error)
        return Header(
            problem=f'"{name}" is damaged or cut short: copy it again, or choose another file'
        )


def _read_npy(path: str) -> Header:
    name = os.path.basename(path)
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3) or array.size == 0:
        shape = getattr(array, "shape", "unknown")
        return Header(
            problem=f'"{name}" holds an array of shape {shape}, which is not one image: '
            "expected (H, W) or (H, W, C)"
        )
    if array.dtype.kind not in "buif":
        return Header(problem=f'"{name}" holds {array.dtype} values; an image needs real numbers')
    height, width = array.shape[:2]
    return Header(height, width, array.shape[2] if array.ndim == 3 else 1)


def _read_picture(path: str) -> Header:
    with warnings.catch_warnings():
        # Size is judged by the checks, in words of their own.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as opened:
            width, height = opened.size
            deep = _deep_colour(path, opened)
            grey = opened.mode in _GREY or opened.mode.startswith("I;16")
            channels = deep or (1 if grey else 3)
            # 16-bit colour is read without its orientation.
            turned = not deep and _orientation(opened) in (5, 6, 7, 8)
            _probe(path, opened)
    return (
        Header(height=width, width=height, channels=channels)
        if turned
        else Header(height=height, width=width, channels=channels)
    )


def _orientation(opened: Image.Image) -> int:
    if opened.format == "PNG":
        # Pillow would decode all of a PNG to look for what may stand behind its pixels.
        exif = Image.Exif()
        exif.load(opened.info.get("exif", b""))
    else:
        exif = opened.getexif()
    return int(exif.get(ExifTags.Base.Orientation, 1))


def _deep_colour(path: str, opened: Image.Image) -> int:
    """The channels of a 16-bit PNG that Pillow would cut to 8 bits; 0 for any other file."""
    if opened.format != "PNG":
        return 0
    with open(path, "rb") as file:
        header = file.read(26)
    if len(header) < 26 or header[24] != 16:
        return 0
    # The colour types of the PNG specification: 2 colour, 4 grey and alpha, 6 colour and alpha.
    return {2: 3, 4: 1, 6: 3}.get(header[25], 0)


def _probe(path: str, opened: Image.Image) -> None:
    """Raises if the file is cut short, as far as that can be told at little cost."""
    if opened.width * opened.height <= _PROBED_PIXELS:
        opened.load()
    elif opened.width * opened.height > MAX_PIXELS:
        return
    elif opened.format == "PNG":
        opened.verify()
    elif opened.format == "JPEG":
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 65536))
            if b"\xff\xd9" not in file.read():
                raise OSError("the end of the image is missing")
