"""How ρ follows what was measured."""

from __future__ import annotations

import math

import numpy as np
import torch

from dprox_core.algorithms.base import Residuals
from dprox_core.algorithms.measure import Norms
from dprox_core.algorithms.per_sample import is_per_sample
from dprox_core.proxfns.base import Step

__all__ = ["changes_allowed", "of_norms", "rho_factors", "step_factor"]


# So many times farther from its tolerance asks clearly.
_AGAINST = 10.0


def of_norms(
    dual: Norms, copy: Norms, missed: Norms, moved: Norms, *, early: bool
) -> tuple[Norms, Norms]:
    """Two numbers whose ratio says by which factor ρ is off, from the terms with bounded duals.

    (‖u‖ / ‖z‖) · √((‖r‖ / ‖z‖) / (‖Δz‖ / ‖u‖)). Convergence is measured by ρ ‖z − z*‖² +
    ‖y − y*‖² / ρ (Boyd et al. 2011, appendix A), which from a start at zero is least for ρ = ‖y*‖ /
    ‖z*‖: the first factor, known after few iterations where duals are bounded. It is right for
    deconvolution and up to four times too small where the data says much of every pixel, as in
    denoising and inpainting. There the primal residual lags behind the dual one: the second
    factor, of relative residuals that are not pulled back through Kᴴ, so that K's norm plays no
    part (Wohlberg 2017).

    Args:
        dual: ‖u‖.
        copy: ‖z‖.
        missed: ‖r‖ = ‖K x − z‖.
        moved: ‖Δz‖ of the last step.
        early: whether it is too early for residuals to say anything.
    """
    if early:
        return dual, copy
    return dual * np.sqrt(missed * dual), copy * np.sqrt(moved * copy)


def rho_factors(
    held: Residuals,
    rho: Step,
    first: Step,
    changes: int | torch.Tensor,
    max_changes: int,
    max_span: float,
    iteration: int,
) -> torch.Tensor:
    """By which power of two to change ρ, or each sample's.

    Convergence is measured by ρ ‖z − z*‖² + ‖y − y*‖² / ρ (Boyd et al. 2011, appendix A), which
    from a start at zero is least for ρ = ‖y*‖ / ‖z*‖. Where duals are bounded, as for norms, that
    ratio is known after few iterations; elsewhere residuals are balanced.

    Args:
        held: what was measured.
        rho: ρ now.
        first: ρ at the start.
        changes: how often it was changed.
        max_changes: and how often it may be at any time.
        max_span: how far it may move away from its start.
        iteration: how many steps were done; further changes wait longer and longer.
    """
    each = held.samples if is_per_sample(rho) else (held,)
    factors = torch.tensor([_factor(one) for one in each], dtype=torch.float64)
    span = factors * _plain(rho) / _plain(first)
    kept = torch.as_tensor(changes).cpu() >= changes_allowed(iteration, max_changes)
    return torch.where(kept | (span > max_span) | (span < 1.0 / max_span), 1.0, factors)


def changes_allowed(iteration: int, at_once: int) -> int:
    """How many changes of a step size there may have been by an iteration.

    So many at any time, and one more whenever the iterations, from 20 for each of them, have grown
    by half. Between changes a method converges as it does with a fixed step size, and the longer
    the more, so that in the end it converges; yet what was chosen too soon is still mended.
    """
    start = 20.0 * at_once
    return at_once + (1 + int(math.log(iteration / start, 1.5)) if iteration >= start else 0)


def step_factor(held: Residuals) -> float:
    """Whether to double or halve the ratio of dual to primal steps: neither for small reasons.

    Where both residuals are as far from their tolerances, neither waits for the other (T.
    Goldstein, M. Li, X. Yuan, Adaptive Primal-Dual Splitting Methods, 2015).
    """
    if min(held.primal_tolerance, held.dual_tolerance) <= 0.0:
        return 1.0
    primal, dual = held.primal / held.primal_tolerance, held.dual / held.dual_tolerance
    if min(primal, dual) <= 0.0 or 0.1 <= primal / dual <= 10.0:
        return 1.0
    return 2.0 if primal > dual else 0.5


def _factor(held: Residuals) -> float:
    usable = min(held.primal_tolerance, held.dual_tolerance) > 0.0
    primal = held.primal / held.primal_tolerance if usable else 0.0
    dual = held.dual / held.dual_tolerance if usable else 0.0
    if held.balance is None:
        return _rounded(primal, dual, 0.5, 1)
    factor = _rounded(*held.balance, 1.0, 2)
    # Where such a term's copies or duals vanish, ρ would run away while all other terms stand
    # still: residuals that clearly ask for the opposite come first.
    up, down = _AGAINST * dual < primal, _AGAINST * primal < dual
    if min(primal, dual) > 0.0 and ((factor > 1.0 and down) or (factor < 1.0 and up)):
        return _rounded(primal, dual, 0.5, 1)
    return factor


def _plain(value: Step) -> torch.Tensor:
    return torch.as_tensor(value, dtype=torch.float64).detach().cpu()


def _rounded(a: float, b: float, exponent: float, parts: int) -> float:
    """(a / b)^exponent rounded to a power of 2^(1/parts) between 1/16 and 16; 1 up to a factor √2.

    Rounded, because then small changes of the data leave the sequence of ρ, and with it gradients
    and finite differences, alone.
    """
    if not (a > 0.0 and b > 0.0 and math.isfinite(a) and math.isfinite(b)):
        return 1.0
    wanted = exponent * math.log2(a / b)
    if abs(wanted) <= 0.5:
        return 1.0
    return 2.0 ** (max(-4 * parts, min(4 * parts, round(parts * wanted))) / parts)
