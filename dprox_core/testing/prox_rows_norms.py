"""Rows for the other norms, losses and functions of one element."""

from __future__ import annotations

from typing import Any, cast

import torch

from dprox_core.errors import ParameterError, ShapeError
from dprox_core.proxfns import (
    elastic_net,
    entropy,
    hinge,
    huber,
    l0,
    linear,
    log_sum,
    logistic,
    maximum,
    norm2,
    norm_inf,
    nuclear_norm,
    phase_ret,
    poisson,
    quad_form,
    quantile,
    scad,
    spi,
    weighted_norm1,
    weighted_sum_squares,
)
from dprox_core.testing.cases import Maker, ProxCase, Shape, Wrong
from dprox_core.testing.linop_rows_basic import variable
from dprox_core.testing.prox_rows_basic import complex_variable

__all__ = ["NORMS"]

_MATRICES = ((3, 2), (2, 2, 3))


def _positive(shape: Shape, make: Maker, *data: torch.Tensor) -> torch.Tensor:
    return make.uniform(*shape, low=0.05, high=4.0)


def _labels(shape: Shape, make: Maker) -> tuple[torch.Tensor, ...]:
    return (2.0 * make.mask(*shape) - 1.0,)


def _semidefinite(shape: Shape, make: Maker) -> tuple[torch.Tensor, ...]:
    root = make.normal(shape[-1], shape[-1])
    return (root @ root.T,)


def _counts(shape: Shape, make: Maker) -> tuple[torch.Tensor, ...]:
    return ((4.0 * make.uniform(*shape)).floor(),)


def _huber(v: torch.Tensor) -> torch.Tensor:
    size = v.abs()
    return torch.where(size <= 0.7, 0.5 * size**2, 0.7 * (size - 0.35)).sum()


def _scad(v: torch.Tensor) -> torch.Tensor:
    size, t, a = v.abs(), 0.8, 3.0
    middle = t * t + ((a * t - t) ** 2 - (a * t - size) ** 2) / (2 * (a - 1))
    far = t * t + (a * t - t) ** 2 / (2 * (a - 1))
    return torch.where(
        size <= t, t * size, torch.where(size <= a * t, middle, torch.full_like(size, far))
    ).sum()


def _poisson(v: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if bool((v < 0).any()) or bool(((v == 0) & (y > 0)).any()):
        return torch.tensor(torch.inf)
    return (v - y + torch.xlogy(y, y) - torch.xlogy(y, v)).sum()


def _entropy(v: torch.Tensor) -> torch.Tensor:
    return torch.tensor(torch.inf) if bool((v < 0).any()) else torch.xlogy(v, v).sum()


def _spi(v: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    if bool((v < 0).any()) or bool(((v == 0) & (n > 0)).any()):
        return torch.tensor(torch.inf)
    rate = 2.0 * v / 4
    return ((4 - n) * rate - torch.xlogy(n, -torch.expm1(-rate))).sum()


NORMS = (
    ProxCase(
        "weighted_norm1",
        weighted_norm1,
        lambda v, w: (w * v.abs()).sum(),
        data=lambda shape, make: (make.uniform(*shape, low=0.0, high=2.0),),
        complex=True,
        wrong=(
            Wrong(lambda: weighted_norm1(variable(4), -1.0), ParameterError, "must be 0 or more"),
            Wrong(lambda: weighted_norm1(variable(4), torch.ones(3)), ShapeError, "does not match"),
        ),
    ),
    ProxCase("norm2", norm2, lambda v: v.abs().square().sum().sqrt(), complex=True),
    ProxCase("norm_inf", norm_inf, lambda v: v.abs().max(), complex=True),
    ProxCase(
        "elastic_net",
        lambda e: elastic_net(e, gamma=0.6),
        lambda v: v.abs().sum() + 0.3 * v.abs().square().sum(),
        complex=True,
        wrong=(Wrong(lambda: elastic_net(variable(4), -1.0), ParameterError, "a number from 0"),),
    ),
    ProxCase(
        "huber",
        lambda e: huber(e, delta=0.7),
        _huber,
        complex=True,
        smooth=True,
        wrong=(Wrong(lambda: huber(variable(4), 0.0), ParameterError, "a number above 0"),),
    ),
    ProxCase(
        "nuclear_norm",
        nuclear_norm,
        lambda v: (
            torch.linalg.eigvalsh(v @ v.mH if v.shape[-2] <= v.shape[-1] else v.mH @ v)
            .clamp_min(0)
            .sqrt()
            .sum()
        ),
        shapes=_MATRICES,
        complex=True,
        tolerance=1e-7,
        wrong=(Wrong(lambda: nuclear_norm(variable(4)), ShapeError, "takes matrices"),),
    ),
    ProxCase("l0", l0, lambda v: (v != 0).sum().double(), complex=True, convex=False, brittle=True),
    ProxCase(
        "log_sum",
        lambda e: log_sum(e, epsilon=0.3),
        lambda v: torch.log(1 + v.abs() / 0.3).sum(),
        complex=True,
        convex=False,
        wrong=(Wrong(lambda: log_sum(variable(4), -1.0), ParameterError, "a number above 0"),),
    ),
    ProxCase(
        "scad",
        lambda e: scad(e, threshold=0.8, a=3.0),
        _scad,
        complex=True,
        convex=False,
        wrong=(
            Wrong(lambda: scad(variable(4), 0.0), ParameterError, "threshold must be"),
            Wrong(lambda: scad(variable(4), a=1.5), ParameterError, "a must be a number above 2"),
        ),
    ),
    ProxCase(
        "weighted_sum_squares",
        weighted_sum_squares,
        lambda v, w: (w * v.abs().square()).sum(),
        data=lambda shape, make: (make.uniform(*shape, low=0.0, high=2.0),),
        complex=True,
        smooth=True,
        wrong=(
            Wrong(
                lambda: weighted_sum_squares(variable(4), torch.tensor([-1.0])),
                ParameterError,
                "smallest value is -1",
            ),
        ),
    ),
    ProxCase(
        "quad_form",
        quad_form,
        lambda v, P: (v.conj() * (v @ P.mT.to(v.dtype))).real.sum(),
        data=_semidefinite,
        complex=True,
        smooth=True,
        wrong=(
            Wrong(
                lambda: quad_form(variable(4), torch.eye(3)), ShapeError, "must have shape (4, 4)"
            ),
            Wrong(
                lambda: quad_form(torch.ones(2), -torch.eye(2)),
                ParameterError,
                "positive semi-definite",
            ),
        ),
    ),
    ProxCase(
        "linear",
        linear,
        lambda v, c: (c * v).sum(),
        data=lambda shape, make: (make.normal(*shape),),
        smooth=True,
        wrong=(
            Wrong(lambda: linear(variable(4), torch.ones(3)), ShapeError, "does not match"),
            Wrong(lambda: linear(complex_variable()), ParameterError, "is complex"),
        ),
    ),
    ProxCase(
        "maximum",
        maximum,
        lambda v: v.max(),
        wrong=(Wrong(lambda: maximum(complex_variable()), ParameterError, "is complex"),),
    ),
    ProxCase(
        "poisson",
        poisson,
        _poisson,
        data=_counts,
        inside=_positive,
        brittle=True,
        tolerance=1e-8,
        wrong=(
            Wrong(lambda: poisson(variable(4), -1.0), ParameterError, "y must be 0 or more"),
            Wrong(lambda: poisson(complex_variable(), 1.0), ParameterError, "is complex"),
        ),
    ),
    ProxCase(
        "entropy",
        entropy,
        _entropy,
        inside=_positive,
        brittle=True,
        tolerance=1e-8,
        wrong=(Wrong(lambda: entropy(complex_variable()), ParameterError, "is complex"),),
    ),
    ProxCase(
        "logistic",
        logistic,
        lambda v, y: torch.log(1 + torch.exp(-y * v)).sum(),
        data=_labels,
        smooth=True,
        tolerance=1e-8,
        wrong=(Wrong(lambda: logistic(torch.ones(2), 0.5), ParameterError, "must be 1 or −1"),),
    ),
    ProxCase(
        "hinge",
        hinge,
        lambda v, y: (1 - y * v).clamp_min(0).sum(),
        data=_labels,
        wrong=(Wrong(lambda: hinge(torch.ones(2), 0.5), ParameterError, "must be 1 or −1"),),
    ),
    ProxCase(
        "quantile",
        lambda e: quantile(e, 0.3),
        lambda v: (0.3 * v.clamp_min(0) - 0.7 * v.clamp_max(0)).sum(),
        wrong=(
            Wrong(lambda: quantile(variable(4), 2.0), ParameterError, "between 0 and 1"),
            Wrong(lambda: quantile(variable(4), cast(Any, "a")), ParameterError, "between 0"),
        ),
    ),
    ProxCase(
        "phase_ret",
        phase_ret,
        lambda v, y: (v.abs() - y).square().sum(),
        data=lambda shape, make: (make.uniform(*shape, low=0.0, high=2.0),),
        complex=True,
        convex=False,
        wrong=(Wrong(lambda: phase_ret(variable(4), -1.0), ParameterError, "must be 0 or more"),),
    ),
    ProxCase(
        "spi",
        lambda e, n: spi(e, n, jots=4, gain=2.0),
        _spi,
        data=_counts,
        inside=_positive,
        brittle=True,
        tolerance=1e-8,
        wrong=(
            Wrong(lambda: spi(torch.ones(2), 3.0, jots=2), ParameterError, "at most 2 of 2 jots"),
            Wrong(lambda: spi(variable(4), 0.0, gain=0.0), ParameterError, "gain must be"),
        ),
    ),
)
