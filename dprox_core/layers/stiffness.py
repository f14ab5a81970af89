"""An approximate inverse of the system on a face: what bends exactly, and the rest by its diagonal.

Penalties bend very differently from place to place, as isotropic total variation where an image is
almost flat; conjugate gradients take that only where it is inverted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from dprox_core.compiler.model import Row
from dprox_core.layers.faces import Face, entries_of
from dprox_core.layers.slopes import Blocks, real_view
from dprox_core.linops.space import Space
from dprox_core.proxfns.base import Step

__all__ = ["Bend", "factored"]

Vectors = tuple[torch.Tensor, ...]
Bend = tuple[Row, Blocks, Step]
"""K, D⁻¹ (1 − D) and ρ, as it meets the images of K."""

# Factors of larger systems would take more memory than all the rest.
_LARGEST = 2**17


def factored(
    bends: list[Bend], diagonal: torch.Tensor, face: Face, spaces: tuple[Space, ...]
) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """(diag + Σ_j K_jᴴ ρ D_j⁻¹ (1 − D_j) K_j)⁻¹ in coordinates of the face.

    By sparse elimination (X. S. Li, An Overview of SuperLU, 2005).

    Args:
        bends: the terms that bend.
        diagonal: that of all the rest.
        face: the face.
        spaces: those of the variables.

    Returns:
        None where the matrix is too large, singular, or not known.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu

    if not bends or not 0 < len(diagonal) <= _LARGEST:
        return None
    whole: Any = diags_array(diagonal.double().cpu().numpy())
    for row, blocks, rho in bends:
        found = _stiffness(row, blocks, rho, face, spaces)
        if found is None:
            return None
        whole = whole + found
    try:
        factors = splu(
            whole.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return None

    def solve(right: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(factors.solve(right.double().cpu().numpy())).to(right)

    return solve


def _stiffness(
    row: Row, blocks: Blocks, rho: Step, face: Face, spaces: tuple[Space, ...]
) -> Any | None:
    """The sparse matrix of one term that bends."""
    from scipy.sparse import coo_array

    entries = entries_of(row, spaces)
    if entries is None:
        return None
    like = real_view(row.range.zeros())
    size = like.numel()
    places = blocks.places(like.shape).numpy()
    weighed = blocks.weighed(rho, like).double().cpu().numpy()
    count = places.shape[-1]
    first = np.repeat(places, count, axis=-1).reshape(-1)
    second = np.tile(places, (1,) * (places.ndim - 1) + (count,)).reshape(-1)
    middle = coo_array((weighed.reshape(-1), (first, second)), (size, size)).tocsr()
    image = face.columns(entries, size)
    return image.T @ middle @ image
