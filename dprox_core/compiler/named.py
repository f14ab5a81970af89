"""Terms that the user wants split off, found among those of the objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dprox_core.compiler.model import Model
from dprox_core.errors import ParameterError
from dprox_core.expressions.constraints import Constraint
from dprox_core.proxfns.base import Objective

__all__ = ["marked"]


def marked(model: Model, wanted: object) -> Model:
    """The model with the named terms marked, so that proxes take them and the linear solve the
    other squares.

    Args:
        model: the terms as written.
        wanted: the option ``split``: penalties of the objective, or their texts; None for none.

    Raises:
        ParameterError: something else is among them, or a term is not in the objective.
    """
    if wanted is None:
        return model
    known = [term.text for term in model.terms]
    listed = wanted if isinstance(wanted, Sequence) and not isinstance(wanted, str) else (wanted,)
    named: set[str] = set()
    for entry in listed:
        if isinstance(entry, Constraint):
            entry = entry.indicator
        if isinstance(entry, Objective):
            texts = [term.describe() for term in entry.terms]
        else:
            texts = [entry] if isinstance(entry, str) else [repr(entry)]
        for text in texts:
            if text not in known:
                raise ParameterError(
                    f"split names {text[:80]}, which is no term of this problem: give terms of it, "
                    f"as they stand there; it has {', '.join(known)}.",
                    expected=known,
                    got=text,
                    where="split",
                )
        named.update(texts)
    terms = tuple(replace(term, apart=term.text in named) for term in model.terms)
    return replace(model, terms=terms, named=True)
