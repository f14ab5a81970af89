"""What the published reference offers and this library does not, as a sentence."""

from __future__ import annotations

from typing import Any

from dprox_core.errors import DproxError

__all__ = ["MissingError", "offered"]


class MissingError(DproxError):
    """A published name without a counterpart here; the sentence says what to do."""


def offered(name: str, instead: str) -> Any:
    """A public function of ``dprox_core`` by name.

    Args:
        name: the function.
        instead: what to write where there is no such function.

    Raises:
        MissingError: this version of the library does not have it.
    """
    import dprox_core

    found = getattr(dprox_core, name, None)
    if found is None:
        raise MissingError(
            f"This version of dprox_core has no {name}: {instead}.",
            expected=instead,
            got=name,
            where=name,
        )
    return found
