"""Rows for sets, and for data terms with an operator inside."""

from __future__ import annotations

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.proxfns import (
    affine_set,
    compress_sensing,
    equal,
    halfspace,
    l1_ball,
    l2_ball,
    linf_ball,
    noise_ball,
    psd_cone,
    simplex,
    sisr,
)
from dprox_core.testing.cases import Maker, ProxCase, Shape, Wrong, infinite_unless
from dprox_core.testing.linop_rows_basic import variable
from dprox_core.testing.prox_rows_basic import complex_variable

__all__ = ["SETS"]

_ROUNDING = 1e-9


def _in_l1(shape: Shape, make: Maker) -> torch.Tensor:
    v = make.normal(*shape)
    return v * (1.3 * make.uniform(1) / v.abs().sum())


def _in_l2(shape: Shape, make: Maker) -> torch.Tensor:
    v = make.normal(*shape)
    return v * (1.3 * make.uniform(1) / v.square().sum().sqrt())


def _in_simplex(shape: Shape, make: Maker) -> torch.Tensor:
    v = make.uniform(*shape)
    return 2.0 * v / v.sum()


def _in_simplices(shape: Shape, make: Maker) -> torch.Tensor:
    v = make.uniform(*shape)
    return v / v.sum(1, keepdim=True)


def _equations(shape: Shape, make: Maker) -> tuple[torch.Tensor, ...]:
    rows = max(1, shape[-1] - 1)
    return make.normal(rows, shape[-1]), make.normal(rows)


def _on_plane(shape: Shape, make: Maker, A: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    free = make.normal(*shape)
    missing = (b - free @ A.mT).reshape(-1, A.shape[0]).mT
    return free + torch.linalg.lstsq(A, missing).solution.mT.reshape(shape)


def _below(shape: Shape, make: Maker, a: torch.Tensor) -> torch.Tensor:
    v = 3.0 * make.normal(*shape)
    return v - a * ((a * v).sum() - 0.4 + make.uniform(1)).clamp_min(0.0) / a.square().sum()


def _semidefinite(shape: Shape, make: Maker) -> torch.Tensor:
    root = make.normal(*shape)
    return root @ root.mT


def _is_semidefinite(v: torch.Tensor) -> torch.Tensor:
    symmetric = (v - v.mH).abs().max() <= _ROUNDING
    return infinite_unless(symmetric & (torch.linalg.eigvalsh(v) >= -_ROUNDING).all())


def _blurred(v: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    rows, columns = kernel.shape
    total = torch.zeros_like(v)
    for i in range(rows):
        for j in range(columns):
            moved = v.roll((i - rows // 2, j - columns // 2), (-2, -1))
            total = total + kernel[i, j] * moved
    return total


def _sisr(v: torch.Tensor, y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return (_blurred(v, kernel)[..., ::2, ::2] - y).abs().square().sum()


def _compress_sensing(v: torch.Tensor, y: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    return ((v * masks).sum(-3) - y).abs().square().sum()


SETS = (
    ProxCase(
        "l1_ball",
        lambda e: l1_ball(e, 1.3),
        lambda v: infinite_unless(v.abs().sum() <= 1.3 + _ROUNDING),
        complex=True,
        inside=_in_l1,
        wrong=(Wrong(lambda: l1_ball(variable(4), -1.0), ParameterError, "radius must be"),),
    ),
    ProxCase(
        "l2_ball",
        lambda e: l2_ball(e, 1.3),
        lambda v: infinite_unless(v.abs().square().sum().sqrt() <= 1.3 + _ROUNDING),
        complex=True,
        inside=_in_l2,
        wrong=(
            Wrong(
                lambda: noise_ball(variable(4), torch.ones(4), -1.0), ParameterError, "sigma must"
            ),
        ),
    ),
    ProxCase(
        "linf_ball",
        lambda e: linf_ball(e, 1.3),
        lambda v: infinite_unless(v.abs() <= 1.3 + _ROUNDING),
        complex=True,
        inside=lambda shape, make: make.uniform(*shape, low=-1.3, high=1.3),
    ),
    ProxCase(
        "simplex",
        lambda e: simplex(e, 2.0),
        lambda v: infinite_unless((v >= -_ROUNDING).all() & ((v.sum() - 2).abs() < _ROUNDING)),
        inside=_in_simplex,
        wrong=(
            Wrong(lambda: simplex(variable(4), 0.0), ParameterError, "total must be"),
            Wrong(lambda: simplex(variable(4), axis=1), ShapeError, "has no axis 1"),
            Wrong(lambda: simplex(complex_variable()), ParameterError, "is complex"),
        ),
    ),
    ProxCase(
        "simplex",
        lambda e: simplex(e, axis=1),
        lambda v: infinite_unless(
            (v >= -_ROUNDING).all() & ((v.sum(1) - 1).abs() < _ROUNDING).all()
        ),
        label="along an axis",
        shapes=((2, 3), (1, 4, 2)),
        inside=_in_simplices,
    ),
    ProxCase(
        "affine_set",
        affine_set,
        lambda v, A, b: infinite_unless((v @ A.mT.to(v.dtype) - b).abs() <= _ROUNDING),
        data=_equations,
        complex=True,
        inside=_on_plane,
        wrong=(
            Wrong(
                lambda: affine_set(variable(4), torch.ones(2, 3), torch.ones(2)),
                ShapeError,
                "does not match x of shape (4,)",
            ),
            Wrong(
                lambda: affine_set(variable(4), torch.ones(2, 4), torch.ones(3)),
                ShapeError,
                "does not match the 2 rows",
            ),
            Wrong(
                lambda: affine_set(torch.ones(2), torch.ones(2, 2), torch.tensor([1.0, 2.0])),
                ParameterError,
                "no point meets",
            ),
        ),
    ),
    ProxCase(
        "halfspace",
        lambda e, a: halfspace(e, a, 0.4),
        lambda v, a: infinite_unless((a * v).sum() <= 0.4 + _ROUNDING),
        data=lambda shape, make: (make.normal(*shape),),
        inside=_below,
        wrong=(
            Wrong(lambda: halfspace(torch.ones(2), 0.0), ParameterError, "a is zero"),
            Wrong(lambda: halfspace(variable(2), 1.0, torch.ones(2)), ShapeError, "one number"),
        ),
    ),
    ProxCase(
        "psd_cone",
        psd_cone,
        _is_semidefinite,
        shapes=((2, 2), (2, 3, 3)),
        complex=True,
        inside=_semidefinite,
        wrong=(Wrong(lambda: psd_cone(variable(2, 3)), ShapeError, "takes square matrices"),),
    ),
    ProxCase(
        "equal",
        equal,
        lambda v, b: infinite_unless((v - b).abs() <= _ROUNDING),
        complex=True,
        data=lambda shape, make: (make.normal(*shape),),
        inside=lambda shape, make, b: b,
        wrong=(Wrong(lambda: equal(variable(4), torch.ones(3)), ShapeError, "does not match"),),
    ),
    ProxCase(
        "sisr",
        sisr,
        _sisr,
        shapes=((1, 1, 4, 2), (2, 1, 2, 4)),
        data=lambda shape, make: (
            make.normal(*shape[:-2], shape[-2] // 2, shape[-1] // 2),
            make.normal(2, 2),
        ),
        complex=True,
        smooth=True,
        wrong=(
            Wrong(
                lambda: sisr(variable(5, 4), torch.ones(2, 2), torch.ones(2, 2)),
                ShapeError,
                "is no multiple of the factor 2",
            ),
            Wrong(
                lambda: sisr(variable(4, 4), torch.ones(3, 2), torch.ones(2, 2)),
                ShapeError,
                "they must have shape (2, 2)",
            ),
            Wrong(
                lambda: sisr(variable(4, 4), torch.ones(2, 2), 1j * torch.ones(2, 2)),
                ParameterError,
                "sisr: kernel is complex and x is real",
            ),
        ),
    ),
    ProxCase(
        "sisr",
        sisr,
        _sisr,
        label="complex data and kernel",
        shapes=((1, 1, 4, 2),),
        data=lambda shape, make: (
            make.normal(*shape[:-2], shape[-2] // 2, shape[-1] // 2, is_complex=True),
            make.normal(2, 2, is_complex=True),
        ),
        real=False,
        complex=True,
        smooth=True,
    ),
    ProxCase(
        "sisr",
        sisr,
        _sisr,
        label="complex data of a real image",
        shapes=((1, 1, 4, 2),),
        data=lambda shape, make: (
            make.normal(*shape[:-2], shape[-2] // 2, shape[-1] // 2, is_complex=True),
            make.normal(2, 2),
        ),
        smooth=True,
    ),
    ProxCase(
        "compress_sensing",
        compress_sensing,
        _compress_sensing,
        data=lambda shape, make: (
            make.normal(*shape[:-3], *shape[-2:]),
            make.normal(*shape[-3:]),
        ),
        complex=True,
        smooth=True,
        wrong=(
            Wrong(
                lambda: compress_sensing(variable(2, 4, 4), torch.ones(4), torch.ones(2, 4, 4)),
                ShapeError,
                "they must have shape (4, 4)",
            ),
            Wrong(
                lambda: compress_sensing(variable(4), torch.ones(4), torch.ones(4)),
                ShapeError,
                "takes an image",
            ),
            Wrong(
                lambda: compress_sensing(
                    variable(2, 2, 2), torch.ones(2, 2), 1j * torch.ones(2, 2, 2)
                ),
                ParameterError,
                "masks is complex and x is real",
            ),
        ),
    ),
    ProxCase(
        "compress_sensing",
        compress_sensing,
        _compress_sensing,
        label="complex masks",
        data=lambda shape, make: (
            make.normal(*shape[:-3], *shape[-2:], is_complex=True),
            make.normal(*shape[-3:], is_complex=True),
        ),
        real=False,
        complex=True,
        smooth=True,
    ),
    ProxCase(
        "compress_sensing",
        compress_sensing,
        _compress_sensing,
        label="complex data of a real image, one row of masks",
        data=lambda shape, make: (
            make.normal(*shape[:-3], *shape[-2:], is_complex=True),
            make.normal(shape[-1]),
        ),
        smooth=True,
    ),
    ProxCase(
        "compress_sensing",
        compress_sensing,
        _compress_sensing,
        label="one mask for all channels",
        data=lambda shape, make: (
            make.normal(*shape[:-3], *shape[-2:]),
            make.normal(*shape[-2:]),
        ),
        smooth=True,
    ),
)
