"""Rows for every function."""

from __future__ import annotations

from dprox_core.testing.prox_rows_basic import BASIC
from dprox_core.testing.prox_rows_norms import NORMS
from dprox_core.testing.prox_rows_sets import SETS

__all__ = ["PROX_CASES"]

PROX_CASES = (*BASIC, *NORMS, *SETS)
