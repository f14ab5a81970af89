"""Pictures for optics."""

from __future__ import annotations

from pathlib import Path

import torch

from dprox_core.compat.utils import imread, to_torch_tensor

__all__ = ["load_sample_img"]


def load_sample_img(path: str | Path) -> torch.Tensor:
    """A picture file as (1, C, H, W) with values in 0…1."""
    return to_torch_tensor(imread(path), batch=True)
