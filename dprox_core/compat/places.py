"""The published module paths whose names live elsewhere here.

``from dprox_core.compat.linop.comp_graph import CompGraph`` finds the class wherever it is kept.
The modules below hold names only and are made when the package is imported.
"""

from __future__ import annotations

import importlib
import sys
import types

__all__ = ["make_places"]

# Published module → the module that has its names, and the names.
_PLACES: dict[str, tuple[str, str]] = {
    "algo.admm": ("algo", "ADMM ADMM_vxu LinearizedADMM"),
    "algo.base": ("algo", "Algorithm"),
    "algo.hqs": ("algo", "HQS"),
    "algo.invert": ("algo.published", "get_least_square_solver"),
    "algo.pc": ("algo", "PockChambolle"),
    "algo.pgd": ("algo", "ProximalGradientDescent"),
    "algo.lp.utils": (
        "algo.lp_utils",
        "LPATA_Func LinearOp Ruiz_equilibration_sparse_np Ruiz_equilibration_th adjust_lr_cosine "
        "scipy_sparse_to_torchop",
    ),
    "algo.lp.solvers": ("algo.lp", "LPProblem LPSolverADMM LPConvergenceLoss"),
    "algo.opt": ("algo", "optimize"),
    "algo.opt.absorb": ("algo.absorb", "absorb_all_linops absorb_linop"),
    "algo.opt.equil": ("algo.equil", "f get_alpha_beta get_grad newton_equil project"),
    "algo.specialization": (
        "algo.specialized",
        "AutoTuneSolver DEQSolver UnrolledSolver build_unrolled_solver specialize train_deq",
    ),
    "algo.specialization.deq": ("algo.specialized", "DEQSolver train_deq"),
    "algo.specialization.deq.solver": ("algo.specialized", "DEQSolver"),
    "algo.specialization.deq.training": ("algo.specialized", "train_deq"),
    "algo.specialization.deq.utils": ("algo.broyden", "anderson broyden jac_loss_estimate"),
    "algo.specialization.deq.utils.jacobian": (
        "algo.equilibrium",
        "jac_loss_estimate power_method",
    ),
    "algo.specialization.deq.utils.solvers": (
        "algo.broyden",
        "anderson broyden line_search scalar_search_armijo",
    ),
    "algo.specialization.rl": ("algo.specialized", "AutoTuneSolver"),
    "algo.specialization.rl.solver": ("algo.specialized", "AutoTuneSolver"),
    "algo.specialization.unroll": ("algo.specialized", "UnrolledSolver build_unrolled_solver"),
    "algo.tune": (
        "algo.schedule",
        "get_rho_sigma_admm log_descent log_descent2 log_descent_origin",
    ),
    "algo.tune.dpir": (
        "algo.schedule",
        "get_rho_sigma_admm log_descent log_descent2 log_descent_origin",
    ),
    "algo.tune.learnable": ("algo.learnable", "LearnableParamProvider"),
    "linop.blackbox": ("linop", "BlackBox LinOpFactory"),
    "linop.comp_graph": (
        "linop.graph",
        "CompGraph Edge adjoint est_CompGraph_norm eval gram validate",
    ),
    "linop.edge": ("linop.graph", "Edge"),
    "linop.constant": ("linop", "Constant"),
    "linop.grad": ("linop", "grad"),
    "linop.mul": ("linop", "mul_color mul_elementwise"),
    "linop.placeholder": ("linop", "Placeholder"),
    "linop.scale": ("linop", "scale"),
    "linop.subsample": ("linop", "mosaic"),
    "linop.sum": ("linop", "copy sum"),
    "linop.variable": ("linop", "Variable"),
    "linop.vstack": ("linop", "split vstack"),
    "proxfn.fast": ("proxfn", "compress_sensing csmri misr phase_ret sisr spi"),
    "proxfn.fast.cs": ("proxfn", "compress_sensing"),
    "proxfn.fast.csmri": ("proxfn", "csmri"),
    "proxfn.fast.pr": ("proxfn", "phase_ret"),
    "proxfn.fast.spi": ("proxfn", "spi"),
    "proxfn.fast.sr": ("proxfn.sr", "misr p2o single2tensor4 sisr splits upsample"),
    "proxfn.nlm": ("proxfn", "patch_nlm"),
    "proxfn.nlm.patch_nlm": ("proxfn", "patch_nlm"),
    "proxfn.nonneg": ("proxfn", "nonneg"),
    "proxfn.norm": ("proxfn.functions", "norm1 norm2 soft_threshold"),
    "proxfn.pnp": ("proxfn", "deep_prior"),
    "proxfn.pnp.denoisers": (
        "proxfn.networks",
        "Augment DRUNetDenoiser Denoiser Denoiser2D FFDNetColorDenoiser FFDNetDenoiser "
        "IRCNNDenoiser TVDenoiser UNetDenoiser",
    ),
    "proxfn.pnp.denoisers.base": ("proxfn.deep", "Denoiser Denoiser2D"),
    "proxfn.pnp.denoisers.composite": ("proxfn.networks", "Augment"),
    "proxfn.pnp.denoisers.wrapper": (
        "proxfn.networks",
        "DRUNetDenoiser FFDNetColorDenoiser FFDNetDenoiser IRCNNDenoiser TVDenoiser UNetDenoiser",
    ),
    "proxfn.pnp.prior": ("proxfn.deep", "deep_prior get_denoiser"),
    "proxfn.sum_square": (
        "proxfn",
        "ext_sum_squares least_squares sum_squares weighted_sum_squares",
    ),
    "proxfn.unrolling": ("proxfn", "unrolled_prior"),
    "proxfn.unrolling.prior": ("proxfn", "unrolled_prior"),
    "utils.init": ("utils.mosaics", "dm dm_matlab shift_pixel"),
    "utils.init.mosaic": (
        "utils.mosaics",
        "dm dm_matlab masks_CFA_Bayer mosaic_CFA_Bayer single2tensor4 tensor2single tensor2uint "
        "uint2tensor4",
    ),
    "utils.init.sr": ("utils.mosaics", "shift_pixel"),
}


def make_places(package: str) -> None:
    """Make the modules.

    Args:
        package: the name of this package.
    """
    for place, (home, names) in _PLACES.items():
        whole = f"{package}.{place}"
        module = types.ModuleType(whole, f"{names}, at the published place.")
        source = importlib.import_module(f"{package}.{home}")
        listed = names.split()
        for name in listed:
            setattr(module, name, getattr(source, name))
        module.__dict__["__all__"] = listed
        # A package to Python, for the places below it.
        module.__path__ = []
        sys.modules[whole] = module
        parent, leaf = whole.rsplit(".", 1)
        # Where a published class has its module's name, the class is what the package shows.
        if not hasattr(sys.modules[parent], leaf):
            setattr(sys.modules[parent], leaf, module)
