"""Diffractive optics under the names of the published reference.

As in the published reference, a star import also brings torch and NumPy and the names of the
language that scripts use without importing them.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from dprox_core.compat.contrib.optic.doe_model import (
    DOEModelConfig,
    FresnelPropagator,
    HeightMap,
    RGBCollimator,
    area_downsampling,
    build_baseline_profile,
    build_doe_model,
    get_coordinate,
    get_one_phase_shift_thickness,
    img_psf_conv,
)
from dprox_core.compat.contrib.optic.unet import U_Net
from dprox_core.compat.contrib.optic.utils import (
    center_crop,
    load_sample_img,
    normalize_psf,
    normalize_psf2,
    plot,
    plot3d,
)
from dprox_core.compat.linop import Variable, conv_doe
from dprox_core.compat.utils.misc import outlier_correct

__all__ = [
    "DOEModelConfig",
    "F",
    "FresnelPropagator",
    "HeightMap",
    "RGBCollimator",
    "U_Net",
    "Variable",
    "area_downsampling",
    "build_baseline_profile",
    "build_doe_model",
    "center_crop",
    "conv_doe",
    "get_coordinate",
    "get_one_phase_shift_thickness",
    "img_psf_conv",
    "load_sample_img",
    "nn",
    "normalize_psf",
    "normalize_psf2",
    "np",
    "outlier_correct",
    "plot",
    "plot3d",
    "torch",
]
