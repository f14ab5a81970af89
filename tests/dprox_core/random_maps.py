"""Random linear expressions, written so that they mean the same for a variable and a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from scipy import sparse

import dprox_core as dp

__all__ = ["WIDE", "Chain", "Dice", "chain", "dense", "flat"]

T = TypeVar("T")
Map = Callable[[Any], Any]
Maker = Callable[["Dice", tuple[int, ...], bool], Map | None]
LARGEST = 60


WIDE = 1000
"""Seeds from here on draw what joined later, too; those below keep the problems they always had."""


class Dice:
    """Everything that is drawn for one problem.

    Args:
        seed: where it starts.
        single: whether data is in single precision.
    """

    def __init__(self, seed: int, single: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.single = single
        self.wide = seed >= WIDE

    def _tensor(self, values: Any) -> torch.Tensor:
        tensor = torch.as_tensor(values)
        if self.single:
            tensor = tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)
        return tensor

    def normal(self, *shape: int, is_complex: bool = False) -> torch.Tensor:
        """Standard normal values."""
        values = self.rng.standard_normal(shape)
        if is_complex:
            values = values + 1j * self.rng.standard_normal(shape)
        return self._tensor(values)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Values between two numbers."""
        return self._tensor(self.rng.uniform(low, high, shape))

    def number(self, low: float, high: float) -> float:
        """One number between two others, rounded so that sentences stay short."""
        return float(f"{self.rng.uniform(low, high):.3g}")

    def size(self, low: float, high: float) -> float:
        """One number between two others, on the logarithmic scale."""
        return float(f"{10 ** self.rng.uniform(math.log10(low), math.log10(high)):.3g}")

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return bool(self.rng.uniform() < share)

    def pick(self, items: Sequence[T]) -> T:
        """One of several."""
        return items[self.whole(0, len(items) - 1)]


def flat(tensor: torch.Tensor) -> np.ndarray:
    """The values in one row, complex ones as pairs, in double precision."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.detach().double().reshape(-1).numpy().copy()


def dense(apply: Map, shape: tuple[int, ...], is_complex: bool, dtype: torch.dtype) -> np.ndarray:
    """The matrix of a linear map over the reals, complex values as pairs, column by column."""
    count = math.prod(shape)
    base = flat(apply(torch.zeros(shape, dtype=dtype)))
    columns = []
    for index in range(count):
        for unit in (1.0, 1.0j) if is_complex else (1.0,):
            e = torch.zeros(count, dtype=dtype)
            e[index] = unit
            columns.append(flat(apply(e.reshape(shape))) - base)
    return np.stack(columns, axis=1)


def _image(shape: tuple[int, ...]) -> bool:
    return len(shape) >= 2


def _kernel(dice: Dice, shape: tuple[int, ...], channels: bool, is_complex: bool) -> torch.Tensor:
    size = [dice.whole(1, min(3, n)) for n in shape[-2:]]
    lead = [shape[-3]] if channels and len(shape) >= 3 else []
    return dice.normal(*lead, *size, is_complex=is_complex) / math.sqrt(math.prod(size))


def _conv(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not _image(shape):
        return None
    kernel = _kernel(dice, shape, dice.chance(0.3), is_complex and dice.chance(0.5))
    boundary = dice.pick(["circular", "circular", "zero", "valid"])
    return lambda e: dp.conv(e, kernel, boundary=boundary)


def _conv_doe(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if len(shape) != 4:
        return None
    psf = _kernel(dice, shape, True, False)[None]
    circular = dice.chance(0.5)
    return lambda e: dp.conv_doe(e, psf, circular=circular)


def _conv_varying(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not _image(shape):
        return None
    size = [dice.whole(1, min(3, n)) for n in shape[-2:]]
    if dice.chance(0.5):
        kernels, weights = dice.normal(2, *size) / 2, dice.normal(2, *shape[-2:])
        return lambda e: dp.conv_lowrank(e, kernels, weights)
    grid = dice.normal(2, 2, *size) / 2
    return lambda e: dp.conv_grid(e, grid)


def _grad(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    boundary = dice.pick(["circular", "neumann", "dirichlet"])
    if len(shape) < 1:
        return None
    if len(shape) == 1 or dice.chance(0.3):
        axis = dice.pick(range(-len(shape), 0))
        return lambda e: dp.grad(e, axes=(axis,), boundary=boundary)
    return lambda e: dp.grad(e, boundary=boundary)


def _laplacian(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    boundary = dice.pick(["circular", "neumann", "dirichlet"])
    return (lambda e: dp.laplacian(e, boundary=boundary)) if _image(shape) else None


def _sampled(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not _image(shape):
        return None
    factor = dice.pick([2, 3])
    if dice.chance(0.5):
        return lambda e: dp.subsample(e, factor)
    kernel = _kernel(dice, shape, False, False) if dice.chance(0.5) else None
    return lambda e: dp.downsample(e, kernel, factor=2)


def _colour(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if len(shape) < 3:
        return None
    if shape[-3] == 3 and dice.chance(0.7):
        pattern = dice.pick(["RGGB", "GBRG", "RGB/GBR/BRG"])
        return lambda e: dp.mosaic(e, pattern)
    response = dice.normal(dice.whole(1, 3), shape[-3])
    return lambda e: dp.mul_color(e, response)


def _weights(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if dice.chance(0.4):
        keep = (dice.uniform(*shape) < 0.6).double()
        return lambda e: dp.mask(e, keep)
    if len(shape) >= 3 and dice.chance(0.3):
        channels = dice.normal(shape[-3], 1, 1)
        return lambda e: dp.mul_elementwise(e, channels)
    w = dice.normal(*shape, is_complex=is_complex and dice.chance(0.5))
    return lambda e: dp.mul_elementwise(e, w)


def _scale(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if is_complex and dice.chance(0.4):
        z = complex(dice.number(-1, 1), dice.number(-1, 1))
        return lambda e: z * e
    a, b = dice.number(-2, 2), dice.size(0.3, 3)
    return dice.pick([lambda e: b * (a * e), lambda e: -e, lambda e: e / b])


def _matrix(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not shape:
        return None
    if len(shape) == 1 and dice.chance(0.4):
        whole = sparse.random(dice.whole(1, 7), shape[0], 0.5, random_state=dice.rng).toarray()
        held = sparse.csr_matrix(whole)
        thick = torch.from_numpy(whole)
        return lambda e: (
            thick.to(e.dtype) @ e if isinstance(e, torch.Tensor) else held @ e  # type: ignore[operator]
        )
    axis = dice.pick(range(-min(2, len(shape)), 0))
    rows = dice.whole(1, 6)
    M = dice.normal(rows, shape[axis], is_complex=is_complex and dice.chance(0.4))
    if dice.chance(0.3):  # of rank one
        M = dice.normal(rows, 1) @ dice.normal(1, shape[axis])
    return lambda e: dp.matrix(e, M, axis=axis)


def _shaped(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    kind = dice.pick(["flat", "permute", "index", "crop", "pad", "patches", "transposed"])
    if kind == "flat":
        return lambda e: dp.reshape(e, (-1,))
    if kind == "permute":
        axes = tuple(int(i) for i in dice.rng.permutation(len(shape)))
        return lambda e: dp.permute(e, axes)
    if kind == "index" and shape:
        start, step = dice.whole(0, shape[-1] - 1), dice.whole(1, 2)
        return lambda e: e[..., start::step]
    if not _image(shape):
        return None
    if kind == "crop":
        return lambda e: dp.crop(e, 1, 0, 0, 1)
    if kind == "pad":
        mode = dice.pick(["zero", "circular", "reflect", "replicate"])
        return lambda e: dp.pad(e, 1, 0, 1, 1, mode)
    if kind == "patches":
        size, stride = dice.whole(1, 2), dice.whole(1, 2)
        return lambda e: dp.patches(e, size, stride)
    return lambda e: dp.permute(e, (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2))


def _transform(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not _image(shape):
        return None
    kind = dice.pick(["dct", "wavelet", "fft", "ifft", "sampling", *["coils"] * dice.wide])
    if kind == "dct":
        return dp.dct
    if kind == "wavelet":
        name = dice.pick(["haar", "db3"])
        return lambda e: dp.wavelet(e, name)
    if kind in ("sampling", "coils"):
        m = (dice.uniform(*shape[-2:]) < 0.6).double()
        if kind == "coils" and len(shape) >= 3 and shape[-3] == 1:
            maps = dice.normal(dice.whole(1, 3), *shape[-2:], is_complex=True)
            return lambda e: dp.fourier_sampling(e, m, maps)
        return lambda e: dp.fourier_sampling(e, m)
    return dp.fft if kind == "fft" else dp.ifft


def _moved(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not _image(shape):
        return None
    kind = dice.pick(["warp", "homography", "radon"])
    if kind == "warp":
        flow = dice.normal(*shape[-2:], 2)
        return lambda e: dp.warp(e, flow)
    if kind == "homography":
        strength = dice.pick([0.05, 0.05, 0.5]) if dice.wide else 0.05
        H = torch.eye(3, dtype=torch.float64) + strength * dice.normal(3, 3).double()
        return lambda e: dp.homography(e, H)
    return lambda e: dp.radon(e, 3)


def _part(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    return dice.pick([dp.real, dp.imag]) if is_complex else None


def _black_box(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    if not shape:
        return None
    box = dp.LinOpFactory(lambda v: v.cumsum(-1), lambda v: v.flip(-1).cumsum(-1).flip(-1))
    return lambda e: e.cumsum(-1) if isinstance(e, torch.Tensor) else box(e)


def _learned(dice: Dice, shape: tuple[int, ...], is_complex: bool) -> Map | None:
    """A layer of a network, its adjoint found by autograd or given."""
    if not shape:
        return None
    held = dice.normal(dice.whole(1, 4), shape[-1])
    layer = torch.nn.Linear(shape[-1], held.shape[0], bias=False, dtype=held.dtype)
    layer.weight = torch.nn.Parameter(held, requires_grad=False)
    back = torch.nn.Linear(held.shape[0], shape[-1], bias=False, dtype=held.dtype)
    back.weight = torch.nn.Parameter(held.mT.contiguous(), requires_grad=False)
    box = dp.LearnedLinOp(layer, back if dice.chance(0.5) else None)
    return lambda e: e @ held.mT.to(e.dtype) if isinstance(e, torch.Tensor) else box(e)


OPERATORS: dict[str, Maker] = {
    "conv": _conv,
    "conv_doe": _conv_doe,
    "conv varying": _conv_varying,
    "grad": _grad,
    "laplacian": _laplacian,
    "sampled": _sampled,
    "colour": _colour,
    "weights": _weights,
    "scale": _scale,
    "matrix": _matrix,
    "shaped": _shaped,
    "transform": _transform,
    "moved": _moved,
    "part": _part,
    "black box": _black_box,
}
_LATER: dict[str, Maker] = {"learned": _learned}


@dataclass(frozen=True)
class Chain:
    """Operators one after the other.

    Attributes:
        apply: for a variable or a tensor.
        words: their names.
    """

    apply: Map
    words: str


def chain(dice: Dice, shape: tuple[int, ...], dtype: torch.dtype, most: int) -> Chain:
    """None to ``most`` operators in a row, now and then a stack or sum of two."""
    steps: list[Map] = []
    words: list[str] = []

    def so_far(e: Any, made: Sequence[Map] = steps) -> Any:
        for step in made:
            e = step(e)
        return e

    for _ in range(dice.whole(0, most)):
        seen = so_far(torch.zeros(shape, dtype=dtype))
        name, step = _drawn(dice, seen)
        if step is not None:
            steps.append(step)
            words.append(name)
    return Chain(so_far, " of ".join(reversed(words)) or "x")


def _drawn(dice: Dice, seen: torch.Tensor) -> tuple[str, Map | None]:
    """One operator that takes a tensor such as this one, or a stack or a sum with one."""
    for _ in range(8):
        known = OPERATORS | _LATER if dice.wide else OPERATORS
        favoured = dice.wide and dice.chance(0.3)
        name = dice.pick(["learned", "transform", "moved"] if favoured else list(known))
        step = known[name](dice, tuple(seen.shape), seen.is_complex())
        if step is None:
            continue
        try:
            made = step(seen)
        except dp.DproxError:
            continue  # too small for it
        if not 0 < made.numel() <= LARGEST:
            continue
        if dice.chance(0.15):
            flatly = _stacked(step)
            return f"stack({name})", flatly
        if made.shape == seen.shape and dice.chance(0.3):
            return f"sum({name})", _added(step, dice.number(-1, 1))
        return name, step
    return "", None


def _stacked(step: Map) -> Map:
    return lambda e: dp.vstack([dp.reshape(e, (-1,)), dp.reshape(step(e), (-1,))])


def _added(step: Map, factor: float) -> Map:
    return lambda e: step(e) + factor * e
