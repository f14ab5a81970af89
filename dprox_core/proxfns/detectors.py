"""Data terms of detectors that lose something: the phase, or how many photons there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from dprox_core.arguments import whole_number
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.numerics.roots import increasing_root
from dprox_core.proxfns import checks
from dprox_core.proxfns.base import Objective, Step, make, register
from dprox_core.proxfns.likelihoods import above_zero
from dprox_core.proxfns.pointwise import Pointwise

if TYPE_CHECKING:
    from dprox_core.expressions.base import Expression
    from dprox_core.linops.space import Space

__all__ = ["PhaseRet", "Spi", "phase_ret", "spi"]


@register
class PhaseRet(Pointwise):
    """f(v) = Σ (|v_i| − y_i)²."""

    name = "phase_ret"
    operand_names: ClassVar[tuple[str, ...]] = ("y",)
    convex = False
    data_from_zero = True

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """Σ (|v_i| − y_i)²."""
        return reductions.squared_norm(v.abs() - self.data)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The phase stays, the magnitude moves towards y; a zero takes the phase 0."""
        size = v.abs()
        moved = (size + 2.0 * step * self.data) / (1.0 + 2.0 * step)
        seen = size >= torch.finfo(size.dtype).tiny
        return torch.where(seen, v, torch.ones_like(v)).sgn() * moved


@register
class Spi(Pointwise):
    """f(v) = Σ (K − n_i) s_i − n_i log(1 − exp(−s_i)) with s_i = α v_i / K > 0; else ∞."""

    name = "spi"
    has_domain = True
    operand_names: ClassVar[tuple[str, ...]] = ("ones",)
    real_only = True
    data_from_zero = True

    def __init__(
        self, space: Space, ones: torch.Tensor | float, jots: int = 1, gain: float = 1.0
    ) -> None:
        super().__init__(space, ones)
        self._jots = jots
        self._rate = gain / jots
        most = float(self.data.detach().max())
        if most > jots:
            raise ParameterError(
                f"spi: at most {jots} of {jots} jots can be one, but ones holds {most:g}.",
                expected=f"values up to {jots}",
                got=most,
                where="ones",
            )

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Counts must fit, jots be a whole number, gain above 0, the argument real.

        Raises:
            ParameterError: the argument is complex, or a number is out of range.
            ShapeError: the counts do not broadcast to the argument.
        """
        super().check(argument, operands, **options)
        whole_number("spi: jots", options["jots"], "jots")
        checks.positive(cls.name, "gain", options["gain"])

    def value(self, v: torch.Tensor) -> torch.Tensor:
        """The negative logarithm of the likelihood."""
        infinite = torch.full((), torch.inf, dtype=v.dtype, device=v.device)
        hit = self.data > 0
        rate = self._rate * v
        safe = torch.where(rate > 0, rate, torch.ones_like(rate))
        logs = torch.where(hit, self.data * torch.log(-torch.expm1(-safe)), torch.zeros_like(v))
        costs = (self._jots - self.data) * rate - logs
        outside = (v < 0) | ((v == 0) & hit)
        return reductions.total(torch.where(outside, infinite, costs))

    def finite(self, v: torch.Tensor) -> torch.Tensor:
        """Not below 0, and above it where something was detected."""
        return above_zero(v, self.data > 0)

    def prox(self, v: torch.Tensor, step: Step) -> torch.Tensor:
        """The root of u − v + step r ((K − n) − n / (exp(r u) − 1)) = 0, where n > 0."""
        rate, hit = self._rate, self.data > 0
        # What is found beside the others where there is none must have a derivative, too.
        n = torch.where(hit, self.data, torch.ones_like(self.data))
        size = torch.as_tensor(step, dtype=v.dtype, device=v.device)
        # So small a step is lost beside v: its prox is the projection, and what it starts to do
        # there. The slope of the root below, by the step, would be that of the very edge.
        lost = size <= torch.finfo(v.dtype).tiny ** 0.5
        used = torch.where(lost, torch.ones_like(size), size)
        dark = v - used * rate * (self._jots - self.data)

        def equation(u: torch.Tensor) -> torch.Tensor:
            return u - dark - used * rate * n / torch.expm1(rate * u)

        def slope(u: torch.Tensor) -> torch.Tensor:
            shrunk = 1.0 / torch.expm1(rate * u)
            return 1.0 + used * rate * rate * n * shrunk * (1.0 + shrunk)

        # exp(r u) − 1 ≥ r u, so the root is below that of u (u − dark) = step n.
        least = torch.finfo(v.dtype).tiny ** 0.25
        # Where dark is far below zero, its sum with the root beside it would be lost in rounding.
        length = torch.hypot(dark, 2.0 * torch.sqrt(used * n)).detach()
        shorter = torch.where(dark < 0, length - dark, torch.ones_like(length)).detach()
        high = torch.where(dark < 0, 2.0 * used * n / shorter, 0.5 * (dark + length)).detach()
        high = torch.maximum(high, least * torch.ones_like(v))
        root = increasing_root(equation, slope, torch.zeros_like(v), 1.001 * high, 200)
        root = torch.where(hit, root, dark.clamp_min(0.0))
        return torch.where(lost, self._first(v, size, least), root) if bool(lost.any()) else root

    def _first(self, v: torch.Tensor, step: torch.Tensor, least: float) -> torch.Tensor:
        """The prox to first order in the step."""
        rate, n = self._rate, self.data
        bright, below = v > least, v < -least
        shrunk = n / torch.expm1(rate * torch.where(bright, v, torch.ones_like(v)))
        inside = v - step * rate * ((self._jots - n) - shrunk)
        # Below zero u (u − v) is about step n.
        edge = step * n / torch.where(below, -v, torch.full_like(v, torch.inf))
        edge = edge + torch.where(n > 0, least, torch.zeros_like(n))
        return torch.where(bright, inside, edge)


def phase_ret(e: Expression | torch.Tensor, y: object) -> Objective | Any:
    """The data term of phase retrieval, Σ (|eᵢ| − yᵢ)². Not convex: a solve depends on its start.

    Args:
        e: an expression, usually complex, such as fft(mul_elementwise(x, code)).
        y: the measured magnitudes, from 0; a tensor or a placeholder that broadcasts to e.

    Returns:
        An objective.

    Raises:
        ShapeError: y does not broadcast to e.
        ParameterError: a magnitude is below 0.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.phase_ret(torch.tensor([3.0 + 4.0j]), torch.tensor([4.0])))
        1.0

    References:
        J. R. Fienup, Phase retrieval algorithms: a comparison, 1982.
    """
    return make(PhaseRet, e, y)


def spi(
    e: Expression | torch.Tensor, ones: object, jots: int = 1, gain: float = 1.0
) -> Objective | Any:
    """The data term of a single-photon camera whose pixels of K jots say only "some" or "none".

    With s = gain · e / K photons expected per jot, n jots see one or more:
    Σ (K − nᵢ) sᵢ − nᵢ log(1 − exp(−sᵢ)), the negative log-likelihood.

    Args:
        e: a real expression, the brightness (or a tensor, of which the value is returned).
        ones: how many jots of each pixel saw a photon, from 0 to K; broadcasts to e.
        jots: K, how many jots and exposures each pixel sums over.
        gain: photons per pixel at brightness one, above 0.

    Returns:
        An objective.

    Raises:
        ParameterError: e is complex, or a number is out of range.
        ShapeError: ones does not broadcast to e.

    Example:
        >>> import torch, dprox_core as dp
        >>> float(dp.spi(torch.tensor([2.0]), torch.tensor([0.0]), jots=4))
        2.0

    References:
        S. H. Chan, X. Wang, O. A. Elgendy, Plug-and-play ADMM for image restoration: fixed-point
        convergence and applications, 2017, section V.
    """
    return make(Spi, e, ones, jots=jots, gain=gain)
