"""Documents of older versions, brought up to the present schema one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MIGRATIONS", "SCHEMA", "migrate"]

SCHEMA = 1

# From a schema to the next: takes the parsed JSON, returns it changed. A step is never edited
# after its release; tests/nodes/samples holds a frozen document of every schema.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def migrate(content: Mapping[str, Any], schema: int) -> dict[str, Any]:
    """The content as the present schema has it."""
    current = dict(content)
    for step in range(schema, SCHEMA):
        current = MIGRATIONS[step](current)
    current["schema"] = SCHEMA
    return current
