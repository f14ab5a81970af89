"""A denoiser that looks at pictures from eight sides in turn."""

from __future__ import annotations

import torch

from dprox_core.compat.proxfn.deep import Denoiser
from dprox_core.errors import ParameterError

__all__ = ["Augment"]


class Augment(Denoiser):
    """One of the eight symmetries of the square after the other, from call to call.

    Args:
        base_denoiser: what has ``denoise(x, sigma)``.
    """

    def __init__(self, base_denoiser: Denoiser) -> None:
        super().__init__()
        self.base_denoiser = base_denoiser
        self.reset()

    def reset(self) -> None:
        """Begin again with the picture as it is."""
        self.mode = 0

    def _denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        mode, self.mode = self.mode, (self.mode + 1) % 8
        turned = self.base_denoiser.denoise(self.augment(input, mode), sigma)
        # Quarter turns are undone by each other, everything else by itself.
        return self.augment(turned, {3: 5, 5: 3}.get(mode, mode))

    @staticmethod
    def augment(img: torch.Tensor, mode: int = 0) -> torch.Tensor:
        """A picture (…, H, W), turned or mirrored.

        Args:
            img: the picture.
            mode: 0 to 7: odd ones exchange rows and columns first; then 2, 5, 6 and 7 turn the
                picture upside down, and 3, 4, 6 and 7 left to right.

        Raises:
            ParameterError: there is no such symmetry.
        """
        if mode not in range(8):
            raise ParameterError(
                f"A square has 8 symmetries, 0 to 7, not {mode!r}.",
                expected="0 to 7",
                got=mode,
                where="mode",
            )
        turned = img.mT if mode % 2 else img
        flips = _FLIPS[mode]
        return turned.flip(flips) if flips else turned


_FLIPS: dict[int, tuple[int, ...]] = {
    0: (),
    1: (),
    2: (-2,),
    3: (-1,),
    4: (-1,),
    5: (-2,),
    6: (-2, -1),
    7: (-2, -1),
}
