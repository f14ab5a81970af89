"""Linear operators: maps with an adjoint, in families."""

from dprox_core.linops.algebra import Composition, Identity, Scale, Sum
from dprox_core.linops.base import LINOPS, LinOp, Transfer
from dprox_core.linops.colour import Mosaic, MulColor, mosaic, mul_color
from dprox_core.linops.conv import Conv, ConvDoe, conv, conv_doe
from dprox_core.linops.conv_varying import ConvGrid, ConvLowRank, conv_grid, conv_lowrank
from dprox_core.linops.custom import BlackBox, LearnedLinOp, LinOpFactory
from dprox_core.linops.gradient import Grad, Laplacian, grad, laplacian
from dprox_core.linops.indexing import Index, crop, index
from dprox_core.linops.matrix import Matrix, matrix
from dprox_core.linops.padding import Pad, pad
from dprox_core.linops.parts import Imag, Real, imag, real
from dprox_core.linops.reducing import BroadcastTo, SumOver, broadcast_to, sum_over
from dprox_core.linops.resampling import Subsample, downsample, subsample
from dprox_core.linops.sampling import Mask, MulElementwise, mask, mul_elementwise
from dprox_core.linops.shaping import Permute, Reshape, permute, reshape, transpose
from dprox_core.linops.spectral import (
    CoilSampling,
    Fft,
    FourierSampling,
    Ifft,
    fft,
    fourier_sampling,
    ifft,
)
from dprox_core.linops.stacking import Stack
from dprox_core.linops.tomography import Radon, radon
from dprox_core.linops.transforms import Dct, Wavelet, dct, wavelet
from dprox_core.linops.warping import Homography, Warp, homography, warp
from dprox_core.linops.windows import Patches, patches

__all__ = [
    "LINOPS",
    "BlackBox",
    "BroadcastTo",
    "CoilSampling",
    "Composition",
    "Conv",
    "ConvDoe",
    "ConvGrid",
    "ConvLowRank",
    "Dct",
    "Fft",
    "FourierSampling",
    "Grad",
    "Homography",
    "Identity",
    "Ifft",
    "Imag",
    "Index",
    "Laplacian",
    "LearnedLinOp",
    "LinOp",
    "LinOpFactory",
    "Mask",
    "Matrix",
    "Mosaic",
    "MulColor",
    "MulElementwise",
    "Pad",
    "Patches",
    "Permute",
    "Radon",
    "Real",
    "Reshape",
    "Scale",
    "Stack",
    "Subsample",
    "Sum",
    "SumOver",
    "Transfer",
    "Warp",
    "Wavelet",
    "broadcast_to",
    "conv",
    "conv_doe",
    "conv_grid",
    "conv_lowrank",
    "crop",
    "dct",
    "downsample",
    "fft",
    "fourier_sampling",
    "grad",
    "homography",
    "ifft",
    "imag",
    "index",
    "laplacian",
    "mask",
    "matrix",
    "mosaic",
    "mul_color",
    "mul_elementwise",
    "pad",
    "patches",
    "permute",
    "radon",
    "real",
    "reshape",
    "subsample",
    "sum_over",
    "transpose",
    "warp",
    "wavelet",
]
