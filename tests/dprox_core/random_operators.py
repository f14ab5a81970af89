"""Random compositions of every operator of the language, with data of random kinds and sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

import dprox_core as dp
from tests.dprox_core.random_draws import Draw, Unfit, image, small

Step = Callable[["Draw", Any], Any]

SHAPES: tuple[tuple[int, ...], ...] = (
    (1,),
    (5,),
    (1, 1),
    (1, 7),
    (5, 1),
    (3, 5),
    (2, 3, 3),
    (3, 2, 4),
    (1, 1, 3, 4),
    (2, 1, 3, 3),
    (2, 3, 2, 3),
    (3, 1, 1, 5),
    (1, 4, 2, 2),
    (1, 2, 1, 2, 3),
)


def pictured(operator: Callable[[Any], Any]) -> Step:
    """An operator without arguments, on images only."""

    def step(draw: Draw, e: Any) -> Any:
        image(e)
        return operator(e)

    return step


def kernel(draw: Draw, e: Any) -> torch.Tensor:
    height, width = image(e)
    size = draw.whole(1, min(3, height)), draw.whole(1, min(3, width))
    return draw.normal(*draw.leading(e.shape), *size)


def scaled(draw: Draw, e: Any) -> Any:
    factor = draw.choose.choice([-1.0, 0.0, 2, 0.5 + 1.5j, draw.normal(1)])
    return factor * e


def conv_lowrank(draw: Draw, e: Any) -> Any:
    height, width = image(e)
    rank = draw.whole(1, 3)
    size = draw.whole(1, min(3, height)), draw.whole(1, min(3, width))
    return dp.conv_lowrank(e, draw.normal(rank, *size), draw.normal(rank, height, width))


def conv_grid(draw: Draw, e: Any) -> Any:
    height, width = image(e)
    size = draw.whole(1, min(3, height)), draw.whole(1, min(3, width))
    return dp.conv_grid(e, draw.normal(draw.whole(1, 3), draw.whole(1, 2), *size))


def cropped(draw: Draw, e: Any) -> Any:
    height, width = image(e, 2)
    top, left = draw.whole(0, height - 1), draw.whole(0, width - 1)
    return dp.crop(e, top, draw.whole(0, height - 1 - top), left, draw.whole(0, width - 1 - left))


def downsample(draw: Draw, e: Any) -> Any:
    height, width = image(e)
    if draw.choose.random() < 0.5:
        return dp.downsample(e, kernel(draw, e), draw.whole(1, 7))
    return dp.downsample(e, factor=draw.whole(1, (min(height, width) + 1) // 2))


def fourier_sampling(draw: Draw, e: Any) -> Any:
    height, width = image(e)
    mask = draw.kept(draw.make.mask(height, width)) * draw.choose.choice([1.0, 0.5])
    if len(e.shape) >= 3 and e.shape[-3] == 1 and draw.choose.random() < 0.5:
        coils = draw.kept(draw.make.normal(draw.whole(1, 3), height, width, is_complex=True))
        return dp.fourier_sampling(small(e, 3), mask, coils)
    return dp.fourier_sampling(e, mask)


def grad(draw: Draw, e: Any) -> Any:
    ndim = len(small(e, 2).shape)
    if not ndim:
        raise Unfit
    if ndim >= 2 and draw.choose.random() < 0.5:
        return dp.grad(e)
    axes = draw.choose.sample(range(-ndim, 0), draw.whole(1, min(2, ndim)))
    return dp.grad(e, axes, draw.choose.choice(["circular", "neumann", "dirichlet"]))


def laplacian(draw: Draw, e: Any) -> Any:
    image(e)
    return dp.laplacian(e, draw.choose.choice(["circular", "circular", "neumann", "dirichlet"]))


def subsample(draw: Draw, e: Any) -> Any:
    image(e)
    return dp.subsample(e, draw.whole(1, 6))


def homography(draw: Draw, e: Any) -> Any:
    image(e)
    change = draw.choose.choice([0.05, 0.05, 0.5, 2.0]) * draw.make.normal(3, 3)
    change[:2, 2] *= 10
    return dp.homography(e, draw.kept(torch.eye(3, dtype=torch.float64) + change))


def indexed(draw: Draw, e: Any) -> Any:
    where: list[int | slice] = []
    for n in e.shape:
        start = draw.whole(0, n - 1)
        whole = draw.whole(-n, n - 1)
        part = slice(start, draw.whole(start + 1, n), draw.choose.choice([None, 1, 2, 9]))
        where.append(draw.choose.choice([slice(None), part, whole]))
    return dp.index(e, tuple(where[: draw.whole(0, len(where))] or [Ellipsis]))


def matrix(draw: Draw, e: Any) -> Any:
    if not e.shape:
        raise Unfit
    axis = draw.whole(-len(e.shape), -1)
    columns = e.shape[axis]
    if draw.choose.random() < 0.2:
        return dp.matrix(e, draw.normal(columns), axis)
    dense = draw.normal(draw.whole(1, 4), columns)
    if draw.choose.random() < 0.3:
        dense = (dense * draw.make.mask(*dense.shape)).to(dense.dtype).to_sparse()
        draw.data.append(dense)
    return dp.matrix(small(e, 2), dense, axis)


def product(draw: Draw, e: Any) -> Any:
    if not small(e, 2).shape:
        raise Unfit
    right = draw.choose.random() < 0.5
    axis = -1 if right or len(e.shape) == 1 else -2
    rows = draw.normal(draw.whole(1, 3), e.shape[axis])
    if not isinstance(e, torch.Tensor):
        return e @ rows.T if right else rows @ e
    dtype = torch.promote_types(rows.dtype, e.dtype)
    return (e.to(dtype).movedim(axis, -1) @ rows.to(dtype).T).movedim(-1, axis)


def mosaic(draw: Draw, e: Any) -> Any:
    image(e)
    if len(e.shape) < 3:
        raise Unfit
    if e.shape[-3] == 3 and draw.choose.random() < 0.7:
        return dp.mosaic(e, draw.choose.choice(["RGGB", "BGGR", "RGB/GBR/BRG"]))
    channels = e.shape[-3] - 1
    return dp.mosaic(e, [[draw.whole(0, channels), 0], [0, draw.whole(0, channels)]])


def mul_color(draw: Draw, e: Any) -> Any:
    image(e)
    if len(e.shape) < 3:
        raise Unfit
    return dp.mul_color(small(e, 2), draw.normal(draw.whole(1, 3), e.shape[-3]))


def weights(draw: Draw, e: Any) -> Any:
    shape = tuple(draw.choose.choice([n, n, 1]) for n in e.shape)
    return dp.mul_elementwise(e, draw.normal(*shape[draw.whole(0, len(shape)) :]))


def padded(draw: Draw, e: Any) -> Any:
    image(small(e, 3))
    mode = draw.choose.choice(["zero", "circular", "replicate", "reflect"])
    most = [n - (mode == "reflect") if mode in ("circular", "reflect") else 2 for n in e.shape[-2:]]
    rows, columns = (min(2, n) for n in most)
    return dp.pad(
        e,
        draw.whole(0, rows),
        draw.whole(0, rows),
        draw.whole(0, columns),
        draw.whole(0, columns),
        mode,
    )


def patches(draw: Draw, e: Any) -> Any:
    height, width = image(small(e, 4))
    return dp.patches(e, draw.whole(1, min(height, width, 3)), draw.whole(1, 5))


def radon(draw: Draw, e: Any) -> Any:
    image(small(e, 4))
    return dp.radon(e, draw.choose.choice([1, 2, [17.0], [0.0, 90.0, -400.0]]))


def reshaped(draw: Draw, e: Any) -> Any:
    count = math.prod(e.shape)
    first = draw.choose.choice([n for n in range(1, count + 1) if count % n == 0])
    return dp.reshape(
        e, draw.choose.choice([(-1,), (first, -1), (1, -1, first), (-1, 1, first, 1)])
    )


def permuted(draw: Draw, e: Any) -> Any:
    axes = list(range(len(e.shape)))
    draw.choose.shuffle(axes)
    return dp.permute(e, [a - draw.choose.choice([0, len(axes)]) for a in axes])


def warp(draw: Draw, e: Any) -> Any:
    height, width = image(e)
    return dp.warp(e, 1.5 * draw.real(*draw.leading(e.shape), height, width, 2))


def wavelet(draw: Draw, e: Any) -> Any:
    height, width = image(e)
    if height % 2 or width % 2:
        raise Unfit
    return dp.wavelet(e, draw.choose.choice(["haar", "db2", "db3", "db4"]), 1)


def black_box(draw: Draw, e: Any) -> Any:
    if not e.shape:
        raise Unfit
    box = dp.LinOpFactory(
        lambda x: x.cumsum(-1), draw.choose.choice([None, lambda y: y.flip(-1).cumsum(-1).flip(-1)])
    )
    return box(e)


def learned(draw: Draw, e: Any) -> Any:
    if not e.shape:
        raise Unfit
    layer = torch.nn.Linear(e.shape[-1], draw.whole(1, 3), bias=False)
    layer.weight = torch.nn.Parameter(draw.real(*layer.weight.shape), requires_grad=False)
    adjoint = None
    if draw.choose.random() < 0.5:
        adjoint = torch.nn.Linear(layer.out_features, layer.in_features, bias=False)
        adjoint.weight = torch.nn.Parameter(layer.weight.mT.contiguous(), requires_grad=False)
    return dp.LearnedLinOp(layer, adjoint)(e)


def summed_over(draw: Draw, e: Any) -> Any:
    axes = draw.choose.sample(range(len(e.shape)), draw.whole(0, len(e.shape)))
    return dp.sum_over(e, axes or None, draw.choose.random() < 0.5)


def repeated(draw: Draw, e: Any) -> Any:
    shape = [draw.whole(1, 3) if n == 1 else n for n in small(e, 3).shape]
    return dp.broadcast_to(e, [*[draw.whole(1, 2)] * draw.whole(0, 1), *shape])


def stacked(draw: Draw, e: Any) -> Any:
    if not e.shape:
        raise Unfit
    axis = draw.whole(-len(e.shape), len(e.shape) - 1)
    other = one(draw, e, "scale")
    parts = [small(e, 3), other]
    if e.shape[axis] > 1:
        parts += dp.split(e, [1, e.shape[axis] - 1], axis)[:1]
    return dp.vstack(parts, axis)


def pieces(draw: Draw, e: Any) -> Any:
    if not e.shape:
        raise Unfit
    axis = draw.whole(-len(e.shape), len(e.shape) - 1)
    length = e.shape[axis]
    if length % 2:
        return dp.split(e, [length], axis)[0]
    first, second = dp.split(e, 2, axis)
    return first - 2.0 * second


def summed(draw: Draw, e: Any) -> Any:
    """e and two operators of e that keep its shape."""
    image(e)
    names = ["conv_doe", "mask", "scale", "laplacian", "mul_elementwise", "warp", "dct"]
    first, second = (one(draw, e, draw.choose.choice(names)) for _ in range(2))
    return first - 0.5 * e + second


STEPS: dict[str, Step] = {
    "scale": scaled,
    "negative": lambda draw, e: -e,
    "divided": lambda draw, e: e / 3.0,
    "conv": lambda draw, e: dp.conv(
        e, kernel(draw, e), draw.choose.choice(["circular", "circular", "zero", "valid"])
    ),
    "conv_doe": lambda draw, e: dp.conv_doe(e, kernel(draw, e), draw.choose.random() < 0.5),
    "conv_grid": conv_grid,
    "conv_lowrank": conv_lowrank,
    "crop": cropped,
    "dct": pictured(dp.dct),
    "downsample": downsample,
    "fft": pictured(dp.fft),
    "fourier_sampling": fourier_sampling,
    "grad": grad,
    "homography": homography,
    "ifft": pictured(dp.ifft),
    "imag": lambda draw, e: dp.imag(e),
    "index": indexed,
    "laplacian": laplacian,
    "mask": lambda draw, e: dp.mask(e, draw.kept(draw.make.mask(*e.shape))),
    "matrix": matrix,
    "product": product,
    "mosaic": mosaic,
    "mul_color": mul_color,
    "mul_elementwise": weights,
    "pad": padded,
    "patches": patches,
    "permute": permuted,
    "transposed": pictured(lambda e: e.mT if isinstance(e, torch.Tensor) else e.T),
    "radon": radon,
    "real": lambda draw, e: dp.real(e),
    "reshape": reshaped,
    "subsample": subsample,
    "warp": warp,
    "wavelet": wavelet,
    "LinOpFactory": black_box,
    "LearnedLinOp": learned,
    "vstack": stacked,
    "split": pieces,
    "sum": summed,
    "sum_over": summed_over,
    "broadcast_to": repeated,
}


def one(draw: Draw, e: Any, name: str) -> Any:
    """One operator applied, and noted."""
    result = STEPS[name](draw, e)
    draw.names.append(name)
    return result


def composition(draw: Draw, e: Any, only: list[str] | None = None) -> Any:
    """Two to four operators after each other.

    Args:
        draw: where choices and data come from.
        e: the argument.
        only: names of which at least one must be among them; None for any.
    """
    depth = draw.whole(2, 4)
    must = draw.whole(0, depth - 1)
    for position in range(depth):
        for _ in range(50):
            among = only if only and position == must else list(STEPS)
            try:
                e = one(draw, e, draw.choose.choice(among))
                break
            except Unfit:
                continue
    return e
