"""Rows for every function."""

from __future__ import annotations

from dprox_core.testing.prox_rows_basic import BASIC

__all__ = ["PROX_CASES"]

PROX_CASES = (*BASIC,)
