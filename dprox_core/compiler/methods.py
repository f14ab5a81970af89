"""The methods: how each is built from a model, and what its plan says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dprox_core.algorithms.admm import Admm
from dprox_core.algorithms.base import Algorithm
from dprox_core.algorithms.fista import Fista
from dprox_core.algorithms.ladmm import Ladmm
from dprox_core.algorithms.pgd import Pgd
from dprox_core.algorithms.plug_and_play import PlugAndPlay
from dprox_core.algorithms.plug_and_play_gradient import PlugAndPlayGradient
from dprox_core.algorithms.primal_dual import PD3O_OPTIONS, PDHG_OPTIONS
from dprox_core.algorithms.splitting import AdmmVxu, DouglasRachford, Hqs
from dprox_core.compiler.build_admm import build_admm
from dprox_core.compiler.build_gradient import build_fista, build_pgd
from dprox_core.compiler.build_plug_and_play import build_plug_and_play, has_prior
from dprox_core.compiler.build_plug_and_play_gradient import build_plug_and_play_gradient
from dprox_core.compiler.build_primal_dual import build_ladmm, build_pd3o, build_pdhg
from dprox_core.compiler.build_splitting import build_admm_vxu, build_dr, build_hqs
from dprox_core.compiler.plan import Plan
from dprox_core.compiler.shared import Request
from dprox_core.errors import ParameterError

__all__ = ["ALIASES", "METHODS"]

Builder = Callable[[Request], tuple[Algorithm[Any], Plan]]

_COURSE = {"sigmas": None, "steps": None}


def _hqs(request: Request) -> tuple[Algorithm[Any], Plan]:
    if has_prior(request.model):
        if request.options.get("dual_step") is not None:
            raise ParameterError(
                'dual_step belongs to hqs without deep priors: leave it out, or take "admm", which '
                "has duals.",
                expected=None,
                got=request.options["dual_step"],
                where="dual_step",
            )
        return build_plug_and_play(request, "hqs")
    _refuse_courses(request)
    return build_hqs(request)


def _pgd(request: Request) -> tuple[Algorithm[Any], Plan]:
    if has_prior(request.model):
        return build_plug_and_play_gradient(request, "pgd")
    _refuse_courses(request)
    return build_pgd(request)


def _with_priors(method: str, plain: Builder) -> Builder:
    """The builder of a method that only splits off a denoiser otherwise than a prox."""

    def build(request: Request) -> tuple[Algorithm[Any], Plan]:
        if has_prior(request.model):
            return build_plug_and_play(request, method)
        _refuse_courses(request)
        return plain(request)

    return build


def _fista(request: Request) -> tuple[Algorithm[Any], Plan]:
    if has_prior(request.model):
        return build_plug_and_play_gradient(request, "fista")
    _refuse_courses(request)
    return build_fista(request)


def _refuse_courses(request: Request) -> None:
    for name in ("sigmas", "steps"):
        if request.options.get(name) is not None:
            raise ParameterError(
                f"{name} belongs to deep priors, and this problem has none: leave it out.",
                expected=None,
                got=request.options[name],
                where=name,
            )


def _both(*options: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for held in options for name in held))


METHODS: Mapping[str, tuple[tuple[str, ...], Builder]] = {
    "admm": (_both(Admm.options, PlugAndPlay.options), _with_priors("admm", build_admm)),
    "admm_vxu": (_both(AdmmVxu.options, _COURSE), _with_priors("admm_vxu", build_admm_vxu)),
    "ladmm": (_both(Ladmm.options, _COURSE), _with_priors("ladmm", build_ladmm)),
    "hqs": (_both(Hqs.options, PlugAndPlay.options), _hqs),
    "pdhg": (_both(PDHG_OPTIONS, _COURSE), _with_priors("pdhg", build_pdhg)),
    "pgd": (_both(Pgd.options, PlugAndPlayGradient.options), _pgd),
    "fista": (_both(Fista.options, PlugAndPlayGradient.options), _fista),
    "dr": (_both(DouglasRachford.options, _COURSE), _with_priors("dr", build_dr)),
    "pd3o": (_both(PD3O_OPTIONS, _COURSE), _with_priors("pd3o", build_pd3o)),
}
"""Method name → its options' names, and what builds it."""

ALIASES: Mapping[str, str] = {"pc": "pdhg"}
"""Further names: the published reference calls PDHG after Pock and Chambolle."""
