"""What NodeGraphQt wants of others, lent to it while it is loaded.

Of distutils, which is gone from Python 3.12 and slow to load before, it compares one version
number. Through Qt.py it asks for Qt under one name for every binding; Qt.py answers by touching
every class of fifteen Qt modules. A few lines instead spare every start nearly half a second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import total_ordering
from types import ModuleType
from typing import Any

__all__ = ["LooseVersion", "lent"]


@total_ordering
class LooseVersion:
    """A version number, compared part by part: 5.9 < 5.10 < 6."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.version = [int(part) if part.isdigit() else -1 for part in text.split(".")]

    def _of(self, other: object) -> list[int]:
        return (
            other.version if isinstance(other, LooseVersion) else LooseVersion(str(other)).version
        )

    def __eq__(self, other: object) -> bool:
        return self.version == self._of(other)

    def __lt__(self, other: object) -> bool:
        return self.version < self._of(other)

    def __hash__(self) -> int:
        return hash(tuple(self.version))


class _Widgets(ModuleType):
    """QtWidgets as it was in Qt 5: with the actions and undo stacks that are in QtGui now."""

    def __getattr__(self, name: str) -> Any:
        from PySide6 import QtGui, QtWidgets

        found = getattr(QtWidgets, name, None)
        found = getattr(QtGui, name) if found is None else found
        setattr(self, name, found)
        return found


class _Compat(ModuleType):
    """What Qt.py renames, of which NodeGraphQt calls one method."""

    class QHeaderView:
        @staticmethod
        def setSectionResizeMode(header: Any, *arguments: Any) -> None:
            header.setSectionResizeMode(*arguments)


def _distutils() -> dict[str, ModuleType]:
    package, module = ModuleType("distutils"), ModuleType("distutils.version")
    module.LooseVersion = LooseVersion  # type: ignore[attr-defined]
    package.version = module  # type: ignore[attr-defined]
    package.__path__ = []
    return {"distutils": package, "distutils.version": module}


def _qt() -> dict[str, ModuleType]:
    from PySide6 import QtCore, QtGui, QtSvg

    module = ModuleType("Qt")
    module.QtCore, module.QtGui, module.QtSvg = QtCore, QtGui, QtSvg  # type: ignore[attr-defined]
    module.QtWidgets = _Widgets("Qt.QtWidgets")  # type: ignore[attr-defined]
    module.QtCompat = _Compat("Qt.QtCompat")  # type: ignore[attr-defined]
    return {"Qt": module}


@contextmanager
def lent() -> Iterator[None]:
    """While this lasts, ``distutils`` and ``Qt`` are ours, unless the real ones are loaded."""
    names: list[str] = []
    for first, make in (("distutils", _distutils), ("Qt", _qt)):
        if first not in sys.modules:
            modules = make()
            sys.modules |= modules
            names += modules
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
