"""Problems whose x-update the compiler must solve in one way, and dense algebra to compare with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

import dprox_core as dp
from dprox_core.linsolve.base import QuadraticPart
from dprox_core.testing.cases import Maker

__all__ = ["SYSTEMS", "data", "dense", "kernel", "positive", "psd", "real"]

Vectors = tuple[torch.Tensor, ...]
Write = Callable[[dp.Expression, Maker], dp.Objective]


def kernel(make: Maker, *shape: int) -> torch.Tensor:
    return make.normal(*shape) / 3.0


def data(e: dp.Expression, make: Maker) -> dp.Expression:
    assert e.shape is not None
    return e - make.normal(*e.shape, is_complex=e.is_complex)


def positive(e: dp.Expression, make: Maker) -> torch.Tensor:
    assert e.shape is not None
    return make.uniform(*e.shape, low=0.2, high=2.0)


def psd(make: Maker, size: int, is_complex: bool = False) -> torch.Tensor:
    root = make.normal(size, size, is_complex=is_complex)
    return root @ root.mH / size


def maps(e: dp.Expression, make: Maker, normalized: bool) -> torch.Tensor:
    assert e.shape is not None
    coils = make.normal(3, *e.shape[-2:], is_complex=True)
    return coils / coils.abs().square().sum(0, keepdim=True).sqrt() if normalized else coils


def sampled(x: dp.Expression, make: Maker, normalized: bool, full: bool = False) -> dp.Expression:
    assert x.shape is not None
    keep = torch.ones(x.shape[-2:]) if full else make.mask(*x.shape[-2:])
    return dp.fourier_sampling(x, keep, maps(x, make, normalized))


def coupled(x: dp.Expression) -> dp.Objective:
    return dp.norm1(dp.grad(x)) + dp.norm1(x)


def second(x: dp.Expression) -> dp.Expression:
    return dp.grad(dp.grad(x), axes=(-3, -2))


@dataclass(frozen=True)
class System:
    """A problem whose x-update must be solved in one way.

    Attributes:
        kind: the solver that must be chosen.
        write: the problem for a variable.
        shapes: of the variable.
        complex: whether the variable may be complex.
    """

    kind: str
    write: Write
    shapes: tuple[tuple[int, ...], ...] = ((1, 1, 4, 6), (2, 1, 5, 3))
    complex: bool = True


COLOURS = ((1, 1, 4, 6), (2, 1, 5, 3))
EVEN = ((1, 1, 4, 6), (2, 1, 6, 4))
THIRDS = ((1, 1, 3, 6), (2, 1, 6, 3))
LINES = ((5,), (2, 7))

SYSTEMS = {
    "weights": System(
        "diagonal",
        lambda x, m: dp.weighted_sum_squares(data(3 * x, m), positive(x, m)) + dp.norm1(x),
        (*LINES, (1, 1, 4, 6)),
    ),
    "weights of what is picked": System(
        "diagonal",
        lambda x, m: (
            dp.weighted_sum_squares(data(x[..., 1:, ::2], m), positive(x[..., 1:, ::2], m))
            + dp.norm1(x)
        ),
    ),
    "weights per channel": System(
        "fourier",
        lambda x, m: (
            dp.weighted_sum_squares(
                data(dp.conv(x, kernel(m, 3, 2)), m), m.uniform(x.shape[1], 1, 1, low=0.5)
            )
            + dp.linear(dp.real(x) if x.is_complex else x, 0.3)
            + coupled(x)
        ),
        complex=False,
    ),
    "rotated": System(
        "fourier",
        lambda x, m: dp.sum_squares(data(dp.dct(dp.conv(x, kernel(m, 2, 3))), m)) + coupled(x),
    ),
    "second differences": System(
        "fourier",
        lambda x, m: (
            dp.sum_squares(data(dp.conv(x, kernel(m, 2, 3)), m))
            + dp.norm1(dp.grad(dp.grad(x), axes=(-3, -2)))
            + dp.norm1(2 * dp.grad(x)[..., 1] - dp.grad(x)[..., 0])
        ),
    ),
    "picked and summed differences": System(
        "fourier",
        lambda x, m: (
            dp.sum_squares(data(second(x)[..., 0, 1] + second(x)[..., 1, 0], m))
            + dp.norm1(second(x)[..., 1:, ::2])
            + dp.norm1(dp.grad(dp.grad(x, axes=(-1,))[..., 0], axes=(-1, -2)))
            + dp.norm1(x)
        ),
    ),
    "weights of frequencies": System(
        "fourier",
        lambda x, m: dp.weighted_sum_squares(data(dp.fft(x), m), positive(x, m)) + coupled(x),
    ),
    "decimation": System(
        "woodbury",
        lambda x, m: (
            0.7 * dp.sum_squares(data(dp.subsample(dp.conv(x, kernel(m, 3, 3)), 2), m)) + coupled(x)
        ),
        EVEN,
    ),
    "decimation by three": System(
        "woodbury",
        lambda x, m: (
            dp.sum_squares(data(3 * dp.downsample(x, kernel(m, 2, 3), 3), m))
            + 0.4 * dp.sum_squares(data(dp.grad(x), m))
            + dp.norm1(x)
        ),
        THIRDS,
    ),
    "average of pixels": System(
        "woodbury",
        lambda x, m: dp.sum_squares(data(dp.downsample(x, factor=2), m)) + coupled(x),
        ((1, 1, 4, 6), (2, 2, 4, 4)),
    ),
    "wide matrix": System(
        "matrix",
        lambda x, m: dp.sum_squares(data(dp.matrix(x, m.normal(2, x.shape[-1])), m)) + dp.norm1(x),
        LINES,
    ),
    "wide complex matrix": System(
        "matrix",
        lambda x, m: (
            dp.sum_squares(data(dp.matrix(x, m.normal(2, x.shape[-1], is_complex=True)), m))
            + 2 * dp.sum_squares(data(x, m))
            + dp.norm1(2 * x)
        ),
        LINES,
    ),
    "tall matrix": System(
        "matrix",
        lambda x, m: dp.sum_squares(data(dp.matrix(x, m.normal(9, x.shape[-1])), m)) + dp.norm1(x),
        LINES,
    ),
    "matrix of rows": System(
        "matrix",
        lambda x, m: (
            dp.sum_squares(data(dp.matrix(x, m.normal(6, x.shape[-2]), axis=-2), m))
            + dp.norm1(dp.matrix(x, m.normal(2, x.shape[-2]), axis=-2))
            + dp.norm1(x)
        ),
        ((3, 7), (2, 1, 4, 3)),
    ),
    "sparse matrix": System(
        "matrix",
        lambda x, m: (
            dp.sum_squares(
                data(
                    dp.matrix(x, (m.normal(6, x.shape[-1]) * m.mask(6, x.shape[-1])).to_sparse()), m
                )
            )
            + dp.norm1(x)
        ),
        LINES,
    ),
    "one row": System(
        "matrix",
        lambda x, m: dp.sum_squares(data(dp.matrix(x, m.normal(x.shape[-1])), m)) + dp.norm1(x),
        LINES,
    ),
    "quadratic form": System(
        "matrix",
        lambda x, m: dp.quad_form(data(x, m), psd(m, x.shape[-1], x.is_complex)) + dp.norm1(x),
        LINES,
    ),
    "quadratic form of a matrix": System(
        "matrix",
        lambda x, m: (
            dp.quad_form(data(dp.matrix(x, m.normal(4, x.shape[-1])), m), psd(m, 4))
            + dp.weighted_sum_squares(data(dp.matrix(x, m.normal(5, x.shape[-1])), m), m.uniform(5))
            + dp.norm1(x)
        ),
        LINES,
    ),
    "coils that see everything": System(
        "diagonal",
        lambda x, m: dp.sum_squares(data(sampled(x, m, False, True), m)) + dp.norm1(x),
        COLOURS,
    ),
    "normalized coils that see everything": System(
        "fourier",
        lambda x, m: dp.sum_squares(data(sampled(x, m, True, True), m)) + dp.norm1(dp.grad(x)),
        COLOURS,
    ),
    "normalized coils": System(
        "fourier",
        lambda x, m: dp.sum_squares(data(sampled(x, m, True), m)) + dp.norm1(dp.grad(x)),
        COLOURS,
    ),
    "coils": System(
        "diagonal",
        lambda x, m: dp.sum_squares(data(sampled(x, m, False), m)) + dp.norm1(x),
        COLOURS,
    ),
    "coils and differences": System(
        "cg",
        lambda x, m: dp.sum_squares(data(sampled(x, m, False), m)) + coupled(x),
        COLOURS,
    ),
    "decimation of an odd image": System(
        "cg",
        lambda x, m: (
            dp.sum_squares(data(dp.subsample(dp.conv(x, kernel(m, 3, 3)), 2), m)) + coupled(x)
        ),
        ((1, 1, 5, 6), (2, 2, 4, 3)),
    ),
    "blur and mask": System(
        "cg",
        lambda x, m: (
            dp.sum_squares(
                data(
                    dp.mul_elementwise(
                        dp.conv(dp.mul_elementwise(x, positive(x, m)), kernel(m, 3, 3)),
                        positive(x, m),
                    ),
                    m,
                )
            )
            + dp.weighted_sum_squares(data(x, m), positive(x, m))
            + dp.norm1(dp.grad(x))
        ),
    ),
}


def real(x: Vectors) -> torch.Tensor:
    parts = [torch.view_as_real(v.resolve_conj()) if v.is_complex() else v for v in x]
    return torch.cat([part.reshape(-1) for part in parts])


def restored(flat: torch.Tensor, part: QuadraticPart) -> Vectors:
    found, start = [], 0
    for space in part.spaces:
        count = space.numel * (2 if space.is_complex else 1)
        piece = flat[start : start + count]
        start += count
        found.append(
            torch.view_as_complex(piece.reshape(*space.shape, 2))
            if space.is_complex
            else piece.reshape(space.shape)
        )
    return tuple(found)


def gradient(part: QuadraticPart, x: Vectors, rho: float) -> torch.Tensor:
    """Of the whole quadratic with w_j = 0, by automatic differentiation of its value."""
    leaves = tuple(v.clone().requires_grad_() for v in x)
    value = sum(term.value(leaves) for term in part.terms)
    for row in part.couplings:
        value = value + 0.5 * rho * row.forward(leaves).abs().square().sum()
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    return real(
        tuple(torch.zeros_like(v) if g is None else g for v, g in zip(x, found, strict=True))
    )


def dense(part: QuadraticPart, rho: float) -> tuple[torch.Tensor, torch.Tensor]:
    """H and c of H x = ρ p + c over the reals, from the value of the quadratic alone."""
    count = sum(space.numel * (2 if space.is_complex else 1) for space in part.spaces)
    zero = torch.zeros(count, dtype=torch.float64)
    at_zero = gradient(part, restored(zero, part), rho)
    eye = torch.eye(count, dtype=torch.float64)
    columns = [gradient(part, restored(eye[i], part), rho) - at_zero for i in range(count)]
    return torch.stack(columns, dim=1), -at_zero
