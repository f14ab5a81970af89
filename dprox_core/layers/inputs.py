"""Values into a problem's placeholders, and its solution out by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from dprox_core.errors import ParameterError, nearest
from dprox_core.expressions.leaves import Placeholder
from dprox_core.problem import Problem

__all__ = ["give", "named", "placeholders"]


def placeholders(problem: Problem) -> dict[str, Placeholder]:
    """The placeholders of a problem by name."""
    found: dict[int, Placeholder] = {}
    for term in problem.whole.terms:
        for expression in term.expressions():
            for node in expression.walk():
                if isinstance(node, Placeholder):
                    found.setdefault(id(node), node)
    return {p.describe(): p for p in found.values()}


def give(
    known: Mapping[str, Placeholder],
    inputs: Mapping[Any, torch.Tensor] | None,
    unknown: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Set placeholders to values; those left out keep theirs.

    Args:
        known: the placeholders by name.
        inputs: placeholder, or its name → value.
        unknown: what else was given by name, to be refused.

    Raises:
        ParameterError: there is no such placeholder, or the inputs are no mapping.
    """
    for name in unknown:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.3) or list(known)
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
            f"{{{next(iter(known), 'placeholder')}: tensor}}, not {type(inputs).__name__}.",
            expected="a mapping",
            got=type(inputs).__name__,
            where="inputs",
        )
    for key, value in (inputs or {}).items():
        name = key.describe() if isinstance(key, Placeholder) else str(key)
        if name not in known:
            raise ParameterError(
                f"{name} is no placeholder of this problem: "
                + nearest(name, known, f"it has {', '.join(known) or 'none'}."),
                expected=list(known),
                got=name,
                where="inputs",
            )
        known[name].value = value


def named(problem: Problem, answer: tuple[torch.Tensor, ...]) -> Any:
    """The one variable, or a dictionary by name where there are several."""
    if len(answer) == 1:
        return answer[0]
    names = (variable.name for variable in problem.variables)
    return dict(zip(names, answer, strict=True))
