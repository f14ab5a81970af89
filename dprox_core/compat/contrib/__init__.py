"""Samples, simulations and models under the names of the published reference.

As there, a star import also brings NumPy and what makes tensors of pictures, which scripts use
without importing them.
"""

import numpy as np

from dprox_core.compat.contrib import csmri, derain, energy_system, optic, restoration
from dprox_core.compat.contrib.derain import LearnableDegOp
from dprox_core.compat.contrib.energy_system import load_simple_cep_model
from dprox_core.compat.contrib.optic import DOEModelConfig, build_doe_model
from dprox_core.compat.contrib.restoration import (
    blurring,
    downsampling,
    fspecial_gaussian,
    masks_CFA_Bayer,
    mosaicing,
    mosaicing_np,
    point_spread_function,
    sample,
)
from dprox_core.compat.utils.misc import to_ndarray, to_torch_tensor

__all__ = [
    "DOEModelConfig",
    "LearnableDegOp",
    "blurring",
    "build_doe_model",
    "csmri",
    "derain",
    "downsampling",
    "energy_system",
    "fspecial_gaussian",
    "load_simple_cep_model",
    "masks_CFA_Bayer",
    "mosaicing",
    "mosaicing_np",
    "np",
    "optic",
    "point_spread_function",
    "restoration",
    "sample",
    "to_ndarray",
    "to_torch_tensor",
]
