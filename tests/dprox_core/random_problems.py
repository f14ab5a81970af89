"""Random small convex problems, each beside the same in CVXPY's words, and how a result compares.

Every problem has a planted point that meets its constraints. Operators become matrices by what they
do to tensors, so that what the compiler makes of expressions is not part of the yardstick.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
import torch
from random_functions import FUNCTIONS, LATER, Penalty, Said
from random_maps import Chain, Dice, chain, dense, flat
from random_sets import SETS

import dprox_core as dp

__all__ = ["Drawn", "Judged", "draw", "judge", "methods_of"]

SHAPES = (
    (1, 1, 3, 5), (1, 1, 4, 4), (1, 1, 1, 5), (2, 1, 3, 3), (1, 3, 2, 3), (1, 1, 5, 4),
    (4, 5), (3, 3), (6,), (7,), (1,), (1, 1, 1, 1), (3, 2), (2, 2, 2, 3), (5, 1), (3, 1, 2, 2),
)  # fmt: skip
# The scales of terms where all is well, and where it is not.
TAME, WILD = (0.1, 3.0), (1e-3, 1e3)


@dataclass(frozen=True)
class Drawn:
    """A problem of ours beside the same of CVXPY's.

    Attributes:
        seed: from which it was drawn.
        words: what it is about, in one line.
        problem: ours.
        unknowns: CVXPY's variable of each of ours, complex values as pairs.
        reference: CVXPY's problem.
        costs: its summands, one a term.
        single: whether it is in single precision.
    """

    seed: int
    words: str
    problem: dp.Problem
    unknowns: dict[dp.Variable, cp.Variable]
    reference: cp.Problem
    costs: tuple[Any, ...]
    single: bool

    def optimum(self) -> float | None:
        """CVXPY's optimal value; None where it finds none, or not surely."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                value = self.reference.solve(solver="CLARABEL")
            except cp.error.SolverError:
                return None
        return float(value) if self.reference.status == cp.OPTIMAL else None

    def scale(self, rough: bool) -> float:
        """What errors are a share of: the sum of the summands' sizes at the optimum.

        Where they vanish there, those at zero count: in whole for a rough solve, in part for one
        with tight tolerances.
        """
        self.optimum()
        here = self._sizes()
        for unknown in self.unknowns.values():
            unknown.value = np.zeros(unknown.shape)
        at_zero = self._sizes()
        return max(here, (1.0 if rough else 1e-3) * (at_zero if math.isfinite(at_zero) else 0.0))

    def _sizes(self) -> float:
        return sum(abs(float(np.sum(cost.value))) for cost in self.costs)

    def put(self, values: Any) -> None:
        """Give CVXPY's variables the values of a result of ours."""
        for ours, theirs in self.unknowns.items():
            theirs.value = flat(values[ours])

    def violation(self) -> float:
        """By how much CVXPY's constraints are missed, as a share of the values in them."""
        least = max([1.0, *(float(np.abs(u.value).max()) for u in self.unknowns.values())])
        shares = []
        for condition in self.reference.constraints:
            sides = [float(np.abs(side.value).max()) for side in condition.args]
            shares.append(float(np.max(condition.violation())) / max(least, *sides))
        return max(shares, default=0.0)


def draw(seed: int) -> Drawn:
    """The problem of a seed."""
    single = np.random.default_rng([seed, 1]).uniform() < 0.12
    dice = Dice(seed, single)
    wild, far = dice.chance(0.12), dice.chance(0.08)
    variables, points = [], []
    for name in "xyz"[: dice.pick([1, 1, 1, 2, 2, 3])]:
        is_complex = dice.chance(0.12)
        shape = dice.pick(SHAPES)
        dtype = {(False, False): torch.float64, (False, True): torch.complex128}.get(
            (single, is_complex), torch.complex64 if is_complex else torch.float32
        )
        variables.append(dp.Variable(name, shape, dtype=dtype))
        point = dice.normal(*shape, is_complex=is_complex) * (dice.size(1e-2, 1e2) if wild else 1.0)
        points.append(point + (1e3 if far else 0.0))
    unknowns = {
        v: cp.Variable(math.prod(v.shape) * (2 if v.dtype.is_complex else 1)) for v in variables
    }
    objective: Any = 0.0
    constraints: list[Any] = []
    costs: list[Any] = []
    conditions: list[Any] = []
    words: list[str] = []

    def add(penalty: Penalty, expression: Any, said: Said, text: str) -> None:
        nonlocal objective
        written = penalty.write(expression)
        cost, needed = penalty.state(said)
        weight = dice.size(*(WILD if wild else TAME))
        if isinstance(written, dp.Constraint) or penalty.name in SETS or not _is_cost(written):
            if isinstance(written, dp.Constraint) or dice.chance(0.5):
                constraints.append(written)
            else:
                objective = objective + written
            words.append(f"{penalty.name}[{text}]")
        else:
            objective = objective + weight * written
            costs.append(weight * cost)
            words.append(f"{weight:g}·{penalty.name}[{text}]")
        conditions.extend(needed)

    for index, variable in enumerate(variables):
        if not dice.chance(0.75):
            continue
        made = _expression(dice, [variable], [points[index]], unknowns, dice.pick([0, 0, 1, 2]))
        name = dice.pick(["sum_squares"] * 4 + ["weighted_sum_squares", "huber", "norm1"])
        penalty = FUNCTIONS[name](dice, made.z)
        if penalty is not None:
            add(penalty, made.expression, made.said, made.words)
    for _ in range(dice.whole(1, 3)):
        chosen = [i for i in range(len(variables)) if dice.chance(0.5)] or [0]
        made = _expression(
            dice, [variables[i] for i in chosen], [points[i] for i in chosen], unknowns, 2
        )
        table = SETS if dice.chance(0.35) else FUNCTIONS
        if dice.wide and dice.chance(0.3):
            table = LATER
        penalty = table[dice.pick(list(table))](dice, made.z)
        if penalty is not None:
            add(penalty, made.expression, made.said, made.words)
    if not costs:
        variable = variables[0]
        said = Said(unknowns[variable], variable.shape, variable.dtype.is_complex)
        add(FUNCTIONS["norm1"](dice, points[0]), variable, said, variable.name)
    problem = dp.Problem(objective, constraints)
    kept = {v: unknowns[v] for v in problem.variables}
    reference = cp.Problem(cp.Minimize(sum(costs)), conditions)
    notes = "f32 " * single + "wild " * wild + "far " * far
    shapes = " ".join(f"{v.name}{tuple(v.shape)}{'c' * v.dtype.is_complex}" for v in variables)
    return Drawn(
        seed,
        f"{notes}{shapes}: " + " + ".join(words),
        problem,
        kept,
        reference,
        tuple(costs),
        single,
    )


def _is_cost(written: Any) -> bool:
    return not any(term.function.is_indicator for term in written.terms)


@dataclass(frozen=True)
class _Made:
    expression: Any
    said: Said
    z: torch.Tensor
    words: str


def _expression(
    dice: Dice,
    variables: Sequence[dp.Variable],
    points: Sequence[torch.Tensor],
    unknowns: dict[dp.Variable, cp.Variable],
    most: int,
) -> _Made:
    """An affine expression of some variables, with its value at the planted point."""
    chains = [chain(dice, v.shape, p.dtype, most) for v, p in zip(variables, points, strict=True)]
    values = [c.apply(p) for c, p in zip(chains, points, strict=True)]
    if len({tuple(v.shape) for v in values}) > 1:
        length = dice.whole(1, 6)
        chains = [
            _flattened(c, dice.normal(length, v.numel()))
            for c, v in zip(chains, values, strict=True)
        ]
        values = [c.apply(p) for c, p in zip(chains, points, strict=True)]
    expression = chains[0].apply(variables[0])
    for c, v in zip(chains[1:], variables[1:], strict=True):
        expression = expression + c.apply(v)
    z = sum(values[1:], values[0])
    is_complex = z.is_complex()
    said: Any = 0.0
    for c, v, value in zip(chains, variables, values, strict=True):
        dtype = torch.complex128 if v.dtype.is_complex else torch.float64
        matrix = dense(c.apply, v.shape, v.dtype.is_complex, dtype)
        if is_complex and not value.is_complex():
            matrix = np.stack([matrix, np.zeros_like(matrix)], axis=1).reshape(-1, matrix.shape[1])
        said = said + matrix @ unknowns[v]
    if dice.chance(0.25):
        shift = dice.number(-1, 1)
        expression, z = expression + shift, z + shift
        said = said + flat(torch.full(z.shape, shift, dtype=z.dtype))
    text = " + ".join(
        f"{c.words}({v.name})" if c.words != "x" else v.name
        for c, v in zip(chains, variables, strict=True)
    )
    return _Made(expression, Said(said, tuple(z.shape), is_complex), z, text)


def _flattened(c: Chain, matrix: torch.Tensor) -> Chain:
    return Chain(lambda e: dp.matrix(dp.reshape(c.apply(e), (-1,)), matrix), f"matrix of {c.words}")


def methods_of(problem: dp.Problem) -> list[str]:
    """Every method that accepts a problem, and the choice of one."""
    return ["auto", *(c.method for c in dp.candidates(problem) if c.accepts)]


@dataclass(frozen=True)
class Judged:
    """A result beside the optimum.

    Attributes:
        method: that found it.
        result: it.
        error: by how much its objective is off, as a share of the objective's summands.
        violation: by how much constraints are missed.
        faults: what is wrong, sentence by sentence.
    """

    method: str
    result: Any
    error: float
    violation: float
    faults: tuple[str, ...]


def judge(
    drawn: Drawn, method: str, best: float, allowed: float, rough: bool, **options: Any
) -> Judged:
    """Solve by one method and compare.

    Args:
        drawn: the problem.
        method: the method.
        best: CVXPY's optimum.
        allowed: the share by which a converged result may be off.
        rough: whether the solve is one with loose tolerances.
        options: of the solve.
    """
    # Where the optimum is zero, CVXPY is off by 1e-9 or so itself.
    scale = max(drawn.scale(rough), 1e-5)
    result = drawn.problem.solve(method, **options)
    drawn.put(result)
    found, violation = float(np.sum(drawn.reference.objective.value)), drawn.violation()
    error = abs(found - best) / scale if math.isfinite(found) else math.inf
    faults = []
    if result.converged and not error <= allowed:
        faults.append(f"converged {error:.2g} off the optimum")
    if result.converged and not violation <= allowed:
        faults.append(f"converged with constraints missed by {violation:.2g}")
    if not result.converged and max(error, violation) > allowed:
        faults.append(f"{result.status.value} {error:.2g} off, missed by {violation:.2g}")
    gap = getattr(result.certificate, "gap", None)
    if gap is not None and math.isfinite(gap) and result.converged:
        bound = result.objective - gap
        if bound > best + 1e-6 * scale + (1e-4 * scale if drawn.single else 0.0):
            faults.append(f"the bound {bound:.9g} is above the optimum {best:.9g}")
    return Judged(method, result, error, violation, tuple(faults))
