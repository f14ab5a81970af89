"""Noise levels from high to low, for denoisers that take the place of a penalty."""

from __future__ import annotations

from dprox_core.arguments import in_range, refuse_unless, whole_number

__all__ = ["BALANCE", "FINISH", "LEAST_NOISE", "START", "STEPS", "log_descent"]

START = 49.0 / 255.0
"""The first denoiser's noise level (DPIR, section 4.2)."""

_WITH_DUALS = ("admm", "admm_vxu", "dr", "pdhg", "pd3o", "ladmm")

BALANCE = {"hqs": 0.23, "pgd": 0.23, "fista": 0.23, **dict.fromkeys(_WITH_DUALS, 0.35)}
"""λ, how much the prior counts against the data: DPIR's for HQS (section 4.2); ADMM and its kin,
whose duals bring back what a denoising took away, take half as much again (benchmarks/priors.py).
"""

FINISH = {"hqs": 0.7, "pgd": 0.7, "fista": 0.7, **dict.fromkeys(_WITH_DUALS, 1.0)}
"""The last level as a share of the data's noise: further down HQS fills gaps better."""

STEPS = 24
"""How many levels a course has where nothing else is said."""

LEAST_NOISE = 0.255 / 255.0
"""The least noise a measurement is taken to have: with none the prior would count nothing."""


def log_descent(upper: float = START, lower: float = 2.55 / 255.0, steps: int = 24) -> list[float]:
    """Noise levels falling from ``upper`` to ``lower`` in equal ratios, one for each iteration.

    σ_k = upper^(1−t) · lower^t with t = (k − 1)/(steps − 1).

    Args:
        upper: the first level, above 0; images lie in 0…1.
        lower: the last level, above 0: the measurement's noise.
        steps: how many, from 1; one step has the last level only.

    Returns:
        The levels, first to last.

    Raises:
        ParameterError: a level is not above 0, or steps is no whole number from 1.

    Example:
        >>> import dprox_core as dp
        >>> [round(level, 3) for level in dp.log_descent(0.2, 0.05, steps=3)]
        [0.2, 0.1, 0.05]

    References:
        K. Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, 2021, section
        4.2.
    """
    for name, level in (("upper", upper), ("lower", lower)):
        fine = in_range(level, 0.0) and level > 0
        refuse_unless(fine, "log_descent", name, "a noise level above 0", level)
    whole_number("log_descent: steps", steps, "steps")
    if steps == 1:
        return [lower]
    ratio = lower / upper
    return [upper * ratio ** (k / (steps - 1)) for k in range(steps)]
