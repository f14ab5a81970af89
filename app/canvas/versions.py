"""What NodeGraphQt wants of distutils, which is gone from Python 3.12 and slow to load before.

It compares one version number. Lending it a few lines for that spares every start a quarter of a
second of setuptools.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import total_ordering
from types import ModuleType

__all__ = ["LooseVersion", "lent_distutils"]


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


@contextmanager
def lent_distutils() -> Iterator[None]:
    """While this lasts, ``distutils.version`` is ours, unless the real one is loaded already."""
    names = ("distutils", "distutils.version")
    if any(name in sys.modules for name in names):
        yield
        return
    package, module = (ModuleType(name) for name in names)
    module.LooseVersion = LooseVersion  # type: ignore[attr-defined]
    package.version = module  # type: ignore[attr-defined]
    package.__path__ = []
    sys.modules |= {"distutils": package, "distutils.version": module}
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
