"""Denoisers in the place of a penalty: plug-and-play priors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from dprox_core.arguments import whole_number
from dprox_core.errors import ParameterError, ShapeError
from dprox_core.expressions.base import Expression
from dprox_core.proxfns.base import Objective, ProxFn, Step, make, register

if TYPE_CHECKING:
    from dprox_core.linops.space import Space
    from dprox_core.priors.prior import Prior, Symmetries

__all__ = ["DeepPrior", "UnrolledPrior", "deep_prior", "unrolled_prior"]

# Methods in which a denoiser answers for the prox of a split copy.
_SPLITTING = ("admm", "hqs", "admm_vxu", "dr", "pdhg", "pd3o", "ladmm")


@register
class DeepPrior(ProxFn):
    """A penalty known only by its proximal operator, a denoiser: prox(v, t) = D(v, √t).

    Args:
        space: the space of its argument.
        prior: the denoiser, made ready.
        sigma: noise level of the data, None for unknown.
        sqrt: whether the noise level is the root of the step, or the step itself.
    """

    name = "deep_prior"
    convex = False
    has_value = False
    methods: ClassVar[tuple[str, ...] | None] = (*_SPLITTING, "fista", "pgd")

    def __init__(
        self, space: Space, prior: Prior, sigma: float | None = None, sqrt: bool = True
    ) -> None:
        super().__init__(space)
        self.prior = prior
        self.sigma = sigma
        self.sqrt = sqrt

    @classmethod
    def check(cls, argument: Expression, operands: tuple[Expression, ...], **options: Any) -> None:
        """Denoisers take real pictures.

        Raises:
            ParameterError: the argument is complex, or the noise level no level.
            ShapeError: the argument has fewer than two axes.
        """
        if argument.is_complex:
            raise ParameterError(
                f"{cls.name} takes real pictures, but {argument.describe()} is complex.",
                expected="a real expression",
                got="a complex expression",
                where=argument.describe(),
            )
        shape = argument.shape
        if shape is not None and len(shape) < 2:
            raise ShapeError(
                f"{cls.name} takes pictures (..., C, H, W): {argument.describe()} has shape "
                f"{shape}.",
                expected="(..., C, H, W)",
                got=shape,
                where=argument.describe(),
            )
        channels = getattr(options["prior"].network, "channels", 1)
        given = None if shape is None else shape[-3] if len(shape) > 2 else 1
        if given is not None and channels not in (1, given):
            raise ShapeError(
                f"{cls.name}: {options['prior'].text} denoises pictures with {channels} channels "
                f"and {argument.describe()} has {given}: choose the grey network of the family, "
                'such as "ffdnet".',
                expected=channels,
                got=given,
                where=argument.describe(),
            )
        sigma = options.get("sigma")
        plain = isinstance(sigma, (int, float)) and not isinstance(sigma, bool)
        if sigma is not None and not (plain and 0.0 <= float(sigma) < float("inf")):
            raise ParameterError(
                f"{cls.name}: sigma is the noise level of the data, a number from 0 such as "
                f"0.01, or None to have it measured, not {sigma!r}.",
                expected="a number from 0, or None",
                got=sigma,
                where="sigma",
            )

    @classmethod
    def describe_call(cls, argument: str, operands: Sequence[str], options: dict[str, Any]) -> str:
        """``deep_prior(x, "ffdnet_color")``."""
        return f"{cls.name}({argument}, {options['prior'].text})"

    @classmethod
    def parameters(cls, options: dict[str, Any]) -> tuple[Tensor, ...]:
        """The numbers of the networks, where they are to be trained."""
        return options["prior"].parameters()

    def value(self, v: Tensor) -> Tensor:
        """Not known; counted as 0."""
        return torch.zeros((), dtype=torch.float64, device=v.device)

    def prox(self, v: Tensor, step: Step) -> Tensor:
        """D(v, √step), or D(v, step) where ``sqrt`` is off."""
        return self.prior(v, self.level_of(step))

    def level_of(self, step: Step) -> Step:
        """The noise level that a step of the prox stands for."""
        return step**0.5 if self.sqrt else step

    def step_of(self, level: Step) -> Step:
        """The step whose prox denoises at a noise level."""
        return level**2 if self.sqrt else level

    def at(self, iteration: int) -> DeepPrior:
        """The function as it is in one iteration, counted from 0."""
        prior = self.prior.at(iteration)
        if prior is self.prior:
            return self
        return type(self)(self.space, prior, self.sigma, self.sqrt)


@register
class UnrolledPrior(DeepPrior):
    """One trained network for each iteration, called with (v, step)."""

    name = "unrolled_prior"
    methods = _SPLITTING


def deep_prior(
    e: Expression,
    denoiser: str | os.PathLike[str] | nn.Module | Callable[..., Tensor] = "drunet_small_color",
    weights: str | os.PathLike[str] | None = None,
    *,
    sigma: float | None = None,
    x8: Symmetries = False,
    clamp: bool = False,
    trainable: bool = False,
    unroll_step: int | None = None,
    sqrt: bool = True,
    averaged: float = 1.0,
    precision: str = "float32",
    tile: int | None = None,
    overlap: int | None = None,
) -> Objective:
    """A prior learned from photographs: wherever its prox is asked for, a denoiser answers.

    prox(v, t) = D(v, σ) with σ = √t. Method "admm" or "hqs" leads σ down from coarse to the noise
    level of the data, with ρ = 2 λ w σ_data² / σ², w the weight of this term and λ = 0.35 for ADMM,
    0.23 for HQS: a weight of 1 balances it with a data term ‖A x − b‖² of weight 1, whatever the
    noise. With ``rho`` given to the solve, σ = √(w/ρ) stays as it is. Methods "admm_vxu", "dr",
    "ladmm", "pdhg" and "pd3o" follow ADMM's course, the last two with the dual step ``weight`` for
    ρ; squares go through one linear system with them too. Method "pgd" or "fista" denoises after
    each gradient step, taken in the metric of the squares plus that ρ, and is "hqs" where all
    other terms are squares; with ``step`` τ given it takes plain gradient steps, and σ = √(τ w)
    stays. The penalty itself has no known value and counts 0 in the objective.

    Args:
        e: a real expression shaped (..., C, H, W); values are expected between 0 and 1.
        denoiser: a name ("drunet_small_color", "ffdnet_color", for grey images "drunet_small",
            "ffdnet", "dncnn"; without learning "nlm", "wavelet", "tv", "bilateral"), a file of
            weights, an nn.Module, or any function (image, sigma) → image.
        weights: a file of weights for the network named.
        sigma: noise level of the data, from 0; None measures it in the data.
        x8: average over the eight symmetries of the square, or take them in turn ("cycle").
        clamp: cut results to 0…1.
        trainable: let gradients reach the network's own numbers.
        unroll_step: so many copies of the network, one for each iteration.
        sqrt: take the root of the prox's step as noise level; otherwise the step itself.
        averaged: θ in (1 − θ) v + θ D(v, σ), above 0, at most 1; below 1 tames a denoiser that
            stretches distances.
        precision: "float32", "bfloat16" or "float16", in which the network computes.
        tile: side in pixels of the pieces that large images are cut into, without a seam; None
            for whole images up to 4 megapixels, 0 for always whole.
        overlap: pixels around a piece; None for as far as the network sees.

    Returns:
        An objective.

    Raises:
        ParameterError: there is no such denoiser, or an option is out of range.
        WeightsError: a file of weights is missing or holds something else.
        ShapeError: e has fewer than two axes.

    Example:
        >>> import dprox_core as dp
        >>> photo = dp.load_image("sample:coffee", size=64)
        >>> kernel = dp.gaussian_psf(size=5, sigma=1.0)
        >>> observed = dp.add_noise(dp.blur(photo, kernel), sigma=0.01)
        >>> x = dp.Variable("x", shape=photo.shape)
        >>> fidelity = dp.sum_squares(dp.conv(x, kernel) - observed)
        >>> restored = dp.Problem(fidelity + dp.deep_prior(x, "dncnn")).solve(method="hqs")[x]
        >>> dp.psnr(restored, photo) > dp.psnr(observed, photo) + 1
        True

    References:
        S. Venkatakrishnan et al., Plug-and-Play Priors for Model Based Reconstruction, 2013; K.
        Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, 2021.
    """
    from dprox_core.priors.prior import load_prior

    _expect_expression("deep_prior", e)
    prior = load_prior(
        denoiser,
        weights,
        x8=x8,
        clamp=clamp,
        trainable=trainable,
        unroll_step=unroll_step,
        precision=precision,
        tile=tile,
        overlap=overlap,
        averaged=averaged,
    )
    objective = make(DeepPrior, e, prior=prior, sigma=sigma, sqrt=sqrt)
    assert isinstance(objective, Objective)
    return objective


def unrolled_prior(
    e: Expression,
    network: str | os.PathLike[str] | nn.Module = "drunet_small_color",
    weights: str | os.PathLike[str] | None = None,
    *,
    steps: int = 8,
    sigma: float | None = None,
) -> Objective:
    """A network for each of a fixed number of iterations, all trained end to end.

    z_k = N_k(v_k, σ_k) in iteration k. The networks start as copies of the one given; a solve of
    this prior runs ``steps`` iterations where nothing else is said, and gradients reach
    ``problem.parameters()``.

    Args:
        e: a real expression shaped (..., C, H, W).
        network: a name, a file of weights, or an nn.Module called with (image, sigma).
        weights: a file of weights for the network named.
        steps: how many iterations, from 1.
        sigma: noise level of the data, from 0; None measures it in the data.

    Returns:
        An objective.

    Raises:
        ParameterError: there is no such network, or it is a function with nothing to train.
        WeightsError: a file of weights is missing or holds something else.
        ShapeError: e has fewer than two axes.

    Example:
        >>> import torch, dprox_core as dp
        >>> observed, truth = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
        >>> x = dp.Variable("x", shape=observed.shape)
        >>> prior = dp.unrolled_prior(x, "dncnn", steps=2)
        >>> problem = dp.Problem(dp.sum_squares(x - observed) + prior)
        >>> loss = (problem.solve(method="hqs")[x] - truth).square().mean()
        >>> loss.backward()
        >>> all(p.grad is not None for p in problem.parameters())
        True

    References:
        C. Mou et al., Deep Generalized Unfolding Networks for Image Restoration, 2022.
    """
    from dprox_core.priors.prior import load_prior

    _expect_expression("unrolled_prior", e)
    whole_number("unrolled_prior: steps", steps, "steps")
    prior = load_prior(
        network,
        weights,
        trainable=True,
        unroll_step=steps,
        tile=0,
    )
    objective = make(UnrolledPrior, e, prior=prior, sigma=sigma)
    assert isinstance(objective, Objective)
    return objective


def _expect_expression(name: str, e: object) -> None:
    if not isinstance(e, (Expression, Objective)):
        raise ParameterError(
            f"{name} takes an expression, such as a variable: to denoise an image, call "
            "denoise(image, ...).",
            expected="an expression",
            got=type(e).__name__,
            where=name,
        )
