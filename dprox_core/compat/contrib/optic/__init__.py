"""Diffractive optics under the names of the published reference."""

from dprox_core.compat.contrib.optic.doe_model import (
    DOEModelConfig,
    RGBCollimator,
    build_baseline_profile,
    build_doe_model,
    img_psf_conv,
    normalize_psf,
)

__all__ = [
    "DOEModelConfig",
    "RGBCollimator",
    "build_baseline_profile",
    "build_doe_model",
    "img_psf_conv",
    "normalize_psf",
]
