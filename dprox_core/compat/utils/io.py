"""Picture files and checkpoints, under the names of the published reference."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dprox_core.compat.utils.misc import to_image, to_ndarray

__all__ = [
    "filter_ckpt",
    "imread",
    "imread_rgb",
    "imshow",
    "is_image_file",
    "list_image_files",
]

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")


def imread(path: str | Path) -> np.ndarray:
    """A picture file as an array (H, W, 3), or (H, W) where it is grey, with values in 0…1."""
    from dprox_core.imaging.reading import load_image

    return to_ndarray(load_image(str(path)).cpu(), debatch=True, squeeze=True)


def imread_rgb(path: str | Path) -> np.ndarray:
    """A picture file as an array (H, W, 3) of bytes."""
    array = imread(path)
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=-1)
    return np.clip(np.rint(array * 255.0), 0, 255).astype(np.uint8)


def imshow(
    *imgs: Any,
    maxcol: int = 3,
    gray: bool = False,
    titles: Sequence[str] | None = None,
    off_axis: bool = True,
    save_path: Any = None,
) -> None:
    """Show pictures in a grid with matplotlib, or write them to a file.

    Args:
        imgs: tensors or arrays; batches of one, or lists of pictures.
        maxcol: how many in a row, at most.
        gray: whether pictures of one channel are grey; otherwise matplotlib colours them.
        titles: a title for each.
        off_axis: whether axes are left out.
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
    for image in imgs:
        listed += list(image) if isinstance(image, (list, tuple)) else [image]
    columns = max(1, min(maxcol, len(listed)))
    rows = -(-len(listed) // columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False, figsize=(4 * columns, 4 * rows))
    colours = "gray" if gray else None
    for place, axis in enumerate(axes.flat):
        if off_axis or place >= len(listed):
            axis.axis("off")
        if place < len(listed):
            axis.imshow(to_image(listed[place]), cmap=colours, vmin=0.0, vmax=1.0)
            if titles is not None and place < len(titles):
                axis.set_title(titles[place])
    if save_path is None:
        plt.show()
    else:
        figure.savefig(save_path)
    plt.close(figure)


def filter_ckpt(prefix: str, ckpt: dict[str, Any], remove_prefix: bool = True) -> dict[str, Any]:
    """The entries of a checkpoint whose names begin with a prefix.

    Args:
        prefix: the prefix, such as ``"solver."``.
        ckpt: the checkpoint.
        remove_prefix: whether it is taken off the names.
    """
    found = {name: value for name, value in ckpt.items() if name.startswith(prefix)}
    return {n[len(prefix) :]: v for n, v in found.items()} if remove_prefix else found


def is_image_file(filename: str | Path) -> bool:
    """Whether a file's ending is that of a picture."""
    return Path(filename).suffix.lower() in _ENDINGS


def list_image_files(directory: str | Path) -> list[str]:
    """The names of the pictures in a folder, sorted."""
    return sorted(path.name for path in Path(directory).iterdir() if is_image_file(path))
