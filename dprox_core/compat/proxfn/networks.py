"""Single denoising networks under their published class names, with weights from a file."""

from __future__ import annotations

import os

import torch

from dprox_core.compat.proxfn.augment import Augment
from dprox_core.compat.proxfn.deep import Denoiser, Denoiser2D, TVDenoiser
from dprox_core.errors import ParameterError
from dprox_core.priors.denoisers import denoiser

__all__ = [
    "Augment",
    "DRUNetDenoiser",
    "Denoiser",
    "Denoiser2D",
    "FFDNetColorDenoiser",
    "FFDNetDenoiser",
    "IRCNNDenoiser",
    "TVDenoiser",
    "UNetDenoiser",
]

Path = str | os.PathLike[str]


class _Network(Denoiser):
    """A network called with (image, sigma).

    Args:
        name: as ``dprox_core.denoiser`` has it.
        model_path: a file of weights: ``.pth``, ``.safetensors`` or MatConvNet's ``.mat``.

    Raises:
        WeightsError: the file is missing, damaged, or holds another network.
    """

    def __init__(self, name: str, model_path: Path) -> None:
        super().__init__()
        self.model = denoiser(name, model_path)

    def _denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        level = sigma.reshape(-1).to(input)
        found: torch.Tensor = self.model(input, level[0] if level.numel() == 1 else level)
        return found


class FFDNetDenoiser(_Network, Denoiser2D):
    """FFDNet for grey pictures: each channel by itself.

    Args:
        model_path: a file of its weights.
    """

    def __init__(self, model_path: Path) -> None:
        super().__init__("ffdnet", model_path)


class FFDNetColorDenoiser(_Network):
    """FFDNet for pictures in colour.

    Args:
        model_path: a file of its weights.
    """

    def __init__(self, model_path: Path) -> None:
        super().__init__("ffdnet_color", model_path)


class DRUNetDenoiser(_Network):
    """DRUNet.

    Args:
        n_channels: 1 for grey, 3 for colour.
        model_path: a file of its weights.

    Raises:
        ParameterError: it has neither 1 nor 3 channels.
    """

    def __init__(self, n_channels: int, model_path: Path) -> None:
        super().__init__(_coloured("drunet", n_channels), model_path)


class IRCNNDenoiser(_Network, Denoiser2D):
    """IRCNN, whose file holds a network for each noise level; each channel by itself.

    Args:
        n_channels: 1 for grey, 3 for colour.
        model_path: a file of its weights.

    Raises:
        ParameterError: it has neither 1 nor 3 channels.
    """

    def __init__(self, n_channels: int, model_path: Path) -> None:
        super().__init__(_coloured("ircnn", n_channels), model_path)
        self.n_channels = n_channels

    def denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The picture without its noise."""
        if self.n_channels == 1:
            return super().denoise(input, sigma)
        return Denoiser.denoise(self, input, sigma)


class UNetDenoiser(_Network, Denoiser2D):
    """A UNet for grey pictures: each channel by itself.

    Args:
        model_path: a file of its weights.
    """

    def __init__(self, model_path: Path) -> None:
        super().__init__("unet", model_path)


def _coloured(name: str, n_channels: int) -> str:
    if n_channels not in (1, 3):
        raise ParameterError(
            f"{name}: n_channels is 1 for grey pictures or 3 for colour, not {n_channels!r}.",
            expected="1 or 3",
            got=n_channels,
            where="n_channels",
        )
    return name if n_channels == 1 else f"{name}_color"
