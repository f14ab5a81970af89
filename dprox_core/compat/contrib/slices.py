"""Pictures of a folder as examples of compressive magnetic resonance imaging."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

import dprox_core
from dprox_core.compat.arrays import as_tensor
from dprox_core.compat.utils.misc import fft2, ifft2
from dprox_core.errors import DataError, ShapeError

__all__ = ["CSMRIDataset"]

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
        truth = self._picture(self.datadir / self.fns[index % len(self.fns)])
        mask = self.masks[index % len(self.masks)].expand(truth.shape)
        clean = mask * fft2(truth)
        samples, level = (clean, 0.0) if self.noise_model is None else self.noise_model(clean)
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
