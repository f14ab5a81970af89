"""What the builders of all methods share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from dprox_core.algorithms.base import Tolerances
from dprox_core.compiler.model import BoundTerm, Model
from dprox_core.compiler.plan import PassRecord, Plan, PlanTerm
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.proxfns.base import Step

__all__ = [
    "Request",
    "between",
    "choice",
    "flag",
    "nearest_eighth",
    "nearest_power_of_two",
    "nearest_sixteenth",
    "plan_term",
    "positive",
    "positives",
    "rounded_above",
    "rounded_below",
    "schedule",
]


@dataclass(frozen=True)
class Request:
    """What a builder is asked for.

    Attributes:
        model: the problem after the passes.
        records: what the passes did.
        text: the objective as written.
        tolerances: when to stop.
        differentiate: whether gradients are wanted.
        options: the method's own options, names already checked.
    """

    model: Model
    records: tuple[PassRecord, ...]
    text: str
    tolerances: Tolerances
    differentiate: bool
    options: dict[str, Any]

    @property
    def fixed(self) -> bool:
        """Whether a fixed number of steps is asked for: then no step is taken by halves, and
        iterates are the same with and without gradients."""
        return self.tolerances.absolute == 0.0 and self.tolerances.relative == 0.0

    def plan(self, **chosen: Any) -> Plan:
        """A plan with the entries that are the same for every method filled in."""
        space = self.model.spaces[0]
        chosen.setdefault("guarantees", _guarantees(self.model))
        return Plan(
            objective=self.text,
            variables={v.name: v.shape for v in self.model.variables},
            dtype=str(space.precision).removeprefix("torch."),
            device=str(space.device),
            passes=self.records,
            tolerances={
                "absolute": self.tolerances.absolute,
                "relative": self.tolerances.relative,
            },
            **chosen,
        )


def _guarantees(model: Model) -> tuple[str, ...]:
    """What is known about the point that a method converges to."""
    wild = [term.text for term in model.terms if not term.function.convex]
    if wild:
        return (f"No guarantee: {' and '.join(wild)} is not convex, so a solution may be local.",)
    return ("The problem is convex: what the method converges to is a global minimum.",)


def plan_term(term: BoundTerm, role: str, tight: bool = False) -> PlanTerm:
    """Where a term went, with the norm that was used: a tight one where steps depend on it."""
    operator = None if term.row.is_identity else term.argument
    norm = term.row.tight_norm() if tight else term.row.norm_bound()
    return PlanTerm(term.text, role, operator, norm, term.moved, curvature(term))


def curvature(term: BoundTerm) -> str:
    """What a weighted function declares of its curvature, in words."""
    function, weight = term.function, reductions.number(term.penalty.weight)
    if not function.has_value:
        return "learned"
    smooth = function.lipschitz
    if smooth == 0.0:
        return "affine"
    if not function.convex:
        kind = "non-convex"
    else:
        bend = weight * function.modulus
        kind = f"strongly convex (μ = {bend:.4g})" if bend else "convex"
    return kind if smooth is None else f"{kind}, smooth (L = {weight * smooth:.4g})"


# Parameters chosen from data are rounded so that a small change of the data leaves them alone:
# gradients through a solve, which take them as constant, then agree with finite differences.


def nearest_power_of_two(value: float) -> float:
    """The power of two nearest to a value, on the logarithmic scale."""
    return 2.0 ** round(math.log2(value))


def nearest_eighth(value: float) -> float:
    """The nearest of eight numbers an octave, powers of two among them; zero stays zero."""
    return 2.0 ** (round(8.0 * math.log2(value)) / 8.0) if value > 0.0 else value


def nearest_sixteenth(value: float) -> float:
    """The same with sixteen numbers an octave."""
    return nearest_eighth(value**2) ** 0.5


def rounded_below(value: float) -> float:
    """A number at most a twentieth below a value, from a grid that holds no powers of two.

    Kernels that sum to one have norm one, so a step of 1/2 is common and must not lie on the edge
    between two numbers of the grid.
    """
    return 0.99 * 2.0 ** (math.floor(16.0 * math.log2(value / 0.99)) / 16.0)


def rounded_above(value: float) -> float:
    """A number at most a twentieth above a value, from a grid of the same kind; zero stays zero."""
    return 1.0 / rounded_below(1.0 / value) if value > 0.0 else value


# The smallest normal number of single precision is 1.2e-38.
_LEAST = 1e-30


def positive(name: str, value: object) -> None:
    size = reductions.number(value) if isinstance(value, (int, float, torch.Tensor)) else math.nan
    if not (math.isfinite(size) and size > 0):
        raise ParameterError(
            f"{name} must be a number above 0, not {value!r}.",
            expected="a number above 0",
            got=value,
            where=name,
        )
    if not _LEAST <= size <= 1.0 / _LEAST:
        raise ParameterError(
            f"{name} is {size:g}, and beyond {_LEAST:g} and {1.0 / _LEAST:g} products of numbers "
            "are lost in single precision: bring data, weights and operators to sizes nearer to "
            "one.",
            expected=f"from {_LEAST:g} to {1.0 / _LEAST:g}",
            got=value,
            where=name,
        )


def positives(name: str, given: object) -> Sequence[Step]:
    """One or several numbers above 0, as numbers or as tensors that want a gradient.

    Raises:
        ParameterError: there are none, or something else than numbers above 0 is among them.
    """
    if isinstance(given, torch.Tensor):
        values = list(given.reshape(-1).unbind()) if given.requires_grad else given.tolist()
        items: list[Any] = values if isinstance(values, list) else [values]
    else:
        items = list(given) if isinstance(given, Sequence) else [given]
    if not items:
        raise ParameterError(
            f"{name} is empty: give at least one number above 0.",
            expected="numbers above 0",
            got=given,
            where=name,
        )
    for value in items:
        positive(name, value)
    return [
        float(v) if not isinstance(v, torch.Tensor) or not v.requires_grad else v for v in items
    ]


def schedule(name: str, value: object) -> tuple[Step, ...] | None:
    """A number for each iteration where a list was given, None for one number or nothing.

    Raises:
        ParameterError: as ``positives``.
    """
    is_list = isinstance(value, (list, tuple))
    if not is_list and not (isinstance(value, torch.Tensor) and value.numel() > 1):
        return None
    if is_list and not value:
        raise ParameterError(
            f"{name} is an empty list: give a number above 0, or one for each iteration.",
            expected="a number, or a list of numbers",
            got=value,
            where=name,
        )
    return tuple(positives(name, value))


def between(name: str, value: Any, low: float, high: float) -> float:
    """A number strictly between two others.

    Raises:
        ParameterError: it is not.
    """
    number = float(value) if isinstance(value, (int, float)) else math.nan
    if not low < number < high:
        raise ParameterError(
            f"{name} must lie between {low:g} and {high:g}, not {value!r}.",
            expected=f"a number between {low:g} and {high:g}",
            got=value,
            where=name,
        )
    return number


def share(name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        ParameterError: it is not.
    """
    number = float(value) if isinstance(value, (int, float)) else math.nan
    if not 0.0 <= number <= 1.0:
        raise ParameterError(
            f"{name} must be a number from 0 to 1, not {value!r}.",
            expected="a number from 0 to 1",
            got=value,
            where=name,
        )
    return number


def flag(name: str, value: object) -> bool:
    """True or False.

    Raises:
        ParameterError: it is neither.
    """
    if not isinstance(value, bool):
        raise ParameterError(
            f"{name} is True or False, not {value!r}.",
            expected="True or False",
            got=value,
            where=name,
        )
    return value


def choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """One of some names.

    Raises:
        ParameterError: it is none of them.
    """
    if value not in known:
        shown = " or ".join(f'"{word}"' for word in known)
        raise ParameterError(
            f"{name} is {shown}, not {value!r}.", expected=shown, got=value, where=name
        )
    return str(value)
