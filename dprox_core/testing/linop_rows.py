"""Rows for every operator."""

from __future__ import annotations

from dprox_core.testing.linop_rows_basic import BASIC
from dprox_core.testing.linop_rows_general import GENERAL
from dprox_core.testing.linop_rows_imaging import IMAGING

__all__ = ["LINOP_CASES"]

LINOP_CASES = (*BASIC, *IMAGING, *GENERAL)
