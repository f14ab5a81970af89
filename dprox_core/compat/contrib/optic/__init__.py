"""Diffractive optics under the names of the published reference."""

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

__all__ = [
    "DOEModelConfig",
    "FresnelPropagator",
    "HeightMap",
    "RGBCollimator",
    "U_Net",
    "area_downsampling",
    "build_baseline_profile",
    "build_doe_model",
    "center_crop",
    "get_coordinate",
    "get_one_phase_shift_thickness",
    "img_psf_conv",
    "load_sample_img",
    "normalize_psf",
    "normalize_psf2",
    "plot",
    "plot3d",
]
