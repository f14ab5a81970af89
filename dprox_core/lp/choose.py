"""Which method suits a linear program, and why."""

from __future__ import annotations

import torch

from dprox_core.lp.model import LinearProgram

__all__ = ["choose"]


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
    return "pdhg", (
        f"A product with {program.nnz} entries costs less than a triangular solve, and ADMM was "
        "measured to need no fewer steps."
    )
