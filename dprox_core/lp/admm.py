"""The alternating direction method of multipliers for a scaled linear program."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from dprox_core.errors import DeviceError
from dprox_core.lp.factors import Factors
from dprox_core.lp.halpern import Check, Verdict
from dprox_core.lp.operators import SparseOperator
from dprox_core.lp.scaling import Scaled

__all__ = ["AdmmStep", "alternate"]

Array = NDArray[np.float64]

# Over-relaxation, between 0 and 2.
_RELAXATION = 1.6
# The first common penalty, and how an equality and a free variable stand to it.
_START, _EQUAL, _FREE = 0.1, 1e6, 1e-6
# Penalties learn every so many steps from what was seen every so many; after so many changes ever
# more rarely, so that they settle.
_LEARN_EVERY, _LOOK_EVERY, _SETTLE_AFTER, _RARER = 20, 5, 25, 1.15
# A penalty changes by this factor at most; a dual or a distance below this share of the typical one
# counts as that.
_LARGEST, _SMALL = 10.0, 1e-4
# The common penalty follows the residuals where one is this many times the other; more than this
# factor at once makes it hunt.
_BALANCED, _COMMON = math.log(4), 2.0
# Penalties stay between 1 / spread and spread. Far apart they cost digits: where no solution was
# found after many changes, what is lacking may be those.
_SPREAD, _NARROW, _NARROW_AFTER = 1e9, 1e6, 40
# Relative residuals below this are rounding.
_NOTHING = 1e-13


class AdmmStep:
    """s ↦ s + α (p − u) with u = P(s) and p = prox of cᵀx on the graph v = A x, at 2u − s.

    It is ADMM for the splitting of limits (of x and of v = A x) from costs and rows, written as
    Douglas and Rachford's iteration on one state. Every entry has a penalty ρᵢ of its own, and
    s = (x, v) − (z, y)/ρ at a solution, so that u and ρ (u − s) meet all limits and all signs of
    the duals exactly.

    Were it known which limits the solution meets, penalties of ∞ there and 0 elsewhere would give
    it in one step (Stellato et al., section 5.2). So they learn: each becomes the ratio of the
    limit's dual to the distance from it, both averaged over the last steps, which at a limit that
    matters grows without bound and elsewhere falls to nothing. It is the ratio by which an interior
    point method weighs its rows, and one such change costs some ten steps. That is what makes ADMM
    of use for linear programs: with one penalty for all it needs ten to a hundred times as many
    steps.

    Args:
        scaled: the program.
        device: only "cpu": the factors live there.
        penalty: the common penalty to begin with, in scaled units; None chooses.

    Raises:
        DeviceError: for another device.

    References:
        S. Boyd et al., Distributed Optimization and Statistical Learning via the Alternating
        Direction Method of Multipliers, 2011, section 5.2.
        J. Eckstein, D. Bertsekas, On the Douglas-Rachford splitting method, 1992.
        B. Stellato et al., OSQP: an operator splitting solver for quadratic programs, 2020.
    """

    check_every = 20

    def __init__(self, scaled: Scaled, device: torch.device, penalty: float | None = None) -> None:
        if device.type != "cpu":
            raise DeviceError(
                'The method "admm" keeps sparse factors, which live on the CPU: choose method '
                f'"pdhg" for {device}, or device "cpu".',
                expected="cpu",
                got=str(device),
                where="device",
            )
        self.operator = SparseOperator(scaled.A, device)
        self.m, self.n = scaled.A.shape
        self._lower = np.concatenate([scaled.lower, scaled.row_lower])
        self._upper = np.concatenate([scaled.upper, scaled.row_upper])
        self._c = scaled.c
        equal = self._lower == self._upper
        free = np.isneginf(self._lower) & np.isposinf(self._upper)
        self._learns = ~equal & ~free
        # Penalties over the common one.
        self._shares = np.where(equal, _EQUAL, np.where(free, _FREE, 1.0))
        self.spread = _SPREAD
        self._given = penalty is not None
        self.weight = _START if penalty is None else penalty
        self._penalties = np.clip(self.weight * self._shares, 1 / self.spread, self.spread)
        self._factors = Factors(scaled.A, self._penalties)
        self._moved = np.zeros(self.n + self.m)
        self._before = (np.zeros(0), np.zeros(0))
        self.warm = False
        self._forget()

    def start(self, x: torch.Tensor, y: torch.Tensor) -> Array:
        """The state that belongs to a pair of scaled vectors, and the penalties it suggests."""
        u = np.clip(torch.cat([x, self.operator.forward(x)]).numpy(), self._lower, self._upper)
        z = self._c - self.operator.adjoint(y).numpy()
        dual = np.concatenate([z, y.numpy()])
        self.warm = bool(x.any() and y.any())
        if self.warm:
            # Only what a limit supports can be told by the state.
            supported = np.where(dual > 0, u == self._lower, u == self._upper)
            self._note(u, np.where(supported, dual, 0.0))
            size, price = np.linalg.norm(u), np.linalg.norm(self._duals)
            if size > 0 and price > 0 and not self._given:
                self.weight = float(price / size)
            self._reconsider(_LARGEST**2)
            self._factors.renew(self._penalties)
            self._forget()
        s: Array = u - dual / self._penalties
        self._before = self.split(s)
        return s

    def advance(self, s: Array) -> None:
        """One step, in place."""
        n = self.n
        u = np.clip(s, self._lower, self._upper)
        right = 2.0 * u
        right -= s
        aim = right[n:].copy()
        right[:n] *= self._penalties[:n]
        right[:n] -= self._c
        moved = self._factors.solve(right)
        # Rows: A x − μ/ρ = r_v, so that v = r_v + μ/ρ.
        moved[n:] /= self._penalties[n:]
        moved[n:] += aim
        moved -= u
        self._moved = moved
        s += _RELAXATION * moved

    def split(self, s: Array) -> tuple[Array, Array]:
        """(x, A x) and its duals (z, y), as the state tells them."""
        primal = np.clip(s, self._lower, self._upper)
        return primal, self._penalties * (primal - s)

    def candidate(self, s: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """The scaled x and y that a state stands for."""
        primal, dual = self.split(s)
        return torch.from_numpy(primal[: self.n]), torch.from_numpy(dual[self.n :])

    def length(self) -> float:
        """How far the last step went, in the norm in which steps are nonexpansive."""
        return float(np.sqrt(self._penalties @ np.square(self._moved)))

    def rays(self, s: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """The primal and the dual direction since this was last asked: differences of iterates.

        Where there is no solution they tend to a certificate of that; over many steps what swings
        has gone, and penalties may have changed meanwhile.

        References:
            G. Banjac et al., Infeasibility detection in the alternating direction method of
            multipliers for convex optimization, 2019.
        """
        primal, dual = self.split(s)
        before, self._before = self._before, (primal, dual)
        primal, dual = primal - before[0], dual - before[1]
        return torch.from_numpy(primal[: self.n]), torch.from_numpy(dual[self.n :])

    def lean(self, s: Array) -> float:
        """By what, in logarithms, a larger common penalty would balance ADMM's two residuals.

        They are of A x = v and of z + Aᵀ y = c, relative to their terms. Those of the certificate
        do not serve: a dual at a limit that x stays away from shows there in the gap alone.
        """
        primal, dual = self.split(s)
        x, y = torch.from_numpy(primal[: self.n]), torch.from_numpy(dual[self.n :])
        image, adjoint = self.operator.forward(x).numpy(), self.operator.adjoint(y).numpy()
        v, z = primal[self.n :], dual[: self.n]
        first = _relative(image - v, image, v)
        second = _relative(self._c - adjoint - z, self._c, adjoint, z)
        if first < _NOTHING and second < _NOTHING:
            return 0.0
        return 0.5 * math.log(max(first, _NOTHING) / max(second, _NOTHING))

    def narrow(self) -> None:
        """Bring all penalties nearer to each other, for the sake of the last digits."""
        self.spread = _NARROW
        self._shares = np.clip(self._shares, _NARROW**-0.5, _NARROW**0.5)

    def look(self, s: Array) -> None:
        """Take note of duals and distances for the next change of penalties."""
        self._note(*self.split(s))

    def learn(self, s: Array, lean: float) -> None:
        """Change the penalties and, so that both parts stay what they are, the state.

        Args:
            s: the state.
            lean: by what, in logarithms, the common penalty is to change.
        """
        primal, dual = self.split(s)
        if abs(lean) > _BALANCED:
            self.weight *= min(max(math.exp(lean), 1 / _COMMON), _COMMON)
        self._reconsider(_LARGEST)
        self._factors.renew(self._penalties)
        np.subtract(primal, dual / self._penalties, out=s)
        self._forget()

    def _note(self, primal: Array, dual: Array) -> None:
        self._duals += np.abs(dual)
        self._distances += np.minimum(primal - self._lower, self._upper - primal)
        self._looks += 1

    def _reconsider(self, largest: float) -> None:
        """Penalties from what was noted, each changed by the factor ``largest`` at most."""
        duals, distances = self._duals[self._learns], self._distances[self._learns]
        if self._looks and duals.any() and distances.any():
            due = (duals / _typical(duals) + _SMALL) / (distances / _typical(distances) + _SMALL)
            held = self._shares[self._learns]
            self._shares[self._learns] = np.clip(due, held / largest, held * largest)
        self._penalties = np.clip(self.weight * self._shares, 1 / self.spread, self.spread)
        self._shares = self._penalties / self.weight

    def _forget(self) -> None:
        self._duals, self._distances = np.zeros(self.n + self.m), np.zeros(self.n + self.m)
        self._looks = 0


def _relative(rest: Array, *terms: Array) -> float:
    size = max(float(np.linalg.norm(term)) for term in terms)
    return float(np.linalg.norm(rest)) / size if size > 0 else 0.0


def _typical(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def alternate(
    step: AdmmStep,
    x: torch.Tensor,
    y: torch.Tensor,
    max_iter: int,
    judge: Callable[[Check], Verdict],
    adapt: bool = True,
) -> int:
    """Take ADMM steps until a check says done, and let the penalties learn on the way.

    Args:
        step: ADMM's step.
        x: the scaled variables to start from.
        y: the scaled duals to start from.
        max_iter: the most steps.
        judge: looks at the iterate after the first step (a warm start may be good enough), after
            every ``step.check_every`` and after the last.
        adapt: whether penalties change.

    Returns:
        How many steps were done.
    """
    s = step.start(x, y)
    leans: list[float] = []
    pause, due, changes = float(_LEARN_EVERY), float(_LEARN_EVERY), 0
    if step.warm and judge(Check(0, x, y, math.inf, partial(step.rays, s))).done:
        return 0
    for count in range(1, max_iter + 1):
        step.advance(s)
        if adapt and count % _LOOK_EVERY == 0:
            step.look(s)
        if count % step.check_every and count not in (1, max_iter):
            continue
        verdict = judge(Check(count, *step.candidate(s), step.length(), partial(step.rays, s)))
        if verdict.done:
            return count
        if not adapt or count == 1:
            continue
        leans.append(step.lean(s))
        if count >= due:
            if changes == _NARROW_AFTER:
                step.narrow()
            step.learn(s, float(np.mean(leans)) if leans else 0.0)
            leans.clear()
            changes += 1
            pause *= _RARER if changes >= _SETTLE_AFTER else 1.0
            due = count + pause
    return max_iter
