"""A denoiser made ready for use inside a solver: shapes, precision, symmetries, tiles."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dprox_core.arguments import in_range, refuse_unless
from dprox_core.errors import ParameterError, ShapeError, nearest
from dprox_core.priors.denoisers import NAMES, denoiser
from dprox_core.priors.filters import FILTERS, filter_denoiser
from dprox_core.priors.tiling import reach, tiled
from dprox_core.sessions import input_path

__all__ = ["Prior", "load_prior"]

Symmetries = bool | Literal["cycle"]

# Images above this many pixels are worked on in pieces of TILE where nothing else is said.
WHOLE = 4_000_000
TILE = 768
_PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Prior:
    """z = D(v, σ) for images of any shape, with everything the solver asks of D.

    Attributes:
        text: the denoiser as a user names it.
        steps: what is called with (image, sigma): one, or one for each iteration.
        x8: whether the eight symmetries of the square are averaged, or taken in turn ("cycle").
        clamp: whether results are cut to 0…1.
        trainable: whether gradients reach the network's own numbers.
        precision: in which the network computes.
        tile: side of a piece; None for whole images up to ``WHOLE`` pixels, 0 for always whole.
        overlap: pixels around a piece; None for as far as the network sees.
        averaged: θ in (1 − θ) v + θ D(v), 1 for D itself.
        turn: the iteration, for ``steps`` and symmetries in turn.
    """

    text: str
    steps: tuple[Callable[..., Any], ...]
    x8: Symmetries = False
    clamp: bool = False
    trainable: bool = False
    precision: str = "float32"
    tile: int | None = None
    overlap: int | None = None
    averaged: float = 1.0
    turn: int = 0
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def at(self, iteration: int) -> Prior:
        """The denoiser of one iteration."""
        still = len(self.steps) == 1 and self.x8 != "cycle"
        return self if still or iteration == self.turn else replace(self, turn=iteration)

    @property
    def network(self) -> nn.Module | None:
        """The network in use, None where the denoiser is a function."""
        step = self.steps[min(self.turn, len(self.steps) - 1)]
        return step if isinstance(step, nn.Module) else None

    def parameters(self) -> tuple[Tensor, ...]:
        """What training changes: all networks' numbers, none where not trainable."""
        if not self.trainable:
            return ()
        found = {
            id(p): p
            for step in self.steps
            if isinstance(step, nn.Module)
            for p in step.parameters()
        }
        return tuple(p for p in found.values() if p.requires_grad)

    def __call__(self, v: Tensor, sigma: float | Tensor) -> Tensor:
        """The denoised v.

        Args:
            v: (H, W), (C, H, W) or (..., C, H, W), real.
            sigma: noise level, one number or one for each image of a batch.

        Raises:
            ShapeError: the denoiser does not take such an image, or gives back another shape.
        """
        image = v[(None,) * (4 - v.ndim)] if v.ndim < 4 else v.reshape(-1, *v.shape[-3:])
        if isinstance(sigma, Tensor):
            sigma = sigma.to(device=v.device, dtype=v.dtype)
            sigma = sigma.reshape(()) if sigma.numel() == 1 else sigma.reshape(-1)
        if self.x8 == "cycle":
            result = _back(self._pieces(_turned(image, self.turn % 8), sigma), self.turn % 8)
        elif self.x8:
            results = [_back(self._pieces(_turned(image, k), sigma), k) for k in range(8)]
            result = torch.stack(results).mean(0)
        else:
            result = self._pieces(image, sigma)
        if self.clamp:
            result = result.clamp(0.0, 1.0)
        if self.averaged != 1.0:
            result = torch.lerp(image, result, self.averaged)
        result = result.reshape(v.shape)
        # Networks give back channels that lie side by side, beside which everything around takes
        # several times as long.
        return result.contiguous() if v.is_contiguous() else result

    def _pieces(self, image: Tensor, sigma: float | Tensor) -> Tensor:
        size = self.tile
        if size is None:
            size = TILE if image.shape[-1] * image.shape[-2] > WHOLE else 0
        if size == 0:
            return self._call(image, sigma)
        multiple = 8
        overlap = self.overlap
        if overlap is None:
            overlap = self._reach(image, multiple)
        return tiled(lambda piece: self._call(piece, sigma), image, size, overlap, multiple)

    def _reach(self, image: Tensor, multiple: int) -> int:
        network = self.network
        if network is None:
            return 32
        key = ("reach", self.turn if len(self.steps) > 1 else 0)
        if key not in self._cache:
            channels = getattr(network, "channels", image.shape[1])
            self._cache[key] = reach(network.to(image.device), channels, multiple)
        return int(self._cache[key])

    def _call(self, image: Tensor, sigma: float | Tensor) -> Tensor:
        step = self.steps[min(self.turn, len(self.steps) - 1)]
        if isinstance(step, nn.Module):
            result = self._network(step, image, sigma)
        else:
            result = step(image, sigma)
        if not isinstance(result, Tensor) or result.shape != image.shape:
            got = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
            raise ShapeError(
                f"The denoiser {self.text} gave back {got} for an image of shape "
                f"{tuple(image.shape)}: it must return a tensor of the same shape.",
                expected=tuple(image.shape),
                got=got,
                where="denoiser",
            )
        return result.to(image.dtype)

    def _network(self, network: nn.Module, image: Tensor, sigma: float | Tensor) -> Tensor:
        network = self._placed(network, image.device)
        held = next(network.parameters(), image)
        given = image.to(held.dtype).contiguous(memory_format=torch.channels_last)
        level = sigma.to(held.dtype) if isinstance(sigma, Tensor) else sigma
        if self.trainable or not torch.is_grad_enabled():
            return network(given, level)
        # Gradients pass through the image, and stop at numbers that nobody trains.
        fixed = {name: p.detach() for name, p in network.named_parameters()}
        return torch.func.functional_call(network, fixed, (given, level))

    def _placed(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network where the image is, in the precision asked for."""
        held = next(network.parameters(), None)
        if held is not None and held.device != device:
            network.to(device)
        low = _PRECISIONS[self.precision]
        if low is None:
            return network
        key = (id(network), device)
        if key not in self._cache:
            self._cache[key] = copy.deepcopy(network).to(low)
        return self._cache[key]


def _turned(image: Tensor, k: int) -> Tensor:
    turned = torch.rot90(image, k % 4, (-2, -1))
    return turned.flip(-1) if k >= 4 else turned


def _back(image: Tensor, k: int) -> Tensor:
    turned = image.flip(-1) if k >= 4 else image
    return torch.rot90(turned, -(k % 4), (-2, -1))


def load_prior(
    given: object,
    weights: str | os.PathLike[str] | None = None,
    *,
    x8: Symmetries = False,
    clamp: bool = False,
    trainable: bool = False,
    unroll_step: int | None = None,
    precision: str = "float32",
    tile: int | None = None,
    overlap: int | None = None,
    averaged: float = 1.0,
) -> Prior:
    """A denoiser by name, by file, or as a function, checked and made ready.

    Raises:
        ParameterError: there is no such denoiser, or an option is out of range.
        WeightsError: a file of weights is missing or holds something else.
    """
    _check(x8, unroll_step, precision, tile, overlap, averaged)
    text, step = _resolved(given, weights, fresh=trainable)
    steps: tuple[Callable[..., Any], ...] = (step,)
    if trainable:
        if not isinstance(step, nn.Module):
            raise ParameterError(
                f"The denoiser {text} has nothing to train: give a network, or leave trainable "
                "at False.",
                expected="a network",
                got=text,
                where="trainable",
            )
        if precision != "float32":
            raise ParameterError(
                "A network is trained in float32: leave precision at its default.",
                expected="float32",
                got=precision,
                where="precision",
            )
        if not isinstance(given, nn.Module):
            step.requires_grad_(True)
    if unroll_step is not None and unroll_step > 1:
        if not isinstance(step, nn.Module):
            raise ParameterError(
                f"The denoiser {text} cannot be unrolled: unroll_step makes copies of a network.",
                expected="a network",
                got=text,
                where="unroll_step",
            )
        steps = (step, *(copy.deepcopy(step) for _ in range(unroll_step - 1)))
    return Prior(text, steps, x8, clamp, trainable, precision, tile, overlap, float(averaged))


def _resolved(
    given: object, weights: str | os.PathLike[str] | None, fresh: bool
) -> tuple[str, Callable[..., Any]]:
    if isinstance(given, str) and given in FILTERS and weights is None:
        return f'"{given}"', filter_denoiser(given)
    if isinstance(given, str) and given in NAMES:
        path = None if weights is None else input_path(weights)
        return f'"{given}"', _loaded(given, path, object() if fresh else None)
    if isinstance(given, os.PathLike) or (isinstance(given, str) and _looks_like_file(given)):
        path = input_path(given)
        return f'"{Path(given).name}"', _loaded(None, path, object() if fresh else None)
    if callable(given) and not isinstance(given, type):
        name = getattr(given, "__name__", type(given).__name__)
        return name, given
    known = ", ".join([*NAMES, *FILTERS])
    shown = f'"{given}"' if isinstance(given, str) else f"{given!r:.60}"
    choices = f"give one of {known}, a file of weights, or a function (image, sigma) → image."
    raise ParameterError(
        f"{shown} is no denoiser: " + nearest(str(given), (*NAMES, *FILTERS), choices),
        expected=known,
        got=given,
        where="denoiser",
    )


@lru_cache(maxsize=4)
def _loaded(name: str | None, path: Path | None, fresh: object) -> nn.Module:
    """A network read once; ``fresh`` tells apart those that will be trained."""
    from dprox_core.priors.weights import load

    if name is None:
        assert path is not None
        return load(path)
    return denoiser(name, path)


def _looks_like_file(text: str) -> bool:
    return "/" in text or "\\" in text or Path(text).suffix != ""


def _check(
    x8: object, unroll_step: object, precision: str, tile: object, overlap: object, averaged: float
) -> None:
    def expect(fine: bool, name: str, words: str, value: object) -> None:
        refuse_unless(fine, "deep_prior", name, words, value)

    expect(x8 in (True, False, "cycle"), "x8", 'True, False or "cycle"', x8)
    whole = unroll_step is None or _whole(unroll_step, 1)
    expect(whole, "unroll_step", "a whole number from 1, or None", unroll_step)
    expect(precision in _PRECISIONS, "precision", ", ".join(_PRECISIONS), precision)
    for name, value in (("tile", tile), ("overlap", overlap)):
        whole = value is None or _whole(value, 0)
        expect(whole, name, "a whole number of pixels, or None", value)
    share = in_range(averaged, 0.0, 1.0) and float(averaged) > 0.0
    expect(share, "averaged", "a number above 0, at most 1", averaged)


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
