"""Rows for every operator."""

from __future__ import annotations

from dprox_core.testing.linop_rows_basic import BASIC

__all__ = ["LINOP_CASES"]

LINOP_CASES = (*BASIC,)
