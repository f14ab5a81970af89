"""Which method suits a linear program, and why."""

from __future__ import annotations

import torch

from dprox_core.lp.model import LinearProgram

__all__ = ["choose"]

# Below this, a factorization costs nothing and halves the number of steps.
_SMALL = 5_000


def choose(program: LinearProgram, method: str, device: torch.device) -> tuple[str, str]:
    """The method to use and the sentence that says why.

    Args:
        program: a minimization, as it will be iterated.
        method: what was asked for: "pdhg", "admm" or "auto".
        device: where to compute.
    """
    if method != "auto":
        return method, f'Method "{method}" was asked for.'
    if device.type != "cpu":
        return "pdhg", "On a GPU products are fast and triangular solves are not."
    if program.nnz <= _SMALL:
        return "admm", (
            f"With {program.nnz} entries one sparse factorization costs next to nothing and each "
            "step gains more by it."
        )
    return "pdhg", (
        f"With {program.nnz} entries sparse products cost less than triangular solves by more than "
        "they need additional steps."
    )
