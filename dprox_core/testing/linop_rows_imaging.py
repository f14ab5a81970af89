"""Rows for cameras and scanners: kernels that vary, colours, resampling, warps, projections."""

from __future__ import annotations

import math
from typing import Any, cast

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.linops import (
    conv,
    conv_doe,
    conv_grid,
    conv_lowrank,
    downsample,
    fft,
    fourier_sampling,
    grad,
    homography,
    ifft,
    laplacian,
    mask,
    mosaic,
    mul_color,
    radon,
    subsample,
    warp,
)
from dprox_core.testing.cases import LinOpCase, Maker, Shape, Wrong
from dprox_core.testing.linop_rows_basic import variable

__all__ = ["IMAGING"]

_SPACE = frozenset({"diagonal", "gram_diagonal"})
_FREQUENCY = frozenset({"transfer", "gram_spectrum"})
_SPECTRUM = frozenset({"gram_spectrum"})
_COLOUR = ((1, 3, 4, 6), (3, 3, 5, 3))
_SINGLE = ((1, 1, 4, 6), (3, 1, 5, 3))


def _homography(shape: Shape, make: Maker) -> tuple[torch.Tensor, ...]:
    change = 0.02 * make.normal(3, 3)
    change[:2, 2] *= 20
    return (torch.eye(3, dtype=torch.float64) + change,)


IMAGING = (
    LinOpCase(
        "conv",
        lambda x, k: conv(x, k, boundary="zero"),
        label="zero beyond the edge",
        data=lambda shape, make: (make.normal(3, 2),),
        tight=2.0,
    ),
    LinOpCase(
        "conv",
        lambda x, k: conv(x, k, boundary="valid"),
        label="whole products only",
        data=lambda shape, make: (make.normal(shape[1], 2, 3),),
        tight=3.0,
        wrong=(
            Wrong(
                lambda: conv(variable(4, 4), torch.ones(2, 2), boundary="odd"),
                ParameterError,
                'boundary must be "circular", "zero" or "valid"',
            ),
        ),
    ),
    LinOpCase(
        "conv",
        lambda x, k: conv(x, k, boundary="zero"),
        label="a complex kernel and zero beyond the edge",
        data=lambda shape, make: (make.normal(3, 2, is_complex=True),),
        tight=3.0,
    ),
    LinOpCase(
        "conv_doe",
        conv_doe,
        data=lambda shape, make: (make.normal(1, shape[1], 4, 3),),
        declares=_FREQUENCY,
        wrong=(
            Wrong(
                lambda: conv_doe(variable(1, 3, 4, 4), torch.ones(5, 5)), ShapeError, "is larger"
            ),
        ),
    ),
    LinOpCase(
        "conv_doe",
        lambda x, psf: conv_doe(x, psf, circular=False),
        label="black beyond the edge",
        data=lambda shape, make: (make.normal(1, shape[1], 3, 3),),
        tight=2.0,
    ),
    LinOpCase(
        "conv_lowrank",
        conv_lowrank,
        data=lambda shape, make: (make.normal(2, 3, 2), make.normal(2, *shape[-2:])),
        wrong=(
            Wrong(
                lambda: conv_lowrank(variable(4, 4), torch.ones(2, 3, 3), torch.ones(3, 4, 4)),
                ShapeError,
                "with 2 kernels on x of shape (4, 4) they must have shape (2, 4, 4)",
            ),
            Wrong(
                lambda: conv_lowrank(variable(4, 4), torch.ones(3, 3), torch.ones(3, 4, 4)),
                ShapeError,
                "kernels (R, k, k)",
            ),
        ),
    ),
    LinOpCase(
        "conv_grid",
        conv_grid,
        data=lambda shape, make: (make.normal(2, 3, 3, 3),),
        wrong=(
            Wrong(
                lambda: conv_grid(variable(4, 4), torch.ones(2, 2, 5, 5)),
                ShapeError,
                "take smaller kernels",
            ),
        ),
    ),
    LinOpCase(
        "grad",
        lambda x: grad(x, axes=(-3, -1), boundary="neumann"),
        label="other axes",
        shapes=((2, 3, 4), (3, 2, 1, 5)),
    ),
    LinOpCase("grad", lambda x: grad(x, axes=(-1,)), label="a signal", shapes=((7,), (3, 1, 4))),
    LinOpCase("grad", lambda x: grad(x, boundary="dirichlet"), label="dirichlet"),
    LinOpCase(
        "grad",
        lambda x: grad(x, axes=(-2,)),
        label="down only",
        declares=_SPECTRUM,
        wrong=(
            Wrong(lambda: grad(variable(4), axes=(-1, -2)), ShapeError, "has no axis -2"),
            Wrong(lambda: grad(variable(4, 4), boundary="odd"), ParameterError, "boundary must be"),
            Wrong(lambda: grad(variable(4, 4), axes=()), ParameterError, "whole numbers"),
            Wrong(lambda: grad(variable(4), cast(Any, (0.5,))), ParameterError, "not 0.5"),
        ),
    ),
    LinOpCase(
        "laplacian",
        laplacian,
        declares=_FREQUENCY,
        wrong=(Wrong(lambda: laplacian(variable(4)), ShapeError, "takes an image"),),
    ),
    LinOpCase("laplacian", lambda x: laplacian(x, boundary="neumann"), label="neumann"),
    LinOpCase("laplacian", lambda x: laplacian(x, boundary="dirichlet"), label="dirichlet"),
    LinOpCase(
        "subsample",
        subsample,
        declares=frozenset({"gram_diagonal"}),
        wrong=(
            Wrong(lambda: subsample(variable(4, 4), 0), ParameterError, "whole number from 1"),
            Wrong(lambda: subsample(variable(4)), ShapeError, "takes an image"),
        ),
    ),
    LinOpCase(
        "subsample",
        lambda x: subsample(x, 3),
        label="by three",
        shapes=((1, 2, 7, 9), (3, 1, 4, 2)),
    ),
    LinOpCase(
        "subsample",
        lambda x: downsample(x, factor=2),
        label="averaged",
        shapes=((1, 1, 4, 6), (3, 2, 5, 7)),
        tight=2.5,
        wrong=(
            Wrong(lambda: downsample(variable(4, 4), factor=3), ShapeError, "is too small for"),
            Wrong(lambda: downsample(variable(4)), ShapeError, "downsample takes an image"),
        ),
    ),
    LinOpCase(
        "subsample",
        lambda x, k: downsample(x, k, factor=2),
        label="blurred",
        data=lambda shape, make: (make.normal(3, 3),),
        tight=3.0,
    ),
    LinOpCase(
        "mosaic",
        lambda x: mosaic(x, "RGB/GBR/BRG"),
        label="three by three",
        shapes=_COLOUR,
        declares=_SPACE,
        wrong=(
            Wrong(lambda: mosaic(variable(3, 4, 4), "RGB/GB"), ParameterError, "a pattern is"),
            Wrong(lambda: mosaic(variable(3, 4, 4), [[0, 5]]), ShapeError, "names 6 channels"),
            Wrong(lambda: mosaic(variable(3, 4, 4), [[0, -1]]), ParameterError, "a pattern is"),
        ),
    ),
    LinOpCase(
        "mosaic",
        lambda x: mosaic(x, [[0, 1], [3, 2]]),
        label="four bands",
        shapes=((1, 4, 4, 6), (2, 5, 3, 5)),
        declares=_SPACE,
    ),
    LinOpCase(
        "mul_color",
        mul_color,
        data=lambda shape, make: (make.normal(2, shape[1]),),
        wrong=(
            Wrong(
                lambda: mul_color(variable(3, 4, 4), torch.ones(2, 5)),
                ShapeError,
                "has 5 columns, but x of shape (3, 4, 4) has 3 elements along axis -3",
            ),
        ),
    ),
    LinOpCase(
        "fft",
        fft,
        declares=frozenset({"gram_diagonal", "gram_spectrum"}),
        wrong=(Wrong(lambda: fft(variable(4)), ShapeError, "takes an image"),),
    ),
    LinOpCase(
        "ifft",
        ifft,
        declares=frozenset({"gram_diagonal", "gram_spectrum"}),
        wrong=(Wrong(lambda: ifft(variable(4)), ShapeError, "ifft takes an image"),),
    ),
    LinOpCase(
        "mask",
        lambda x, m: mask(ifft(x), m),
        label="of an inverse transform",
        data=lambda shape, make: (make.mask(*shape[-2:]),),
    ),
    LinOpCase(
        "mask",
        lambda x, m: mask(fft(x), m),
        label="of a spectrum",
        data=lambda shape, make: (make.mask(*shape[-2:]),),
        declares=_SPECTRUM,
    ),
    LinOpCase(
        "mask",
        lambda x, m, k: mask(fft(conv(2 * x, k)), m),
        label="of the spectrum of a blurred image",
        data=lambda shape, make: (make.mask(*shape[-2:]), make.normal(3, 3)),
        declares=_SPECTRUM,
    ),
    LinOpCase(
        "fourier_sampling",
        fourier_sampling,
        data=lambda shape, make: (make.uniform(*shape[-2:]),),
        declares=_SPECTRUM,
        wrong=(
            Wrong(
                lambda: fourier_sampling(variable(1, 1, 4, 4), torch.ones(3, 4)),
                ShapeError,
                "does not match the frequencies of x",
            ),
        ),
    ),
    LinOpCase(
        "coil_sampling",
        fourier_sampling,
        shapes=_SINGLE,
        data=lambda shape, make: (
            make.mask(*shape[-2:]),
            make.normal(3, *shape[-2:], is_complex=True),
        ),
        wrong=(
            Wrong(
                lambda: fourier_sampling(
                    variable(1, 2, 4, 4), torch.ones(4, 4), torch.ones(3, 4, 4)
                ),
                ShapeError,
                "give maps (coils, H, W) and an image (B, 1, H, W)",
            ),
        ),
    ),
    LinOpCase(
        "warp",
        warp,
        data=lambda shape, make: (1.5 * make.normal(*shape[-2:], 2),),
        wrong=(
            Wrong(lambda: warp(variable(4, 4), torch.ones(4, 4)), ShapeError, "rows first"),
            Wrong(
                lambda: warp(variable(4, 4), 1j * torch.ones(4, 4, 2)), ParameterError, "is complex"
            ),
        ),
    ),
    LinOpCase(
        "warp",
        warp,
        label="a flow per sample",
        data=lambda shape, make: (1.5 * make.normal(shape[0], 1, *shape[-2:], 2),),
    ),
    LinOpCase(
        "homography",
        homography,
        data=_homography,
        wrong=(
            Wrong(lambda: homography(variable(4, 4), torch.eye(2)), ShapeError, "matrix (3, 3)"),
            Wrong(
                lambda: homography(variable(4, 4), torch.eye(3).cumsum(0)[[0, 1, 1]]),
                ParameterError,
                "the matrix H is singular",
            ),
            Wrong(
                lambda: homography(torch.ones(4, 4), torch.zeros(3, 3)),
                ParameterError,
                "Give an invertible 3 × 3 matrix",
            ),
        ),
    ),
    LinOpCase(
        "radon",
        lambda x: radon(x, 5),
        wrong=(
            Wrong(lambda: radon(variable(4, 4), 0), ParameterError, "must be 1 or more"),
            Wrong(lambda: radon(variable(4, 4), [math.nan]), ParameterError, "in degrees"),
            Wrong(lambda: radon(variable(4)), ShapeError, "takes an image"),
            Wrong(
                lambda: radon(variable(4, 4), cast(Any, "ab")),
                ParameterError,
                "or how many there are",
            ),
        ),
    ),
    LinOpCase("radon", lambda x: radon(x, [0.0, 17.0, 90.0]), label="some angles"),
)
