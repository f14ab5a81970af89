"""The table of cases from which every generic test of operators and functions is generated.

A new operator or function adds a row: how to call it, on what shapes, what it declares, and what
it says when it is called wrongly. ``tests/dprox_core`` makes every test from the rows.
"""

from dprox_core.testing.cases import LinOpCase, ProxCase, Wrong
from dprox_core.testing.linop_rows import LINOP_CASES
from dprox_core.testing.prox_rows import PROX_CASES

__all__ = ["LINOP_CASES", "PROX_CASES", "LinOpCase", "ProxCase", "Wrong"]
