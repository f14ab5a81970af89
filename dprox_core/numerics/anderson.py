"""Anderson acceleration of fixed-point iterations."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from dprox_core.numerics import reductions

__all__ = ["Anderson", "extrapolated"]

# Of so many columns a few rows stay in the cache.
_COLUMNS = 16384


class Anderson:
    """The next point from the last few points and their images.

    With residuals r_i = F(z_i) − z_i, the next point is Σ_i α_i F(z_i) where Σ_i α_i = 1 and
    ‖Σ_i α_i r_i‖² + regularization is least. H. F. Walker, P. Ni, Anderson Acceleration for
    Fixed-Point Iterations, 2011.

    Args:
        memory: how many points are kept.
        regularization: relative to the residuals' squared lengths.
    """

    def __init__(self, memory: int, regularization: float = 1e-10) -> None:
        self._memory = memory
        self._regularization = regularization
        self._images: list[torch.Tensor] = []
        self._residuals: list[torch.Tensor] = []

    def reset(self) -> None:
        """Forget all points."""
        self._images.clear()
        self._residuals.clear()

    def next(self, point: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """The next point, after one more point and its image."""
        self._images.append(image)
        self._residuals.append(image - point)
        if len(self._images) > self._memory + 1:
            self._images.pop(0)
            self._residuals.pop(0)
        count = len(self._images)
        if count == 1:
            return image
        last = self._residuals[-1]
        products = reductions.products(
            torch.stack([r - last for r in self._residuals[:-1]] + [last])
        )
        gram, right = products[:-1, :-1], -products[:-1, -1]
        shift = self._regularization * gram.diagonal().max().clamp_min(1e-300)
        identity = torch.eye(count - 1, dtype=gram.dtype, device=gram.device)
        weights = _solved(gram + shift * identity, right)
        result = image.clone()
        for weight, held in zip(weights, self._images[:-1], strict=True):
            result.add_(held, alpha=weight).sub_(image, alpha=weight)
        return result


def extrapolated(points: list[torch.Tensor], images: list[torch.Tensor]) -> torch.Tensor | None:
    """The next point from a few and their images, by differences of one to the next.

    Each difference is brought to the same length, so that those of long ago, which are far longer,
    do not hide the last ones. Where rounding would show in the sum, there are fewer points.

    Args:
        points: z_i, at least two, oldest first.
        images: F(z_i).

    Returns:
        The point; None where there is none that is finite.
    """
    products = _products(points, images)
    gram, right = products[:-1, :-1], products[:-1, -1]
    epsilon = torch.finfo(images[-1].dtype).eps
    for start in range(len(right)):
        weights = _weights(gram[start:, start:], right[start:], max(1e-10, 10.0 * epsilon))
        if not 1.0 + 2.0 * sum(map(abs, weights)) <= epsilon**-0.5:
            continue
        # The last image without the weighed differences of images.
        steps = [0.0, *weights, 0.0]
        shares = [after - before for before, after in pairwise(steps)]
        result = images[-1] * (1.0 + shares[-1])
        for share, image in zip(shares[:-1], images[start:-1], strict=True):
            result.add_(image, alpha=share)
        return result if math.isfinite(reductions.norm(result)) else None
    return None


def _products(points: list[torch.Tensor], images: list[torch.Tensor]) -> torch.Tensor:
    """Inner products of the changes of F(z) − z and, last, of the last one: piece by piece, for
    new memory for all of them would cost more than the products."""
    count = len(points)
    found = torch.zeros(count, count, dtype=torch.float64, device=points[0].device)
    pieces = [[t.split(_COLUMNS) for t in vectors] for vectors in (points, images)]
    for index in range(len(pieces[0][0])):
        befores, afters = ([split[index] for split in side] for side in pieces)
        part = torch.stack([b - a for a, b in zip(befores, afters, strict=True)])
        found += reductions.products(torch.cat([part[1:] - part[:-1], part[-1:]]))
    return found


def _weights(gram: torch.Tensor, right: torch.Tensor, shift: float) -> list[float]:
    """Those of the differences, each brought to length one and pulled to zero a little."""
    lengths = gram.diagonal().sqrt().clamp_min(1e-300)
    scaled = gram / lengths / lengths[:, None]
    scaled.diagonal().add_(shift)
    found = _solved(scaled, right / lengths)
    return [weight / length for weight, length in zip(found, lengths.tolist(), strict=True)]


def _solved(matrix: torch.Tensor, right: torch.Tensor) -> list[float]:
    """The solution of a small symmetric system by Cholesky's factors; 0 for what no pivot is left.

    By Python's own numbers: what LAPACK gives differs in the last bit with where in memory it
    works, and a solve that is taken up again must give the same bits.
    """
    rows, values = matrix.tolist(), right.tolist()
    count = len(values)
    factor = [[0.0] * count for _ in range(count)]
    for j in range(count):
        pivot = rows[j][j] - sum(v * v for v in factor[j][:j])
        # Written so that NaN has no pivot either.
        factor[j][j] = math.sqrt(pivot) if pivot > 1e-15 * abs(rows[j][j]) else math.inf
        for i in range(j + 1, count):
            known = sum(a * b for a, b in zip(factor[i][:j], factor[j][:j], strict=True))
            factor[i][j] = (rows[i][j] - known) / factor[j][j]
    for i in range(count):
        known = sum(factor[i][k] * values[k] for k in range(i))
        values[i] = (values[i] - known) / factor[i][i]
    for i in reversed(range(count)):
        known = sum(factor[k][i] * values[k] for k in range(i + 1, count))
        values[i] = (values[i] - known) / factor[i][i]
    return values
