"""Images in and out, simulated measurements, point spread functions and metrics."""

from dprox_core.imaging.arrays import array, load_array, load_matrix
from dprox_core.imaging.metrics import psnr
from dprox_core.imaging.mri import coil_maps, fourier_mask
from dprox_core.imaging.psf import disk_psf, gaussian_psf, motion_psf
from dprox_core.imaging.reading import load_image
from dprox_core.imaging.simulate import add_noise, blur, modulus, random_mask
from dprox_core.imaging.writing import save_image, to_array, to_pixels

__all__ = [
    "add_noise",
    "array",
    "blur",
    "coil_maps",
    "disk_psf",
    "fourier_mask",
    "gaussian_psf",
    "load_array",
    "load_image",
    "load_matrix",
    "modulus",
    "motion_psf",
    "psnr",
    "random_mask",
    "save_image",
    "to_array",
    "to_pixels",
]
