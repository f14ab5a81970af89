"""A point where an objective is clearly lower, looked for where steps are short.

Gradient steps creep where f is curved far less in one direction than in another, and their
residuals are small long before they arrive. Conjugate gradients on the quadratic that f is nearby,
the other terms by the subgradients that the proxes found,

    d ≈ argmin over d of Re⟨s, d⟩ + ½ ⟨d, ∇²f d⟩,   s = ∇f(x) + Σ_j K_jᴴ y_j,

see such directions in a few products, and tell by how much the quadratic falls with each. Terms
with kinks rise more than their subgradients say, so that what this promises is more than can be
had; where it promises something, the objective itself is asked. Elements that a prox holds, at zero
or at a bound, where s vanishes, stay there; where equations stand in the way, directions are kept
along them. J. Nocedal, S. Wright, Numerical Optimization, 2006, algorithm 7.1 (Newton-CG, which
goes on along directions without curvature) and algorithm 16.2 (gradients projected).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from dprox_core.algorithms.evidence import Evidence
from dprox_core.algorithms.level import Level
from dprox_core.algorithms.standing import inners, lengths, summed, times

__all__ = ["lower_point"]

Vectors = tuple[torch.Tensor, ...]

# Directions in which f bends by less than so many roundings are straight.
_ROUNDINGS = 1e3
# Differences of slopes that change evenly are taken over so many times the iterate's size.
_AWAY = 10.0
# So many times as far away as the iterate is from zero a minimizer may be along such a direction.
_FAR = 1e4
# So many steps in a row that promise less than this share of what is asked for are the last, or
# two where nothing more can be had as far away as the iterate is from zero.
_LITTLE, _PATIENCE = 0.02, 20
# So many times farther, and as many times less far, the objective is asked along a direction.
_FARTHER, _NEARER = 4.0, 0.25
_TRIES = 12


@torch.no_grad()
def lower_point(
    evidence: Evidence, objective: Callable[[Vectors], float], asked: list[float], steps: int
) -> Vectors | None:
    """A point at which the objective is lower than where a method stands by more than asked.

    Args:
        evidence: what the method knows.
        objective: its value, infinite where a constraint is missed.
        asked: by how much lower at least, for each sample of a batch; infinite for those that
            shall stay.
        steps: of conjugate gradients at most, each with one gradient of f.

    Returns:
        The lowest that was found; None where there is none, or none was found.
    """
    ways, start = _Ways(evidence, asked), math.inf
    while True:
        for _ in range(steps):
            if not ways.step():
                break
        if not any(ways.promising):
            return None
        if not math.isfinite(start):
            start = objective(_inside(evidence, evidence.x))
        if not math.isfinite(start):
            return None
        enough = sum(a for a, has in zip(asked, ways.promising, strict=True) if has)
        for way in ways.ways():
            point, value = _lowest(evidence, objective, way, start)
            if point is not None and value < start - enough:
                return point
        # What was promised may have been across equations.
        level = ways.level()
        if level is None:
            return None
        ways = level


def _lowest(
    evidence: Evidence, objective: Callable[[Vectors], float], way: Vectors, start: float
) -> tuple[Vectors | None, float]:
    """The lowest point that is found along a direction, and the objective there."""
    least, best = start, None
    for factor in (_FARTHER, _NEARER):
        share = 1.0 if factor > 1.0 else factor
        for _ in range(_TRIES):
            point = _inside(
                evidence,
                tuple(torch.add(v, d, alpha=share) for v, d in zip(evidence.x, way, strict=True)),
            )
            value = objective(point)
            if value < least:
                least, best = value, point
            elif factor > 1.0 or best is not None:
                break
            share *= factor
        if best is not None:
            break
    return best, least


class _Ways:
    """Conjugate gradients for every sample of a batch by itself.

    Args:
        evidence: what the method knows.
        asked: by how much the objective should fall in each sample.
        level: keeps directions along equations, where that is wanted.
    """

    def __init__(self, evidence: Evidence, asked: list[float], level: Level | None = None) -> None:
        self._evidence, self._level = evidence, level
        self._here, self._asked, self._samples = evidence.here, asked, len(asked)
        self._near = _nearness(evidence)
        self._size = lengths(evidence.x, self._samples)
        rest, _ = evidence.rest(evidence.here, self._samples)
        self._going = [math.isfinite(a) for a in asked]
        self._rest = times([-float(going) for going in self._going], tuple(rest))
        self._free = tuple(r != 0 for r in self._rest)
        if level is not None:
            self._rest = level.along(self._rest)
        self._search = self._rest
        self._first = self._square = self._inner(self._rest, self._rest)
        self._way = tuple(torch.zeros_like(r) for r in self._rest)
        self._straight = self._way
        self._promised = [0.0] * self._samples
        self._little = [0] * self._samples

    @property
    def promising(self) -> list[bool]:
        """For which samples more than is asked may be had."""
        return [p > a for p, a in zip(self._promised, self._asked, strict=True)]

    def ways(self) -> list[Vectors]:
        """d, none where it is not worth it; with where it is straight, and without."""
        wanted = [float(has) for has in self.promising]
        bent, straight = times(wanted, self._way), times(wanted, self._straight)
        if not any(map(torch.any, straight)):
            return [bent]
        return [tuple(a + b for a, b in zip(bent, straight, strict=True)), bent]

    def level(self) -> _Ways | None:
        """The same along equations; None where there are none, or these are."""
        level = Level(self._evidence, self._free, self._samples)
        if self._level is not None or not level.is_needed:
            return None
        return _Ways(self._evidence, self._asked, level)

    def step(self) -> bool:
        """One product; whether there is more to do."""
        self._going = [g and s > 0.0 for g, s in zip(self._going, self._square, strict=True)]
        if not any(self._going):
            return False
        length = lengths(self._search, self._samples)
        product, hidden = self._bent(length)
        bends = self._inner(self._search, product)
        far = lengths(self._way, self._samples)
        shares, ahead = [0.0] * self._samples, [0.0] * self._samples
        for index, going in enumerate(self._going):
            if not going:
                continue
            square = self._square[index]
            reach = max(self._size[index], far[index], 1.0) / length[index]
            if bends[index] > max(hidden[index], square / (_FAR * reach)):
                shares[index] = square / bends[index]
                self._count(index, 0.5 * shares[index] * square)
            else:
                # Straight ahead; how far, the objective tells.
                ahead[index] = reach
                self._promised[index] += _FAR * ahead[index] * square
                self._going[index] = False
        self._way = summed(self._way, shares, self._search)
        if any(ahead):
            self._straight = summed(self._straight, ahead, self._search)
        if not any(self._going):
            return False
        self._rest = summed(self._rest, [-share for share in shares], product)
        before, self._square = self._square, self._inner(self._rest, self._rest)
        far = lengths(self._way, self._samples)
        for index, going in enumerate(self._going):
            reach = max(self._size[index], far[index])
            nothing = math.sqrt(self._square[index]) * reach <= self._asked[index]
            little = self._little[index]
            self._going[index] = going and little < _PATIENCE and not (little > 1 and nothing)
            # What grows beyond all digits is rounding.
            grown = self._square[index] > self._first[index] / _epsilon(self._search[0]) ** 2
            if (
                grown
                or not math.isfinite(far[index])
                or far[index] > _FAR * max(self._size[index], 1.0)
            ):
                self._going[index] = False
        ratios = [
            now / was if going else 0.0
            for now, was, going in zip(self._square, before, self._going, strict=True)
        ]
        self._search = summed(self._rest, ratios, self._search)
        return any(self._going)

    def _count(self, index: int, gain: float) -> None:
        self._promised[index] += gain
        little = gain < _LITTLE * self._asked[index]
        self._little[index] = self._little[index] + 1 if little else 0

    def _bent(self, length: list[float]) -> tuple[Vectors, list[float]]:
        """∇²f p, and what may be rounding of ⟨p, ∇²f p⟩."""
        samples = self._samples
        apart = [
            self._near * (size if size > 0.0 else 1.0) / long if long > 0.0 else 1.0
            for size, long in zip(self._size, length, strict=True)
        ]
        ahead = self._here.at(summed(self._here.x, apart, self._search)).slope
        moves = tuple(
            (late - early) * free
            for late, early, free in zip(ahead, self._here.slope, self._free, strict=True)
        )
        if self._level is not None:
            moves = self._level.along(moves)
        sizes = zip(lengths(self._here.slope, samples), lengths(ahead, samples), strict=True)
        epsilon = _ROUNDINGS * torch.finfo(moves[0].dtype).eps
        hidden = [
            epsilon * max(pair) * long / a
            for pair, long, a in zip(sizes, length, apart, strict=True)
        ]
        return times([1.0 / a for a in apart], moves), hidden

    def _inner(self, a: Vectors, b: Vectors) -> list[float]:
        parts = [inners(v, w, self._samples) for v, w in zip(a, b, strict=True)]
        return [sum(own) for own in zip(*parts, strict=True)]


def _epsilon(like: torch.Tensor) -> float:
    return float(torch.finfo(like.dtype).eps)


def _nearness(evidence: Evidence) -> float:
    """How far away, in sizes of the iterate, a slope is compared with the one here."""
    if evidence.here.is_quadratic:
        # Its slope changes evenly, so that far away least of the change is rounding.
        return _AWAY
    # So near that a bend of f is not passed over, and not so near that differences round.
    return float(torch.finfo(evidence.x[0].dtype).eps) ** (1.0 / 3.0)


def _inside(evidence: Evidence, x: Vectors) -> Vectors:
    """The nearest point that meets the constraints of single variables."""
    found = list(x)
    for piece in evidence.pieces:
        if piece.row.is_identity:
            index = piece.row.entries[0][0]
            for term in piece.terms:
                if term.function.is_indicator:
                    found[index] = term.penalty.prox(found[index], 1.0)
                elif term.function.has_domain and term.penalty.rotation is None:
                    outside = term.function.outside(term.penalty.inside(found[index]))
                    scale = term.penalty.scale
                    found[index] = found[index] - (outside if scale is None else outside / scale)
    return tuple(found)
