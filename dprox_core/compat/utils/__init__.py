"""Pictures and metrics under the names of the published reference."""

from dprox_core.compat.utils import huggingface as hf
from dprox_core.compat.utils.containar import array, is_dp_array, is_dp_tensor, tensor
from dprox_core.compat.utils.io import (
    filter_ckpt,
    imread,
    imread_rgb,
    imshow,
    is_image_file,
    list_image_files,
)
from dprox_core.compat.utils.metrics import (
    bandwise,
    ergas,
    mpsnr,
    mpsnr_max,
    mssim,
    psnr,
    sam,
    ssim,
)
from dprox_core.compat.utils.misc import (
    batchify,
    crop_center_region,
    debatchify,
    fft2,
    ifft2,
    outlier_correct,
    seed_everything,
    to_image,
    to_ndarray,
    to_nn_parameter,
    to_torch_tensor,
)

__all__ = [
    "array",
    "bandwise",
    "batchify",
    "crop_center_region",
    "debatchify",
    "ergas",
    "fft2",
    "filter_ckpt",
    "hf",
    "ifft2",
    "imread",
    "imread_rgb",
    "imshow",
    "is_dp_array",
    "is_dp_tensor",
    "is_image_file",
    "list_image_files",
    "mpsnr",
    "mpsnr_max",
    "mssim",
    "outlier_correct",
    "psnr",
    "sam",
    "seed_everything",
    "ssim",
    "tensor",
    "to_image",
    "to_ndarray",
    "to_nn_parameter",
    "to_torch_tensor",
]
