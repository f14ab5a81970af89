"""dprox_core: proximal optimization written as mathematics, compiled into fast solvers.

import dprox_core as dp

x = dp.Variable("x", shape=observed.shape)
problem = dp.Problem(
    dp.sum_squares(dp.conv(x, kernel) - observed) + 0.01 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
)
result = problem.solve(method="admm", x0=observed)
restored = result[x]
"""

from typing import TYPE_CHECKING, Any

from dprox_core.compiler.candidates import Candidate, candidates
from dprox_core.compiler.gradient_report import GradientRow, gradient_report
from dprox_core.errors import (
    CompileError,
    DataError,
    DeviceError,
    DproxError,
    ImageError,
    ParameterError,
    ShapeError,
)
from dprox_core.expressions.base import Expression
from dprox_core.expressions.concat import split, vstack
from dprox_core.expressions.constraints import Constraint
from dprox_core.expressions.leaves import Constant, Placeholder, Variable
from dprox_core.imaging import (
    add_noise,
    array,
    blur,
    coil_maps,
    disk_psf,
    fourier_mask,
    gaussian_psf,
    load_array,
    load_image,
    load_matrix,
    modulus,
    motion_psf,
    psnr,
    random_mask,
    save_image,
)
from dprox_core.layers import Specialized, specialize, train
from dprox_core.linops import (
    LearnedLinOp,
    LinOpFactory,
    broadcast_to,
    conv,
    conv_doe,
    conv_grid,
    conv_lowrank,
    crop,
    dct,
    downsample,
    fft,
    fourier_sampling,
    grad,
    homography,
    ifft,
    imag,
    index,
    laplacian,
    mask,
    matrix,
    mosaic,
    mul_color,
    mul_elementwise,
    pad,
    patches,
    permute,
    radon,
    real,
    reshape,
    subsample,
    sum_over,
    warp,
    wavelet,
)
from dprox_core.monitoring import (
    Iteration,
    Output,
    SolveFinished,
    SolveStarted,
    cancel_requested,
    monitor,
)
from dprox_core.numerics.heap import keep_freed_memory
from dprox_core.priors import weights
from dprox_core.priors.denoise import denoise
from dprox_core.priors.denoisers import denoiser
from dprox_core.priors.lipschitz import lipschitz
from dprox_core.priors.noise import estimate_noise
from dprox_core.priors.schedule import log_descent
from dprox_core.problem import Problem
from dprox_core.problem import compile as compile
from dprox_core.proxfns import (
    Objective,
    affine_set,
    box,
    compress_sensing,
    csmri,
    deep_prior,
    elastic_net,
    entropy,
    equal,
    group_norm1,
    halfspace,
    hinge,
    huber,
    l0,
    l1_ball,
    l2_ball,
    limits,
    linear,
    linf_ball,
    log_sum,
    logistic,
    maximum,
    misr,
    noise_ball,
    nonneg,
    norm1,
    norm2,
    norm_inf,
    nuclear_norm,
    patch_nlm,
    phase_ret,
    poisson,
    psd_cone,
    quad_form,
    quantile,
    scad,
    simplex,
    sisr,
    spi,
    sum_squares,
    unrolled_prior,
    weighted_norm1,
    weighted_sum_squares,
)
from dprox_core.result import Certificate, History, HistoryRow, Result, Sample, Status
from dprox_core.sessions import session
from dprox_core.solver import Solver

if TYPE_CHECKING:
    from dprox_core.lp import (
        EnergySystem,
        LinearProgram,
        LPResult,
        capacity_expansion,
        certify,
        plot_capacity,
        plot_convergence,
        plot_dispatch,
        plot_prices,
        plot_storage,
        plot_values,
        read_lp,
        save_lp,
        solve_lp,
    )

keep_freed_memory()

# Linear programs bring scipy along, which takes as long to import as all the rest: they are
# imported when one of their names is first used.
_LINEAR = frozenset(
    {
        "EnergySystem",
        "LinearProgram",
        "LPResult",
        "capacity_expansion",
        "certify",
        "plot_capacity",
        "plot_convergence",
        "plot_dispatch",
        "plot_prices",
        "plot_storage",
        "plot_values",
        "read_lp",
        "save_lp",
        "solve_lp",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _LINEAR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dprox_core import lp

    value = globals()[name] = getattr(lp, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Candidate",
    "Certificate",
    "CompileError",
    "Constant",
    "Constraint",
    "DataError",
    "DeviceError",
    "DproxError",
    "EnergySystem",
    "Expression",
    "GradientRow",
    "History",
    "HistoryRow",
    "ImageError",
    "Iteration",
    "LPResult",
    "LearnedLinOp",
    "LinOpFactory",
    "LinearProgram",
    "Objective",
    "Output",
    "ParameterError",
    "Placeholder",
    "Problem",
    "Result",
    "Sample",
    "ShapeError",
    "SolveFinished",
    "SolveStarted",
    "Solver",
    "Specialized",
    "Status",
    "Variable",
    "add_noise",
    "affine_set",
    "array",
    "blur",
    "box",
    "broadcast_to",
    "cancel_requested",
    "candidates",
    "capacity_expansion",
    "certify",
    "coil_maps",
    "compress_sensing",
    "conv",
    "conv_doe",
    "conv_grid",
    "conv_lowrank",
    "crop",
    "csmri",
    "dct",
    "deep_prior",
    "denoise",
    "denoiser",
    "disk_psf",
    "downsample",
    "elastic_net",
    "entropy",
    "equal",
    "estimate_noise",
    "fft",
    "fourier_mask",
    "fourier_sampling",
    "gaussian_psf",
    "grad",
    "gradient_report",
    "group_norm1",
    "halfspace",
    "hinge",
    "homography",
    "huber",
    "ifft",
    "imag",
    "index",
    "l0",
    "l1_ball",
    "l2_ball",
    "laplacian",
    "limits",
    "linear",
    "linf_ball",
    "lipschitz",
    "load_array",
    "load_image",
    "load_matrix",
    "log_descent",
    "log_sum",
    "logistic",
    "mask",
    "matrix",
    "maximum",
    "misr",
    "modulus",
    "monitor",
    "mosaic",
    "motion_psf",
    "mul_color",
    "mul_elementwise",
    "noise_ball",
    "nonneg",
    "norm1",
    "norm2",
    "norm_inf",
    "nuclear_norm",
    "pad",
    "patch_nlm",
    "patches",
    "permute",
    "phase_ret",
    "plot_capacity",
    "plot_convergence",
    "plot_dispatch",
    "plot_prices",
    "plot_storage",
    "plot_values",
    "poisson",
    "psd_cone",
    "psnr",
    "quad_form",
    "quantile",
    "radon",
    "random_mask",
    "read_lp",
    "real",
    "reshape",
    "save_image",
    "save_lp",
    "scad",
    "session",
    "simplex",
    "sisr",
    "solve_lp",
    "specialize",
    "spi",
    "split",
    "subsample",
    "sum_over",
    "sum_squares",
    "train",
    "unrolled_prior",
    "vstack",
    "warp",
    "wavelet",
    "weighted_norm1",
    "weighted_sum_squares",
    "weights",
]
