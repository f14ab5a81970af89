"""dprox_core: proximal optimization written as mathematics, compiled into fast solvers.

import dprox_core as dp

x = dp.Variable("x", shape=observed.shape)
problem = dp.Problem(
    dp.sum_squares(dp.conv(x, kernel) - observed) + 0.01 * dp.norm1(dp.grad(x)) + dp.nonneg(x)
)
result = problem.solve(method="admm", x0=observed)
restored = result[x]
"""

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
from dprox_core.expressions.constraints import Constraint
from dprox_core.expressions.leaves import Constant, Placeholder, Variable
from dprox_core.imaging import (
    add_noise,
    blur,
    disk_psf,
    gaussian_psf,
    load_image,
    motion_psf,
    psnr,
    random_mask,
    save_image,
)
from dprox_core.linops import conv, grad, mask, mosaic, mul_elementwise
from dprox_core.monitor import (
    Iteration,
    Output,
    SolveFinished,
    SolveStarted,
    cancel_requested,
    monitor,
)
from dprox_core.priors import weights
from dprox_core.priors.denoise import denoise
from dprox_core.priors.denoisers import denoiser
from dprox_core.priors.lipschitz import lipschitz
from dprox_core.priors.noise import estimate_noise
from dprox_core.priors.schedule import log_descent
from dprox_core.problem import Problem
from dprox_core.proxfns import (
    Objective,
    box,
    deep_prior,
    group_norm1,
    nonneg,
    norm1,
    sum_squares,
    unrolled_prior,
)
from dprox_core.result import History, HistoryRow, Result, Status
from dprox_core.session import session
from dprox_core.solver import Solver

__all__ = [
    "CompileError",
    "Constant",
    "Constraint",
    "DataError",
    "DeviceError",
    "DproxError",
    "Expression",
    "History",
    "HistoryRow",
    "ImageError",
    "Iteration",
    "Objective",
    "Output",
    "ParameterError",
    "Placeholder",
    "Problem",
    "Result",
    "ShapeError",
    "SolveFinished",
    "SolveStarted",
    "Solver",
    "Status",
    "Variable",
    "add_noise",
    "blur",
    "box",
    "cancel_requested",
    "conv",
    "deep_prior",
    "denoise",
    "denoiser",
    "disk_psf",
    "estimate_noise",
    "gaussian_psf",
    "grad",
    "group_norm1",
    "lipschitz",
    "load_image",
    "log_descent",
    "mask",
    "monitor",
    "mosaic",
    "motion_psf",
    "mul_elementwise",
    "nonneg",
    "norm1",
    "psnr",
    "random_mask",
    "save_image",
    "session",
    "sum_squares",
    "unrolled_prior",
    "weights",
]
