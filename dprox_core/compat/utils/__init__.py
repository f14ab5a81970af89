"""Pictures and metrics under the names of the published reference."""

from dprox_core.compat.utils import huggingface as hf
from dprox_core.compat.utils.images import (
    imread,
    imread_rgb,
    imshow,
    is_image_file,
    list_image_files,
    to_image,
    to_ndarray,
    to_torch_tensor,
)
from dprox_core.compat.utils.metrics import ergas, mpsnr, mpsnr_max, mssim, psnr, sam, ssim

__all__ = [
    "ergas",
    "hf",
    "imread",
    "imread_rgb",
    "imshow",
    "is_image_file",
    "list_image_files",
    "mpsnr",
    "mpsnr_max",
    "mssim",
    "psnr",
    "sam",
    "ssim",
    "to_image",
    "to_ndarray",
    "to_torch_tensor",
]
