"""The norm of several rows together: what the steps of first-order methods depend on.

Where variables differ much in what they weigh, one number for all is far too large for most of
them: ``curvatures`` gives each variable its own.

The sum of the rows' own norms is a bound, but a loose one where they are large at different
frequencies, such as a blur and a gradient, or act on different variables.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from dprox_core.compiler.model import Row
from dprox_core.linops.base import LinOp
from dprox_core.linops.estimate import kept_by_content, largest_eigenvalue
from dprox_core.linsolve.base import Gram
from dprox_core.linsolve.direct import direct_kind

__all__ = ["Weighed", "curvatures", "joint_norm"]

Vectors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Weighed:
    """c Kᴴ W K, one summand.

    Attributes:
        row: K.
        weight: c, from 0.
        metric: W, positive semi-definite; None for the identity.
    """

    row: Row
    weight: float = 1.0
    metric: LinOp | None = None


def joint_norm(parts: Sequence[Weighed]) -> float:
    """‖Σ_j c_j K_jᴴ W_j K_j‖ over all variables at once.

    Exact where the sum is diagonal in space or in frequency for each variable; else found by the
    Lanczos process, with a margin of 2 %, once for the same rows and weights.
    """
    parts = [part for part in parts if part.weight > 0.0]
    if not parts:
        return 0.0
    if any(part.row.single is None for part in parts):
        return _found(tuple(parts))
    # Variables that nothing couples: the largest norm among them.
    by_variable: dict[int, list[Weighed]] = defaultdict(list)
    for part in parts:
        by_variable[part.row.entries[0][0]].append(part)
    return max(_of_one(tuple(own)) for own in by_variable.values())


def curvatures(parts: Sequence[Weighed], count: int) -> tuple[float, ...]:
    """Numbers c_i, one for each variable, with Σ_j w_j K_jᴴ W_j K_j ⪯ diag(c_i I).

    c_i = γ ‖Σ_j w_j K_jiᴴ W_j K_ji‖ with the least γ for which that holds, at most the number of
    variables that meet: found for every group of variables that no row joins to others. That is
    the diagonal preconditioning of T. Pock, A. Chambolle, 2011, with one number a variable, so that
    every prox keeps its closed form.

    Args:
        parts: the summands.
        count: how many variables there are; 0 for one that no summand takes.
    """
    parts = [part for part in parts if part.weight > 0.0]
    found = [0.0] * count
    for group in _groups(parts, count):
        own = [part for part in parts if part.row.entries[0][0] in group]
        if len(group) == 1:
            found[group[0]] = joint_norm(own)
            continue
        sizes = {i: _column(own, i) for i in group}
        scales = {i: size**-0.5 for i, size in sizes.items() if size > 0.0}
        factor = _found(tuple(own), scales) if scales else 0.0
        for i in group:
            found[i] = factor * sizes[i]
    return tuple(found)


def _groups(parts: Sequence[Weighed], count: int) -> list[list[int]]:
    """The variables in groups that rows join."""
    group = list(range(count))
    for part in parts:
        joined = {group[i] for i, _ in part.row.entries}
        group = [min(joined) if g in joined else g for g in group]
    return [[i for i in range(count) if group[i] == g] for g in sorted(set(group))]


def _column(parts: Sequence[Weighed], index: int) -> float:
    """The norm for one variable while all others rest, from a coarse grid."""
    own = [
        Weighed(Row(((index, operator),)), part.weight, part.metric)
        for part in parts
        for i, operator in part.row.entries
        if i == index
    ]
    # A power of two, so that a small change of the numbers changes all c_i by the same factor.
    size = joint_norm(own)
    return 2.0 ** round(math.log2(size)) if size > 0.0 else 0.0


def _of_one(parts: tuple[Weighed, ...]) -> float:
    """The norm for parts that all take one variable, each alone."""
    operators = [part.row.entries[0][1] for part in parts]
    if len(parts) == 1 and parts[0].metric is None:
        return parts[0].weight * operators[0].tight_norm() ** 2
    grams = [Gram(op, part.metric) for op, part in zip(operators, parts, strict=True)]
    kind = direct_kind(grams)
    if kind is None:
        return _found(parts)
    total: torch.Tensor | None = None
    for gram, part in zip(grams, parts, strict=True):
        values = gram.diagonal() if kind == "diagonal" else gram.spectrum()
        assert values is not None, "the kind was chosen because all have it"
        summand = values.detach() * part.weight
        total = summand if total is None else total + summand
    assert total is not None, "there is a part"
    return float(total.max())


def _found(parts: tuple[Weighed, ...], scales: dict[int, float] | None = None) -> float:
    """The norm by products, of rows with each variable multiplied by a number."""
    # Weights that all grow alike, such as one that is learned, change nothing but the scale.
    scale = max(part.weight for part in parts)
    given = scales or {}
    sizes = {i: size * math.sqrt(scale) for i, size in given.items()}
    parts = tuple(Weighed(p.row, p.weight / scale, p.metric) for p in parts)
    domains = {i: operator.domain for part in parts for i, operator in part.row.entries}
    order = sorted(domains)

    def stretched(index: int, v: torch.Tensor) -> torch.Tensor:
        return v * sizes.get(index, 0.0) if sizes else v

    def gram(v: Vectors) -> Vectors:
        by_index = {i: stretched(i, held) for i, held in zip(order, v, strict=True)}
        sums = {i: domains[i].zeros() for i in order}
        for part in parts:
            image: torch.Tensor | None = None
            for i, operator in part.row.entries:
                pushed = operator.forward(by_index[i])
                image = pushed if image is None else image + pushed
            assert image is not None, "a row has entries"
            if part.metric is not None:
                image = part.metric.forward(image)
            image = image * part.weight
            for i, operator in part.row.entries:
                sums[i] = operator.adjoint_add(image, sums[i], in_place=True)
        return tuple(stretched(i, sums[i]) for i in order)

    start = tuple(domains[i].random(seed) for seed, i in enumerate(order))
    held = (parts, tuple(sorted(sizes.items()))) if sizes else parts
    found = kept_by_content(held, lambda: largest_eigenvalue(gram, start))
    return found if sizes else scale * found
