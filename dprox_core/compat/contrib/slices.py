"""Files of a folder as examples of compressive magnetic resonance imaging."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

import dprox_core
from dprox_core.compat.arrays import as_tensor
from dprox_core.compat.utils.misc import fft2, ifft2
from dprox_core.errors import DataError, ShapeError

__all__ = ["CSMRIDataset", "CSMRIEvalDataset"]

# What of an example is complex.
_COMPLEX = ("x0", "y0", "ATy0", "input", "y_clean")

Noise = Callable[[torch.Tensor], tuple[torch.Tensor, Any]]


class CSMRIDataset(Dataset[dict[str, torch.Tensor]]):
    """Pictures, each with its samples of k-space; frequency 0 is in the middle, as in ``fft2``.

    An example is a mapping: "gt" the picture (1, H, W), "mask", "y_clean" = m ⊙ F gt, "y0" the same
    with noise, "x0" = "ATy0" = "input" the zero-filled picture, "output" its real part, "sigma_n"
    the noise level at every pixel.

    Args:
        datadir: a folder.
        fns: names of pictures in it; None for all, in alphabetical order.
        masks: masks (H, W), one after the other in turn.
        noise_model: y ↦ (y with noise, its level); None for no noise.
        size: at most so many pictures; None for all.
        target_size: pixels a side, the middle of a larger picture; None for the first mask's.
        repeat: so many rounds make one.
        augment: whether pictures are turned and mirrored at random.

    Raises:
        DataError: the folder is missing, or holds no picture.
    """

    def __init__(
        self,
        datadir: str | os.PathLike[str],
        fns: Sequence[str] | None,
        masks: Sequence[Any],
        noise_model: Noise | None = None,
        size: int | None = None,
        target_size: int | None = None,
        repeat: int = 1,
        augment: bool = False,
    ) -> None:
        self.datadir = Path(datadir)
        found = sorted(p.name for p in self.datadir.glob("*")) if fns is None else list(fns)
        self.fns = found[:size]
        if not self.fns or not masks:
            raise DataError(
                f"{self.datadir} holds no picture, or no mask was given: give a folder with "
                "pictures and at least one mask.",
                expected="pictures and masks",
                got=(len(self.fns), len(masks)),
                where="datadir",
            )
        self.masks = [as_tensor(mask, "masks").bool() for mask in masks]
        self.noise_model = noise_model
        self.target_size = target_size or self.masks[0].shape[-1]
        self.repeat, self.augment = repeat, augment

    def __len__(self) -> int:
        return len(self.fns) * self.repeat

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """One example.

        Raises:
            IndexError: there is no such example.
            ImageError: the file is no picture.
            ShapeError: the picture is smaller than its mask.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        name, mask = self.fns[index % len(self.fns)], self.masks[index % len(self.masks)]
        return self.example(name, mask, self.noise_model)

    def example(self, name: str, mask: torch.Tensor, noise: Noise | None) -> dict[str, Any]:
        """The example of one picture, one mask and a noise model, all of them given."""
        truth = self._picture(self.datadir / name)
        mask = mask.bool().expand(truth.shape)
        clean = mask * fft2(truth)
        samples, level = (clean, 0.0) if noise is None else noise(clean)
        samples = mask * samples
        filled = ifft2(samples)
        return {
            "y0": samples,
            "x0": filled,
            "ATy0": filled,
            "gt": truth,
            "mask": mask,
            "sigma_n": torch.as_tensor(level, dtype=truth.dtype).expand(truth.shape),
            "output": filled.real,
            "input": filled,
            "y_clean": clean,
        }

    def _picture(self, path: Path) -> torch.Tensor:
        picture = dprox_core.load_image(path, colour="grey")[0].cpu()
        side, (height, width) = self.target_size, picture.shape[-2:]
        if min(height, width) < side:
            raise ShapeError(
                f"{path.name} has {height} × {width} pixels, and {side} × {side} are wanted: take "
                "larger pictures or a smaller target_size.",
                expected=(side, side),
                got=(height, width),
                where=path.name,
            )
        top, left = (height - side) // 2, (width - side) // 2
        picture = picture[..., top : top + side, left : left + side]
        if self.augment:
            picture = picture.rot90(random.randrange(4), (-2, -1))
            picture = picture.flip(-1) if random.random() < 0.5 else picture
        return picture.contiguous()


class TrainDataset(CSMRIDataset):
    """``CSMRIDataset`` whose examples also have "params", the values of placeholders."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One example."""
        return _with_params(super().__getitem__(index))


class CSMRIEvalDataset(Dataset[dict[str, Any]]):
    """Examples to judge a reconstruction by: the same at every look.

    Files that end in .mat are examples as they are: their variables are those of
    ``CSMRIDataset``'s mappings ("gt", "mask", "y0", "x0", …). Any other file is a picture, an
    example for each mask and each noise level: y₀ = m ⊙ (F gt + σ (ε₁ + i ε₂)), with ε of its own
    for every example that is drawn from ``seed``. An example's "name" is its file's, without the
    ending.

    Args:
        datadir: a folder.
        fns: names of files in it; None for all, in alphabetical order.
        masks: masks (H, W) for pictures, or a folder of them; None for the folder "masks" in
            ``datadir``, or beside it. A mask's file is .mat with one matrix, .npy, or a picture.
        sigmas: noise levels for pictures.
        target_size: pixels a side, the middle of a larger picture; None for the first mask's.
        seed: any whole number from 0.

    Raises:
        DataError: the folder is missing or holds nothing; pictures have no mask; a file of a mask
            holds no matrix.

    Example:
        >>> import tempfile, torch, dprox_core
        >>> from dprox_core.compat.contrib.csmri import CSMRIEvalDataset
        >>> folder = tempfile.TemporaryDirectory()
        >>> dprox_core.save_image(f"{folder.name}/a.png", torch.rand(1, 1, 8, 8))
        >>> data = CSMRIEvalDataset(folder.name, masks=[torch.ones(8, 8)], sigmas=[0.0, 0.1])
        >>> len(data), data[1]["name"], data[1]["y0"].shape
        (2, 'a', torch.Size([1, 8, 8]))
    """

    def __init__(
        self,
        datadir: str | os.PathLike[str],
        fns: Sequence[str] | None = None,
        masks: Sequence[Any] | str | os.PathLike[str] | None = None,
        sigmas: Sequence[float] = (0.0,),
        target_size: int | None = None,
        seed: int = 0,
    ) -> None:
        self.datadir, self.seed = Path(datadir), seed
        files = (p.name for p in self.datadir.glob("*") if p.is_file())
        self.fns = sorted(files) if fns is None else list(fns)
        pictures = [name for name in self.fns if not _is_mat(name)]
        self.masks = _masks(self.datadir, masks) if pictures else []
        if not self.fns or (pictures and not (self.masks and sigmas)):
            raise DataError(
                f"{self.datadir} holds no example, or pictures without masks and noise levels: "
                "give a folder of .mat examples, or one of pictures with at least one mask and one "
                "noise level.",
                expected="examples, or pictures and masks",
                got=(len(self.fns), len(self.masks)),
                where="datadir",
            )
        self._pictures = (
            CSMRIDataset(self.datadir, pictures, self.masks, target_size=target_size)
            if pictures
            else None
        )
        each = list(itertools.product(range(len(self.masks)), sigmas))
        self._examples = [
            (name, *case) for name in self.fns for case in ([(0, 0.0)] if _is_mat(name) else each)
        ]

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One example.

        Raises:
            IndexError: there is no such example.
            ImageError: the file is no picture.
            ShapeError: the picture is smaller than its mask.
        """
        index = range(len(self))[index]
        name, mask, sigma = self._examples[index]
        if self._pictures is None or _is_mat(name):
            example: dict[str, Any] = _read_example(self.datadir / name)
        else:
            generator = torch.Generator().manual_seed(self.seed + index)

            def noisy(clean: torch.Tensor) -> tuple[torch.Tensor, float]:
                parts = torch.randn((2, *clean.shape), generator=generator)
                return clean + sigma * torch.complex(parts[0], parts[1]), sigma

            example = self._pictures.example(name, self.masks[mask], noisy)
        return {"name": Path(name).stem, **example}


class EvalDataset(CSMRIEvalDataset):
    """``CSMRIEvalDataset`` whose examples also have "params", the values of placeholders."""

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One example."""
        return _with_params(super().__getitem__(index))


def _with_params(example: dict[str, Any]) -> dict[str, Any]:
    return {**example, "params": {"y": example["y0"], "mask": example["mask"]}}


def _is_mat(name: str) -> bool:
    return name.lower().endswith(".mat")


def _masks(datadir: Path, given: Sequence[Any] | str | os.PathLike[str] | None) -> list[Any]:
    """Masks as they are given, or those of a folder in alphabetical order."""
    if given is None:
        inside = datadir / "masks"
        given = inside if inside.is_dir() else datadir.parent / "masks"
    if isinstance(given, (str, os.PathLike)):
        return [_read_mask(path) for path in sorted(Path(given).glob("*")) if path.is_file()]
    return list(given)


def _variables(path: Path) -> dict[str, torch.Tensor]:
    """The numeric variables of a .mat file."""
    from scipy.io import loadmat

    held = loadmat(str(path))
    arrays = {k: np.asarray(v) for k, v in held.items() if not k.startswith("__")}
    return {
        k: torch.from_numpy(v.astype(np.complex64 if v.dtype.kind == "c" else np.float32))
        for k, v in arrays.items()
        if v.dtype.kind in "biufc"
    }


def _read_mask(path: Path) -> torch.Tensor:
    if path.suffix.lower() == ".npy":
        return as_tensor(np.load(path)) != 0
    if not _is_mat(path.name):
        return dprox_core.load_image(path, colour="grey")[0, 0].cpu() > 0.5
    matrices = [v for v in _variables(path).values() if v.ndim == 2 and v.numel() > 1]
    if len(matrices) != 1:
        raise DataError(
            f"{path.name} holds {len(matrices)} matrices: a file of a mask holds one.",
            expected=1,
            got=len(matrices),
            where=path.name,
        )
    return matrices[0] != 0


def _read_example(path: Path) -> dict[str, torch.Tensor]:
    """The variables of an example, matrices with a channel; pairs (…, 2) of k-space and starts as
    complex numbers."""
    found: dict[str, torch.Tensor] = {}
    for name, value in _variables(path).items():
        pairs = value.ndim > 2 and value.shape[-1] == 2 and name in _COMPLEX
        held = torch.view_as_complex(value.contiguous()) if pairs else value
        found[name] = held[None] if held.ndim == 2 and held.numel() > 1 else held
    if "mask" in found:
        found["mask"] = found["mask"] != 0
    if "gt" in found and "sigma_n" in found:
        found["sigma_n"] = found["sigma_n"].reshape(-1)[:1].expand(found["gt"].shape)
    return found
