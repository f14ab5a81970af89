"""Tensors to image files, whole or not at all."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from dprox_core.arguments import as_image, as_path, refuse_unless
from dprox_core.errors import DataError, ImageError, ParameterError, ShapeError
from dprox_core.sessions import current

__all__ = ["save_image", "to_array", "to_pixels"]


def save_image(
    path: str | os.PathLike[str],
    image: torch.Tensor,
    levels: tuple[float, float] | str = (0.0, 1.0),
    part: str = "modulus",
) -> Path:
    """Write an image as 8-bit PNG, or its exact values as ``.npy``.

    A PNG pixel is round(255 · clip((v − low) / (high − low), 0, 1)). Complex images are written
    by a part of theirs (PNG) or as they are (``.npy``). The file appears whole or not at all.

    Args:
        path: the file to write, ending in ``.png`` or ``.npy``; relative paths start from the
            session's output folder, else from the working directory.
        image: (1, C, H, W), (C, H, W) or (H, W), C 1 or 3; other C only as ``.npy``.
        levels: the values (low, high) shown black and white, or ``"auto"`` for the image's own
            minimum and maximum.
        part: what of complex values a PNG shows: "modulus", "phase" (from −π to π, as 0 to 1),
            "real" or "imaginary"; real images are shown as they are.

    Returns:
        The path written.

    Raises:
        ImageError: the ending is unknown, or the folder cannot be written.
        ShapeError: the tensor is not one image.
        DataError: the image holds NaN or infinity.
        ParameterError: levels or part are none of these.

    Example:
        >>> import dprox_core as dp, tempfile, pathlib
        >>> folder = tempfile.TemporaryDirectory()
        >>> dp.save_image(pathlib.Path(folder.name) / "k.png", dp.gaussian_psf(9), "auto").name
        'k.png'
    """
    from dprox_core.monitoring import notify_output

    target = Path(as_path("save_image", path))
    out = current().out
    if out is not None and not target.is_absolute():
        target = out / target
    ending = target.suffix.lower()
    if ending not in (".png", ".npy"):
        raise ImageError(
            f'"{target.name}" cannot be written: the name must end in .png or .npy.',
            expected=".png or .npy",
            got=ending,
            where=str(target),
        )
    image = as_image("save_image", image)
    if ending == ".png":
        image = _part(image.detach(), part)
    array = to_array(image)
    if not np.isfinite(array).all():
        raise DataError(
            f'The image for "{target.name}" holds NaN or infinite values and was not written.',
            expected="finite values",
            got="NaN or infinity",
            where=str(target),
        )
    if ending == ".npy":
        _write_atomically(target, lambda file: np.save(file, array, allow_pickle=False))
    else:
        from PIL import Image

        picture = Image.fromarray(to_pixels(array, levels))
        _write_atomically(target, lambda file: picture.save(file, format="PNG"))
    notify_output(target, target.stem, image, levels)
    return target


def _part(image: torch.Tensor, part: str) -> torch.Tensor:
    refuse_unless(part in _PARTS, "save_image", "part", f"one of {', '.join(_PARTS)}", part)
    return _PARTS[part](image) if image.is_complex() else image


_PARTS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "modulus": torch.abs,
    "phase": lambda image: torch.angle(image) / (2.0 * math.pi) + 0.5,
    "real": torch.real,
    "imaginary": torch.imag,
}


def to_array(image: torch.Tensor) -> np.ndarray:
    """One image as an array (H, W), or (H, W, C) with C other than 1, on the host.

    Args:
        image: (1, C, H, W), (C, H, W) or (H, W), any device, with or without gradient.

    Raises:
        ShapeError: the tensor is not one image.
    """
    tensor = torch.as_tensor(image).detach()
    shape = tuple(tensor.shape)
    if tensor.ndim == 4 and shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim not in (2, 3) or 0 in shape:
        hint = " Save one image of the batch at a time." if len(shape) == 4 else ""
        raise ShapeError(
            f"A tensor of shape {shape} is not one image: expected (H, W), (C, H, W) or "
            f"(1, C, H, W).{hint}",
            expected="(H, W), (C, H, W) or (1, C, H, W)",
            got=shape,
            where="image",
        )
    if tensor.ndim == 3:
        tensor = tensor[0] if tensor.shape[0] == 1 else tensor.permute(1, 2, 0)
    if tensor.dtype is torch.bfloat16:  # which numpy does not know
        tensor = tensor.float()
    return tensor.resolve_conj().cpu().contiguous().numpy()


def to_pixels(array: np.ndarray, levels: tuple[float, float] | str = (0.0, 1.0)) -> np.ndarray:
    """An image's values as 8-bit pixels, for a PNG or a screen.

    Args:
        array: (H, W) or (H, W, 3); complex values are shown as their modulus, booleans as 0 and 1.
        levels: the values shown black and white, or ``"auto"`` for minimum and maximum.

    Raises:
        ShapeError: the array has neither one nor three channels.
        ParameterError: the levels are not two increasing numbers.
    """
    if array.ndim == 3 and array.shape[2] != 3:
        raise ShapeError(
            f"A picture has 1 or 3 channels, this one has {array.shape[2]}: write it as .npy, or "
            "choose channels first.",
            expected="1 or 3 channels",
            got=array.shape[2],
            where="image",
        )
    values = np.abs(array) if np.iscomplexobj(array) else array
    values = values.astype(np.float64 if values.dtype == np.float64 else np.float32, copy=False)
    if isinstance(levels, str):
        if levels != "auto":
            raise _bad_levels(levels)
        low, high = float(values.min()), float(values.max())
        if high <= low:
            high = low + 1.0
    else:
        try:
            low, high = (float(level) for level in levels)
        except (TypeError, ValueError):
            raise _bad_levels(levels) from None
        if not -math.inf < low < high < math.inf:
            raise _bad_levels(levels)
    stretched = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.round(stretched * 255.0).astype(np.uint8)


def _bad_levels(levels: object) -> ParameterError:
    return ParameterError(
        f'levels must be two increasing numbers or "auto", not {levels!r}.',
        expected='(low, high) or "auto"',
        got=levels,
        where="levels",
    )


def _write_atomically(target: Path, write: Callable[[BinaryIO], object]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix
        )
    except OSError as error:
        raise _unwritable(target, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
        # mkstemp makes private files; a result should be as readable as any other file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _unwritable(target: Path, error: OSError) -> ImageError:
    return ImageError(
        f'"{target.name}" could not be written to "{target.parent}": '
        f"{error.strerror or error}. Choose another folder, or free some space.",
        expected="a folder that can be written",
        got=error.strerror,
        where=str(target),
    )
