"""How much a denoiser stretches distances."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dprox_core.arguments import as_image, whole_number
from dprox_core.errors import ParameterError
from dprox_core.numerics import reductions
from dprox_core.priors.noise import refuse_level

__all__ = ["lipschitz"]


def lipschitz(
    denoiser: str | os.PathLike[str] | nn.Module | Callable[..., Tensor],
    image: Tensor,
    sigma: float,
    iterations: int = 20,
) -> float:
    """How much a denoiser stretches small changes of an image: ‖∂D(image, σ)/∂image‖₂.

    The largest singular value of the Jacobian J, by power iteration on JᵀJ. It is the Lipschitz
    constant near the image, and a lower bound of that everywhere. At most 1 means that
    plug-and-play iterations with this σ do not move apart.

    Args:
        denoiser: a name, a file of weights, an nn.Module, or a function (image, sigma) → image
            through which gradients pass.
        image: (B, C, H, W), (C, H, W) or (H, W); a crop of 64 × 64 pixels usually tells enough.
        sigma: noise level, from 0.
        iterations: of the power iteration, from 1; each takes about four times as long as a
            denoising.

    Returns:
        The factor.

    Raises:
        ParameterError: there is no such denoiser, no gradient passes through it, or the noise
            level is none.

    Example:
        >>> import torch, dprox_core as dp
        >>> round(dp.lipschitz(lambda image, sigma: image / 2, torch.rand(1, 1, 8, 8), 0.1), 3)
        0.5

    References:
        E. Ryu et al., Plug-and-Play Methods Provably Converge with Properly Trained Denoisers,
        2019.
    """
    from dprox_core.priors.prior import Prior, load_prior

    whole_number("lipschitz: iterations", iterations, "iterations")
    refuse_level("lipschitz", sigma)
    prior = denoiser if isinstance(denoiser, Prior) else load_prior(denoiser)
    point = as_image("lipschitz", image).detach().clone()
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(point.shape, generator=generator).to(point)
    stretch = 0.0
    with torch.enable_grad():
        point.requires_grad_(True)
        result = prior(point, sigma)
        if not result.requires_grad:
            raise ParameterError(
                f"No gradient passes through the denoiser {prior.text}, so its Jacobian is not "
                "known: take a network.",
                expected="a denoiser with gradients",
                got=prior.text,
                where="denoiser",
            )
        # Differentiating Jᵀw, which is linear in w, along w gives J (van den Berg's double pass).
        probe = torch.zeros_like(result, requires_grad=True)
        (pulled,) = torch.autograd.grad(result, point, probe, create_graph=True)
        for _ in range(iterations):
            size = reductions.norm(direction)
            if size == 0.0:
                return 0.0
            direction = direction / size
            (pushed,) = torch.autograd.grad(pulled, probe, direction, retain_graph=True)
            stretch = reductions.norm(pushed)
            (direction,) = torch.autograd.grad(result, point, pushed, retain_graph=True)
    return stretch
