"""Documents of older versions, brought up to the present schema one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MIGRATIONS", "SCHEMA", "migrate"]

SCHEMA = 2


def _groups(content: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 has groups; what schema 1 kept unread under their names is kept under another."""
    changed = dict(content)
    if "groups" in changed:
        changed["groups_of_schema_1"] = changed.pop("groups")
    for key in ("nodes", "frames"):
        items = changed.get(key)
        if isinstance(items, list):
            changed[key] = [
                {("group_of_schema_1" if k == "group" else k): v for k, v in item.items()}
                if isinstance(item, dict)
                else item
                for item in items
            ]
    return changed


# From a schema to the next: takes the parsed JSON, returns it changed. A step is never edited
# after its release; tests/nodes/samples holds a frozen document of every schema.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _groups}


def migrate(content: Mapping[str, Any], schema: int) -> dict[str, Any]:
    """The content as the present schema has it."""
    current = dict(content)
    for step in range(schema, SCHEMA):
        current = MIGRATIONS[step](current)
    current["schema"] = SCHEMA
    return current
