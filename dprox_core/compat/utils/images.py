"""Pictures in and out, as arrays and tensors."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dprox_core.compat.arrays import as_tensor, channels_first

__all__ = [
    "imread",
    "imread_rgb",
    "imshow",
    "is_image_file",
    "list_image_files",
    "to_image",
    "to_ndarray",
    "to_torch_tensor",
]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


def to_torch_tensor(x: Any, batch: bool = False) -> torch.Tensor:
    """An array or tensor as a tensor, NumPy images (H, W, C) as (C, H, W).

    Channels are the shorter one of the first and the last axis, so that a cube of 31 bands keeps
    its bands together.

    Args:
        x: anything that holds numbers.
        batch: whether a first axis of one is added to a picture that has none.

    Example:
        >>> import numpy as np
        >>> from dprox_core.compat.utils import to_torch_tensor
        >>> to_torch_tensor(np.zeros((64, 48, 31)), batch=True).shape
        torch.Size([1, 31, 64, 48])
    """
    tensor = as_tensor(x, "x")
    if batch and tensor.ndim in (2, 3):
        tensor = tensor[None, None] if tensor.ndim == 2 else tensor[None]
    return tensor


def to_ndarray(x: Any, debatch: bool = False) -> np.ndarray:
    """A tensor as an array, pictures (C, H, W) as (H, W, C).

    Args:
        x: a tensor or an array; an array is returned as it is.
        debatch: whether a first axis of one is taken off.
    """
    if isinstance(x, np.ndarray):
        return x
    tensor = torch.as_tensor(x).detach().cpu()
    if debatch and tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    array: np.ndarray = tensor.numpy()
    return np.moveaxis(array, -3, -1) if array.ndim >= 3 else array


def to_image(x: Any) -> np.ndarray:
    """One picture (H, W) or (H, W, C) with values cut to 0…1."""
    array = np.asarray(to_ndarray(x, debatch=True))
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    return np.clip(array.real, 0.0, 1.0)


def imread(path: str | Path) -> np.ndarray:
    """A picture file as an array (H, W, C) with values in 0…1."""
    from dprox_core.imaging.reading import load_image

    return to_ndarray(load_image(str(path)).cpu(), debatch=True)


def imread_rgb(path: str | Path) -> np.ndarray:
    """A picture file as an array (H, W, 3) with values in 0…255."""
    array = imread(path)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    return array * 255.0


def imshow(
    *images: Any, titles: Sequence[str] = (), cols: int | None = None, save_path: Any = None
) -> None:
    """Show pictures beside each other with matplotlib, or write them to a file.

    Args:
        images: tensors or arrays; batches of one, or lists of pictures.
        titles: a title for each.
        cols: how many in a row, None for all.
        save_path: a file to write instead of showing a window.

    Without matplotlib nothing is shown, and a warning says so: a script goes on.
    """
    try:
        plt = importlib.import_module("matplotlib.pyplot")
    except ImportError:
        warnings.warn(
            "imshow draws with matplotlib, which is not installed: pip install matplotlib, or "
            "write the picture with dprox_core.save_image.",
            stacklevel=2,
        )
        return
    listed: list[Any] = []
    for image in images:
        listed += list(image) if isinstance(image, (list, tuple)) else [image]
    columns = cols or len(listed)
    rows = -(-len(listed) // columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False, figsize=(4 * columns, 4 * rows))
    for place, axis in enumerate(axes.flat):
        axis.axis("off")
        if place < len(listed):
            axis.imshow(to_image(listed[place]), cmap="gray", vmin=0.0, vmax=1.0)
            if place < len(titles):
                axis.set_title(titles[place])
    if save_path is None:
        plt.show()
    else:
        figure.savefig(save_path)
    plt.close(figure)


def is_image_file(name: str | Path) -> bool:
    """Whether a file's ending is that of a picture."""
    return Path(name).suffix.lower() in _ENDINGS


def list_image_files(folder: str | Path) -> list[str]:
    """The names of the pictures in a folder, sorted."""
    return sorted(path.name for path in Path(folder).iterdir() if is_image_file(path))


def as_bands(x: Any) -> np.ndarray:
    """A picture as bands first, (C, H, W), in double precision; batches of one are unpacked."""
    if isinstance(x, torch.Tensor):
        array = x.detach().cpu().numpy()
    else:
        array = channels_first(np.asarray(x))
    array = array.astype(np.complex128 if np.iscomplexobj(array) else np.float64)
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim > 3:
        array = array.reshape(-1, *array.shape[-2:])
    return array if array.ndim == 3 else array.reshape(1, *array.shape[-2:])
