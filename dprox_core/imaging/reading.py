"""Image files to tensors: every kind a user may bring, refused in a sentence where it is bad."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import png
import torch

import resources
from dprox_core.arguments import as_path, in_range, refuse_unless
from dprox_core.errors import DataError, ImageError, nearest
from dprox_core.sessions import default_device, input_path

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MAX_PIXELS", "load_image"]

_LOG = logging.getLogger(__name__)

# A colour image of this size takes 600 MB as float32, and a solve keeps a dozen copies of it.
MAX_PIXELS = 50_000_000
# With a smaller `size` asked for, the file is scaled down before it becomes floating point.
_MAX_PIXELS_SCALED = 400_000_000
_COLOUR_MODES = ("auto", "grey", "colour")
# Rec. 601, as used by the literature on grey-scale test images.
_LUMA = (0.299, 0.587, 0.114)


def load_image(
    source: str | os.PathLike[str], size: int | None = None, colour: str = "auto"
) -> torch.Tensor:
    """Read an image file as a tensor (1, C, H, W), float32, values 0…1.

    Unsigned integers are divided by their type's maximum (255 or 65535); other numbers (of TIFF
    or ``.npy``) keep their values. Values stay as stored, that is gamma-encoded for photographs.
    An alpha channel is ignored, and a warning says so in the log.

    Args:
        source: ``"sample:NAME"`` for a shipped photograph, or a path (relative paths start from
            the session's input folder, else from the working directory). PNG, JPEG, TIFF, BMP,
            WebP and the like, or ``.npy`` holding (H, W) or (H, W, C).
        size: the longer side, in pixels, to which a larger image is scaled down (with
            anti-aliasing); smaller images stay as they are. None keeps every pixel.
        colour: ``"auto"`` keeps grey images grey (C = 1) and others in colour (C = 3);
            ``"grey"`` takes the Rec. 601 luma; ``"colour"`` gives three channels always.

    Returns:
        The image on the session's device.

    Raises:
        ImageError: the file is missing, not an image, damaged, or too large to hold.
        DataError: a floating-point file holds NaN or infinity.
        ParameterError: ``size`` or ``colour`` is out of range.

    Example:
        >>> import dprox_core as dp
        >>> tuple(dp.load_image("sample:camera", size=128).shape)
        (1, 1, 128, 128)
    """
    whole = size is None or (in_range(size, 1.0) and int(size) == size)
    refuse_unless(whole, "load_image", "size", "a whole number of pixels from 1", size)
    words = '"auto", "grey" or "colour"'
    refuse_unless(colour in _COLOUR_MODES, "load_image", "colour", words, colour)
    path = _locate(as_path("load_image", source))
    array = _read_npy(path) if path.suffix.lower() == ".npy" else _read_picture(path, size)
    if not np.isfinite(array).all():
        raise DataError(
            f'The image "{path.name}" holds NaN or infinite values: replace them before loading.',
            expected="finite values",
            got="NaN or infinity",
            where=str(path),
        )
    planes = array[:, :, None] if array.ndim == 2 else array
    image = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1), dtype=np.float32))[
        None
    ]
    image = _scale_down(image, size)
    if colour == "grey" and image.shape[1] == 3:
        luma = torch.tensor(_LUMA, dtype=image.dtype).view(1, 3, 1, 1)
        image = (image * luma).sum(dim=1, keepdim=True)
    elif colour == "colour" and image.shape[1] == 1:
        image = image.expand(-1, 3, -1, -1).contiguous()
    return image.to(default_device())


def _locate(text: str) -> Path:
    if text.startswith("sample:"):
        name = text.removeprefix("sample:")
        folder = resources.path("images")
        names = sorted(file.stem for file in folder.glob("*.png"))
        if name not in names:
            raise ImageError(
                f'There is no sample image "{name}": '
                + nearest(name, names, f"choose one of {', '.join(names)}."),
                expected=names,
                got=name,
                where=text,
            )
        return folder / f"{name}.png"
    path = input_path(text)
    if not path.exists():
        raise ImageError(
            f'The image "{text}" was not found in "{path.parent}": check the name, or choose '
            "another file.",
            expected="an image file",
            got="no file",
            where=str(path),
        )
    if not path.is_file():
        raise ImageError(
            f'"{text}" is a folder, not an image file.',
            expected="an image file",
            got="a folder",
            where=str(path),
        )
    return path


def _read_npy(path: Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, error) from error
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3) or array.size == 0:
        shape = getattr(array, "shape", None)
        raise ImageError(
            f'"{path.name}" holds an array of shape {shape}, which is not one image: expected '
            "(H, W) or (H, W, C).",
            expected="(H, W) or (H, W, C)",
            got=shape,
            where=str(path),
        )
    if array.dtype.kind == "u":
        return _to_unit(array)
    if array.dtype.kind not in "bif":
        raise ImageError(
            f'"{path.name}" holds {array.dtype} values; an image needs real numbers.',
            expected="real numbers",
            got=str(array.dtype),
            where=str(path),
        )
    return array.astype(np.float32)


def _read_picture(path: Path, size: int | None) -> np.ndarray:
    """The pixels as float32 (H, W) or (H, W, 3), reduced early where a small copy will do."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # The size is judged below, in our own words.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                _refuse_huge(path, opened.size, size)
                deep = _read_deep_png(path, opened)
                if deep is not None:
                    return deep
                picture = ImageOps.exif_transpose(opened)
                return _decode(path, picture, size)
    except UnidentifiedImageError as error:
        raise ImageError(
            f'"{path.name}" is not an image that can be read: use PNG, JPEG, TIFF, BMP, WebP or '
            ".npy.",
            expected="an image file",
            got="another kind of file",
            where=str(path),
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            f'"{path.name}" claims more pixels than can be held in memory.',
            expected=f"at most {MAX_PIXELS:,} pixels",
            got=str(error),
            where=str(path),
        ) from error
    except MemoryError as error:
        raise ImageError(
            f'There is not enough memory to read "{path.name}": ask for a smaller size.',
            where=str(path),
        ) from error
    except (OSError, SyntaxError, ValueError, png.Error) as error:
        raise _damaged(path, error) from error


def _decode(path: Path, picture: Image.Image, size: int | None) -> np.ndarray:
    mode = picture.mode
    transparent = mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in picture.info
    if transparent:
        _LOG.warning('The alpha channel of "%s" is ignored.', path.name)
    if mode.startswith("I;16") or mode in ("I", "F"):
        array = np.asarray(picture)
        # Pillow opens some 16-bit files as 32-bit integers, which keep the 16-bit range.
        return array.astype(np.float32) if mode == "F" else array.astype(np.float32) / 65535.0
    grey = mode in ("1", "L", "LA", "La")
    picture = picture.convert("L" if grey else "RGB")
    if size is not None and max(picture.size) > 4 * size:
        # Whole-number box reduction first, so that a huge photograph never becomes floats.
        picture = picture.reduce(max(picture.size) // (2 * size))
    return _to_unit(np.asarray(picture))


def _read_deep_png(path: Path, opened: Image.Image) -> np.ndarray | None:
    """A 16-bit colour PNG, which Pillow would cut to 8 bits; None for any other file."""
    if opened.format != "PNG":
        return None
    with path.open("rb") as file:
        header = file.read(26)
    if len(header) < 26 or header[24] != 16 or header[25] not in (2, 4, 6):
        return None
    with path.open("rb") as file:
        width, height, rows, info = png.Reader(file=file).read()
        planes = int(info["planes"])
        array = np.vstack([np.asarray(row, dtype=np.uint16) for row in rows])
    array = array.reshape(height, width, planes)
    if planes in (2, 4):
        _LOG.warning('The alpha channel of "%s" is ignored.', path.name)
        array = array[:, :, : planes - 1]
    return _to_unit(array[:, :, 0] if array.shape[2] == 1 else array)


def _refuse_huge(path: Path, dimensions: tuple[int, int], size: int | None) -> None:
    width, height = dimensions
    limit = MAX_PIXELS if size is None else _MAX_PIXELS_SCALED
    if width * height > limit:
        advice = (
            "set a size (such as 1024) so that it is scaled down"
            if size is None
            else "scale the file down first"
        )
        raise ImageError(
            f'"{path.name}" is {width} × {height} pixels ({width * height / 1e6:.0f} '
            f"megapixels), more than the {limit / 1e6:.0f} that are read at once: {advice}.",
            expected=f"at most {limit:,} pixels",
            got=(width, height),
            where=str(path),
        )


def _to_unit(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)


def _damaged(path: Path, error: Exception) -> ImageError:
    return ImageError(
        f'The image "{path.name}" is damaged or cannot be read ({error}): copy it again, or '
        "choose another file.",
        expected="a whole image file",
        got=str(error),
        where=str(path),
    )


def _scale_down(image: torch.Tensor, size: int | None) -> torch.Tensor:
    height, width = image.shape[-2:]
    if size is None or max(height, width) <= size:
        return image
    factor = size / max(height, width)
    target = (max(1, round(height * factor)), max(1, round(width * factor)))
    # Bilinear with anti-aliasing never overshoots, so values stay inside the file's range.
    return torch.nn.functional.interpolate(
        image, size=target, mode="bilinear", antialias=True, align_corners=False
    )
