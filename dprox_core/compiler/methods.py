"""The methods: how each is built from a model, and what its plan says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dprox_core.algorithms.admm import Admm
from dprox_core.algorithms.base import Algorithm
from dprox_core.algorithms.fista import Fista
from dprox_core.compiler.build_admm import build_admm
from dprox_core.compiler.build_fista import build_fista
from dprox_core.compiler.plan import Plan

__all__ = ["METHODS"]

METHODS: Mapping[str, tuple[tuple[str, ...], Callable[..., tuple[Algorithm[Any], Plan]]]] = {
    "admm": (tuple(Admm.options), build_admm),
    "fista": (tuple(Fista.options), build_fista),
}
"""Method name → its options' names, and what builds it."""
