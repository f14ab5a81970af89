"""Names of nodes: Python identifiers, because a node's name is its target in the script."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Container

__all__ = ["MAX_LENGTH", "free_name", "is_automatic", "name_problem"]

# So that every statement of a script fits on lines of 100 columns.
MAX_LENGTH = 40
_RESERVED = {"dp"}


def name_problem(name: str) -> str | None:
    """Why a text cannot be a node's name, as a sentence; None if it can."""
    if not isinstance(name, str) or not name:
        return "A node needs a name."
    shown = name if len(name) <= 40 else name[:37] + "…"
    if len(name) > MAX_LENGTH:
        return f'The name "{shown}" is too long: use at most {MAX_LENGTH} characters.'
    if not name.isidentifier() or unicodedata.normalize("NFKC", name) != name:
        return (
            f'"{shown}" cannot be a name: use letters, digits and underscores, '
            "and begin with a letter."
        )
    if keyword.iskeyword(name) or name in _RESERVED or name.startswith("__"):
        return f'"{name}" has a meaning of its own in a script: choose another name.'
    return None


def free_name(stem: str, taken: Container[str]) -> str:
    """The first of stem, stem2, stem3, … that is not taken."""
    if stem not in taken:
        return stem
    number = 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def is_automatic(name: str, stem: str) -> bool:
    """Whether ``free_name`` could have chosen this name."""
    return re.fullmatch(re.escape(stem) + r"([2-9]|[1-9]\d+)?", name) is not None
