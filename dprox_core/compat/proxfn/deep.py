"""Denoisers in the place of a penalty."""

from __future__ import annotations

import copy
import inspect
import warnings
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from dprox_core.compat.proxfn.base import ProxFn, _shallow
from dprox_core.errors import ParameterError
from dprox_core.priors.denoisers import SHIPPED
from dprox_core.priors.prior import Prior, load_prior
from dprox_core.proxfns.base import Objective, make
from dprox_core.proxfns.deep import DeepPrior, UnrolledPrior

__all__ = ["Denoiser", "TVDenoiser", "deep_prior", "get_denoiser", "patch_nlm", "unrolled_prior"]

# The published names whose weights are not to be had here, and the families that come closest,
# best first; the first one that is shipped stands in.
_STAND_IN = {
    "ffdnet": ("ffdnet", "dncnn"),
    "ffdnet_color": ("ffdnet_color", "drunet_small_color", "dncnn"),
    "drunet": ("drunet_small", "ffdnet", "dncnn"),
    "drunet_color": ("drunet_small_color", "ffdnet_color", "dncnn"),
    "ircnn": ("ircnn", "dncnn"),
    "grunet": ("drunet_small", "ffdnet", "dncnn"),
    "unet": ("unet", "drunet_small", "ffdnet", "dncnn"),
}


def stand_in(name: str, weights: Any) -> str:
    """The network that answers to a published name, with a warning where it is another one."""
    if weights is not None or name in SHIPPED or name not in _STAND_IN:
        return name
    chosen = next(n for n in _STAND_IN[name] if n in SHIPPED)
    warnings.warn(
        f'"{name}" comes without weights, so "{chosen}" stands in: give weights="…" with a file, '
        f'or download them once with dprox_core.weights.fetch("{name}").',
        stacklevel=4,
    )
    return chosen


class deep_prior(ProxFn):
    """A prior known by its denoiser: prox(v, lam) = D(v; σ), σ = lam, or √lam where ``sqrt``.

    Args:
        linop: the image.
        denoiser: "ffdnet", "ffdnet_color", "drunet", "drunet_color", "ircnn", "grunet", "unet", any
            name or file that ``dprox_core.deep_prior`` takes, a network or function (v, σ), or an
            object with ``.denoise(v, σ)``.
        x8: one of the eight symmetries of the square after the other, from iteration to iteration.
        clamp: cut results to 0…1.
        trainable: let gradients reach the network's numbers.
        unroll_step: so many copies, one for each iteration.
        sqrt: whether the prox's step is σ² instead of σ.
        weights: a file of weights.
    """

    is_prior = True
    _class: type[DeepPrior] = DeepPrior

    def __init__(
        self,
        linop: Any,
        denoiser: Any = "ffdnet",
        x8: bool = False,
        clamp: bool = False,
        trainable: bool = False,
        unroll_step: int | None = None,
        sqrt: bool = False,
        weights: Any = None,
    ) -> None:
        super().__init__(linop)
        given = denoiser
        if isinstance(denoiser, str):
            given = stand_in(denoiser, weights)
        elif hasattr(denoiser, "denoise"):
            is_module = isinstance(denoiser, nn.Module)
            given = _DenoiseModule(denoiser) if is_module else _Denoise(denoiser)
        elif not callable(denoiser):
            raise ParameterError(
                f"deep_prior: {denoiser!r:.60} is no denoiser: give a name, a network, a function "
                "(v, sigma), or an object with .denoise(v, sigma).",
                expected="a denoiser",
                got=type(denoiser).__name__,
                where="denoiser",
            )
        self._prior = load_prior(
            given,
            weights,
            x8="cycle" if x8 else False,
            clamp=clamp,
            trainable=trainable,
            unroll_step=unroll_step,
        )
        self.sqrt = sqrt
        self._register(self._prior)

    def _register(self, prior: Prior) -> None:
        networks = {id(s): s for s in prior.steps if isinstance(s, nn.Module)}
        self.denoisers = nn.ModuleList(networks.values())

    @property
    def prior(self) -> Prior:
        """The denoiser made ready."""
        return self._prior

    @property
    def denoiser(self) -> Any:
        """The denoiser, as it was given where it is an object or a module."""
        step = self._prior.steps[0]
        return getattr(step, "owner", step)

    @property
    def clamp(self) -> bool:
        """Whether results are cut to 0…1."""
        return self._prior.clamp

    def unrolled(self, count: int) -> deep_prior:
        """The same prior with a copy of its network for each of some iterations."""
        step = self._prior.steps[0]
        if not isinstance(step, nn.Module):
            return self
        other = _shallow(self)
        assert isinstance(other, deep_prior)
        copies = (step, *(copy.deepcopy(step) for _ in range(count - 1)))
        other._prior = replace(self._prior, steps=copies, _cache={})
        other._origin = self
        other._register(other._prior)
        return other

    def level(self, lam: Any) -> Any:
        """σ for a step of the prox."""
        return lam**0.5 if self.sqrt else lam

    def step_of(self, sigma: Any) -> Any:
        """The step of the prox for σ."""
        return sigma**2 if self.sqrt else sigma

    def _function(self, expression: Any) -> Objective:
        objective = make(self._class, expression, prior=self._prior, sigma=None, sqrt=True)
        assert isinstance(objective, Objective)
        return objective

    def _prox(self, v: torch.Tensor, lam: Any) -> torch.Tensor:
        """D of the real part: denoisers take real pictures."""
        return self._prior.at(self.step)(v.real, self.level(lam)).to(v.dtype)


@dataclass(frozen=True)
class _Counted(Prior):
    """A network that is told which iteration it is, from 0, in place of a noise level."""

    def at(self, iteration: int) -> Prior:
        return self if iteration == self.turn else replace(self, turn=iteration)

    def _network(
        self, network: nn.Module, image: torch.Tensor, sigma: float | torch.Tensor
    ) -> torch.Tensor:
        return super()._network(network, image, self.turn)


class unrolled_prior(deep_prior):
    """A network for each iteration, trained end to end.

    Args:
        linop: the image.
        denoiser: a name or a file, of which there are ``steps`` copies; or a network of your own,
            called with (v, k), where k counts iterations from 0, so that one module holds what
            differs among them, or its class, or a function that makes it and needs no argument;
            None for "ffdnet_color".
        trainable: kept for old scripts: it always is.
        steps: how many copies there are.
        weights: a file of weights to start from.

    References:
        C. Mou et al., Deep Generalized Unfolding Networks for Image Restoration, 2022.
    """

    _class = UnrolledPrior

    def __init__(
        self,
        linop: Any,
        denoiser: Any = None,
        trainable: bool = True,
        steps: int = 8,
        weights: Any = None,
    ) -> None:
        denoiser = _made(denoiser)
        own = isinstance(denoiser, nn.Module)
        super().__init__(
            linop,
            "ffdnet_color" if denoiser is None else _Called(denoiser) if own else denoiser,
            trainable=True,
            unroll_step=None if own else steps,
            weights=weights,
        )
        if own:
            self._prior = _Counted(self._prior.text, self._prior.steps, trainable=True, tile=0)
        self.steps = steps

    def unrolled(self, count: int) -> deep_prior:
        """The same prior where its network counts iterations, as that of ``deep_prior`` else."""
        return self if isinstance(self._prior, _Counted) else super().unrolled(count)


class patch_nlm(deep_prior):
    """Non-local means as a prior, σ = √lam; grey and colour images alike.

    Args:
        linop: the image.
    """

    def __init__(self, linop: Any) -> None:
        super().__init__(linop, "nlm", sqrt=True)


class Denoiser(nn.Module):
    """The base of denoisers of one's own.

    A class gives ``_denoise(input, sigma)``.
    """

    def denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The picture without its noise.

        Args:
            input: (B, C, H, W).
            sigma: the noise level.
        """
        found: torch.Tensor = self._denoise(input, torch.as_tensor(sigma).reshape(-1, 1, 1, 1))
        return found

    def _denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError(f"{type(self).__name__} gives no _denoise")

    def forward(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """``denoise``."""
        return self.denoise(input, sigma)


class Denoiser2D(Denoiser):
    """The base of denoisers of grey pictures: each channel is denoised by itself."""

    def denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """The picture without its noise, channel by channel."""
        level = torch.as_tensor(sigma).reshape(-1, 1, 1, 1)
        return torch.cat([self._denoise(c, level) for c in input.split(1, dim=1)], dim=1)


class TVDenoiser(Denoiser):
    """Total variation as a denoiser.

    Args:
        iter_num: kept for old scripts: it is solved until it has converged.
        use_3dtv: kept for old scripts.
    """

    def __init__(self, iter_num: int = 5, use_3dtv: bool = False) -> None:
        super().__init__()
        self._prior = load_prior("tv", None)

    def _denoise(self, input: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        level = sigma.reshape(-1)
        return self._prior(input, level[0] if level.numel() == 1 else level)


def get_denoiser(type: str) -> Any:
    """What ``deep_prior`` takes for a name."""
    return load_prior(stand_in(type, None), None)


class _Denoise:
    """An object with ``.denoise`` as a function of (v, σ)."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.__name__ = type(owner).__name__

    def __call__(self, v: torch.Tensor, sigma: Any) -> torch.Tensor:
        level = sigma if isinstance(sigma, torch.Tensor) else torch.tensor(sigma, dtype=v.dtype)
        result: torch.Tensor = self.owner.denoise(v, level.to(v.device))
        return result


def _made(denoiser: Any) -> Any:
    """A network from its class, or from what makes it without being given anything."""
    if isinstance(denoiser, nn.Module) or not callable(denoiser):
        return denoiser
    needed = [
        p
        for p in inspect.signature(denoiser).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return denoiser if needed else denoiser()


class _Called(nn.Module):
    """A module that is called, whatever other methods it has."""

    def __init__(self, owner: nn.Module) -> None:
        super().__init__()
        self.owner = owner
        self.__name__ = type(owner).__name__

    def forward(self, v: torch.Tensor, step: int) -> torch.Tensor:
        """The owner's."""
        result: torch.Tensor = self.owner(v, step)
        return result


class _DenoiseModule(nn.Module):
    """A module with ``.denoise`` as a module of (v, σ), so that its numbers can be trained."""

    def __init__(self, owner: nn.Module) -> None:
        super().__init__()
        self.owner = owner
        self.__name__ = type(owner).__name__
        self._call = (_Denoise(owner),)

    def forward(self, v: torch.Tensor, sigma: Any) -> torch.Tensor:
        """The owner's ``denoise``."""
        return self._call[0](v, sigma)
