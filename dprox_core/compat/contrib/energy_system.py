"""A linear program of an energy system."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["load_simple_cep_model"]


def load_simple_cep_model(hours: int = 48, nodes: int = 1) -> tuple[Any, Any, Any, Any, Any]:
    """A small capacity expansion problem in the form c, A_ub, A_eq, b_ub, b_eq.

    The published instance is a download; this one is made by ``dprox_core.lp.energy``. Its bounds
    on variables are rows of A_ub.

    Args:
        hours: how many hours.
        nodes: how many places.
    """
    from scipy import sparse

    from dprox_core.lp.energy import capacity_expansion

    program = capacity_expansion(hours, nodes).program
    equal = program.row_lower == program.row_upper
    above = ~equal & np.isfinite(program.row_upper)
    below = ~equal & np.isfinite(program.row_lower)
    unit = sparse.identity(program.c.size, format="csr")
    upper, lower = np.isfinite(program.upper), np.isfinite(program.lower)
    rows = [program.A[above], -program.A[below], unit[upper], -unit[lower]]
    sides = [
        program.row_upper[above],
        -program.row_lower[below],
        program.upper[upper],
        -program.lower[lower],
    ]
    a_ub = sparse.vstack(rows, format="csr")
    return program.c, a_ub, program.A[equal], np.concatenate(sides), program.row_upper[equal]
