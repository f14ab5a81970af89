"""Modules that are loaded when something of them is first asked for.

numpy alone takes a tenth of a second of every start, and nothing on the screen needs it then.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

__all__ = ["late", "names"]

_names: dict[str, None] = {}


class _Late(ModuleType):
    """Stands for a module; each name is looked up in the real one once."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(importlib.import_module(self.__name__), name)
        setattr(self, name, found)
        return found


def late(name: str) -> Any:
    """A stand-in for a module, which is imported at the first attribute that is asked of it.

    Type checkers want the import itself:

        if TYPE_CHECKING:
            import numpy as np
        else:
            np = late("numpy")

    Example:
        >>> late("math").pi
        3.141592653589793
    """
    _names[name] = None
    return _Late(name)


def names() -> list[str]:
    """The modules that are asked for late, so that idle time can load them."""
    return list(_names)
