"""Values into a problem's placeholders, and its solution out by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from dprox_core.errors import ParameterError, nearest
from dprox_core.expressions.leaves import Placeholder
from dprox_core.problem import Problem

__all__ = ["give", "named", "placeholders"]


def placeholders(problem: Problem) -> tuple[Placeholder, ...]:
    """The placeholders of a problem, each once."""
    found: dict[int, Placeholder] = {}
    for term in problem.whole.terms:
        for expression in term.expressions():
            for node in expression.walk():
                if isinstance(node, Placeholder):
                    found.setdefault(id(node), node)
    return tuple(found.values())


def give(
    known: Sequence[Placeholder],
    inputs: Mapping[Any, torch.Tensor] | None,
    unknown: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Set placeholders to values; those left out keep theirs.

    Args:
        known: the placeholders.
        inputs: placeholder, or its name → value.
        unknown: what else was given by name, to be refused.

    Raises:
        ParameterError: there is no such placeholder, several go by its name, or the inputs are no
            mapping.
    """
    names = [placeholder.describe() for placeholder in known]
    for name in unknown:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.3) or names
        raise ParameterError(
            f"The layer takes a mapping from placeholders to values, and x0: instead of {name}=… "
            f"write layer({{{close[0] if close else 'placeholder'}: …}}).",
            expected="a mapping",
            got=name,
            where="inputs",
        )
    if inputs is not None and not isinstance(inputs, Mapping):
        raise ParameterError(
            f"The layer takes a mapping from placeholders to values, such as "
            f"{{{next(iter(names), 'placeholder')}: tensor}}, not {type(inputs).__name__}.",
            expected="a mapping",
            got=type(inputs).__name__,
            where="inputs",
        )
    for key, value in (inputs or {}).items():
        _meant(key, known, names).value = value


def _meant(key: object, known: Sequence[Placeholder], names: list[str]) -> Placeholder:
    """The placeholder itself, or the one of that name."""
    name = key.describe() if isinstance(key, Placeholder) else str(key)
    # By identity: the equality of expressions is a condition.
    held = [p for p in known if p is key] or [
        p for p, other in zip(known, names, strict=True) if other == name
    ]
    if not held:
        raise ParameterError(
            f"{name} is no placeholder of this problem: "
            + nearest(name, names, f"it has {', '.join(names) or 'none'}."),
            expected=names,
            got=name,
            where="inputs",
        )
    if len(held) > 1:
        raise ParameterError(
            f"{len(held)} placeholders of this problem are called {name}: give values to the "
            "placeholders themselves, layer({placeholder: …}), or names to tell them apart.",
            expected="a placeholder",
            got=name,
            where="inputs",
        )
    return held[0]


def named(problem: Problem, answer: tuple[torch.Tensor, ...]) -> Any:
    """The one variable, or a dictionary by name where there are several."""
    if len(answer) == 1:
        return answer[0]
    names = (variable.name for variable in problem.variables)
    return dict(zip(names, answer, strict=True))
