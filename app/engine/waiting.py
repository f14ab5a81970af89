"""How threads of torch wait for each other; to be said before torch is imported."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

__all__ = ["wait_briefly"]

# Of a spin of GNU's OpenMP, about 30 µs: longer than the pauses between the operations of a step.
_SPINS = "3000"


def wait_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have waiting threads spin for a moment, then sleep, where nothing else was asked for.

    Threads that never sleep starve a busy machine: a step at 512² took forty times as long there.
    Threads that sleep at once must be woken for each operation, and then two are slower than one;
    with a moment's spin they take half of its time.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment.setdefault("GOMP_SPINCOUNT", _SPINS)
