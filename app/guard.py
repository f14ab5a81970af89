"""Fences around the places where an exception would be fatal or lost.

On Python 3.11 a TypeError that PySide raises inside a Python override of a C++ virtual is a
segmentation fault when the override was entered from Python, so such overrides catch their own.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["guarded", "report"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


_said: set[tuple[str, str]] = set()


def report() -> None:
    """Hand the exception being handled to whoever shows exceptions (the issues pane)."""
    sys.excepthook(*sys.exc_info())


def guarded(default: Any = None) -> Callable[[_Function], _Function]:
    """Decorator for overrides of C++ virtuals: report an exception and return ``default``.

    Args:
        default: what Qt gets when the override fails; a callable is called with the same arguments.
    """

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                # What fails while painting fails at every repaint: once is enough to say it.
                said = (function.__qualname__, repr(error))
                if said not in _said:
                    _said.add(said)
                    report()
                return default(*args, **kwargs) if callable(default) else default

        return wrapper  # type: ignore[return-value]

    return decorate
