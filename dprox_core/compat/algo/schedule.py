"""Noise levels and penalty parameters, iteration by iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from dprox_core.compat.proxfn.base import ProxFn
from dprox_core.errors import ParameterError

__all__ = [
    "Schedule",
    "get_rho_sigma_admm",
    "log_descent",
    "log_descent2",
    "log_descent_origin",
    "read_schedules",
]

# λ and ρ where only the other one is given, as the published reference has them.
LAM, RHO = 0.02, 1.0


def log_descent(
    upper: float,
    lower: float,
    iter: int = 24,
    sigma: float = 0.255 / 255,
    w: float = 1.0,
    lam: float = 0.23,
    sqrt: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A course of noise levels from coarse to fine, and the ρ that belong to them.

    σ_k falls from upper/255 to lower/255, w in equal ratios and 1 − w in equal steps;
    ρ_k = lam · sigma² / σ_k².

    Args:
        upper: the first level, in grey levels of 0…255.
        lower: the last level.
        iter: how many.
        sigma: noise level of the data, for images in 0…1.
        w: the share of equal ratios.
        lam: how much the prior counts against the data.
        sqrt: whether σ_k itself is returned, as priors with ``sqrt=False`` want it, and not σ_k².

    Returns:
        ρ_k, and σ_k² or σ_k.

    References:
        K. Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, 2021, section
        4.2.
    """
    if not (upper > 0 and lower > 0 and iter >= 1):
        raise ParameterError(
            f"log_descent: levels are above 0 and iter from 1, not {upper!r}, {lower!r}, {iter!r}.",
            expected="levels above 0",
            got=(upper, lower, iter),
            where="log_descent",
        )
    ratios = np.geomspace(upper, lower, iter)
    steps = np.linspace(upper, lower, iter)
    levels = torch.from_numpy((w * ratios + (1.0 - w) * steps) / 255.0)
    rhos = lam * sigma**2 / levels**2
    return rhos.float(), (levels if sqrt else levels**2).float()


def log_descent2(
    upper: float,
    lower: float,
    iter: int = 24,
    sigma: float = 0.255 / 255,
    w: float = 1.0,
    lam: float = 0.23,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The course of log_descent as lam sigma² r_k² and r_k = sigma² / σ_k²."""
    rhos, _ = log_descent(upper, lower, iter, sigma, w, 1.0)
    return lam * sigma**2 * rhos**2, rhos


def log_descent_origin(
    upper: float,
    lower: float,
    iter: int = 24,
    sigma: float = 0.255 / 255,
    w: float = 1.0,
    lam: float = 0.23,
) -> torch.Tensor:
    """The ρ_k of log_descent alone."""
    return log_descent(upper, lower, iter, sigma, w, lam)[0]


def get_rho_sigma_admm(
    sigma: float = 2.55 / 255,
    iter_num: int = 15,
    modelSigma1: float = 49.0,
    modelSigma2: float = 2.55,
    w: float = 1.0,
    lam: float = 0.23,
) -> tuple[torch.Tensor, torch.Tensor]:
    """ρ_k and σ_k of ``log_descent``."""
    return log_descent(modelSigma1, modelSigma2, iter_num, sigma, w, lam, sqrt=True)


class Schedule:
    """One number for each iteration; the last one stays.

    Args:
        given: a number, a sequence, an array, or a tensor that may want a gradient; with two axes,
            (B, K), a course of K iterations for each sample of a batch.
        name: what it is called in errors.
    """

    def __init__(self, given: Any, name: str) -> None:
        if not isinstance(given, torch.Tensor):
            mixed = isinstance(given, (list, tuple)) and any(map(torch.is_tensor, given))
            given = torch.stack([torch.as_tensor(v) for v in given]) if mixed else given
            # Plain numbers keep all their digits.
            given = torch.as_tensor(given, dtype=None if mixed else torch.float64)
        # Iterations are counted along the first axis.
        self.each = given.ndim == 2 and given.shape[0] > 1
        self.values: Any = given.mT if self.each else given.reshape(-1)
        # A step of 0 leaves what it is given as it is; a penalty of 0 is none.
        least = "from 0" if name == "lams" else "above 0"
        held = self.values.detach()
        fine = held >= 0 if name == "lams" else held > 0
        if not held.numel() or not bool(fine.all()):
            raise ParameterError(
                f"{name} must be numbers {least}, one or one for each iteration, not "
                f"{given!r:.60}.",
                expected=f"numbers {least}",
                got=given,
                where=name,
            )

    def times(self, factor: float) -> Any:
        """All numbers times a factor: a list, or a tensor that wants a gradient."""
        values = self.values if factor == 1.0 else self.values * factor
        return values if values.requires_grad else [float(v) for v in values]

    def listed(self, count: int) -> torch.Tensor:
        """The numbers of so many iterations, (count,), or (count, B) where samples differ."""
        place = torch.arange(count).clamp_max(len(self.values) - 1)
        found: torch.Tensor = self.values[place]
        return found

    def at(self, iteration: int) -> Any:
        """The number of one iteration, counted from 0; one for each sample where they differ."""
        value = self.values[min(iteration, len(self.values) - 1)]
        return value if self.each or value.requires_grad else float(value)


def read_schedules(
    functions: Sequence[ProxFn], rhos: Any, lams: Any
) -> tuple[Schedule | None, dict[int, Schedule]]:
    """ρ, and λ for each function that has one, by its place in the list.

    Raises:
        ParameterError: a key of lams is no function of this problem.
    """
    rho = None if rhos is None else Schedule(rhos, "rhos")
    found: dict[int, Schedule] = {}
    if isinstance(lams, Mapping):
        for key, value in lams.items():
            places = [i for i, f in enumerate(functions) if f.known_as(key)]
            if not places:
                raise ParameterError(
                    f"lams names {type(key).__name__}, which is no term of this problem: use the "
                    "very object that the objective was made of.",
                    expected="a term of the objective",
                    got=type(key).__name__,
                    where="lams",
                )
            for place in places:
                found[place] = Schedule(value, "lams")
    elif lams is not None:
        found = {i: Schedule(lams, "lams") for i in range(len(functions))}
    elif rho is not None:
        found = {i: Schedule(LAM, "lams") for i, f in enumerate(functions) if f.is_prior}
    return rho, found
